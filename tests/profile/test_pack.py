"""Profiles as bytes: what comes back is what went in, with its samples summed, and damage is told."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.profile import LoadedModule, Profile
from perfdb.profile.pack import PackError, has_addresses, pack, unpack
from perfdb.profile.weights import sum_samples
from tests.store.profiles import indexer, profile


def same_work(left: Profile, right: Profile) -> bool:
    """Whether two profiles have the same samples, summed, on the same stacks in the same places."""
    columns = [
        (left.stacks.parent, right.stacks.parent),
        (left.stacks.frame, right.stacks.frame),
        (left.stacks.depth, right.stacks.depth),
        (left.frames.rva, right.frames.rva),
        (left.frames.function, right.frames.function),
        *(
            (getattr(sum_samples(left), name), getattr(sum_samples(right), name))
            for name in ("process", "tid", "stack", "samples", "weight_ns")
        ),
    ]
    return all(np.array_equal(one, other) and one.dtype == other.dtype for one, other in columns)


def places(read: Profile) -> list[LoadedModule | None]:
    return [read.loaded[row] if row >= 0 else None for row in read.frames.loaded.tolist()]


def test_a_packed_profile_comes_back() -> None:
    read = indexer()
    again = unpack(pack(read))

    assert same_work(read, again)
    assert places(read) == places(again)
    for name in ("source", "machine", "started_at", "processes", "modules", "caveats", "sample_count", "idle_count"):
        assert getattr(read, name) == getattr(again, name)
    assert read.functions.name == again.functions.name
    assert len(again.samples) < len(read.samples)


def test_modules_in_which_no_frame_lies_are_left_out() -> None:
    read = indexer()
    more = replace(read, loaded=(LoadedModule(0, "unused.dll"), *read.loaded, LoadedModule(1, "unused.dll")))
    frames = replace(read.frames, loaded=np.where(read.frames.loaded == 0, -1, read.frames.loaded + 1).astype(np.int32))
    again = unpack(pack(replace(more, frames=frames)))

    assert [row for row in read.loaded if row.module != 0] == list(again.loaded)
    assert places(replace(more, frames=frames)) == places(again)


@given(
    st.lists(
        st.tuples(st.integers(0, 2**64 - 1), st.text(min_size=1, max_size=8), st.integers(1, 2**40)),
        min_size=1,
        max_size=12,
        unique_by=lambda row: row[0],
    )
)
def test_any_address_name_and_weight_comes_back(rows: list[tuple[int, str, int]]) -> None:
    read = profile({"a.exe": [(f"m{row}!f", 1) for row in range(len(rows))]})
    frames = replace(read.frames, rva=np.array([rva for rva, _, _ in rows], np.uint64))
    weight_ns = np.array([weight for _, _, weight in rows], np.int64)
    modules = tuple(f"{row}{name}" for row, (_, name, _) in enumerate(rows))
    read = replace(read, frames=frames, modules=modules, samples=replace(read.samples, weight_ns=weight_ns))
    again = unpack(pack(read))

    assert same_work(read, again)
    assert read.modules == again.modules


def test_a_profile_of_names_has_no_addresses() -> None:
    read = indexer()

    assert has_addresses(read)
    assert not has_addresses(replace(read, frames=replace(read.frames, loaded=np.full(len(read.frames), -1, np.int32))))


@pytest.mark.parametrize("damage", ["cut", "nothing", "newer", "outside"])
def test_what_is_no_packed_profile_is_told(damage: str) -> None:
    packed = pack(indexer())
    if damage == "cut":
        packed = packed[: len(packed) // 2]
    elif damage == "nothing":
        packed = b""
    else:
        changed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(changed, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                if name == "names.json":
                    names = json.loads(content)
                    names["version" if damage == "newer" else "modules"] = 99 if damage == "newer" else []
                    content = json.dumps(names).encode()
                new.writestr(name, content)
        packed = changed.getvalue()

    with pytest.raises(PackError, match="format 99" if damage == "newer" else "cannot be read"):
        unpack(packed)
