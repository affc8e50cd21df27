"""Butterfly reports: what they tell, what they leave open, and every trap that lies in their page."""

from __future__ import annotations

import re

import pytest

from perfdb.errors import TraceError
from perfdb.profile import EDGES, NO_PID, NOT_KNOWN, POOLED_PROCESS, TRIMMED, UNKNOWN_MODULE, UNRESOLVED, Process
from perfdb.readers.butterfly import BUTTERFLY
from tests.readers.butterflies import APP, NONE, TWO, Samples, calls, caveat, functions, modules, page, read
from tests.readers.reading import caveat_codes, read_as

MS = 1_000_000


def test_a_report_of_one_process_tells_its_modules_functions_and_calls() -> None:
    profile = read(page(APP, least=1), interval_ns=2 * MS)

    assert profile.detail == EDGES
    assert (Process(12, "app.exe"),) == profile.processes
    assert (57, 0, 2 * MS) == (profile.sample_count, profile.idle_count, profile.interval_ns)
    assert {"ntdll.dll": (0, 57), "app.exe": (30, 57), "db.dll": (27, 27)} == modules(profile)
    assert {
        "ntdll.dll!start": (0, 57),
        "app.exe!main": (0, 54),
        "app.exe!parse<int &, p>": (30, 30),
        "app.exe!rare": (0, 3),
        "db.dll!walk": (24, 24),
        "db.dll!helper": (3, 3),
    } == functions(profile)
    assert {
        ("ntdll.dll!start", "app.exe!main"): 54,
        ("ntdll.dll!start", "app.exe!rare"): 3,
        ("app.exe!main", "app.exe!parse<int &, p>"): 30,
        ("app.exe!main", "db.dll!walk"): 24,
        ("app.exe!rare", "db.dll!helper"): 3,
        ("db.dll!walk", "db.dll!walk"): 40,
    } == calls(profile)
    assert profile.sums
    assert [each * 2 * MS for each in profile.sums.calls.samples] == profile.sums.calls.weight_ns.tolist()
    assert 57 * 2 * MS == profile.sums.functions.exclusive_ns.sum()
    assert {"events-not-told", "losses-not-told"} == caveat_codes(profile)


def test_weights_of_several_processes_are_pooled() -> None:
    profile = read(page(TWO, least=1))
    assert profile.sums

    assert (
        Process(12, "app.exe", samples=57),
        Process(4, "svc host.exe", samples=43),
        Process(NO_PID, POOLED_PROCESS),
    ) == profile.processes
    assert {2} == {*profile.sums.functions.process, *profile.sums.modules.process, *profile.sums.calls.process}
    assert (57, 100) == (modules(profile)["app.exe"][1], modules(profile)["ntdll.dll"][1])
    assert "(app.exe 57%, svc host.exe 43%)" in caveat(profile, "pooled")


def test_the_interval_and_the_events_are_not_told() -> None:
    assumed, given_one = read(page(APP)), read(page(APP), interval_ns=125_000)

    assert MS == assumed.interval_ns
    assert "1 ms is assumed" in caveat(assumed, "no-interval")
    assert "context switches count as samples too" in caveat(assumed, "no-interval")
    assert 125_000 == given_one.interval_ns
    assert "no-interval" not in caveat_codes(given_one)
    assert "context switches count as samples too" in caveat(given_one, "events-not-told")


def test_trap_7_process_fields_in_all_their_spellings() -> None:
    odd: Samples = (
        ('"Unknown" (99)', "a.dll!f", 3),
        (r"\Device\Volume1\foo (x86).exe (1234)", "a.dll!f", 2),
        ("gone.exe (-1)", "a.dll!f", 1),
        ("Unknown (0)", "a.dll!f", 1),
    )

    assert [("Unknown", 99), ("foo (x86).exe", 1234), ("gone.exe", -1), ("Unknown", 0), (POOLED_PROCESS, NO_PID)] == [
        (each.name, each.pid) for each in read(page(odd)).processes
    ]
    assert 1 == read(page(odd)).processes[-1].incarnation


