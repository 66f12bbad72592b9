# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C and SIGTERM while something is half-done: an exception, so that what must be put back is put back.

Ansible's workers end at once on both signals (ansible/executor/process/worker.py), without running any `finally`.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class InterruptedRunError(BaseException):
    """The user, or the system, ends this run. No failure of the work: nothing catches it but to tidy up."""


@dataclass
class Signals:
    """The signals of an `interruptible` block: the first one counts."""

    came: str = ""
    held: bool = False

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """The handler: raises, unless something is being tidied up or one came before."""
        first = not self.came
        self.came = self.came or signal.Signals(number).name
        if first and not self.held:
            raise InterruptedRunError(self.came)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """In this block nothing is interrupted: for tidying up, which has to be short."""
        before, self.held = self.came, True
        try:
            yield
        finally:
            self.held = False
        if self.came != before:
            raise InterruptedRunError(self.came)


@contextmanager
def interruptible() -> Iterator[Signals]:
    """In the block the first signal raises InterruptedRunError; those that follow do not disturb the tidying up."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {number: signal.signal(number, signals.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
