# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Criteria measured on objects as the API server gives them: met, not met, not to be measured."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.action.evidence_report import shortcomings
from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import Seen, stand_ins
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import kafka_cluster, strimzi
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.pods import metrics_record, pods_record
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record, table, tally

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STAND_IN = {"synergyflow.platform/run-by": "process-node"}


def pod(name: str, node: str = "node-a", ready: bool = True, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "messaging", "labels": labels or {}},
        "spec": {"nodeName": node, "containers": [{"name": "kafka"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"name": "kafka", "restartCount": 0, "state": {"running": {}}}],
        },
    }


KAFKA = {
    "apiVersion": "kafka.strimzi.io/v1",
    "kind": "Kafka",
    "metadata": {"name": "synergyflow", "generation": 2},
    "spec": {"kafka": {"listeners": [{"name": "tls", "tls": True, "authentication": {"type": "scram-sha-512"}}]}},
    "status": {
        "observedGeneration": 2,
        "conditions": [{"type": "Ready", "status": "True"}],
        "kafkaVersion": "4.3.1",
        "kafkaMetadataVersion": "4.3-IV0",
        "listeners": [{"name": "tls", "bootstrapServers": "bootstrap:9093", "certificates": ["PEM"]}],
    },
}


def claim(number: int, storage_class: str = "rook-ceph-block", phase: str = "Bound") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"data-0-synergyflow-broker-{number}"},
        "spec": {"storageClassName": storage_class},
        "status": {"phase": phase},
    }


def user(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {"name": name, "generation": 1},
        "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
    }


@pytest.fixture
def seen() -> Seen:
    pool = {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaNodePool",
        "metadata": {"name": "broker"},
        "status": {"nodeIds": [0, 1, 2], "roles": ["controller", "broker"]},
    }
    label = "topology.kubernetes.io/zone"
    return Seen(
        copy.deepcopy(
            {
                "kafkas": [KAFKA],
                "node_pools": [pool],
                "pods": [pod(f"synergyflow-broker-{n}", f"node-{zone}") for n, zone in enumerate("abc")],
                "claims": [claim(number) for number in range(3)],
                "users": [user(name) for name in ("synergyflow-backend", "schema-registry", "platform-check")],
                "budgets": [{"metadata": {"name": "synergyflow-kafka"}, "spec": {"minAvailable": 2}}],
                "nodes": [{"metadata": {"name": f"node-{z}", "labels": {label: f"zone-{z}"}}} for z in "abc"],
            }
        )
    )


def by_id(values: dict[str, Any], seen: Seen, days: int = 300) -> dict[str, Any]:
    answers = {found["metadata"]["name"]: "# TYPE kafka_server counter" for found in seen["pods"]}
    found = kafka_cluster.records(values, seen, answers, lambda pem: NOW + timedelta(days=days), NOW)
    return {record.id: record for record in found}


def test_a_cluster_in_order(values, seen):
    found = by_id(values, seen)
    assert {record.status for record in found.values()} == {"passed"}, found
    assert found["kafka_cluster.ready"].observed == "Ready, Kafka 4.3.1"
    assert found["kafka_cluster.zones"].observed == 3


@pytest.mark.parametrize(
    ("break_it", "identity"),
    [
        (lambda seen: seen["kafkas"][0]["status"].update(kafkaVersion="4.3.0"), "kafka_cluster.ready"),
        (lambda seen: seen["kafkas"][0]["status"].update(observedGeneration=1), "kafka_cluster.ready"),
        (lambda seen: seen["pods"].pop(), "kafka_cluster.brokers"),
        (lambda seen: seen["node_pools"][0]["status"].update(nodeIds=[0]), "kafka_cluster.controllers"),
        (lambda seen: seen["claims"][0]["spec"].update(storageClassName="slow"), "kafka_cluster.storage"),
        (lambda seen: seen["claims"][0]["status"].update(phase="Pending"), "kafka_cluster.storage"),
        (lambda seen: seen["kafkas"][0]["spec"]["kafka"]["listeners"][0].update(tls=False), "kafka_cluster.listener"),
        (lambda seen: [p["spec"].update(nodeName="node-a") for p in seen["pods"]], "kafka_cluster.zones"),
        (lambda seen: seen["budgets"].clear(), "kafka_cluster.disruption_budget"),
        (lambda seen: seen["users"].pop(), "kafka_cluster.users"),
    ],
)
def test_what_is_not_met(values, seen, break_it, identity):
    break_it(seen)
    assert by_id(values, seen)[identity].status == "failed"


def test_a_failed_kafka_is_told_with_strimzis_words(values, seen):
    condition = {"type": "NotReady", "status": "True", "reason": "FatalProblem", "message": "Pod is unschedulable"}
    seen["kafkas"][0]["status"]["conditions"] = [condition]
    record = by_id(values, seen)["kafka_cluster.ready"]
    assert record.status == "failed"
    assert "FatalProblem: Pod is unschedulable" in record.detail


def test_certificates_that_run_out(values, seen):
    assert by_id(values, seen, days=10)["kafka_cluster.certificates"].status == "failed"
    assert by_id(values, seen, days=31)["kafka_cluster.certificates"].status == "passed"


def test_nothing_there_is_failed_or_blocked_never_passed(values):
    found = by_id(values, Seen({}, {"kafkas": "the cluster does not serve Kafka"}))
    assert {record.status for record in found.values()} <= {"failed", "blocked"}
    assert "does not serve Kafka" in found["kafka_cluster.ready"].detail


