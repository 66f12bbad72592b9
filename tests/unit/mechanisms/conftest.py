# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the mechanisms' unit tests."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from scripted_api import Clock, Handler, ScriptedConnection


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scripted() -> Callable[..., Api]:
    """An Api over a handler, with a deadline of `timeout` seconds."""

    def make(handler: Handler, timeout: float = 5.0, clock: Callable[[], float] = time.monotonic) -> Api:
        return Api(ScriptedConnection(handler), Deadline(timeout, clock), concurrency=4)

    return make
