"""A project whose settings name a program that stands in for xperf, and what that program may play."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.collect.stand_in import Play, stand_in
from tests.readers import dumpers
from tests.traces import small_trace

DUMP = dumpers.dump(
    dumpers.sample(1000, 0x140001010, "app.exe!work"),
    dumpers.stack(1000, (0x140001010, "app.exe!work"), (0x140002000, "app.exe!main")),
    dumpers.sample(2000, 0x140001020, "app.exe!work"),
    dumpers.stack(2000, (0x140001020, "app.exe!work"), (0x140002000, "app.exe!main")),
    dumpers.sample(3000, 0x140002010, "app.exe!main"),
    dumpers.idle(4000),
).decode("latin-1")
"""Three samples of work: two in `work`, called by `main`, and one of which the leaf alone is known."""

LOST = (
    "\t\t6728 Events were lost in this trace.  Data may be unreliable.\n"
    "This is usually caused by insufficient disk bandwidth for ETW logging.\n"
    "Please try increasing the minimum and maximum number of buffers.\n"
)
SUMMARY = " StartTime,   EndTime,  Cpu 0\r\n         0,   1000000,  94.74\r\n"
DETAIL = "   Process Name ( PID),     Weight,    Usage %,          Module Name!Function Name\r\n"
BUTTERFLY = "<html><head><title>Stack Report</title></head><body><a id='#SN1'>a</a></body></html>"
REPORTS = {"profile": Play(SUMMARY), "profile_detail": Play(DETAIL), "stack": Play(BUTTERFLY)}


class Project:
    """The current folder, with a trace, a stand-in for xperf, settings that name it, and a temporary folder."""

    def __init__(self, folder: Path, perfdb: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.perfdb = perfdb
        self.trace = folder / "traces" / "app.etl"
        self.trace.parent.mkdir()
        self.trace.write_bytes(small_trace())
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.program = folder / "nothing"
        monkeypatch.chdir(folder)
        monkeypatch.setattr(tempfile, "tempdir", str(self.temporary))
        for name in ("_NT_SYMBOL_PATH", "_NT_SYMCACHE_PATH"):
            monkeypatch.delenv(name, raising=False)

    def with_xperf(self, plays: Play | Mapping[str, Play], settings: str = "symbol_path = 'build'") -> None:
        """Let xperf be the stand-in, which plays what it is told, by its action or always the same."""
        self.program = stand_in(self.folder / "wpt", plays)
        toml = f"[xperf]\nprogram = 'wpt/{self.program.name}'\n{settings}\n"
        (self.folder / "perfdb.toml").write_text(toml)

    def record(self, *words: str | Path) -> tuple[int, str, str]:
        """Exit code, output and messages of recording the trace by way of xperf."""
        ran = self.perfdb("record", *(words or (self.trace,)), "--via", "xperf", "--commit", "c1")
        return ran.code, ran.out, ran.err

    def failure(self) -> str:
        """What is said of the one trace that cannot be recorded; nothing is recorded, and nothing left."""
        code, out, err = self.record()

        assert (3, "") == (code, out)
        assert err.startswith("error: app.etl: ")
        assert err.count("\n") == 1
        assert not (self.folder / "artifacts").exists()
        assert [] == list(self.temporary.iterdir())
        assert [self.trace] == list(self.trace.parent.iterdir())
        return err.removeprefix("error: app.etl: ").rstrip("\n")

    def sql(self, statement: str) -> list[dict[str, object]]:
        """Rows of the history."""
        rows: list[dict[str, object]] = json.loads(self.perfdb("sql", statement, "--format", "json").out)
        return rows