def test_one_pid_twice_is_two_processes() -> None:
    text = page((("a.exe (7)", "a.dll!f", 3), ("b.exe (7)", "a.dll!f", 2)), least=1)

    assert [("a.exe", 7, 0), ("b.exe", 7, 1), (POOLED_PROCESS, NO_PID, 0)] == [
        (each.name, each.pid, each.incarnation) for each in read(text).processes
    ]


def test_trap_8_missing_symbols_and_missing_modules() -> None:
    text = page((("a.exe (1)", f"{NONE}!{NONE};a.dll!{NONE}", 3),), least=1)

    assert {f"{UNKNOWN_MODULE}!{UNRESOLVED}": (0, 3), f"a.dll!{UNRESOLVED}": (3, 3)} == functions(read(text))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_trap_16_encodings(encoding: str) -> None:
    text = page((("grün.exe (1)", "a.dll!größe", 3),), least=1).replace("\n", "\r\n")
    raw = text.encode(encoding)

    assert BUTTERFLY.recognises(raw)
    assert {"a.dll!größe": (3, 3)} == functions(read_as(BUTTERFLY, raw))


def test_trap_16_a_code_page_is_a_caveat() -> None:
    profile = read(page((("grün.exe (1)", "a.dll!größe", 3),), least=1), encoding="cp1252")

    assert "grün.exe" == profile.processes[0].name
    assert "encoding" in caveat_codes(profile)


def test_trap_22_all_is_one_line() -> None:
    text = page(APP, least=1)
    body = text[text.index("</style>") :]

    assert "\n" not in body
    assert functions(read(text)) == functions(read(text.replace("</tr>", "</tr>\n").replace("<tbody>", "\n<tbody>")))


def test_trap_23_titles_are_no_anchors() -> None:
    """Every title stands in the table of contents first, and may be in another case, or missing, at its table."""
    text = page(APP, least=1)
    renamed = re.sub(r"<h2>[^<]*</h2></a>", "<h2>TABELLE</h2></a>", text)

    assert functions(read(text)) == functions(read(renamed))
    assert calls(read(text)) == calls(read(renamed))


def test_trap_24_raw_names_are_no_markup() -> None:
    names = [
        "Foo<p>::bar",
        "Foo<a>",
        "Types+<Get>d__2.MoveNext()",
        "ATL::CComCreator<ATL::CComObject<CAmsiAntimalware> >::CreateInstance",
        "ReadOnlyCollection`1<System.Linq.Expressions.ParameterExpression>)",
        "Foo(Byte[] ByRef, Void*)",
        "X..cctor()",
        "operator&",
        "f<int &&>",
        "operator<",
        "operator->",
        "g<br />",
        'it\'s "quoted"',
        "a!b",
    ]
    samples = [("a.exe (1)", f"a.dll!root;a.dll!{name}", 2) for name in names]
    profile = read(page(samples, least=1))

    assert {f"a.dll!{name}" for name in [*names, "root"]} == functions(profile).keys()
    assert {("a.dll!root", f"a.dll!{name}"): 2 for name in names} == calls(profile)


def test_entities_are_replaced_once() -> None:
    text = page((("a.exe (1)", "a.dll!AMP", 2),), least=1).replace("AMP", "f<&lt;int&gt; &amp;lt;&quot;")

    assert {"a.dll!f<<int> &lt;&quot;": (2, 2)} == functions(read(text))


def test_trap_25_the_arrow_tells_callers_not_the_class() -> None:
    text = page(APP)
    assert "<tr class='fd'><td>&nbsp;&lt;-- " not in text

    shown = page((*APP, ("app.exe (12)", "app.exe!rare;db.dll!walk", 2)))
    assert "<tr class='fd'><td>&nbsp;&lt;-- " in shown
    found = calls(read(shown))
    assert 2 == found["app.exe!rare", "db.dll!walk"]
    assert ("db.dll!walk", "app.exe!rare") not in found


def test_trap_26_inclusive_is_once_a_sample_and_columns_go_by_their_heads() -> None:
    samples: Samples = (("a.exe (1)", "a.dll!f;a.dll!f", 20),)
    text = page(samples, least=1)

    assert "<td>200.00%</td>" in text
    assert {"a.dll!f": (20, 20)} == functions(read(text))
    assert {("a.dll!f", "a.dll!f"): 20} == calls(read(text))

    different = read(page(APP, least=1))
    assert (0, 54) == functions(different)["app.exe!main"]


