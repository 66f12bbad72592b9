# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of the topic check."""

from __future__ import annotations

from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_evidence import Look, blocked, evidence
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_topics import (
    Broker,
    Resource,
    compare,
    expected_topics,
)
from failing import fails

KEYS = {"id", "title", "status", "observed", "expected", "unit", "seconds", "detail", "stand_in"}
IDS = [
    "brokers",
    "present",
    "partitions",
    "replication_factor",
    "configuration",
    "in_sync",
    "unexpected",
    "kafka_topics",
]


def broker(name: str, **more: Any) -> Broker:
    values: dict[str, Any] = {
        "partitions": 3,
        "replicas": [3],
        "config": {"retention.ms": "1"},
        "own": {"retention.ms"},
    }
    return Broker(name, **{**values, **more})


def topic(name: str, state: str = "Ready", managed: bool = True) -> Resource:
    return Resource(name, name, 3, 3, {"retention.ms": 1}, state, managed=managed)


def records(
    brokers: list[Broker], names: list[str], resources: list[Resource] | None = None, **more: Any
) -> dict[str, dict[str, Any]]:
    """The records by the last part of their id; topics are expected with 3 partitions, 3 replicas, one key."""
    wanted = more.pop("wanted", {"partitions": 3, "replicas": 3, "config": {"retention.ms": 1}})
    expected = expected_topics([{"name": name, **wanted} for name in names])
    by_name = {each.name: each for each in brokers}
    unexpected = more.pop("unexpected", "report")
    crs = None if resources is None else {each.topic: each for each in resources}
    look = Look(
        expected=expected,
        brokers=by_name,
        comparison=compare(expected, by_name, crs, unexpected=unexpected, hidden=more.pop("hidden", ())),
        unexpected=unexpected,
        seconds=0.12345,
        **{
            "brokers_there": [0, 1, 2],
            "brokers_expected": 3,
            "resources_unread": False,
            "resources_left_out": "" if resources is not None else "not asked for",
            "stand_in": ["process-node"],
            **more,
        },
    )
    found = evidence(look)
    assert [each["id"] for each in found] == [f"kafka_topics.{name}" for name in IDS]
    assert all(set(each) == KEYS and each["stand_in"] == ["process-node"] for each in found)
    return {each["id"].removeprefix("kafka_topics."): each for each in found}


def measured(record: dict[str, Any]) -> tuple[Any, ...]:
    return record["status"], record["observed"], record["expected"]


def test_all_is_well() -> None:
    found = records([broker("a"), broker("b")], ["a", "b"], [topic("a"), topic("b")])
    assert {name: measured(each) for name, each in found.items()} == {
        "brokers": ("passed", 3, 3),
        "present": ("passed", 2, 2),
        "partitions": ("passed", 2, 2),
        "replication_factor": ("passed", 2, 2),
        "configuration": ("passed", 2, 2),
        "in_sync": ("passed", 6, 6),
        "unexpected": ("passed", 0, 0),
        "kafka_topics": ("passed", 2, 2),
    }
    assert found["brokers"]["detail"] == "in service: 0, 1, 2"
    assert found["present"]["seconds"] == 0.123


def test_what_is_wrong_is_counted_and_named() -> None:
    wrong = broker(
        "b", partitions=4, replicas=[2], config={"retention.ms": "9"}, under_replicated=[0, 1], under_min_isr=[1]
    )
    found = records([broker("a"), wrong], ["a", "b", "c"], [topic("a"), topic("b", "NotReady KafkaError")])
    for identity, words in (
        ("kafka_topics.present", "2 instead of 3: c topic: missing instead of present"),
        ("kafka_topics.partitions", "1 instead of 2: b partitions: 4 instead of 3"),  # of those that are there
        ("kafka_topics.replication_factor", "1 instead of 2: b replicas: 2 instead of 3"),
        ("kafka_topics.configuration", "1 instead of 2: b retention.ms: 9 instead of 1"),
        ("kafka_topics.in_sync", "5 instead of 7: b partitions under min ISR: 1 instead of none"),
        ("kafka_topics.kafka_topics", "1 instead of 3: b KafkaTopic: NotReady KafkaError instead of Ready"),
    ):
        fails(found, identity, words)


