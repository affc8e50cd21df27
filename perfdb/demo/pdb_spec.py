"""What a made-up PDB is to contain: plain values, from which `pdb_writer` makes the bytes of a `.pdb`.

Addresses are RVAs; what lies in a function is told by its offset from the function's first byte. Names are as compilers
have them: those of functions are undecorated and full, those of inlined ones are in parts, those of publics decorated.
"""

from __future__ import annotations

from dataclasses import dataclass

X86, X64 = 0x014C, 0x8664
"""The processors' numbers, as in an image's header."""


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """A section of the image."""

    name: str
    rva: int
    size: int
    is_code: bool = True


@dataclass(frozen=True, slots=True)
class LineSpec:
    """From `offset` on the code is of this line, until the next one. `line` 0xFEEFEE is code without source."""

    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class CodeSpec:
    """A piece of an inlined function's code: `size` bytes at `offset` from the start of the outermost function."""

    offset: int
    size: int
    line: int


@dataclass(frozen=True, slots=True)
class InlineSpec:
    """A function that was put into its caller.

    Its full name is told in parts: `scope` is a namespace and `owner` a class, full as well; at most one is not "".
    `line` is where the function begins in `file`. `code` is in ascending order and covers that of the functions that
    are inlined into this one, there with the lines of the calls. `imported_from` is the name of the object module by
    which its id is told, as link-time code generation does; "" for an id of the whole PDB.
    """

    name: str
    file: str
    line: int
    code: tuple[CodeSpec, ...]
    scope: str = ""
    owner: str = ""
    inlined: tuple[InlineSpec, ...] = ()
    imported_from: str = ""


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function of an object module.

    `lines` are in ascending order and cover the code of the inlined functions, there with the lines of the calls; they
    are all of `file`. `public` is its name among the public symbols, "" for none; it stays in a stripped PDB.
    """

    name: str
    rva: int
    size: int
    file: str = ""
    lines: tuple[LineSpec, ...] = ()
    inlined: tuple[InlineSpec, ...] = ()
    is_global: bool = True
    public: str = ""


@dataclass(frozen=True, slots=True)
class PublicSpec:
    """A public symbol that stands alone, as functions have it that were written in assembler."""

    name: str
    rva: int
    is_function: bool = True


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """An object module: what one compilation gave to the image. `library` is the archive that it came from."""

    name: str
    functions: tuple[FunctionSpec, ...] = ()
    library: str = ""


@dataclass(frozen=True, slots=True)
class PdbSpec:
    """A whole PDB. Several functions at one RVA are identical code that the linker folded.

    `guid` is in 32 hex digits; `age` is that of the image, and `info_age` that in the file's first stream, which counts
    on when tools write into the PDB: None for the same. `is_stripped` leaves only public symbols (/PDBSTRIPPED),
    `has_lines` False no lines and no files. `annotations` is how the code of inlined functions is told: "msvc" gives
    every piece its length, "llvm" only the last one of each run without a gap.
    """

    guid: str
    age: int = 1
    info_age: int | None = None
    machine: int = X64
    sections: tuple[SectionSpec, ...] = (SectionSpec(".text", 0x1000, 0x7F_0000),)
    objects: tuple[ObjectSpec, ...] = ()
    publics: tuple[PublicSpec, ...] = ()
    is_stripped: bool = False
    has_lines: bool = True
    annotations: str = "msvc"

    @property
    def debug_id(self) -> str:
        """The id by which a trace names this PDB: its guid in upper-case hex digits and its age in lower-case ones."""
        return f"{self.guid.upper()}{self.age:x}"
