# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend on the platform: checked, deployed, proven by its real policy sidecars, refused.

The tests stand in the order in which they leave the cluster fit for the next one; each puts back what it has changed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from site_runs import Watch, changed, output
from until import until

from rehearsal import vault
from rehearsal.files import write_atomically
from rehearsal.paths import Paths

NAMESPACE, NAME = "synergyflow", "synergyflow-backend"
DATABASE = "synergyflow-db"
VAULT_PATH = "kafka/users/synergyflow-backend"
# the role alone, on what the platform has; the namespace is there
ON = {
    "synergyflow_backend_enabled": True,
    "synergyflow_backend_create_namespace": False,
    "synergyflow_backend_check_events": 0,
}
DEPLOY = """
- hosts: apps
  connection: local
  gather_facts: false
  module_defaults: {group/synergyflow.platform.k8s: "{{ cluster_connection }}"}
  roles: [synergyflow.platform.synergyflow_backend]
"""
PROVE = """
- hosts: apps
  connection: local
  gather_facts: false
  module_defaults: {group/synergyflow.platform.k8s: "{{ cluster_connection }}"}
  tasks:
    - ansible.builtin.include_role:
        name: synergyflow.platform.synergyflow_backend
        tasks_from: validate
    - synergyflow.platform.evidence_report:
        results: [__synergyflow_backend_evidence]
        path: "{{ evidence_file }}"
"""


def play(platform: Any, playbook: str, *args: str, **variables: Any) -> CompletedProcess[str]:
    extra = json.dumps(ON | variables)
    return platform.playbook(playbook, "-i", "inventories/rehearsal", "-e", extra, *args)


def prove(platform: Any, tmp_path: Path, **variables: Any) -> dict[str, dict[str, Any]]:
    """The records by the last part of their id."""
    file = tmp_path / "evidence.json"
    done = play(platform, PROVE, evidence_file=str(file), **variables)
    assert done.returncode == 0, output(done)
    return {record["id"].partition(".")[2]: record for record in json.loads(file.read_text())["clusters"]["apps"]}


def pods(platform: Any) -> dict[str, str]:
    """Name and node of each pod of the backend."""
    found = platform.get("apps", "pod", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={NAME}")["items"]
    return {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in found}


def database_stub(ca: str) -> list[dict[str, Any]]:
    """What the backend's pods want of a database: a Service with an endpoint, and the authority's certificate."""
    service = f"{DATABASE}-rw"
    port = {"name": "postgres", "port": 5432}
    metadata = {"namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": service}}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {**metadata, "name": service}, "spec": {"ports": [port]}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "name": f"{service}-stub"},
            "addressType": "IPv4",
            "ports": [port],
            "endpoints": [{"addresses": ["10.9.9.9"], "conditions": {"ready": True}}],
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {**metadata, "name": f"{DATABASE}-ca"},
            "stringData": {"ca.crt": ca},
        },
    ]


