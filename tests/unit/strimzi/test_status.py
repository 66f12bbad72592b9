# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Verdicts on resources, and the statuses that say them."""

from __future__ import annotations

import re

import pytest

from rehearsal.strimzi import cluster_operator, kafka_reconcile, status


def test_an_unsupported_version_names_those_that_are(previous, kafka):
    images = dict.fromkeys(previous.kafka, "image")
    kafka["spec"]["kafka"]["version"] = "4.3.1"
    with pytest.raises(status.UnsupportedKafkaVersionException) as refused:
        kafka_reconcile.checked_version(previous, kafka, images)
    assert str(refused.value) == (
        "Unsupported Kafka.spec.kafka.version: 4.3.1. Supported versions are: [3.8.0, 3.8.1, 3.9.0, 3.9.1, 3.9.2]"
    )
    condition = status.not_ready(refused.value)
    assert (condition["type"], condition["status"]) == ("NotReady", "True")
    assert condition["reason"] == "UnsupportedKafkaVersionException"


def test_without_a_version_the_default_one_runs(current, kafka):
    del kafka["spec"]["kafka"]["version"]
    assert kafka_reconcile.checked_version(current, kafka, dict.fromkeys(current.kafka, "image")) == "4.3.1"


def test_a_good_kafka_is_not_refused(generation, kafka, node_pool):
    kafka_reconcile.check(generation, kafka, [node_pool])


def test_no_pool_or_an_empty_one_is_refused(generation, kafka, node_pool):
    node_pool["spec"]["replicas"] = 0
    for pools in ([], [node_pool]):
        with pytest.raises(status.InvalidResourceException, match="don't exist or have 0 replicas"):
            kafka_reconcile.check(generation, kafka, pools)


def test_a_missing_role_is_named(current, kafka, node_pool):
    node_pool["spec"]["roles"] = ["broker"]
    with pytest.raises(status.InvalidResourceException, match="controller role"):
        kafka_reconcile.check(current, kafka, [node_pool])


@pytest.mark.parametrize("annotation", ["strimzi.io/kraft", "strimzi.io/node-pools"])
def test_only_the_previous_generation_needs_the_kraft_annotations(current, previous, kafka, node_pool, annotation):
    del kafka["metadata"]["annotations"][annotation]
    kafka_reconcile.check(current, kafka, [node_pool])
    with pytest.raises(status.InvalidResourceException, match=re.escape(annotation)):
        kafka_reconcile.check(previous, kafka, [node_pool])


def test_ready_says_where_clients_connect(cluster, current, kafka, pool):
    made = status.kafka_ready(cluster, current, kafka, [pool], "id", ca="PEM", versions=("4.3.1", "4.3-IV0"))
    assert made["listeners"] == [
        {
            "name": "tls",
            "addresses": [{"host": "synergyflow-kafka-bootstrap.messaging.svc", "port": 9093}],
            "bootstrapServers": "synergyflow-kafka-bootstrap.messaging.svc:9093",
            "certificates": ["PEM"],
        }
    ]
    assert made["observedGeneration"] == 3
    assert made["operatorLastSuccessfulVersion"] == "1.2.0"
    assert "registeredNodeIds" not in made, "v1 has no such field"


def test_ready_of_the_previous_generation_has_its_own_fields(cluster, previous, kafka, pool):
    made = status.kafka_ready(cluster, previous, kafka, [pool], "id", ca="PEM", versions=("3.8.1", "3.8-IV0"))
    assert made["registeredNodeIds"] == [0, 1, 2]
    assert made["kafkaMetadataState"] == "KRaft"


def test_a_failed_or_paused_kafka_keeps_its_cluster_id_and_loses_its_listeners(kafka):
    kafka["status"] = {"clusterId": "id", "listeners": [{"name": "tls"}], "kafkaVersion": "4.3.1"}
    made = status.kafka_not_ready(kafka, [status.paused()], [], "id")
    assert made["clusterId"] == "id"
    assert made["kafkaVersion"] == "4.3.1"
    assert "listeners" not in made


def test_an_unchanged_condition_keeps_its_transition_time():
    old = {"conditions": [{**status.ready(), "lastTransitionTime": "then"}], "observedGeneration": 1}
    assert status.settled(old, {"conditions": [status.ready()], "observedGeneration": 1}) is None
    changed = status.settled(old, {"conditions": [status.ready()], "observedGeneration": 2})
    assert changed["conditions"][0]["lastTransitionTime"] == "then"
    failed = status.settled(old, {"conditions": [status.condition("NotReady", reason="FatalProblem")]})
    assert failed["conditions"][0]["lastTransitionTime"] != "then"


def test_cluster_ids_are_as_kafka_writes_them():
    made = {status.new_cluster_id() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", each) for each in made)


def test_0_45_does_not_start_where_the_server_says_more_than_it_knows(current, previous):
    server = {"major": "1", "emulationMajor": "1"}
    assert "emulationMajor" in cluster_operator.refusal(previous, server, {})
    assert cluster_operator.refusal(previous, {"major": "1"}, {}) is None
    assert cluster_operator.refusal(previous, server, {"STRIMZI_KUBERNETES_VERSION": "major=1"}) is None
    assert cluster_operator.refusal(current, server, {}) is None