def test_what_is_switched_off_is_skipped(values, seen):
    values |= {"kafka_cluster_rack_topology_key": "", "kafka_cluster_metrics": False}
    found = by_id(values, seen)
    assert found["kafka_cluster.zones"].status == "skipped"
    assert found["kafka_cluster.metrics"].status == "skipped"


def test_pods():
    assert pods_record("x", "x", [pod("a"), pod("b", ready=False)], 2).status == "failed"
    assert pods_record("x", "x", [], None).status == "failed", "no pod at all is not well"
    assert pods_record("x", "x", [pod("a")], None).status == "passed"


def test_metrics_of_real_pods_fail_and_of_stand_ins_cannot_be_measured():
    silent: dict[str, Any] = {"a": TimeoutError("no answer")}
    assert metrics_record("x", "x", [pod("a")], silent).status == "failed"
    assert metrics_record("x", "x", [pod("a", labels=STAND_IN)], silent).status == "blocked"
    assert metrics_record("x", "x", [pod("a", labels=STAND_IN)], {"a": "# TYPE x counter"}).status == "passed"
    assert metrics_record("x", "x", [pod("a")], {"a": "<html>"}).status == "failed"


def test_only_errors_of_the_last_minutes_count():
    text = "\n".join(
        [
            "2026-11-21T11:00:00.1Z 2026-11-21 11:00:00 ERROR Old:1 - long ago",
            "2026-11-21T11:58:00.1Z 2026-11-21 11:58:00 INFO  Main:1 - the word ERROR in a sentence",
            "2026-11-21T11:59:00.1Z 2026-11-21 11:59:00 ERROR Main:2 - now",
        ]
    )
    assert strimzi.error_lines(text, NOW) == ["2026-11-21 11:59:00 ERROR Main:2 - now"]


def test_a_log_that_cannot_be_had_is_blocked_with_the_reason():
    record = strimzi.log_clean(Seen({"pods": [pod("a")]}), {"a": RuntimeError("not served")}, NOW)
    assert record.status == "blocked"
    assert "not served" in record.detail


def test_a_log_that_is_read_in_part_is_blocked_unless_that_part_has_errors():
    logs: dict[str, Any] = {"a": RuntimeError("forbidden"), "b": "2026-11-21 11:59:00 INFO  Main:1 - fine"}
    record = strimzi.log_clean(Seen({"pods": [pod("a"), pod("b")]}), logs, NOW)
    assert record.status == "blocked"
    assert record.detail == "the log cannot be had: a: forbidden; no error in what was read (b)"
    logs["b"] = "2026-11-21 11:59:00 ERROR Main:1 - bad"
    assert strimzi.log_clean(Seen({"pods": [pod("a"), pod("b")]}), logs, NOW).status == "failed"


def test_kafkas_that_may_not_be_listed_are_no_proof():
    assert strimzi.reconciling(Seen({}, {"kafkas": "forbidden"})).status == "blocked"
    assert strimzi.reconciling(Seen({"kafkas": []})).status == "skipped"


def test_what_evidence_is_not_enough():
    def record(status: str, *stand_in: str) -> dict[str, Any]:
        return Record("x", "Title", status, detail="why", stand_in=list(stand_in)).plain()

    good, on = record("passed"), {"a": True, "b": True}
    assert shortcomings({"a": [], "b": []}, on) == ["nothing was measured: 0 criteria on all hosts"]
    assert shortcomings({"a": [good], "b": []}, on) == ["b: nothing was measured"]
    assert shortcomings({"a": [good], "b": []}, {"a": True, "b": False}) == []
    assert shortcomings({"a": [good, record("blocked", "process-node"), record("skipped")]}, on) == []
    assert shortcomings({"a": [record("blocked")]}, on) == ["a: Title: could not be measured: why"]
    assert shortcomings({"a": [record("failed")]}, on) == ["1 criteria were not met; the table above has them"]


def operator(version: str = "1.2.0", available: int = 1) -> dict[str, Any]:
    container = {"name": "strimzi-cluster-operator", "image": f"quay.io/strimzi/operator:{version}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "strimzi-cluster-operator", "generation": 1},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
        "status": {
            "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": available,
        },
    }  # fmt: skip


def test_the_operator(strimzi_values):
    assert strimzi.available(strimzi_values, Seen({"deployments": [operator()]})).status == "passed"
    assert strimzi.available(strimzi_values, Seen({"deployments": [operator("1.1.0")]})).status == "failed"
    assert strimzi.available(strimzi_values, Seen({"deployments": [operator(available=0)]})).status == "failed"
    assert strimzi.available(strimzi_values, Seen({})).status == "failed"


def test_the_kinds(strimzi_values, cluster):
    assert strimzi.definitions(strimzi_values, cluster["served"]).status == "passed"
    served = {**cluster["served"], "Kafka.kafka.strimzi.io": ["v1beta2"]}
    record = strimzi.definitions(strimzi_values, served)
    assert record.status == "failed"
    assert "Kafka" in record.detail


def test_stand_ins_are_named():
    assert stand_ins([pod("a", labels=STAND_IN), pod("b")]) == ["process-node"]
    assert stand_ins([pod("b")]) == []


def test_the_table_says_what_is_not_passed_and_why(values, seen):
    seen["claims"][0]["spec"]["storageClassName"] = "slow"
    seen["pods"][0]["metadata"]["labels"] = STAND_IN
    found = {"apps": [record.plain() for record in by_id(values, seen).values()]}
    text = table(found)
    assert "FAILED" in text
    assert "a: process-node" in text
    assert "data-0-synergyflow-broker-0 is Bound, class slow" in text
    assert tally(found) == {"passed": 9, "failed": 1, "skipped": 0, "blocked": 0}
