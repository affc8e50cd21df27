"""Names for a profile's addresses: a step from Profile to Profile.

Every distinct place in a module that wants a name is looked up once. A place then is as many frames as functions are
there: the function that was called, and below it what the compiler put into it, each a stack row of its own with its
own file and line. What has no symbol stays `<unresolved>`; a name that the trace brought along stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from perfdb.profile.check import self_check
from perfdb.profile.columns import (
    I32,
    I64,
    TEMPLATES_FOLDED,
    U8,
    U64,
    UNRESOLVED,
    Bool,
    Caveat,
    FrameTable,
    FunctionTable,
    PlaceTable,
    Profile,
    StackTable,
    SymbolName,
)
from perfdb.profile.grouping import ranges
from perfdb.profile.identity import levels
from perfdb.symbols.canonical import FOLD, KEEP, canonical_name
from perfdb.symbols.lookup import LookedUp
from perfdb.symbols.model import INLINED, PUBLIC, Wanted

LookUp = Callable[[Wanted, U64], LookedUp]
"""Looks up distinct ascending RVAs of one module."""

FOLDED_CAVEAT = Caveat(TEMPLATES_FOLDED, "template arguments are folded: functions that differ in them only are one")


def resolve(profile: Profile, look_up: LookUp, templates: str = KEEP) -> Profile:
    """The profile with names from the symbol files that `look_up` finds; `templates` as in `canonical_name`.

    States and caveats of the modules are in the result.
    """
    lookups = _look_up_all(profile, look_up)
    naming = _Naming(profile, templates)
    parts = [naming.take(frame, looked_up) for frame, looked_up in lookups.frames]
    chains = _joined(parts, len(profile.frames))
    states = lookups.state_of_loaded
    loaded = tuple(replace(row, symbols=states.get(at, row.symbols)) for at, row in enumerate(profile.loaded))
    caveats = [*profile.caveats, *_each_server_once(lookups.caveats), *naming.caveats()]
    resolved = _expanded(profile, naming, chains)
    resolved = replace(resolved, loaded=loaded, caveats=tuple(dict.fromkeys(caveats)))
    self_check(resolved)
    return resolved


def wanted_by(profile: Profile) -> list[Wanted]:
    """The symbol files that would name the unresolved frames of a profile."""
    return [wanted for wanted, _ in _groups(profile)]


@dataclass
class _Lookups:
    """What was looked up: the frames of each group with the answer, and what is to be told of it."""

    frames: list[tuple[I64, LookedUp]] = field(default_factory=list)
    state_of_loaded: dict[int, str] = field(default_factory=dict)
    caveats: list[Caveat] = field(default_factory=list)


def _groups(profile: Profile) -> list[tuple[Wanted, I64]]:
    """The distinct symbol files that unresolved frames want, and the rows of `loaded` that want each."""
    nameless = np.array([name == UNRESOLVED for name in profile.functions.name], np.bool_)
    frames = profile.frames
    used = np.unique(frames.loaded[(frames.loaded >= 0) & nameless[frames.function]])
    rows: dict[tuple[str, str], list[int]] = {}
    for at in used.tolist():
        row = profile.loaded[at]
        if row.debug_id:
            rows.setdefault((row.debug_id, row.pdb_name.lower()), []).append(at)
    groups = []
    for found in rows.values():
        row = profile.loaded[found[0]]
        wanted = Wanted(profile.modules[row.module], row.path, row.debug_id, row.pdb_name)
        groups.append((wanted, np.array(found, np.int64)))
    return groups


def _look_up_all(profile: Profile, look_up: LookUp) -> _Lookups:
    lookups = _Lookups()
    lookups.caveats += _no_ids(profile)
    nameless = np.array([name == UNRESOLVED for name in profile.functions.name], np.bool_)
    frames = profile.frames
    for wanted, rows in _groups(profile):
        frame = np.flatnonzero(np.isin(frames.loaded, rows) & nameless[frames.function])
        rva, place = np.unique(frames.rva[frame], return_inverse=True)
        answer = look_up(wanted, rva)
        lookups.state_of_loaded.update(dict.fromkeys(rows.tolist(), answer.state))
        lookups.caveats += answer.caveats
        if answer.state in ("full", "public") and not len(answer.chains.name):
            lookups.caveats.append(_nothing_named(wanted, len(rva)))
        if len(answer.chains.name):
            order = np.argsort(place, kind="stable")
            lookups.frames.append((frame[order], _repeated(answer, np.bincount(place, minlength=len(rva)))))
    return lookups


def _no_ids(profile: Profile) -> list[Caveat]:
    """A caveat where addresses want names, but no module of theirs says which symbol file is its own."""
    nameless = np.array([name == UNRESOLVED for name in profile.functions.name], np.bool_)
    frames = profile.frames
    used = np.unique(frames.loaded[(frames.loaded >= 0) & nameless[frames.function]]).tolist()
    if not used or any(profile.loaded[row].debug_id for row in used):
        return []
    text = f"{profile.source.name} tells no debug id of its modules, so no symbol file can be shown to be the right one"
    return [Caveat("symbol-no-ids", text)]


def _each_server_once(caveats: Sequence[Caveat]) -> list[Caveat]:
    """The caveats, with only the last word on each symbol server that failed."""
    last = {_subject(caveat): caveat for caveat in caveats}
    return [caveat for caveat in caveats if last[_subject(caveat)] == caveat]


def _subject(caveat: Caveat) -> str:
    return caveat.text.split(" could not be used")[0] if caveat.code == "symbol-server" else caveat.text


def _nothing_named(wanted: Wanted, addresses: int) -> Caveat:
    what = "its address" if addresses == 1 else f"any of its {addresses:,} addresses"
    return Caveat("symbol-none", f"{wanted.module}: its symbol file was found, but has no name for {what}")


def _repeated(answer: LookedUp, times: I64) -> LookedUp:
    """The answer with each RVA's chain as often as frames lie at it (in several images of one file)."""
    if np.all(times == 1):
        return answer
    chains = answer.chains
    length = np.repeat(np.diff(chains.start), times)
    rows = ranges(np.repeat(chains.start[:-1], times), length)
    repeated = replace(
        chains,
        start=np.concatenate((np.zeros(1, np.int64), np.cumsum(length))),
        name=chains.name[rows],
        kind=chains.kind[rows],
        file=chains.file[rows],
        line=chains.line[rows],
    )
    return replace(answer, chains=repeated)


