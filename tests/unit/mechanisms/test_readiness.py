# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on objects as they look on real clusters."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key
from ansible_collections.synergyflow.platform.plugins.module_utils.readiness import Verdict, has_health, judge, worse
from ansible_collections.synergyflow.platform.plugins.module_utils.ready_rules import predicate_for, read_rules

STRIMZI = "kafka.strimzi.io/v1"
CNPG = "postgresql.cnpg.io/v1"
VOLSYNC = "volsync.backube/v1alpha1"
FLUX = "kustomize.toolkit.fluxcd.io/v1"
ESO = "external-secrets.io/v1"
GATEWAY = "gateway.networking.k8s.io/v1"
SNAPSHOT = "snapshot.storage.k8s.io/v1"


def live(
    kind: str, api_version: str, status: Any = None, spec: Any = None, generation: int = 3, **metadata: Any
) -> Any:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "namespace": "n", "generation": generation, **metadata},
        "spec": spec or {},
        "status": status,
    }


def cond(type_: str, status: str = "True", reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def seen(*conditions: dict[str, str], generation: int = 3, **more: Any) -> dict[str, Any]:
    return {"observedGeneration": generation, "conditions": list(conditions), **more}


ROLLED = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}
LISTENERS = {"listeners": [{"name": "tls"}]}
HEALTHY = {"phase": "Cluster in healthy state", "readyInstances": 3, "currentPrimary": "x-1", "targetPrimary": "x-1"}
SYNCED = {"conditions": [cond("Synchronizing", "False", "WaitingForManual")]}

