# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every criterion has commands that show the same, whatever was found of its objects."""

from __future__ import annotations

import shlex

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.commands import commands_of
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.criteria import role_of
from ansible_collections.synergyflow.platform.plugins.plugin_utils.role_values import options_of
from check_ids import known


def place(role: str) -> dict[str, str]:
    """Where a role's objects are, as far as it has variables for it (see facts_of())."""
    options = options_of(role) if role else {}
    return {part: f"the-{part}" for part in ("namespace", "name") if f"{role}_{part}" in options}


@pytest.mark.parametrize("identity", sorted(known()))
def test_every_criterion_has_a_command(identity):
    commands = commands_of(identity, place(role_of(identity)))
    assert commands
    for command in commands:
        assert shlex.split(command)[0] in ("kubectl", "curl")
        assert "{" not in command


def test_names_are_quoted():
    assert commands_of("AC6-topic", {"namespace": "a b", "name": "$(x)"})[0].startswith("kubectl get pod -n 'a b' -l ")


def test_where_the_objects_are_is_not_known_there_is_no_command():
    assert commands_of("AC6-topic", {}) == []
