# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that reports are made of."""

from __future__ import annotations

from typing import Any

import pytest
from report_run import broken_run, whole_run


@pytest.fixture
def run() -> dict[str, list[dict[str, Any]]]:
    return whole_run()


@pytest.fixture
def broken() -> dict[str, list[dict[str, Any]]]:
    return broken_run()
