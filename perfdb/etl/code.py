"""Which code a stack is made of: its parts put together, and every address found in the image that was loaded there.

A stack is up to two *fragments*, a kernel part (leaf side) and a user part, each a row of `Fragments`, plus the sampled
address where the fragments do not begin with it. Fragments hold addresses here; a reader of text may have them hold
other 64-bit names of places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from perfdb.etl.callstacks import Fragments
from perfdb.etl.lifetimes import AddressSpace, ImageTable
from perfdb.etl.texts import DebugText
from perfdb.profile.columns import I32, I64, U64, UNKNOWN_MODULE, Bool, LoadedModule, StackTable
from perfdb.profile.grouping import distinct, ranges
from perfdb.profile.identity import fold_module
from perfdb.profile.tree import build_tree


def alike_stacks(
    space: AddressSpace[ImageTable], life: I64, ticks: I64, kernel: I64, user: I64, lead: U64
) -> tuple[I64, I64]:
    """Samples that share a stack: a row that stands for each group, and the group of each sample.

    They share process, fragments and the images in memory, so each such stack is resolved once.
    """
    kernel_epoch = space.epoch(np.full(len(ticks), -1, np.int64), ticks)
    return distinct(life, space.epoch(life, ticks), kernel_epoch, kernel, user, lead)


def put_together(fragments: Fragments, kernel: I64, user: I64, lead: U64, lead_is_kernel: Bool) -> tuple[I64, I64, U64]:
    """The stacks of some samples, leaf first: where each starts, how long it is, and all addresses one after the other.

    `kernel` and `user` are rows of `fragments`, -1 for none; `lead` is the sampled address, 0 where the stack begins
    with it. The leaf of a sample is where the processor was. A stack that begins in user mode though the processor was
    in the kernel has lost its kernel part, so the sampled address goes before it; else it goes in the first address's
    place.
    """
    length_of, start_of = np.append(fragments.length, 0), np.append(fragments.start, 0)
    of_kernel, of_user = length_of[kernel], length_of[user]
    part_lost = (lead != 0) & lead_is_kernel & (of_kernel == 0)
    added = (part_lost | (of_kernel + of_user == 0)).astype(np.int64)
    length = added + of_kernel + of_user
    start = np.cumsum(length) - length
    address = np.zeros(int(length.sum()), np.uint64)
    address[ranges(start + added, of_kernel)] = fragments.address[ranges(start_of[kernel], of_kernel)]
    address[ranges(start + added + of_kernel, of_user)] = fragments.address[ranges(start_of[user], of_user)]
    address[start[lead != 0]] = lead[lead != 0]
    return start, length, address


def find_places(
    space: AddressSpace[ImageTable], loaded_of_image: I64, life: I64, address: U64, ticks: I64, is_leaf: I64
) -> tuple[I64, U64]:
    """The loaded module of each address, -1 where it lies in none, and its RVA there, else the address itself.

    `is_leaf` are the rows that are leaves: all others are callers. See `locate`.
    """
    image, kept = locate(space, life, address, ticks, is_leaf)
    return places_in(space.held, loaded_of_image, image, kept)


def locate(space: AddressSpace[ImageTable], life: I64, address: U64, ticks: I64, is_leaf: I64) -> tuple[I64, U64]:
    """The image that holds each address, -1 for none, and the address to be kept for it.

    A process's own images come before the kernel's. A caller, which is every row not in `is_leaf`, is kept at the
    address before the one it returns to, unless its image begins there.
    """
    image = space.find(life, address, ticks)
    rest = np.flatnonzero(image < 0)
    image[rest] = space.find(np.full(len(rest), -1, np.int64), address[rest], ticks[rest])
    base = np.append(space.held.base, np.uint64(0))
    caller = address > base[image]
    caller[is_leaf] = False
    return image, address - caller.astype(np.uint64)


def places_in(images: ImageTable, loaded_of_image: I64, image: I64, address: U64) -> tuple[I64, U64]:
    """The loaded module of each image, -1 for image -1, and the RVA of the address there, else the address itself."""
    base = np.append(images.base, np.uint64(0))
    return np.append(loaded_of_image, -1)[image], address - base[image]


def grow_tree(start: I64, length: I64, frame: I32) -> tuple[StackTable, I32]:
    """The prefix tree of stacks that are given leaf first, for it grows from the root; and the leaf row of each."""
    root_first = np.repeat(start + length, length) - 1 - (np.arange(len(frame)) - np.repeat(start, length))
    return build_tree(start, length, frame[root_first])


def loaded_modules(
    paths: Sequence[str], debug_texts: Sequence[DebugText], images: ImageTable
) -> tuple[tuple[LoadedModule, ...], tuple[str, ...], I64]:
    """The distinct modules of the images, their names (`<unknown>` among them), and the loaded module of each image."""
    row, group = distinct(images.path, images.debug)
    names: dict[bytes, int] = {}
    spelt: list[str] = []
    loaded: list[LoadedModule] = []
    for path_row, debug_row in zip(images.path[row].tolist(), images.debug[row].tolist(), strict=True):
        file = paths[path_row]
        name = re.split(r"[\\/]", file)[-1] or UNKNOWN_MODULE
        module = names.setdefault(fold_module(name), len(spelt))
        if module == len(spelt):
            spelt.append(name)
        debug_id, pdb_name = debug_texts[debug_row] if debug_row >= 0 else ("", "")
        loaded.append(LoadedModule(module, file, debug_id, pdb_name))
    if fold_module(UNKNOWN_MODULE) not in names:
        spelt.append(UNKNOWN_MODULE)
    return tuple(loaded), tuple(spelt), group
