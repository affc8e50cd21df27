"""The whole page: what was found, in words and tables, and below it what the scripts explore."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from perfdb import __version__
from perfdb.compare.comparison import ExampleDiff
from perfdb.compare.page import PageContent
from perfdb.compare.verdicts import REGRESSED
from perfdb.report.cells import printable
from perfdb.report.html.blocks import Part, Section, part, sections
from perfdb.report.html.data import payload
from perfdb.report.html.provenance import commands, runs_table
from perfdb.report.html.scripts import policy, script, style
from perfdb.report.html.summary import ROLES, TOP, of_comparison, of_shown
from perfdb.report.names import short_commit

if TYPE_CHECKING:
    from jinja2 import Environment

_JOINT = re.compile(r"(?<=::|.,)(?=\S)|(?<=\w!)(?=\S)")


@dataclass(frozen=True, slots=True)
class ExampleView:
    """An example's part of the page: its name and its data; `why_no_tree` says why it has no flame graph."""

    name: str
    payload: str
    why_no_tree: str


def page_html(content: PageContent) -> str:
    """One HTML file that makes no request: everything is in it, and its own policy allows nothing else."""
    if content.comparison is not None:
        summary, details = of_comparison(content.comparison)
        by_example = {each.example: each for each in content.comparison.examples}
        labels: tuple[str, ...] = tuple(
            short_commit(side.asked) for side in (content.comparison.baseline, content.comparison.contender)
        )
    else:
        assert content.shown is not None  # a page has one of the two
        summary, details = of_shown(content.shown)
        by_example, labels = {}, (short_commit(content.title),)
    examples = [
        ExampleView(
            printable(each.example), payload(each, labels, by_example.get(each.example)), _why_no_tree(content, at)
        )
        for at, each in sorted(enumerate(content.examples), key=lambda pair: _rank(by_example.get(pair[1].example)))
        if each.has_profiles
    ]
    template = _environment().get_template("page.html.j2")
    return template.render(
        title=printable(" → ".join(labels)),
        policy=policy(),
        style=_safe(style()),
        script=_safe(script()),
        summary=summary,
        impact=_impact(content, summary.head),
        examples=examples,
        details=[
            replace(detail, section=replace(detail.section, anchor=f"part-{number}"))
            for number, detail in enumerate(details, 1)
        ],
        runs=runs_table(content),
        commands=commands(content),
        version=__version__,
        top=TOP,
    )


def _rank(example: ExampleDiff | None) -> tuple[bool, float]:
    """Where an example stands among those that can be looked at: what regressed, or holds what did, comes first."""
    if example is None:
        return False, 0.0
    worst = max((row.delta_ns for row in example.functions.rows if row.group == REGRESSED), default=0.0)
    return example.finding.verdict != REGRESSED, -worst


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("perfdb.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = _breakable
    return environment


def _breakable(text: str) -> str:
    """The text, escaped, with places to break lines at, where C++ names have joints."""
    from markupsafe import Markup

    return Markup("<wbr>").join(_JOINT.split(text))


def _safe(text: str) -> str:
    """Our own script or style, which the template must not escape."""
    from markupsafe import Markup

    return Markup(text)


def _impact(content: PageContent, said: Part) -> list[Section]:
    """What was brought for the targets; what has been `said` at the head of the page is not said again."""
    if content.impact is None:
        return []
    from perfdb.report.of_impact import impact_report

    head, *blocks = impact_report(content.impact).blocks
    whole = part(head)
    lines = tuple(line for line in whole.lines if line not in said.lines and not line.startswith(ROLES))
    first = replace(whole, lines=lines, caveats=tuple(each for each in whole.caveats if each not in said.caveats))
    found = sections([replace(head, heading="Impact", level=1, lines=(), caveats=()), *blocks])
    found[0] = replace(found[0], parts=(*found[0].parts, first))
    return found


def _why_no_tree(content: PageContent, at: int) -> str:
    """Why an example has no call paths, and what to record for them; '' where it has."""
    example = content.examples[at]
    if example.tree is not None:
        return ""
    details = sorted({run.detail for side in example.sides for run in side.runs})
    return (
        f"some of these runs have no call paths (detail {', '.join(details)}). Record the trace itself (.etl), the "
        "event text of xperf -a dumper, or folded stacks: they tell whole stacks."
    )
