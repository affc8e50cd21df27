"""The files of an analysis: for each example a summary, its hotspots and a page to walk about in; one report over all.

`of_analysis_facts` says what an analysis is, `of_analysis_summary`, `of_analysis_hotspots` and `of_analysis_markdown`
write the files; the rules of the report stand in `of_analysis_cost`, `of_analysis_change` and `of_analysis_trust`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perfdb.report.json import json_text
from perfdb.report.names import short_commit
from perfdb.report.of_analysis_facts import Analysis, ExampleAnalysis
from perfdb.report.of_analysis_hotspots import hotspots_data
from perfdb.report.of_analysis_markdown import performance_report
from perfdb.report.of_analysis_names import file_stem, file_stems
from perfdb.report.of_analysis_summary import summary_text

SUMMARY, HOTSPOTS, BUTTERFLY, REPORT = "summary", "hotspots", "butterfly", "report"
_ENDINGS = {SUMMARY: "_summary.txt", HOTSPOTS: "_hotspots.json", BUTTERFLY: "_butterfly.html"}


@dataclass(frozen=True, slots=True)
class AnalysisFile:
    """One file: its name, what it is, and of which example and commit; both None for the report over all."""

    name: str
    kind: str
    text: str
    example: str | None = None
    commit_sha: str | None = None


def analysis_files(analysis: Analysis) -> Iterator[AnalysisFile]:
    """The files one by one, so that one page at a time is in memory; the report, which links to them, is the last."""
    from perfdb.report.html.page import page_html  # Jinja2 takes as long to import as all the rest

    names = [{kind: f"{stem}{ending}" for kind, ending in _ENDINGS.items()} for stem in _stems(analysis.examples)]
    for of, own in zip(analysis.examples, names, strict=True):
        commit_sha = of.commit_sha if of.is_recorded else None
        yield AnalysisFile(own[SUMMARY], SUMMARY, summary_text(of), of.example, commit_sha)
        yield AnalysisFile(own[HOTSPOTS], HOTSPOTS, json_text(hotspots_data(of)), of.example, commit_sha)
        yield AnalysisFile(own[BUTTERFLY], BUTTERFLY, page_html(of.page), of.example, commit_sha)
    yield AnalysisFile(f"performance_report_{_report_mark(analysis)}.md", REPORT, performance_report(analysis, names))


def _stems(examples: Sequence[ExampleAnalysis]) -> list[str]:
    """File names without their endings: the examples', with the commit where there are several."""
    several = len({of.commit_sha for of in examples}) > 1
    return file_stems([f"{of.example}_{_mark(of)}" if several else of.example for of in examples])


def _mark(of: ExampleAnalysis) -> str:
    return short_commit(of.commit_sha) if of.is_recorded else "unrecorded"


def _report_mark(analysis: Analysis) -> str:
    """The commit where all runs are of one that is recorded, else the time."""
    commits = {of.commit_sha for of in analysis.examples}
    if len(commits) == 1 and analysis.examples[0].is_recorded:
        return file_stem(_mark(analysis.examples[0]))
    return analysis.made_at.strftime("%Y%m%d_%H%M%S")
