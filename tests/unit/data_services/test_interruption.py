# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals while something is half-done."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.interruption import (
    InterruptedRunError,
    interruptible,
)


def send(number: int = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_interrupts_and_what_follows_does_not_disturb(number):
    tidied = []

    def work() -> None:
        with interruptible():
            try:
                send(number)
            finally:
                send(number)
                tidied.append(True)

    with pytest.raises(InterruptedRunError, match=signal.Signals(number).name):
        work()
    assert tidied


def test_a_signal_while_tidying_up_waits_until_that_is_done():
    tidied = []

    def work() -> None:
        with interruptible() as signals:
            with signals.hold():
                send()
                tidied.append(True)
            tidied.append("not reached")

    with pytest.raises(InterruptedRunError):
        work()
    assert tidied == [True]


def test_the_handlers_of_before_are_back():
    before = signal.getsignal(signal.SIGTERM)
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_other_threads_have_no_signals():
    done = []

    def work() -> None:
        with interruptible() as signals, signals.hold():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
