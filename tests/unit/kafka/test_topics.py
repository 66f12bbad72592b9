# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics compared, on structures as kafka-python 3.0 and Strimzi 1.2 give them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_topics as topics
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_topics import (
    TopicsError,
    broker_topics,
    compare,
    expected_topics,
    is_internal,
    numbers,
    same,
    stored,
    topic_resources,
)

WEEK = 604800000


def described(name: str, partitions: int = 3, replicas: int = 3, **of_partition: dict[int, Any]) -> dict[str, Any]:
    """A topic of a metadata answer; keyword arguments change fields of single partitions."""
    return {
        "error_code": 0,
        "name": name,
        "is_internal": False,
        "partitions": [
            {
                "error_code": 0,
                "partition_index": index,
                "leader_id": of_partition.get("leader_id", {}).get(index, index % replicas),
                "leader_epoch": 0,
                "replica_nodes": of_partition.get("replica_nodes", {}).get(index, list(range(replicas))),
                "isr_nodes": of_partition.get("isr_nodes", {}).get(index, list(range(replicas))),
                "offline_replicas": [],
            }
            for index in reversed(range(partitions))  # the brokers promise no order
        ],
    }


def config(own: dict[str, str] | None = None, min_isr: str = "2") -> dict[str, dict[str, Any]]:
    """A topic of a DescribeConfigs answer with config_filter=all."""
    entries = {
        "retention.ms": ("604800000", "LONG", "DEFAULT_CONFIG"),
        "cleanup.policy": ("delete", "LIST", "DEFAULT_CONFIG"),
        "min.cleanable.dirty.ratio": ("0.5", "DOUBLE", "DEFAULT_CONFIG"),
        "preallocate": ("false", "BOOLEAN", "DEFAULT_CONFIG"),
        "min.insync.replicas": (min_isr, "INT", "DYNAMIC_DEFAULT_BROKER_CONFIG"),
    }
    for key, value in (own or {}).items():
        entries[key] = (value, entries.get(key, ("", "STRING", ""))[1], "DYNAMIC_TOPIC_CONFIG")
    return {
        key: {"value": value, "read_only": False, "is_sensitive": False, "config_source": source, "config_type": kind}
        for key, (value, kind, source) in entries.items()
    }


def resource(name: str, ready: bool = True, **more: Any) -> dict[str, Any]:
    """A KafkaTopic; `annotations`, `spec`, `status`, `topic_name` change it."""
    condition = {"type": "Ready", "status": "True"}
    if not ready:
        condition = {"type": "Ready", "status": "False", "reason": "KafkaError", "message": "too many\n replicas"}
    spec = {"partitions": 3, "replicas": 3, "config": {"retention.ms": WEEK}, **more.get("spec", {})}
    if more.get("topic_name"):
        spec["topicName"] = more["topic_name"]
    return {
        "metadata": {"name": name, "generation": 2, "annotations": more.get("annotations", {})},
        "spec": spec,
        "status": more.get("status", {"observedGeneration": 2, "conditions": [condition]}),
    }


def check(
    wanted: dict[str, Any] | None = None,
    metadata: list | None = None,
    configs: dict | None = None,
    resources: list | None = None,
    **more: Any,
) -> topics.Comparison:
    """Compare topic t (partitions 3, replicas 3, a week of retention) where nothing else is said."""
    expected = expected_topics([{"name": "t", **({"partitions": 3, "replicas": 3} if wanted is None else wanted)}])
    brokers = broker_topics([described("t")] if metadata is None else metadata, configs or {"t": config()})
    return compare(expected, brokers, None if resources is None else topic_resources(resources), **more)


def rows(comparison: topics.Comparison) -> list[tuple[Any, ...]]:
    return [(row["topic"], row["key"], row["expected"], row["broker"], row["cr"]) for row in comparison.drift]


def test_a_topic_as_expected_has_no_drift() -> None:
    wanted = {"partitions": 3, "replicas": 3, "config": {"retention.ms": WEEK, "min.insync.replicas": 2}}
    comparison = check(wanted, resources=[resource("t")])
    assert comparison.drift == []
    assert comparison.unexpected == []
    (topic,) = comparison.topics
    assert (topic["name"], topic["state"], topic["partitions"], topic["replicas"]) == ("t", "as expected", 3, 3)
    assert topic["resource"] == {"name": "t", "state": "Ready"}


@pytest.mark.parametrize(
    ("wanted", "row"),
    [
        ({"partitions": 6}, ("t", "partitions", "6", "3", None)),
        ({"replicas": 2}, ("t", "replicas", "2", "3", None)),
        ({"config": {"retention.ms": 1000}}, ("t", "retention.ms", "1000", "604800000", None)),
        ({"config": {"no.such.key": "x"}}, ("t", "no.such.key", "x", "(no such key)", None)),
    ],
)
def test_each_difference_is_a_row(wanted: dict, row: tuple) -> None:
    assert rows(check(wanted)) == [row]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("retention.ms", WEEK),
        ("retention.ms", "604800000"),
        ("retention.ms", 6.048e8),
        ("cleanup.policy", ["delete"]),
        ("cleanup.policy", " delete "),
        ("min.cleanable.dirty.ratio", 0.50),
        ("min.cleanable.dirty.ratio", "0.500"),
        ("preallocate", False),
        ("preallocate", "False"),
        ("min.insync.replicas", 2),
    ],
)
def test_values_are_compared_as_kafka_stores_them(key: str, value: Any) -> None:
    assert check({"config": {key: value}}).drift == []


