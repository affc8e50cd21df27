"""Profiles without the names of managed code."""

from __future__ import annotations

import numpy as np

from perfdb.profile import JIT_MODULE, UNKNOWN_MODULE, UNRESOLVED
from perfdb.profile.bare import bare
from perfdb.profile.check import self_check
from tests.store.profiles import profile


def named(read: object) -> list[tuple[str, str]]:
    return [
        (read.modules[module], name)  # type: ignore[attr-defined]
        for module, name in zip(read.functions.module, read.functions.name, strict=True)  # type: ignore[attr-defined]
    ]


def test_managed_names_are_left_out_and_the_work_stays() -> None:
    read = profile(
        {
            "app.exe": [
                (f"app.exe!<unresolved>;{JIT_MODULE}!Program.Main()", 3),
                (f"app.exe!<unresolved>;{JIT_MODULE}!Program.Main();core.ni.dll!String.Concat(String)", 2),
                (f"app.exe!<unresolved>;{UNKNOWN_MODULE}!<unresolved>", 1),
            ]
        }
    )
    stripped = bare(read)
    self_check(stripped)

    assert {("app.exe", UNRESOLVED), ("core.ni.dll", UNRESOLVED), (UNKNOWN_MODULE, UNRESOLVED)} == set(named(stripped))
    leaves = stripped.frames.function[stripped.stacks.frame[stripped.samples.stack]]
    work = {named(stripped)[row]: int(np.sum(leaves == row)) for row in range(len(stripped.functions))}
    assert {("app.exe", UNRESOLVED): 0, (UNKNOWN_MODULE, UNRESOLVED): 4, ("core.ni.dll", UNRESOLVED): 2} == work
    assert ["app.exe", UNKNOWN_MODULE, "core.ni.dll", UNKNOWN_MODULE] == [
        stripped.modules[row.module] for row in stripped.loaded
    ]


def test_a_profile_without_names_is_as_it_was() -> None:
    read = profile({"app.exe": [("app.exe!<unresolved>;b.dll!<unresolved>", 3)]})

    assert bare(read) is read
