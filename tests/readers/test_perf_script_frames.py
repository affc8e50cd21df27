"""Frames of `perf script`: where symbol and image part, how both are called, and whose inlined frames are."""

from __future__ import annotations

import pytest

from perfdb.readers.perf_script.frames import Frame, function_name, module_name, read_frame
from perfdb.symbols.lookup import LookedUp
from perfdb.symbols.resolve import resolve
from tests.readers.perf_texts import MAIN, paths, read, sample


@pytest.mark.parametrize(
    ("text", "module", "function"),
    [
        ("401136 main+0x16 (/tmp/app)", "app", "main"),
        ("401136 main (/tmp/app)", "app", "main"),
        ("401136 main", "<unknown>", "main"),
        ("401136 main+0x16", "<unknown>", "main"),
        ("401136 f(int)", "<unknown>", "f"),
        ("401136 ns::f(int (*)(char), g) const+0x12 (/path with/blanks (x86)/lib a.so (deleted))", "lib a.so", "ns::f"),
        ("401136 ns::f(int (*)(char)) const (/path with/blanks (x86)/lib a.so (deleted))", "lib a.so", "ns::f"),
        ("401136 (anonymous namespace)::f(int)+0x12 (/tmp/app)", "app", "`anonymous namespace'::f"),
        ("401136 (anonymous namespace)::f(int)", "<unknown>", "`anonymous namespace'::f"),
        ("401136 [unknown] ([unknown])", "<unknown>", "<unresolved>"),
        ("5 [unknown] (/usr/lib/x.so.1)", "x.so.1", "<unresolved>"),
        ("401136 [unknown]", "<unknown>", "<unresolved>"),
        ("401136  (/usr/lib/x.so.1)", "x.so.1", "<unresolved>"),
        ("401136 0x401136 (/usr/lib/x.so.1)", "x.so.1", "<unresolved>"),
        ("ffffffff81 do_syscall_64+0x5 ([kernel.kallsyms])", "[kernel.kallsyms]", "do_syscall_64"),
        ("ffffffff81 nf_hook ([nf_conntrack])", "[nf_conntrack]", "nf_hook"),
        ("401136 main+0x16 (/tmp/app+0x1136)", "app", "main"),
        ("401136 std::operator<< <std::a<char> >+0x16 (/tmp/app)", "app", "std::operator<<<std::a<char> >"),
        ("401136 ns::list<int>::operator()+0x1 (/tmp/app)", "app", "ns::list<int>::operator()"),
        ("401136 JS:*fib /tmp/a b.js:1:13+0x9 (/tmp/perf-10885.map)", "<jit>", "JS:*fib /tmp/a b.js:1:13"),
        ("401136 Lcom/foo/Bar;::baz+0x9 (/tmp/perf-10885.map)", "<jit>", "Lcom/foo/Bar;::baz"),
        ("401136 Lcom/foo/Bar;::baz (perf-10885.map)", "<jit>", "Lcom/foo/Bar;::baz"),
        ("401136 [unknown] (/tmp/perf-10885.map)", "<jit>", "<unresolved>"),
    ],
)  # fmt: skip
def test_a_frame(text: str, module: str, function: str) -> None:
    assert Frame(module, function) == read_frame(text.encode())


@pytest.mark.parametrize(
    "text", ["", "main+0x16 (/tmp/app)", "zz main (/tmp/app)", "12345678901234567 f (/a)", "12\nf"]
)
def test_what_is_no_frame(text: str) -> None:
    assert read_frame(text.encode()) is None


