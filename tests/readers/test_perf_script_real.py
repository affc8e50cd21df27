"""What perf of this machine prints of programs made here: read as its twin reads it, and as they were written."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from perfdb.errors import TraceError
from perfdb.profile import JIT_MODULE, Profile
from perfdb.readers import READERS, open_trace
from perfdb.readers.perf_script import PERF
from perfdb.readers.perf_script.assemble import SCRIPT
from tests.readers.perf_texts import caveat_text, paths
from tests.readers.reading import caveat_codes, read_as
from tests.twins.perf_script_lines import read_lines, rows_of_profile, rows_of_twin

_PROGRAM = r"""
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <thread>
#define APART __attribute__((noinline))
volatile double sink;
// The rare call makes it no leaf: compilers give leaves no frame pointer, and their callers are then missing.
namespace { APART double spin(int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) if ((sum += i / 3.0) < 0) sum = getppid();
  return sink = sum;
} }
namespace ns {
template <class T> struct List { APART T push(T const& x) { return x + (T)spin(400000); } };
struct Convert { APART operator int() const { return (int)spin(200000) + 1; } };
}
int main(int, char** arguments) {
  if (!arguments[1]) {
    pid_t child = fork();
    if (!child) { execl(arguments[0], arguments[0], "child", nullptr); _exit(9); }
    std::thread thread([] {
      pthread_setname_np(pthread_self(), "my worker: 1");
      for (int i = 0; i < 60; i++) spin(200000);
    });
    ns::List<double> list; ns::Convert convert;
    auto lambda = [](int n) APART { return spin(n) * 2; };
    for (int i = 0; i < 60; i++) { list.push(2); sink = (int)convert; sink = lambda(100000); }
    thread.join();
    waitpid(child, nullptr, 0);
  } else {
    for (int i = 0; i < 60; i++) { spin(200000); for (int j = 0; j < 400; j++) getppid(); }
  }
}
"""

_GENERATED = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int count, char **arguments) {
  static const unsigned char loop[] = {0x55, 0x48, 0x89, 0xe5, 0xb9, 0, 0, 0x10, 0, 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3};
  char *code = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), path[64];
  memcpy(code, loop, sizeof loop); memcpy(code + 256, loop, sizeof loop); memcpy(code + 512, loop, sizeof loop);
  snprintf(path, sizeof path, "/tmp/perf-%d.map", getpid());
  FILE *map = fopen(path, "w");
  fprintf(map, "%lx 40 Lcom/foo/Bar;::baz\n%lx 40 JS:*foo bar /tmp/x y.js:12:3\n", (long)code, (long)code + 256);
  fclose(map);
  puts(path);
  void (*spin)(int) = dlsym(dlopen(arguments[1], RTLD_NOW), "spin");
  unlink(arguments[1]);
  for (int i = 0; i < 60; i++) {
    for (int at = 0; at < 768; at += 256) ((void (*)(void))(code + at))();
    spin(600000);
  }
}
"""
_LIBRARY = "volatile int sink; void spin(int n) { for (int i = 0; i < n; i++) sink += i; }"


FLAGS = ("-O1", "-g", "-fno-omit-frame-pointer", "-fno-shrink-wrap")


def _run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _compiled(compiler: str, source: str, target: Path, *options: str) -> Path:
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    code = target.with_suffix(".cpp" if compiler == "g++" else ".c")
    code.write_text(source, encoding="utf-8")
    _run(compiler, *FLAGS, *options, code, "-o", target, folder=target.parent)
    return target


