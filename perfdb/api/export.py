"""Taking runs out of the history, as files for other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from perfdb import store
from perfdb.api.tracks import tracks_of_runs
from perfdb.compare.scope import Scope
from perfdb.errors import TooLittleDataError
from perfdb.profile.columns import MEASURED, STACKS, Caveat
from perfdb.report.firefox import firefox_text
from perfdb.report.folded import folded_text
from perfdb.report.speedscope import speedscope_text
from perfdb.report.tracks import Tracks
from perfdb.units import NS_PER_MS

FORMATS: Mapping[str, Callable[[Tracks], str]] = {
    "speedscope": speedscope_text,
    "firefox": firefox_text,
    "folded": folded_text,
}
"""What runs are exported as."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file's text, what is in it, and the notes that have no place in it.

    `stacks` is how many stacks with samples it has, `runs` how many runs were added up.
    """

    text: str
    stacks: int
    samples: int
    runs: int
    notes: tuple[str, ...]


def export_runs(
    connection: store.Connection,
    asked: str,
    runs: Sequence[store.Run],
    scope: Scope,
    format: str,  # noqa: A002  # the word of the command line
    caveats: Sequence[Caveat] = (),
) -> Exported:
    """The stacks of runs in one of `FORMATS`, samples added up over the runs; `caveats` become notes too.

    Raises TooLittleDataError where no run has stacks or the process no samples, InputError where there is no such
    process.
    """
    able = [run for run in runs if run.detail == STACKS]
    if all(run.detail == MEASURED for run in runs):
        raise TooLittleDataError(
            f"asked for the stacks of {asked}, found results of benchmarks only, which have none. `perfdb show` tells "
            "what was measured, `perfdb diff` compares it; profile the example to have stacks."
        )
    if not able:
        details = " and ".join(sorted({run.detail for run in runs}))
        raise TooLittleDataError(
            f"asked for the stacks of {asked}, found that its source told none (detail {details}). "
            "`perfdb show` tells its functions; record the .etl itself, or its dumper text, to have stacks."
        )
    tracks = tracks_of_runs(connection, asked, able, scope)
    if not tracks.tracks:
        raise TooLittleDataError(f"asked for the stacks of {scope} of {asked}, found no sample of it.")
    counted = {run_id for track in tracks.tracks for run_id in track.run_ids}
    used = [run for run in able if run.run_id in counted]
    left_out = len(runs) - len(able)
    notes = [caveat.text for caveat in caveats] + _notes(used, of_each=format != "folded")
    notes += [f"{left_out} of {len(runs)} runs have no stacks and were left out"] if left_out else []
    text = FORMATS[format](replace(tracks, notes=tuple(notes)))
    stacks = text.count("\n") if format == "folded" else sum(len(track.stack) for track in tracks.tracks)
    samples = sum(int(track.samples.sum()) for track in tracks.tracks)
    return Exported(text, stacks, samples, len(used), tuple(notes))


def _notes(runs: Sequence[store.Run], of_each: bool) -> list[str]:
    """What one must know of the runs to read their sum; `of_each` where every example has a sum of its own."""
    notes = []
    examples = sorted({run.example for run in runs})
    for summed in [[example] for example in examples] if of_each else [examples]:
        count = sum(run.example in summed for run in runs)
        if count > 1:
            notes.append(f"added up the samples of {count} runs of {', '.join(summed)}")
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
