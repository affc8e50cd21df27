"""Managed code in a trace: which frames get a method's name, when, and which name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.demo.etl_writer import MethodSpec, ProcessSpec, SampleColumns, SampleSpec, ThreadSpec
from perfdb.etl import buffers
from perfdb.etl.clock import BEFORE
from perfdb.etl.lifetimes import AddressSpace
from perfdb.etl.methods import MethodTable, tell_apart
from perfdb.profile import Profile
from perfdb.profile.bare import bare
from perfdb.profile.check import self_check
from tests.etl.traces import APP, read, small_trace
from tests.twins import etl_walker
from tests.twins.agree import assert_agree, profile_stacks
from tests.twins.weights import path_of

START = 0x20000000
MAIN = MethodSpec(100, START, 0x100, "App.Program", "Main", "void  (class System.String[])")
WORK = MethodSpec(
    100, START + 0x100, 0x80, "App.Program+Inner", "Work", "instance int32  (int32,bool&)", load_ns=50_000
)
UNKNOWN = "<unknown>!<unresolved>"


def run(*samples: SampleSpec, methods: tuple[MethodSpec, ...], **changes: Any) -> Profile:
    """The profile of a trace of these samples, which is as the slow twin reads it, too."""
    data = small_trace(samples=SampleColumns.of(samples), methods=methods, **changes)
    profile = read(data)
    self_check(profile)
    assert_agree(etl_walker.walk(data), profile)
    return profile


def at(*microseconds: int, user: tuple[int, ...] = (START + 0x10,), tid: int = 200) -> list[SampleSpec]:
    """A sample of one stack at each of some times."""
    return [SampleSpec(us * 1000, tid, user=user) for us in microseconds]


def paths(profile: Profile) -> list[list[str]]:
    """Each sample's stack, leaf first, as `module!function`."""
    stacks = [path_of(profile, stack) for stack in profile.samples.stack.tolist()]
    return [["!".join(frame) for frame in reversed(stack)] for stack in stacks]


def leaves(profile: Profile) -> list[str]:
    """The leaf of each sample."""
    return [path[0] for path in paths(profile)]


@pytest.mark.parametrize("pointer_size", [4, 8])
@pytest.mark.parametrize("stack_style", ["direct", "keys"])
def test_a_frame_in_a_method_gets_its_name_and_keeps_its_address(pointer_size: int, stack_style: str) -> None:
    stack = (WORK.leaf(0x7F), MAIN.caller(0xFF), APP.caller(0x10))
    profile = run(
        *at(100, user=stack),
        methods=(MAIN, WORK),
        pointer_size=pointer_size,
        stack_style=stack_style,
        buffer_bytes=1024,
    )

    assert [
        ["<jit>!App.Program+Inner.Work(int32,bool&)", "<jit>!App.Program.Main(String[])", "app.exe!<unresolved>"]
    ] == paths(profile)
    assert [((None, WORK.start + 0x7F), (None, MAIN.start + 0xFF), ("app.exe", 0x10))] == [
        profile_stacks(profile)[row] for row in profile.samples.stack
    ]


def test_a_caller_is_looked_up_one_byte_before_its_return_address() -> None:
    """The return address of a call in a method's last instruction is that of the next method."""
    profile = run(*at(100, user=(WORK.leaf(), WORK.leaf())), methods=(MAIN, WORK))

    assert [["<jit>!App.Program+Inner.Work(int32,bool&)", "<jit>!App.Program.Main(String[])"]] == paths(profile)


def test_what_is_in_no_method_stays_unknown() -> None:
    stack = (MAIN.start - 1, WORK.start + WORK.size + 1)
    profile = run(*at(100, user=stack), methods=(MAIN, WORK))

    assert [[UNKNOWN, UNKNOWN]] == paths(profile)
    assert "<jit>" not in profile.modules


def test_a_method_has_no_name_to_give_before_it_is_loaded() -> None:
    profile = run(*at(100, 500), methods=(replace(MAIN, load_ns=300_000),))

    assert [UNKNOWN, "<jit>!App.Program.Main(String[])"] == leaves(profile)


