"""`perfdb record --via xperf`, with a program that stands in for xperf and fails in all its ways."""

from __future__ import annotations

import gzip
import hashlib
import os
import time
from pathlib import Path

import pytest

from perfdb.cli.progress import ProgressBar
from perfdb.collect import process
from tests.cli.conftest import Run
from tests.collect.living import watched
from tests.collect.project import DUMP, LOST, Project
from tests.collect.stand_in import Play, calls
from tests.readers import dumpers

BY_HAND = (
    "Try by hand to see more (XPERF -i TRACE -tle -tti -symbols -o FILE -a dumper -stacktimeshifting). "
    "Without --via, perfdb reads .etl itself."
)


@pytest.fixture
def project(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, perfdb, monkeypatch)


def test_a_trace_is_recorded_by_way_of_xperf(project: Project) -> None:
    project.with_xperf(Play(DUMP))

    code, out, err = project.record()

    assert 0 == code
    assert "app.exe (100)  3 samples  3.0 ms CPU  hottest app.exe 100.0 %  nothing lost\n" in out
    assert f"note: app.etl: read by way of {project.program}\n" == err
    assert [("app.exe", "main", 1, 3), ("app.exe", "work", 2, 2)] == [
        tuple(row.values())
        for row in project.sql(
            "SELECT module, function, exclusive_samples, inclusive_samples FROM function_cost ORDER BY ALL"
        )
    ]
    assert [] == list(project.temporary.iterdir())
    assert [project.trace] == list(project.trace.parent.iterdir())


def test_the_run_is_one_of_the_etl(project: Project) -> None:
    project.with_xperf(Play(DUMP))
    project.record()

    run = project.sql("SELECT source_format, source_name, source_sha256 FROM run")

    sha = hashlib.sha256(project.trace.read_bytes()).hexdigest()
    assert [("dumper", "app.etl", sha)] == [tuple(row.values()) for row in run]


def test_a_known_trace_is_not_given_to_xperf_again(project: Project) -> None:
    project.with_xperf(Play(DUMP))
    project.record()

    code, out, err = project.record()

    assert (0, "") == (code, err)
    assert "unchanged: this trace is recorded already" in out
    assert 1 == len(calls(project.program))
    assert "unchanged" in project.perfdb("record", project.trace, "--commit", "c1").out


def test_a_packed_trace_is_unpacked_for_xperf(project: Project) -> None:
    project.with_xperf(Play(DUMP))
    packed = project.folder / "app.etl.gz"
    packed.write_bytes(gzip.compress(project.trace.read_bytes()))

    code, out, _ = project.record(packed)

    assert 0 == code
    assert "3 samples" in out
    assert "trace.etl" == Path(calls(project.program)[0]["words"][1]).name
    assert [] == list(project.temporary.iterdir())


def test_a_folder_stands_for_its_etl_files_alone(project: Project) -> None:
    project.with_xperf(Play(DUMP))
    (project.trace.parent / "other.txt").write_text(DUMP, newline="")

    code, out, _ = project.record("traces")

    assert 0 == code
    assert 1 == out.count(" samples  ")


def test_without_a_symbol_path_the_missing_names_are_announced(project: Project) -> None:
    project.with_xperf(Play(DUMP), settings="")

    err = project.record()[2]

    assert "no symbol path is set, so function names will be missing: set symbol_path under [xperf]" in err


def test_an_output_despite_a_failure_is_recorded_with_a_caveat(project: Project) -> None:
    project.with_xperf(Play(DUMP, exit_code=3, says="warning: one provider could not be decoded\n"))

    code, out, _ = project.record()

    assert 0 == code
    told = (
        "xperf wrote the text of this trace, but failed then (exit code 3): events may be missing "
        "(warning: one provider could not be decoded)"
    )
    assert f"\n  ! {told}\n" in out
    assert [{"code": "xperf-exit", "text": told}] == project.sql(
        "SELECT code, text FROM run_caveat WHERE code = 'xperf-exit'"
    )


