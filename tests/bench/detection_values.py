"""How often `compare_values` is right, as measured on made-up values whose truth is known (`values_law`).

`python -m tests.bench.detection_values [PART]` measures it alone; `make bench-detection` does so after profiles.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.stats import EQUAL, IMPROVED, REGRESSED, TotalDifference, compare_values, judge_values
from tests.bench.measure import Figure, best_of
from tests.bench.values_law import HELD_BACK_FROM, STEP_MS, ValuesCase, make_values

RUNS = (1, 2, 3, 5, 10)
HISTORY_RUNS = (10, 0)
SEEDS = 2000
STEADY = (0.01, 0.03, 0.05)
CHANGES = (0.05, 0.1, 0.2)
SIZES = {20: 500, 200: 100}
"""Benchmarks of a diff, and how many diffs are measured."""
FAMILY_RUNS = ((1, 10), (3, 10), (3, 0), (5, 10), (5, 0))
CHANGE_OF_ONE = 0.2
MOST_FALSE, LEAST_COVER, MOST_WRONGLY_EQUAL = 0.05, 0.93, 0.01


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one comparison."""

    flagged: bool
    right: bool
    equal: bool
    covered: bool


def judge(found: TotalDifference, change: float) -> Outcome:
    """The answer against the truth."""
    right = found.verdict == (REGRESSED if change > 0 else IMPROVED)
    return Outcome(
        found.verdict in (REGRESSED, IMPROVED), right, found.verdict == EQUAL, found.low <= change <= found.high
    )


def run_cell(
    seeds: Iterable[int],
    law: str,
    runs: int,
    history_runs: int,
    *,
    change: float = 0.0,
    cv: float | None = None,
    step: float = 0.0,
) -> list[Outcome]:
    """The outcomes of one law for every seed; without those of which nothing can be told. `step` is what is told."""
    cases = (make_values(seed, law, runs, history_runs=history_runs, change=change, cv=cv) for seed in seeds)
    found = ((_compare(case, step), case.change) for case in cases)
    return [judge(each, truth) for each, truth in found if not np.isnan(each.p_value)]


def _compare(case: ValuesCase, step: float = 0.0) -> TotalDifference:
    return compare_values(case.baseline, case.contender, case.history, step=step)


def figures(runs: int, history_runs: int, seeds: Sequence[int]) -> list[Figure]:
    """The figures of one number of runs a side, in percent, with their limits."""
    laws = [(f"CV {100 * cv:.0f} %", run_cell(seeds, "normal", runs, history_runs, cv=cv)) for cv in STEADY]
    titles = {"heavy": "heavy tails", "odd": "odd runs"}
    if history_runs:
        titles |= {"moved": "the history's level moved", "elsewhere": "all history at another level"}
    titles |= {"steps": "steps of 15.6 ms", "repetitions": "medians of repetitions", "memory": "peak memory"}
    laws += [(title, run_cell(seeds, law, runs, history_runs)) for law, title in titles.items()]
    changed = {change: run_cell(seeds, "odd", runs, history_runs, change=change) for change in CHANGES}
    told, untold = (run_cell(seeds, "steps", runs, history_runs, change=0.1, step=step) for step in (STEP_MS, 0.0))
    everything = [outcome for _, cell in laws for outcome in cell] + [o for cell in changed.values() for o in cell]
    rows: list[tuple[str, float, float | None, bool]] = [
        (f"false alarms: {title}", _share(o.flagged for o in cell), MOST_FALSE, False) for title, cell in laws
    ]
    rows += [
        (f"+{100 * change:.0f} % is found", _share(o.right for o in cell), None, True)
        for change, cell in changed.items()
    ]
    rows += [
        ("unchanged: `equal` is shown", _share(o.equal for o in dict(laws)["odd runs"]), None, True),
        ("… of peak memory", _share(o.equal for o in dict(laws)["peak memory"]), 0.95, True),
        ("`equal` said of +10 %", _share(o.equal for o in changed[0.1]), MOST_WRONGLY_EQUAL, False),
        ("… counted in steps that are told", _share(o.equal for o in told), MOST_WRONGLY_EQUAL, False),
        ("… that are not told", _share(o.equal for o in untold), None, False),
        ("intervals cover", _share(o.covered for o in everything), LEAST_COVER, True),
    ]
    return [_figure(runs, history_runs, *row) for row in rows]


def family_figures(runs: int, history_runs: int, part: float) -> list[Figure]:
    """Diffs of many benchmarks: the shares that flag any where none changed, and that find the one that did."""
    rows = []
    for size, count in SIZES.items():
        told = [_of_many(number, size, runs, history_runs) for number in range(max(round(count * part), 1))]
        false, found = np.mean(told, axis=0).tolist()
        rows += [
            _figure(runs, history_runs, f"any false alarm among {size} benchmarks", false, MOST_FALSE, False),
            _figure(runs, history_runs, f"+{100 * CHANGE_OF_ONE:.0f} % of one of {size} is found", found, None, True),
        ]
    return rows


def _of_many(number: int, size: int, runs: int, history_runs: int) -> tuple[bool, bool]:
    """Whether anything is flagged where nothing changed, and whether the first is where it alone did; laws by turns."""
    laws = ("normal", "heavy", "odd", "moved", "repetitions") if history_runs else ("normal", "heavy", "odd")
    seeds = range(HELD_BACK_FROM + number * size, HELD_BACK_FROM + (number + 1) * size)
    quiet = [_compare(make_values(seed, laws[seed % len(laws)], runs, history_runs=history_runs)) for seed in seeds]
    slower = _compare(make_values(seeds[0], "odd", runs, history_runs=history_runs, change=CHANGE_OF_ONE))
    flagged = any(found.verdict in (REGRESSED, IMPROVED) for found in judge_values(quiet))
    return flagged, judge_values([slower, *quiet[1:]])[0].verdict == REGRESSED


def value_figures(part: float) -> list[Figure]:
    """Everything, or that part of the seeds."""
    seeds = range(HELD_BACK_FROM, HELD_BACK_FROM + max(round(SEEDS * part), 1))
    case = make_values(HELD_BACK_FROM, "odd", 10)
    rows = [Figure("values: 10 v 10 runs, 10 earlier", 1000 * best_of(15, lambda: _compare(case)), "ms")]
    for runs in RUNS:
        for history_runs in HISTORY_RUNS:
            if runs > 1 or history_runs:
                print(f"values, {runs} v {runs} runs, {history_runs} earlier …", file=sys.stderr, flush=True)
                rows += figures(runs, history_runs, seeds)
    for runs, history_runs in FAMILY_RUNS:
        print(f"many values, {runs} v {runs} runs, {history_runs} earlier …", file=sys.stderr, flush=True)
        rows += family_figures(runs, history_runs, part)
    return rows


def _share(values: Iterable[bool]) -> float:
    return float(np.mean(list(values)))


def _figure(runs: int, history_runs: int, what: str, share: float, limit: float | None, at_least: bool) -> Figure:
    title = f"values, n = {runs:2}, {history_runs:2} earlier  {what}"
    return Figure(title, 100 * share, "%", None if limit is None else 100 * limit, at_least=at_least)


def main(arguments: Sequence[str] = ()) -> int:
    """Measure everything, or that share of the seeds which the first argument says; 1 where a limit is missed."""
    from tests.bench.__main__ import table

    rows = value_figures(float(arguments[0]) if arguments else 1.0)
    print(table(rows))
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
