r"""The code of the demo's program: the functions of its modules, where they lie, and the PDBs of a build.

A function takes `SLOT_BYTES` for its entry and for each of the places that calls are made and samples are taken at; the
lines go on by two a slot. A build of the branch puts all functions elsewhere than one of `main`, as builds do. What
Windows brings has no PDB here: it stays unresolved, as it does where nobody names a symbol server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from perfdb.demo.pdb_spec import CodeSpec, FunctionSpec, InlineSpec, LineSpec, ObjectSpec, PdbSpec

PROGRAM, KUZU, ARROW = "indexer.exe", "kuzu_shared.dll", "arrow.dll"
UCRT, DEBUG_UCRT = "ucrtbase.dll", "ucrtbased.dll"
OWN_MODULES = (PROGRAM, KUZU, ARROW)
"""What every build makes anew; the others with symbols come from elsewhere, the same for all."""

PLACES = 6
"""Distinct places in a function, so that stacks differ as they do in real traces."""

SLOT_BYTES = 0x20
_SLOTS = 1 + PLACES
_FUNCTION_BYTES = _SLOTS * SLOT_BYTES
_STRIDE_BYTES = 0x100
_FIRST_RVA = 0x1000
_BRANCH_SHIFT = 0x2340
"""How much further on the functions of a build of another branch than `main` lie."""


@dataclass(frozen=True, slots=True)
class Inlined:
    """A function that was put into another: it covers `count` places of that one, from `first` (from 1) on."""

    name: str
    file: str
    line: int
    first: int
    count: int
    owner: str = ""
    scope: str = ""
    inner: tuple[Inlined, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """A function: its name, where in its source file it begins, and what was inlined into it."""

    name: str
    line: int
    inlined: tuple[Inlined, ...] = ()


_VECTOR = "std::vector<{0},std::allocator<{0}> >"
_STL = "C:\\Program Files\\Microsoft Visual Studio\\2022\\VC\\Tools\\MSVC\\14.38.33130\\include\\"
_CRT = "minkernel\\crts\\ucrt\\"


def _push_back(item: str, first: int, count: int) -> Inlined:
    """`push_back`, and in all places but the first what it has put into itself."""
    construct = Inlined(f"construct_at<{item}>", _STL + "xmemory", 240, first + 1, count - 1, scope="std")
    return Inlined("push_back", _STL + "vector", 927, first, count, _VECTOR.format(item), inner=(construct,))


_VISITS = "clang::RecursiveASTVisitor<indexer::Indexer>::"
_LAMBDA = Inlined("operator()", "src\\session.cpp", 61, 1, 2, owner="indexer::Session::run::__l2::<lambda_1>")
_FOR_EACH = Inlined(
    "for_each<indexer::Unit *,indexer::Session::run::__l2::<lambda_1> >", _STL + "algorithm", 218, 1, 2,
    scope="std", inner=(_LAMBDA,),
)  # fmt: skip
_GROW = _push_back("int", 2, 3)
_HASH = Inlined("murmurhash64", "src\\include\\function\\hash\\hash_functions.h", 24, 1, 2, scope="kuzu::function")

MODULES = MappingProxyType(
    {
        PROGRAM: {
            "src\\main.cpp": (Code("main", 18), Code("`anonymous namespace'::readOptions", 71)),
            "src\\session.cpp": (
                Code("indexer::Session::Session", 22),
                Code("indexer::Session::run", 54, (_FOR_EACH,)),
                Code("indexer::Session::flush", 97),
                Code("`anonymous namespace'::toRow", 140, (_push_back("indexer::Field", 1, 2),)),
                Code("indexer::Session::~Session", 171),
            ),
            "src\\indexer.cpp": (
                Code("indexer::Indexer::visitClass", 88),
                Code("indexer::Indexer::visitTemplate", 131),
                Code("indexer::Indexer::visitBases", 190),
                Code(_VISITS + "TraverseDecl", 233),
                Code(_VISITS + "TraverseStmt", 252),
            ),
        },
        KUZU: {
            "src\\main\\connection.cpp": (
                Code("kuzu::main::Connection::query", 44),
                Code("kuzu::main::Connection::executeWithParams", 102),
                Code("kuzu::main::Connection::bindParameters", 131, (_push_back("int", 4, 2),)),
            ),
            "src\\processor\\operator\\persistent\\insert_executor.cpp": (
                Code("kuzu::processor::NodeInsertExecutor::insert", 57),
                Code("kuzu::processor::RelInsertExecutor::insert", 148),
                Code("kuzu::processor::writeColumnVector", 23),
            ),
            "src\\storage\\store\\node_table.cpp": (
                Code("kuzu::storage::NodeTable::insert", 240),
                Code("kuzu::storage::NodeTable::validatePkNotExists", 77),
                Code("kuzu::storage::NodeTable::commit", 402),
            ),
            "src\\storage\\store\\rel_table.cpp": (
                Code("kuzu::storage::RelTable::insert", 168),
                Code("kuzu::storage::RelTable::commit", 351),
            ),
            "src\\storage\\store\\column_chunk.cpp": (
                Code("kuzu::storage::ColumnChunk::append", 61, (_GROW,)),
                Code("kuzu::storage::ColumnChunk::write", 120),
                Code("kuzu::storage::StringColumnChunk::append", 39),
                Code("kuzu::storage::ListColumnChunk::resizeDataColumnChunk", 88),
            ),
            "src\\storage\\store\\node_group.cpp": (
                Code("kuzu::storage::NodeGroup::append", 96),
                Code("kuzu::storage::NodeGroup::flush", 171),
            ),
            "src\\storage\\local_storage\\local_table.cpp": (
                Code("kuzu::storage::LocalNodeTable::insert", 52),
                Code("kuzu::storage::LocalRelTable::insert", 119),
            ),
            "src\\storage\\index\\hash_index.cpp": (
                Code("kuzu::storage::HashIndex<__int64>::lookupInternal", 133, (_HASH,)),
                Code("kuzu::storage::HashIndex<kuzu::common::ku_string_t>::lookupInternal", 133, (_HASH,)),
                Code("kuzu::storage::PrimaryKeyIndex::insert", 301),
                Code("kuzu::storage::HashIndexBuilder<__int64>::append", 402),
            ),
            "src\\storage\\wal\\wal.cpp": (
                Code("kuzu::storage::WAL::logTableInsertion", 64),
                Code("kuzu::storage::WAL::flushAllPages", 118),
            ),
            "src\\storage\\buffer_manager\\buffer_manager.cpp": (
                Code("kuzu::storage::BufferManager::pin", 92),
                Code("kuzu::storage::BufferManager::claimAFrame", 227),
            ),
            "src\\common\\vector\\value_vector.cpp": (
                Code("kuzu::common::ValueVector::copyFromValue", 81),
                Code("kuzu::common::ValueVector::copyFromVectorData", 130),
            ),
            "src\\dllmain.cpp": (Code("DllMain", 9),),
            "src\\main\\arrow_converter.cpp": (
                Code("kuzu::common::ArrowRowBatch::append", 47),
                Code("kuzu::common::`anonymous namespace'::resizeVector", 29, (_push_back("unsigned char", 1, 2),)),
            ),
        },
        ARROW: {
            "cpp\\src\\arrow\\array\\builder_base.cc": (
                Code("arrow::ArrayBuilder::Resize", 70),
                Code("arrow::ArrayBuilder::Reserve", 95),
            ),
            "cpp\\src\\arrow\\array\\builder_primitive.cc": (
                Code("arrow::NumericBuilder<arrow::Int64Type>::AppendValues", 112),
                Code("arrow::NumericBuilder<arrow::DoubleType>::AppendValues", 112),
            ),
            "cpp\\src\\arrow\\dllmain.cc": (Code("DllMain", 14),),
            "cpp\\src\\arrow\\buffer.cc": (Code("arrow::`anonymous namespace'::PoolBuffer::Reserve", 81),),
        },
        DEBUG_UCRT: {
            _CRT + "heap\\debug_heap.cpp": (
                Code("_malloc_dbg", 484),
                Code("_free_dbg", 985),
                Code("heap_alloc_dbg_internal", 311),
                Code("free_dbg_nolock", 889),
                Code("check_bytes", 152),
                Code("_CrtIsValidHeapPointer", 1391),
                Code("_CrtCheckMemory", 1142),
            ),
            _CRT + "heap\\malloc_base.cpp": (Code("_malloc_base", 24),),
            _CRT + "heap\\free_base.cpp": (Code("_free_base", 97),),
            _CRT + "string\\strcpy_s.cpp": (Code("strcpy_s", 13),),
            _CRT + "misc\\invalid_parameter.cpp": (Code("_invalid_parameter", 81),),
        },
        UCRT: {
            _CRT + "convert\\atof.cpp": (Code("atof", 18), Code("_atof_l", 28)),
            _CRT + "convert\\strtod.cpp": (Code("strtof", 44), Code("strtod", 71), Code("_strtod_l", 96)),
            _CRT + "convert\\strtox.cpp": (Code("strtol", 28), Code("strtoull", 64)),
            _CRT + "stdio\\output.cpp": (Code("__stdio_common_vsprintf", 311),),
            _CRT + "string\\strnlen.cpp": (Code("strnlen", 22),),
        },
    }
)
"""The functions of each module with symbols, by source file."""

_RVA = {
    module: {
        code.name: _FIRST_RVA + _STRIDE_BYTES * number
        for number, code in enumerate(code for codes in files.values() for code in codes)
    }
    for module, files in MODULES.items()
}

_SOURCES = {
    PROGRAM: "C:\\work\\indexer\\",
    KUZU: "C:\\work\\kuzu\\",
    ARROW: "D:\\a\\arrow\\",
    DEBUG_UCRT: "",
    UCRT: "",
}
"""Where the source files of a module lay when it was built."""


def place_rva(module: str, function: str, place: int, branch: str, is_leaf: bool) -> int:
    """The RVA of one of a function's `PLACES`: of an instruction for a leaf, else of the last byte of a call.

    What is called there returns to the next slot, which has another line.
    """
    slot = 1 + place
    return function_rva(module, function, branch) + slot * SLOT_BYTES + (8 if is_leaf else SLOT_BYTES - 1)


def function_rva(module: str, function: str, branch: str) -> int:
    """Where a function begins in a build of a branch."""
    return _RVA[module][function] + _BRANCH_SHIFT * _is_moved(module, branch)


def debug_guid(module: str, branch: str) -> str:
    """The guid of a module's PDB, made up: of the branch's build for the program's own modules."""
    build = branch if module in OWN_MODULES else ""
    return hashlib.sha256(f"{module} {build}".encode()).hexdigest()[:32].upper()


