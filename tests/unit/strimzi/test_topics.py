# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What the topic operator does about its resources."""

from __future__ import annotations

from rehearsal.strimzi import topics
from rehearsal.strimzi.topics import FINALIZER, Topic

HELD = {"finalizers": [FINALIZER]}


def resource(name: str, spec: dict | None = None, **metadata) -> dict:
    spec = {"partitions": 3, "replicas": 3, **(spec or {})}
    base = {"name": name, "namespace": "messaging", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"kind": "KafkaTopic", "metadata": {**base, **metadata}, "spec": spec}


def topic(partitions: int = 3, replicas: int = 3, **config: str) -> Topic:
    settings = {key.replace("_", "."): value for key, value in config.items()}
    return Topic("id", partitions, dict.fromkeys(range(partitions), replicas), settings)


def names(resources: list[dict]) -> list[str]:
    return [each["metadata"]["name"] for each in resources]


def test_a_missing_topic_is_held_and_created():
    plan = topics.plan([resource("a")], {})
    assert names(plan.hold) == names(plan.create) == names(plan.settled) == ["a"]


def test_nothing_is_done_about_a_topic_as_it_should_be():
    wanted = resource("a", {"config": {"retention.ms": 1000, "preallocate": True}}, **HELD)
    plan = topics.plan([wanted], {"a": topic(retention_ms="1000", preallocate="true")})
    assert (plan.create, plan.alter, plan.add_partitions, plan.hold) == ([], [], [], [])
    assert names(plan.settled) == ["a"]


def test_finalizers_can_be_done_without():
    assert topics.plan([resource("a")], {}, use_finalizers=False).hold == []


def test_configuration_that_differs_is_set_and_what_is_too_much_goes_back():
    wanted = resource("a", {"config": {"retention.ms": 2000}}, **HELD)
    plan = topics.plan([wanted], {"a": topic(retention_ms="1000", segment_ms="5")})
    assert [changes for _, changes in plan.alter] == [{"retention.ms": "2000", "segment.ms": None}]


def test_partitions_grow_and_never_shrink():
    grow = topics.plan([resource("a", {"partitions": 6}, **HELD)], {"a": topic(3)})
    assert [count for _, count in grow.add_partitions] == [6]
    shrink = topics.plan([resource("a", {"partitions": 2}, **HELD)], {"a": topic(3)})
    assert shrink.settled == shrink.add_partitions == []
    assert shrink.refused[0][1:] == ("NotSupported", "Decreasing partitions not supported")


def test_the_replication_factor_stays():
    plan = topics.plan([resource("a", {"replicas": 2}, **HELD)], {"a": topic(2, replicas=3)})
    message = "Replication factor change not supported, but required for partitions [0, 1]"
    assert ("NotSupported", message) in [each[1:] for each in plan.refused]


def test_the_older_of_two_resources_has_the_topic():
    older = resource("a", creationTimestamp="2026-01-01T00:00:00Z")
    newer = resource("b", {"topicName": "a"}, creationTimestamp="2026-01-02T00:00:00Z")
    plan = topics.plan([newer, older], {})
    assert names(plan.create) == ["a"]
    assert [(each["metadata"]["name"], reason, text) for each, reason, text in plan.refused] == [
        ("b", "ResourceConflict", "Managed by Ref{namespace='messaging', name='a'}")
    ]


def test_a_topic_cannot_be_renamed():
    renamed = {**resource("a", {"topicName": "new"}, **HELD), "status": {"topicName": "a"}}
    assert topics.plan([renamed], {"a": topic()}).refused[0][2] == "Changing spec.topicName is not supported"


def test_deletion_takes_the_topic_unless_it_is_unmanaged():
    going = {"deletionTimestamp": "now", **HELD}
    plan = topics.plan([resource("a", **going)], {"a": topic()})
    assert (names(plan.delete), plan.release, plan.settled) == (["a"], [], [])
    unmanaged = resource("b", annotations={"strimzi.io/managed": "false"}, **going)
    plan = topics.plan([unmanaged], {"b": topic()})
    assert (plan.delete, names(plan.release)) == ([], ["b"])


def test_deleting_a_second_resource_leaves_the_first_ones_topic():
    first = resource("a", **HELD)
    second = resource("b", {"topicName": "a"}, creationTimestamp="2026-02-01T00:00:00Z", deletionTimestamp="n", **HELD)
    plan = topics.plan([first, second], {"a": topic()})
    assert (plan.delete, names(plan.release), names(plan.settled)) == ([], ["b"], ["a"])


def test_unmanaged_and_paused_resources_are_set_aside():
    unmanaged = resource("a", annotations={"strimzi.io/managed": "false"}, **HELD)
    paused = resource("b", annotations={"strimzi.io/pause-reconciliation": "true"})
    plan = topics.plan([unmanaged, paused], {})
    assert [(each["metadata"]["name"], kind) for each, kind in plan.set_aside] == [
        ("a", "Unmanaged"),
        ("b", "ReconciliationPaused"),
    ]
    assert names(plan.release) == ["a"], "an unmanaged resource must not hold up its deletion"
    assert plan.create == []


def test_a_failed_topic_says_ready_false():
    made = topics.refused_status(resource("a"), "KafkaError", "words")
    condition = made["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Ready", "False", "KafkaError")


def test_a_ready_topic_says_its_name_and_id():
    made = topics.ready_status(resource("a", {"topicName": "in-kafka"}), "id")
    assert (made["topicName"], made["topicId"], made["observedGeneration"]) == ("in-kafka", "id", 1)
