"""Amounts with their units, in the unit that suits them: 12 ns is not `0.0 ms`, nor 3 GiB a number of ten digits.

What stands beside each other, as the two sides of a change, is written in one unit and with as many decimals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfdb.profile.measurement import BYTES, CPU_TIME, EXIT_CODE, KERNEL_TIME, MS, PEAK_MEMORY, USER_TIME, WALL_TIME
from perfdb.report.cells import cell
from perfdb.stats import Summary

DIGITS = 4
"""The greatest of several amounts has so many digits, or all of its whole part."""
MOST_DECIMALS = 6

_Scale = tuple[tuple[float, str], ...]
_TIMES: _Scale = ((1e3, "s"), (1.0, "ms"), (1e-3, "µs"), (1e-6, "ns"))
_SIZES: _Scale = ((float(2**30), "GiB"), (float(2**20), "MiB"), (float(2**10), "KiB"), (1.0, "B"))
_COUNTS: _Scale = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_LABELS = {
    WALL_TIME: "wall time",
    CPU_TIME: "CPU time",
    USER_TIME: "user time",
    KERNEL_TIME: "kernel time",
    PEAK_MEMORY: "peak memory",
    EXIT_CODE: "exit code",
}


def amounts(values: Sequence[float], unit: str) -> tuple[str, ...]:
    """Values of one unit (that of a measurement) as text: `("12.31 µs", "9.02 µs")`."""
    size, name, decimals = _written(values, unit)
    return tuple(_amount(value / size, name, decimals) for value in values)


def change_text(baseline: float, contender: float, unit: str) -> str:
    """What lies between two amounts, as they are written: `+0.82 µs`."""
    size, name, decimals = _written((baseline, contender), unit)
    delta = (contender - baseline) / size
    sign = "+" if round(delta, decimals) > 0 else ""
    return sign + _amount(delta, name, decimals)


def sides_text(baseline: Summary, contender: Summary, unit: str) -> tuple[str, str]:
    """Both sides' means with how far their runs lie apart: `("12.31 µs ±1.2 %", "9.02 µs")`."""
    before, after = amounts((baseline.mean, contender.mean), unit)
    return _with_dispersion(before, baseline), _with_dispersion(after, contender)


def summary_text(summary: Summary, unit: str) -> str:
    """One mean with how far the runs lie apart."""
    return _with_dispersion(amounts((summary.mean,), unit)[0], summary)


def metric_label(metric: str) -> str:
    """What a metric is called in a sentence."""
    return _LABELS.get(metric, metric)


def _with_dispersion(text: str, summary: Summary) -> str:
    return text if summary.dispersion is None else f"{text} ±{cell(summary.dispersion, 'share')}"


def _written(values: Sequence[float], unit: str) -> tuple[float, str, int]:
    """The size of the unit that suits the greatest value, its name, and how many decimals it has."""
    greatest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    size, name = _scale(greatest, unit)
    if name in ("B", "B/s") or not greatest:
        return size, name, 0
    if not unit and all(value.is_integer() for value in map(float, values) if math.isfinite(value)):
        return size, name, 0
    whole = math.floor(math.log10(greatest / size))
    return size, name, min(max(DIGITS - 1 - whole, 0), MOST_DECIMALS)


def _scale(greatest: float, unit: str) -> tuple[float, str]:
    if unit == MS:
        return _fitting(greatest, _TIMES)
    if unit == BYTES:
        return _fitting(greatest, _SIZES)
    if unit == f"{BYTES}/s":
        size, name = _fitting(greatest, _SIZES)
        return size, f"{name}/s"
    if unit.endswith("/s"):
        size, name = _fitting(greatest, _COUNTS)
        return size, f"{name} {unit}".strip()
    return 1.0, unit


def _fitting(greatest: float, scale: _Scale) -> tuple[float, str]:
    if not greatest:
        return next(each for each in scale if each[0] == 1.0)
    return next((each for each in scale if greatest >= each[0]), scale[-1])


def _amount(value: float, name: str, decimals: int) -> str:
    if not math.isfinite(value):
        return "-"
    text = f"{value:,.{decimals}f}" if value else "0"
    if not round(value, decimals):
        text = text.lstrip("-")
    return f"{text} {name}".rstrip()