def test_the_order_of_a_list_does_not_matter() -> None:
    configs = {"t": config({"cleanup.policy": "delete,compact"})}
    assert check({"config": {"cleanup.policy": ["compact", "delete"]}}, configs=configs).drift == []
    assert rows(check({"config": {"cleanup.policy": "compact"}}, configs=configs)) == [
        ("t", "cleanup.policy", "compact", "delete,compact", None)
    ]


def test_same_tells_absent_from_empty() -> None:
    assert same(None, None)
    assert not same(None, "")
    assert not same("x", "1", "INT")


def test_a_missing_topic_is_one_row_and_says_what_the_kafkatopic_says() -> None:
    wanted = {"partitions": 6, "config": {"retention.ms": 1}}
    assert rows(check(wanted, metadata=[], resources=[])) == [("t", "topic", "present", "missing", "missing")]
    failed = rows(check(wanted, metadata=[], resources=[resource("t", ready=False)]))
    assert failed == [
        ("t", "topic", "present", "missing", "present"),
        ("t", "KafkaTopic", "Ready", None, "NotReady KafkaError: too many\n replicas"),
    ]


def test_a_topic_with_a_metadata_error_and_no_partitions_is_missing() -> None:
    unknown = {"error_code": 3, "name": "t", "partitions": []}
    assert rows(check(metadata=[unknown])) == [("t", "topic", "present", "missing", None)]


def test_a_hidden_topic_is_not_called_missing() -> None:
    comparison = check(metadata=[], hidden=["t"])
    assert comparison.topics[0]["state"] == "hidden"
    assert rows(comparison) == [("t", "topic", "present", "not allowed (needs the ACL Describe)", None)]


def test_configuration_that_may_not_be_read_is_said() -> None:
    comparison = check({"config": {"retention.ms": WEEK}}, configs={"t": {}})
    assert rows(comparison) == [("t", "configuration", "readable", "not allowed (needs the ACL DescribeConfigs)", None)]


def test_the_kafkatopic_is_compared_too() -> None:
    spec = {"partitions": 5, "replicas": 2, "config": {"retention.ms": 1}}
    comparison = check(
        {"partitions": 3, "replicas": 3, "config": {"retention.ms": WEEK}}, resources=[resource("t", spec=spec)]
    )
    assert rows(comparison) == [
        ("t", "partitions", "3", "3", "5"),
        ("t", "replicas", "3", "3", "2"),
        ("t", "retention.ms", "604800000", "604800000", "1"),
    ]


def test_what_is_not_expected_is_compared_between_broker_and_kafkatopic() -> None:
    configs = {"t": config({"retention.ms": "1", "segment.bytes": "1048576"})}
    assert rows(check({}, configs=configs, resources=[resource("t", spec={"partitions": 4})])) == [
        ("t", "partitions", None, "3", "4"),
        ("t", "retention.ms", None, "1", "604800000"),
        ("t", "segment.bytes", None, "1048576", None),
    ]


def test_a_key_of_a_topic_without_a_kafkatopic_is_nobodys_business() -> None:
    assert check({}, configs={"t": config({"retention.ms": "1"})}).drift == []


def test_an_expected_key_that_the_kafkatopic_leaves_to_the_broker_is_fine() -> None:
    assert check({"config": {"min.insync.replicas": 2}}, resources=[resource("t")]).drift == []


def test_a_missing_kafkatopic_is_drift_unless_they_are_not_compared() -> None:
    assert rows(check(resources=[])) == [("t", "KafkaTopic", "present", None, "missing")]
    assert check(resources=None).drift == []


@pytest.mark.parametrize(
    ("annotation", "value", "state"),
    [
        ("strimzi.io/managed", "false", "Unmanaged"),
        ("strimzi.io/pause-reconciliation", "true", "ReconciliationPaused"),
    ],
)
def test_a_kafkatopic_left_alone_on_purpose_is_said_and_not_blamed(annotation: str, value: str, state: str) -> None:
    comparison = check(resources=[resource("t", ready=False, annotations={annotation: value})])
    assert comparison.drift == []
    assert comparison.topics[0]["resource"]["state"] == state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "not reconciled yet"),
        ({"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}, "not reconciled yet"),
        ({"conditions": [{"type": "NotReady", "status": "True", "reason": "X"}]}, "NotReady X"),
    ],
)
def test_a_kafkatopic_that_is_not_ready_is_drift(status: dict, state: str) -> None:
    assert rows(check(resources=[resource("t", status=status)])) == [("t", "KafkaTopic", "Ready", None, state)]


def test_a_kafkatopic_is_found_by_the_name_of_its_topic() -> None:
    found = topic_resources([resource("a-b-12345678", topic_name="A_b")])
    assert found["A_b"].name == "a-b-12345678"


