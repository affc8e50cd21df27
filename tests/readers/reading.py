"""Reading bytes as a format, without a file."""

from __future__ import annotations

import hashlib
import io

from perfdb.profile import Profile, Source
from perfdb.profile.check import self_check
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