@pytest.mark.parametrize("rundown", ["start", "end", "both"])
def test_a_method_of_a_list_has_been_there_all_the_time(rundown: str) -> None:
    profile = run(*at(1, 999), methods=(MAIN,), rundown=rundown)

    assert ["<jit>!App.Program.Main(String[])"] * 2 == leaves(profile)


def test_a_method_keeps_its_addresses_until_another_is_loaded_over_them() -> None:
    first = replace(MAIN, unload_ns=300_000)
    second = replace(MAIN, name="Second", load_ns=400_000, unload_ns=600_000, method_id=2, start=START - 8)
    profile = run(*at(100, 350, 500, 700), methods=(first, second))

    assert ["Main", "Main", "Second", "Second"] == [leaf.split(".")[2].split("(")[0] for leaf in leaves(profile)]


def test_a_method_within_another_leaves_the_rest_of_it() -> None:
    within = replace(MAIN, name="Within", start=START + 0x20, size=0x10, load_ns=50_000, method_id=2)
    profile = run(*at(100, user=(START + 0x90, START + 0x25, START + 0x11)), methods=(MAIN, within))

    assert ["Main", "Within", "Main"] == [frame.split(".")[2].split("(")[0] for frame in paths(profile)[0]]


def test_a_method_of_the_list_at_the_end_came_after_what_was_told_of_its_place_before() -> None:
    before = replace(MAIN, name="Before", size=0x10, load_ns=200_000, unload_ns=300_000, method_id=2)
    profile = run(*at(100, 500, user=(START + 0x50,)), methods=(before, MAIN), rundown="end")

    assert [UNKNOWN, "<jit>!App.Program.Main(String[])"] == leaves(profile)


def test_an_address_that_many_methods_had_gives_each_sample_its_own() -> None:
    """As of a program that makes dynamic methods all the time."""
    count = 300
    methods = tuple(
        MethodSpec(100, START, 0x40, "dynamicClass", f"lambda{n}", "void  ()", n * 3_000 + 1_000, n * 3_000 + 2_000)
        for n in range(count)
    )
    stack = (START + 1, APP.caller(1), START + 9)
    profile = run(*at(*(n * 3 + 2 for n in range(count)), user=stack), methods=methods, buffer_bytes=65_536)

    assert [f"<jit>!dynamicClass.lambda{n}()" for n in range(count)] == leaves(profile)


def test_methods_of_other_processes_name_nothing() -> None:
    processes = (ProcessSpec(100, "App.exe"), ProcessSpec(101, "Other.exe"))
    threads = (ThreadSpec(200, 100), ThreadSpec(201, 101))
    methods = (replace(MAIN, pid=101), replace(MAIN, pid=999, name="Nobody"))
    samples = at(100) + at(200, tid=201)
    profile = run(*samples, methods=methods, processes=processes, threads=threads)

    assert [UNKNOWN, "<jit>!App.Program.Main(String[])"] == leaves(profile)


def test_a_process_that_the_trace_does_not_name_has_no_methods() -> None:
    profile = run(SampleSpec(100_000, 999, user=(START,), pid=77), methods=(replace(MAIN, pid=77),))

    assert [UNKNOWN] == leaves(profile)


def test_a_pid_that_is_used_again_has_other_methods() -> None:
    processes = (ProcessSpec(100, "old.exe", end_ns=300_000), ProcessSpec(100, "new.exe", start_ns=400_000))
    threads = (ThreadSpec(200, 100, None, 290_000), ThreadSpec(200, 100, 410_000))
    old = replace(MAIN, load_ns=50_000, unload_ns=250_000)
    new = replace(MAIN, name="New", load_ns=700_000)
    profile = run(*at(100, 500, 800), methods=(old, new), processes=processes, threads=threads)

    assert ["<jit>!App.Program.Main(String[])", UNKNOWN, "<jit>!App.Program.New(String[])"] == leaves(profile)


