"""`perfdb report regressions`: a regression report for a pull request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfdb.cli.judging import FailOnOption, HistoryOption, MarginOption, MinMsOption, criteria_of, judge
from perfdb.cli.options import (
    AllProcessesOption,
    BaselineArgument,
    BuildOption,
    ContenderArgument,
    ExampleOption,
    ForceOption,
    ProcessOption,
)
from perfdb.errors import InputError, UsageError

if TYPE_CHECKING:
    from perfdb.compare.page import PageContent

SUMMARY_FILE = "GITHUB_STEP_SUMMARY"
SUMMARY_BYTES = 1 << 20
"""What GitHub takes of a step's summary."""
_SUFFIXES = (".md", ".html", ".json")


def regressions(
    context: typer.Context,
    baseline: BaselineArgument,
    contender: ContenderArgument = None,
    example: ExampleOption = None,
    process: ProcessOption = None,
    all_processes: AllProcessesOption = False,
    build: BuildOption = None,
    margin: MarginOption = None,
    min_ms: MinMsOption = None,
    history: HistoryOption = None,
    fail_on: FailOnOption = None,
    github: Annotated[
        bool,
        typer.Option("--github", help=f"Append the report to the step's summary, the file that ${SUMMARY_FILE} names."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write .md, .html (a page) or .json. Default: print Markdown."
        ),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Write a regression report on two revisions, fit for a pull request.

    The verdict first, then what explains it; as Markdown at most what a comment of GitHub holds.
    """
    from perfdb.api import Scope
    from perfdb.cli.output import emit_text, say, write_file
    from perfdb.report.of_regressions import regressions_markdown

    if output is not None and output.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"asked to write {output}, found no format of that name: give .md, .html or .json.")
    opened = context.obj.history()
    scope = Scope(tuple(example or ()), process, all_processes, build)
    content: PageContent | None = None
    criteria = criteria_of(opened, margin, min_ms, history)
    if output is not None and output.suffix.lower() == ".html":
        # "A...B" is one word of the baseline: the page takes it as `diff` does.
        content = opened.page(contender, baseline, scope=scope, criteria=criteria)
        comparison = content.comparison
        assert comparison is not None
    else:
        comparison = opened.diff(baseline, contender, scope=scope, criteria=criteria)
    text = regressions_markdown(comparison) if github or output is None or output.suffix.lower() == ".md" else ""
    if output is None:
        emit_text(text)
    else:
        write_file(output, _written(output, text, content, comparison), force)
        say(f"wrote {output}")
    problem = _append_to_summary(text) if github else None
    judge(opened, comparison, fail_on)
    if problem is not None:  # a gate that fails says so before a summary that could not be written
        raise problem


def _written(output: Path, text: str, content: PageContent | None, comparison: object) -> str:
    from perfdb.compare import Comparison

    assert isinstance(comparison, Comparison)
    if content is not None:
        from perfdb.report.html import page_html

        return page_html(content)
    if text and output.suffix.lower() == ".md":
        return text
    from perfdb.report.json import json_text
    from perfdb.report.of_regressions_data import regressions_data

    return json_text(regressions_data(comparison))


def _append_to_summary(text: str) -> InputError | None:
    """Append to the file of a workflow's step, or say what stands in the way.

    Where there is none, it is said and no error: on a desk nobody reads it.
    """
    from perfdb.cli.output import say

    named = os.environ.get(SUMMARY_FILE)
    if not named:
        say(f"! --github: ${SUMMARY_FILE} is not set, as it is in GitHub's workflows: nothing was appended")
        return None
    path = Path(named)
    addition = f"\n{text}".encode()
    try:
        size = path.stat().st_size if path.exists() else 0
        if size + len(addition) > SUMMARY_BYTES:
            return InputError(
                f"asked to append {len(addition):,} bytes to the step's summary, found {size:,} there: GitHub takes "
                f"{SUMMARY_BYTES:,}. Report fewer examples (--example), or in a step of its own."
            )
        with path.open("ab") as file:
            file.write(addition)
    except OSError as problem:
        return InputError(
            f"asked to append the report to {path} (${SUMMARY_FILE}), found that it cannot be ({problem.strerror})."
        )
    say("appended the report to the step's summary")
    return None
