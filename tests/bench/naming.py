"""Recording with names: a trace whose addresses lie in the corpus PDBs, with kept symbols and without any."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from perfdb.demo.etl_spec import ImageSpec, ProcessSpec, SampleColumns, SampleSpec, ThreadSpec, TraceSpec
from perfdb.demo.etl_writer import write_etl
from perfdb.symbols.identity import pdb_identity
from perfdb.units import NS_PER_MS
from tests.bench.measure import Figure, best_of, perfdb

RATIO = 1.3
SAMPLES, DEPTH, PLACES = 6_000, 20, 3_000
CODE = {"CppCon.pdb": (0x1000, 0x2400), "softokn3.pdb": (0x1000, 0x33_000), "WriteArgument.pdb": (0x1000, 0x1B00)}
"""The RVAs between which each PDB's functions lie."""

PID, TID = 100, 101
COMMIT = "abc1234" + "0" * 33
ROUNDS = 5


def naming(corpus: Path) -> list[Figure]:
    """`perfdb record` of one trace, with cached symbols and with `--no-symbols`, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "perfdb.toml").write_text("")
        trace = folder / "trace.etl"
        trace.write_bytes(trace_of_places(corpus))
        number = iter(range(1000))

        def record(*words: str | Path) -> float:
            return best_of(
                1,
                lambda: perfdb(
                    *("--db", f"{next(number)}.duckdb", "record", trace, "--commit", COMMIT, "--example", "x", *words),
                    folder=folder,
                ),
            )

        cold = record("--symbols", corpus)
        with_names, without = [], []
        for _ in range(ROUNDS):
            with_names.append(record("--symbols", corpus))
            without.append(record("--no-symbols"))
    note = (
        f"{SAMPLES:,} samples of {DEPTH} frames in {PLACES:,} places: {min(with_names):.2f} s with names, "
        f"{min(without):.2f} s without, {cold:.2f} s the first time"
    )
    ratio = min(with_names) / min(without)
    return [Figure("perfdb record, cached symbols over no symbols", ratio, "x", RATIO, note=note)]


def trace_of_places(corpus: Path) -> bytes:
    """A trace whose stacks wander through the code of the corpus PDBs, as prefixes of each other as real ones are."""
    random = np.random.default_rng(4)
    images = tuple(
        ImageSpec(PID, 0x7FF6_0000_0000 + at * 0x100_0000, 0x10_0000, f"C:\\{name}", pdb_identity(corpus / name), name)
        for at, name in enumerate(CODE)
    )
    chosen = [images[row] for row in random.integers(0, len(images), PLACES).tolist()]
    places = [image.leaf(int(random.integers(*CODE[image.pdb_name]))) for image in chosen]
    stacks: list[tuple[int, ...]] = [()]
    for _ in range(SAMPLES):
        shared = stacks[int(random.integers(0, len(stacks)))]
        shared = shared[-int(random.integers(0, DEPTH)) :] if shared else ()
        fresh = [places[row] for row in random.integers(0, PLACES, DEPTH - len(shared)).tolist()]
        stacks.append((*fresh, *shared))
    samples = [SampleSpec((at + 1) * NS_PER_MS, TID, user=stack) for at, stack in enumerate(stacks[1:])]
    return write_etl(
        TraceSpec(
            processes=(ProcessSpec(PID, "app.exe"),),
            threads=(ThreadSpec(TID, PID),),
            images=images,
            samples=SampleColumns.of(samples),
            duration_ns=(SAMPLES + 2) * NS_PER_MS,
        )
    )
