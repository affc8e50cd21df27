"""Where a page's numbers are from: its runs, and the commands that give the same answers."""

from __future__ import annotations

import shlex

from perfdb.compare.page import PageContent
from perfdb.compare.sides import RunFacts
from perfdb.report.blocks import Column, Table
from perfdb.report.cells import printable
from perfdb.report.html.blocks import TableView, table_view
from perfdb.report.names import short_commit, short_run
from perfdb.report.of_diff_call import options, revisions
from perfdb.units import NS_PER_MS

_COLUMNS = (
    Column("example", "example"),
    Column("side", "side"),
    Column("run", "run"),
    Column("commit", "commit"),
    Column("process", "process"),
    Column("machine", "machine"),
    Column("build", "build"),
    Column("detail", "detail"),
    Column("interval_ms", "interval ms", "value"),
    Column("samples", "samples", "count"),
    Column("unresolved", "unresolved", "share"),
)


def runs_table(content: PageContent) -> TableView:
    """Every run that the page's costs are of; the column of sides only where there are two."""
    roles = ("baseline", "contender")
    rows = [
        _row(example.example, roles[side] if content.comparison else "", run)
        for example in content.examples
        for side, each in enumerate(example.sides)
        for run in each.runs
    ]
    kept = [at for at, column in enumerate(_COLUMNS) if column.key != "side" or content.comparison]
    table = Table(tuple(_COLUMNS[at] for at in kept), tuple(tuple(row[at] for at in kept) for row in rows))
    return table_view(table, "Runs")


def _row(example: str, role: str, run: RunFacts) -> tuple[object, ...]:
    return (
        example,
        role,
        short_run(run.run_id),
        short_commit(run.commit_sha, run.is_dirty),
        run.process,
        run.machine,
        run.build,
        run.detail,
        run.interval_ns / NS_PER_MS if run.interval_ns else None,
        None if run.is_measured else run.samples,
        run.unresolved_share,
    )


def commands(content: PageContent) -> tuple[str, ...]:
    """What to type for the same answers in a terminal, and for this page."""
    comparison = content.comparison
    if comparison is None:
        calls_of_one = (("perfdb", "show", *content.asked), _page(*content.asked)) if content.asked else ()
        return tuple(printable(shlex.join(words)) for words in calls_of_one)
    first, second = revisions(comparison)
    targets = [str(target) for target in content.impact.targets] if content.impact else []
    named = [word for target in targets for word in ("--target", target)]
    asked = options(comparison)
    calls = [("perfdb", "diff", first, second, *asked), (*_page(second), "--against", first, *named, *asked)]
    if content.impact:
        calls.insert(1, ("perfdb", "impact", first, second, *named, *asked))
    return tuple(printable(shlex.join(words)) for words in calls)


def _page(*asked: str) -> tuple[str, ...]:
    return ("perfdb", "report", "page", *asked, "-o", "page.html")
