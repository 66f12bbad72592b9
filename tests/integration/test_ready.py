# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ready on a real API server, with KWOK's nodes below."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from mechanisms import Audit, Mechanisms, config_map, definition, deployment


@pytest.fixture
def run(rehearsal: Any, tmp_path: Path) -> Mechanisms:
    return Mechanisms(rehearsal, tmp_path)


@pytest.fixture
def made(rehearsal: Any, namespace: str) -> str:
    rehearsal.kubectl("apps", "create", "namespace", namespace)
    return namespace


def verdicts(result: dict[str, Any]) -> dict[str, str]:
    return {f"{item['kind']}/{item['name']}": item["verdict"] for item in result["objects"]}


def create(rehearsal: Any, *objects: dict[str, Any]) -> None:
    for it in objects:
        rehearsal.kubectl("apps", "apply", "--server-side", "-f", "-", input=json.dumps(it))


def test_many_kinds_at_once(run: Mechanisms, rehearsal: Any, made: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": made},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made}},
        *[config_map(made, f"c-{number}") for number in range(5)],
        deployment(made, "web", replicas=2),
        claim,
    ]
    create(rehearsal, *objects[1:])
    audit = Audit(rehearsal)
    result = run.run("ready", objects=objects, timeout=60).ok()
    assert verdicts(result) == {
        f"Namespace/{made}": "ready",
        **{f"ConfigMap/c-{number}": "exists" for number in range(5)},
        "Deployment/web": "ready",
        "PersistentVolumeClaim/data": "ready",
    }
    assert audit.writes() == []
    looked = [event["requestURI"] for event in audit.events() if "/configmaps" in event["requestURI"]]
    assert len(looked) == 1, "five objects of a kind, one list"


def test_an_older_status_is_not_believed(run: Mechanisms, rehearsal: Any, made: str) -> None:
    group = f"g{uuid.uuid4().hex[:6]}.example.com"
    create(rehearsal, definition(group, "Thing"))
    rehearsal.kubectl("apps", "wait", "--for=condition=Established", f"crd/things.{group}", "--timeout=30s")
    thing = {
        "apiVersion": f"{group}/v1",
        "kind": "Thing",
        "metadata": {"name": "x", "namespace": made},
        "spec": {"a": 1},
    }
    create(rehearsal, thing)

    def status(generation: int, **condition: str) -> None:
        text = json.dumps(
            {"status": {"observedGeneration": generation, "conditions": [{"type": "Ready", **condition}]}}
        )
        rehearsal.kubectl(
            "apps", "patch", f"things.{group}", "x", "-n", made, "--subresource=status", "--type=merge", "-p", text
        )

    try:
        status(1, status="True")
        assert run.run("ready", objects=[thing], timeout=20).ok()["objects"][0]["verdict"] == "ready"
        create(rehearsal, {**thing, "spec": {"a": 2}})
        late = run.run("ready", objects=[thing], timeout=4)
        assert late.code != 0
        assert "1 of 1 objects are not ready after 4 s" in late.message
        assert f"Thing {made}/x: waiting for generation 2, seen 1" in late.message
        status(2, status="False", reason="Why", message="because of it")
        assert "Ready Why: because of it" in run.run("ready", objects=[thing], timeout=2).message
        rules = [{"kind": "Thing", "ready": "spec.a == `2`", "message": "'the rule says so'"}]
        ruled = run.run("ready", objects=[thing], timeout=10, rules=rules).ok()["objects"][0]
        assert (ruled["verdict"], ruled["reason"]) == ("ready", "the rule says so")
    finally:
        rehearsal.kubectl("apps", "delete", "crd", f"things.{group}")


def test_a_wait_that_fails_says_why(run: Mechanisms, rehearsal: Any, made: str) -> None:
    stuck = deployment(made, "stuck")
    stuck["spec"]["template"]["spec"]["nodeSelector"] = {"there": "is-none"}
    create(rehearsal, stuck, deployment(made, "fine"))
    late = run.run("ready", objects=[stuck, deployment(made, "fine")], timeout=12)
    assert late.code != 0
    assert "1 of 2 ready after" in late.output, "progress is shown while it waits"
    assert f"Deployment {made}/stuck: 0 of 1 replicas are available" in late.message
    assert "FailedScheduling" in late.message
    assert f"Pod {made}/stuck-" in late.message
    assert f"{made}/fine" not in late.message.split("fatal:")[0].split("ERROR")[1]


def test_a_failure_that_lasts_ends_the_wait_before_its_time(run: Mechanisms, rehearsal: Any, made: str) -> None:
    broken = deployment(made, "broken")
    broken["spec"]["progressDeadlineSeconds"] = 1
    broken["spec"]["template"]["spec"]["nodeSelector"] = {"there": "is-none"}
    create(rehearsal, broken)
    failed = run.run("ready", objects=[broken], timeout=300, failure_grace=5)
    assert failed.code != 0
    assert f"Deployment {made}/broken failed" in failed.message
    assert "ProgressDeadlineExceeded" in failed.message


def test_kinds_and_objects_that_are_not_there(run: Mechanisms, made: str) -> None:
    missing = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "x", "namespace": made}}
    refused = run.run("ready", objects=[missing], timeout=5)
    assert "install cert-manager's CRDs first" in refused.message
    late = run.run("ready", objects=[config_map(made, "absent")], timeout=2)
    assert f"ConfigMap {made}/absent: it does not exist" in late.message


def test_check_mode_looks_once(run: Mechanisms, made: str) -> None:
    missing = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "x", "namespace": made}}
    outcome = run.run("ready", "--check", "-v", objects=[config_map(made, "absent"), missing], timeout=600)
    assert verdicts(outcome.ok()) == {"ConfigMap/absent": "progressing", "Issuer/x": "progressing"}
    assert "waited for nothing" in outcome.message


def test_cluster_info(run: Mechanisms) -> None:
    cluster = run.run("cluster_info").ok()["cluster"]
    assert cluster["version"]["git"].startswith("v1.")
    assert cluster["served"]["Deployment.apps"] == ["v1"]
    assert len(cluster["nodes"]) == 3
    assert {node["zone"] for node in cluster["nodes"]} == {"apps-a", "apps-b", "apps-c"}
    assert all(node["ready"] and node["allocatable"]["cpu"] >= 1 for node in cluster["nodes"])
    assert [it["name"] for it in cluster["storage_classes"] if it["default"]] == ["rook-ceph-block"]
    assert cluster["unreadable"] == []
