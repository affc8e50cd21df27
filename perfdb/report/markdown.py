"""Reports as Markdown that renders the same in GitHub and GitLab.

What stands in names is text, never markup. Columns of names are code spans: there, `std::cat::x` is no emoji, `@ILT+5`
mentions nobody, `#12` refers to nothing and `$x$` is no formula. In sentences such pairs of characters are parted by an
empty comment, which both leave out.
"""

from __future__ import annotations

import re

from perfdb.report.blocks import LEFT_ALIGNED, Block, Column, Report, Table
from perfdb.report.cells import printable, table_cells

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")
_MEANT_ELSEWHERE = re.compile(
    r"(?<=@)(?=\w)|(?<=[!%&#~])(?=[\w\"])|(?<=\$)(?=\S)|(?<=\bGH)(?=-\d)|(?<=:)(?=[a-z0-9_+-]+:)|(?<=\w)(?=://)|(?<=www)(?=\.)"
)
"""Where a forge would see a mention, a reference, a formula, an emoji or a link."""
_APART = "<!-- -->"
_MARKED = re.compile("\x02([^\x02\x03]*)\x03")
NAMES = ("module", "function", "path", "part", "slower", "hottest", "process")
"""The keys of columns that hold names out of traces."""
_LABEL = re.compile(r"total|program|-|\((?:[\d,]+ )?[a-z ]{4,32}\)")
"""What such columns also hold: `(3 improved)` and the like."""


def render_markdown(report: Report) -> str:
    """The whole report."""
    return "\n\n".join(_block(block) for block in report.blocks if _block(block)) + "\n"


def escape(text: str) -> str:
    """Printable text that Markdown shows as it is, also inside a table."""
    pieces = re.split(_MEANT_ELSEWHERE, text)
    escaped = (_SPECIAL.sub(r"\\\1", piece).replace("&", "&amp;").replace("\n", " ") for piece in pieces)
    return _APART.join(escaped)


def code(text: str) -> str:
    """Printable text as a code span, outside of tables."""
    if not text.strip():
        return text
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    is_padded = text[0] == text[-1] == " " or "`" in (text[0], text[-1])
    return f"{fence} {text} {fence}" if is_padded else f"{fence}{text}{fence}"


def code_cell(text: str) -> str:
    r"""Printable text as a code span in a cell of a table, where `|` must be escaped even so.

    Renderers do not agree on a pipe behind a backslash: such text is HTML.
    """
    if "\\|" in text or text.endswith("\\"):
        return f"<code>{escape(text)}</code>"
    return code(text).replace("|", "\\|")


def sentence(text: str) -> str:
    """A sentence of any text, in which the names that `marked` has marked are code spans."""
    pieces = _MARKED.split(text)
    return "".join(code(printable(piece)) if at % 2 else escape(printable(piece)) for at, piece in enumerate(pieces))


def marked(name: str) -> str:
    """A name to be put into a sentence, printable, marked as such for `sentence`."""
    return f"\x02{printable(name)}\x03"


def unmarked(text: str) -> str:
    """The sentence without marks."""
    return text.replace("\x02", "").replace("\x03", "")


def fenced(text: str) -> str:
    """Text as a block of code, whatever backticks it has."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"


def heading(text: str, level: int) -> str:
    """A heading of any text."""
    return f"{'#' * level} {escape(printable(text))}"


def caveats_text(caveats: tuple[str, ...]) -> str:
    """Caveats as quoted lines."""
    return "  \n".join(f"> ⚠ {escape(printable(caveat))}" for caveat in caveats)


def _block(block: Block) -> str:
    parts: list[str] = []
    if block.heading:
        parts.append(heading(block.heading, block.level))
    if block.lines:
        parts.append("  \n".join(escape(printable(line)) for line in block.lines))
    if block.caveats:
        parts.append(caveats_text(block.caveats))
    if block.table is not None:
        parts.append(table_markdown(block.table))
    return "\n\n".join(parts)


def table_markdown(table: Table, is_padded: bool = True) -> str:
    """A table; names are code spans. `is_padded` makes it a table for those too who read the text itself."""
    import tabulate

    tabulate.MIN_PADDING = 0  # as in `text`: one report is written the same whatever was written before it
    tabulate.PRESERVE_WHITESPACE = False

    rows = [
        [_cell(text, column) for text, column in zip(row, table.columns, strict=True)] for row in table_cells(table)
    ]
    alignment = ["left" if column.kind in LEFT_ALIGNED else "right" for column in table.columns]
    headers = [escape(printable(column.title)) for column in table.columns]
    if not is_padded:
        rules = [":--" if each == "left" else "--:" for each in alignment]
        return "\n".join(f"| {' | '.join(row)} |" for row in (headers, rules, *rows))
    text: str = tabulate.tabulate(
        rows, headers, tablefmt="pipe", colalign=alignment if rows else None, disable_numparse=True
    )
    return text


def _cell(text: str, column: Column) -> str:
    is_name = column.kind in ("text", "path") and (column.key in NAMES or column.kind == "path")
    return code_cell(text) if is_name and not is_label(text) else escape(text)


def is_label(text: str) -> bool:
    """Whether a cell of a column of names says what a line sums, and is no name."""
    return _LABEL.fullmatch(text) is not None
