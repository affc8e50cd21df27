r"""A frame as `perf script` prints it, and the names that it is known by in perfdb.

    \t    7f72ad87a758 ns::list<int>::push(int const&)+0x2a (/usr/lib/libx.so)       address, symbol + offset, image
    \t            12fb std::function<double (int)>::operator()+0x17b (inlined)       in the image of the next frame
    \t           d44a3 [unknown] (/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30)     no symbol
    \t               5 [unknown] ([unknown])                                         in no image
      a.cpp:13                                                                       `-F +srcline`: where in the source

Symbols hold blanks, parentheses, `+` and, where a runtime compiled them, anything; paths hold blanks, parentheses and
` (deleted)`. Which fields are there was chosen by who ran perf: the offset, the image and the source line may be
missing. Addresses are offsets in the file or addresses in memory, as the version of perf has it, so they are no RVAs.

An inlined frame does not tell its image. It is that of the frame of the same address: the next one, which it was
inlined into, or the one before, where perf calls the function that is at the address `(inlined)` too, since debug
information names it otherwise than the symbol table. Where no frame has the same address, the neighbours tell if they
are of one image or one is within a page; else the image is not known.

Images go by their file names. What depends on a process or on how perf was called is taken out:

    [kernel.kallsyms]    the kernel, also `[kernel.vmlinux]`, `vmlinux-6.1.0`, `/proc/kcore`, `[kernel.kallsyms]_text`
    [nf_conntrack]       a module of the kernel, also by its file: `…/nf-conntrack.ko.xz`
    <jit>                code without a file: `/tmp/perf-1234.map`, `jitted-12-3.so`, `//anon`, `[heap]`, `/memfd:name`
    [bpf]                a program in the kernel: `bpf_prog_6deef7357e7b4530_name`

Functions have the names of `symbols.canonical`, so that those of C++ compare between compilers and builds; the version
of a symbol (`memcpy@@GLIBC_2.14`) goes. What a runtime calls its methods (in `<jit>`) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from perfdb.profile.columns import JIT_MODULE, UNKNOWN_MODULE, UNRESOLVED
from perfdb.readers.text import decode
from perfdb.symbols.canonical import MAX_CHARS, canonical_name

KERNEL = "[kernel.kallsyms]"
BPF = "[bpf]"

ADDRESS = re.compile(rb"[ \t]*[0-9a-f]{1,16}(?:[ \t]|$)")
"""How the line of a frame begins."""

NEAR_BYTES = 4096
"""Code that is nearer than this to other code is in the same image."""

_DELETED = " (deleted)"
_INLINED = " (inlined)"
_WITH_OFFSET = re.compile(r"(.*)\+0x[0-9a-f]+ \((.*)\)")
_OFFSET = re.compile(r"\+0x[0-9a-f]+$")
_PLACE = re.compile(r"(.*[^:?]):([0-9]{1,9})(?: \(discriminator [0-9]+\))?")
_TIME = re.compile(r" [0-9]+\.[0-9]{6,9}: ")
_NO_NAME = re.compile(r"|\[unknown\]|(?:0x)?[0-9a-f]{4,16}")
_VERSION = re.compile(r"@@?(?!plt$)[A-Za-z_][\w.]*$", re.ASCII)

_IN_KERNEL = re.compile(
    r"\[kernel(?:\.kallsyms|\.vmlinux)?\]\S*|/proc/(?:kcore|kallsyms)|(?:.*/)?vmlinux(?:[-.][^/]*)?", re.DOTALL
)
_OF_GUEST = re.compile(r"(\[guest\.kernel\.kallsyms)(?:\.[0-9]+)?\]\S*")
_GENERATED = re.compile(
    r"(?:.*/)?(?:perf-[0-9]+\.map|jitted-[0-9]+-[0-9]+\.so)"
    r"|//anon.*|/anon_hugepage|/dev/zero|/?memfd:.*|/SYSV[0-9a-f]+|\[(?:heap|stack|anon)(?::[^\]]*)?\]",
    re.DOTALL,
)
_KERNEL_MODULE = re.compile(r"([^/]+)\.ko(?:\.(?:gz|xz|zst|bz2|debug))?")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: `module` is "" where it is inlined, until that is known. `file` and `line` are "" and 0 where they are
    not told.
    """

    module: str
    function: str
    file: str = ""
    line: int = 0
    is_inlined: bool = False


