# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Waiting for what comes by itself, in tests."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 30


def until(holds: Callable[[], bool]) -> None:
    """Return as soon as it holds; a failed test when it does not within 30 seconds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"did not happen within {SECONDS} s"
        time.sleep(0.02)
