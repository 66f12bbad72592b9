# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unknown names and wrong types, said so that one knows what to correct."""

from __future__ import annotations

from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.variables import unknown_names, validated

KNOWN = ["kafka_cluster_topics", "kafka_cluster_brokers"]
OPTIONS = {
    "kafka_cluster_brokers": {"type": "int", "default": 3},
    "kafka_cluster_mode": {"type": "str", "choices": ["a", "b"]},
    "kafka_cluster_topics": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str", "required": True}, "partitions": {"type": "int"}},
    },
}


def test_a_typing_error_names_the_variable_that_was_meant():
    found = unknown_names("kafka_cluster", ["kafka_cluster_topic", "kafka_cluster_brokers", "other"], KNOWN, [])
    assert found == ["kafka_cluster_topic is no variable of the role kafka_cluster: did you mean kafka_cluster_topics"]


def test_a_name_like_nothing_else():
    assert "docs/variables.md" in unknown_names("kafka_cluster", ["kafka_cluster_zzz"], KNOWN, [])[0]


def test_names_of_a_role_with_a_longer_name_are_that_roles():
    roles = ["kafka_cluster", "kafka_cluster_backup"]
    assert unknown_names("kafka_cluster", ["kafka_cluster_backup_bucket"], KNOWN, roles) == []


def test_internal_names_are_nobodys_business():
    assert unknown_names("kafka_cluster", ["__kafka_cluster_preflight"], KNOWN, []) == []


def test_wrong_types():
    _values, problems = validated({"kafka_cluster_brokers": "three"}, OPTIONS)
    assert problems == ["kafka_cluster_brokers must be of type int, it is of type str"]
    _values, problems = validated({"kafka_cluster_topics": [{"name": "a", "partitions": "many"}]}, OPTIONS)
    assert problems == ["partitions in kafka_cluster_topics must be of type int, it is of type str"]
    _values, problems = validated({"kafka_cluster_topics": ["a"]}, OPTIONS)
    assert problems == ["kafka_cluster_topics must be of type dict, it is of type str"]
    _values, problems = validated({"kafka_cluster_mode": "c"}, OPTIONS)
    assert "kafka_cluster_mode must be one of: a, b" in problems[0]


def test_missing_and_unknown_parts_of_a_topic():
    _values, problems = validated({"kafka_cluster_topics": [{"partition": 3}]}, OPTIONS)
    text = "\n".join(problems)
    assert "name" in text
    assert "kafka_cluster_topics.partition is not known; known there are name, partitions" in text


def test_values_come_back_as_their_types():
    values, problems = validated({"kafka_cluster_brokers": "5"}, OPTIONS)
    assert problems == []
    assert values["kafka_cluster_brokers"] == 5
