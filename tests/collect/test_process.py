"""Running a program: what is kept of its words, and that nothing of it is left however it ends."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.collect import process
from perfdb.collect.process import FIRST_LINES, LAST_LINES, LINE_BYTES, Ended, Step, Words, run
from tests.collect.living import Living, watched

LIMIT_S = 120.0


def python(code: str, limit_s: float = LIMIT_S, **options: object) -> Ended:
    """How a little program ended."""
    return run([sys.executable, "-I", "-S", "-c", code], limit_s, environ=os.environ, **options)  # type: ignore[arg-type]


def percent(line: str) -> Step | None:
    """The progress that tests print."""
    told = re.fullmatch(r"(\d+)%", line)
    return (int(told[1]), 100) if told else None


@pytest.fixture
def living() -> Iterator[Living]:
    with watched() as descendant:
        yield descendant


def child_that_stays(port: int, then: str) -> str:
    """A program that starts another one, which stays, and does something then."""
    stays = f"import socket, time; held = socket.create_connection(('127.0.0.1', {port})); time.sleep(600)"
    return f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-I', '-S', '-c', {stays!r}]); {then}"


# ---- its words -------------------------------------------------------------------------------------------------------


def test_both_streams_and_the_exit_code() -> None:
    ended = python("import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)")

    assert (3, ("out", "err"), False) == (ended.exit_code, ended.lines, ended.timed_out)


def test_a_flood_blocks_nobody_and_its_ends_are_kept() -> None:
    ended = python("import sys\nfor i in range(200000): print(i, 'x' * 20, file=sys.stderr)")

    assert FIRST_LINES + LAST_LINES == len(ended.lines)
    assert "0 xxxxxxxxxxxxxxxxxxxx" == ended.lines[0]
    assert "199999 xxxxxxxxxxxxxxxxxxxx" == ended.lines[-1]


def test_a_line_without_end_is_cut() -> None:
    ended = python("import sys\nfor _ in range(100): sys.stdout.write('y' * 100000)")

    assert ("y" * LINE_BYTES,) == ended.lines


def test_progress_is_passed_on_and_not_kept() -> None:
    steps: list[Step | None] = []

    ended = python(
        r"print('begun\r10%\r 50% \rended', end='')", step_of=percent, tick=lambda _, step: steps.append(step)
    )

    assert ("begun", "ended") == ended.lines
    assert (50, 100) == steps[-1]


def test_noise_becomes_printable() -> None:
    ended = python(r"import sys; sys.stderr.buffer.write(bytes(range(256)) + b'\nafter')")

    assert all(line.isprintable() for line in ended.lines)
    assert "after" == ended.lines[-1]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Zugriff verweigert – ä".encode(), "Zugriff verweigert – ä"),
        ("größer".encode("cp1252"), "größer"),
        ("access denied".encode("utf-16-le"), "access denied"),
        (b"\t\t6728 Events were  lost", "6728 Events were lost"),
    ],
)
def test_encodings(raw: bytes, text: str) -> None:
    assert (text,) == python(f"import sys; sys.stdout.buffer.write({raw!r})").lines


class Pipe:
    """A pipe that hands out given blocks."""

    def __init__(self, blocks: Sequence[bytes]) -> None:
        self._blocks = [block for block in blocks if block]

    def read(self, _: int) -> bytes:
        return self._blocks.pop(0) if self._blocks else b""


@given(st.lists(st.binary(max_size=50) | st.sampled_from([b"\n", b"\r\n", b"a" * 700, b"50%\r"])))
def test_how_words_are_cut_into_blocks_makes_no_difference(blocks: list[bytes]) -> None:
    whole, parts = Words(percent), Words(percent)
    whole.take_from(Pipe([b"".join(blocks)]))
    parts.take_from(Pipe(blocks))

    assert whole.lines() == parts.lines()
    assert whole.step == parts.step


# ---- its end ---------------------------------------------------------------------------------------------------------


def test_a_program_that_takes_too_long_is_ended() -> None:
    ended = python("import time; print('at work', flush=True); time.sleep(600)", limit_s=0.5)

    assert ended.timed_out
    assert ended.exit_code != 0


def test_the_time_limit_ends_descendants_too(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    # The limit passes as soon as the descendant is there.
    monkeypatch.setattr(process, "_now", lambda: time.monotonic() + (10 * LIMIT_S if living.has_begun() else 0))

    ended = python(child_that_stays(living.port, "time.sleep(600)"))

    assert ended.timed_out
    assert living.has_ended()


def test_a_caller_that_gives_up_ends_everything(living: Living) -> None:
    def press_ctrl_c(seconds: float, step: Step | None) -> None:
        if living.has_begun():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        python(child_that_stays(living.port, "time.sleep(600)"), tick=press_ctrl_c)

    assert living.has_ended()


@pytest.mark.skipif(os.name == "nt", reason="on Windows a descendant cannot be found when its parent is gone")
def test_a_descendant_that_keeps_the_pipe_is_not_waited_for(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 1.0)

    ended = python(child_that_stays(living.port, "time.sleep(0)"))

    assert (0, False) == (ended.exit_code, ended.timed_out)
    assert not living.has_begun() or living.has_ended()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_program_that_crashes() -> None:
    assert -9 == python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").exit_code


def test_a_program_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file|cannot find"):
        run([tmp_path / "nothing"], LIMIT_S, environ=os.environ)


# ---- a program that can be told to end -------------------------------------------------------------------------------


class Stop:
    """A program that ends in order once a file is there, and what tells it to."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "stop"
        self.begun = folder / "begun"
        self.done = folder / "done"
        self.calls = 0
        self.code = (
            "import os, sys, time\n"
            "print('at work', flush=True)\n"
            f"open({str(self.begun)!r}, 'w').close()\n"
            f"while not os.path.exists({str(self.file)!r}): time.sleep(0.01)\n"
            f"open({str(self.done)!r}, 'w').close()\n"
            "print('in order')\n"
            "sys.exit(5)\n"
        )

    def __call__(self) -> None:
        self.calls += 1
        self.file.touch()


