"""The reports of symbols: what became of runs whose addresses were looked up, and which symbol files are wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from perfdb.profile.outcome import Resolved, WantedSymbols
from perfdb.report.blocks import Block, Report, Table
from perfdb.report.cells import printable
from perfdb.report.names import short_commit, short_run

MOST_WANTED = 10
"""How many wanted symbol files are listed."""

_STATES = {
    "": "not looked for",
    "absent": "not found",
    "mismatch": "found of another build only",
    "unreadable": "found, but not readable",
}


def resolved_line(resolved: Resolved) -> str:
    """One line: the run, how much of it has no symbol now and had before, and what was found on the way."""
    before, after = (f"{share * 100:.0f} %" for share in (resolved.share_before, resolved.share_after))
    parts = (
        short_run(resolved.run_id),
        resolved.example,
        short_commit(resolved.commit_sha),
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
    name = re.split(r"[\\/]", wanted.pdb_name)[-1] or "symbols with build id"
    samples = "1 sample" if wanted.exclusive_samples == 1 else f"{wanted.exclusive_samples:,} samples"
    runs = f" of {wanted.runs:,} runs" if wanted.runs > 1 else ""
    state = _STATES.get(wanted.symbols, wanted.symbols)
    weights = f"{samples}{runs} ({wanted.inclusive_samples:,} with it on the stack)"
    return printable(f"{name} {wanted.debug_id}  {wanted.module}: {weights}, {state}")


def wanted_block(wanted: Sequence[WantedSymbols]) -> Block:
    """The symbol files that are wanted, under a heading."""
    return Block("symbols wanted", 2, wanted_lines(wanted))
