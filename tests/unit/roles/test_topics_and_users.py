# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics and ACL rules written out in full."""

from __future__ import annotations

from ansible_collections.synergyflow.platform.plugins.module_utils.topics_and_users import (
    resource_name,
    topic_specs,
    user_acls,
)

# the plan's table of topics: name, partitions, days
SEED = [
    ("user-events", 6, 7), ("incident-events", 12, 30), ("change-events", 6, 90), ("problem-events", 6, 30),
    ("workflow-events", 12, 30), ("notification-events", 6, 7), ("cmdb-events", 6, 90), ("team-events", 3, 30),
    ("knowledge-events", 3, 30), ("integration-events", 6, 7), ("dlq-events", 3, 30),
]  # fmt: skip


def test_the_defaults_are_the_eleven_topics_of_the_plan(values):
    specs = topic_specs(values["kafka_cluster_topics"], 3, 2)
    days = 24 * 60 * 60 * 1000
    found = [(spec["name"], spec["partitions"], spec["config"]["retention.ms"] // days) for spec in specs]
    assert found == SEED
    assert {spec["replicas"] for spec in specs} == {3}
    assert {spec["config"]["min.insync.replicas"] for spec in specs} == {2}


def test_what_a_topic_says_itself_wins():
    spec = topic_specs(
        [
            {
                "name": "a",
                "partitions": 1,
                "replicas": 2,
                "config": {"min.insync.replicas": 1, "cleanup.policy": "compact"},
            }
        ]
    )[0]
    assert spec["replicas"] == 2
    assert spec["config"] == {"cleanup.policy": "compact", "min.insync.replicas": 1}


def test_for_ever_and_no_retention():
    specs = topic_specs([{"name": "a", "partitions": 1, "retention_days": -1}, {"name": "b", "partitions": 1}])
    assert specs[0]["config"]["retention.ms"] == -1
    assert "retention.ms" not in specs[1]["config"]


def test_names_that_kubernetes_does_not_take():
    assert resource_name("user-events") == "user-events"
    assert resource_name("_schemas").startswith("schemas-")
    assert resource_name("A_b") != resource_name("a-b")
    assert resource_name("A_b") == resource_name("A_b")


def test_one_rule_for_each_name():
    rules = user_acls([{"resource": {"type": "topic", "names": ["a", "b"]}, "operations": ["Read"], "host": None}])
    assert rules == [
        {"resource": {"type": "topic", "name": "a", "patternType": "literal"}, "operations": ["Read"]},
        {"resource": {"type": "topic", "name": "b", "patternType": "literal"}, "operations": ["Read"]},
    ]


def test_prefix_and_cluster():
    rules = user_acls(
        [
            {"resource": {"type": "group", "name": "x", "patternType": "prefix"}, "operations": ["Read"]},
            {"resource": {"type": "cluster"}, "operations": ["Describe"], "type": "allow"},
        ]
    )
    assert rules[0]["resource"]["patternType"] == "prefix"
    assert rules[1] == {"resource": {"type": "cluster"}, "operations": ["Describe"], "type": "allow"}
