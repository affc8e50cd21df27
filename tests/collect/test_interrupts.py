"""Ctrl+C that is held back until it may come."""

from __future__ import annotations

import signal
import threading

import pytest

from perfdb.collect.interrupts import SIGNALS, HeldInterrupts
from perfdb.errors import CollectError


@pytest.mark.parametrize("number", SIGNALS)
def test_it_comes_when_it_is_let_in(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    done = []

    def pressed() -> None:
        with HeldInterrupts() as held:
            signal.raise_signal(number)
            done.append("went on")
            held.lets_in(None)(0.0, None)
            done.append("not this")

    with pytest.raises(KeyboardInterrupt):
        pressed()

    assert ["went on"] == done
    assert before == signal.getsignal(number)


def test_it_comes_at_the_end_at_the_latest() -> None:
    done = []

    def pressed() -> None:
        with HeldInterrupts():
            signal.raise_signal(signal.SIGINT)
            done.append("went on")

    with pytest.raises(KeyboardInterrupt):
        pressed()

    assert ["went on"] == done


def test_a_failure_besides_gives_it_its_words() -> None:
    def pressed() -> None:
        with HeldInterrupts():
            signal.raise_signal(signal.SIGINT)
            raise CollectError("left behind")

    with pytest.raises(KeyboardInterrupt, match="^left behind$"):
        pressed()


def test_a_failure_alone_stays_one() -> None:
    with pytest.raises(CollectError), HeldInterrupts():
        raise CollectError("left behind")


def test_the_tick_goes_on_as_it_was() -> None:
    ticks: list[float] = []

    with HeldInterrupts() as held:
        held.lets_in(lambda seconds, _: ticks.append(seconds))(1.5, None)

    assert [1.5] == ticks


def test_in_other_threads_nothing_is_held() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with HeldInterrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert [before] == seen