@dataclass(frozen=True, slots=True)
class _Part:
    """The chains of some frames: frame `frame[i]` has `length[i]` rows, the outermost function first."""

    frame: I64
    length: I64
    function: I32
    file: I32
    line: I32
    is_inlined: Bool


class _Naming:
    """Functions and files, numbered as they are met, beside those that the profile has."""

    def __init__(self, profile: Profile, templates: str) -> None:
        self._templates = templates
        self._frames = profile.frames
        self._module_of_loaded = np.array([row.module for row in profile.loaded], np.int32)
        self._module_names = profile.modules
        self._rows: dict[tuple[int, str], int] = {}
        self._files: dict[str, int] = {}
        self._symbols: dict[tuple[int, str], None] = {}
        self._public_names: dict[str, set[str]] = {}
        self._has_folded = False
        for module, name in zip(profile.functions.module.tolist(), profile.functions.name, strict=True):
            self._rows.setdefault((module, name), len(self._rows))

    def take(self, frame: I64, answer: LookedUp) -> _Part:
        """Name the frames, whose chains are given in their order."""
        chains = answer.chains
        length = np.diff(chains.start)
        # Rows come innermost first; the tree grows from the root.
        rows = np.repeat(chains.start[:-1] + length, length) - 1 - (np.arange(length.sum()) - _starts(length))
        module = np.repeat(self._module_of_loaded[self._frames.loaded[frame]], length)
        pairs = module.astype(np.int64) * len(chains.names) + chains.name[rows]
        distinct, place = np.unique(pairs, return_inverse=True)
        # Only public symbols are decorated by the processor's rules: a function may be called `__main` on x86 too.
        is_public = np.zeros(len(chains.names), np.bool_)
        is_public[chains.name[chains.kind == PUBLIC]] = True
        canonical = [
            canonical_name(name, answer.machine if decorated else "", self._templates)
            for name, decorated in zip(chains.names, is_public.tolist(), strict=True)
        ]
        functions = np.empty(len(distinct), np.int32)
        folded = {row: self._first_of(canonical[row], names, answer.machine) for row, names in chains.folded.items()}
        for at, pair in enumerate(distinct.tolist()):
            module_row, name_row = divmod(pair, len(chains.names))
            name, others = folded.get(name_row, (canonical[name_row], ()))
            functions[at] = self._function(module_row, name, chains.names[name_row], others)
        self._note_publics(chains.kind[rows], chains.name[rows], module, chains.names)
        files = np.append(self.file_rows(chains.files), np.int32(-1))
        return _Part(
            frame=frame,
            length=length,
            function=functions[place],
            file=files[chains.file[rows]],
            line=np.where(chains.file[rows] >= 0, chains.line[rows], 0),
            is_inlined=chains.kind[rows] == INLINED,
        )

    def _first_of(self, own: str, others: Sequence[str], machine: str) -> tuple[str, Sequence[str]]:
        """The name of identical code that the linker folded, whichever function it kept: the first in the order of
        text; and the others, if there are any in canonical form.

        Names that differ in leading underscores only are one; the function's own stands for it.
        """
        spelt = {own.lstrip("_"): own}
        for name in sorted(canonical_name(other, machine, self._templates) for other in others):
            spelt.setdefault(name.lstrip("_"), name)
        return min(spelt.values()), others if len(spelt) > 1 else ()

    def _function(self, module: int, name: str, raw: str, others: Sequence[str]) -> int:
        name = name or UNRESOLVED
        row = self._rows.setdefault((module, name), len(self._rows))
        self._has_folded |= self._templates == FOLD and "<>" in name
        for symbol in (raw, *others):
            if symbol != name:
                self._symbols.setdefault((row, symbol))
        return row

    def _note_publics(self, kind: U8, name: I32, module: I32, names: Sequence[str]) -> None:
        public = np.flatnonzero(kind == PUBLIC)
        for module_row, name_row in zip(module[public].tolist(), name[public].tolist(), strict=True):
            self._public_names.setdefault(self._module_names[module_row], set()).add(names[name_row])

    def caveats(self) -> Iterable[Caveat]:
        """What a reader of the names must know."""
        for module, names in self._public_names.items():
            count = len(names)
            what = "1 function is" if count == 1 else f"{count:,} functions are"
            yield Caveat("nearest-symbol", f"{module}: {what} named after the nearest public symbol, for want of more")
        if self._has_folded:
            yield FOLDED_CAVEAT

    def functions(self, used: I32) -> FunctionTable:
        """Some of the functions, by their rows."""
        rows = list(self._rows)
        chosen = [rows[row] for row in used.tolist()]
        return FunctionTable(np.array([module for module, _ in chosen], np.int32), tuple(name for _, name in chosen))

    def file_rows(self, files: Sequence[str]) -> I32:
        """The rows of source files, which become some of all."""
        return np.array([self._files.setdefault(path, len(self._files)) for path in files], np.int32)

    def files(self) -> tuple[str, ...]:
        """All source files."""
        return tuple(self._files)

    def symbol_names(self, used: I32) -> tuple[SymbolName, ...]:
        """The symbol files' own names of these functions."""
        new_row = {row: at for at, row in enumerate(used.tolist())}
        return tuple(SymbolName(new_row[row], symbol) for row, symbol in self._symbols if row in new_row)

    def row_of(self, functions: FunctionTable) -> I32:
        """The row of each function of the profile (which may have one twice)."""
        pairs = zip(functions.module.tolist(), functions.name, strict=True)
        return np.fromiter((self._rows[pair] for pair in pairs), np.int32, len(functions))


