# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Waiting for what comes by itself, in tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

Answer = TypeVar("Answer")

#: seconds; on a busy machine all takes its time
PATIENCE = 300.0
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.3


def until(look: Callable[[], Answer], what: str = "what was waited for", seconds: float = PATIENCE) -> Answer:
    """The first true answer; a failed test when there is none within so many seconds."""
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while not (answer := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:g} s: {what}; the last answer: {answer!r}")
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE)
    return answer
