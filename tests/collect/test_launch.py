"""The launcher, with real programs: what it tells of an example, how it ends one, and what it hands on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perfdb.collect import process
from perfdb.collect.launch import Launch, Launched, end_left, measurements, pid_of, prepare, result, stop
from perfdb.collect.launcher import LAUNCHED, PID, Memory, peak_so_far
from perfdb.profile.measurement import Measurement
from tests.collect.living import Living, watched

LIMIT_S = 120.0
MIB = 1 << 20

on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals, and no process groups to kill")

WORK_C = r"""
#include <stdlib.h>
#include <time.h>

/* Has so many MiB, and works for so many ms. */
int main(int count, char **words) {
    size_t bytes = (size_t)atoi(words[1]) << 20;
    volatile char *memory = malloc(bytes + 1);
    for (size_t i = 0; i <= bytes; i += 1024) memory[i] = 1;
    clock_t end = clock() + atoi(words[2]) * (CLOCKS_PER_SEC / 1000);
    volatile long sum = 0;
    while (clock() < end) for (int i = 0; i < 100000; i++) sum += i;
    return memory[bytes / 2] > 1;
}
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The launcher's folder."""
    folder = tmp_path / "größer work"
    folder.mkdir()
    return folder


@pytest.fixture
def living() -> Iterator[Living]:
    with watched() as descendant:
        yield descendant


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A little program in C."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("needs gcc")
    folder = tmp_path_factory.mktemp("worker")
    (folder / "work.c").write_text(WORK_C)
    subprocess.run([gcc, "-O1", "-o", folder / "work", folder / "work.c"], check=True)
    return folder / "work"