class TestImages:
    """Methods whose code is in an image, and images and methods that came one after the other."""

    AHEAD = MethodSpec(100, APP.leaf(0x1000), 0x40, "App.Program", "Ahead", is_jitted=False)

    def test_code_that_was_compiled_ahead_of_time_stays_in_its_image(self) -> None:
        profile = run(*at(100, user=(APP.leaf(0x1001), APP.caller(0x100F), APP.caller(0x1040))), methods=(self.AHEAD,))

        assert [["app.exe!App.Program.Ahead()"] * 2 + ["app.exe!<unresolved>"]] == paths(profile)
        assert [(("app.exe", 0x1001), ("app.exe", 0x100F), ("app.exe", 0x1040))] == [
            profile_stacks(profile)[row] for row in profile.samples.stack
        ]

    def test_a_method_that_was_loaded_before_the_image_is_gone(self) -> None:
        image = replace(APP, load_ns=300_000)
        profile = run(
            *at(200, 400, user=(APP.leaf(0x1001),)),
            methods=(replace(WORK, start=APP.base, size=0x2000),),
            images=(image,),
        )

        assert ["<jit>!App.Program+Inner.Work(int32,bool&)", "app.exe!<unresolved>"] == leaves(profile)

    def test_a_method_of_the_list_at_the_end_is_no_older_than_its_image(self) -> None:
        image = replace(APP, load_ns=300_000)
        profile = run(*at(400, user=(APP.leaf(0x1001),)), methods=(self.AHEAD,), images=(image,), rundown="end")

        assert ["app.exe!App.Program.Ahead()"] == leaves(profile)

    def test_code_that_is_compiled_where_an_image_was_is_in_no_image(self) -> None:
        image = replace(APP, unload_ns=300_000)
        method = replace(self.AHEAD, is_jitted=True, load_ns=400_000)
        profile = run(*at(200, 500, user=(APP.leaf(0x1001),)), methods=(method,), images=(image,))

        assert ["app.exe!<unresolved>", "<jit>!App.Program.Ahead()"] == leaves(profile)
        assert [(("app.exe", 0x1001),), ((None, APP.leaf(0x1001)),)] == [
            profile_stacks(profile)[row] for row in profile.samples.stack
        ]


class TestDamage:
    """Events that are cut off or make no sense."""

    def test_a_payload_that_is_cut_off_gives_the_whole_name_or_none(self) -> None:
        whole = "<jit>!App.Program.Main(String[])"
        end = 2 + 8  # the runtime's number and the ReJIT id
        for cut in range(140):
            expected = whole if cut <= end else UNKNOWN
            assert [expected] == leaves(run(*at(100), methods=(replace(MAIN, cut_bytes=cut),))), cut

    def test_a_method_without_a_name_hides_what_was_there_before(self) -> None:
        nameless = replace(MAIN, load_ns=300_000, name="", method_id=2, unload_ns=900_000)
        profile = run(*at(100, 500), methods=(replace(MAIN, unload_ns=200_000), nameless))

        assert ["<jit>!App.Program.Main(String[])", UNKNOWN] == leaves(profile)

    @pytest.mark.parametrize("text", [b"", b"\0", b"A\0.\0", "A\0b\0".encode("utf-16-le"), b"\xff" * 200])
    def test_names_that_do_not_end_name_nothing(self, text: bytes) -> None:
        assert [UNKNOWN] == leaves(run(*at(100), methods=(replace(MAIN, text=text, version=0),)))

    @pytest.mark.parametrize("size", [0, (16 << 20) + 1, 0xFFFFFFFF])
    def test_a_size_that_no_method_has_is_damage(self, size: int) -> None:
        assert [UNKNOWN] == leaves(run(*at(100), methods=(replace(MAIN, size=size),)))

    def test_a_method_at_the_end_of_the_address_space(self) -> None:
        last = replace(MAIN, start=(1 << 64) - 0x10, size=0x1000)

        assert [UNKNOWN] == leaves(run(*at(100), methods=(last,), pointer_size=8, buffer_bytes=1024))


