"""`python -m tests.bench.detection`: how often verdicts are right, on profiles whose truth is known; exits 1 at a miss.

Each cell of the table is 400 comparisons or more (1,200 when nothing changed), half with 2,000 and half with 10,000
samples a run, of programs and runs made by `detection_law`, on seeds that the method was not developed on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.stats import EQUAL, IMPROVED, REGRESSED, compare_counts
from tests.bench.detection_law import HELD_BACK_FROM, Case, make_case
from tests.bench.detection_values import value_figures
from tests.bench.false_alarms import false_alarm_figures
from tests.bench.measure import Figure, best_of

SAMPLES = (2_000, 10_000)
RUNS = (1, 3, 5, 10)
CHANGES = ((1, 0.2), (5, 0.2), (1, 0.5), (5, 0.5))
MARGIN = 0.05
NULL_SEEDS, OTHER_SEEDS, CHANGE_SEEDS = 600, 400, 200
TESTABLE_MEAN = 3.0
"""Intervals are judged for functions with so many samples a run, and for the total."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one comparison; counts of functions, but for the total's."""

    false_flags: int
    flags: int
    changed: int
    found: int
    large_changes: int
    wrongly_equal: int
    covered: int
    intervals: int
    total_covered: bool
    total_regressed: bool
    total_flagged: bool

    @property
    def false_share(self) -> float:
        """The false-discovery proportion; 0 where nothing is flagged."""
        return self.false_flags / max(self.flags, 1)


def judge(case: Case) -> Outcome:
    """Compare, and hold the answer against the truth."""
    found = compare_counts(case.baseline, case.contender, case.history, groups=case.modules, margin=MARGIN)
    flagged = (found.verdict == REGRESSED) | (found.verdict == IMPROVED)
    is_right = flagged & (np.sign(case.effects) == found.verdict)
    mean = (case.baseline.mean(axis=0) + case.contender.mean(axis=0)) / 2
    judged = mean >= TESTABLE_MEAN
    covers = (found.low <= case.effects) & (case.effects <= found.high)
    changed = case.effects != 0
    large = np.abs(case.effects) >= 2 * MARGIN
    total_is_large = abs(case.total_effect) >= 2 * MARGIN
    return Outcome(
        false_flags=int((flagged & ~is_right).sum()),
        flags=int(flagged.sum()),
        changed=int(changed.sum()),
        found=int((is_right & changed).sum()),
        large_changes=int(large.sum()) + total_is_large,
        wrongly_equal=int((large & (found.verdict == EQUAL)).sum()) + (total_is_large and found.total.verdict == EQUAL),
        covered=int((covers & judged).sum()),
        intervals=int(judged.sum()),
        total_covered=found.total.low <= case.total_effect <= found.total.high,
        total_regressed=found.total.verdict == REGRESSED,
        total_flagged=found.total.verdict in (REGRESSED, IMPROVED),
    )


def run_cell(seeds: Iterable[int], make: Callable[[int, int], Case]) -> list[Outcome]:
    """The outcomes of `make(seed, samples)` for every seed, at each number of samples a run."""
    return [judge(make(seed, samples)) for seed in seeds for samples in SAMPLES]


@dataclass(frozen=True, slots=True)
class Column:
    """All that is measured with one number of runs a side."""

    runs: int
    quiet: list[Outcome]
    changed: dict[tuple[int, float], list[Outcome]]
    slower: list[Outcome]
    stale: list[Outcome]
    alone: list[Outcome]

    def found(self, change: float) -> float:
        """The share of the changed functions that was flagged, the right way."""
        outcomes = [outcome for (_, size), cell in self.changed.items() if size == change for outcome in cell]
        return sum(outcome.found for outcome in outcomes) / sum(outcome.changed for outcome in outcomes)

    def everything(self) -> list[Outcome]:
        """The outcomes whose history is not stale."""
        changed = [outcome for cell in self.changed.values() for outcome in cell]
        return [*self.quiet, *self.slower, *self.alone, *changed]


def measure_column(
    runs: int, null_seeds: Sequence[int], other_seeds: Sequence[int], change_seeds: Sequence[int]
) -> Column:
    """Every scenario with `runs` runs a side; without history from three runs on."""
    alone_seeds = other_seeds if runs >= 3 else ()
    return Column(
        runs,
        run_cell(null_seeds, lambda seed, samples: make_case(seed, runs, samples)),
        {
            (count, change): run_cell(
                change_seeds,
                lambda seed, samples, count=count, change=change: make_case(  # type: ignore[misc]
                    seed, runs, samples, changed=count, change=change
                ),
            )
            for count, change in CHANGES
        },
        run_cell(change_seeds, lambda seed, samples: make_case(seed, runs, samples, speed=0.1)),
        run_cell(other_seeds, lambda seed, samples: make_case(seed, runs, samples, stale=5)),
        run_cell(alone_seeds, lambda seed, samples: make_case(seed, runs, samples, history_runs=0)),
    )


