# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's criteria, each met and not met."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import backend_secrets
from ansible_collections.synergyflow.platform.plugins.module_utils.backend_kafka import KafkaLogin
from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import Seen
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import synergyflow_backend as evidence
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record
from ansible_collections.synergyflow.platform.plugins.module_utils.policy_agent import (
    Decision,
    NoDecisionError,
    read_decision,
)
from failing import fails

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
IMAGE = "monosense/synergyflow-backend:1.0.0"
CA = f"-----BEGIN CERTIFICATE-----\nQUJD\n{evidence.END}"
STAND_IN = {"synergyflow.platform/stand-in": "synergyflow-backend", "synergyflow.platform/run-by": "process-node"}
ANSWERS = [Decision(True, [], 0.4), Decision(False, ["tenant: no"], 0.5), Decision(False, ["duties: no"], 0.6)]
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def pod(name: str, node: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "synergyflow", "labels": STAND_IN},
        "spec": {"nodeName": node, "containers": [{"name": "backend"}, {"name": "opa"}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": "backend", "state": {"running": {"startedAt": "2026-11-21T11:00:00Z"}}}],
            **READY,
        },
    }


def node(name: str, zone: str) -> dict[str, Any]:
    return {"kind": "Node", "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone}}}


def named(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, **more}


@pytest.fixture
def seen() -> Seen:
    containers = [{"name": "backend", "image": IMAGE}, {"name": "opa", "image": "opa"}]
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "synergyflow-backend", "generation": 1},
        "spec": {"replicas": 3, "template": {"spec": {"containers": containers}}},
        "status": {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3},
    }
    secret = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "status": READY}
    endpoint = {"port": "http", "path": "/actuator/prometheus"}
    return Seen(
        {
            "deployments": [deployment],
            "pods": [pod("a", "node-a"), pod("b", "node-b"), pod("c", "node-c")],
            "external_secrets": [{**secret, "metadata": {"name": f"s{number}"}} for number in range(3)],
            "service_monitors": [named("ServiceMonitor", "m", spec={"endpoints": [endpoint]})],
            "policies": [named("NetworkPolicy", "p")],
            "budgets": [named("PodDisruptionBudget", "p")],
            "config_maps": [named("ConfigMap", "synergyflow-backend-kafka-ca", data={"ca.crt": CA})],
            "nodes": [node("node-a", "a"), node("node-b", "b"), node("node-c", "c")],
        }
    )


MEASURED = evidence.Measured(
    login=KafkaLogin(ca=CA, same_password=True),
    secrets_written=NOW - timedelta(hours=1),
    asked={name: evidence.Asked(list(ANSWERS), [0.5] * 20) for name in "abc"},
    metrics=dict.fromkeys("abc", "# TYPE jvm_memory_used_bytes gauge\n"),
)


def by_id(
    values: dict[str, Any], seen: Seen, measured: evidence.Measured = MEASURED, days: int = 300
) -> dict[str, Record]:
    found = evidence.records(values, seen, measured, lambda pem: NOW + timedelta(days=days), NOW)
    return {record.id.partition(".")[2]: record for record in found}


def test_all_is_well(backend_values, seen):
    records = by_id(backend_values, seen)
    assert {record.status for record in records.values()} == {"passed"}
    assert records["decisions"].observed == 9
    assert records["spread"].observed == "3 nodes, 3 zones"
    assert records["policy_latency"].observed == 0.5
    assert records["decisions"].stand_in == ["process-node", "synergyflow-backend"]


def test_no_deployment_or_another_image(backend_values, seen):
    assert by_id(backend_values, Seen({}))["deployment"].status == "failed"
    backend_values["synergyflow_backend_image"] = "monosense/synergyflow-backend:1.0.1"
    fails(by_id(backend_values, seen), "synergyflow_backend.deployment", f"{IMAGE}, ready instead of")


def test_nobody_serves_where_the_deployment_is_scaled_to_nothing(backend_values, seen):
    seen["deployments"][0]["spec"]["replicas"] = 0
    seen["deployments"][0]["status"] = {"observedGeneration": 1}
    fails(by_id(backend_values, seen), "synergyflow_backend.deployment", "it is scaled to 0 replicas")