def test_kafka_topics_that_may_not_be_read_are_blocked() -> None:
    found = records([broker("a")], ["a"], resources_left_out="may not list", resources_unread=True)
    assert measured(found["kafka_topics"]) == ("blocked", None, None)
    assert found["kafka_topics"]["detail"] == "may not list"


def test_a_broker_that_does_not_serve_fails_its_record_only() -> None:
    found = records([broker("a")], ["a"], [topic("a")], brokers_there=[0, 2])
    fails(found, "kafka_topics.brokers", "2 instead of 3: in service: 0, 2")
    assert {each["status"] for name, each in found.items() if name != "brokers"} == {"passed"}


def test_without_node_pools_any_broker_will_do() -> None:
    assert measured(records([broker("a")], ["a"], brokers_expected=None)["brokers"]) == ("passed", 3, None)
    assert measured(records([], [], brokers_expected=None, brokers_there=[])["brokers"]) == ("failed", 0, None)


def test_what_nobody_expects_is_skipped() -> None:
    found = records([broker("a")], ["a"], wanted={}, unexpected="ignore")
    skipped = {name for name, each in found.items() if each["status"] == "skipped"}
    assert skipped == {"partitions", "replication_factor", "configuration", "unexpected", "kafka_topics"}
    assert found["kafka_topics"]["detail"] == "not asked for"


def test_unexpected_topics_fail_only_when_asked_to() -> None:
    brokers = [broker("a"), *(broker(f"x{number}") for number in range(7))]
    reported = records(brokers, ["a"])["unexpected"]
    assert measured(reported) == ("passed", 7, None)
    assert reported["detail"] == "reported only: x0, x1, x2, x3, x4 and 2 more"
    fails(records(brokers, ["a"], unexpected="fail"), "kafka_topics.unexpected", "7 instead of 0: x0, x1")


def test_configuration_that_cannot_be_read_is_not_counted_as_right() -> None:
    found = records([broker("a", configured=False, config={}, own=set()), broker("b")], ["a", "b"])
    assert measured(found["configuration"]) == ("failed", 1, 2)
    assert found["in_sync"]["detail"] == "min.insync.replicas of 1 topics could not be read"


def test_keys_set_behind_the_operators_back_fail_without_lowering_the_count_of_expected_ones() -> None:
    sneaky = broker("a", config={"retention.ms": "1", "segment.bytes": "5"}, own={"retention.ms", "segment.bytes"})
    found = records([sneaky], ["a"], [topic("a")])["configuration"]
    assert measured(found) == ("failed", 1, 1)
    assert found["detail"] == "a segment.bytes: 5 instead of nothing"


def test_a_kafkatopic_left_alone_on_purpose_passes_and_is_said() -> None:
    found = records([broker("a")], ["a"], [topic("a", "Unmanaged", managed=False)])["kafka_topics"]
    assert measured(found) == ("passed", 1, 1)
    assert found["detail"] == "a is Unmanaged"


def test_many_differences_are_named_in_part() -> None:
    names = [f"t{number}" for number in range(8)]
    detail = records([], names)["present"]["detail"]
    assert detail.endswith("and 3 more")
    assert "t4 topic" in detail
    assert "t5" not in detail


def test_a_check_that_could_not_look_says_why_once() -> None:
    found = blocked("no broker is ready.", ["process-node"])
    assert [each["id"] for each in found] == [f"kafka_topics.{name}" for name in IDS]
    assert (found[0]["status"], found[0]["detail"]) == ("failed", "no broker is ready.")
    assert {each["status"] for each in found[1:]} == {"blocked"}
    assert all(set(each) == KEYS and each["stand_in"] == ["process-node"] for each in found)
