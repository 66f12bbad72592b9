# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rehearsal import prerequisites, programs
from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths


def test_definitions_are_named_as_the_api_server_names_them(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def files(family: str, module: str, paths: Paths) -> list[Path]:
        return [Path(f"{name}.yaml") for name in (*prerequisites.DEFINITIONS[module], "kustomization")]

    monkeypatch.setattr(programs, "module_files", files)
    found = prerequisites.definitions(paths)
    assert len(found) == sum(map(len, prerequisites.DEFINITIONS.values()))
    assert found["podmonitors.monitoring.coreos.com"].name == "monitoring.coreos.com_podmonitors.yaml"


def test_a_module_that_lost_a_definition_is_named(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "module_files", lambda *_: [])
    with pytest.raises(RehearsalError, match=r"external-secrets.io_externalsecrets.yaml: correct artifacts.toml"):
        prerequisites.definitions(paths)


def test_versions_that_nobody_is_served_are_left_out() -> None:
    versions = [
        {"name": name, "served": served, "storage": storage}
        for name, served, storage in (("v1", True, True), ("v1beta1", False, False), ("v1alpha1", False, True))
    ]
    definition = {"metadata": {"name": "a"}, "spec": {"versions": versions, "scope": "Cluster"}}
    left = yaml.safe_load(prerequisites.served(yaml.safe_dump(definition)))
    assert [each["name"] for each in left["spec"]["versions"]] == ["v1", "v1alpha1"]
    assert left["spec"]["scope"] == "Cluster"
