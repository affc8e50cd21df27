"""Butterfly reports that are cut, damaged or contradict themselves: an error or a caveat, never a wrong number."""

from __future__ import annotations

import random
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.errors import TraceError
from perfdb.profile import NOT_KNOWN, TRIMMED, Profile
from perfdb.readers.butterfly import BUTTERFLY
from tests.readers.butterflies import APP, NONE, TWO, Samples, calls, caveat, functions, modules, page, read, truth
from tests.readers.reading import caveat_codes, read_as


def cut_out(text: str, table: str) -> str:
    """A page whose table ends in the middle, as if a block of the file were missing."""
    begin = text.index(f"<a id='{table}'>")
    end = text.index("</table>", begin) + len("</table>")
    return text[: begin + (end - begin) * 3 // 4] + text[end:]


def test_a_report_that_is_cut_where_nothing_is_lost() -> None:
    text = page(APP, least=1).removesuffix("</html>")

    assert "at its end, behind its tables" in caveat(read(text), "truncated")
    assert functions(read(text)) == functions(read(text + "</html>"))


def test_a_report_without_its_callers_and_callees() -> None:
    whole, cut = read(page(APP, least=1)), read(cut_out(page(APP, least=1), "TblSN"))

    assert "callers and callees are missing" in caveat(cut, "truncated")
    assert {} == calls(cut)
    assert functions(whole) == functions(cut)


def test_a_report_without_its_inclusive_functions() -> None:
    cut = read(cut_out(page(APP, least=1), "TblSI"))

    assert "functions that only called others are missing" in caveat(cut, "truncated")
    assert {"app.exe!parse<int &, p>": (30, 30), "db.dll!walk": (24, 24), "db.dll!helper": (3, 3)} == functions(cut)
    assert calls(read(page(APP, least=1))) == calls(cut)


@pytest.mark.parametrize("table", ["TblP", "TblME", "TblMI", "TblSE"])
def test_a_report_without_its_totals_is_an_error(table: str) -> None:
    with pytest.raises(TraceError, match=f"found one that is damaged: {table} is cut. Copy the file again, or"):
        read(cut_out(page(APP), table))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # main -> walk, below the caller only.
        (
            r"(<td>&nbsp;--&gt; \S+ href='#MI\w+'>db.dll</a>!<a href='#SN\w+'>walk</a></td><td>)24<",
            r"\g<1>23<",
            "calls that caller and callee tell differently (left out): 1",
        ),
        (
            r"(\*\*\*itself\*\*\*</td><td>)30<",
            r"\g<1>31<",
            "functions that do not add up with their callers and callees: 1",
        ),
        (r"(<td>12</td><td>)57<", r"\g<1>58<", "hits of no process or of no module: 1"),
        (
            r"(id='MI\w+' href='#MI\w+'>db.dll</a></p></td><td>)27<",
            r"\g<1>26<",
            "inclusive hits that are out of bounds: ",
        ),
        (r"(id='TblSI'.*?main</a></td><td>)54<", r"\g<1>58<", "inclusive hits that are out of bounds: 1"),
        (
            r"(id='TblSI'.*?parse<int &, p></a></td><td>)30<",
            r"\g<1>29<",
            "functions with different hits in different tables: 1",
        ),
        (r"(id='TblSN'.*?</a>!)parse", r"\1purse", "functions that go by several names: "),
    ],
)
def test_a_report_that_contradicts_itself_says_so(old: str, new: str, message: str) -> None:
    text = page(APP, least=1)
    damaged = re.sub(old, new, text, count=1)
    assert damaged != text

    assert message in caveat(read(damaged), "inconsistent")


def test_a_call_that_its_sides_tell_differently_is_left_out() -> None:
    text = page(APP, least=1)
    damaged = re.sub(r"(&lt;-- <a href='#MI\w+'>app.exe</a>!<a href='#SN\w+'>main</a></td><td>)24<", r"\g<1>25<", text)
    missing = calls(read(text)).keys() - calls(read(damaged)).keys()

    assert {("app.exe!main", "db.dll!walk")} == missing


def test_functions_with_more_hits_than_their_module_are_an_error() -> None:
    damaged = re.sub(r"(id='ME\w+' href='#MI\w+'>db.dll</a></p></td><td>)27<", r"\g<1>26<", page(APP))

    with pytest.raises(TraceError, match="functions of db.dll have 1 more exclusive hits than db.dll itself"):
        read(damaged)


def test_more_hits_than_a_trace_can_hold_are_an_error() -> None:
    with pytest.raises(TraceError, match="hits, more than a trace can hold"):
        read(page((("a.exe (1)", "a.dll!f", 10**14),)))
    with pytest.raises(TraceError, match="is no number of hits"):
        read(page((("a.exe (1)", "a.dll!f", 10**18),)))


