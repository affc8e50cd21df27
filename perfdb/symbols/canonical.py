r"""One name per function, whichever build, compiler or kind of symbol it comes from.

A function's name reaches us as the compiler wrote it into the PDB, as the linker's decorated name, or out of DWARF.
`canonical_name` makes these one, and takes out what a compiler counts or hashes anew in each build. The rules, in the
spelling of Microsoft's compiler, which most names have:

    what                   before                                               after
    decorated names        ?push@?$list@H@n@@QEAAXH@Z                           n::list<int>::push
    parameters, result     void n::sort<int*>(int*, int*)                       n::sort<int *>
      and qualifiers       n::list<int>::size() const                           n::list<int>::size
    template arguments     n::map<int, n::less<int>>                            n::map<int,n::less<int> >
      of types             n::f<const char*, class n::A>                        n::f<char const *,n::A>
                           n::f<unsigned long long, int [3]>                    n::f<unsigned __int64,int[3]>
                           n::f<void (__cdecl*)(void)> | n::f<void (*)()>       n::f<void (*)()>
                           n::f<char *const, int * *>                           n::f<char * const,int **>
      of values            n::f<true, 5ull, (n::Color)1, 'a'>                   n::f<1,5,1,97>
                           n::f<&int __cdecl n::g(int)>                         n::f<&n::g>
      of the class again   n::list<int>::~list<int>                             n::list<int>::~list
    constructors           n::list<int>::{ctor} | n::list<int>::list<int>       n::list<int>::list
      and destructors      n::list<int>::{dtor}                                 n::list<int>::~list
    operators              bool n::operator< <int>(int)                         n::operator<<int>
                           operator"" _km(long double)                          operator""_km
    lambdas                <lambda_1> | <lambda_0> | $_0 | 'lambda0'(int)       <lambda>
                           {lambda(int)#1} | (lambda at f.cpp:1:2)              <lambda>
    anonymous namespaces   n::(anonymous namespace)::f | n::{anonymous}::f      n::`anonymous namespace'::f
                           n::?A0x1f2e3d4c::f | n::`anonymous-namespace'::f     n::`anonymous namespace'::f
    types without a name   <unnamed-tag> | <unnamed-type-$S1> | $S1             <unnamed>
                           __unnamed_1 | 'unnamed1' | {unnamed type#1}          <unnamed>
                           <unnamed-type-settings>                              <unnamed-type-settings>
    local scopes           `f'::`2'::g | `void __cdecl f(int)'::`2'::g          f::g
                           f(int)::g | f::__l2::g                               f::g
    parts of functions     f$catch$12 | `f'::`1'::catch$0                       f::catch
                           f$fin$0 | f$filt$1 | `f'::`1'::dtor$3                f::fin | f::filt | f::dtor
    copies of functions    f.isra.0 | f.constprop.1 | f.part.2.cold             f
                           f.llvm.123 | f.lto_priv.0 | f$$h12                   f
                           f(int) [clone .cold]                                 f
    incremental linking    @ILT+5(?f@@YAXXZ)                                    f
    thunks                 [thunk]:f`adjustor{8}' | f`vtordisp{-4,0}'           f`adjustor' | f`vtordisp'
    initializers           n::`dynamic initializer for 'x' | ??__Ex@n@@YAXXZ    `dynamic initializer for 'n::x''
    special members        A::`scalar deleting dtor'                            A::`scalar deleting destructor'
    Rust                   core::f::h0123456789abcdef | {closure#0}             core::f | {closure}

`FOLD` also leaves out template arguments, at every level: `n::list<int>::push` is `n::list<>::push`. `<lambda>`,
`<unnamed>`, operators, and Rust's `<T as Trait>` are not arguments, and stay.

The rules are applied until they change nothing, so a canonical name is its own canonical name, and folding gives the
same before and after keeping. A name whose brackets do not match, with control characters, or that is very long, is
left as it is. What cannot be made one: clang leaves out the scopes of local classes among template arguments, and
writes enumerators and class conversions in other ways in PDBs than in decorated names.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from perfdb.symbols.canonical_scan import UnbalancedError, rewrite
from perfdb.symbols.undecorate import undecorate

KEEP, FOLD = "keep", "fold"
"""What happens to template arguments."""

MAX_CHARS = 16_384
"""Longer names are left as they are."""

_MAX_PASSES = 6
_PLAIN = re.compile(r"[A-Za-z_][\w:~]*", re.ASCII)
_DECORATED = re.compile(r"(?:__imp_)?\?(?!A0x[0-9A-Fa-f]{1,8}::)")
_JUMP = re.compile(r"@ILT\+\d+\((.+)\)")
_THUNK = re.compile(r"\[thunk\]: ?")
_DESCRIBED = re.compile(
    r"(?:non-virtual thunk|virtual thunk|covariant return thunk|TLS wrapper function|TLS init function"
    r"|guard variable|reference temporary #\d+) (?:to|for) "
)
_STRUCTOR = re.compile(r"(?<=[\w>'])::\{([cd])tor\}")
_COPY = re.compile(
    r"(?:\.(?:isra|constprop|part|cold|hot|warm|localalias|lto_priv|llvm|__uniq)(?:\.\d+)*"
    r"| ?\[clone [^\[\]]*\]| ?\(\.[^()]*\)|\$\$h\w+|::h[0-9a-f]{16})+$"
)


def canonical_name(name: str, machine: str = "", templates: str = KEEP) -> str:
    """The one form of a function's name, by the rules of this module; "" stays "".

    `machine` is for names as the linker has them (public symbols) and is that of the symbol file: on "x86" and "x64" it
    takes the decoration off C names too. Give none for a name that a compiler wrote into debug information: there,
    `_exit` is the function's own name. `templates` is `KEEP` or `FOLD`.
    """
    if machine:
        name = undecorate(_without_copies(name), machine)
    if _is_plain(name) or len(name) > MAX_CHARS or not name.isprintable():
        return name
    kept = _settled(name, _keep)
    return _folded(kept) if templates == FOLD and "<" in kept else kept


def _is_plain(name: str) -> bool:
    """Whether no rule applies, for certain. Most names are of this kind, and this is quick."""
    return _PLAIN.fullmatch(name) is not None and "__l" not in name and "__u" not in name and "::h" not in name


def _settled(name: str, step: Callable[[str], str]) -> str:
    """What a step makes of a name when it is taken until it changes nothing; the name itself if that never happens."""
    current = name
    try:
        for _ in range(_MAX_PASSES):
            before, current = current, step(current)
            if current == before:
                return current
    except UnbalancedError:
        pass
    return name


def _folded(kept: str) -> str:
    return _settled(kept, lambda name: _settled(rewrite(name, fold=True), _keep))


def _keep(name: str) -> str:
    name = _without_copies(name)
    if _DECORATED.match(name):
        plain = undecorate(name)
        if plain == name:
            return name
        name = plain
    described = _DESCRIBED.match(name)
    start = described.end() if described else 0
    return _named_structors(name[:start] + rewrite(name[start:], fold=False)) or name


def _named_structors(name: str) -> str:
    """Constructors and destructors by the name of their class, which PDBs leave out where they are inlined."""
    while match := _STRUCTOR.search(name):
        first, end = _last_part(name, match.start())
        sign = "~" if match[1] == "d" else ""
        name = f"{name[: match.start()]}::{sign}{name[first:end]}{name[match.end() :]}"
    return name


def _last_part(name: str, end: int) -> tuple[int, int]:
    """Where the last part of the scope that ends at `end` begins, and where it ends without template arguments."""
    depth, first, bare_end = 0, end, end
    while first > 0:
        char = name[first - 1]
        if char == ">":
            depth += 1
        elif char == "<":
            if not depth:
                break
            depth -= 1
            if not depth and first > 1 and name[first - 2] != ":":
                bare_end = min(bare_end, first - 1)
        elif not depth and (char == "," or name.startswith("::", first - 2)):
            break
        first -= 1
    return first, bare_end


def _without_copies(name: str) -> str:
    """The name without what marks a copy of a function, or a jump to it; never empty."""
    if match := _JUMP.fullmatch(name):
        name = match[1]
    if match := _THUNK.match(name):
        name = name[match.end() :] or name
    return _COPY.sub("", name) or name
