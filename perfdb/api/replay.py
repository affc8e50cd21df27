"""A diff run again: the runs, sides and settings that an earlier diff wrote as JSON, compared once more.

The file holds what was asked and what was answered. What was asked is enough for the answer, as long as the history
still has the runs; where the answers differ, it is told how.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from perfdb import store
from perfdb.api.diff import Plan, compare_plan
from perfdb.compare import Comparison, Criteria, Scope, Side
from perfdb.errors import InputError, PerfdbError, TooLittleDataError
from perfdb.report.json import json_text
from perfdb.report.of_diff import SCHEMA, diff_report
from perfdb.report.of_regressions_data import SCHEMA as REPORT_SCHEMA

MOST_TOLD = 5
"""So many verdicts that differ are named."""

Told = TypeVar("Told")


def replay(connection: store.Connection, path: Path) -> tuple[Comparison, list[str]]:
    """The comparison that a file tells of, made again, and how the answer differs from the file's, in sentences.

    Raises InputError for a file that no diff has written, TooLittleDataError where runs of it are gone.
    """
    written = _read(path)
    try:
        plan = _plan(connection, written)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise _no_diff(path, f"it lacks, or has wrong, what a diff needs ({problem!r})") from problem
    except PerfdbError as problem:
        raise type(problem)(f"asked to replay {path}: {problem}") from problem
    comparison = compare_plan(connection, plan)
    return comparison, _changes(written, json.loads(json_text(diff_report(comparison).data)))


def _read(path: Path) -> dict[str, Any]:
    try:
        written = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise InputError(
            f"asked to replay {path}, found that it cannot be read ({problem.strerror}). "
            "Name a file that `perfdb diff A B --json` has written."
        ) from problem
    except (ValueError, RecursionError) as problem:
        raise _no_diff(path, f"it is not JSON ({problem})") from problem
    if isinstance(written, dict) and written.get("schema") == REPORT_SCHEMA:
        written = written.get("diff")
    if not isinstance(written, dict) or written.get("schema") != SCHEMA:
        found = written.get("schema") if isinstance(written, dict) else None
        raise _no_diff(path, f"its schema is {found!r}, not {SCHEMA!r}")
    return written


def _no_diff(path: Path, why: str) -> InputError:
    return InputError(
        f"asked to replay {path}, found that it is no diff of this version: {why}. "
        "Name a file that `perfdb diff A B --json` has written."
    )


def _plan(connection: store.Connection, written: Mapping[str, Any]) -> Plan:
    settings, scope = written["settings"], written["scope"]
    asked = {each["example"]: _run_ids(each["runs"]) for each in written["examples"]}
    if not asked or not all(before and after for before, after, _ in asked.values()):
        raise ValueError("an example without runs")
    if not all(0 < float(settings[name]) < 1 for name in ("margin", "fdr")):
        raise ValueError("settings that are no fractions")
    known = {run.run_id: run for run in store.runs(connection, run_ids=_distinct(asked))}
    missing = [run_id for run_id in _distinct(asked) if run_id not in known]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise TooLittleDataError(
            f"the history lacks {len(missing)} of its {len(_distinct(asked))} runs: {', '.join(missing[:3])}{more}. "
            "Give the history that it was made from, with --db."
        )
    return Plan(
        Side(**written["baseline"]),
        Side(**written["contender"]),
        Scope(tuple(scope["examples"]), scope["process"], bool(scope["all_processes"]), scope["build"]),
        Criteria(
            float(settings["margin"]), float(settings["min_ms"]), float(settings["fdr"]), int(settings["history"])
        ),
        {
            example: tuple([run for run_id, run in known.items() if run_id in side] for side in sides)  # type: ignore[misc]
            for example, sides in asked.items()
        },
        tuple(written["only_baseline"]),
        tuple(written["only_contender"]),
        {each["example"]: int(each["runs"]["unlike"]) for each in written["examples"]},
    )


def _run_ids(runs: Mapping[str, Any]) -> tuple[set[str], set[str], set[str]]:
    """The runs of (baseline, contender, history) that were looked at, those that were set aside among them."""
    aside: dict[str, set[str]] = {"baseline": set(), "contender": set(), "history": set()}
    for each in runs["set_aside"]:
        aside[each["side"]].add(str(each["run_id"]))
    before, after = ({str(run["run_id"]) for run in runs[side]} | aside[side] for side in ("baseline", "contender"))
    return before, after, {str(run_id) for run_id in runs["history"]} | aside["history"]


def _distinct(asked: Mapping[str, Sequence[set[str]]]) -> list[str]:
    return sorted({run_id for sides in asked.values() for side in sides for run_id in side})


def _changes(written: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """How an answer differs from one that was written, verdicts before figures."""
    if written == found:
        return []
    told = []
    if written.get("version") != found["version"]:
        told.append(f"written by perfdb {written.get('version')}, compared again by {found['version']}")
    before, after = dict(_verdicts(written)), dict(_verdicts(found))
    changed = [name for name in after if before.get(name) != after[name]]
    told += [f"{name}: was {before.get(name, 'not told')}, is {after[name]}" for name in changed[:MOST_TOLD]]
    if len(changed) > MOST_TOLD:
        told.append(f"and {len(changed) - MOST_TOLD} other verdicts")
    if not changed:
        told.append("the verdicts are the same; figures or caveats differ")
    return told


def _verdicts(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for example in data.get("examples", ()):
        yield example["example"], str(example["total"].get("verdict"))
        for row in example.get("measured", ()):
            yield f"{example['example']}: {row['metric']}", str(row.get("verdict"))
        for kind in ("modules", "functions"):
            for row in example[kind]["rows"]:
                name = f"{row['module']}!{row['function']}" if row["function"] else row["module"]
                yield f"{example['example']}: {name}", str(row.get("verdict"))