def _starts(length: I64) -> I64:
    return np.repeat(np.cumsum(length) - length, length)


@dataclass(frozen=True, slots=True)
class _Chains:
    """The rows of all frames, one after the other: frame i has `length[i]` of them, 0 where it keeps its function."""

    length: I64
    function: I32
    file: I32
    line: I32
    is_inlined: Bool


def _joined(parts: Sequence[_Part], frames: int) -> _Chains:
    length = np.zeros(frames, np.int64)
    for part in parts:
        length[part.frame] = part.length
    start = np.cumsum(length) - length

    def column(values: Callable[[_Part], npt.NDArray[np.generic]], kind: npt.DTypeLike) -> npt.NDArray[np.generic]:
        joined = np.zeros(int(length.sum()), kind)
        for part in parts:
            joined[ranges(start[part.frame], part.length)] = values(part)
        return joined

    return _Chains(
        length=length,
        function=column(lambda part: part.function, np.int32).astype(np.int32),
        file=column(lambda part: part.file, np.int32).astype(np.int32),
        line=column(lambda part: part.line, np.int32).astype(np.int32),
        is_inlined=column(lambda part: part.is_inlined, np.bool_).astype(np.bool_),
    )


def _expanded(profile: Profile, naming: _Naming, chains: _Chains) -> Profile:
    """The profile with one frame a row of the chains, and the prefix tree grown accordingly."""
    frames = profile.frames
    nameless = chains.length == 0
    count = np.maximum(chains.length, 1)
    first = np.cumsum(count) - count
    named = np.repeat(~nameless, count)
    old = np.repeat(np.arange(len(frames)), count)
    function = naming.row_of(profile.functions)[frames.function[old]]
    file = np.full(len(old), -1, np.int32)
    line = np.zeros(len(old), np.int32)
    is_inlined = np.zeros(len(old), np.bool_)
    function[named], file[named], line[named] = chains.function, chains.file, chains.line
    is_inlined[named] = chains.is_inlined
    if profile.places is not None:  # of a source that tells them; what has a name keeps its place too
        told = profile.places
        rows = np.append(naming.file_rows(profile.files), np.int32(-1))
        file[~named] = rows[told.file[old[~named]]]
        line[~named], is_inlined[~named] = told.line[old[~named]], told.is_inlined[old[~named]]
    stacks, last = _grown(profile.stacks, first, count)
    has_lines = bool(np.any(file >= 0))
    used, function_row = np.unique(function, return_inverse=True)
    return replace(
        profile,
        functions=naming.functions(used),
        frames=FrameTable(frames.loaded[old], frames.rva[old], function_row.astype(np.int32)),
        stacks=stacks,
        samples=replace(profile.samples, stack=last[profile.samples.stack]),
        files=naming.files(),
        places=PlaceTable(file, line, is_inlined) if has_lines or bool(is_inlined.any()) else None,
        symbol_names=naming.symbol_names(used),
    )


def _grown(stacks: StackTable, first: I64, count: I64) -> tuple[StackTable, I32]:
    """The tree in which each row is as many rows as its frame has become, and the last of them for each old row.

    `first` and `count` give the new frames of each old one, the outermost first.
    """
    of_row = count[stacks.frame]
    start = np.cumsum(of_row) - of_row
    last = (start + of_row - 1).astype(np.int32)
    place = np.arange(int(of_row.sum())) - _starts(of_row)
    old = np.repeat(np.arange(len(stacks)), of_row)
    above = np.where(stacks.parent >= 0, last[stacks.parent], -1) if len(stacks) else stacks.parent
    parent = np.where(place == 0, above[old], np.arange(len(place)) - 1).astype(np.int32)
    frame = (first[stacks.frame[old]] + place).astype(np.int32)
    depth_of_last = np.zeros(len(stacks), np.int32)
    for rows in levels(stacks.depth):
        over = stacks.parent[rows]
        depth_of_last[rows] = np.where(over >= 0, depth_of_last[over], 0) + of_row[rows]
    depth = (depth_of_last[old] - (of_row[old] - 1 - place)).astype(np.int32)
    return StackTable(parent, frame, depth), last
