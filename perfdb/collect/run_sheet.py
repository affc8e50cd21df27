"""The sheet beside a trace: what is known of the run and does not stand in the trace.

    artifacts/profile/indexer_profile_simple_20261129-113047.etl
    artifacts/profile/indexer_profile_simple_20261129-113047.etl.run.json

`perfdb profile` writes it, `perfdb record` takes from it what the call does not say: so a trace that is recorded later,
or on another machine, comes with its commit and its measurements all the same. It is JSON in UTF-8: the fields of a
RunSheet, and its `schema`. Who reads it ignores what it does not know; what means something else is another schema.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from perfdb.errors import InputError
from perfdb.profile.measurement import Measurement

SCHEMA = "perfdb.run/1"
SUFFIX = ".run.json"


@dataclass(frozen=True, slots=True)
class RunSheet:
    """`trace_sha256` is of the trace's unpacked bytes: a sheet of another trace of that name says nothing.

    `commit_sha` is "" where no repository told it; `process` is the main process, by name or pid, "" for the busiest.
    """

    trace_sha256: str
    example: str
    commit_sha: str = ""
    is_dirty: bool = False
    build: str = ""
    process: str = ""
    profiler: str = ""
    command: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()


def sheet_path(trace: Path) -> Path:
    """Where the sheet of a trace is."""
    return trace.with_name(trace.name + SUFFIX)


def is_sheet_of_one(path: Path, traces: Collection[Path]) -> bool:
    """Is it the sheet of one of these traces? A pattern such as `profile/*` stands for both."""
    return path.name.endswith(SUFFIX) and path.with_name(path.name.removesuffix(SUFFIX)) in traces


def write_sheet(path: Path, sheet: RunSheet) -> None:
    """Write a sheet whole or not at all; `path` is what `sheet_path` says. Raises InputError where it cannot be."""
    if not path.name.endswith(SUFFIX):
        raise ValueError(f"{path} is no place for a sheet")
    told = {"schema": SCHEMA, **asdict(replace(sheet, tags=dict(sheet.tags)))}
    text = json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            # A word of a command may be no text; written with a backslash it is JSON, and comes back as it was.
            part.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise InputError(
            f"asked to write {path}, what is known of the run beside its trace, found that it cannot be "
            f"({problem.strerror}). Mend that, or have traces written to another folder."
        ) from problem


def read_sheet(trace: Path) -> RunSheet | None:
    """The sheet beside a trace, None where there is none; whether it is of this trace is not looked at.

    Raises InputError for one that is damaged, or of another schema.
    """
    path = sheet_path(trace)
    try:
        told = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        raise _unusable(path, f"it cannot be read ({problem.strerror})") from problem
    except (ValueError, RecursionError) as problem:
        raise _unusable(path, f"it is not JSON ({problem})") from problem
    if not isinstance(told, dict):
        raise _unusable(path, "it holds no object")
    if told.get("schema") != SCHEMA:
        raise _unusable(path, f"its schema is {told.get('schema')!r}, and this perfdb knows {SCHEMA!r}")
    try:
        return _sheet(told)
    except ValueError as problem:
        raise _unusable(path, str(problem)) from problem


def _unusable(path: Path, why: str) -> InputError:
    return InputError(
        f"asked to read {path}, what is known of the run beside its trace, found that {why}. Delete it, and say what "
        "it said: --commit REV --example NAME"
    )


# ---- values, by kind; each function raises ValueError, with what is wrong --------------------------------------------


def _sheet(told: Mapping[str, object]) -> RunSheet:
    return RunSheet(
        trace_sha256=_text(told, "trace_sha256", is_needed=True),
        example=_text(told, "example", is_needed=True),
        commit_sha=_text(told, "commit_sha"),
        is_dirty=_is_true(told, "is_dirty"),
        build=_text(told, "build"),
        process=_text(told, "process"),
        profiler=_text(told, "profiler"),
        command=_texts(told, "command"),
        tags=_tags(told),
        measurements=tuple(map(_measurement, _list(told, "measurements"))),
    )


def _text(told: Mapping[str, object], key: str, *, is_needed: bool = False) -> str:
    value = told.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"{key} is no text")
    if is_needed and not value:
        raise ValueError(f"it lacks {key}")
    return value


def _is_true(told: Mapping[str, object], key: str) -> bool:
    value = told.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f"{key} is neither true nor false")
    return value


def _list(told: Mapping[str, object], key: str) -> list[object]:
    value = told.get(key, [])
    if not isinstance(value, list):
        raise ValueError(f"{key} is no list")
    return value


def _texts(told: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = _list(told, key)
    texts = tuple(value for value in values if isinstance(value, str))
    if len(texts) != len(values):
        raise ValueError(f"{key} holds something that is no text")
    return texts


def _tags(told: Mapping[str, object]) -> dict[str, str]:
    value = told.get("tags", {})
    if not isinstance(value, dict):
        raise ValueError("tags are no object")
    return {name: _text(value, name) for name in value}


def _measurement(value: object) -> Measurement:
    if not isinstance(value, dict):
        raise ValueError("measurements holds something that is no object")
    repetition = value.get("repetition", 0)
    if not isinstance(repetition, int) or isinstance(repetition, bool) or repetition < 0:
        raise ValueError("the repetition of a measurement is no whole number, 0 or more")
    metric = _text(value, "metric", is_needed=True)
    return Measurement(metric, _text(value, "unit"), _number(value.get("value"), metric), repetition)


def _number(value: object, metric: str) -> float:
    # An int of JSON may be larger than any float.
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= sys.float_info.max:
        raise ValueError(f"the value of {metric} is no finite number")
    return float(value)
