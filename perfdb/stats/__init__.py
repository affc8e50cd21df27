"""Numbers in, numbers out: nothing here knows of databases, names or printing."""

from perfdb.stats.summary import Summary, summarise

__all__ = ["Summary", "summarise"]
