# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight of the role schema_registry refuses, each with its sentence."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import schema_registry_versions as versions
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.schema_registry import Live, check, mark


def secret(**data: str) -> dict[str, Any]:
    return {"data": {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}}


CA = secret(ca_crt="PEM", ca_p12="P12", ca_password="word")
LOGIN = secret(sasl_jaas_config='required username="u" password="a-long-random-word";')
KAFKA = {"metadata": {"name": "synergyflow"}, "status": {"kafkaVersion": "4.3.1"}}
LIVE = Live(kafka=KAFKA, user={"metadata": {"name": "schema-registry"}}, ca=CA, credentials=LOGIN)


@pytest.fixture
def registry(registry_values: dict[str, Any]) -> dict[str, Any]:
    return registry_values


def live(**changed: Any) -> Live:
    return dataclasses.replace(LIVE, **changed)


def test_a_good_situation_has_no_problem(registry, cluster):
    findings = check(registry, cluster, LIVE)
    assert findings.problems == []
    assert findings.warnings == []
    assert findings.facts["kafka_api"] == "kafka.strimzi.io/v1"
    assert findings.facts["requests"] == {"cpu": 0.5, "memory": 2 * 768 * 1024**2, "storage": 0.0}
    assert findings.facts["service_monitor"] is False
    assert [part["what"] for part in findings.skipped] == ["ServiceMonitor"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"kafka": None}, "there is no Kafka synergyflow in namespace messaging"),
        ({"user": None}, "there is no KafkaUser schema-registry in namespace messaging: add it to kafka_cluster_users"),
        ({"namespace_exists": False}, "there is no namespace messaging"),
        ({"ca": None}, "there is no Secret synergyflow-cluster-ca-cert"),
        ({"ca": secret(ca_crt="PEM")}, "has no key ca.p12, ca.password"),
        ({"credentials": None}, "there is no Secret schema-registry in namespace messaging: wait until the KafkaUser"),
        ({"credentials": secret(password="x")}, "Secret schema-registry .* has no key sasl.jaas.config"),
        (
            {
                "topics": [
                    {"metadata": {"name": "x"}, "spec": {"topicName": "_schemas", "partitions": 3, "replicas": 3}}
                ]
            },
            "topic _schemas: 1 partitions are asked for and it has 3",
        ),
        (
            {
                "topics": [
                    {"metadata": {"name": "x"}, "spec": {"topicName": "_schemas", "partitions": 1, "replicas": 1}}
                ]
            },
            "topic _schemas: 3 replicas are asked for and it has 1",
        ),
    ],
)
def test_what_is_missing_is_said(registry, cluster, changed, words):
    (problem,) = check(registry, cluster, live(**changed)).problems
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(problem)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"schema_registry_replicas": 0}, "schema_registry_replicas must be at least 1"),
        ({"schema_registry_version": "latest"}, "must be a release such as 7.8.0, it is latest"),
        (
            {"schema_registry_version": "5.0.4"},
            "Kafka 4.3.1 serves clients of 2.1 and newer alone: take .* 5.1 or newer",
        ),
        ({"schema_registry_user": "Schema Registry"}, "must be a Kubernetes name"),
        ({"schema_registry_topic": "a b"}, "schema_registry_topic: a name has"),
        ({"schema_registry_requests": {"cpu": "2", "memory": "1Gi"}}, "requests.cpu must be more than 0 and at most"),
        ({"schema_registry_requests": {"cpu": "much", "memory": "1Gi"}}, "cpu: "),
        ({"schema_registry_replicas": 1000}, "the pods ask for"),
    ],
)
def test_settings_that_cannot_work_are_said(registry, cluster, changed, words):
    problems = check({**registry, **changed}, cluster, LIVE).problems
    with pytest.raises(AssertionError, match=words):
        raise AssertionError("; ".join(problems))


def test_strimzi_that_is_not_there_is_said(registry, cluster):
    cluster["served"] = {}
    (problem,) = check(registry, cluster, Live(kafka=None)).problems
    assert "does not serve KafkaTopic, KafkaUser" in problem


def test_a_kafka_that_comes_with_the_same_run_is_taken_as_given(registry, cluster, values):
    cluster["served"] = {}
    nothing = Live(namespace_exists=False)
    findings = check(registry, cluster, nothing, values, "messaging")
    assert findings.problems == []
    assert findings.facts["expected_kinds"] == ["KafkaTopic.kafka.strimzi.io", "KafkaUser.kafka.strimzi.io"]
    assert findings.facts["expected_namespaces"] == ["messaging"]
    assert findings.facts["credentials"] == "none"
    values["kafka_cluster_users"] = values["kafka_cluster_users"][:1]
    (problem,) = check(registry, cluster, nothing, values, "messaging").problems
    assert "schema_registry_user is schema-registry, which kafka_cluster_users has not" in problem
    values["kafka_cluster_name"] = "other"
    assert any("does not serve" in each for each in check(registry, cluster, nothing, values, "messaging").problems)


def test_more_replicas_of_the_topic_than_brokers(registry, cluster, values):
    values["kafka_cluster_brokers"] = 1
    (problem,) = check(registry, cluster, LIVE, values, "messaging").problems
    assert "schema_registry_topic_replicas is 3, and the Kafka has 1 (kafka_cluster_brokers)" in problem
    assert check({**registry, "schema_registry_topic_replicas": 1}, cluster, LIVE, values, "messaging").problems == []


def test_the_mark_moves_with_the_log_in_and_the_ca_and_tells_nothing(registry, cluster):
    first = mark(CA, LOGIN)
    assert first == mark(CA, LOGIN)
    assert (
        len({first, mark(CA, secret(sasl_jaas_config="other")), mark(secret(ca_crt="NEW"), LOGIN), mark(CA, None)}) == 4
    )
    assert len(first) == 8, "too short to find a password by it"
    assert mark(False, None) == "none"
    external = {**registry, "schema_registry_external_secrets": True}
    assert check(external, cluster, LIVE).facts["credentials"] == mark(CA, None)


def test_secrets_that_may_not_be_read_are_no_problem(registry, cluster):
    assert check(registry, cluster, live(ca=False, credentials=False)).problems == []


@pytest.mark.parametrize(("registry_version", "kafka"), [("7.8.0", "4.3.1"), ("7.8.0", "3.8.1"), ("8.1.0", "3.8.1")])
def test_pairs_that_work(registry_version, kafka):
    assert versions.pair_problem(registry_version, kafka) is None


def test_an_unknown_release_is_a_warning(registry, cluster):
    findings = check({**registry, "schema_registry_version": "12.0.0"}, cluster, LIVE)
    assert findings.problems == []
    assert "not in the collection's table" in findings.warnings[0]
    assert versions.pair_problem("8.0.0", "1.1.0") is not None