def build_pdb(module: str, branch: str) -> PdbSpec:
    """The PDB of a module with symbols, as a build of a branch leaves it."""
    return PdbSpec(
        guid=debug_guid(module, branch),
        objects=tuple(
            ObjectSpec(
                file.rsplit("\\", 1)[-1].rsplit(".", 1)[0] + ".obj",
                tuple(_function(module, file, code, branch) for code in codes),
            )
            for file, codes in MODULES[module].items()
        ),
    )


def _is_moved(module: str, branch: str) -> bool:
    return module in OWN_MODULES and branch != "main"


def _function(module: str, file: str, code: Code, branch: str) -> FunctionSpec:
    source = _SOURCES[module]
    calls = {slot: inlined.first for inlined in code.inlined for slot in _slots(inlined)}
    is_plain = "::" not in code.name
    return FunctionSpec(
        name=code.name,
        rva=function_rva(module, code.name, branch),
        size=_FUNCTION_BYTES,
        file=source + file,
        lines=tuple(LineSpec(slot * SLOT_BYTES, code.line + 2 * calls.get(slot, slot)) for slot in range(_SLOTS)),
        inlined=tuple(_inline(inlined, source) for inlined in code.inlined),
        is_global="anonymous" not in code.name,
        public=code.name if is_plain else "",
    )


def _slots(inlined: Inlined) -> Iterable[int]:
    return range(inlined.first, inlined.first + inlined.count)


def _inline(inlined: Inlined, source: str) -> InlineSpec:
    """What was inlined, with a line for each slot, and for all slots of an inner function the line of its call."""
    calls = {slot: inner.first for inner in inlined.inner for slot in _slots(inner)}
    return InlineSpec(
        name=inlined.name,
        file=inlined.file if ":" in inlined.file else source + inlined.file,
        line=inlined.line,
        code=tuple(
            CodeSpec(slot * SLOT_BYTES, SLOT_BYTES, inlined.line + 1 + calls.get(slot, slot) - inlined.first)
            for slot in _slots(inlined)
        ),
        scope=inlined.scope,
        owner=inlined.owner,
        inlined=tuple(_inline(inner, source) for inner in inlined.inner),
    )