def test_of_two_kafkatopics_for_a_topic_the_ready_one_counts() -> None:
    for order in (1, -1):
        items = [resource("one", ready=False, topic_name="t"), resource("two", topic_name="t")][::order]
        assert topic_resources(items)["t"].name == "two"


def test_partitions_out_of_sync_are_named_by_number() -> None:
    metadata = [
        described(
            "t", 6, isr_nodes={0: [0, 1], 1: [0, 1], 2: [1], 5: []}, leader_id={5: -1},
        )
    ]  # fmt: skip
    comparison = check({}, metadata=metadata)
    assert rows(comparison) == [
        ("t", "partitions offline", "none", "5", None),
        ("t", "partitions under min ISR", "none", "2, 5", None),
        ("t", "partitions under-replicated", "none", "0-2, 5", None),
    ]
    assert comparison.topics[0]["under_replicated"] == [0, 1, 2, 5]
    assert {row["aspect"] for row in comparison.drift} == {"in_sync"}


def test_partitions_of_kafkas_own_topics_out_of_sync_are_drift_too() -> None:
    metadata = [described("t"), described("__consumer_offsets", 2, isr_nodes={1: [0]})]
    comparison = check(metadata=metadata, configs={"t": config(), "__consumer_offsets": config()})
    assert comparison.unexpected == []
    assert [row[:2] for row in rows(comparison)] == [
        ("__consumer_offsets", "partitions under min ISR"),
        ("__consumer_offsets", "partitions under-replicated"),
    ]


def test_partitions_with_different_numbers_of_replicas_are_both_said() -> None:
    metadata = [described("t", replica_nodes={1: [0, 1]}, isr_nodes={1: [0, 1]})]
    assert rows(check({"replicas": 3}, metadata=metadata)) == [("t", "replicas", "3", "2 and 3", None)]


@pytest.mark.parametrize("mode", ["report", "ignore", "fail"])
def test_unexpected_topics_are_told_ignored_or_drift(mode: str) -> None:
    metadata = [
        described("t"),
        described("rogue"),
        described("__transaction_state"),
        described("__strimzi_store_topic"),
    ]
    comparison = check(metadata=metadata, resources=[resource("t")], unexpected=mode)
    assert comparison.unexpected == ([] if mode == "ignore" else ["rogue"])
    assert [t["name"] for t in comparison.topics] == (["t"] if mode == "ignore" else ["t", "rogue"])
    expected = [("rogue", "topic", "absent", "present", "missing")] if mode == "fail" else []
    assert rows(comparison) == expected


def test_internal_topics_are_a_choice() -> None:
    comparison = check(metadata=[described("t"), described("_schemas"), described("mine-1")], internal=["mine-*"])
    assert comparison.unexpected == ["_schemas"]


@pytest.mark.parametrize(
    ("name", "internal"),
    [
        ("__consumer_offsets", True),
        ("__consumer_offsets_2", False),
        ("strimzi.cruisecontrol.metrics", True),
        ("_schemas", True),
        ("_schemas_backup", False),
        ("user-events", False),
    ],
)
def test_internal_topics_by_default(name: str, internal: bool) -> None:
    assert is_internal(name, topics.INTERNAL) is internal


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([{"name": "a"}, {"name": "a"}], "a is listed twice"),
        ([{"name": "a", "partitions": 0}], "partitions of a is 0; it must be at least 1"),
        ([{"name": "a", "replicas": -1}], "replicas of a is -1"),
        ([{"name": "a", "config": {"retention.ms": None}}], "retention.ms of a has no value"),
    ],
)
def test_expectations_that_make_no_sense_are_refused(wrong: list, words: str) -> None:
    with pytest.raises(TopicsError, match=words):
        expected_topics(wrong)


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (0, "0"), (-1, "-1"), (0.5, "0.5"), (1e3, "1000"), (["a", 1], "a,1"), ("x", "x"), ("", "")],
)
def test_values_as_text(value: Any, text: str) -> None:
    assert stored(value) == text


@pytest.mark.parametrize(
    ("values", "text"), [([], ""), ([3], "3"), ([0, 1, 2], "0-2"), ([0, 2, 3, 9], "0, 2-3, 9"), ([1, 2], "1-2")]
)
def test_numbers_in_few_words(values: list[int], text: str) -> None:
    assert numbers(values) == text


def test_a_thousand_topics_are_compared_one_by_one() -> None:
    names = [f"t{number:04d}" for number in range(1000)]
    expected = expected_topics([{"name": name, "partitions": 3, "config": {"retention.ms": WEEK}} for name in names])
    metadata, configs = [described(name) for name in reversed(names)], {name: config() for name in names}
    configs["t0500"] = config({"retention.ms": "1"})
    comparison = compare(
        expected, broker_topics(metadata, configs), topic_resources([resource(name) for name in names])
    )
    assert [topic["name"] for topic in comparison.topics] == names
    assert rows(comparison) == [("t0500", "retention.ms", "604800000", "1", "604800000")]
