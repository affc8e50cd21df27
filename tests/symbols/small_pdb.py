"""A small made-up PDB that several tests look into, and streams of types and ids."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

from perfdb.demo.pdb_spec import CodeSpec, FunctionSpec, InlineSpec, LineSpec, ObjectSpec, PdbSpec, SectionSpec

GUID = "0123456789ABCDEFFEDCBA9876543210"
SECTIONS = (SectionSpec(".text", 0x1000, 0x5000), SectionSpec(".rdata", 0x7000, 0x1000, is_code=False))

CLAMP = InlineSpec("clamp<int>", "alg.h", 50, (CodeSpec(0x18, 4, 51),), scope="std")
PUSH = InlineSpec(
    "push_back",
    "vector.h",
    100,
    (CodeSpec(0x10, 8, 101), CodeSpec(0x18, 4, 105), CodeSpec(0x30, 6, 99)),
    owner="std::vector<int>",
    inlined=(CLAMP,),
)


def imported(push: InlineSpec, module: str) -> InlineSpec:
    """`PUSH`, whose id is one of another object module, and so is that of what was inlined into it."""
    (clamp,) = push.inlined
    return replace(push, imported_from=module, inlined=(replace(clamp, imported_from="C:\\o\\alg.obj"),))


RUN = FunctionSpec(
    "app::run",
    0x1000,
    0x40,
    "app.cpp",
    (LineSpec(0, 10), LineSpec(0x10, 12), LineSpec(0x1C, 13), LineSpec(0x30, 12), LineSpec(0x36, 14)),
    (PUSH,),
    public="?run@app@@YAXXZ",
)
HELP = FunctionSpec("help", 0x1050, 0x10, "app.cpp", (LineSpec(0, 30),))
APP = PdbSpec(GUID, 3, info_age=9, sections=SECTIONS, objects=(ObjectSpec("app.obj", (RUN, HELP)),))

IMPORTING = replace(
    APP,
    objects=(
        ObjectSpec("C:\\o\\app.obj", (replace(RUN, inlined=(imported(PUSH, "C:\\o\\vector.obj"),)), HELP)),
        ObjectSpec("C:\\O\\Vector.obj"),
        ObjectSpec("C:\\o\\alg.obj"),
    ),
)
"""The same with ids of other object modules, as link-time code generation leaves them."""


def record_stream(records: Sequence[tuple[int, bytes]]) -> bytes:
    """A stream of types or ids, numbered from 0x1000 on, without offsets beside it: kind and content of each."""
    body = b"".join(struct.pack("<HH", len(content) + 2, kind) + content for kind, content in records)
    head = struct.pack("<5I2H8I", 20040203, 56, 0x1000, 0x1000 + len(records), len(body), 0xFFFF, 0xFFFF, *[0] * 8)
    return head + body
