# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC8 on the registry's objects: met, and each criterion not met for its own reason."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import NOT_SERVED, Seen
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.schema_registry import records
from failing import fails

STAND_IN = {"synergyflow.platform/stand-in": "apicurio-registry"}
READY = [{"type": "Ready", "status": "True"}]
ENVIRONMENT = [
    {"name": "SCHEMA_REGISTRY_KAFKASTORE_SECURITY_PROTOCOL", "value": "SASL_SSL"},
    {"name": "SCHEMA_REGISTRY_KAFKASTORE_SASL_MECHANISM", "value": "SCRAM-SHA-512"},
]


def pod(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"schema-registry-{number}", "namespace": "messaging", "labels": STAND_IN},
        "spec": {"nodeName": f"node-{number}", "containers": [{"name": "schema-registry"}]},
        "status": {
            "phase": "Running",
            "conditions": READY,
            "containerStatuses": [{"name": "schema-registry", "restartCount": 0, "state": {"running": {}}}],
        },
    }


def strimzi(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": kind,
        "metadata": {"name": name, "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": 1, "conditions": READY},
    }


DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "schema-registry", "generation": 1},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "schema-registry",
                        "image": "docker.io/confluentinc/cp-schema-registry:7.8.0",
                        "env": ENVIRONMENT,
                    }
                ]
            }
        },
    },
    "status": {
        "observedGeneration": 1,
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 2,
        "readyReplicas": 2,
    },
}
TOPIC_SPEC = {"topicName": "_schemas", "partitions": 1, "replicas": 3, "config": {"cleanup.policy": "compact"}}


@pytest.fixture
def seen() -> Seen:
    return Seen(
        copy.deepcopy(
            {
                "deployments": [DEPLOYMENT],
                "pods": [pod(0), pod(1)],
                "budgets": [{"kind": "PodDisruptionBudget", "metadata": {}, "status": {"disruptionsAllowed": 1}}],
                "policies": [{"metadata": {}, "spec": {"policyTypes": ["Ingress", "Egress"]}}],
                "service_monitors": [{"metadata": {}, "spec": {"endpoints": [{"port": "metrics"}]}}],
                "topics": [strimzi("KafkaTopic", "schemas", TOPIC_SPEC)],
                "users": [strimzi("KafkaUser", "schema-registry", {})],
                "nodes": [{"metadata": {"name": f"node-{number}"}} for number in range(3)],
            }
        )
    )


@pytest.fixture
def measured(registry_values: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """The records by the last part of their id."""

    def measure(seen: Seen, metrics: Any = None, **values: Any) -> dict[str, Any]:
        answers = {"schema-registry-0": "# TYPE x gauge"} if metrics is None else metrics
        found = records({**registry_values, **values}, seen, answers)
        return {record.id.rpartition(".")[2]: record for record in found}

    return measure


def not_passed(found: dict[str, Any]) -> dict[str, str]:
    return {name: record.status for name, record in found.items() if record.status != "passed"}


def test_all_is_well(seen, measured):
    found = measured(seen)
    assert not_passed(found) == {}
    assert found["pods"].stand_in == ["apicurio-registry"]
    assert found["deployment"].stand_in == ["apicurio-registry"]


def break_it(seen: Seen, path: str, value: Any) -> None:
    name, *rest = path.split("/")
    inner: Any = seen.objects[name][0]
    for part in rest[:-1]:
        inner = inner[int(part) if part.isdigit() else part]
    inner[int(rest[-1]) if rest[-1].isdigit() else rest[-1]] = value


@pytest.mark.parametrize(
    ("broken", "failing", "words"),
    [
        (("deployments/status/availableReplicas", 1), "schema_registry.deployment", "7.8.0, progressing"),
        (
            ("deployments/spec/template/spec/containers/0/image", "x:7.7.0"),
            "schema_registry.deployment",
            "7.7.0, ready",
        ),
        (("pods/status/conditions", [{"type": "Ready", "status": "False"}]), "schema_registry.pods", "1 instead of 2"),
        (("pods/spec/nodeName", "node-1"), "schema_registry.spread", "1 instead of 2"),
        (("topics/spec/replicas", 1), "schema_registry.topic", "Ready, 1 partition, 1 replicas, compact"),
        (("topics/spec/config", {"cleanup.policy": "delete"}), "schema_registry.topic", "3 replicas, delete"),
        (
            ("deployments/spec/template/spec/containers/0/env/0/value", "SASL_PLAINTEXT"),
            "schema_registry.login",
            "SASL_PLAINTEXT",
        ),
        (("budgets/status/disruptionsAllowed", 0), "schema_registry.budget", "0 instead of 1"),
        (
            ("policies/spec/policyTypes", ["Ingress"]),
            "schema_registry.network_policy",
            "Ingress instead of Ingress, Eg",
        ),
        (
            ("service_monitors/spec/endpoints", [{"port": "http"}]),
            "schema_registry.service_monitor",
            "http instead of metrics",
        ),
    ],
)
def test_each_criterion_fails_for_its_own_reason(seen, measured, broken, failing, words):
    break_it(seen, *broken)
    found = measured(seen)
    assert not_passed(found) == {failing.partition(".")[2]: "failed"}
    fails(found, failing, words)


def test_a_pod_without_a_node_is_on_none(seen, measured):
    del seen["pods"][0]["spec"]["nodeName"]
    fails(measured(seen), "schema_registry.spread", "1 instead of 2: ")


@pytest.mark.parametrize("name", ["deployments", "topics", "users", "budgets", "policies", "service_monitors"])
def test_what_is_not_there_fails(seen, measured, name):
    seen.objects[name] = []
    assert "failed" in not_passed(measured(seen)).values()


def test_nobody_serves_where_the_deployment_is_scaled_to_nothing(seen, measured):
    seen["deployments"][0]["spec"]["replicas"] = 0
    seen["deployments"][0]["status"] = {"observedGeneration": 1}
    fails(measured(seen), "schema_registry.deployment", "7.8.0, progressing instead of")


def test_what_a_budget_allows_shows_with_all_pods_there(seen, measured):
    seen["budgets"][0]["status"]["disruptionsAllowed"] = 0
    seen["pods"].pop()
    record = measured(seen)["budget"]
    assert (record.status, record.detail) == ("blocked", "with 1 of 2 pods ready no budget allows a disruption")


def test_a_single_replica_needs_no_spread_and_no_budget(seen, measured):
    seen.objects["pods"] = seen["pods"][:1]
    found = measured(seen, schema_registry_replicas=1)
    assert not_passed(found) == {"spread": "skipped", "budget": "skipped"}


def test_metrics_that_do_not_answer_fail_unless_a_stand_in_runs_the_pods(seen, measured):
    silent = {"schema-registry-0": OSError("refused")}
    assert measured(seen, silent)["metrics"].status == "blocked"
    for each in seen["pods"]:
        each["metadata"]["labels"] = {}
    fails(measured(seen, silent), "schema_registry.metrics", "schema-registry-0: refused")
    assert measured(seen, silent, schema_registry_metrics=False)["metrics"].status == "skipped"


def test_what_guards_and_names_it_is_looked_for_where_it_can_be(seen, measured):
    seen.objects["service_monitors"], seen.unread["service_monitors"] = [], f"{NOT_SERVED} ServiceMonitor"
    seen.objects["policies"], seen.unread["policies"] = [], "HTTP 403"
    assert not_passed(measured(seen)) == {"service_monitor": "skipped", "network_policy": "blocked"}
    switched_off = measured(seen, schema_registry_network_policy=False)
    assert switched_off["network_policy"].status == "skipped"
