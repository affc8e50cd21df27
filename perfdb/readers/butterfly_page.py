"""The page that `xperf -a stack -butterfly` prints, taken apart into tables of raw cells.

The page looks like XHTML and is none. All of it but the style sheet is one line, of many MB at times. Every row below a
function begins with a `<tr>` that nothing closes. Names stand there raw, so an HTML parser would invent elements out of
template arguments (`Foo<p>`), and removing all tags would eat them. Therefore tables are found by their anchors
(`id='TblSE'`; their titles stand in the table of contents, too), columns by the texts of their heads, and a row is what
fits the one shape that rows have. Whatever else is inside a table is damage: nothing is skipped on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from perfdb.readers import told

TABLES = ("TblP", "TblME", "TblMI", "TblSI", "TblSN", "TblSE")
"""Processes; modules and functions, by exclusive and by inclusive hits; and functions with callers and callees."""

_ANCHOR = re.compile(rf"<a\s+id=['\"]({'|'.join(TABLES)})['\"]\s*>")
_HEAD = re.compile(r"<th(?:\s[^<>]*)?>(.*?)</th>", re.S)
_MARKUP = re.compile(r"<[^<>]*>|&nbsp;|\s+")
_BETWEEN_ROWS = r"(?:\s|</?(?:tr|tbody|thead|colgroup|col)(?:\s[^<>]*)?/?>)*"
_BETWEEN = re.compile(_BETWEEN_ROWS)
_ROW = re.compile(
    _BETWEEN_ROWS
    + r"<tr(?:\s[^<>]*)?><td(?:\s[^<>]*)?>([^<]*(?:<(?!/td>)[^<]*)*)</td>((?:<td(?:\s[^<>]*)?>[^<]*</td>)*)\s*"
)
_CELL = re.compile(r"<td(?:\s[^<>]*)?>([^<]*)</td>")
_REST = "..."
"""The first cell of the row that stands for all those that were left out."""


class DamagedError(Exception):
    """A table cannot be read to its end. Stays inside the reader, which knows what the table is needed for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the raw text of its first cell, and the others by the names of their columns."""

    name: str
    cells: dict[str, str]

    def count(self, column: str) -> int:
        """The count in a column. Raises DamagedError where there is none."""
        found = told.number(self.cells[column])
        if found is None:
            raise DamagedError(f"{self.cells[column]!r} is no number of hits")
        return found


@dataclass
class Table:
    """One table of the page; `is_trimmed` where it says that rows were left out."""

    rows: list[Row] = field(default_factory=list)
    is_trimmed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Where the tables are in the text; `is_whole` where the text goes on to its own end."""

    text: str
    spans: dict[str, tuple[int, int]]
    is_whole: bool

    def table(self, name: str, *columns: str) -> Table:
        """A table that has these columns besides its first. Raises DamagedError."""
        if name not in self.spans:
            raise DamagedError(f"{name} is missing")
        begin, end = self.spans[name]
        head_end = self.text.find("</thead>", begin, end)
        body_end = self.text.find("</table>", max(head_end, begin), end)
        if head_end < 0 or body_end < 0:
            raise DamagedError(f"{name} is cut")
        heads = [_MARKUP.sub(" ", head).strip().lower() for head in _HEAD.findall(self.text, begin, head_end)]
        heads = [" ".join(head.split()) for head in heads]
        missing = [column for column in columns if column not in heads[1:]]
        if missing:
            raise DamagedError(f"{name} has no column '{missing[0]}'")
        table = Table()
        for row in _rows(self.text[head_end + len("</thead>") : body_end], name, heads[1:]):
            if row.name == _REST and not any(row.cells.values()):
                table.is_trimmed = True
            else:
                table.rows.append(row)
        return table


def find_tables(text: str) -> Page:
    """The tables of a page. Raises DamagedError where one is there twice: then the file is not one report."""
    anchors = list(_ANCHOR.finditer(text))
    names = [anchor[1] for anchor in anchors]
    twice = [name for name in TABLES if names.count(name) > 1]
    if twice:
        raise DamagedError(f"{twice[0]} is there {names.count(twice[0])} times")
    ends = [*(anchor.start() for anchor in anchors), len(text)][1:]
    spans = {anchor[1]: (anchor.end(), end) for anchor, end in zip(anchors, ends, strict=True)}
    return Page(text, spans, "</html>" in text[-1024:])


def _rows(body: str, name: str, columns: list[str]) -> Iterator[Row]:
    """The rows of a table's body. The chunks between `</tr>` are short, so matching them takes time linear in all."""
    *chunks, rest = body.split("</tr>")
    for chunk in chunks:
        match = _ROW.fullmatch(chunk)
        cells = _CELL.findall(match[2]) if match else []
        if match is None or len(cells) != len(columns):
            raise DamagedError(f"{name} has a damaged row")
        yield Row(match[1], dict(zip(columns, cells, strict=True)))
    if not _BETWEEN.fullmatch(rest):
        raise DamagedError(f"{name} has a damaged row at its end")