CASES: list[tuple[str, Any, str, str]] = [
    # a word on the case, the object, the state, what the reason says
    ("rolled out", live("Deployment", "apps/v1", seen(**ROLLED), {"replicas": 2}), "ready", "2 of 2"),
    (
        "old status",
        live("Deployment", "apps/v1", seen(generation=2, **ROLLED), {"replicas": 2}),
        "progressing",
        "waiting for generation 3, seen 2",
    ),
    ("no status", live("Deployment", "apps/v1", None, {"replicas": 2}), "progressing", "seen none"),
    (
        "old pods",
        live("Deployment", "apps/v1", seen(**{**ROLLED, "replicas": 3}), {"replicas": 2}),
        "progressing",
        "1 old replicas",
    ),
    ("none wanted", live("Deployment", "apps/v1", seen(), {"replicas": 0}), "ready", "0 of 0"),
    ("one by default", live("Deployment", "apps/v1", seen(updatedReplicas=1, replicas=1), {}), "progressing", "0 of 1"),
    (
        "gave up",
        live("Deployment", "apps/v1", seen(cond("Progressing", "False", "ProgressDeadlineExceeded", "late"))),
        "failing",
        "ProgressDeadlineExceeded: late",
    ),
    (
        "quota",
        live("Deployment", "apps/v1", seen(cond("ReplicaFailure", "True", "FailedCreate", "exceeded quota"))),
        "failing",
        "exceeded quota",
    ),
    (
        "sts behind",
        live(
            "StatefulSet",
            "apps/v1",
            seen(**{**ROLLED, "updatedReplicas": 1}, currentRevision="a", updateRevision="b"),
            {"replicas": 2},
        ),
        "progressing",
        "1 of 2",
    ),
    (
        "sts partition",
        live(
            "StatefulSet",
            "apps/v1",
            seen(**{**ROLLED, "updatedReplicas": 1}, currentRevision="a", updateRevision="b"),
            {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
        ),
        "ready",
        "",
    ),
    (
        "sts on delete",
        live(
            "StatefulSet",
            "apps/v1",
            seen(readyReplicas=2, currentRevision="a", updateRevision="b"),
            {"replicas": 2, "updateStrategy": {"type": "OnDelete"}},
        ),
        "ready",
        "",
    ),
    (
        "daemons",
        live("DaemonSet", "apps/v1", seen(desiredNumberScheduled=3, updatedNumberScheduled=3, numberAvailable=2)),
        "progressing",
        "2 of 3 pods are available",
    ),
    ("job done", live("Job", "batch/v1", {"conditions": [cond("Complete")]}), "ready", "complete"),
    (
        "job failed",
        live("Job", "batch/v1", {"conditions": [cond("Failed", "True", "BackoffLimitExceeded", "6 times")]}),
        "failed",
        "BackoffLimitExceeded",
    ),
    (
        "pod crashes",
        live(
            "Pod",
            "v1",
            {
                "phase": "Running",
                "containerStatuses": [
                    {"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}}
                ],
            },
        ),
        "failing",
        "container c CrashLoopBackOff: back-off 10s",
    ),
    (
        "pod bad image",
        live(
            "Pod",
            "v1",
            {
                "phase": "Pending",
                "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "InvalidImageName"}}}],
            },
        ),
        "failed",
        "InvalidImageName",
    ),
    (
        "pod unschedulable",
        live(
            "Pod",
            "v1",
            {"phase": "Pending", "conditions": [cond("PodScheduled", "False", "Unschedulable", "no nodes")]},
        ),
        "progressing",
        "no nodes",
    ),
    ("pod ended", live("Pod", "v1", {"phase": "Succeeded"}), "ready", "completed"),
    ("claim bound", live("PersistentVolumeClaim", "v1", {"phase": "Bound"}), "ready", ""),
    ("claim lost", live("PersistentVolumeClaim", "v1", {"phase": "Lost"}), "failed", ""),
    (
        "namespace goes",
        live("Namespace", "v1", {"phase": "Terminating"}, deletionTimestamp="2026-01-01T00:00:00Z"),
        "progressing",
        "being deleted",
    ),
    (
        "crd",
        live(
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1",
            {"conditions": [cond("NamesAccepted"), cond("Established")]},
        ),
        "ready",
        "",
    ),
    (
        "crd name clash",
        live(
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1",
            {"conditions": [cond("NamesAccepted", "False", "PluralConflict", "taken")]},
        ),
        "failed",
        "taken",
    ),
    ("load balancer", live("Service", "v1", {"loadBalancer": {}}, {"type": "LoadBalancer"}), "progressing", "address"),
    ("service", live("Service", "v1", {"loadBalancer": {}}, {"type": "ClusterIP"}), "exists", ""),
    ("config map", live("ConfigMap", "v1"), "exists", ""),
    ("role", live("Role", "rbac.authorization.k8s.io/v1"), "exists", ""),
    # Strimzi: upstream facts, section 1 and 9
    ("kafka", live("Kafka", STRIMZI, seen(cond("Ready"), **LISTENERS)), "ready", ""),
    ("kafka without listeners", live("Kafka", STRIMZI, seen(cond("Ready"))), "progressing", "listeners"),
    ("kafka old", live("Kafka", STRIMZI, seen(cond("Ready"), generation=2, **LISTENERS)), "progressing", "seen 2"),
    ("kafka no status", live("Kafka", STRIMZI), "progressing", "seen none"),
    (
        "kafka pods",
        live("Kafka", STRIMZI, seen(cond("NotReady", "True", "FatalProblem", "Pod is unschedulable"))),
        "failing",
        "NotReady FatalProblem: Pod is unschedulable",
    ),
    (
        "kafka new",
        live("Kafka", STRIMZI, seen(cond("NotReady", "True", "Creating", "Kafka cluster is being deployed"))),
        "progressing",
        "being deployed",
    ),
    (
        "pool new",
        live("KafkaNodePool", STRIMZI, seen(cond("NotReady", "True", "Creating", "x"), nodeIds=[])),
        "progressing",
        "Creating",
    ),
    (
        "kafka version",
        live("Kafka", STRIMZI, seen(cond("NotReady", "True", "UnsupportedKafkaVersionException", "3.8.1"))),
        "failed",
        "UnsupportedKafkaVersionException: 3.8.1",
    ),
    (
        "kafka paused",
        live("Kafka", STRIMZI, seen(cond("ReconciliationPaused"), cond("Ready"), **LISTENERS)),
        "failing",
        "paused",
    ),
    ("pool", live("KafkaNodePool", STRIMZI, seen(nodeIds=[0, 1, 2]), {"replicas": 3}), "ready", ""),
    ("pool grows", live("KafkaNodePool", STRIMZI, seen(nodeIds=[0, 1]), {"replicas": 3}), "progressing", "2 of 3"),
    (
        "pod set",
        live("StrimziPodSet", "core.strimzi.io/v1", seen(pods=2, currentPods=2, readyPods=1), {"pods": [{}, {}]}),
        "progressing",
        "1 of 2 pods are ready",
    ),
    ("topic", live("KafkaTopic", STRIMZI, seen(cond("Ready"))), "ready", ""),
    (
        "topic error",
        live("KafkaTopic", STRIMZI, seen(cond("Ready", "False", "KafkaError", "timeout"))),
        "failing",
        "KafkaError: timeout",
    ),
    (
        "topic not supported",
        live("KafkaTopic", STRIMZI, seen(cond("Ready", "False", "NotSupported", "fewer"))),
        "failed",
        "fewer",
    ),
    ("topic unmanaged", live("KafkaTopic", STRIMZI, seen(cond("Unmanaged"))), "ready", "not managed"),
    (
        "user",
        live("KafkaUser", STRIMZI, seen(cond("NotReady", "True", "InvalidResourceException", "acl"))),
        "failed",
        "acl",
    ),
    # CloudNativePG
    ("pg", live("Cluster", CNPG, {**HEALTHY, "conditions": [cond("Ready")]}, {"instances": 3}), "ready", "3 of 3"),
    (
        "pg scales",
        live("Cluster", CNPG, {**HEALTHY, "conditions": [cond("Ready")]}, {"instances": 4}),
        "progressing",
        "3 of 4",
    ),
    (
        "pg fails over",
        live("Cluster", CNPG, {**HEALTHY, "targetPrimary": "x-2", "conditions": [cond("Ready")]}, {"instances": 3}),
        "progressing",
        "x-1 to x-2",
    ),
    (
        "pg image",
        live(
            "Cluster",
            CNPG,
            {**HEALTHY, "image": "pg:16.5", "conditions": [cond("Ready")]},
            {"instances": 3, "imageName": "pg:16.6"},
        ),
        "progressing",
        "wanted pg:16.6",
    ),
    (
        "pg lost",
        live(
            "Cluster",
            CNPG,
            {"phase": "Cluster is in an unrecoverable state, needs manual intervention"},
            {"instances": 3},
        ),
        "failed",
        "unrecoverable",
    ),
    ("backup failed", live("Backup", CNPG, {"phase": "failed", "error": "no bucket"}), "failed", "no bucket"),
    ("database", live("Database", CNPG, {"applied": True, "observedGeneration": 3}), "ready", ""),
    (
        "database refused",
        live("Database", CNPG, {"applied": False, "observedGeneration": 3, "message": "no owner"}),
        "failing",
        "no owner",
    ),
    # VolSync
    ("volsync waits", live("ReplicationSource", VOLSYNC, SYNCED), "ready", "WaitingForManual"),
    ("volsync new", live("ReplicationSource", VOLSYNC), "progressing", "taken it up"),
    (
        "volsync manual",
        live("ReplicationSource", VOLSYNC, {**SYNCED, "lastManualSync": "a"}, {"trigger": {"manual": "b"}}),
        "progressing",
        "sync b",
    ),
    (
        "volsync mover",
        live(
            "ReplicationSource",
            VOLSYNC,
            {**SYNCED, "latestMoverStatus": {"result": "Failed", "logs": "one\ntwo\nFatal: wrong password"}},
            {"trigger": {"manual": "b"}},
        ),
        "failing",
        "wrong password",
    ),
    # Flux
    ("flux", live("Kustomization", FLUX, seen(cond("Ready", message="Applied main@sha1:1"))), "ready", "Applied"),
    ("flux old", live("Kustomization", FLUX, seen(cond("Ready"), generation=2)), "progressing", "generation 3"),
    (
        "flux waits",
        live("Kustomization", FLUX, seen(cond("Ready", "False", "DependencyNotReady", "dep"))),
        "progressing",
        "dep",
    ),
    (
        "flux failed",
        live("Kustomization", FLUX, seen(cond("Ready", "False", "BuildFailed", "bad yaml"))),
        "failing",
        "bad yaml",
    ),
    (
        "flux stalled",
        live("Kustomization", FLUX, seen(cond("Stalled", "True", "X", "y"), cond("Ready", "False"))),
        "failed",
        "Stalled X: y",
    ),
    ("flux suspended", live("Kustomization", FLUX, seen(cond("Ready")), {"suspend": True}), "ready", "suspended"),
    (
        "flux suspended, old",
        live("Kustomization", FLUX, seen(cond("Ready"), generation=1), {"suspend": True}),
        "failing",
        "suspended",
    ),
    ("oci repository", live("HelmRepository", "source.toolkit.fluxcd.io/v1", None, {"type": "oci"}), "exists", ""),
    # External Secrets
    (
        "secret",
        live("ExternalSecret", ESO, {"conditions": [cond("Ready")], "syncedResourceVersion": "3-abc"}),
        "ready",
        "",
    ),
    (
        "secret old",
        live("ExternalSecret", ESO, {"conditions": [cond("Ready")], "syncedResourceVersion": "2-abc"}),
        "progressing",
        "generation 3, synced 2",
    ),
    (
        "secret missing",
        live("ExternalSecret", ESO, {"conditions": [cond("Ready", "False", "SecretSyncedError", "404")]}),
        "failing",
        "404",
    ),
    # conventions
    ("thing", live("Thing", "example.com/v1", seen(cond("Ready"))), "ready", ""),
    ("thing old", live("Thing", "example.com/v1", seen(cond("Ready"), generation=1)), "progressing", "seen 1"),
    (
        "thing false",
        live("Thing", "example.com/v1", seen(cond("Ready", "False", "Why", "because"))),
        "progressing",
        "Why: because",
    ),
    ("gateway", live("Gateway", GATEWAY, seen(cond("Accepted"), cond("Programmed"))), "ready", ""),
    (
        "gateway without address",
        live("Gateway", GATEWAY, seen(cond("Accepted"), cond("Programmed", "False", "AddressNotAssigned", "none"))),
        "progressing",
        "AddressNotAssigned: none",
    ),
    # external-snapshotter
    ("snapshot", live("VolumeSnapshot", SNAPSHOT, {"readyToUse": True}), "ready", ""),
    ("snapshot is made", live("VolumeSnapshot", SNAPSHOT, {"readyToUse": False}), "progressing", "not ready to use"),
    ("snapshot new", live("VolumeSnapshot", SNAPSHOT), "progressing", "not ready to use"),
    (
        "snapshot fails",
        live("VolumeSnapshot", SNAPSHOT, {"readyToUse": False, "error": {"message": "no such class"}}),
        "failing",
        "no such class",
    ),
    ("snapshot class", live("VolumeSnapshotClass", SNAPSHOT), "exists", ""),
    ("thing without status", live("Thing", "example.com/v1"), "exists", ""),
]


@pytest.mark.parametrize(("it", "state", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_verdict(it: Any, state: str, said: str) -> None:
    verdict = judge(it)
    assert (verdict.state, said in verdict.reason) == (state, True), verdict


@pytest.mark.parametrize("it", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_being_deleted_is_never_ready(it: Any) -> None:
    going = {**it, "metadata": {**it["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]}}
    verdict = judge(going)
    assert not verdict.done
    assert "a/b" in verdict.reason


@pytest.mark.parametrize("kind", ["Kafka", "KafkaTopic", "KafkaUser", "KafkaNodePool"])
def test_an_empty_object_of_strimzi_is_not_ready(kind: str) -> None:
    assert judge(live(kind, STRIMZI)).state == "progressing"


def test_kinds_without_health() -> None:
    assert not has_health("", "Secret")
    assert not has_health("rbac.authorization.k8s.io", "ClusterRole")
    assert not has_health("storage.k8s.io", "StorageClass")
    assert has_health("", "Pod")
    assert has_health("example.com", "Thing")
    assert has_health("gateway.networking.k8s.io", "HTTPRoute")


def test_pods_add_to_a_verdict_but_never_mend_it() -> None:
    moving = Verdict("progressing", "0 of 1")
    assert worse(moving, None) == moving
    assert worse(moving, Verdict("failing", "no image"))[:2] == ("failing", "0 of 1; no image")
    assert worse(Verdict("failed", "x"), Verdict("progressing", "y"))[:2] == ("failed", "x")


RULES = [
    {
        "kind": "Thing",
        "ready": "status.phase == 'Done'",
        "failed": "status.phase == 'Broken'",
        "message": "status.text",
    },
    {"kind": "Thing", "name": "special", "ready": "status.items"},
]


@pytest.mark.parametrize(
    ("name", "status", "verdict"),
    [
        ("x", {"phase": "Done", "text": "fine"}, ("ready", "fine")),
        ("x", {"phase": "Broken", "text": "bad"}, ("failed", "bad")),
        ("x", {"phase": "Doing"}, ("progressing", "not true yet: status.phase == 'Done'")),
        ("special", {"items": []}, ("progressing", "not true yet: status.items")),
        ("special", {"items": [1]}, ("ready", "")),
    ],
)
def test_rules(name: str, status: Any, verdict: tuple[str, str]) -> None:
    rule = predicate_for(Key("example.com", "Thing", "n", name), read_rules(RULES))
    assert rule is not None
    assert judge(live("Thing", "example.com/v1", status), rule)[:2] == verdict


def test_rules_do_not_reach_other_kinds() -> None:
    assert predicate_for(Key("example.com", "Other", "n", "x"), read_rules(RULES)) is None


def test_a_rule_that_is_no_expression_is_refused() -> None:
    with pytest.raises(ClusterError, match=r"number 1: ready is no JMESPath"):
        read_rules([{"kind": "Thing", "ready": "status..phase ="}])