def test_columns_may_move() -> None:
    """TblSE of a build that puts a column in front reads the same; without its column it is no TblSE."""
    text = page(APP, least=1)
    begin = text.index("<a id='TblSE'>")
    head, table = text[:begin], text[begin:]
    moved = table.replace("<th align='center'>exclusive", "<th>rank</th><th align='center'>exclusive")
    moved = re.sub(r"(<tr><td>.*?</td>)(<td>[0-9])", r"\g<1><td>9</td>\g<2>", moved)

    assert functions(read(text)) == functions(read(head + moved))
    with pytest.raises(TraceError, match="TblSE has no column 'exclusive hits'"):
        read(head + table.replace("exclusive<br />", "eigene<br />"))


def test_trap_27_trimmed_is_absent_and_not_zero() -> None:
    profile = read(page(APP))

    assert "functions under 24 hits are absent, not zero" in caveat(profile, "trimmed")
    assert "app.exe!rare" not in functions(profile)
    assert (3, 3) == functions(profile)["db.dll!helper"]
    assert 3 == calls(profile)["ntdll.dll!start", "app.exe!rare"]
    assert ("app.exe!rare", "db.dll!helper") not in calls(profile)
    assert not [name for name in profile.functions.name if "trimmed" in name]


def test_everything_trimmed_but_the_modules() -> None:
    profile = read(page(APP, least=1000))

    assert "all functions were trimmed" in caveat(profile, "trimmed")
    assert {"ntdll.dll": (0, 57), "app.exe": (30, 57), "db.dll": (27, 27)} == modules(profile)
    assert {"app.exe!parse<int &, p>": (30, 30), "db.dll!walk": (24, 24), "db.dll!helper": (3, 3)} == functions(profile)
    assert {} == calls(profile)


def test_hits_of_no_function_stay_with_their_module() -> None:
    """TblSE without its row of helper, and with or without the row that says so."""
    text = page(APP)
    begin = text.index("<a id='TblSE'>")
    helper = r"<tr><td><a href='#MI\w+'>db.dll</a>!helper \(trimmed\)<.*?</tr>"
    rest = f"<tr><td>...</td>{'<td></td>' * 6}</tr>"
    trimmed = read(text[:begin] + re.sub(helper, rest, text[begin:]))
    silent = read(text[:begin] + re.sub(helper, "", text[begin:]))

    for profile in (trimmed, silent):
        assert (3, NOT_KNOWN) == functions(profile)[f"db.dll!{TRIMMED}"]
        assert (27, 27) == modules(profile)["db.dll"]
    assert "inconsistent" not in caveat_codes(trimmed)
    assert "exclusive hits of modules and of no function: 3" in caveat(silent, "inconsistent")


def test_trap_28_one_name_with_several_ids() -> None:
    """Exclusive hits add up; inclusive ones only where no sample can have both."""
    samples: Samples = (
        ("a.exe (1)", "a.dll!run@1;a.dll!leaf@1", 5),
        ("a.exe (1)", "a.dll!run@2;a.dll!leaf@2", 7),
        ("a.exe (1)", "a.dll!run@1;a.dll!run@2;a.dll!other", 4),
    )
    profile = read(page(samples, least=1))

    assert {
        "a.dll!run": (0, NOT_KNOWN),
        "a.dll!leaf": (12, 12),
        "a.dll!other": (4, 4),
    } == functions(profile)
    assert "rows which may share samples (overloads, addresses without symbols): 1" in caveat(
        profile, "split-functions"
    )
    assert {
        ("a.dll!run", "a.dll!leaf"): 12,
        ("a.dll!run", "a.dll!run"): 4,
        ("a.dll!run", "a.dll!other"): 4,
    } == calls(profile)


