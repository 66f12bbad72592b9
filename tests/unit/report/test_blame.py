# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to blame: the broken part fails, what needs it is blocked and names it, all else stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import blame
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.blame import blamed
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.criteria import (
    BROKEN_OFF,
    GROUPS,
    ROLES,
    groups_of,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.document import shortcomings
from check_ids import is_known, known
from report_run import made, record

#: a group of alternatives within a pattern, and whether it may be left out; no lookahead
GROUP = re.compile(r"\((?!\?)([^()]*)\)(\?)?")
IDS = {*known(), *(f"{role}{BROKEN_OFF}" for role in ROLES), "AC10-metrics-store", "AC10-logs-store", "AC10-*.logs"}


def judged(*records: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """What becomes of records; of ids that there are, as others would prove nothing."""
    assert [each["id"] for each in records if not any(fnmatchcase(each["id"], known) for known in IDS)] == []
    return {each["id"]: (each["status"], each["blocked_by"]) for each in blamed(records)}


def test_a_broken_kafka_is_blamed_and_not_what_needs_it(broken):
    found = judged(*broken["apps"])
    assert found["kafka_cluster.ready"] == ("failed", [])
    assert found["kafka_cluster.brokers"] == ("failed", [])
    assert found["schema_registry.pods"] == ("blocked", ["kafka_cluster"])
    assert found["schema_registry_check.health"] == ("blocked", ["kafka_cluster"])
    assert found["schema_registry.network_policy"] == ("failed", []), "its own fault, whatever the brokers do"
    assert found["kafka_topics.present"] == ("passed", []), "what passed has passed"


def test_the_reason_names_the_cause_and_keeps_what_was_seen(broken):
    pods = next(each for each in blamed(broken["apps"]) if each["id"] == "schema_registry.pods")
    assert pods["detail"] == (
        "blocked by kafka_cluster (Title of kafka_cluster.ready: NotReady instead of Ready). Seen: not ready"
    )
    assert pods["observed"] == 0


def test_the_first_cause_is_blamed_over_several_steps():
    found = judged(
        record("strimzi.deployment", "failed", "nothing", "Strimzi 1.2.0, ready"),
        record("kafka_cluster.ready", "failed", "progressing, Kafka 4.3.0", "Ready, Kafka 4.3.0"),
        record("schema_registry.deployment", "failed", "8.0.0, progressing", "8.0.0, ready"),
        record("schema_registry_check.health", "blocked", None),
        record("synergyflow_backend.pods", "failed", 0),
        record("synergyflow_backend.decisions", "blocked", None),
    )
    assert found.pop("strimzi.deployment") == ("failed", [])
    assert set(map(str, found.values())) == {"('blocked', ['strimzi'])"}


def test_two_broken_parts_are_both_named():
    found = judged(
        record("kafka_cluster.brokers", "failed", 1, 3),
        record("cnpg.cluster", "failed", "failing, pg:17", "ready, pg:17"),
        record("synergyflow_backend.deployment", "failed", "backend:1, progressing", "backend:1, ready"),
    )
    assert found["synergyflow_backend.deployment"] == ("blocked", ["kafka_cluster", "cnpg"])


@pytest.mark.parametrize(
    ("vital", "blocked"),
    [
        ("strimzi.pods", ["kafka_cluster.ready", "kafka_topics.kafka_topics", "schema_registry.pods"]),
        (
            "kafka_cluster.brokers",
            ["kafka_topics.in_sync", "schema_registry.deployment", "AC6-produced", "AC12-produced"],
        ),
        ("schema_registry.deployment", ["schema_registry_check.register", "AC12-produced"]),
        ("cnpg.instances", ["DB-primary", "synergyflow_backend.pods", "AC12-schema"]),
        ("AC1-bucket", ["AC2-backup", "AC3-restore"]),
        ("AC10-vmagent", ["AC10-kafka.metrics", "AC13-dashboard-kafka"]),
        ("AC10-fluent-bit", ["AC10-logs"]),
        (
            "AC10-metrics-store",
            [
                "AC10-kafka.metrics",
                "AC10-label",
                "AC10-dropped",
                "AC10-cardinality",
                "AC13-expressions",
                "AC13-critical",
                "AC13-dashboard-kafka",
            ],
        ),
        ("AC10-logs-store", ["AC10-logs", "AC10-logs-label", "AC10-kafka.logs"]),
    ],
)
def test_each_part_blocks_what_needs_it_and_nothing_else(vital, blocked):
    others = ["AC11-instance", "synergyflow_backend.guarded", "schema_registry.budget", "kafka_cluster.storage"]
    # brokers that go with their operator are what the registry waits for
    between = [record("kafka_cluster.brokers", "failed", 0, 3)] if vital == "strimzi.pods" else []
    found = judged(record(vital, "failed", 0), *between, *(record(each, "failed", 0) for each in [*blocked, *others]))
    assert found[vital] == ("failed", [])
    assert {each for each, (status, _by) in found.items() if status == "blocked"} - {"kafka_cluster.brokers"} == set(
        blocked
    )


def test_what_an_operator_says_of_itself_waits_for_it_and_what_its_log_has_said_stays():
    away = record("strimzi.deployment", "failed", "Strimzi 1.2.0, progressing", "Strimzi 1.2.0, ready")
    silent = [record(f"strimzi.{what}", "blocked", None) for what in ("log", "metrics")]
    found = judged(away, *silent)
    assert found["strimzi.log"] == found["strimzi.metrics"] == ("blocked", ["strimzi"])
    assert judged(away, record("strimzi.log", "failed", 3, 0))["strimzi.log"] == ("failed", [])


def test_brokers_that_are_fewer_are_the_clusters_and_no_second_cause():
    found = judged(
        record("kafka_cluster.brokers", "failed", 2, 3),
        record("kafka_topics.brokers", "failed", 2, 3),
        record("kafka_topics.in_sync", "failed", 0, 75),
    )
    assert found["kafka_topics.in_sync"] == ("blocked", ["kafka_cluster"])


def test_nobody_is_blamed_for_what_could_not_be_asked():
    # a refused log-in says nothing of the brokers
    found = judged(
        record("kafka_topics.brokers", "failed", None, None, detail="the brokers refuse the password"),
        record("kafka_topics.present", "blocked", None, None),
        record("schema_registry.pods", "failed", 0, 2),
    )
    assert found["schema_registry.pods"] == ("failed", [])
    assert found["kafka_topics.present"] == ("blocked", ["kafka_topics"])


def test_a_blocked_criterion_is_no_shortcoming_of_its_own(broken):
    found = {"apps": blamed(broken["apps"])}
    assert shortcomings(found, {}) == ["3 criteria were not met"]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("part", blame.PARTS, ids=lambda part: part.name)
def test_no_group_passes_alone_while_what_it_needs_is_broken(group, part):
    """The part may belong to another group, which nobody asked for: it is told all the same."""
    needing = "|".join(filter(None, (part.vital, part.users, part.tests)))
    hurt = {each for each in IDS if re.fullmatch(needing, each)}
    records = [record(each, "failed", None, 3) if each in hurt else record(each) for each in sorted(IDS)]
    found = made({"apps": records}, (group,))
    assert found["verdict"] == ("failed" if any(group in groups_of(each) for each in hurt) else "passed")
    for each in found["clusters"]["apps"]:
        assert group in each["criteria"] or each["status"] == "failed", "others only as the cause"


def test_what_is_blocked_and_explained_by_nothing_never_passes():
    alone = {**record("AC6-produced", "blocked", None, detail="why"), "blocked_by": ["kafka_cluster"]}
    assert shortcomings({"apps": [alone]}, {}) == ["apps: Title of AC6-produced: could not be measured: why"]


VERSIONS = [
    record("strimzi.deployment", "failed", "Strimzi 1.1.0, ready", "Strimzi 1.2.0, ready"),
    record("kafka_cluster.ready", "failed", "Ready, Kafka 4.2.0", "Ready, Kafka 4.3.0"),
    record("cnpg.cluster", "failed", "ready, postgresql:16", "ready, postgresql:17"),
    record("schema_registry.deployment", "failed", "7.9.0, ready", "8.0.0, ready"),
    record("synergyflow_backend.deployment", "failed", "backend:1, ready", "backend:2, ready"),
    record("AC1-operator", "failed", "VolSync 0.13.0, ready", "VolSync 0.14.0, ready"),
    record("kafka_cluster.brokers", "failed", 4, 3, unit="pods"),
]
DATA = [
    *(f"AC6-{name}" for name in ("topic", "consumed", "order", "duplicates", "offsets", "removed")),
    *(f"AC7-{name}" for name in ("replication", "lost", "stall", "recovery", "producer-rate", "removed")),
    *("AC7-performance-removed", "AC3-integrity", "AC3-removed", "AC12-removed", "AC12-refused", "AC12-consumed"),
    *("AC12-database", "AC2-snapshot", "DB-backup", "DB-backup-stored", "DB-roles", "DB-schemas", "DB-extensions"),
    *(f"kafka_topics.{name}" for name in ("partitions", "replication_factor", "configuration", "unexpected")),
    *(f"schema_registry_check.{name}" for name in ("incompatible", "read_back", "versions", "compatibility")),
    "schema_registry_check.removed",
]
BROKEN = [
    record("kafka_cluster.brokers", "failed", 2, 3, unit="pods"), record("cnpg.instances", "failed", 0, 1),
    record("schema_registry.pods", "failed", 1, 2), record("AC1-pods", "failed", 0, 1),
]  # fmt: skip


def test_another_release_than_asked_for_breaks_nothing():
    needing = ["kafka_topics.in_sync", "schema_registry.topic", "AC6-produced", "AC12-schema", "DB-lag", "AC2-backup"]
    found = judged(*VERSIONS, *(record(each, "failed", "wrong") for each in [*needing, *DATA]))
    assert all(each == ("failed", []) for each in found.values())


def test_another_release_is_its_own_fault_whatever_else_is_broken():
    registry = next(each for each in VERSIONS if each["id"] == "schema_registry.deployment")
    login = record("schema_registry.login", "failed", "PLAINTEXT, None, user Ready", "SASL_SSL, SCRAM, user Ready")
    without = record("AC10-label", "failed", 4, 0, unit="without")
    found = judged(BROKEN[0], record("AC10-vmagent", "failed", 0, 1), registry, login, without)
    assert all(each == ("failed", []) for each in found.values())


@pytest.mark.parametrize("identity", DATA)
def test_what_compared_data_has_failed_itself(identity):
    assert is_known(identity)
    assert judged(*BROKEN, record(identity, "failed", "wrong"))[identity] == ("failed", [])


@pytest.mark.parametrize("identity", DATA)
@pytest.mark.parametrize("seen", [("failed", None), ("failed", "not known"), ("blocked", None)], ids=str)
def test_what_could_not_be_compared_for_want_of_a_part_is_blocked_by_it(identity, seen):
    assert judged(*BROKEN, record(identity, *seen))[identity][0] == "blocked"
    assert judged(*BROKEN, record(identity, *seen))[identity][1]


def test_a_time_that_is_too_long_may_be_a_broken_parts_doing():
    slow = record("schema_registry_check.latency", "failed", 150.0, 100, unit="ms")
    assert judged(BROKEN[2], slow)["schema_registry_check.latency"] == ("blocked", ["schema_registry"])


def alternatives(pattern: str) -> Iterator[str]:
    """Each way through a pattern's alternatives, as a pattern of its own."""
    depth, parts = 0, [""]
    for letter in pattern:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    for part in parts:
        group = GROUP.search(part)
        if not group:
            yield part
            continue
        options = [*group[1].split("|"), *([""] if group[2] else [])]
        for option in options:
            yield from alternatives(part[: group.start()] + option + part[group.end() :])


def test_alternatives_are_taken_apart():
    assert list(alternatives(r"a\.(b|c)|d(-e)?|f\.(?!g).*")) == [r"a\.b", r"a\.c", "d-e", "d", r"f\.(?!g).*"]


PATTERNS = [
    blame.DATA,
    *(pattern for part in blame.PARTS for pattern in (part.vital, part.users, part.tests) if pattern),
]


@pytest.mark.parametrize("pattern", sorted({each for pattern in PATTERNS for each in alternatives(pattern)}))
def test_every_pattern_is_of_ids_that_there_are(pattern):
    literal = pattern.replace("\\", "")
    assert is_known(literal) or any(re.fullmatch(pattern, each) for each in IDS)