def read_frame(text: bytes) -> Frame | None:
    """The frame of a line and of the lines about its source that follow; None for what is none."""
    if not ADDRESS.match(text):
        return None
    first, *more = decode(text).split("\n")
    first = first.strip().partition(" ")[2].strip()
    is_inlined = first.endswith(_INLINED)
    symbol, image = (first.removesuffix(_INLINED), None) if is_inlined else _divide(first)
    file, number = "", 0
    for line in more:
        if _TIME.search(line) or (not line.startswith(("  ", "|")) and line.strip()):
            return None
        is_inlined |= line.endswith(_INLINED)
        if found := _PLACE.fullmatch(line.removesuffix(_INLINED).strip()):
            file, number = found[1], int(found[2])
    if is_inlined:
        return Frame("", function_name(_OFFSET.sub("", symbol)), file, number if file else 0, is_inlined=True)
    module = module_name(image or "")
    return Frame(module, symbol_name(symbol) if module == JIT_MODULE else function_name(symbol), file, number)


def address_of(text: bytes) -> int:
    """The address of a line that is a frame."""
    return int(text.split(None, 1)[0], 16)


def module_of_inlined(at: int, frames: Sequence[Frame], addresses: Sequence[int]) -> str:
    """The module of the inlined frame at a place of a stack, innermost first, whose other inlined frames have none."""
    after = next((row for row in range(at + 1, len(frames)) if not frames[row].is_inlined), None)
    before = next((row for row in range(at - 1, -1, -1) if not frames[row].is_inlined), None)
    near = [row for row in (after, before) if row is not None]
    nearest = min(near, key=lambda row: abs(addresses[row] - addresses[at]), default=at)
    modules = {frames[row].module for row in near}
    is_shown = len(modules) == 1 or abs(addresses[nearest] - addresses[at]) < NEAR_BYTES
    return frames[nearest].module if near and is_shown else UNKNOWN_MODULE


def _divide(text: str) -> tuple[str, str | None]:
    """The symbol of a frame, without its offset, and the image; None where none is told."""
    if found := _WITH_OFFSET.fullmatch(text):
        return found[1], found[2]
    if text.endswith(")"):
        end = len(text) - (len(_DELETED) + 1 if text.endswith(f"{_DELETED})") else 1)
        at = text.rfind(" ([" if text[:end].endswith("]") else " (/", 0, end)
        if at < 0:
            at = _last_group(text)
        if at >= 0 or text.startswith("("):
            start = max(at, 0)
            image = text[start:].lstrip()[1:-1]
            if start or image.startswith(("/", "[")):
                return text[:start], image
    return _OFFSET.sub("", text), None


def _last_group(text: str) -> int:
    """Where the blank stands before the last pair of parentheses, if that can be a file's name; -1 else."""
    depth = 0
    for at in range(len(text) - 1, 0, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if not depth:
            inner = text[at + 1 : -1]
            is_name = bool(inner) and inner != "anonymous namespace" and not re.search(r"[,*&()]|::", inner)
            return at - 1 if text[at - 1] == " " and is_name else -1
    return -1


@lru_cache(maxsize=1 << 14)
def module_name(path: str) -> str:
    """The name of an image; see the module's docstring."""
    path = _OFFSET.sub("", path.strip()).removesuffix(_DELETED)
    if path in ("", "[unknown]", "unknown"):
        return UNKNOWN_MODULE
    if _IN_KERNEL.fullmatch(path):
        return KERNEL
    if found := _OF_GUEST.fullmatch(path):
        return f"{found[1]}]"
    if _GENERATED.fullmatch(path):
        return JIT_MODULE
    name = path.rstrip("/").rsplit("/", 1)[-1]
    if name.startswith("bpf_prog_"):
        return BPF
    if found := _KERNEL_MODULE.fullmatch(name):
        return f"[{found[1].replace('-', '_')}]"
    return name or UNKNOWN_MODULE


def symbol_name(symbol: str) -> str:
    """A symbol as it is told; `<unresolved>` where it is none."""
    symbol = symbol.strip()
    return UNRESOLVED if _NO_NAME.fullmatch(symbol) else symbol


@lru_cache(maxsize=1 << 16)
def function_name(symbol: str) -> str:
    """The one name of a function that a compiler made."""
    name = symbol_name(symbol)
    if name == UNRESOLVED:
        return name
    return canonical_name(_plain_lambdas(_VERSION.sub("", name) or name)) or UNRESOLVED


def _plain_lambdas(name: str) -> str:
    """`<lambda(int)>`, as gcc writes it into debug information, is `<lambda>`."""
    mark = "<lambda("
    at = name.find(mark) if len(name) <= MAX_CHARS else -1
    while at >= 0:
        depth, end = 1, at + len(mark)
        while end < len(name) and depth:
            depth += (name[end] == "(") - (name[end] == ")")
            end += 1
        if depth or name[end : end + 1] != ">":
            return name
        name = f"{name[:at]}<lambda{name[end:]}"
        at = name.find(mark, at)
    return name
