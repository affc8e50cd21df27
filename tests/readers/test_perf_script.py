"""`perf script` text: samples, events, weights, losses and the machine; and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from perfdb.errors import TraceError
from perfdb.profile import Machine
from perfdb.readers import READERS, open_trace
from perfdb.readers.perf_script import PERF
from tests.readers.perf_texts import HEADER, MAIN, READ, WORK, caveat_text, names, paths, read, record, sample, weights
from tests.readers.reading import caveat_codes, read_as

ONE = sample(1.0, WORK, MAIN)
MANY = (
    sample(1.0, WORK, MAIN)
    + sample(1.5, MAIN, cpu=3)
    + sample(2.0, READ, WORK, MAIN, ids="100/104", comm="Web Content")
)


def test_stacks_are_root_first_and_times_begin_with_the_first_sample() -> None:
    profile = read(MANY, interval_ns=1_003_009)

    assert ["app!main;app!work", "app!main", "app!main;app!work;[kernel.kallsyms]!ksys_read"] == paths(profile)
    assert [0, 500_000_000, 1_000_000_000] == profile.samples.time_ns.tolist()
    assert [100, 100, 104] == profile.samples.tid.tolist()
    assert [0, 3, 0] == profile.samples.cpu.tolist()
    assert (3, 0, 1_000_000_000, "stacks") == (
        profile.sample_count,
        profile.idle_count,
        profile.duration_ns,
        profile.detail,
    )
    assert [True] * 3 == profile.samples.has_stack.tolist()
    assert profile.places is None
    assert {"losses-not-told"} == caveat_codes(profile)


@pytest.mark.parametrize(
    ("line", "comm", "tid", "cpu", "time_ns"),
    [
        ("app  7037/7047  [001]   822.949274: cpu-clock: ", "app", 7047, 1, 822_949_274_000),
        ("Web Content 7037/7047 822.949274123: cpu-clock:ppp: ", "Web Content", 7047, 0, 822_949_274_123),
        ("kworker/0:1-ev 7037/7047 [012] 822.949274: 1003009 cpu-clock: ", "kworker/0:1-ev", 7047, 12, 822_949_274_000),
        ("my worker: 1  7037/7047   822.949274:   1003009   cpu-clock: ", "my worker: 1", 7047, 0, 822_949_274_000),
        ("sh 12 3  7037/7047   822.949274: cpu-clock:u: ", "sh 12 3", 7047, 0, 822_949_274_000),
        ("app  7037/7047  [001] U       822.949274: cpu-clock: ", "app", 7047, 1, 822_949_274_000),
        ("# 1: 7037/7047 822.949274: cpu-clock: ", "# 1:", 7047, 0, 822_949_274_000),
        ("             app  7037/7047 [001]   822.949274:    1003009 cpu-clock: ", "app", 7047, 1, 822_949_274_000),
    ],
)  # fmt: skip
def test_the_line_of_a_sample(line: str, comm: str, tid: int, cpu: int, time_ns: int) -> None:
    event = line.rstrip(": ").rsplit(" ", 1)[1]
    first = sample(1.0, MAIN, ids="1/1", comm="first", event=event)
    profile = read(first, f"{line}\n\t          401136 main+0x16 (/tmp/app)\n\n")

    assert (tid, cpu, time_ns - 1_000_000_000) == (
        profile.samples.tid[1],
        profile.samples.cpu[1],
        profile.samples.time_ns[1],
    )
    assert [(1, "first"), (7037, comm)] == names(profile)


def test_a_leaf_on_the_line_of_the_sample_is_no_stack() -> None:
    lines = [
        "             app  7527/7527 [001]   845.688467: 1001001 cpu-clock:  7f51430829d1 find+0x61 (/usr/lib/ld.so)\n",
        "             app  7527/7527 [001]   845.688567: 1001001 cpu-clock:        401136 main+0x16 (/tmp/my app)\n",
    ]
    profile = read(*lines)

    assert ["ld.so!find", "my app!main"] == paths(profile)
    assert [False, False] == profile.samples.has_stack.tolist()
    assert "100% of the samples have no stack" in caveat_text(profile, "no-stacks")


def test_a_sample_whose_stack_could_not_be_walked_is_work_of_no_module() -> None:
    profile = read(ONE, sample(1.1))

    assert ["app!main;app!work", "<unknown>!<unresolved>"] == paths(profile)
    assert [True, False] == profile.samples.has_stack.tolist()


@pytest.mark.parametrize("text", [MANY.replace("\n", "\r\n"), "\ufeff" + MANY, MANY.replace("\t", "        ")])
def test_line_ends_marks_and_tabs_that_an_editor_changed(text: str) -> None:
    assert paths(read(MANY)) == paths(read(text))


def test_utf_16_as_a_windows_shell_redirects_it() -> None:
    data = ("\ufeff" + MANY.replace("\n", "\r\n")).encode("utf-16-le")

    assert PERF.recognises(data)
    assert paths(read(MANY)) == paths(read_as(PERF, data))


# ---- weights ---------------------------------------------------------------------------------------------------------


def test_the_period_of_a_clock_is_what_its_samples_weigh() -> None:
    profile = read(*(sample(at, MAIN, period=period) for at, period in enumerate((2000, 1000, 1000))))

    assert [2000, 1000, 1000] == weights(profile)
    assert 1000 == profile.interval_ns


def test_the_header_tells_the_interval_and_the_machine() -> None:
    profile = read(HEADER, ONE, sample(1.1, MAIN))

    assert [1_003_009, 1_003_009] == weights(profile)
    assert 1_003_009 == profile.interval_ns
    assert Machine("buildbox", "Linux 6.1.0-18-amd64", "AMD Ryzen 9", 8) == profile.machine
    assert profile.started_at is None


def test_a_period_is_an_interval_where_a_clock_is_not_told_a_frequency() -> None:
    header = HEADER.replace("} = 997", "} = 250000").replace(", freq = 1", "")

    assert 250_000 == read(header, ONE).interval_ns


def test_cycles_weigh_what_the_frequency_says_whatever_their_period() -> None:
    header = HEADER.replace("name = cpu-clock", "name = cycles:P").replace("} = 997", "} = 4000")
    profile = read(
        header, sample(1.0, MAIN, event="cycles:P", period=1), sample(1.1, MAIN, event="cycles:P", period=812_345)
    )

    assert [250_000, 250_000] == weights(profile)


@pytest.mark.parametrize("header", ["", HEADER.replace("cpu-clock", "cycles").replace(", freq = 1", "")])
def test_cycles_without_a_frequency_need_the_interval_said(header: str) -> None:
    event = sample(1.0, MAIN, event="cycles", period=812_345)

    assert [1_000_000] == weights(read(header, event))
    assert "--interval" in caveat_text(read(header, event), "no-interval")
    assert [125_000] == weights(read(header, event, interval_ns=125_000))
    assert "no-interval" not in caveat_codes(read(header, event, interval_ns=125_000))


def test_the_reference_time_is_the_only_thing_that_tells_when_it_was() -> None:
    reference = "# reference time: 2026-11-29 11:49:22.668314 = 1795952962.668314 (TOD) = 1185.250000000 (monotonic)\n"
    profile = read(HEADER, reference, sample(1186.25, MAIN))

    assert datetime(2026, 11, 29, 11, 49, 23, 668_314, UTC) == profile.started_at


# ---- events ----------------------------------------------------------------------------------------------------------


def test_one_event_is_cpu_time_and_the_others_are_told() -> None:
    profile = read(
        sample(1.0, MAIN, event="page-faults", period=6),
        sample(1.0, WORK, MAIN),
        sample(1.0, MAIN, event="task-clock"),
        "app 100/100 [001] 1.100000: sched:sched_switch: prev_comm=app ==> next_comm=sh\n\t 1 a+0x1 (/b)\n\n",
        sample(1.2, MAIN),
    )

    assert ["app!main;app!work", "app!main"] == paths(profile)
    assert caveat_text(profile, "other-events") == (
        "the samples of cpu-clock are counted; "
        "those of page-faults (1), task-clock (1), sched:sched_switch (1) were left out"
    )


@pytest.mark.parametrize(
    ("events", "counted"),
    [
        (("cpu-clock", "cycles"), 1),
        (("task-clock:u", "cpu-clock:u"), 1),
        (("instructions", "ref-cycles"), 1),
        (("cpu_core/cycles/", "cpu_atom/cycles/"), 2),
        (("cpu_core/cycles/P", "cpu_atom/cycles/P", "cpu_core/instructions/"), 2),
        (("cycles:u", "cycles:k"), 2),
        (("cycles:u", "cycles"), 1),
        (("cycles:u", "cycles:uk"), 1),
        (("cpu/event=0x3c,umask=0x0/", "cpu/event=0x3c,umask=0x1/"), 1),
        (("cpu/event=0xc0/", "cpu/event=0x76/u"), 1),
        (("armv8_pmuv3_0/event=0x11/", "cache-misses"), 1),
        (("cpu/cpu-cycles,freq=0x3e8/", "r00c0"), 1),
    ],
)
def test_events_that_count_the_same_time_are_not_added_up(events: tuple[str, ...], counted: int) -> None:
    profile = read(*(sample(1.0 + at, MAIN, event=event) for at, event in enumerate(events)))

    assert counted == profile.sample_count
    assert (counted < len(events)) == ("other-events" in caveat_codes(profile))


def test_the_header_says_what_an_event_of_any_name_is() -> None:
    header = HEADER.replace("name = cpu-clock", "name = mine").replace("type = 1", "type = 0")

    assert 1 == read(header, sample(1.0, MAIN, event="mine")).sample_count
    with pytest.raises(TraceError, match="asked for CPU time, found samples of mine"):
        read(sample(1.0, MAIN, event="mine"))


def test_an_event_that_is_not_printed_is_that_of_the_header() -> None:
    nameless = sample(1.0, MAIN, event="") + "app 100/100 1.100000: 401136 main+0x16 (/tmp/app)\n"

    assert ["app!main", "app!main"] == paths(read(HEADER, nameless))
    assert "event-not-told" not in caveat_codes(read(HEADER, nameless))
    assert "perf script -F +event" in caveat_text(read(nameless), "event-not-told")


@pytest.mark.parametrize(
    ("event", "code"),
    [("cycles:u", "kernel-left-out"), ("cpu-clock:kppp", "user-left-out"), ("instructions", "not-time")],
)
def test_what_an_event_leaves_out_is_told(event: str, code: str) -> None:
    assert code in caveat_codes(read(sample(1.0, MAIN, event=event)))
    assert code not in caveat_codes(read(ONE))


# ---- losses ----------------------------------------------------------------------------------------------------------


def test_lost_events_are_counted() -> None:
    profile = read(HEADER, record(1.0, "LOST lost 2"), ONE, record(1.1, "LOST lost 40"))

    assert (42, 0) == (profile.lost_events, profile.lost_buffers)
    assert "42 events were lost while recording" == caveat_text(profile, "lost-events")
    assert "losses-not-told" not in caveat_codes(profile)


def test_events_that_were_counted_as_lost_twice_are_lost_once() -> None:
    profile = read(record(1.0, "LOST lost 40"), ONE, record(1.1, "LOST_SAMPLES lost 55"))

    assert 55 == profile.lost_events


def test_perfs_own_words_about_losses_count_where_no_record_does() -> None:
    samples = read(ONE, "# perf script: Processed 4000 samples and lost 25.00%!\n")
    chunks = read("Warning:\nProcessed 95 events and lost 29 chunks!\n\nCheck IO/CPU overload!\n\n", ONE)

    assert 1000 == samples.lost_events
    assert (0, 29) == (chunks.lost_events, chunks.lost_buffers)


def test_a_call_that_shows_losses_and_shows_none_lost_nothing() -> None:
    call = "# perf script call: perf script -i perf.data --header --show-lost-events\n"

    assert "losses-not-told" not in caveat_codes(read(ONE, call))
    assert "losses-not-told" in caveat_codes(read(ONE, call.replace("--show-lost-events", "--ns")))


def test_stacks_that_end_nowhere_are_told() -> None:
    broken = [sample(1.0 + at, WORK, "7f72ad87a758 [unknown] ([unknown])") for at in range(3)]

    assert "75% of the stacks of app end in no module" in caveat_text(read(ONE, *broken), "broken-stacks")
    others = [each.replace("100/100", "7/7") for each in broken]
    assert "broken-stacks" not in caveat_codes(read(ONE, ONE, ONE, ONE, *others))
    assert "broken-stacks" not in caveat_codes(read(ONE, ONE, ONE, broken[0]))


# ---- what is refused, and what is no text of perf --------------------------------------------------------------------


def test_perfs_own_file_is_refused_with_the_call_that_prints_it(tmp_path: Path) -> None:
    (tmp_path / "my run.data").write_bytes(b"PERFILE2" + bytes(range(200)))

    with (
        open_trace(tmp_path / "my run.data", READERS) as opened,
        pytest.raises(TraceError, match=r"perf script -i 'my run.data' --header .*--show-lost-events > 'my run.perf'"),
    ):
        opened.read()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER, "found no samples. Record with perf record"),
        (record(1.0, "COMM: app:1/1"), "found no samples"),
        (HEADER + record(1.0, "LOST lost 1234"), "found no samples, and word of 1,234 lost events"),
        ("", "found no line of it"),
        ("hello\n", "found no line of it"),
        (sample(1.0, MAIN, event="page-faults"), r"found samples of page-faults \(1\) only"),
        (sample(1.0, MAIN, ids="0/0", comm="swapper"), "1 samples, all of them idle"),
    ],
)
def test_a_text_without_cpu_samples_says_what_to_type(text: str, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read(text)


def test_weights_beyond_all_measure_are_refused() -> None:
    with pytest.raises(TraceError, match="more than 146 years"):
        read(ONE, interval_ns=10**30)


@pytest.mark.parametrize(
    "data", [MANY, HEADER, HEADER + ONE, record(1.0, "COMM: app:1/1"), sample(1.0, MAIN, event="")]
)
def test_what_is_recognised(data: str) -> None:
    assert [PERF] == [reader for reader in READERS if reader.recognises(data.encode())]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "a;b 12\n",
        "job 12 3.123456: done: ok\n",
        "[    0.123456] pci 0000:00:1f.0: reg\n",
        "            bash-1234  [001] d..2 12.345678: sched_switch: prev_comm=bash\n",
        "# ========\n# a list\n",
        "SampledProfile,  36765, app.exe (  56), 3044\n",
    ],
)
def test_what_is_no_text_of_perf(data: str) -> None:
    assert not PERF.recognises(data.encode())


def test_a_packed_text_is_found_in_a_folder(tmp_path: Path) -> None:
    import gzip

    from perfdb.readers import expand_paths

    (tmp_path / "app.perf.gz").write_bytes(gzip.compress(MANY.encode()))
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")

    assert [tmp_path / "app.perf.gz"] == expand_paths([str(tmp_path)], READERS)
    with open_trace(tmp_path / "app.perf.gz", READERS) as opened:
        assert ("perf", "app.perf") == (opened.source.format, opened.source.name)
        assert 3 == opened.read().sample_count
