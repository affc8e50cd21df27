"""Reports as JSON: raw values, times in ISO 8601, fractions as fractions."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from perfdb.report.blocks import Report


def render_json(report: Report) -> str:
    """The report's data, or the records of its flat table where it has none of its own."""
    return json_text(report.flat.records() if report.data is None else report.data)


def json_text(value: Any) -> str:
    """Indented JSON that every parser takes: no NaN and no infinity, which become null."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (UUID, timedelta, PurePath)):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return value
