"""Which runs are compared: never two conditions at once, and what is left out is told with figures and a remedy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.compare.conditions import match_runs
from perfdb.compare.sides import Matched, RunFacts

INTEL: dict[str, Any] = {"cpu": "Intel i7", "cores": 8}
RYZEN = ("AMD Ryzen 9 7950X", 32)
MS = 1_000_000


def run(run_id: str, machine: str = "BUILD-07", **more: Any) -> RunFacts:
    plain: dict[str, Any] = {
        "process": "indexer.exe", "build": "Release", "is_dirty": False, "detail": "stacks", "interval_ns": MS,
        "unresolved_share": 0.02, "caveats": (), "samples": 10_000, "cpu": RYZEN[0], "cores": RYZEN[1],
    }  # fmt: skip
    return RunFacts(run_id=run_id, machine=machine, **(plain | more))


def ids(runs: tuple[RunFacts, ...]) -> str:
    return " ".join(each.run_id for each in runs)


def left_out(matched: Matched) -> dict[str, str]:
    return {f"{each.side} {each.run_id}": each.reason for each in matched.set_aside}


def some(prefix: str, count: int, **more: Any) -> list[RunFacts]:
    return [run(f"{prefix}{number}", **more) for number in range(1, count + 1)]


# ---- alike -----------------------------------------------------------------------------------------------------------


def test_runs_that_are_alike_are_all_compared_in_the_order_given() -> None:
    baseline, contender, history = some("b", 3)[::-1], some("c", 2), some("h", 2)

    expected = Matched(tuple(baseline), tuple(contender), tuple(history))
    assert expected == match_runs(baseline, contender, history)


def test_detail_process_and_uncommitted_changes_are_no_conditions() -> None:
    contender = run("c1", detail="leaf", process="other.exe", is_dirty=True, is_pooled=True)

    matched = match_runs([run("b1")], [contender], [])

    assert ("c1", "", ()) == (ids(matched.contender), matched.reason, matched.set_aside)


def test_spelling_does_not_make_two_conditions() -> None:
    other = run("c1", machine="build-07", cpu="AMD  Ryzen 9 7950X ", build="release")

    assert not match_runs([run("b1")], [other], []).reason


@pytest.mark.parametrize(("interval_ns", "is_same"), [(1_019_000, True), (981_000, True), (1_030_000, False)])
def test_intervals_that_are_nearly_one_are_one(interval_ns: int, is_same: bool) -> None:
    matched = match_runs([run("b1")], [run("c1", interval_ns=interval_ns)], [])

    assert is_same == (not matched.reason)


def test_a_host_whose_processor_another_trace_tells_is_of_that_class() -> None:
    told_by_name_alone = run("c1", cpu="", cores=0)

    assert not match_runs([run("b1")], [told_by_name_alone], []).reason
    assert match_runs([run("b1"), run("b2", cores=8)], [told_by_name_alone], []).reason  # which of the two?


# ---- different conditions --------------------------------------------------------------------------------------------


def test_the_condition_with_the_most_runs_is_compared_and_the_others_are_told() -> None:
    baseline = [*some("b", 2), run("b8", "LAPTOP", **INTEL), run("b9", build="Debug")]
    contender = [run("c9", build="Debug"), run("c7", interval_ns=MS // 8), *some("c", 2)]

    matched = match_runs(baseline, contender, [])

    assert ("b1 b2", "c1 c2", "") == (ids(matched.baseline), ids(matched.contender), matched.reason)
    assert {
        "baseline b8": "ran on LAPTOP (Intel i7, 8 cores); compared are runs on BUILD-07 (AMD Ryzen 9 7950X, 32 cores)",
        "baseline b9": "is of Debug; compared are runs of Release (--build chooses)",
        "contender c9": "is of Debug; compared are runs of Release (--build chooses)",
        "contender c7": "was sampled every 0.125 ms; compared are runs sampled every 1 ms",
    } == left_out(matched)


def test_the_side_with_fewer_runs_counts_first_then_all_then_the_newest() -> None:
    debug = {"build": "Debug"}

    fewer_first = match_runs([*some("b", 9), *some("d", 2, **debug)], [run("c1"), *some("e", 2, **debug)], [])
    then_all = match_runs([*some("b", 2), *some("d", 3, **debug)], [run("c1"), run("e1", **debug)], [])
    then_newest = match_runs([run("1"), run("2", **debug)], [run("4"), run("3", **debug)], [])

    assert ["d1 d2", "d1 d2 d3", "1"] == [ids(each.baseline) for each in (fewer_first, then_all, then_newest)]


def test_a_condition_that_can_be_judged_comes_before_one_with_more_runs() -> None:
    baseline = [*some("b", 5, machine="BUILD-01"), run("b9", "LAPTOP", **INTEL)]
    contender = [*some("c", 5, machine="BUILD-02"), run("c9", "LAPTOP", **INTEL)]

    matched = match_runs(baseline, contender, [])

    assert ("b9", "c9", "") == (ids(matched.baseline), ids(matched.contender), matched.reason)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            {"machine": "LAPTOP", "cpu": "Intel i7", "cores": 8},
            "baseline ran on BUILD-07 (AMD Ryzen 9 7950X, 32 cores), contender on LAPTOP (Intel i7, 8 cores): what the "
            "machines do and what the commits do cannot be told apart; record both sides on one machine",
        ),
        (
            {"machine": "", "cpu": "", "cores": 0},
            "baseline ran on BUILD-07 (AMD Ryzen 9 7950X, 32 cores), contender on a machine that is not told: what the "
            "machines do and what the commits do cannot be told apart; record both sides on one machine, with traces "
            "that tell it (.etl)",
        ),
        (
            {"build": ""},
            "baseline is of Release, contender of a build kind that was not told: record both sides with one build "
            "kind (perfdb record --build)",
        ),
        (
            {"interval_ns": MS // 8, "build": "Debug"},
            "baseline is of Release, contender of Debug: record both sides with one build kind (perfdb record --build);"
            " baseline was sampled every 1 ms, contender every 0.125 ms: record both sides with one sampling interval",
        ),
    ],
)
def test_without_a_common_condition_all_runs_stay_and_the_reason_is_told(other: dict[str, Any], said: str) -> None:
    matched = match_runs([run("b1"), run("b2")], [run("c1", **other)], [run("h1")])

    assert said == matched.reason
    assert ("b1 b2", "c1", "", ()) == (
        ids(matched.baseline), ids(matched.contender), ids(matched.history), matched.set_aside,
    )  # fmt: skip


def test_conditions_that_only_differ_together_are_told_in_full() -> None:
    fast: dict[str, Any] = {"interval_ns": MS // 8}

    matched = match_runs(
        [run("b1"), run("b2", build="Debug", **fast)], [run("c1", build="Debug"), run("c2", **fast)], []
    )

    kinds = [f"BUILD-07 (AMD Ryzen 9 7950X, 32 cores), {build}" for build in ("Release", "Debug")]
    assert (
        f"no run of the baseline ({kinds[0]}, every 1 ms; {kinds[1]}, every 0.125 ms) has machine, build kind and "
        f"sampling interval in common with one of the contender ({kinds[1]}, every 1 ms; {kinds[0]}, every 0.125 ms); "
        "record both sides alike"
    ) == matched.reason


# ---- hosts of one machine class --------------------------------------------------------------------------------------


def on(prefix: str, *hosts: str) -> list[RunFacts]:
    return [run(f"{prefix}{number}", machine=host) for number, host in enumerate(hosts, 1)]


def test_only_hosts_that_both_sides_have_are_compared() -> None:
    matched = match_runs(on("b", "A", "B", "B"), on("c", "B", "C"), on("h", "A", "B", "D"))

    assert ("b2 b3", "c1", "h2", "") == (
        ids(matched.baseline), ids(matched.contender), ids(matched.history), matched.reason,
    )  # fmt: skip
    kind = "(AMD Ryzen 9 7950X, 32 cores)"
    assert {
        "baseline b1": f"ran on A {kind}, on which the other side has no run; compared are runs on B {kind}",
        "contender c2": f"ran on C {kind}, on which the other side has no run; compared are runs on B {kind}",
    } == left_out(matched)


def test_a_pool_of_three_hosts_a_side_is_compared_as_a_whole() -> None:
    matched = match_runs(on("b", "A", "B", "C"), on("c", "C", "D", "E"), on("h", "F"))

    assert ("b1 b2 b3", "c1 c2 c3", "h1") == (ids(matched.baseline), ids(matched.contender), ids(matched.history))
    assert ("", ()) == (matched.reason, matched.set_aside)


def test_two_hosts_are_no_pool() -> None:
    matched = match_runs(on("b", "A", "B", "C"), on("c", "D", "E", "E"), on("h", "F"))

    assert (
        "baseline ran on A, B, C (AMD Ryzen 9 7950X, 32 cores), contender on D, E (AMD Ryzen 9 7950X, 32 cores): "
        "machines of one kind, but no two are alike, and what the machines do and what the commits do cannot be told "
        "apart; record both sides on one machine, or each on 3 or more"
    ) == matched.reason
    assert ("b1 b2 b3", "c1 c2 c3", "") == (ids(matched.baseline), ids(matched.contender), ids(matched.history))


# ---- single runs -----------------------------------------------------------------------------------------------------


def test_runs_without_samples_are_set_aside_unless_there_are_no_others() -> None:
    matched = match_runs([run("b1", samples=0), run("b2")], [run("c1", samples=0)], [run("h1", samples=0)])

    assert ("b2", "c1", "") == (ids(matched.baseline), ids(matched.contender), ids(matched.history))
    assert {"baseline b1": "has no samples: its process did no work, or was not sampled"} == left_out(matched)


def test_a_run_that_lost_events_or_a_buffer_is_set_aside_where_a_better_one_is() -> None:
    baseline = [run("b1", lost_events=11), run("b2", lost_events=10), run("b3", lost_buffers=1)]
    history = [run("h1", lost_events=11), run("h2"), run("h3", lost_buffers=1)]

    matched = match_runs(baseline, [run("c1")], history)

    assert ("b2", "h2", "") == (ids(matched.baseline), ids(matched.history), matched.reason)
    assert {
        "baseline b1": "lost 11 events beside 10,000 samples; the other run of the baseline lost less",
        "baseline b3": "lost 1 buffer; the other run of the baseline lost less",
    } == left_out(matched)


def test_a_side_on_which_every_run_lost_a_little_is_compared_without_the_worst() -> None:
    matched = match_runs([run("b1", lost_events=100), run("b2", lost_events=101)], [run("c1")], [])

    assert ("b1", "") == (ids(matched.baseline), matched.reason)


def test_a_side_on_which_every_run_lost_much_is_not_judged() -> None:
    contender = [run("c1", lost_events=3_000), run("c2", lost_buffers=12, lost_events=400)]

    matched = match_runs([run("b1")], contender, [run("h1")])

    assert (
        "all 2 runs of the contender lost events (12 buffers and 3,400 events beside 20,000 samples), and nobody knows "
        "whose; record again with more and larger buffers (xperf -BufferSize and -MaxBuffers)"
    ) == matched.reason
    assert ("b1", "c1 c2", "") == (ids(matched.baseline), ids(matched.contender), ids(matched.history))


def test_one_run_with_other_names_than_its_side_is_set_aside() -> None:
    shares: dict[str, Any] = {"unresolved_share": 0.9}
    matched = match_runs(
        [*some("b", 2), run("b3", **shares)], [*some("c", 1), run("c2", **shares)], [run("h1", **shares)]
    )

    assert ("b1 b2", "c1 c2", "") == (ids(matched.baseline), ids(matched.contender), ids(matched.history))
    assert {
        "baseline b3": "90% of its work has no function names, of the baseline's other runs about 2%: the same "
        "functions go by other names; perfdb symbolicate gives runs their names"
    } == left_out(matched)


@pytest.mark.parametrize("shares", [[0.0, 0.0, 0.5, 0.5], [0.0, 0.2, 0.2, 0.4], [0.0, 0.0, None, None]])
def test_where_no_most_runs_agree_on_names_none_is_odd(shares: list[float | None]) -> None:
    baseline = [run(f"b{place}", unresolved_share=share) for place, share in enumerate(shares)]

    assert 4 == len(match_runs(baseline, some("c", 3, unresolved_share=None), []).baseline)


# ---- history ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [{"build": "Debug"}, {"interval_ns": MS // 2}, {"cores": 8}, {"machine": "BUILD-08"}, {"cpu": "", "machine": "X"}],
)
def test_history_of_another_condition_or_host_is_left_out_silently(other: dict[str, Any]) -> None:
    matched = match_runs([run("b1")], [run("c1")], [run("h1", **other), run("h2")])

    assert ("h2", ()) == (ids(matched.history), matched.set_aside)


# ---- whatever comes --------------------------------------------------------------------------------------------------


@st.composite
def any_runs(draw: st.DrawFn, prefix: str, least: int) -> list[RunFacts]:
    return [
        run(
            f"{prefix}{number}",
            draw(st.sampled_from(["A", "a", "B", "C", "D", ""])),
            cpu=draw(st.sampled_from([RYZEN[0], ""])),
            build=draw(st.sampled_from(["Debug", "Release"])),
            interval_ns=draw(st.sampled_from([MS, MS + 1, MS // 8])),
            samples=draw(st.sampled_from([0, 1_000, 1_000])),
            lost_events=draw(st.sampled_from([0, 0, 5, 500])),
            lost_buffers=draw(st.sampled_from([0, 0, 0, 1])),
            unresolved_share=draw(st.sampled_from([None, 0.0, 0.1, 0.9])),
        )
        for number in range(draw(st.integers(least, 7)))
    ]


@given(any_runs("b", 1), any_runs("c", 1), any_runs("h", 0))
def test_every_run_of_a_side_is_compared_or_set_aside_with_a_reason(
    baseline: list[RunFacts], contender: list[RunFacts], history: list[RunFacts]
) -> None:
    matched = match_runs(baseline, contender, history)

    for side, given_runs, kept in (
        ("baseline", baseline, matched.baseline),
        ("contender", contender, matched.contender),
    ):
        aside = [each.run_id for each in matched.set_aside if each.side == side]
        assert sorted(each.run_id for each in given_runs) == sorted([*aside, *(each.run_id for each in kept)])
        assert [each for each in given_runs if each in kept] == list(kept)
        assert kept
    assert all(each.reason for each in matched.set_aside)
    if not matched.reason:
        compared = (*matched.baseline, *matched.contender, *matched.history)
        assert 1 == len({each.build for each in compared})
        assert 1 == len({each.interval_ns // 10 for each in compared})
        if any(each.machine == "" and not each.cpu for each in compared):
            assert {("", "")} == {(each.machine, each.cpu) for each in compared}


# ---- results of benchmarks -------------------------------------------------------------------------------------------


BENCH: dict[str, Any] = {"detail": "measured", "samples": 0, "interval_ns": 0, "unresolved_share": None}


def test_results_of_benchmarks_have_no_samples_and_are_compared() -> None:
    baseline, contender, history = some("b", 2, **BENCH), some("c", 1, **BENCH), some("h", 2, **BENCH)

    assert Matched(tuple(baseline), tuple(contender), tuple(history)) == match_runs(baseline, contender, history)


def test_results_of_benchmarks_have_no_sampling_interval_that_could_differ() -> None:
    bench = BENCH | {"interval_ns": MS}

    assert not match_runs([run("b1", **BENCH)], [run("c1", **bench)], []).reason


def test_profiles_come_first_where_both_sides_have_both() -> None:
    baseline = [run("b1"), *some("bb", 3, **BENCH)]
    contender = [run("c1"), *some("cb", 3, **BENCH)]

    matched = match_runs(baseline, contender, [run("h1"), run("h2", **BENCH)])

    assert ("b1", "c1", "h1") == (ids(matched.baseline), ids(matched.contender), ids(matched.history))
    assert 6 == len(matched.set_aside)
    assert "is a result of a benchmark, without samples; compared are profiles" == matched.set_aside[0].reason


def test_what_both_sides_have_is_compared() -> None:
    matched = match_runs([run("b1"), run("b2", **BENCH)], [run("c1", **BENCH)], [run("h1"), run("h2", **BENCH)])

    assert ("b2", "c1", "h2") == (ids(matched.baseline), ids(matched.contender), ids(matched.history))
    assert {"baseline b1": "is a profile; compared are results of benchmarks, which have no samples"} == left_out(
        matched
    )
    assert matched.is_measured


def test_a_profile_and_a_result_of_a_benchmark_are_never_put_together() -> None:
    matched = match_runs([run("b1")], [run("c1", **BENCH)], [])

    assert "baseline has profiles, contender results of benchmarks" in matched.reason
    assert "sampled" not in matched.reason
    assert (False, False) == (matched.is_measured, matched.has_profiles)


def test_results_of_benchmarks_on_another_machine_or_build_are_told_as_of_profiles() -> None:
    moved = match_runs([run("b1", **BENCH)], [run("c1", machine="LAPTOP", **(BENCH | INTEL))], [])
    built = match_runs([run("b1", **BENCH)], [run("c1", build="Debug", **BENCH)], [])

    assert "baseline ran on BUILD-07" in moved.reason
    assert "baseline is of Release, contender of Debug" in built.reason
