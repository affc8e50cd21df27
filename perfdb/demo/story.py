"""The demo's story: a team optimises its indexer on a branch, and asks perfdb what that brought."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from perfdb.api import open_history
from perfdb.api.record import RecordRequest
from perfdb.demo.etl_writer import write_etl
from perfdb.demo.indexer import BULK_INSERT, SAMPLES, trace_of_run
from perfdb.demo.indexer_code import MODULES, OWN_MODULES, build_pdb
from perfdb.demo.pdb_writer import write_pdb
from perfdb.errors import InputError, MissingToolError
from perfdb.report import render
from perfdb.report.of_diff import diff_report
from perfdb.report.of_record import outcome_line

RUNS_A_SIDE = 3

SETTINGS = """# Where perfdb looks for the names of functions: what the builds leave, and a symbol store for the rest.
[symbols]
path = ["build", "srv*symbols"]
"""

STARTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

COMMITS = (
    ("main", "Index classes and their members"),
    ("main", "Index templates and their instances"),
    (BULK_INSERT, "Collect rows before they are written"),
    (BULK_INSERT, "Insert rows in bulk"),
)


def run_demo(keep: Path | None, say: Callable[[str], None]) -> Path:
    """Make the demo in `keep`, or in a new temporary folder, telling what happens; returns the folder.

    Raises InputError where the folder is not empty, MissingToolError where there is no git.
    """
    folder = _folder(keep)
    say(f"1. A repository with two branches, in {folder}")
    heads = _make_repository(folder)
    count = len(SAMPLES) * RUNS_A_SIDE * len(heads)
    say(f"2. {count} traces of {', '.join(SAMPLES)}: {RUNS_A_SIDE} runs each on {' and on '.join(heads)}")
    traces = {branch: _make_traces(folder, branch) for branch in heads}
    for branch in heads:
        make_symbols(folder, branch)
    say("3. perfdb record, for each branch")
    history = open_history(folder / "artifacts" / "perfdb.duckdb", cwd=folder)
    for branch, paths in traces.items():
        for outcome in history.record_each(RecordRequest(tuple(map(str, paths)), commit=heads[branch], build="Debug")):
            if outcome.status == "failed":
                raise InputError(outcome.message)
            say(f"   {outcome_line(outcome)}")
    say(f"4. perfdb diff main {BULK_INSERT}\n")
    comparison = history.diff("main", BULK_INSERT).cut(7)
    say(render(diff_report(comparison), "table", shutil.get_terminal_size().columns if sys.stdout.isatty() else None))
    say(_what_next(folder))
    return folder


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="perfdb-demo-"))
    try:
        return _empty_folder(keep)
    except OSError as problem:
        raise InputError(
            f"asked to make the demo in {keep}, found that it cannot be ({problem.strerror}). "
            "Name another folder with --keep."
        ) from problem


def _empty_folder(keep: Path) -> Path:
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise InputError(
            f"asked to make the demo in {keep}, found that it is not empty. Name a new folder with --keep."
        )
    keep.mkdir(parents=True, exist_ok=True)
    return keep.absolute()


def _make_repository(folder: Path) -> dict[str, str]:
    """A repository with the story's commits; the hash of each branch's head."""
    if shutil.which("git") is None:
        raise MissingToolError(
            "the demo makes a git repository, and found no git on this machine. "
            "Install git and run `perfdb demo` again."
        )
    _git(folder, 0, "init", "--quiet", "--initial-branch=main")
    (folder / ".gitignore").write_text("artifacts/\nbuild/\nsymbols/\n", encoding="utf-8")
    (folder / "perfdb.toml").write_text(SETTINGS, encoding="utf-8")
    heads: dict[str, str] = {}
    for number, (branch, subject) in enumerate(COMMITS):
        if branch not in heads and number:
            _git(folder, number, "checkout", "--quiet", "-b", branch)
        (folder / "indexer.cpp").write_text(f"// {subject}\n", encoding="utf-8")
        _git(folder, number, "add", ".")
        _git(folder, number, "commit", "--quiet", "--message", subject)
        heads[branch] = _git(folder, number, "rev-parse", "HEAD").strip()
    return heads


def _git(folder: Path, number: int, *arguments: str) -> str:
    """Run git with an author and a date of its own, and without the user's settings.

    The demo is the same for everybody.
    """
    when = (STARTED + timedelta(days=number)).isoformat()
    who = {"GIT_AUTHOR_NAME": "perfdb demo", "GIT_AUTHOR_EMAIL": "demo@perfdb.invalid"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= who | {
        "GIT_AUTHOR_DATE": when,
        "GIT_COMMITTER_DATE": when,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MissingToolError(f"the demo asked `git {arguments[0]}`, found that git refuses: {done.stderr.strip()}")
    return done.stdout


def _make_traces(folder: Path, branch: str) -> list[Path]:
    """The traces of one branch, compressed and not, as etwprof and xperf leave them."""
    place = folder / "artifacts" / "profile" / branch
    place.mkdir(parents=True)
    paths = []
    for number, example in enumerate(SAMPLES):
        for run in range(RUNS_A_SIDE):
            started = STARTED + timedelta(days=3 * (branch == BULK_INSERT), minutes=10 * (number * RUNS_A_SIDE + run))
            seed = 1_000 * (branch == BULK_INSERT) + 10 * number + run
            path = place / f"dosatsu_profile_{example}_{started:%Y%m%d_%H%M%S}.etl"
            path.write_bytes(write_etl(trace_of_run(example, branch, started, seed)))
            paths.append(path)
    return paths


def make_symbols(folder: Path, branch: str) -> None:
    """The PDBs of a branch: those of its build beside the program, those of others in a symbol store."""
    for module in MODULES:
        spec, name = build_pdb(module, branch), Path(module).with_suffix(".pdb").name
        store = folder / "symbols" / name / spec.debug_id.upper()
        place = folder / "build" / branch if module in OWN_MODULES else store
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(write_pdb(spec))


def _what_next(folder: Path) -> str:
    program = "perfdb" if shutil.which("perfdb") else _program()
    return "\n".join(
        (
            "Try next:",
            f"  cd {shlex.quote(str(folder))}",
            f"  {program} diff main...{BULK_INSERT} --example templates --by module",
            f"  {program} impact main {BULK_INSERT} --target kuzu_shared.dll",
            f"  {program} report page {BULK_INSERT} --against main -o page.html    # and open it in a browser",
            f"  {program} query hotspots --param commit={BULK_INSERT} --param example=templates",
            f'  {program} sql "SELECT example, module, round(avg(exclusive_ms), 1) AS ms FROM module_cost '
            'WHERE is_main_process GROUP BY ALL ORDER BY ms DESC LIMIT 5"',
            "The folder is yours; delete it when you are done.",
        )
    )


def _program() -> str:
    """How this program was called, in words that work from another folder."""
    called = Path(sys.argv[0]).absolute()
    return f"{shlex.quote(sys.executable)} -m perfdb" if called.name == "__main__.py" else shlex.quote(str(called))