@pytest.mark.parametrize(
    ("more", "file", "line", "is_inlined"),
    [
        ("\n  a b.cpp:13", "a b.cpp", 13, False),
        ("\n  /src/a.cpp:13 (discriminator 4)", "/src/a.cpp", 13, False),
        ("\n  ??:0", "", 0, False),
        ("\n  main+22", "", 0, False),
        ("\n  libx.so[1234]", "", 0, False),
        ("\n  a.cpp:13\n|13       int main() {", "a.cpp", 13, False),
        ("\n  a.cpp:13 (inlined)", "a.cpp", 13, True),
        (" (inlined)", "", 0, True),
    ],
)
def test_the_source_of_a_frame(more: str, file: str, line: int, is_inlined: bool) -> None:
    image = "" if is_inlined else " (/tmp/app)"
    frame = read_frame(f"401136 f(int)+0x16{image}{more}".encode())

    assert Frame("" if is_inlined else "app", "f", file, line, is_inlined) == frame


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc.so.6"),
        ("/proc/12/root/usr/lib/libc.so.6 (deleted)", "libc.so.6"),
        ("[kernel.kallsyms]", "[kernel.kallsyms]"),
        ("[kernel.kallsyms]_text", "[kernel.kallsyms]"),
        ("[kernel.kallsyms].init.text", "[kernel.kallsyms]"),
        ("[kernel.vmlinux]", "[kernel.kallsyms]"),
        ("/usr/lib/debug/boot/vmlinux-6.1.0-18-amd64", "[kernel.kallsyms]"),
        ("/proc/kcore", "[kernel.kallsyms]"),
        ("[guest.kernel.kallsyms.1234]", "[guest.kernel.kallsyms]"),
        ("[nf_conntrack]", "[nf_conntrack]"),
        ("/lib/modules/6.1.0/kernel/net/nf-conntrack.ko.xz", "[nf_conntrack]"),
        ("[vdso]", "[vdso]"),
        ("/tmp/perf-1234.map", "<jit>"),
        ("/root/.debug/jit/x/jitted-1234-56.so", "<jit>"),
        ("//anon", "<jit>"),
        ("[heap]", "<jit>"),
        ("[anon:v8]", "<jit>"),
        ("/memfd:doublemapper (deleted)", "<jit>"),
        ("bpf_prog_6deef7357e7b4530_sd_egress", "[bpf]"),
        ("[unknown]", "<unknown>"),
        ("", "<unknown>"),
    ],
)
def test_the_name_of_an_image(path: str, name: str) -> None:
    assert name == module_name(path)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("main::{lambda(int)#2}::operator()", "main::<lambda>::operator()"),
        ("__invoke<main(int, char**)::<lambda(int (*)(char))> >", "__invoke<main::<lambda> >"),
        ("work.isra.0", "work"),
        ("work.constprop.1.cold", "work"),
        ("work.lto_priv.0", "work"),
        ("work(int) [clone .part.3]", "work"),
        ("ns::work [clone .isra.0]", "ns::work"),
        ("clock_gettime@@GLIBC_2.17", "clock_gettime"),
        ("memcpy@GLIBC_2.2.5", "memcpy"),
        ("malloc@plt", "malloc@plt"),
        ("@", "@"),
    ],
)
def test_a_function_has_one_name_in_all_builds(symbol: str, name: str) -> None:
    assert name == function_name(symbol)


def test_lines_that_differ_in_their_addresses_are_one_frame() -> None:
    again = MAIN.replace("401136", "401140").replace("0x16", "0x20")
    profile = read(sample(1.0, MAIN), sample(1.1, again))

    assert 1 == len(profile.frames) == len(profile.stacks)


def test_an_inlined_frame_is_of_the_image_that_it_was_inlined_into() -> None:
    inlined = ("12fb std::move<int>+0x17b (inlined)", "12fb work+0x17b (/tmp/libwork.so)", MAIN)
    profile = read(sample(1.0, "99 leaf+0x1 (/tmp/libleaf.so)", *inlined), sample(1.1, *inlined))

    assert [
        "app!main;libwork.so!work;libwork.so!std::move<int>;libleaf.so!leaf",
        "app!main;libwork.so!work;libwork.so!std::move<int>",
    ] == paths(profile)
    assert profile.places is not None
    of_function = dict(zip(profile.frames.function.tolist(), profile.places.is_inlined.tolist(), strict=True))
    assert {"main": False, "work": False, "std::move<int>": True, "leaf": False} == {
        profile.functions.name[function]: is_inlined for function, is_inlined in of_function.items()
    }


def test_a_function_that_is_called_inlined_itself_is_of_the_image_of_its_address() -> None:
    stack = (
        "1594 State::run+0x34 (/tmp/libwork.so)",
        "1594 invoke+0x34 (inlined)",
        "1594 run+0x34 (inlined)",
        "d44a2 [unknown] (/usr/lib/libstdc++.so.6)",
    )

    assert ["libstdc++.so.6!<unresolved>;libwork.so!run;libwork.so!invoke;libwork.so!state::run"] == [
        path.replace("State", "state") for path in paths(read(sample(1.0, *stack)))
    ]


@pytest.mark.parametrize(("address", "module"), [("27304", "libc.so.6"), ("13c8", "app"), ("99999", "<unknown>")])
def test_an_inlined_frame_alone_at_its_address_is_of_the_image_that_is_near(address: str, module: str) -> None:
    stack = (
        "27249 start_call_main+0x79 (/usr/lib/libc.so.6)",
        f"{address} start_main_impl+0x84 (inlined)",
        "13c0 _start+0x20 (/tmp/app)",
    )

    assert [f"app!_start;{module}!start_main_impl;libc.so.6!start_call_main"] == paths(read(sample(1.0, *stack)))


def test_source_lines_are_places_and_stay_when_symbols_are_looked_for() -> None:
    text = (
        "app 100/100 1.000000: cpu-clock: \n"
        "\t 1234 work+0x17b\n  list.h:7 (inlined)\n\t 1234 main+0x17b (/tmp/app)\n  app.cpp:31\n"
        "\t 1300 start+0x2 (/tmp/app)\n  ??:0\n\n"
    )
    profile = read(text)

    def never(wanted: object, rvas: object) -> LookedUp:
        raise AssertionError(wanted, rvas)

    for each in (profile, resolve(profile, never)):
        assert each.places is not None
        rows = zip(each.frames.function, each.places.file, each.places.line, each.places.is_inlined, strict=True)
        assert {("work", "list.h", 7, True), ("main", "app.cpp", 31, False), ("start", "", 0, False)} == {
            (each.functions.name[function], each.files[file] if file >= 0 else "", int(line), bool(is_inlined))
            for function, file, line, is_inlined in rows
        }