@pytest.fixture
def stop(tmp_path: Path) -> Stop:
    return Stop(tmp_path)


SLEEPS = "import time; time.sleep(600)"


def test_a_program_that_takes_too_long_is_told_first(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    # The limit passes as soon as the program is at work.
    monkeypatch.setattr(process, "_now", lambda: time.monotonic() + (10 * LIMIT_S if stop.begun.exists() else 0))

    ended = python(stop.code, stop=stop, stop_grace_s=LIMIT_S)

    assert (True, 5, ("at work", "in order")) == (ended.timed_out, ended.exit_code, ended.lines)
    assert 1 == stop.calls


def test_a_program_that_does_not_listen_is_ended(stop: Stop, living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_now", lambda: time.monotonic() + (10 * LIMIT_S if living.has_begun() else 0))

    ended = python(child_that_stays(living.port, "time.sleep(600)"), stop=stop, stop_grace_s=0.2)

    assert ended.timed_out
    assert ended.exit_code != 0
    assert 1 == stop.calls
    assert living.has_ended()


def test_a_caller_that_gives_up_tells_the_program_first(stop: Stop) -> None:
    def give_up(seconds: float, step: Step | None) -> None:
        raise RuntimeError("given up")

    with pytest.raises(RuntimeError, match="given up"):
        python(stop.code, tick=give_up, stop=stop, stop_grace_s=LIMIT_S)

    assert (1, True) == (stop.calls, stop.done.exists())


def test_a_second_ctrl_c_does_not_wait_for_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.2)

    def press_ctrl_c(seconds: float, step: Step | None) -> None:
        raise KeyboardInterrupt("first")

    def press_again() -> None:
        raise KeyboardInterrupt("second")

    with pytest.raises(KeyboardInterrupt, match="first"):
        python(SLEEPS, tick=press_ctrl_c, stop=press_again, stop_grace_s=LIMIT_S)


def test_a_second_ctrl_c_leaves_the_program_the_time_that_stopping_takes(
    stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE_S", LIMIT_S)

    def press_ctrl_c(seconds: float, step: Step | None) -> None:
        raise KeyboardInterrupt

    def press_again() -> None:
        stop()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        python(stop.code, tick=press_ctrl_c, stop=press_again, stop_grace_s=LIMIT_S)

    assert stop.done.exists()


def test_ctrl_c_after_the_time_limit_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.2)

    def press_ctrl_c() -> None:
        raise KeyboardInterrupt("first")

    with pytest.raises(KeyboardInterrupt, match="first"):
        python(SLEEPS, limit_s=0.2, stop=press_ctrl_c, stop_grace_s=LIMIT_S)


def test_a_program_that_cannot_be_told_is_ended_at_once() -> None:
    def fail() -> None:
        raise OSError("the folder is gone")

    assert python(SLEEPS, limit_s=0.2, stop=fail, stop_grace_s=LIMIT_S).timed_out


def test_a_program_that_ends_by_itself_is_told_nothing(stop: Stop) -> None:
    assert 0 == python("pass", stop=stop).exit_code
    assert 0 == stop.calls