def test_trap_28_nameless_functions_are_their_module() -> None:
    samples: Samples = (
        ("a.exe (1)", f"a.dll!{NONE}@1;a.dll!{NONE}@2;b.dll!{NONE}@3", 5),
        ("a.exe (1)", f"a.dll!{NONE}@2;c.dll!{NONE}@4;c.dll!named;c.dll!{NONE}@5", 7),
    )
    profile = read(page(samples, least=1))

    assert (0, 12) == functions(profile)[f"a.dll!{UNRESOLVED}"]
    # 12 in one row and 7 in the other, of 7 that the module has: the bounds meet.
    assert (7, 7) == functions(profile)[f"c.dll!{UNRESOLVED}"]
    assert "split-functions" not in caveat_codes(profile)


def test_a_trimmed_function_may_bear_the_name_of_one_that_is_listed() -> None:
    samples: Samples = (
        ("a.exe (1)", "a.dll!main;a.dll!f@1;b.dll!g", 20),
        ("a.exe (1)", "a.dll!main;a.dll!f@2;b.dll!g", 5),
        ("a.exe (1)", "a.dll!main", 5),
    )

    assert (0, NOT_KNOWN) == functions(read(page(samples)))["a.dll!f"]


def test_trap_29_letter_case_and_the_kernels_two_names() -> None:
    samples: Samples = (
        ("a.exe (1)", "KernelBase.dll!Sleep;ntkrnlmp.exe!KeWait", 3),
        ("a.exe (1)", "Kernelbase.dll!Sleep@2;NTKRNLMP.EXE!KeWait@2", 4),
    )
    profile = read(page(samples, least=1))

    # Each spelling has a row of its own, and a sample may be in both: inclusive hits are not known.
    assert [("kernelbase.dll", 0), ("ntoskrnl.exe", 7)] == sorted(
        (name.lower(), exclusive) for name, (exclusive, _) in modules(profile).items()
    )
    assert (7, 7) == functions(profile)["ntoskrnl.exe!KeWait"]


def test_trap_30_thousands_separators() -> None:
    samples: Samples = (("a.exe (1)", "a.dll!f;a.dll!g", 3631), ("a.exe (1)", "a.dll!f", 1_000_000))
    plain = page(samples, least=1)

    for mark in (",", "\u00a0", "'"):
        grouped = plain.replace("<td>3631<", f"<td>3{mark}631<").replace("<td>1000000<", f"<td>1{mark}000{mark}000<")
        assert functions(read(plain)) == functions(read(grouped))
    with pytest.raises(TraceError, match="'3.631' is no number of hits"):
        read(plain.replace("<td>3631<", "<td>3.631<"))


def test_trap_2_and_33_a_report_without_hits_is_an_error() -> None:
    with pytest.raises(TraceError, match="found one without hits: the trace has no stacks"):
        read(page(()))
    rest = "<tbody><tr><td>...</td><td></td><td></td><td></td><td></td></tr></tbody>"
    empty = re.sub(r"<tbody>.*?(?=</table>)", "", page(()))
    trimmed = re.sub(r"(id='TblM[EI]'.*?</thead>)", rf"\1{rest}", empty)
    with pytest.raises(TraceError, match="-butterfly 1: xperf -i .* -butterfly 1$"):
        read(trimmed)


def test_trap_33_what_xperf_says_instead_of_a_report_is_refused() -> None:
    said = b"error: stack: no option specified\r\n"

    assert BUTTERFLY.recognises(said)
    with pytest.raises(TraceError, match="xperf -i TRACE.etl -tle -tti -symbols -o butterfly.html -a stack -butterfly"):
        read_as(BUTTERFLY, said)


@pytest.mark.parametrize(
    "head",
    [b"", b"<html><head><title>Report</title></head>", b"\x00" * 500, b"SampledProfile, TimeStamp\n", b"TblP TblSE"],
)
def test_other_files_are_not_recognised(head: bytes) -> None:
    assert not BUTTERFLY.recognises(head)
    with pytest.raises(TraceError, match="found no 'Stack Report' page"):
        read_as(BUTTERFLY, head)


def test_two_reports_in_one_file_are_refused() -> None:
    with pytest.raises(TraceError, match="TblP is there 2 times"):
        read(page(APP) * 2)
