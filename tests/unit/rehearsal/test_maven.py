# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import pytest

from rehearsal import maven


def test_a_mirror_stands_for_maven_central(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jgo")
    monkeypatch.setenv(maven.MIRROR_VARIABLE, "https://mirror.example.org/maven/")
    assert list(maven._context().remote_repos.values()) == ["https://mirror.example.org/maven"]
    monkeypatch.delenv(maven.MIRROR_VARIABLE)
    assert any("repo.maven.apache.org" in address for address in maven._context().remote_repos.values())
