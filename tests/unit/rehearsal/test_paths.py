# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.paths import CACHE_VARIABLE, REPOSITORY, STATE_VARIABLE, Paths


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (STATE_VARIABLE, CACHE_VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)


def test_defaults_are_the_checkout_and_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = Paths.from_environment()
    assert found.state == REPOSITORY / ".rehearsal"
    assert found.cache == tmp_path / ".cache" / "synergyflow-rehearsal"


def test_environment_wins_and_is_handed_on_to_children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "here"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "there"))
    found = Paths.from_environment()
    assert (found.state, found.cache) == (tmp_path / "here", tmp_path / "there")
    for name, value in found.environment().items():
        monkeypatch.setenv(name, value)
    assert Paths.from_environment() == found


def test_a_relative_folder_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(STATE_VARIABLE, "state")
    assert Paths.from_environment().kubeconfig("apps") == tmp_path / "state" / "clusters" / "apps" / "kubeconfig"
