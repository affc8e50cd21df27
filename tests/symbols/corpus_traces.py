"""Made traces whose images bear the ids of real PDBs of the corpus, and the places in them that tests know."""

from __future__ import annotations

from collections.abc import Sequence

from perfdb.demo.etl_spec import KERNEL_PID, ImageSpec, ProcessSpec, SampleColumns, SampleSpec, ThreadSpec, TraceSpec
from perfdb.demo.etl_writer import write_etl
from perfdb.units import NS_PER_MS

PID, TID = 100, 101
BASE = 0x7FF6_0000_0000
CPPCON = ImageSpec(PID, BASE, 0x10_0000, "C:\\app\\CppCon.exe", "12DC0A4FBD7D4F2AA9BE263BACAEB4675", "CppCon.pdb")
SOFTOKN = ImageSpec(
    PID,
    BASE + 0x100_0000,
    0x10_0000,
    "C:\\app\\softokn3.dll",
    "CCF79D6C6BA5FBBF4C4C44205044422E1",
    "z:\\build\\obj\\softokn3.pdb",
)
WRITER = ImageSpec(
    PID, BASE + 0x200_0000, 0x10_0000, "C:\\app\\writer.exe", "DF5016E17D4C30144C4C44205044422E1", "WriteArgument.pdb"
)
KERNEL = ImageSpec(
    KERNEL_PID,
    0xFFFF_F800_0000_0000,
    0x100_0000,
    "\\SystemRoot\\system32\\ntoskrnl.exe",
    "AB" * 16 + "1",
    "ntkrnlmp.pdb",
)
PDBS = {"CppCon.pdb": CPPCON, "softokn3.pdb": SOFTOKN, "WriteArgument.pdb": WRITER}

EXE_COMMON = "D:\\a\\_work\\1\\s\\src\\vctools\\crt\\vcstartup\\src\\startup\\exe_common.inl"
EXE_MAIN = EXE_COMMON.replace("exe_common.inl", "exe_main.cpp")
GS_REPORT = "D:\\a\\_work\\1\\s\\src\\vctools\\crt\\vcstartup\\src\\gs\\gs_report.c"
SFTKDB = "/builds/worker/checkouts/gecko/security/nss/lib/softoken/sftkdb.c"

LAST_CALL = 0x1549
"""The end of `mainCRTStartup` in CppCon.exe, whose last instruction is a call: another function begins here."""
DEEP = 0x2C239
"""A place in softokn3.dll with six functions inlined into one another."""
DEEP_CHAIN = (
    ("sftkdb_Update", 2486),
    ("sftkdb_mergeObject", 2401),
    ("sftkdb_updateObjectTemplate", 2258),
    ("sftkdb_reconcileTrust", 2098),
    ("sftkdb_reconcileTrustEntry", 1973),
    ("sftkdb_getULongFromTemplate", 1858),
    ("sftk_SDBULong2ULong", 153),
)


def trace(stacks: Sequence[tuple[int, ...]], images: Sequence[ImageSpec] = tuple(PDBS.values())) -> bytes:
    """A trace of one process with a sample of 1 ms for each stack, leaf first."""
    samples = [SampleSpec((at + 1) * NS_PER_MS, TID, user=stack) for at, stack in enumerate(stacks)]
    return write_etl(
        TraceSpec(
            compressed=False,
            processes=(ProcessSpec(PID, "app.exe"), ProcessSpec(KERNEL_PID, "System")),
            threads=(ThreadSpec(TID, PID),),
            images=(*images, KERNEL),
            samples=SampleColumns.of(samples),
            duration_ns=(len(samples) + 2) * NS_PER_MS,
        )
    )


def last_calls(images: Sequence[ImageSpec]) -> bytes:
    """A trace with one sample in each of the images."""
    return trace([(image.leaf(LAST_CALL),) for image in images], images)