LEAST_FOUND_20 = {3: 0.20, 5: 0.36, 10: 0.54}
LEAST_FOUND_50 = {1: 0.36, 3: 0.75, 5: 0.86, 10: 0.97}
LEAST_SLOWER = {1: 0.50, 3: 0.92, 5: 0.98, 10: 0.99}


def figures(column: Column) -> list[Figure]:
    """The figures of one column with their limits, in percent."""
    runs, all_changed = column.runs, [outcome for cell in column.changed.values() for outcome in cell]
    everything = column.everything()
    wrongly_equal = sum(o.wrongly_equal for o in everything) / max(sum(o.large_changes for o in everything), 1)
    covered = sum(o.covered for o in everything) / sum(o.intervals for o in everything)
    total_covered = _share(o.total_covered for o in everything)
    rows = [
        _figure(runs, "nothing changed: any false flag", _share(o.false_flags > 0 for o in column.quiet), 0.03),
        _figure(runs, "1 or 5 changed: false-discovery proportion", _share(o.false_share for o in all_changed), 0.03),
        _figure(runs, "a +20 % function is found", column.found(0.2), LEAST_FOUND_20.get(runs), at_least=True),
        _figure(runs, "a +50 % function is found", column.found(0.5), LEAST_FOUND_50.get(runs), at_least=True),
        _figure(
            runs,
            "the program +10 % is found",
            _share(o.total_regressed for o in column.slower),
            LEAST_SLOWER[runs],
            at_least=True,
        ),
        _figure(runs, "the program: false alarms", _share(o.total_flagged for o in column.quiet), 0.05),
        _figure(runs, "`equal` said of a change of 2 × margin", wrongly_equal, 0.01),
        _figure(runs, "stale history: any false flag", _share(o.false_flags > 0 for o in column.stale), 0.05),
        _figure(runs, "intervals of functions cover, at least", covered, 0.93, at_least=True),
        _figure(runs, "intervals of functions cover, at most", covered, 0.97),
        _figure(runs, "intervals of the program cover, at least", total_covered, 0.93, at_least=True),
        _figure(runs, "intervals of the program cover, at most", total_covered, 0.97),
    ]
    if column.alone:
        rows.append(_figure(runs, "no history: any false flag", _share(o.false_flags > 0 for o in column.alone), 0.03))
    return rows


def _share(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _figure(runs: int, what: str, share: float, limit: float | None, *, at_least: bool = False) -> Figure:
    return Figure(
        f"n = {runs:2}  {what}", 100 * share, "%", None if limit is None else round(100 * limit, 3), at_least=at_least
    )


def time_figure() -> Figure:
    """How long 10 against 10 runs with 10 earlier ones take, 3,000 functions."""
    case = make_case(HELD_BACK_FROM, 10, 10_000, changed=5, change=0.2)
    seconds = best_of(15, lambda: compare_counts(case.baseline, case.contender, case.history, groups=case.modules))
    return Figure("10 v 10 runs, 10 earlier, 3,000 functions", 1000 * seconds, "ms", 60)


def main(arguments: Sequence[str] = ()) -> int:
    """Measure everything, or that share of the seeds which the first argument says; 1 where a limit is missed."""
    from tests.bench.__main__ import table

    part = float(arguments[0]) if arguments else 1.0
    null_seeds, other_seeds, change_seeds = (
        range(HELD_BACK_FROM, HELD_BACK_FROM + max(round(seeds * part), 1))
        for seeds in (NULL_SEEDS, OTHER_SEEDS, CHANGE_SEEDS)
    )
    rows = [time_figure()]
    for runs in RUNS:
        print(f"{runs} v {runs} runs …", file=sys.stderr, flush=True)
        rows += figures(measure_column(runs, null_seeds, other_seeds, change_seeds))
    for runs in (1, 3):
        print(f"whole diffs, {runs} v {runs} runs …", file=sys.stderr, flush=True)
        rows += false_alarm_figures(runs, part)
    rows += value_figures(part)
    print(table(rows))
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
