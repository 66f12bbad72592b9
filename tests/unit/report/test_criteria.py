# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which criterion a record is about, and what a run is asked to measure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.filter.criteria import criteria
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.criteria import (
    GROUPS,
    ROLES,
    STEPS,
    by_name,
    groups_of,
    role_of,
    roles_for,
    selected,
    steps_for,
)
from check_ids import known

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("identity", "groups", "role"),
    [
        ("strimzi.pods", ("AC4",), "strimzi"),
        ("kafka_cluster.ready", ("AC5",), "kafka_cluster"),
        ("kafka_topics.in_sync", ("AC5", "AC7"), "kafka_cluster"),
        ("schema_registry_check.health", ("AC8",), "schema_registry"),
        ("schema_registry_check.refuse", ("AC9",), "schema_registry"),
        ("AC2-backup", ("AC2", "AC12", "AC13"), "volsync"),
        ("AC3-restore", ("AC3", "AC12", "AC13"), "volsync"),
        ("AC3-integrity", ("AC3", "AC12"), "volsync"),
        ("AC11-source", ("AC11", "AC12"), "flux"),
        ("AC11-kustomizations", ("AC11", "AC12"), "flux"),
        ("AC13-flux", ("AC11", "AC13"), "flux"),
        ("AC10-kafka.metrics", ("AC10",), "obs_collectors"),
        ("DB-pooler", ("cnpg", "AC12"), "cnpg"),
        ("kafka_cluster.broken_off", ROLES["kafka_cluster"], "kafka_cluster"),
        ("volsync.switched_off", ROLES["volsync"], "volsync"),
        ("AC6-something-new", ("AC6",), "kafka_cluster"),
        ("unheard.of", (), ""),
        ("AC99-none", (), ""),
    ],
)
def test_ids_have_their_criteria(identity, groups, role):
    assert groups_of(identity) == groups
    assert role_of(identity) == role


def test_every_id_of_the_checks_has_a_criterion():
    assert {identity for identity in known() if not groups_of(identity)} == set()


def test_the_roles_measured_are_those_of_the_platform_in_its_order():
    site = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text())[0]["roles"]
    assert list(ROLES) == [each["role"].rpartition(".")[2] for each in site]
    assert {group for groups in ROLES.values() for group in groups} == set(GROUPS)


def test_the_steps_are_all_that_the_roles_measure():
    assert {role for role, _tasks in STEPS} == set(ROLES)
    for role in ROLES:
        parts = [tasks for each, tasks in STEPS if each == role]
        whole = yaml.safe_load((ROOT / "roles" / role / "tasks" / "validate.yml").read_text())
        included = [f"{file}" for task in whole if (file := task.get("ansible.builtin.include_tasks"))]
        specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
        assert set(parts) <= set(specs)  # the variables are looked at in each step
        # the role alone does the same as the steps
        assert [*included, *(["validate.yml"] if "validate" in parts else [])] == [f"{part}.yml" for part in parts]
        assert all((ROOT / "roles" / role / "tasks" / f"{part}.yml").is_file() for part in parts)


def test_the_steps_of_a_part_of_the_criteria_are_those_of_its_roles():
    assert steps_for(["ac9"]) == [{"role": "schema_registry", "tasks": "validate"}]
    assert [step["tasks"] for step in steps_for(["ac6"])] == ["validate_performance", "validate_messages"]


def test_selection_by_variable_by_tag_and_by_role():
    everything = [group.lower() for group in GROUPS]
    assert selected([]) == everything
    assert selected([], ["all"]) == everything
    assert selected(["AC9", "ac6"]) == ["ac6", "ac9"]
    assert selected([], ["ac6"]) == ["ac6"]
    assert selected(["ac9"], ["ac6"]) == ["ac6", "ac9"]
    assert selected(["volsync"]) == ["ac1", "ac2", "ac3"]
    assert roles_for(selected([], ["kafka_cluster"])) == ["kafka_cluster"]
    assert "ac7" not in selected([], [], ["AC7", "summary"])
    assert roles_for(["ac6"]) == ["kafka_cluster"]
    assert roles_for(["ac12"]) == ["flux", "cnpg", "synergyflow_backend", "volsync"]
    assert roles_for(["ac13"]) == ["flux", "kafka_cluster", "schema_registry", "volsync", "obs_collectors"]


def test_what_is_skipped_is_not_asked_for_by_name():
    assert not by_name(selected([]))
    assert not by_name(selected([], [], ["ac7", "summary"]), ["ac7", "summary"])
    assert by_name(selected(["ac6"]))
    assert by_name(selected([], ["ac6", "ac7"], ["ac7"]), ["ac7"])


def test_unknown_names_are_refused_with_where_they_stand():
    with pytest.raises(ClusterError, match=r"validate_only: ac14 is no criterion; there are .*ac13"):
        selected(["ac14"])
    with pytest.raises(ClusterError, match=r"--tags: kafka is no criterion"):
        selected([], ["kafka"])
    with pytest.raises(ClusterError, match=r"Nothing is left"):
        selected(["ac6"], [], ["ac6"])


def test_the_filter_takes_a_text_as_the_command_line_gives_it():
    assert criteria("[ac6,ac9]") == ["ac6", "ac9"]
    assert criteria("['ac6', \"ac9\"]") == ["ac6", "ac9"]
    assert criteria(["ac6"], ["all"], []) == ["ac6"]


def test_conditions_of_the_roles_name_criteria_that_are_theirs():
    for path in ROOT.glob("roles/*/tasks/validate.yml"):
        for task in yaml.safe_load(path.read_text()):
            named = set(re.findall(r"'(ac\d+)'", str(task.get("when", ""))))
            assert named <= {group.lower() for group in ROLES[path.parents[1].name]}, task["name"]
