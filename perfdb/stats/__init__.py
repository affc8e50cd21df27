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
from perfdb.stats.judging import judge_families
from perfdb.stats.one_sided import one_sided
from perfdb.stats.pooling import Pooled, pool_effects
from perfdb.stats.summary import Summary, summarise, summarise_columns

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
    "benjamini_hochberg",
    "compare_counts",
    "judge_families",
    "one_sided",
    "pool_effects",
    "summarise",
    "summarise_columns",
]
