"""Content hashes that serve as keys: the same name gives the same 64-bit id on every platform and in every version.

Names are hashed with BLAKE2b (RFC 7693, 8-byte digest, one personalisation a kind) over their UTF-8 bytes; module names
are folded to lower case first, ASCII letters only, since Unicode's own case tables change between Python versions.
Stacks are hashed from their parent's id and their function's id with the finaliser of SplitMix64 (Steele, Lea, Flood
2014). Two databases therefore merge without renumbering. Changing anything here orphans every history: a test pins the
values.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from perfdb.profile.columns import I32, U64, FunctionTable

_MODULE = b"perfdb.module"
_FUNCTION = b"perfdb.function"
_EXAMPLE = b"perfdb.example"
_MACHINE = b"perfdb.machine"
_FILE = b"perfdb.file"

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _digest(kind: bytes, content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8, person=kind).digest(), "little")


def fold_module(name: str) -> bytes:
    """The bytes by which a module is known: UTF-8, ASCII letters in lower case."""
    return name.encode("utf-8", "replace").lower()


def module_id(name: str) -> int:
    """The id of a module; letter case does not matter (`NTDLL.dll` is `ntdll.dll`)."""
    return _digest(_MODULE, fold_module(name))


def function_id(module: str, function: str) -> int:
    """The id of a function of a module."""
    return _digest(_FUNCTION, fold_module(module) + b"\0" + function.encode("utf-8", "replace"))


def example_id(name: str) -> int:
    """The id of an example."""
    return _digest(_EXAMPLE, name.encode("utf-8", "replace"))


def machine_id(hostname: str, os: str, cpu: str, cores: int) -> int:
    """The id of a machine: another operating system build or processor is another machine."""
    return _digest(_MACHINE, "\0".join((hostname.lower(), os, cpu, str(cores))).encode("utf-8", "replace"))


def file_ids(paths: Sequence[str]) -> U64:
    """The ids of source files, by their paths as symbol files spell them."""
    return np.fromiter((_digest(_FILE, path.encode("utf-8", "replace")) for path in paths), np.uint64, len(paths))


def module_ids(modules: Sequence[str]) -> U64:
    """`module_id` of each name."""
    return np.fromiter((module_id(name) for name in modules), np.uint64, len(modules))


def function_ids(modules: Sequence[str], functions: FunctionTable) -> U64:
    """`function_id` of each row of a function table."""
    pairs = zip(functions.module.tolist(), functions.name, strict=True)
    return np.fromiter((function_id(modules[m], name) for m, name in pairs), np.uint64, len(functions))


def mix64(value: U64) -> U64:
    """SplitMix64's finaliser: a bijection on 64 bits in which every input bit changes about half of the output."""
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return value ^ (value >> np.uint64(31))


def stack_ids(parent: I32, depth: I32, function: U64) -> U64:
    """The id of each row of a prefix tree: a hash of the ids of its functions, root first. Shape as `parent`.

    `function` is the function id of each row. Rows with the same path of functions get the same id, whatever their
    frames.
    """
    ids = np.zeros(len(parent), np.uint64)
    for rows in levels(depth):
        above = np.where(parent[rows] >= 0, ids[parent[rows]], np.uint64(0))
        ids[rows] = mix64(mix64(above + _GOLDEN) ^ function[rows])
    return ids


def levels(depth: I32) -> list[I32]:
    """The rows of a prefix tree, grouped by depth, outermost first."""
    if not len(depth):
        return []
    order = np.argsort(depth, kind="stable").astype(np.int32)
    bounds = np.flatnonzero(np.diff(depth[order])) + 1
    return np.split(order, bounds)
