# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The criteria of the PostgreSQL cluster on objects as the API server gives them: met, and each not met."""

from __future__ import annotations

from typing import Any

import cnpg_objects as objects
import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import NOT_SERVED, Seen
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import cnpg
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record
from ansible_collections.synergyflow.platform.plugins.module_utils.readiness import judge
from failing import fails

ZONE = "topology.kubernetes.io/zone"
NAME = objects.NAME


def deployment(name: str, image: str, replicas: int) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "generation": 1},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"image": image}]}}},
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "availableReplicas": replicas,
            "readyReplicas": replicas,
        },
    }


def pod(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{NAME}-{number}", "labels": {"synergyflow.platform/run-by": "process-node"}},
        "spec": {"nodeName": f"node-{number}", "containers": [{"name": "postgres"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


@pytest.fixture
def seen() -> Seen:
    numbers = (1, 2, 3)
    return Seen(
        {
            "operators": [deployment("cnpg", "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0", 1)],
            "clusters": [objects.cluster()],
            "pods": [pod(number) for number in numbers],
            "claims": [
                {
                    "kind": "PersistentVolumeClaim",
                    "metadata": {"name": f"{NAME}-{number}"},
                    "spec": {"storageClassName": "rook-ceph-block"},
                    "status": {"phase": "Bound"},
                }
                for number in numbers
            ],
            "budgets": [
                {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"cnpg.io/cluster": NAME}}}}
                for name in (NAME, f"{NAME}-primary")
            ],
            "databases": [
                {
                    "apiVersion": objects.API,
                    "kind": "Database",
                    "metadata": {"name": "x", "generation": 1},
                    "spec": {"cluster": {"name": NAME}, "name": "synergyflow"},
                    "status": {
                        "observedGeneration": 1,
                        "applied": True,
                        "extensions": [{"name": "pg_trgm", "applied": True}],
                    },
                }
            ],
            "poolers": [
                {
                    "apiVersion": objects.API,
                    "kind": "Pooler",
                    "metadata": {"name": f"{NAME}-pooler-rw"},
                    "spec": {"instances": 2},
                    "status": {"instances": 2, "phase": "active"},
                }
            ],
            "pooler_deployments": [deployment(f"{NAME}-pooler-rw", "pgbouncer:1", 2)],
            "external_secrets": [
                {
                    "apiVersion": "external-secrets.io/v1",
                    "kind": "ExternalSecret",
                    "metadata": {"name": f"{NAME}-{what}", "generation": 1},
                    "status": {"conditions": [objects.condition("Ready")], "syncedResourceVersion": "1-abc"},
                }
                for what in ("app", "check", "s3")
            ],
            "nodes": [
                {
                    "metadata": {"name": f"node-{number}", "labels": {ZONE: f"zone-{number}"}},
                    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                }
                for number in numbers
            ],
        }
    )


def measured(values: dict[str, Any], seen: Seen, metrics: Any = None) -> dict[str, Record]:
    answers = {found["metadata"]["name"]: "# TYPE cnpg_up gauge" for found in seen["pods"]}
    return {record.id: record for record in cnpg.records(values, seen, answers if metrics is None else metrics)}


def test_a_good_cluster_meets_every_criterion(values, seen):
    records = measured(values, seen)
    assert {record.status for record in records.values()} == {"passed"}, records
    assert records["cnpg.operator"].observed == "CloudNativePG 1.30.0, ready"
    assert records["cnpg.cluster"].stand_in == ["process-node"]


def failed(values: dict[str, Any], seen: Seen) -> dict[str, str]:
    """The criteria that are not met, with what they say."""
    records = measured(values, seen).values()
    return {record.id: f"{record.observed}: {record.detail}" for record in records if record.status == "failed"}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"phase": "Failing over"}, "Failing over"),
        ({"readyInstances": 2}, "2 of 3 instances are ready"),
        ({"targetPrimary": f"{NAME}-2"}, "the primary moves"),
        ({"image": "ghcr.io/cloudnative-pg/postgresql:16.6"}, "runs ghcr.io/cloudnative-pg/postgresql:16.6"),
    ],
)
def test_a_cluster_that_is_not_healthy_says_why(values, seen, status, words):
    seen.objects["clusters"] = [objects.cluster(**status)]
    assert set(failed(values, seen)) == {"cnpg.cluster"}
    fails(measured(values, seen), "cnpg.cluster", words)


def test_a_cluster_that_sleeps_serves_nobody(values, seen):
    asleep = [objects.condition("cnpg.io/hibernation", reason="Hibernated")]
    seen.objects["clusters"] = [objects.cluster(conditions=asleep)]
    assert judge(seen["clusters"][0]).done, "it is as it was asked to be"
    fails(measured(values, seen), "cnpg.cluster", "hibernated, postgresql:16.15-system-trixie instead of ready")


