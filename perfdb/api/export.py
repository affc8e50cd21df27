"""Taking runs out of the history, as files for other tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfdb import store
from perfdb.compare.scope import Scope, matches_process
from perfdb.errors import InputError, TooLittleDataError
from perfdb.profile.columns import STACKS, Caveat
from perfdb.report.folded import folded_text
from perfdb.store.exchange import SampledStacks, StackCount, sampled_stacks
from perfdb.units import NS_PER_MS


@dataclass(frozen=True, slots=True)
class Exported:
    """A file's text, what is in it, and the notes that have no place in it: `runs` is how many were added up."""

    text: str
    stacks: int
    samples: int
    runs: int
    notes: tuple[str, ...]


def export_folded(
    connection: store.Connection,
    asked: str,
    runs: Sequence[store.Run],
    scope: Scope,
    caveats: Sequence[Caveat] = (),
) -> Exported:
    """The stacks of runs as folded text, samples added up over the runs; `caveats` become notes too.

    Raises TooLittleDataError where no run has stacks or the process no samples, InputError where there is no such
    process.
    """
    able = [run for run in runs if run.detail == STACKS]
    if not able:
        details = " and ".join(sorted({run.detail for run in runs}))
        raise TooLittleDataError(
            f"asked for the stacks of {asked}, found that its source told none (detail {details}). "
            "`perfdb show` tells its functions; record the .etl itself, or its dumper text, to have stacks."
        )
    stacks = sampled_stacks(connection, [run.run_id for run in able], main_only=scope.is_main_only)
    counts = _in_scope(stacks, scope)
    counted = {count.run_id for count in counts}
    used = [run for run in able if run.run_id in counted]
    text = folded_text(stacks, counts, with_process=scope.all_processes)
    if not text:
        raise TooLittleDataError(f"asked for the stacks of {scope} of {asked}, found no sample of it.")
    left_out = len(runs) - len(able)
    notes = [caveat.text for caveat in caveats] + _notes(used)
    notes += [f"{left_out} of {len(runs)} runs have no stacks and were left out"] if left_out else []
    return Exported(text, text.count("\n"), sum(count.samples for count in counts), len(used), tuple(notes))


def _in_scope(stacks: SampledStacks, scope: Scope) -> list[StackCount]:
    if scope.process is None:  # the query has left out all but the main process, where that was asked
        return list(stacks.counts)
    chosen = [count for count in stacks.counts if matches_process(scope.process, count.process, count.pid)]
    if not chosen:
        work: dict[str, int] = {}
        for count in stacks.counts:
            work[count.process] = work.get(count.process, 0) + count.samples
        busiest = ", ".join(sorted(work, key=lambda name: -work[name])[:5])
        raise InputError(f"asked for process {scope.process}, found none in these runs. The busiest are {busiest}.")
    return chosen


def _notes(runs: Sequence[store.Run]) -> list[str]:
    """What one must know of the runs to read their sum."""
    notes = []
    if len(runs) > 1:
        examples = ", ".join(sorted({run.example for run in runs}))
        notes.append(f"added up the samples of {len(runs)} runs of {examples}")
    intervals = sorted({run.interval_ns for run in runs})
    if len(intervals) > 1:
        told = ", ".join(f"{interval / NS_PER_MS:g} ms" for interval in intervals)
        notes.append(f"different sampling intervals ({told}): a sample of one run is not worth one of another")
    caveats: dict[str, int] = {}
    for run in runs:
        for text in [caveat.text for caveat in run.caveats] + ["uncommitted changes in the tree"] * run.is_dirty:
            caveats[text] = caveats.get(text, 0) + 1
    notes += [text if len(runs) == 1 else f"{times} of {len(runs)} runs: {text}" for text, times in caveats.items()]
    return notes
