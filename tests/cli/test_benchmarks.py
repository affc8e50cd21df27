"""Histories of plain benchmarks, and of benchmarks beside profiles, in every command that shows or compares runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perfdb import store
from perfdb.profile import Caveat, Machine
from tests.cli.conftest import Run
from tests.conftest import GitRepo
from tests.measured import COUNTER, MEMORY, RATE, WALL, Metrics, measurements, write_benchmark
from tests.store.profiles import new_run, profile

NOISY = Caveat("scaling", "the processors changed their speed as they liked")


class Book:
    """A repository with the commits `First` and `Second`, and a history of it."""

    def __init__(self, repo: GitRepo) -> None:
        self.repo = repo
        self.first = repo.commit({"app.cpp": "1\n", ".gitignore": "artifacts/\n*.json\n*.html\n"}, "First")
        self.second = repo.commit({"app.cpp": "2\n"}, "Second")
        self.path = repo.path / "artifacts" / "perfdb.duckdb"
        self._random = np.random.default_rng(1)
        self._at = 0

    def bench(self, commit: str, means: Mapping[str, Metrics], runs: int = 4, **more: Any) -> None:
        """So many runs of benchmarks, whose repetitions and runs vary by a percent."""
        with store.opened_for_write(self.path) as connection:
            for _ in range(runs):
                for example, metrics in means.items():
                    self._at += 1
                    write_benchmark(connection, commit, example, self._noisy(metrics), at=self._at, **more)

    def profile(self, commit: str, example: str, work_ms: int, memory: float, runs: int = 4) -> None:
        """So many profiles of a program, whose peak memory was measured too."""
        with store.opened_for_write(self.path) as connection:
            for _ in range(runs):
                self._at += 1
                count = int(self._random.poisson(work_ms))
                read = profile({"app.exe": (("app.exe!main;a.dll!work", count),)}, source=f"{self._at}.etl")
                measured = measurements(self._noisy({MEMORY: [memory], ("exit_code", ""): [0]}))
                run = new_run(commit, example, measurements=measured, build="Release")
                store.write_run(connection, read, run)

    def _noisy(self, metrics: Metrics) -> Metrics:
        speed = self._random.lognormal(0, 0.01)
        return {
            key: [value * speed * self._random.lognormal(0, 0.01) if key[1] else value for value in values]
            for key, values in metrics.items()
        }


def means(factor: float = 1.0) -> dict[str, Metrics]:
    """Three benchmarks, of which one is `factor` times as slow."""
    return {
        "BM_parse/64": {WALL: [1.2e-5 * factor] * 3, RATE: [5e9 / factor] * 3, COUNTER: [7] * 3},
        "BM_copy": {WALL: [812.0] * 3},
        "BM_sort": {WALL: [0.5] * 3},
    }


@pytest.fixture
def book(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> Book:
    monkeypatch.chdir(git_repo.path)
    return Book(git_repo)


@pytest.fixture
def slower(book: Book) -> Book:
    """Four runs a side of three benchmarks, of which one takes 1.3 times as long."""
    book.bench(book.first, means())
    book.bench(book.second, means(1.3))
    return book


@pytest.fixture
def both(slower: Book) -> Book:
    """The same with a profiled example, whose memory grew."""
    slower.profile(slower.first, "app", 400, 1e8)
    slower.profile(slower.second, "app", 400, 2e8)
    return slower


def diff(perfdb: Run, *words: str) -> dict[str, Any]:
    ran = perfdb("diff", "HEAD~", "HEAD", "--json", *words)
    assert (0, "") == (ran.code, ran.err)
    found: dict[str, Any] = json.loads(ran.out)
    return found


def verdicts(data: dict[str, Any]) -> dict[str, str]:
    return {each["example"]: each["total"]["verdict"] for each in data["examples"]}


def lines_with(text: str, *words: str) -> Sequence[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


# ---- diff ------------------------------------------------------------------------------------------------------------


def test_benchmarks_are_compared_as_profiles_are(perfdb: Run, slower: Book) -> None:
    assert {"BM_parse/64": "regressed", "BM_copy": "equal", "BM_sort": "equal"} == verdicts(diff(perfdb))

    ran = perfdb("diff", "HEAD~", "HEAD")

    assert "1 of 3 examples regressed, 2 shown equal" in ran.out
    assert "benchmarks  (3 examples, 4 v 4 runs each)" in ran.out
    time, rate, *_ = lines_with(ran.out, "BM_parse/64")
    assert " ns ±" in time
    assert " GiB/s ±" in rate
    assert (True, True) == (time.endswith("regressed"), rate.endswith("regressed"))


def test_top_cuts_the_table_and_not_the_data(perfdb: Run, slower: Book) -> None:
    ran = perfdb("diff", "HEAD~", "HEAD", "--top", "1")

    assert "5 metrics: 2 regressed, 2 shown equal, 1 without a verdict; the first is shown" in ran.out
    assert 1 == len(lines_with(ran.out, "BM_"))
    assert 5 == sum(len(each["measured"]) for each in diff(perfdb, "--top", "1")["examples"])


def test_a_replay_gives_the_same_answer(perfdb: Run, both: Book) -> None:
    (both.repo.path / "diff.json").write_text(perfdb("diff", "HEAD~", "HEAD", "--json").out, encoding="utf-8")

    ran = perfdb("diff", "--replay", "diff.json", "--json")

    assert "the same answer as in the file\n" == ran.err
    assert (both.repo.path / "diff.json").read_text(encoding="utf-8") == ran.out


def test_a_replay_tells_verdicts_on_metrics_that_differ(perfdb: Run, slower: Book) -> None:
    data = diff(perfdb)
    data["examples"][1]["measured"][1]["verdict"] = "improved"
    (slower.repo.path / "diff.json").write_text(json.dumps(data), encoding="utf-8")

    ran = perfdb("diff", "--replay", "diff.json")

    assert "! BM_parse/64: bytes_per_second: was improved, is regressed\n" == ran.err


def test_profiles_and_benchmarks_of_one_revision_are_told_together(perfdb: Run, both: Book) -> None:
    ran = perfdb("diff", "HEAD~", "HEAD")

    assert "1 of 4 examples regressed" in ran.out
    assert ran.out.index("app  (4 v 4 runs)") < ran.out.index("benchmarks  (3 examples")
    (memory,) = lines_with(ran.out, "peak_memory")
    assert memory.endswith("regressed")
    assert "a.dll!work" in ran.out
    assert "exit_code" not in ran.out


def test_one_run_a_side_is_warned_of_once_and_earlier_runs_help(perfdb: Run, book: Book) -> None:
    book.bench(book.first, means(), runs=1)
    book.bench(book.second, means(1.3), runs=1)

    ran = perfdb("diff", "HEAD~", "HEAD")

    assert 1 == ran.out.count("repetitions within a run do not tell how runs vary")
    assert "! 3 of 3 examples have one run a side and no earlier runs" in ran.out
    assert {"inconclusive"} == set(verdicts(diff(perfdb)).values())

    third = book.repo.commit({"app.cpp": "3\n"}, "Third")
    book.bench(book.first, means(), runs=12)
    book.bench(third, means(2), runs=1)
    data = diff(perfdb)

    assert "regressed" == verdicts(data)["BM_parse/64"]
    assert [13] * 3 == [len(each["runs"]["history"]) for each in data["examples"]]
    assert "repetitions within" not in perfdb("diff", "HEAD~", "HEAD").out


def test_a_profile_is_never_compared_with_a_benchmark(perfdb: Run, book: Book) -> None:
    book.profile(book.first, "app", 400, 1e8)
    book.bench(book.second, {"app": {WALL: [400.0], MEMORY: [1e8]}})

    ran = perfdb("diff", "HEAD~", "HEAD")

    assert (0, "") == (ran.code, ran.err)
    assert "not comparable: baseline has profiles, contender results of benchmarks" in ran.out
    assert 1 == len(lines_with(ran.out, "peak_memory", "not comparable"))
    assert "a.dll" not in ran.out


def test_the_kind_that_both_sides_have_is_compared(perfdb: Run, book: Book) -> None:
    book.profile(book.first, "app", 400, 1e8)
    book.bench(book.first, {"app": {WALL: [400.0]}})
    book.bench(book.second, {"app": {WALL: [520.0]}})

    data = diff(perfdb)

    assert {"app": "regressed"} == verdicts(data)
    assert 4 == len(data["examples"][0]["runs"]["set_aside"])
    assert "is a profile; compared are results of benchmarks" in perfdb("diff", "HEAD~", "HEAD").out


def test_another_machine_is_told_once_for_all_benchmarks(perfdb: Run, book: Book) -> None:
    book.bench(book.first, means())
    book.bench(book.second, means(1.3), machine=Machine("LAPTOP", "Linux", "Intel i7", 8))

    ran = perfdb("diff", "HEAD~", "HEAD")

    assert "3 of 3 examples not comparable" in ran.out
    assert 1 == ran.out.count("what the machines do and what the commits do cannot be told apart")


def test_a_process_is_asked_for_by_the_program_of_the_benchmark(perfdb: Run, both: Book) -> None:
    assert {"BM_copy", "BM_parse/64", "BM_sort"} == set(verdicts(diff(perfdb, "--process", "bench")))
    assert {"app"} == set(verdicts(diff(perfdb, "--process", "app.exe")))

    ran = perfdb("diff", "HEAD~", "HEAD", "--process", "other")

    assert 3 == ran.code
    assert "asked for process other, found none in these runs. The busiest are app.exe, bench." in ran.err


# ---- gates -----------------------------------------------------------------------------------------------------------


def test_gates_look_at_metrics(perfdb: Run, both: Book) -> None:
    total = perfdb("diff", "HEAD~", "HEAD", "--fail-on", "total")
    regressed = perfdb("diff", "HEAD~", "HEAD", "--fail-on", "regressed")

    assert (1, 1) == (total.code, regressed.code)
    assert "gate failed (total): BM_parse/64: wall_time +" in total.err
    assert "peak_memory" not in total.err
    assert "app: peak_memory +" in regressed.err
    assert "BM_parse/64: bytes_per_second -2" in regressed.err


def test_limits_hold_for_metrics_too(perfdb: Run, both: Book) -> None:
    (both.repo.path / "perfdb.toml").write_text(
        '[[gate.limit]]\nexample = "BM_*"\nallow = "50%"\n\n[[gate.limit]]\nmetric = "peak_memory"\nallow = "any"\n'
    )

    assert 0 == perfdb("diff", "HEAD~", "HEAD", "--fail-on", "regressed").code

    (both.repo.path / "perfdb.toml").write_text('[[gate.limit]]\nmetric = "x"\nmodule = "a.dll"\nallow = "50%"\n')
    ran = perfdb("diff", "HEAD~", "HEAD", "--fail-on", "regressed")
    assert 2 <= ran.code
    assert "no metric is one of a module or function" in ran.err


# ---- show and runs ---------------------------------------------------------------------------------------------------


def test_show_tells_what_was_measured(perfdb: Run, slower: Book) -> None:
    slower.bench(slower.second, {"BM_one": {WALL: [0.001, 0.003, 0.002]}}, runs=1, caveats=(NOISY,))

    ran = perfdb("show", "HEAD")

    assert (0, "") == (ran.code, ran.err)
    assert "benchmarks  (4 examples)" in ran.out
    assert "! 1 of 4 examples: the processors changed their speed as they liked" in ran.out
    assert 6 == len(lines_with(ran.out, "BM_"))
    (wall,) = lines_with(perfdb("show", "HEAD", "--example", "BM_copy").out, "wall_time")
    assert 12 == int(wall.split()[1])
    assert "CPU" not in ran.out


def test_show_cuts_and_counts(perfdb: Run, slower: Book) -> None:
    ran = perfdb("show", "HEAD", "--top", "2")

    assert "the first 2 of 5 metrics" in ran.out
    assert 2 == len(lines_with(ran.out, "BM_"))


def test_show_of_one_run_tells_the_range_of_its_repetitions(perfdb: Run, book: Book) -> None:
    with store.opened_for_write(book.path) as connection:
        run_id = write_benchmark(connection, book.first, "BM_x", {WALL: [0.001, 0.002, 0.009], COUNTER: [3]})

    ran = perfdb("show", run_id)

    assert "a benchmark's result, on BOX" in ran.out
    (wall,) = lines_with(ran.out, "wall_time")
    assert ["wall_time", "3", "2.000", "µs", "4.000", "µs", "1.000", "µs", "9.000", "µs"] == wall.split()
    (hits,) = lines_with(ran.out, "hits")
    assert ["hits", "1", "3", "3", "3", "3"] == hits.split()
    (example,) = json.loads(perfdb("show", run_id, "--format", "json").out)["examples"]
    expected = {"metric": "wall_time", "unit": "ms", "runs": 1, "repetitions": 3, "median": 0.002, "least": 0.001}
    assert (None, []) == (example["cpu_ms"], example["modules"])
    assert expected.items() <= example["metrics"][0].items()
    assert "BM_x,metric,,,,,,,1,wall_time,ms,3,0.002,0.004,0.001,0.009" in perfdb("show", run_id, "--format", "csv").out


def test_show_of_a_profile_tells_its_metrics_in_a_line(perfdb: Run, both: Book) -> None:
    ran = perfdb("show", "HEAD", "--example", "app")

    assert 1 == len(lines_with(ran.out, "measured: peak memory 1", "MiB ±", "exit code 0"))
    assert "a.dll!work" in ran.out


def test_show_of_both_kinds_of_one_example_shows_the_profiles_and_says_so(perfdb: Run, both: Book) -> None:
    both.bench(both.second, {"app": {WALL: [5.0]}}, runs=2)

    ran = perfdb("show", "HEAD", "--example", "app")

    assert "app  (4 runs)" in ran.out
    assert "! 2 runs without samples, results of a benchmark, not shown beside the profiles" in ran.out


def test_runs_tell_the_first_metric_of_a_benchmark(perfdb: Run, both: Book) -> None:
    alone = perfdb("runs", "--example", "BM_copy")
    all_runs = perfdb("runs")

    assert 8 == len(lines_with(alone.out, " ms wall time"))
    assert "samples" not in alone.out
    (bench, *_), (app, *_) = lines_with(all_runs.out, "BM_copy"), lines_with(all_runs.out, " app ")
    assert 2 <= bench.split().count("-")
    assert "wall time" not in app
    record = json.loads(perfdb("runs", "--example", "BM_parse/64", "--format", "json").out)[0]
    assert ("measured", None, None) == (record["detail"], record["samples"], record["cpu_ms"])
    assert ["wall_time", "bytes_per_second", "hits"] == [each.partition("=")[0] for each in record["measured"]]


# ---- reports, and what benchmarks do not have ------------------------------------------------------------------------


def test_reports_of_benchmarks_are_written(perfdb: Run, both: Book) -> None:
    markdown = perfdb("report", "regressions", "HEAD~", "HEAD")
    assert (0, "") == (markdown.code, markdown.err)
    assert "### Benchmarks: 3 examples" in markdown.out
    for words in (
        ("report", "regressions", "HEAD~", "HEAD", "-o", "a.html"),
        ("report", "regressions", "HEAD~", "HEAD", "-o", "a.json"),
        ("report", "page", "HEAD", "-o", "b.html"),
        ("report", "page", "HEAD", "--against", "HEAD~", "-o", "c.html"),
        ("report", "page", "HEAD", "--example", "BM_copy", "-o", "d.html"),
    ):
        assert 0 == perfdb(*words).code, words
    for name in "abcd":
        assert "BM_copy" in (both.repo.path / f"{name}.html").read_text(encoding="utf-8"), name
    assert "812" in (both.repo.path / "d.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("export", "HEAD", "--as", "folded"), 4, "found results of benchmarks only, which have none. `perfdb show`"),
        (("impact", "HEAD~", "HEAD"), 4, "which have no modules or functions. perfdb diff HEAD~ HEAD compares"),
        (("impact", "HEAD~", "HEAD", "--target", "a.dll"), 4, "which have no modules or functions"),
        (("report", "page", "HEAD", "--against", "HEAD~", "--target", "a.dll"), 4, "have no modules or functions"),
        (("report", "analyze", "HEAD"), 4, "which do not tell where the time goes. perfdb show HEAD tells"),
        (("symbolicate", "HEAD"), 3, "have no addresses to look up"),
    ],
)
def test_what_benchmarks_do_not_have_is_said_in_a_sentence(
    perfdb: Run, slower: Book, words: tuple[str, ...], code: int, says: str
) -> None:
    ran = perfdb(*words)

    assert (code, "") == (ran.code, ran.out)
    assert says in ran.err
    assert 1 == len(ran.err.splitlines())


def test_of_both_kinds_the_profiles_answer(perfdb: Run, both: Book) -> None:
    impact = perfdb("impact", "HEAD~", "HEAD", "--target", "a.dll")
    assert 0 == impact.code
    assert "have no modules or functions: BM_copy, BM_parse/64, BM_sort" in impact.out
    exported = perfdb("export", "HEAD", "--as", "folded")
    assert "app.exe!main;a.dll!work" in exported.out
    assert "12 of 16 runs have no stacks and were left out" in exported.err
    analyzed = perfdb("report", "analyze", "HEAD", "-o", str(Path("analysis")))
    assert 0 == analyzed.code
    assert "note: 12 runs left out, results of benchmarks" in analyzed.err
    summary = (both.repo.path / "analysis" / "app_summary.txt").read_text(encoding="utf-8")
    assert "peak_memory" in summary
    assert "BM_" not in summary
