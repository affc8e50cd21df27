"""Chains as plain values, for tests to compare."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from perfdb.profile.columns import U64
from perfdb.symbols.model import Chains


class Row(NamedTuple):
    """One row of a chain; `file` is "" where it is not known."""

    name: str
    kind: int
    file: str
    line: int


def rvas(*rva: int) -> U64:
    """RVAs as look-ups take them."""
    return np.array(rva, np.uint64)


def rows(chains: Chains) -> list[list[Row]]:
    """The rows of every RVA, innermost first."""
    columns = zip(chains.name.tolist(), chains.kind.tolist(), chains.file.tolist(), chains.line.tolist(), strict=True)
    found = [
        Row(chains.names[name], kind, chains.files[file] if file >= 0 else "", line)
        for name, kind, file, line in columns
    ]
    start = chains.start.tolist()
    return [found[begin:end] for begin, end in itertools.pairwise(start)]


def names(chains: Chains) -> list[list[str]]:
    """The names of every RVA, innermost first."""
    return [[row.name for row in chain] for chain in rows(chains)]


def folded(chains: Chains) -> dict[str, tuple[str, ...]]:
    """The other names of the same address, by name."""
    return {chains.names[row]: others for row, others in chains.folded.items()}


def without_arguments(name: str) -> str:
    """What `symbolic` has as a name, without the list of parameters and what follows it."""
    bare = name.removesuffix(" const")
    if not bare.endswith(")"):
        return name
    depth = 0
    for at, letter in reversed(list(enumerate(bare))):
        depth += (letter == ")") - (letter == "(")
        if not depth:
            return bare[:at]
    return name


def all_distinct(values: Iterable[int]) -> U64:
    """Distinct ascending RVAs."""
    return np.unique(np.fromiter(values, np.uint64))