def assert_never_wrong(profile: Profile, samples: Samples, total_calls: bool) -> None:
    """Whatever a reading tells is what the samples say, or is marked as not known; calls may be absent."""
    by_function, by_module, called = truth(samples)
    for found, expected in ((functions(profile), by_function), (modules(profile), by_module)):
        for name, (exclusive, inclusive) in found.items():
            if name.endswith(f"!{TRIMMED}"):
                continue
            assert expected[name][0] == exclusive
            assert inclusive in (NOT_KNOWN, expected[name][1])
    for pair, count in calls(profile).items():
        assert called[pair] >= count
        assert called[pair] == count or not total_calls


frames = st.builds("{}!{}@{}".format, st.sampled_from("abc"), st.sampled_from(["f", "g", NONE]), st.integers(0, 2))
plain_frames = st.builds("{}!{}".format, st.sampled_from("abcd"), st.sampled_from("fghijkl"))


def stacks(frame: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, str, int]]]:
    path = st.lists(frame, min_size=1, max_size=7).map(";".join)
    return st.lists(
        st.tuples(st.sampled_from(["a.exe (1)", "b.exe (2)"]), path, st.integers(1, 30)), min_size=1, max_size=12
    )


@given(samples=stacks(frames))
def test_any_report_of_everything_is_never_wrong(samples: Samples) -> None:
    profile = read(page(samples, least=1))
    by_function, by_module, called = truth(samples)

    assert_never_wrong(profile, samples, total_calls=True)
    assert by_function.keys() == functions(profile).keys()
    assert {name: tuple(pair) for name, pair in by_module.items()} == modules(profile)
    assert called == calls(profile)
    assert "inconsistent" not in caveat_codes(profile)


@given(samples=stacks(plain_frames), least=st.integers(2, 60))
def test_any_trimmed_report_is_never_wrong(samples: Samples, least: int) -> None:
    profile = read(page(samples, least))
    by_function, _, _ = truth(samples)
    expected = {name: tuple(pair) for name, pair in by_function.items() if pair[0] or pair[1] >= least}

    assert_never_wrong(profile, samples, total_calls=False)
    assert expected == functions(profile)
    assert "inconsistent" not in caveat_codes(profile)


def test_a_report_cut_anywhere_is_refused_or_never_wrong() -> None:
    raw = page(TWO).encode()
    read_at_all = 0
    for length in range(0, len(raw), 5):
        try:
            profile = read_as(BUTTERFLY, raw[:length])
        except TraceError:
            continue
        read_at_all += 1
        assert_never_wrong(profile, TWO, total_calls=False)
        assert "truncated" in caveat_codes(profile)

    assert 0 < read_at_all < 20


def test_a_report_without_any_part_of_it_is_refused_or_never_wrong() -> None:
    """A hole in the middle, as a lost block leaves it: rows of two tables grow together there."""
    raw = page(TWO).encode()
    for begin in range(0, len(raw), 61):
        try:
            profile = read_as(BUTTERFLY, raw[:begin] + raw[begin + 397 :])
        except TraceError:
            continue
        for name, (exclusive, _) in modules(profile).items():
            assert truth(TWO)[1][name][0] == exclusive


def test_flipped_bytes_and_noise_never_break_the_reader() -> None:
    raw = bytearray(page(TWO).encode())
    draw = random.Random(11)
    for _ in range(600):
        damaged = bytearray(raw)
        for _ in range(draw.choice((1, 1, 3, 20))):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        # Whatever can be read passes self_check in there.
        with suppress(TraceError):
            read_as(BUTTERFLY, bytes(damaged))
    for _ in range(100):
        with pytest.raises(TraceError):
            read_as(BUTTERFLY, draw.randbytes(draw.randrange(3000)))


def test_hostile_text_takes_no_longer_than_its_length() -> None:
    """Rows that never end, in every shape that an expression could go back over; a square of this would take hours."""
    text = page(APP)
    begin = text.index("<tbody>", text.index("<a id='TblSE'>"))
    for piece in ("<tr><td>", "<td>", "<a href='#MI1'>", "&nbsp;", "</td><td>", "</a>!", "<"):
        with pytest.raises(TraceError, match="found one that is damaged"):
            read(text[:begin] + piece * 200_000 + text[begin:])
    for piece in (" ", "<tr>", "<tbody></tbody>"):
        assert functions(read(text)) == functions(read(text[:begin] + piece * 200_000 + text[begin:]))
