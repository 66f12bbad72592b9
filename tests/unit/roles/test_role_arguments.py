# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint of the roles' arguments finds what it is there to find."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "lint" / "role_arguments.py"

DEFAULTS = "---\n# How many.\nthing_count: 3\n"
SPECS = """
argument_specs:
  main: {options: {thing_count: {type: int, description: How many., default: 3}}}
  validate: {options: {}}
  status: {options: {}}
  rollback: {options: {}}
"""


@pytest.fixture
def lint() -> ModuleType:
    spec = importlib.util.spec_from_file_location("role_arguments", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def role(tmp_path: Path, defaults: str = DEFAULTS, specs: str = SPECS) -> Path:
    path = tmp_path / "thing"
    for folder in ("defaults", "meta", "tasks"):
        (path / folder).mkdir(parents=True)
    for entry in ("main", "validate", "status", "rollback"):
        (path / "tasks" / f"{entry}.yml").write_text("---\n")
    (path / "defaults" / "main.yml").write_text(defaults)
    (path / "meta" / "argument_specs.yml").write_text(specs)
    return path


def test_a_role_in_order(lint, tmp_path):
    assert lint.differences(role(tmp_path)) == []


@pytest.mark.parametrize(
    ("defaults", "specs", "said"),
    [
        (DEFAULTS + "# More.\nthing_more: 1\n", SPECS, "thing_more is in defaults and not in argument_specs"),
        ("---\n", SPECS, "thing_count is in argument_specs and not in defaults"),
        (DEFAULTS.replace("3", "4"), SPECS, "the default is 4, argument_specs say 3"),
        (DEFAULTS, SPECS.replace("description: How many., ", ""), "thing_count has no description"),
        (DEFAULTS.replace("# How many.\n", ""), SPECS, "thing_count has no comment"),
        (DEFAULTS, SPECS.replace("  status: {options: {}}\n", ""), "no entry point status"),
        (DEFAULTS.replace("thing_", "other_"), SPECS.replace("thing_", "other_"), "does not begin with thing_"),
    ],
)
def test_what_it_finds(lint, tmp_path, defaults, specs, said):
    assert said in "\n".join(lint.differences(role(tmp_path, defaults, specs)))
