"""The laws by which measured values are made whose truth is known: what differs between runs, and what really changed.

A run's value is a level × noise, log-normal, with a CV that is log-uniform between 1 and 5 % for every comparison where
no other is given. The laws differ in what else happens:

normal       nothing
heavy        the noise is Student's t with 3 degrees of freedom, of the same variance
odd          2 % of the runs are slower by a factor log-uniform between 1.1 and 2: another program ran
moved        the level moved at one of the history's runs, any as likely as another, by ± 3, 10 or 30 %
elsewhere    all of the history has another level, by ± 3, 10 or 30 %
steps        CPU time as Windows counts it, in steps of 15.625 ms: a true time log-uniform between 30 and 500 ms, and
             where in a step it starts is chance
repetitions  each run is the median of 3 to 10 repetitions, whose own CV is log-uniform between 1 and 10 %
memory       peak memory, in pages: alike in seven runs of ten, apart by 0.05 % in the others
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.stats import Values, repetition_error
from perfdb.stats.normal import F64

LAWS = ("normal", "heavy", "odd", "moved", "elsewhere", "steps", "repetitions", "memory")
LEAST_CV, MOST_CV = 0.01, 0.05
ODD_RUNS, LEAST_ODD, MOST_ODD = 0.02, 1.1, 2.0
MOVES = (0.03, 0.1, 0.3)
STEP_MS, LEAST_MS, MOST_MS = 15.625, 30, 500
LEAST_REPETITIONS, MOST_REPETITIONS = 3, 10
LEAST_REPETITION_CV, MOST_REPETITION_CV = 0.01, 0.1
PAGE_BYTES, MEMORY_PAGES, MEMORY_CV, MEMORY_VARIES = 4096, 50_000, 0.0005, 0.3
HELD_BACK_FROM = 500_000
"""The method was developed on seeds below this one; the bench takes its seeds from here on."""


@dataclass(frozen=True, slots=True)
class ValuesCase:
    """One comparison; the contender's level is the baseline's × (1 + `change`)."""

    baseline: Values
    contender: Values
    history: Values | None
    change: float


def make_values(
    seed: int, law: str, runs: int, *, history_runs: int = 10, change: float = 0.0, cv: float | None = None
) -> ValuesCase:
    """One comparison of `runs` against `runs` by one of `LAWS`."""
    random = np.random.default_rng([seed, LAWS.index(law), runs, history_runs])
    maker = _Maker(random, law, _log_uniform(random, LEAST_CV, MOST_CV) if cv is None else cv)
    return ValuesCase(
        maker.runs(np.ones(runs)),
        maker.runs(np.full(runs, 1 + change)),
        maker.runs(_earlier_levels(random, law, history_runs)) if history_runs else None,
        change,
    )


class _Maker:
    """What is the same in all runs of a comparison."""

    def __init__(self, random: np.random.Generator, law: str, cv: float) -> None:
        self.random, self.law, self.cv = random, law, cv
        self.true_ms = _log_uniform(random, LEAST_MS, MOST_MS)
        self.repetitions = int(random.integers(LEAST_REPETITIONS, MOST_REPETITIONS + 1))
        self.repetition_cv = _log_uniform(random, LEAST_REPETITION_CV, MOST_REPETITION_CV)

    def runs(self, levels: F64) -> Values:
        """A run at each level, (runs,)."""
        random, count = self.random, len(levels)
        if self.law == "memory":
            noise = MEMORY_CV * random.standard_normal(count) * (random.random(count) < MEMORY_VARIES)
            return _once(np.round(MEMORY_PAGES * levels * np.exp(noise)) * PAGE_BYTES)
        heavy = random.standard_t(3, count) / np.sqrt(3)
        values = levels * np.exp(self.cv * (heavy if self.law == "heavy" else random.standard_normal(count)))
        if self.law == "odd":
            factors = np.exp(random.uniform(np.log(LEAST_ODD), np.log(MOST_ODD), count))
            values = np.where(random.random(count) < ODD_RUNS, values * factors, values)
        if self.law == "steps":
            values = np.floor(values * self.true_ms / STEP_MS + random.random(count)) * STEP_MS
        if self.law == "repetitions":
            return self._repeated(values)
        return _once(values)

    def _repeated(self, values: F64) -> Values:
        shape = len(values), self.repetitions
        each = values[:, None] * np.exp(self.repetition_cv * self.random.standard_normal(shape))
        medians, spreads = np.median(each, axis=1), each.std(axis=1, ddof=1)
        errors = [
            repetition_error(*pair, self.repetitions) for pair in zip(spreads.tolist(), medians.tolist(), strict=True)
        ]
        return Values(medians, np.array(errors))


def _earlier_levels(random: np.random.Generator, law: str, runs: int) -> F64:
    levels = np.ones(runs)
    if law in ("moved", "elsewhere"):
        upto = runs if law == "elsewhere" else int(random.integers(1, runs + 1))
        factor = 1 + MOVES[int(random.integers(len(MOVES)))]
        levels[:upto] = factor if random.random() < 0.5 else 1 / factor
    return levels


def _once(values: F64) -> Values:
    return Values(values, np.zeros(len(values)))


def _log_uniform(random: np.random.Generator, least: float, most: float) -> float:
    return float(np.exp(random.uniform(np.log(least), np.log(most))))