def test_progress_reaches_the_bar(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.with_xperf(Play(DUMP, says="[1/2] 25.0%\r[1/2] 80.0%\r[2/2] 50.0%\r\n"))
    shown: list[tuple[str, int, int]] = []
    monkeypatch.setattr(ProgressBar, "show", lambda _, text, done, total: shown.append((text, done, total)))

    project.record()

    told = [(text, done, total) for text, done, total in shown if text.startswith("app.etl: xperf, ")]
    assert (150, 200) == told[-1][1:]


def test_a_flood_and_noise_change_nothing(project: Project) -> None:
    project.with_xperf(Play(DUMP, flood_bytes=4 << 20, noise=bytes(range(256)).hex()))

    assert 0 == project.record()[0]


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (
            Play("", exit_code=1, says=LOST),
            "xperf -a dumper -stacktimeshifting left an empty file (exit code 1); it said: 6728 Events were lost in "
            "this trace. Data may be unreliable.: events were lost while the trace was recorded, and this xperf gives "
            "up on that in spite of -tle. Record the trace with perfdb alone (no --via), which reads what is there and "
            "says what is lost; for the next one, give the recording more and larger buffers.",
        ),
        (
            Play(None, exit_code=5, says="xperf: error: 0x80070005: Access is denied.\n"),
            "xperf -a dumper -stacktimeshifting wrote no file (exit code 5); it said: xperf: error: 0x80070005: Access "
            "is denied.: it was denied access. Check that you may read the trace and write the symbol cache, and that "
            "no recording still holds the trace; else run perfdb from a prompt with administrator's rights.",
        ),
        (
            Play(None, exit_code=1, says="error: -2147023892\n"),
            "xperf -a dumper -stacktimeshifting wrote no file (exit code 1); it said: error: -2147023892: it does not "
            "know an option that perfdb gives it. Install the Windows Performance Toolkit of a current Windows ADK, or "
            "name its xperf in perfdb.toml: program under [xperf].",
        ),
        (
            Play(None),
            f"xperf -a dumper -stacktimeshifting wrote no file (exit code 0), without a word. {BY_HAND}",
        ),
        (
            Play("This is no event text.\n", says="error: something odd\n"),
            "xperf -a dumper -stacktimeshifting wrote something else than its event text (exit code 0); it said: "
            f"error: something odd. {BY_HAND}",
        ),
        (
            Play(DUMP[: len(DUMP) // 2], exit_code=3),
            "xperf -a dumper -stacktimeshifting gave up in the middle of a line (exit code 3), without a word. "
            f"{BY_HAND}",
        ),
    ],
    ids=["events lost", "access denied", "invalid flags", "no file", "no event text", "half a file"],
)
def test_failures_are_said_with_what_to_do(project: Project, play: Play, said: str) -> None:
    project.with_xperf(play)

    assert said.replace("XPERF", project.program.name) == project.failure()


def test_a_crash_is_no_output_however_whole_it_looks(project: Project) -> None:
    project.with_xperf(Play(DUMP, dies=True))

    assert "crashed before its file was whole" in project.failure()


def test_a_text_without_samples_is_said_with_its_reason(project: Project) -> None:
    project.with_xperf(Play(dumpers.dump().decode("latin-1")))

    said = project.failure()

    assert said.startswith("xperf -a dumper -stacktimeshifting wrote a text that cannot be read (events.txt: ")
    assert said.endswith("Without --via, perfdb reads .etl itself.")


def test_an_xperf_that_hangs_is_ended(project: Project) -> None:
    project.with_xperf(Play(DUMP, hangs=True, says="SYMSRV: asking a server\n"), settings="timeout_s = 0.5")

    said = project.failure()

    assert "xperf -a dumper was still at work after " in said
    assert (
        "Symbol servers are the usual cause: let symbol_path under [xperf] in perfdb.toml name local folders, or raise "
        "timeout_s there."
    ) in said


def test_what_a_hanging_xperf_has_started_is_ended_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched() as living:
        # The time limit passes as soon as the descendant is there.
        monkeypatch.setattr(process, "_now", lambda: time.monotonic() + (10_000 if living.has_begun() else 0))
        project.with_xperf(Play(DUMP, hangs=True, connect_to=living.port))

        assert "was ended" in project.failure()
        assert living.has_ended()


def test_ctrl_c_ends_xperf_and_leaves_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched() as living:

        def press_ctrl_c(*_: object) -> None:
            if living.has_begun():
                raise KeyboardInterrupt

        monkeypatch.setattr(ProgressBar, "show", press_ctrl_c)
        project.with_xperf(Play(DUMP, hangs=True, connect_to=living.port))

        ended = project.record()

        assert 0 != ended[0]
        assert living.has_ended()
    assert [] == list(project.temporary.iterdir())
    assert not (project.folder / "artifacts").exists()


def test_one_trace_that_fails_does_not_stop_the_others(project: Project) -> None:
    project.with_xperf(Play(DUMP))
    (project.trace.parent / "bad.etl").write_text("no trace")

    code, out, err = project.record("traces")

    assert 3 == code
    assert 1 == out.count(" samples  ")
    assert "bad.etl: asked for a trace, found something else" in err
    assert "1 of 2 traces could not be recorded" in err
    assert 1 == len(calls(project.program))


def test_a_missing_xperf_stops_before_anything_is_read(project: Project) -> None:
    (project.folder / "perfdb.toml").write_text("[xperf]\nprogram = 'tools/gone.exe'\n")

    code, out, err = project.record()

    assert (3, "") == (code, out)
    gone = project.folder / "tools" / "gone.exe"
    assert (
        f"error: asked to run xperf, found no program at {gone}, where {project.folder / 'perfdb.toml'} has it. Mend "
        "program under [xperf] there. Without --via, perfdb reads .etl itself.\n"
    ) == err


@pytest.mark.skipif(os.name == "nt", reason="an xperf of this machine would be found")
def test_elsewhere_than_on_windows_xperf_is_not_to_be_had(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project.folder))

    for words in (("record", "traces", "--via", "xperf", "--commit", "c1"), ("xperf", "traces")):
        ran = project.perfdb(*words)

        assert (3, "") == (ran.code, ran.out)
        assert "found none on PATH; it exists for Windows only." in ran.err
        assert "perfdb" in ran.err.partition("Windows only.")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--via", "xperf", "--format", "dumper"), "--via xperf reads what xperf writes: leave --format out."),
        (("--via", "wpa"), "Invalid value for '--via'"),
        (("--format", "nonsense"), "asked to read as nonsense, found no such format. perfdb reads: etl"),
        (("--interval", "0"), "asked for a sampling interval of 0 ms, found that it must be from 0.001 to 10,000."),
        (("--interval", "nan"), "asked for a sampling interval of nan ms"),
        (("--interval", "fast"), "Invalid value for '--interval'"),
    ],
)
def test_wrong_words_are_refused(project: Project, words: tuple[str, ...], said: str) -> None:
    project.with_xperf(Play(DUMP))

    ran = project.perfdb("record", project.trace, "--commit", "c1", *words)

    assert (2, "") == (ran.code, ran.out)
    assert said in ran.err
    assert [] == calls(project.program)


def test_a_format_is_named_and_an_interval_given(project: Project) -> None:
    bare = project.folder / "bare.txt"
    bare.write_bytes(dumpers.dump(dumpers.sample(1000), dumpers.sample(2000), rundown=()))

    ran = project.perfdb("record", bare, "--commit", "c1", "--format", "dumper", "--interval", "0.125")

    assert 0 == ran.code
    assert "2 samples  0.2 ms CPU" in ran.out or "2 samples  0.3 ms CPU" in ran.out
    assert [{"interval_ns": 125_000}] == project.sql("SELECT interval_ns FROM run")
