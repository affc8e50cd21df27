"""Reading bytes as a format, without a file."""

from __future__ import annotations

import hashlib
import io

from perfdb.profile import Profile, Source
from perfdb.profile.check import self_check
from perfdb.profile.measurement import BenchmarkResult, BenchmarkResults
from perfdb.readers import Content, Reader, ReadOptions


def content_of(data: bytes) -> Content:
    """Bytes as what a reader takes."""
    return Content(len(data), io.BytesIO(data))


def read_as(reader: Reader, data: bytes, name: str = "app.txt", interval_ns: int | None = None) -> Profile:
    """The profile that a reader makes of some bytes, checked."""
    source = Source(reader.name, name, hashlib.sha256(data).hexdigest())
    profile = reader.read(content_of(data), source, ReadOptions(interval_ns=interval_ns))
    self_check(profile)
    return profile


def caveat_codes(profile: Profile) -> set[str]:
    """The codes of a profile's caveats."""
    return {caveat.code for caveat in profile.caveats}


def results_as(reader: Reader, data: bytes, name: str = "results.json") -> BenchmarkResults:
    """The results of benchmarks that a reader finds in some bytes."""
    assert reader.read_results is not None
    source = Source(reader.name, name, hashlib.sha256(data).hexdigest())
    return reader.read_results(content_of(data), source, ReadOptions())


def values(result: BenchmarkResult, metric: str) -> list[float]:
    """The values of a metric, repetition by repetition."""
    found = sorted((each for each in result.measurements if each.metric == metric), key=lambda each: each.repetition)
    assert [each.repetition for each in found] == list(range(len(found)))
    return [each.value for each in found]