def test_a_pod_that_is_not_there_or_gives_no_metrics(backend_values, seen):
    for each in seen["pods"]:
        each["metadata"]["labels"] = {}
    seen["pods"].pop()
    records = by_id(
        backend_values, seen, replace(MEASURED, metrics={"a": MEASURED.metrics["a"], "b": OSError("refused")})
    )
    fails(records, "synergyflow_backend.pods", "2 instead of 3")
    fails(records, "synergyflow_backend.metrics", "b: refused")


def test_pods_that_share_a_node_or_a_zone(backend_values, seen):
    for each in seen["pods"]:
        each["spec"]["nodeName"] = "node-a"
    fails(by_id(backend_values, seen), "synergyflow_backend.spread", "1 node")
    seen["pods"][0]["spec"]["nodeName"] = "node-b"
    assert by_id(backend_values, seen)["spread"].status == "passed"
    for each in seen["nodes"][:2]:
        each["metadata"]["labels"]["topology.kubernetes.io/zone"] = "a"
    assert by_id(backend_values, seen)["spread"].status == "failed", "zone c has none of them"
    seen.objects["nodes"] = seen["nodes"][:1]
    assert by_id(backend_values, seen)["spread"].status == "passed", "one node is all there is"


def test_a_secret_that_did_not_come_says_why(backend_values, seen):
    why = {"type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": "no such path"}
    seen["external_secrets"][1]["status"] = {"conditions": [why]}
    words = "2 instead of 3: s1: Ready SecretSyncedError: no such path"
    fails(by_id(backend_values, seen), "synergyflow_backend.secrets", words)
    seen.objects["external_secrets"] = []
    assert by_id(backend_values, seen)["secrets"].status == "failed"
    backend_values["synergyflow_backend_external_secrets"] = False
    assert by_id(backend_values, seen)["secrets"].status == "skipped"