def test_names_are_read_again_from_every_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a trace that is larger than a batch, only the last one is at hand when names are wanted."""
    methods = tuple(
        MethodSpec(100, START + n * 0x100, 0x100, "App.Program", f"M{n}", load_ns=n * 1000 + 1 if n < 25 else None)
        for n in range(50)
    )
    stack = tuple(method.leaf(1) for method in methods)
    spec = {
        "samples": SampleColumns.of(at(600, user=stack)),
        "methods": methods,
        "buffer_bytes": 1024,
        "rundown": "end",
    }
    for compressed in (False, True):
        monkeypatch.setattr(buffers, "BATCH_BYTES", 1)
        profile = read(small_trace(compressed=compressed, **spec))

        assert [f"<jit>!App.Program.M{n}()" for n in range(50)] == paths(profile)[0]


def test_without_its_names_the_profile_is_that_of_a_trace_without_methods() -> None:
    methods = (MAIN, WORK, replace(TestImages.AHEAD, load_ns=250_000))
    samples = at(100, 700, user=(WORK.leaf(3), MAIN.caller(3), APP.caller(0x1004))) + at(200, user=(APP.leaf(0x1004),))
    named = run(*samples, methods=methods)
    nameless = run(*samples, methods=())

    assert paths(named) != paths(nameless)
    assert paths(bare(named)) == paths(nameless)


def test_stacks_without_methods_that_changed_stay_together() -> None:
    """A runtime that compiles all the time does not make every sample a stack of its own."""
    count = 500
    table = MethodTable(
        process=np.zeros(count, np.int64),
        base=np.arange(count).astype(np.uint64) * np.uint64(0x100),
        end=np.arange(1, count + 1).astype(np.uint64) * np.uint64(0x100),
        loaded_at=np.arange(count) * 10,
        is_jitted=np.ones(count, np.bool_),
        place=np.arange(count),
    )
    ticks = np.arange(count) * 10 + 5
    group = np.arange(count) % 2
    first = np.array([0, 1])
    # Both stacks are sampled all the time. One has been in the first method, the other comes into the last but ninth.
    address = np.array([0x10, 0x20, (count - 10) * 0x100 + 0x10], np.uint64)
    row, split = tell_apart(
        AddressSpace(table), np.zeros(count, np.int64), ticks, first, group, np.array([0, 1, 1]), address
    )

    assert [0, 1, count - 9] == row.tolist()
    assert [0] * (count // 2) == split[::2].tolist()
    assert [1] * ((count - 10) // 2) + [2] * 5 == split[1::2].tolist()


THINGS = st.lists(
    st.tuples(
        st.integers(-1, 2), st.integers(0, 12), st.integers(0, 6), st.sampled_from([BEFORE, 1, 2, 3, 4]), st.booleans()
    ),
    max_size=12,
    unique_by=lambda thing: (thing[0], thing[1], thing[3]),
)
QUERIES = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 20), st.integers(0, 5)), max_size=20)


@given(THINGS, QUERIES)
def test_an_address_belongs_to_the_latest_that_was_loaded_over_it(
    things: list[tuple[int, int, int, int, bool]], queries: list[tuple[int, int, int]]
) -> None:
    process, base, size, loaded_at, is_jitted = (
        (np.array(each) for each in zip(*things, strict=True)) if things else [np.zeros(0, np.int64)] * 5
    )
    table = MethodTable(
        process.astype(np.int64),
        base.astype(np.uint64),
        (base + size).astype(np.uint64),
        loaded_at.astype(np.int64),
        is_jitted.astype(np.bool_),
        np.arange(len(things)),
    )
    asked = [np.array([query[column] for query in queries], np.int64) for column in range(3)]
    found = AddressSpace(table).find(asked[0], asked[1].astype(np.uint64), asked[2])

    for (of, address, time), row in zip(queries, found.tolist(), strict=True):
        holding = [
            nth
            for nth, (who, start, length, since, _) in enumerate(things)
            if who == of and start <= address < start + length and since <= time
        ]
        latest = max(holding, key=lambda nth: (things[nth][3], things[nth][1]), default=-1)
        assert latest == row
