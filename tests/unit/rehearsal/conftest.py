# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A rehearsal's folders of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(state=tmp_path / "state", cache=tmp_path / "cache")
