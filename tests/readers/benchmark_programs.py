"""Results that real benchmark programs write, in the shortest time that they take; skips where one is missing."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

CPP = r"""
#include <benchmark/benchmark.h>
#include <cmath>
#include <string>

static void BM_Fill(benchmark::State& state) {
    for (auto _ : state) {
        std::string text(state.range(0), 'x');
        benchmark::DoNotOptimize(text.data());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
    state.SetItemsProcessed(state.iterations());
    state.SetComplexityN(state.range(0));
    state.counters["depth"] = 3;
    state.counters["odd"] = NAN;
}
BENCHMARK(BM_Fill)->Arg(8)->Arg(64)->Complexity();

static void BM_Fails(benchmark::State& state) {
    for (auto _ : state) { state.SkipWithError("no such file"); break; }
}
BENCHMARK(BM_Fails);

static void BM_Told(benchmark::State& state) {
    for (auto _ : state) state.SetIterationTime(0.002);
    state.SetLabel("by hand");
}
BENCHMARK(BM_Told)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(3);

BENCHMARK_MAIN();
"""

PYTHON = """
import pytest


@pytest.mark.parametrize("n", [1, 2])
def test_sum(benchmark, n):
    benchmark.extra_info.update(items=n, kind="range", ok=True)
    benchmark.pedantic(sum, args=(range(n),), rounds=3)
"""


def google_results(*words: str) -> bytes:
    """What the benchmarks of `CPP` write, with some more words for their call."""
    ran = subprocess.run(
        [_google_program(), "--benchmark_format=json", "--benchmark_min_time=0.001", *words],
        capture_output=True,
        check=True,
    )
    return ran.stdout


@functools.cache
def _google_program() -> str:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++ to build a google/benchmark program")
    folder = Path(tempfile.mkdtemp(prefix="perfdb-google-benchmark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "bench.cpp").write_text(CPP)
    words = (compiler, "-O1", "-o", "bench", "bench.cpp", "-lbenchmark", "-lpthread")
    built = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(f"needs google/benchmark (libbenchmark-dev): {built.stderr.splitlines()[0]}")
    return str(folder / "bench")


def hyperfine_results(folder: Path, *words: str) -> bytes:
    """What hyperfine exports when it is called with some words, without a shell between."""
    program = shutil.which("hyperfine")
    if program is None:
        pytest.skip("needs hyperfine")
    file = folder / "hyperfine.json"
    command = (program, "--shell=none", "--style=none", "--runs=2", f"--export-json={file}", *words)
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return file.read_bytes()


def pytest_results(folder: Path, *words: str, source: str = PYTHON) -> bytes:
    """What pytest-benchmark writes for the tests in `source`, which are put into the folder as `bench_sum.py`."""
    pytest.importorskip("pytest_benchmark")
    (folder / "bench_sum.py").write_text(source)
    file = folder / "pytest.json"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir=.")
    ran = subprocess.run(
        [*command, f"--benchmark-json={file}", *words, "bench_sum.py"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return file.read_bytes()
