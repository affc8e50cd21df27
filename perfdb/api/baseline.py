"""Baselines of analyses: which commit an example's runs are held against, and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perfdb import store
from perfdb.api.diff import compare_plan, plan_diff
from perfdb.api.earlier import FURTHEST
from perfdb.api.revision import find_side
from perfdb.compare import Comparison, Criteria, Scope
from perfdb.errors import RevisionError, TooLittleDataError
from perfdb.profile.columns import MEASURED
from perfdb.report.names import short_commit
from perfdb.revisions import Repository

Compared = tuple[Comparison | None, str]
"""A comparison of one example, or None and the reason."""


class Baselines:
    """Finds the baselines of runs: the revision that was asked for, else the nearest ancestor that has the example."""

    def __init__(
        self, connection: store.Connection, repository: Repository | None, asked: str | None, criteria: Criteria
    ) -> None:
        """Raises RevisionError and TooLittleDataError where there is no revision `asked`."""
        self._connection, self._repository, self._criteria = connection, repository, criteria
        self._asked = None if asked is None else find_side(asked, repository, store.recorded_commits(connection))

    def compare(self, groups: Sequence[tuple[str, Sequence[store.Run]]]) -> list[Compared]:
        """For each commit and its runs of one example: the comparison with the baseline, of this example alone.

        All examples of one commit with one baseline are judged together, as `perfdb diff` judges them.
        """
        pairs: dict[tuple[str, str], dict[str, Sequence[store.Run]]] = {}
        reasons: dict[tuple[str, str], str] = {}
        for commit_sha, runs in groups:
            baseline, reason = self._baseline(commit_sha, runs[0].example)
            if baseline is None:
                reasons[commit_sha, runs[0].example] = reason
            else:
                pairs.setdefault((baseline, commit_sha), {})[runs[0].example] = runs
        found: dict[tuple[str, str], Compared] = {key: (None, reason) for key, reason in reasons.items()}
        for (baseline, commit_sha), examples in pairs.items():
            compared = self._compare(baseline, commit_sha, examples)
            found |= {(commit_sha, example): compared[example] for example in examples}
        return [found[commit_sha, runs[0].example] for commit_sha, runs in groups]

    def _baseline(self, commit_sha: str, example: str) -> tuple[str | None, str]:
        if self._asked is not None:
            if self._asked.recorded_sha == commit_sha:
                return None, f"the baseline {self._asked.asked} is this very commit"
            return self._asked.asked, ""
        name = "perfdb report analyze --baseline REV names one"
        if self._repository is None:
            return None, f"without a git repository nobody knows which commits came before; {name}"
        if self._repository.resolve(commit_sha) != commit_sha:
            return None, f"git does not know the commit {short_commit(commit_sha)}, nor what came before it; {name}"
        others = store.runs(self._connection, examples=[example])
        candidates = {run.commit_sha for run in others if not run.is_dirty and run.detail != MEASURED}
        try:
            nearest = self._repository.ancestors(commit_sha, candidates, count=1, limit=FURTHEST)
        except RevisionError as problem:
            return None, str(problem)
        if not nearest:
            return None, f"no earlier commit with runs of {example} is recorded; {name}"
        return nearest[0][0], ""

    def _compare(self, baseline: str, commit_sha: str, examples: dict[str, Sequence[store.Run]]) -> dict[str, Compared]:
        try:
            plan = plan_diff(self._connection, self._repository, (baseline, commit_sha), Scope(), self._criteria)
            # What is analysed may be some of the commit's runs only; the others are not compared either.
            runs = {
                example: (sides[0], _chosen(sides[1], examples.get(example)), sides[2])
                for example, sides in plan.runs.items()
            }
            sides = (replace(side, asked=short_commit(side.asked)) for side in (plan.baseline, plan.contender))
            comparison = compare_plan(
                self._connection, replace(plan, baseline=next(sides), contender=next(sides), runs=runs)
            )
        except TooLittleDataError as problem:
            return dict.fromkeys(examples, (None, str(problem)))
        found = {
            each.example: replace(comparison, examples=(each,), pooled=(), only_baseline=(), only_contender=())
            for each in comparison.examples
        }
        reason = f"the baseline {comparison.baseline.asked} has no runs of it"
        return {example: (found[example], "") if example in found else (None, reason) for example in examples}


def _chosen(runs: Sequence[store.Run], chosen: Sequence[store.Run] | None) -> Sequence[store.Run]:
    """The runs of an example that are analysed, in the order in which a diff has them."""
    if chosen is None:
        return runs
    wanted = {run.run_id: run for run in chosen}
    in_order = [run for run in runs if run.run_id in wanted]
    return [*in_order, *(run for run in chosen if run.run_id not in {each.run_id for each in in_order})]
