"""Numbers in, numbers out: nothing here knows of databases, names or printing."""

from perfdb.stats.counts import compare_counts
from perfdb.stats.differences import EQUAL, IMPROVED, INCONCLUSIVE, REGRESSED, Differences, TotalDifference
from perfdb.stats.summary import Summary, summarise

__all__ = [
    "EQUAL",
    "IMPROVED",
    "INCONCLUSIVE",
    "REGRESSED",
    "Differences",
    "Summary",
    "TotalDifference",
    "compare_counts",
    "summarise",
]
