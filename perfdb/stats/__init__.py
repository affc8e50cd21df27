"""Numbers in, numbers out: nothing here knows of databases, names or printing."""

from perfdb.stats.counts import ALLOWANCE, compare_counts
from perfdb.stats.differences import (
    EQUAL,
    IMPROVED,
    INCONCLUSIVE,
    REGRESSED,
    Differences,
    OddRun,
    TotalDifference,
)
from perfdb.stats.families import benjamini_hochberg
from perfdb.stats.judging import judge_families, judge_values
from perfdb.stats.one_sided import one_sided
from perfdb.stats.pooling import Pooled, pool_effects
from perfdb.stats.summary import Summary, summarise, summarise_columns
from perfdb.stats.values import Values, compare_values, repetition_error

__all__ = [
    "ALLOWANCE",
    "EQUAL",
    "IMPROVED",
    "INCONCLUSIVE",
    "REGRESSED",
    "Differences",
    "OddRun",
    "Pooled",
    "Summary",
    "TotalDifference",
    "Values",
    "benjamini_hochberg",
    "compare_counts",
    "compare_values",
    "judge_families",
    "judge_values",
    "one_sided",
    "pool_effects",
    "repetition_error",
    "summarise",
    "summarise_columns",
]
