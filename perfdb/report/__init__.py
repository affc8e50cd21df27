"""Values into text for people and programs; nothing here prints.

`blocks` says what a report is made of; `text`, `markdown`, `delimited` and `json` write one, each in its own format;
the files whose names begin with `of_` make reports of runs, profiles, comparisons and query results.
"""

from perfdb.report.blocks import FORMATS, Block, Column, Report, Table
from perfdb.report.render import render

__all__ = ["FORMATS", "Block", "Column", "Report", "Table", "render"]