def launch_of(
    work: Path,
    *command: str | Path,
    limit_s: float = LIMIT_S,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Launch:
    return Launch(tuple(map(str, command)), folder or work.parent, environment, limit_s)


def launched(work: Path, *command: str | Path, **options: object) -> Launched:
    """What became of a command; the launcher itself says nothing."""
    words = prepare(launch_of(work, *command, **options), work)  # type: ignore[arg-type]
    ended = process.run(words, LIMIT_S, environ=os.environ)

    assert (0, ()) == (ended.exit_code, ended.lines)
    found = result(work)
    assert found is not None
    return found


def python(work: Path, code: str, *words: str, **options: object) -> Launched:
    """What became of a little program."""
    return launched(work, sys.executable, "-I", "-S", "-c", code, *words, **options)


@contextmanager
def running(work: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """The launcher, while its example runs."""
    with subprocess.Popen(prepare(launch_of(work, *command), work)) as launcher:
        while pid_of(work) is None and launcher.poll() is None:
            time.sleep(0.01)
        yield launcher


SLEEP = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)")


def connected(port: int, then: str) -> str:
    """A program that starts another one, which holds a connection until it is killed; then it does something."""
    stays = f"import socket, time; held = socket.create_connection(('127.0.0.1', {port})); time.sleep(600)"
    return f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-I', '-S', '-c', {stays!r}]); {then}"


# ---- what it tells ---------------------------------------------------------------------------------------------------


def test_an_example_that_ends_well(work: Path) -> None:
    before = datetime.now(UTC)

    found = python(work, "import os; print(os.getpid())")

    assert (0, False, False, "") == (found.exit_code, found.timed_out, found.stopped, found.problem)
    assert (str(found.pid),) == found.output
    assert found.pid == pid_of(work)
    assert found.started_at is not None
    assert before - timedelta(milliseconds=1) <= found.started_at <= datetime.now(UTC)
    assert UTC == found.started_at.tzinfo


@pytest.mark.parametrize("code", [1, 3, 255])
def test_exit_codes(work: Path, code: int) -> None:
    assert code == python(work, f"import sys; sys.exit({code})").exit_code


@on_posix
def test_a_signal_is_a_negative_exit_code(work: Path) -> None:
    found = python(work, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")

    assert (-signal.SIGSEGV, False) == (found.exit_code, found.stopped)


def test_wall_time_is_that_of_the_example_alone(work: Path) -> None:
    begun = time.perf_counter_ns()
    found = python(work, "import time; time.sleep(0.2)")

    assert 200_000_000 <= found.wall_ns < time.perf_counter_ns() - begun


def test_processor_time_is_that_of_the_example_and_its_children(worker: Path, work: Path) -> None:
    alone = launched(work, worker, "0", "60")
    beside = python(work, f"import subprocess; subprocess.run([{str(worker)!r}, '0', '60'])")

    assert alone.user_ns + alone.kernel_ns >= 59_000_000
    assert alone.user_ns > 0
    assert beside.user_ns + beside.kernel_ns >= 59_000_000


def test_peak_memory_is_exact_where_it_is_larger_than_that_of_the_launcher(worker: Path, work: Path) -> None:
    found = launched(work, worker, "64", "0").peak_memory_bytes

    assert found is not None
    assert 64 * MIB < found < 68 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory begins with that of the parent on Linux only")
def test_peak_memory_of_a_small_example_is_not_that_of_the_launcher_or_of_who_started_it(
    worker: Path, work: Path
) -> None:
    own = peak_so_far("self")
    assert own is not None
    assert own > 16 * MIB, "this process is to be larger than the example"

    found = launched(work, worker, "3", "300").peak_memory_bytes

    assert found is not None
    assert 3 * MIB < found < 7 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory begins with that of the parent on Linux only")
def test_peak_memory_that_nothing_proves_is_not_told() -> None:
    own = peak_so_far("self")
    assert own is not None
    memory = Memory(0)  # a process that is never seen

    assert memory.peak_bytes(own) is None
    assert 4 * own == memory.peak_bytes(4 * own)


def test_measurements_are_in_the_units_of_the_history() -> None:
    found = Launched(7, 3, wall_ns=2_500_000, user_ns=1_000_000, kernel_ns=500_000, peak_memory_bytes=4096)

    expected = (
        Measurement("wall_time", "ms", 2.5),
        Measurement("user_time", "ms", 1.0),
        Measurement("kernel_time", "ms", 0.5),
        Measurement("peak_memory", "bytes", 4096.0),
        Measurement("exit_code", "", 3.0),
    )
    assert expected == measurements(found)


def test_what_was_not_measured_is_no_measurement() -> None:
    assert "peak_memory" not in {each.metric for each in measurements(Launched(7))}
    assert () == measurements(Launched(problem="No such file or directory"))


# ---- an example that cannot be started -------------------------------------------------------------------------------


def test_a_missing_program(work: Path) -> None:
    found = launched(work, work / "nothing")

    assert "No such file" in found.problem or "cannot find" in found.problem
    assert pid_of(work) is None


@on_posix
def test_a_program_that_may_not_be_run(work: Path) -> None:
    (work / "text").write_text("no program")

    assert f"Permission denied: {work / 'text'}" == launched(work, work / "text").problem


def test_a_file_that_is_no_program(work: Path) -> None:
    (work / "text.exe").write_bytes(b"\1\2\3\4")
    (work / "text.exe").chmod(0o755)

    assert f"Exec format error: {work / 'text.exe'}" == launched(work, work / "text.exe").problem or os.name == "nt"


def test_a_missing_folder(work: Path) -> None:
    found = launched(work, sys.executable, folder=work / "nowhere")

    assert os.name == "nt" or f"No such file or directory: {work / 'nowhere'}" == found.problem
    assert found.problem


def test_a_word_that_no_system_takes(work: Path) -> None:
    assert "null" in python(work, "pass", "a\0b").problem


# ---- what it hands on ------------------------------------------------------------------------------------------------


def test_arguments_and_folder_arrive_as_they_are(work: Path) -> None:
    words = ["", "a b", 'say "x"', "größer – 速い", "back\\slash\\", "*", "$HOME", "line\nend"]
    folder = work / "ordner ä"
    folder.mkdir()

    python(
        work,
        "import json, os, sys; json.dump([os.getcwd(), *sys.argv[1:]], open('told', 'w'))",
        *words,
        folder=folder,
    )

    assert [str(folder.resolve()), *words] == json.loads((folder / "told").read_text())


@on_posix
def test_bytes_that_are_no_text_arrive_as_they_are(work: Path) -> None:
    raw = b"\xff\xe4-\xc3\xa4"
    word = os.fsdecode(raw)

    found = python(
        work,
        "import os, sys; print(os.fsencode(sys.argv[1]).hex(), os.environb[b'RAW'].hex())",
        word,
        environment={"RAW": word},
    )

    assert (f"{raw.hex()} {raw.hex()}",) == found.output


IN_A_SMALL_LOCALE = """
import sys
from pathlib import Path
from perfdb.collect import launch, process
work, word = Path(sys.argv[1]), sys.argv[2]
code = "import os, sys; print(*[os.fsencode(word).hex() for word in sys.argv[1:]])"
example = launch.Launch((sys.executable, "-I", "-S", "-c", code, word, "gr\\xf6\\xdfer"), work, {}, 60.0)
process.run(launch.prepare(example, work), 60.0, environ={})
print(*launch.result(work).output)
"""


@on_posix
def test_words_arrive_in_a_locale_that_does_not_have_them(work: Path) -> None:
    # One comes from a command line, the other one out of a settings file.
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = [sys.executable, "-c", IN_A_SMALL_LOCALE, str(work), "größer"]

    found = subprocess.run(words, env=os.environ | locale, stdout=subprocess.PIPE, check=True).stdout.split()

    assert ["größer".encode().hex().encode()] * 2 == found


@on_posix
def test_the_environment_is_the_one_given_and_nothing_else(work: Path) -> None:
    program = shutil.which("env")
    assert program is not None

    found = launched(work, program, environment={"B": "größer", "A": "1 2", "EMPTY": ""})

    assert ["A=1 2", "B=größer", "EMPTY="] == sorted(line for line in found.output if not line.startswith("__CF"))


def test_there_is_no_input(work: Path) -> None:
    assert ("''",) == python(work, "import sys; print(repr(sys.stdin.read()))").output


def test_the_last_lines_of_both_streams_are_kept(work: Path) -> None:
    code = "import sys\nfor i in range(50): print(i, flush=True)\nprint('failed\\r\\n\\n', file=sys.stderr)"

    found = python(work, code)

    assert (*map(str, range(41, 50)), "failed") == found.output
    assert b"0" in (work / "output.txt").read_bytes().splitlines()


def test_output_becomes_printable(work: Path) -> None:
    code = (
        r"import sys; out = sys.stdout.buffer; out.write(b'x' * 300000 + b'\n' + bytes(range(256)) + b'\n');"
        r"out.write('gr\xf6\xdfer\n'.encode('cp1252') + 'gr\xf6\xdfer\n'.encode())"
    )

    found = python(work, code)

    assert ("größer", "größer") == found.output[-2:]
    assert all(line.isprintable() for line in found.output)
    assert "x" * 1000 == found.output[0]


# ---- its end ---------------------------------------------------------------------------------------------------------


def test_the_time_limit_ends_the_example_with_its_descendants(work: Path, living: Living) -> None:
    # The limit is to be over when the descendant has begun; how long that takes, the machine decides.
    for limit_s in (1.0, 5.0, 25.0):
        code = connected(living.port, "time.sleep(600)")
        found = python(work, f"print('at work', flush=True); {code}", limit_s=limit_s)
        if living.has_begun():
            break

    assert (True, False, ("at work",)) == (found.timed_out, found.stopped, found.output)
    assert found.exit_code != 0
    assert found.wall_ns >= limit_s * 1e9
    assert living.has_ended()


def test_a_stop_file_ends_the_example_with_its_descendants(work: Path, living: Living) -> None:
    with running(work, *SLEEP[:-1], connected(living.port, "time.sleep(600)")) as launcher:
        while not living.has_begun():
            time.sleep(0.01)
        assert result(work) is None
        stop(work)

    found = result(work)
    assert found is not None
    assert (True, False, 0) == (found.stopped, found.timed_out, launcher.returncode)
    assert found.wall_ns > 0
    assert living.has_ended()


def test_a_stop_that_comes_before_the_start_holds(work: Path) -> None:
    stop(work)

    assert python(work, "import time; time.sleep(600)").stopped


@on_posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_launcher_ends_the_example(work: Path, number: signal.Signals) -> None:
    with running(work, *SLEEP) as launcher:
        launcher.send_signal(number)

    found = result(work)
    assert found is not None
    assert (True, -9, 0) == (found.stopped, found.exit_code, launcher.returncode)


def test_what_an_example_leaves_running_is_left_alone(work: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        stays = (
            f"import socket; held = socket.create_connection(('127.0.0.1', {server.getsockname()[1]}));"
            "held.sendall(held.recv(1))"
        )
        found = python(work, f"import subprocess, sys; subprocess.Popen([sys.executable, '-I', '-S', '-c', {stays!r}])")
        connection, _ = server.accept()
        with connection:
            connection.settimeout(30)
            connection.sendall(b"?")

            assert b"?" == connection.recv(1)
    assert (0, False, False) == (found.exit_code, found.timed_out, found.stopped)


@on_posix
def test_an_example_whose_launcher_was_killed_can_be_ended(work: Path, living: Living) -> None:
    with running(work, *SLEEP[:-1], connected(living.port, "time.sleep(600)")) as launcher:
        while not living.has_begun():
            time.sleep(0.01)
        launcher.kill()
    assert result(work) is None

    end_left(work)

    assert living.has_ended()


@on_posix
def test_children_can_be_waited_for_whatever_the_parent_ignores(work: Path) -> None:
    # A profiler may be started by something that ignores SIGCHLD, and hand that on.
    words = prepare(launch_of(work, sys.executable, "-I", "-S", "-c", "import sys; sys.exit(4)"), work)
    ignore = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", ignore, *words], check=True)

    found = result(work)
    assert found is not None
    assert 4 == found.exit_code


# ---- its files -------------------------------------------------------------------------------------------------------


def test_nothing_is_known_before_it_has_run(work: Path) -> None:
    prepare(launch_of(work, "/nothing"), work)

    assert result(work) is None
    assert pid_of(work) is None
    end_left(work)


def test_nothing_half_written_is_left(work: Path) -> None:
    python(work, "pass")

    assert ["launch.json", "launched.json", "launched.pid", "output.txt"] == sorted(p.name for p in work.iterdir())


@pytest.mark.parametrize(
    "damaged", ["", "{", "[]", "3", "null", "{}", '{"pid": 3}', '{"problem": 3}', '{"problem": null}', "\xe4"]
)
def test_a_damaged_result_is_none(work: Path, damaged: str) -> None:
    (work / LAUNCHED).write_bytes(damaged.encode("latin-1"))
    (work / PID).write_bytes(damaged.encode("latin-1"))

    assert result(work) is None
    assert pid_of(work) in (None, 3)


def test_a_cut_result_is_none(work: Path) -> None:
    python(work, "pass")
    whole = (work / LAUNCHED).read_text()

    for size in range(0, len(whole), 7):
        (work / LAUNCHED).write_text(whole[:size])
        assert result(work) is None
