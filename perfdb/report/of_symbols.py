"""The reports of symbols: what became of runs whose addresses were looked up, and which symbol files are wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from perfdb.profile.outcome import Resolved, WantedSymbols
from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.cells import printable
from perfdb.report.names import short_commit, short_run

MOST_WANTED = 10
"""How many wanted symbol files are listed."""

_STATES = {
    "": "not looked for",
    "absent": "not found",
    "mismatch": "found, but of another build",
    "unreadable": "found, but not readable",
    "public": "found, public symbols only",
}


def resolved_line(resolved: Resolved) -> str:
    """One line: the run, how much of it has no symbol now and had before, and what was found on the way."""
    before, after = (f"{share * 100:.0f} %" for share in (resolved.share_before, resolved.share_after))
    parts = (
        short_run(resolved.run_id),
        resolved.example,
        short_commit(resolved.commit_sha, resolved.is_dirty),
        f"{resolved.samples:,} samples",
        f"{after} without symbols" + ("" if resolved.share_before == resolved.share_after else f", was {before}"),
    )
    lines = [printable("  ".join(parts)), *(f"  ! {printable(caveat.text)}" for caveat in resolved.caveats)]
    return "\n".join(lines)


def resolved_report(outcomes: Sequence[Resolved]) -> Report:
    """The outcomes as data."""
    return Report((), Table((), ()), [_data(outcome) for outcome in outcomes])


def _data(outcome: Resolved) -> dict[str, Any]:
    hidden = ("message", "exit_code", "source_name")
    return {name: value for name, value in asdict(outcome).items() if name not in hidden}


def wanted_lines(wanted: Sequence[WantedSymbols], most: int = MOST_WANTED) -> tuple[str, ...]:
    """A line for each symbol file that is wanted: its name and debug id in full, to find it by."""
    lines = [wanted_line(each) for each in wanted[:most]]
    if len(wanted) > most:
        lines.append(f"({len(wanted) - most:,} more: perfdb query wanted_symbols)")
    return tuple(lines)


def wanted_line(wanted: WantedSymbols) -> str:
    """`indexer.pdb 0123…F1  indexer.exe: 12 samples (312 with it on the stack), not found`."""
    name = wanted_name(wanted)
    samples = "1 sample" if wanted.exclusive_samples == 1 else f"{wanted.exclusive_samples:,} samples"
    runs = f" of {wanted.runs:,} runs" if wanted.runs > 1 else ""
    state = _STATES.get(wanted.symbols, wanted.symbols)
    weights = f"{samples}{runs} ({wanted.inclusive_samples:,} with it on the stack)"
    return printable(f"{name} {wanted.debug_id}  {wanted.module}: {weights}, {state}")


_WANTED = (
    Column("symbol_file", "symbol file"),
    Column("debug_id", "debug id"),
    Column("module", "module"),
    Column("exclusive_samples", "samples", "count"),
    Column("inclusive_samples", "on the stack", "count", gives_way=2),
    Column("symbols", "looked for", gives_way=1),
)


def wanted_block(wanted: Sequence[WantedSymbols], most: int | None = MOST_WANTED) -> Block:
    """The symbol files that are wanted, under a heading, those of the most samples first; `most` is None for all."""
    rows = tuple(
        (
            wanted_name(each),
            each.debug_id,
            each.module,
            each.exclusive_samples,
            each.inclusive_samples,
            _STATES.get(each.symbols, each.symbols),
        )
        for each in wanted[:most]
    )
    left_out = len(wanted) - len(rows)
    lines = (f"{left_out:,} more: perfdb query wanted_symbols",) if left_out else ()
    return Block("symbols wanted", 2, lines, Table(_WANTED, rows))


def wanted_name(wanted: WantedSymbols) -> str:
    """The file name of a symbol file, without the folders of the machine that made it."""
    return re.split(r"[\\/]", wanted.pdb_name)[-1] or "(build id)"