def _record(folder: Path, data: str, *command: str | Path) -> str:
    """What the program prints while perf records it; skips where perf is missing or forbidden."""
    if not shutil.which("perf"):
        pytest.skip("perf is not installed")
    try:
        return _run("perf", "record", "-o", data, *command, folder=folder)
    except RuntimeError as problem:
        pytest.skip(f"perf cannot record here: {problem}")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with perf.data of a program with a thread and a child."""
    folder = tmp_path_factory.mktemp("perf")
    _compiled("g++", _PROGRAM, folder / "my app", "-pthread")
    _record(folder, "perf.data", "-F", "1999", "-g", "-e", "cpu-clock,page-faults", "-k", "mono", "--", "./my app")
    return folder


def _printed(folder: Path, *options: str) -> str:
    return _run("perf", "script", "-i", "perf.data", *options, folder=folder)


def _read(text: str) -> Profile:
    return read_as(PERF, text.encode())


ADVISED = SCRIPT.split()[4:-2]
COLLECTED = (
    *("--header", "-F", "comm,pid,tid,time,period,event,ip,sym,symoff,dso", "--ns", "--no-inline"),
    *("--show-task-events", "--show-mmap-events", "--show-lost-events"),
)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ADVISED,
        COLLECTED,
        ["-F", "+pid,+srcline"],
        ["-F", "comm,tid,time,period,event,ip,sym,dso", "--inline"],
        ["-v", "-F", "+pid"],
        ["-G"],
        ["-G", "-F", "+srcline"],
        ["-F", "+srccode"],
        ["--reltime", "--ns"],
    ],
    ids=" ".join,
)
def test_every_way_of_printing_is_read_as_the_twin_reads_it(recorded: Path, options: Sequence[str]) -> None:
    text = _printed(recorded, *options)
    profile = _read(text)

    assert PERF.recognises(text[: 1 << 16].encode())
    assert rows_of_twin(read_lines(text.split("\n")), "cpu-clock") == rows_of_profile(profile)
    assert {"malformed-rows", "cut-off", "event-not-told", "no-interval"}.isdisjoint(caveat_codes(profile))
    assert 500_250 == profile.interval_ns


def test_the_program_is_found_as_it_was_written(recorded: Path) -> None:
    profile = _read(_printed(recorded, *ADVISED))
    parent, child = profile.processes
    of_parent = Counter(path for path, row in zip(paths(profile), profile.samples.process, strict=True) if not row)

    assert [("my app", None), ("my app", parent.pid)] == [(each.name, each.parent_pid) for each in (parent, child)]
    assert parent.start_ns == 0
    assert 0 < (child.start_ns or 0) < (child.end_ns or 0) < (parent.end_ns or 0)
    spins = sum(count for path, count in of_parent.items() if "my app!`anonymous namespace'::spin" in path)
    assert spins > 0.8 * sum(of_parent.values())
    # In 60 rounds each takes so many hundred thousand steps, and the other thread, in a lambda too, 200,000.
    steps = {"ns::List<double>::push": 4, "ns::Convert::operator int": 2, "main::<lambda>::operator()": 1}
    for name, step in steps.items():
        found = sum(count for path, count in of_parent.items() if name in path)
        assert abs(step / 9 - found / sum(of_parent.values())) < 0.15
    in_kernel = [path for path in paths(profile) if "[kernel.kallsyms]" in path]
    assert not in_kernel or all(path.rsplit(";", 1)[-1].startswith("[kernel.kallsyms]") for path in in_kernel)


def test_threads_of_a_process_are_its_own_and_images_are_known(recorded: Path) -> None:
    profile = _read(_printed(recorded, *ADVISED))
    header = dict(line[2:].split(" : ", 1) for line in _printed(recorded, "--header-only").split("\n") if " : " in line)

    assert 2 <= len({tid for tid, row in zip(profile.samples.tid, profile.samples.process, strict=True) if not row})
    assert header["hostname"] == profile.machine.hostname
    assert f"Linux {header['os release']}" == profile.machine.os
    assert int(header["nrcpus online"]) == profile.machine.cores
    assert str(recorded / "my app") in [row.path for row in profile.loaded]
    assert profile.started_at is not None
    assert profile.started_at.timestamp() > 1_700_000_000
    assert caveat_text(profile, "other-events").startswith("the samples of cpu-clock are counted; those of page-faults")


def test_source_lines_are_those_of_the_program(recorded: Path) -> None:
    profile = _read(_printed(recorded, "-F", "+pid,+srcline"))
    if profile.places is None:
        pytest.skip("this perf finds no source lines")
    line = next(at for at, text in enumerate(_PROGRAM.split("\n"), 1) if "i / 3.0" in text)
    rows = zip(
        profile.frames.function.tolist(), profile.places.file.tolist(), profile.places.line.tolist(), strict=True
    )
    found = {(profile.files[file].rsplit("/", 1)[-1], at) for function, file, at in rows
             if file >= 0 and profile.functions.name[function] == "`anonymous namespace'::spin"}  # fmt: skip

    assert ("my app.cpp", line) in found


def test_perfs_own_file_is_refused(recorded: Path) -> None:
    with (
        open_trace(recorded / "perf.data", READERS) as opened,
        pytest.raises(TraceError, match="perf script -i perf.data"),
    ):
        opened.read()


def test_generated_code_and_deleted_libraries_have_names_that_compare(tmp_path: Path) -> None:
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the generated code is for x86-64")
    program = _compiled("gcc", _GENERATED, tmp_path / "generating", "-ldl")
    (tmp_path / "my libs (x86)").mkdir()
    library = _compiled("gcc", _LIBRARY, tmp_path / "my libs (x86)" / "lib x.so", "-shared", "-fPIC")
    said = _record(tmp_path, "perf.data", "-F", "1999", "-g", "-e", "cpu-clock:u", "--", program, library)
    try:
        profile = _read(_printed(tmp_path, "-F", "+pid"))
    finally:
        Path(said.split()[0]).unlink()
    leaves = Counter(path[-1] for _, _, _, _, path in rows_of_profile(profile))

    for name in ("Lcom/foo/Bar;::baz", "JS:*foo bar /tmp/x y.js:12:3", "<unresolved>"):
        assert leaves[JIT_MODULE, name] > 10
    assert sum(count for (module, _), count in leaves.items() if module == "lib x.so") > 10
    assert "kernel-left-out" in caveat_codes(profile)
