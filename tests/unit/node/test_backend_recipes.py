# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's pod: nothing runs for the backend, its sidecar is the real program, its init containers wait."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rehearsal import process_images, programs
from rehearsal.node import recipes
from rehearsal.node.recipes import opa, synergyflow_backend
from rehearsal.node.recipes.recipe import CannotStartError, Container
from rehearsal.paths import Paths

BACKEND = {"name": "backend", "image": "monosense/synergyflow-backend:latest"}
OPA = {
    "name": "opa",
    "image": "docker.io/openpolicyagent/opa:1.22.0",
    "args": ["run", "--server", "--addr=localhost:8181", "--diagnostic-addr=0.0.0.0:8282", "/policy/policy.rego"],
}
WAIT = {
    "name": "wait-for-db",
    "image": "ghcr.io/cloudnative-pg/postgresql:16.15",
    "command": ["sh", "-c"],
    "args": ["…"],
}
POD = {
    "metadata": {"name": "p", "namespace": "synergyflow"},
    "spec": {"initContainers": [WAIT], "containers": [BACKEND, OPA]},
}
PORTS = {8181: 20181, 8282: 20282}


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "binary", lambda name, paths=None: Path("/built") / name)


@pytest.fixture
def make(tmp_path: Path):
    def make(spec: dict[str, Any], endpoints: list[dict[str, Any]] | None = None) -> Container:
        asked: list[tuple[str, str]] = []

        def get(path: str, **query: str) -> dict[str, Any]:
            asked.append((path, query["labelSelector"]))
            return {"items": [{"endpoints": endpoints}]}

        return Container(
            api=SimpleNamespace(get=get, asked=asked),  # type: ignore[arg-type]
            paths=Paths(tmp_path / "state", tmp_path / "cache"),
            cluster="apps",
            pod=POD,
            spec=spec,
            environment={"WAIT_HOST": "synergyflow-db-rw.synergyflow.svc", "WAIT_PORT": "5432"},
            root=tmp_path,
            folder=tmp_path,
            kubeconfig=lambda: Path("/kubeconfig"),
            node_labels=dict,
            port=lambda number, of="p": PORTS[number],
        )

    return make


def test_the_pod_is_the_process_nodes_and_each_container_has_its_recipe(make):
    assert process_images.claimed(POD)
    assert not process_images.claimed({"spec": {"containers": [{"image": "example.com/synergyflow-backend-tools:1"}]}})
    found = [recipes.find(make(spec)) for spec in (WAIT, BACKEND, OPA)]
    assert found == ["synergyflow_backend", "synergyflow_backend", "opa"]
    run = synergyflow_backend.prepare(make(BACKEND))
    assert run.command is None
    assert run.stands_in == "synergyflow-backend"


def test_the_sidecar_listens_on_loopback_and_reads_the_mounted_policy(make, tmp_path):
    run = opa.prepare(make(OPA))
    assert run.command == [
        "/built/opa", "run", "--server", "--addr=127.0.0.1:20181", "--diagnostic-addr=127.0.0.1:20282",
        str(tmp_path / "policy" / "policy.rego"),
    ]  # fmt: skip
    assert run.ports == PORTS
    assert run.ready == {"url": "http://127.0.0.1:20282/health"}
    assert run.stands_in == ""


def test_an_init_container_waits_for_a_ready_pod_behind_the_service(make):
    for endpoints in (None, [], [{"conditions": {"ready": False}}]):
        with pytest.raises(CannotStartError, match=r"waiting for synergyflow-db-rw\.synergyflow\.svc:5432"):
            synergyflow_backend.prepare(make(WAIT, endpoints))
    container = make(WAIT, [{"conditions": {"ready": True}}])
    assert synergyflow_backend.prepare(container).command is None
    path = "/apis/discovery.k8s.io/v1/namespaces/synergyflow/endpointslices"
    assert container.api.asked == [(path, "kubernetes.io/service-name=synergyflow-db-rw")]