def test_pods_that_started_before_a_secret_changed(backend_values, seen):
    later = replace(MEASURED, secrets_written=NOW - timedelta(minutes=59))
    records = by_id(backend_values, seen, later)
    fails(records, "synergyflow_backend.secrets_taken_up", "0 instead of 3")
    fails(records, "synergyflow_backend.secrets_taken_up", "site.yml restarts them")
    seen["pods"][0]["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = "2026-11-21T11:30:00Z"
    assert by_id(backend_values, seen, later)["secrets_taken_up"].observed == 1
    assert by_id(backend_values, seen, replace(MEASURED, secrets_written=None))["secrets_taken_up"].status == "blocked"


def test_what_the_pods_are_restarted_for(seen):
    def secret(time: str, field: str = "f:data") -> dict[str, Any]:
        return {"metadata": {"managedFields": [{"time": time, "fieldsV1": {field: {}}}]}}

    old, new = secret("2026-11-21T10:00:00Z"), secret("2026-11-21T11:00:01Z")
    deployment: dict[str, Any] = {"spec": {"template": {"metadata": {"annotations": {}}}}}
    assert backend_secrets.restart_for(deployment, seen["pods"], [old]) == ""
    assert backend_secrets.restart_for(deployment, seen["pods"], [old, new]) == "2026-11-21T11:00:01Z"
    assert backend_secrets.restart_for(deployment, seen["pods"], [secret("2026-11-21T12:00:00Z", "f:metadata")]) == ""
    assert backend_secrets.restart_for(deployment, seen["pods"], [new], "schema-registry") == "", "no such container"
    assert backend_secrets.restart_for(None, [], [new]) == "", "before the first pod there is nothing to restart"
    # once they were, it is kept: taking it away would restart them again
    deployment["spec"]["template"]["metadata"]["annotations"][backend_secrets.ANNOTATION] = "2026-11-20T00:00:00Z"
    assert backend_secrets.restart_for(deployment, seen["pods"], [old]) == "2026-11-20T00:00:00Z"


def test_an_authority_that_was_renewed_or_soon_ends(backend_values, seen):
    renewed = replace(MEASURED, login=replace(MEASURED.login, ca=CA.replace("QUJD", "REVG")))
    fails(by_id(backend_values, seen, renewed), "synergyflow_backend.kafka_ca", "run site.yml again")
    assert by_id(backend_values, seen, days=29)["kafka_ca"].status == "failed"
    unread = replace(MEASURED, login=KafkaLogin(unread="forbidden"))
    assert by_id(backend_values, seen, unread)["kafka_ca"].status == "blocked"
    gone = replace(MEASURED, login=KafkaLogin())
    assert by_id(backend_values, seen, gone)["kafka_ca"].status == "failed"
    seen.objects["config_maps"] = []
    assert by_id(backend_values, seen)["kafka_ca"].status == "failed"


def test_different_passwords(backend_values, seen):
    different = replace(MEASURED, login=replace(MEASURED.login, same_password=False))
    records = by_id(backend_values, seen, different)
    fails(records, "synergyflow_backend.kafka_password", "different instead of")
    fails(records, "synergyflow_backend.kafka_password", "force-sync")
    own = {"kind": "KafkaUser", "spec": {"authentication": {"type": "scram-sha-512"}}}
    made = replace(MEASURED, login=replace(MEASURED.login, same_password=False, user=own))
    assert "kafka_cluster_vault_users" in by_id(backend_values, seen, made)["kafka_password"].detail
    unknown = replace(MEASURED.login, same_password=None)
    assert by_id(backend_values, seen, replace(MEASURED, login=unknown))["kafka_password"].status == "failed"
    unread = replace(unknown, unread="secrets is forbidden")
    record = by_id(backend_values, seen, replace(MEASURED, login=unread))["kafka_password"]
    assert (record.status, record.stand_in) == ("blocked", []), "a stand-in is no excuse for what may not be read"


def test_a_sidecar_that_decides_wrongly_or_not_at_all(backend_values, seen):
    wrong = [Decision(True), Decision(True), Decision(False)]
    asked = {**MEASURED.asked, "b": evidence.Asked(wrong, [0.5]), "c": evidence.Asked(error="it does not answer")}
    records = by_id(backend_values, seen, replace(MEASURED, asked=asked))
    for words in (
        "5 instead of 9",
        "b: an agent does not update an incident of another tenant: allowed",
        "c: it does not answer",
    ):
        fails(records, "synergyflow_backend.decisions", words)
    assert by_id(backend_values, seen, replace(MEASURED, asked={}))["decisions"].status == "blocked"
    backend_values["synergyflow_backend_policy_checks"] = []
    assert by_id(backend_values, seen, replace(MEASURED, asked={}))["decisions"].status == "skipped"


def test_a_slow_sidecar(backend_values, seen):
    asked = {"a": evidence.Asked(list(ANSWERS), [1.0] * 18 + [30.0] * 2)}
    records = by_id(backend_values, seen, replace(MEASURED, asked=asked))
    fails(records, "synergyflow_backend.policy_latency", "30.0 instead of <")
    assert by_id(backend_values, seen, replace(MEASURED, asked={}))["policy_latency"].status == "blocked"


def test_what_guards_and_what_is_scraped(backend_values, seen):
    seen.objects["policies"] = []
    seen["service_monitors"][0]["spec"]["endpoints"][0]["path"] = "/metrics"
    records = by_id(backend_values, seen)
    fails(records, "synergyflow_backend.guarded", "PodDisruptionBudget instead of NetworkPolicy, PodDisruptionBudget")
    fails(records, "synergyflow_backend.service_monitor", "/metrics instead of /actuator/prometheus")
    seen.unread["service_monitors"] = "the cluster does not serve ServiceMonitor"
    assert by_id(backend_values, seen)["service_monitor"].status == "skipped"
    seen.unread["service_monitors"] = "not allowed: cannot list servicemonitors"
    assert by_id(backend_values, seen)["service_monitor"].status == "blocked"


def test_an_answer_of_the_policy_agent():
    answer = {"result": {"allow": False, "reasons": ["role: no"]}, "metrics": {"timer_server_handler_ns": 1_500_000}}
    assert read_decision(json.dumps(answer)) == Decision(False, ["role: no"], 1.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "no rule synergyflow.authz.decision"),
        ('{"result": {"allow": "yes"}}', "no rule"),
        ("[]", "no rule"),
        ("<html>", "not like an Open Policy Agent"),
    ],
)
def test_what_is_no_decision(text, said):
    with pytest.raises(NoDecisionError, match=said):
        read_decision(text)