@pytest.fixture(scope="module")
def ground(platform: Any) -> Iterator[Any]:
    """The platform with a database, or with what the backend's pods see of one."""
    there = platform.kubectl("apps", "get", "service", f"{DATABASE}-rw", "-n", NAMESPACE, check=False).returncode == 0
    if there:
        yield platform
        return
    platform.kubectl("apps", "create", "namespace", NAMESPACE)
    stub = json.dumps({"apiVersion": "v1", "kind": "List", "items": database_stub("no certificate")})
    platform.kubectl("apps", "apply", "-f", "-", input=stub)
    yield platform
    platform.kubectl("apps", "delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def backend(ground: Any) -> Any:
    done = play(ground, DEPLOY)
    assert done.returncode == 0, output(done)
    return ground


def test_latest_is_refused_and_check_mode_writes_nothing(ground):
    watch = Watch(ground, "apps")
    done = play(ground, DEPLOY, synergyflow_backend_allow_latest=False)
    assert done.returncode != 0
    assert "synergyflow_backend_image is monosense/synergyflow-backend:latest" in output(done)
    done = play(ground, DEPLOY, "--check", "--diff")
    assert done.returncode == 0, output(done)
    assert watch.requests > 0
    assert watch.writes == []


def test_three_pods_run_apart_and_the_second_run_changes_nothing(backend):
    found = pods(backend)
    assert len(found) == 3
    assert len(set(found.values())) == 3
    watch = Watch(backend, "apps")
    done = play(backend, DEPLOY)
    assert done.returncode == 0, output(done)
    assert changed(done, "apps") == 0
    assert watch.writes == []
    assert pods(backend) == found


def test_it_is_proven_and_the_real_sidecars_allow_and_deny(backend, tmp_path):
    records = prove(backend, tmp_path)
    blocked = {name for name, record in records.items() if record["status"] == "blocked"}
    assert blocked == {"metrics"}, "nothing runs in the backend's own container"
    others = {name: record for name, record in records.items() if name not in blocked}
    assert {name: record for name, record in others.items() if record["status"] != "passed"} == {}
    assert records["decisions"]["observed"] == 9
    assert records["policy_latency"]["observed"] > 0


def test_another_configuration_makes_other_pods(backend):
    before = set(pods(backend))
    done = play(backend, DEPLOY, synergyflow_backend_config={"logging": {"level": {"root": "debug"}}})
    assert done.returncode == 0, output(done)
    assert not before & set(pods(backend))


def test_a_password_that_only_one_side_has_and_a_decision_that_is_wrong_are_found(backend, tmp_path):
    paths = Paths(state=backend.state, cache=backend.state)
    content = vault.read(paths)

    def put(password: str) -> None:
        write_atomically(paths.vault, json.dumps(content | {VAULT_PATH: {**content[VAULT_PATH], "password": password}}))
        secret = backend.get("apps", "secret", f"{NAME}-kafka", "-n", NAMESPACE)
        take_up = ("annotate", "externalsecret", f"{NAME}-kafka", "-n", NAMESPACE, "--overwrite")
        backend.kubectl("apps", *take_up, f"force-sync={secrets.token_hex(4)}")
        name = ("apps", "secret", f"{NAME}-kafka", "-n", NAMESPACE)
        until(lambda: backend.get(*name)["data"] != secret["data"], "the Secret has changed")

    other = secrets.token_urlsafe(24)
    wish = {"title": "another tenant", "allow": True, "input": {"subject": {"tenant": "acme"}, "resource": {}}}
    put(other)
    try:
        records = prove(backend, tmp_path, synergyflow_backend_policy_checks=[wish])
        done = play(backend, DEPLOY)
    finally:
        put(content[VAULT_PATH]["password"])
    assert records["kafka_password"]["status"] == "failed"
    assert records["kafka_password"]["observed"] == "different"
    assert records["decisions"]["status"] == "failed"
    assert "another tenant: denied" in records["decisions"]["detail"]
    assert "tenant: subject and resource are not of the same tenant" in records["decisions"]["detail"]
    assert done.returncode != 0
    assert "have different passwords" in output(done)
    assert records["secrets_taken_up"]["observed"] == 0, "the pods started with the password before"
    for said in (output(done), json.dumps(records)):
        assert other not in said
        assert content[VAULT_PATH]["password"] not in said


def test_a_path_that_vault_does_not_have_fails_with_the_reason(backend):
    wrong = {"synergyflow_backend_cache_vault_path": "redis/nowhere", "synergyflow_backend_ready_timeout": 5}
    done = play(backend, DEPLOY, **wrong)
    assert done.returncode != 0
    assert f"ExternalSecret {NAMESPACE}/{NAME}-cache" in output(done)
    assert "SecretSyncedError" in output(done)
    done = play(backend, DEPLOY)
    assert done.returncode == 0, output(done)
    assert changed(done, "apps") == 1
    # and its pods were restarted for the password that had changed in the meantime
    template = backend.get("apps", "deployment", NAME, "-n", NAMESPACE)["spec"]["template"]
    assert "synergyflow.platform/secrets" in template["metadata"]["annotations"]
