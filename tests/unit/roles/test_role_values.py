# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles' variables as an action plugin sees them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.plugin_utils import role_values

TEMPLAR: Any = SimpleNamespace(template=lambda value: value)


def test_the_collections_roles_are_found():
    assert {"strimzi", "kafka_cluster"} <= set(role_values.role_names())


def test_a_role_that_is_switched_off_is_left_out():
    asked = ["strimzi", "kafka_cluster"]
    assert role_values.chosen_roles(asked, None, {"strimzi_enabled": False}, TEMPLAR) == ["kafka_cluster"]
    assert role_values.chosen_roles(asked, None, {}, TEMPLAR) == asked


@pytest.mark.parametrize("value", [False, "false", "False", "no", "off", 0, "0"])
def test_every_way_to_say_no_switches_a_role_off(value):
    assert not role_values.enabled("strimzi", {"strimzi_enabled": value}, TEMPLAR)
    assert role_values.chosen_roles(["strimzi"], None, {"strimzi_enabled": value}, TEMPLAR) == []


def test_what_is_no_answer_is_refused():
    with pytest.raises(ClusterError, match="strimzi_enabled must be true or false, it is 'maybe'"):
        role_values.enabled("strimzi", {"strimzi_enabled": "maybe"}, TEMPLAR)
    assert not role_values.enabled("strimzi", {}, TEMPLAR, default=False)


def test_the_playbooks_take_a_string_for_a_switch():
    playbooks = Path(role_values.ROLES).parent / "playbooks"
    every = [line for path in playbooks.glob("*.yml") for line in path.read_text().splitlines()]
    lines = [line for line in every if "when:" in line and "_enabled" in line]
    assert len(lines) > 2 * len(role_values.role_names())
    assert all(line.endswith("| bool") for line in lines)
    whole = (playbooks / "rollback_all.yml").read_text()
    assert "(['_enabled']) | map('join')), default=true)\n               | map('bool'))" in whole


def test_the_tasks_own_role_is_meant_without_a_name():
    role: Any = SimpleNamespace(get_name=lambda include_role_fqcn: "strimzi")
    assert role_values.chosen_roles([], role, {}, TEMPLAR) == ["strimzi"]
    with pytest.raises(ClusterError, match="name the roles"):
        role_values.chosen_roles([], None, {}, TEMPLAR)
    with pytest.raises(ClusterError, match="nothing is no role of this collection"):
        role_values.chosen_roles(["nothing"], None, {}, TEMPLAR)


def test_only_a_roles_own_variables_are_its_values():
    found = role_values.values_of("strimzi", {"strimzi_version": "1.2.0", "other": 1, "strimzi_x": 2}, TEMPLAR)
    assert found == {"strimzi_version": "1.2.0"}


def test_values_have_their_declared_types():
    found = role_values.typed_values("kafka_cluster", {"kafka_cluster_brokers": "5"}, TEMPLAR)
    assert found["kafka_cluster_brokers"] == 5