def test_no_cluster_and_no_operator(values, seen):
    seen.objects |= {"clusters": [], "operators": []}
    records = measured(values, seen)
    fails(records, "cnpg.cluster", "there is no Cluster synergyflow-db")
    fails(records, "cnpg.operator", "no Deployment")
    assert records["cnpg.roles"].status == "blocked"
    away = deployment("cnpg", "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0", 0)
    seen.objects["operators"] = [away]
    fails(measured(values, seen), "cnpg.operator", "CloudNativePG 1.30.0, progressing instead of ready")


def test_each_other_criterion_can_fail(values, seen):
    seen["claims"][0]["status"]["phase"] = "Pending"
    seen["nodes"][2]["metadata"]["labels"][ZONE] = "zone-4"
    seen["pods"][2]["status"]["conditions"][0]["status"] = "False"
    seen["budgets"].pop()
    seen["external_secrets"][2]["status"]["conditions"] = [
        objects.condition("Ready", "False", reason="SecretSyncedError", message="no such path")
    ]
    seen["databases"][0]["status"]["extensions"][0] |= {"applied": False, "message": "not available"}
    seen["pooler_deployments"][0]["status"]["readyReplicas"] = 1
    roles = {"byStatus": {"pending-reconciliation": ["platform-check"]}, "cannotReconcile": {}}
    seen.objects["clusters"] = [objects.cluster(managedRolesStatus=roles)]
    assert len(failed(values, seen)) == 8
    for identity, words in (
        ("cnpg.instances", "2 instead of 3"),
        ("cnpg.storage", "Pending"),
        ("cnpg.zones", "2 instead of 3: zone-1, zone-2"),
        ("cnpg.disruption_budget", "instead of 2"),
        ("cnpg.secrets", "no such path"),
        ("cnpg.database", "pg_trgm: not available"),
        ("cnpg.pooler", "1 instead of 2"),
        ("cnpg.roles", "pending-reconciliation"),
    ):
        fails(measured(values, seen), identity, words)


def test_what_is_switched_off_is_skipped(values, seen):
    values |= {
        "cnpg_metrics": False,
        "cnpg_pooler": False,
        "cnpg_external_secrets": False,
        "cnpg_check_user": "",
    }
    records = measured(values, seen)
    skipped = {record.id for record in records.values() if record.status == "skipped"}
    assert skipped == {f"cnpg.{what}" for what in ("metrics", "pooler", "secrets", "roles")}


def test_a_database_object_that_is_not_there(values, seen):
    """It is a failure where the role makes one, and none where the operator's release cannot keep extensions."""
    seen.objects["databases"] = []
    assert "there is no Database for synergyflow" in failed(values, seen)["cnpg.database"]
    seen.unread["databases"] = "HTTP 403"
    assert measured(values, seen)["cnpg.database"].status == "blocked"
    seen.unread["databases"] = f"{NOT_SERVED} Database"
    assert measured(values, seen)["cnpg.database"].status == "skipped"
    del seen.unread["databases"]
    seen.objects["operators"] = [deployment("cnpg", "ghcr.io/cloudnative-pg/cloudnative-pg:1.25.0", 1)]
    assert measured(values, seen)["cnpg.database"].status == "skipped"


def test_metrics_that_a_stand_in_does_not_have_are_no_failure(values, seen):
    silent = {found["metadata"]["name"]: ConnectionError("refused") for found in seen["pods"]}
    assert measured(values, seen, silent)["cnpg.metrics"].status == "blocked"
    for found in seen["pods"]:
        found["metadata"]["labels"] = {}
    fails(measured(values, seen, silent), "cnpg.metrics", f"{NAME}-1: refused")


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        ("Pooler", {"phase": "inactive", "phaseReason": "no Secret", "instances": 2}, "progressing"),
        ("Pooler", {"phase": "failed", "phaseReason": "bad"}, "failing"),
        ("Pooler", {"phase": "paused"}, "ready"),
        ("ScheduledBackup", {"error": "bad schedule"}, "failing"),
        ("ScheduledBackup", {}, "exists"),
        ("ObjectStore", {"serverRecoveryWindow": {}}, "exists"),
        ("Cluster", {"phase": "Invalid cluster definition"}, "failing"),
        ("Cluster", {"phase": "Cluster is unrecoverable and needs manual intervention"}, "failed"),
    ],
)
def test_when_its_kinds_are_ready(kind, status, state):
    group = "barmancloud.cnpg.io/v1" if kind == "ObjectStore" else objects.API
    assert judge({"apiVersion": group, "kind": kind, "metadata": {"name": "x"}, "status": status}).state == state
