"""The rules of a performance report: what each says of which figures, and when it is silent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perfdb.compare.verdicts import INCONCLUSIVE, Finding, not_comparable
from perfdb.profile.outcome import WantedSymbols
from perfdb.report.markdown import unmarked
from perfdb.report.names import word
from perfdb.report.of_analysis_advice import Advice, by_weight, is_debug_runtime, is_system, listed
from perfdb.report.of_analysis_change import improvements, new_functions, program_change, regressions
from perfdb.report.of_analysis_cost import hot_call_path, hot_function, hot_module, system_time
from perfdb.report.of_analysis_facts import UNRECORDED, ExampleAnalysis
from perfdb.report.of_analysis_markdown import RULES
from perfdb.report.of_analysis_trust import (
    debug_runtime,
    few_runs,
    few_samples,
    losses,
    missing_symbols,
    no_call_paths,
    noisy_runs,
)
from perfdb.units import NS_PER_MS
from tests.report.analyses import analysis, item
from tests.report.diffs import (
    BETTER,
    OPEN,
    STRTOD,
    TINY_GAIN,
    WORSE,
    comparison,
    example_diff,
    path_change,
    paths,
    runs,
)

NTDLL = WantedSymbols("ntdll.dll", "d:\\build\\ntdll.pdb", "ABC1", "absent", 1, 360, 1000)


def said(advice: Advice | None) -> str:
    """All sentences, after the ms that they are about."""
    assert advice is not None
    weight = "" if advice.ns is None else f"{advice.ns / NS_PER_MS:g}: "
    return unmarked(weight + " ".join((advice.text, *advice.more)))


def test_the_hot_path_is_told_with_what_can_be_saved_there_at_most() -> None:
    assert (
        "670: 67.0 % of the CPU time of templates is below kuzu.dll!execute called from indexer.exe!visit. Work on "
        "this path can save 670.0 ms a run at most, of 1,000.0 ms. It spreads out there, into kuzu.dll!insert 400.0 ms "
        "and kuzu.dll!append 270.0 ms. 100.0 % of it is exclusive time in kuzu.dll."
    ) == said(hot_call_path(analysis()))


def test_the_hottest_function_is_told_with_the_path_to_most_of_it() -> None:
    two = {"a.exe!main;a.exe!f;k.dll!hot": [60], "a.exe!main;a.exe!g;k.dll!hot": [20], "a.exe!main": [20]}

    assert (
        "80: k.dll!hot has the most time of its own of all functions with a name: 80.0 ms (80.0 % of templates). "
        "75.0 % of that is when called by a.exe!main → a.exe!f."
    ) == said(hot_function(analysis(two)))


def test_the_hottest_module_is_told_with_its_functions() -> None:
    assert (
        "670: kuzu.dll holds the most exclusive time: 670.0 ms (67.0 %), and 670.0 ms (67.0 %) with what it calls. "
        "Its functions: kuzu.dll!insert 400.0 ms and kuzu.dll!append 270.0 ms."
    ) == said(hot_module(analysis()))


def test_time_in_the_system_is_told_with_who_asks_for_it() -> None:
    calls = {"a.exe!main;a.exe!f;ntdll.dll!alloc;ntoskrnl.exe!zero": [30], "a.exe!main": [50], "a.exe!g;x.sys!io": [20]}

    assert (
        "50: 50.0 % of the time (50.0 ms) is in the system's own modules (ntoskrnl.exe 30.0 ms and x.sys 20.0 ms). "
        "It is asked for by a.exe!f 30.0 ms and a.exe!g 20.0 ms."
    ) == said(system_time(analysis(calls)))


def test_missing_symbols_are_told_with_the_files_to_find_and_the_command() -> None:
    found = missing_symbols(analysis({"ntdll.dll!<unresolved>": [360], "a.exe!main": [640]}, wanted=[NTDLL]))

    assert (
        "360: 36.0 % of the time (360.0 ms) is in frames without symbols: ntdll.dll 360.0 ms. "
        "Put ntdll.pdb (id ABC1) on the symbol path."
    ) == said(found)
    assert found is not None
    assert ("perfdb symbolicate c0ffee0123 --symbols DIR",) == found.commands


def test_runs_that_are_not_recorded_get_names_by_recording_them() -> None:
    bare = {"ntdll.dll!<unresolved>": [1000]}
    found = missing_symbols(analysis(bare, wanted=[NTDLL], commit_sha=UNRECORDED))

    assert found is not None
    assert ("perfdb record TRACE --symbols DIR",) == found.commands


def test_a_debug_runtime_is_told_with_its_inclusive_time() -> None:
    calls = {
        "a.exe!main;ucrtbased.dll!_malloc_dbg;ntdll.dll!alloc": [30],
        "a.exe!main": [60],
        "a.exe!f;UCRTBASED.DLL!x": [10],
    }

    assert (
        "40: ucrtbased.dll has 10.0 ms (10.0 %) of its own and 40.0 ms (40.0 %) with what it calls: the program, or a "
        "library of it, is built against the debug runtime (recorded as build Release), so these figures are not those "
        "of a release build."
    ) == said(debug_runtime(analysis(calls, build="Release"))).replace("UCRTBASED.DLL", "ucrtbased.dll")


def test_losses_are_counted() -> None:
    assert (
        "2 of 2 runs lost 24 events and 2 buffers: what was in them is in no figure. Record again with more or larger "
        "buffers."
    ) == said(losses(analysis({"a.exe!main": [1, 1]}, lost_events=12, lost_buffers=1)))


def test_one_run_tells_nothing_of_how_runs_vary() -> None:
    found = few_runs(analysis())

    assert "One run tells nothing of how runs vary; record at least 3 of templates." == said(found)
    assert found is not None
    assert ("perfdb record TRACE --commit c0ffee0123 --example templates",) == found.commands
    assert said(few_runs(analysis({"a.exe!main": [1, 1]}))).startswith("2 runs tell little of how runs vary")


def test_runs_that_vary_are_told_with_their_dispersion() -> None:
    assert (
        "The 3 runs of templates vary by ±10.0 % about 1,000.0 ms: a change of less does not show in one of them."
    ) == said(noisy_runs(analysis({"a.exe!main": [900, 1000, 1100]})))


def test_few_samples_are_told_by_what_a_small_function_has_of_them() -> None:
    assert (
        "A run has 250 samples, one of them is 0.4 % of the time, and a function of 1 % has 2.5: figures of small "
        "functions are coarse. Let templates run longer."
    ) == said(few_samples(analysis({"a.exe!main": [250]})))


def test_runs_without_call_paths_say_so() -> None:
    bare = analysis(has_tree=False, has_inclusive=False, detail="leaf", source_format="profile-detail")

    assert said(no_call_paths(bare)).startswith("1 of 1 run (profile-detail) tells no call paths")
    assert hot_call_path(bare) is None
    assert "when called by" not in said(hot_function(bare))
    assert "with what it calls" not in said(hot_module(bare))


def test_the_program_s_change_is_told_with_its_interval_and_runs() -> None:
    found = program_change(analysis(comparison=comparison(example_diff(BETTER))))

    assert said(found).startswith("149.25: Since main (Index): improved -42.0 % [-50.0, -31.0], 2 v 2 runs: 2,485.5 ms")
    assert found is not None
    assert ("perfdb diff main c0ffee0123",) == found.commands


def test_a_change_that_is_not_shown_is_about_no_certain_time() -> None:
    one = comparison(example_diff(Finding(INCONCLUSIVE), runs(1, 1)))
    found = program_change(analysis(comparison=one))

    assert found is not None
    assert found.ns is None
    assert "One run a side tells nothing of how runs vary; record at least 3 a side." in said(found)


def test_a_regression_is_to_be_undone_and_an_improvement_to_be_kept() -> None:
    path = path_change([item("a.exe!visit"), STRTOD], 142.0, 253.0, WORSE)
    both = analysis(comparison=comparison(example_diff(paths=paths(path))))

    assert (
        "181: Since main, 1 function regressed: ucrtbase.dll!strtod +181.0 ms (effect +78.2 % [+65.0, +92.0]). Undoing "
        "that would save 181.0 ms a run. The call path that regressed most: a.exe!visit → "
        "ucrtbase.dll!strtod, +111.0 ms with all below (effect +78.2 % [+65.0, +92.0])."
    ) == said(regressions(both))
    assert (
        "64: Since main, 1 function improved: kuzu_shared.dll!kuzu::storage::LocalNodeTable::insert -64.0 ms (effect "
        "-42.0 % [-50.0, -31.0]); that is 64.0 ms a run."
    ) == said(improvements(both))


def test_changes_that_do_not_matter_or_are_not_sure_are_neither() -> None:
    functions = {
        STRTOD: ([230.0, 233.0], [410.0, 415.0], INCONCLUSIVE, OPEN),
        item("k.dll!copy"): ([1000.0, 1002.0], [980.0, 981.0], "improved", TINY_GAIN),
    }
    same = analysis(comparison=comparison(example_diff(BETTER, functions=functions)))

    assert (None, None) == (regressions(same), improvements(same))


def test_new_functions_are_told_where_they_take_a_share() -> None:
    new = {
        item("arrow.dll!resize"): ([0.0, 0.0], [30.0, 32.0], "new", None),
        **{STRTOD: ([900.0] * 2, [969.0] * 2, "", None)},
    }
    functions = {key: (before, after, group or "others", None) for key, (before, after, group, _) in new.items()}
    found = new_functions(analysis(comparison=comparison(example_diff(functions=functions))))

    assert "31: 1 function that main does not have takes 31.0 ms (3.1 %): arrow.dll!resize 31.0 ms." == said(found)
    apart = example_diff(not_comparable("other machines"), runs(reason="other machines"), functions)
    assert new_functions(analysis(comparison=comparison(apart))) is None


SILENT: list[tuple[Callable[[ExampleAnalysis], Advice | None], ExampleAnalysis]] = [
    (hot_call_path, analysis({f"a{n}.exe!main": [5] for n in range(20)})),
    (hot_function, analysis({f"a.exe!f{n}": [4] for n in range(25)})),
    (hot_module, analysis({f"a{n}.exe!main": [5] for n in range(20)})),
    (system_time, analysis({"a.exe!main": [81], "ntdll.dll!f": [19]})),
    (missing_symbols, analysis({"a.exe!main": [991], "ntdll.dll!<unresolved>": [9]})),
    (debug_runtime, analysis({"a.exe!main": [991], "ucrtbased.dll!f": [9]})),
    (debug_runtime, analysis({"a.exe!main;ucrtbase.dll!malloc": [100]})),
    (losses, analysis()),
    (few_runs, analysis({"a.exe!main": [1, 1, 1]})),
    (noisy_runs, analysis({"a.exe!main": [980, 1000, 1020]})),
    (noisy_runs, analysis()),
    (few_samples, analysis({"a.exe!main": [1000]})),
    (no_call_paths, analysis()),
    (program_change, analysis()),
    (regressions, analysis()),
    (improvements, analysis()),
    (new_functions, analysis()),
]


@pytest.mark.parametrize(("rule", "of"), SILENT)
def test_a_rule_is_silent_below_its_threshold(
    rule: Callable[[ExampleAnalysis], Advice | None], of: ExampleAnalysis
) -> None:
    assert rule(of) is None


def test_every_rule_of_the_report_is_seen_to_be_silent() -> None:
    assert set(RULES) == {rule for rule, _ in SILENT}


def test_a_program_without_work_gives_no_rule_a_reason_but_its_runs() -> None:
    found = [advice.what for rule in RULES if (advice := rule(analysis({"a.exe!main": [0, 0, 0]})))]

    assert [] == found


def test_what_is_about_the_most_time_comes_first_and_what_is_about_none_last() -> None:
    advice = [Advice("b", "", 2.0), None, Advice("d", ""), Advice("a", "", 3.0), Advice("c", "", 0.0)]

    assert ["a", "b", "c", "d"] == [each.what for each in by_weight(advice)]


def test_modules_of_windows_and_of_debug_runtimes_are_known_by_name() -> None:
    assert all(is_system(item(name)) for name in ("NTDLL.dll", "ntoskrnl.exe", "Ntfs.SYS"))
    assert not any(is_system(item(name)) for name in ("app.exe", "ntdll.dll.exe", "kuzu.dll"))
    debug = ("ucrtbased.dll", "VCRUNTIME140D.dll", "vcruntime140_1d.dll", "msvcp140d.dll", "msvcp140d_atomic_wait.dll")
    assert all(is_debug_runtime(item(name)) for name in debug)
    assert not any(is_debug_runtime(item(name)) for name in ("ucrtbase.dll", "vcruntime140.dll", "msvcp140.dll"))


def test_what_is_too_much_for_a_sentence_is_counted() -> None:
    assert ["a", "a and b", "a, b and c", "a, b, c and 2 more"] == [
        listed(parts) for parts in (["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d", "e"])
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("templates", "templates"),
        ("a/b.etl", "a/b.etl"),
        ("my example", '"my example"'),
        ("HEAD^", '"HEAD^"'),
        ("-x", '"-x"'),
        ("$(reboot)", "NAME"),
        ("`reboot`", "NAME"),
        ('a"; reboot; "', "NAME"),
        ("%PATH%", "NAME"),
        ("a\nreboot", "NAME"),
        ("", "NAME"),
    ],
)
def test_a_name_in_a_command_that_is_pasted_is_never_more_than_a_name(text: str, expected: str) -> None:
    assert expected == word(text)
