# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server that is a dictionary, and a broker's container as a recipe gets it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(
    0, str(Path(__file__).resolve().parents[2])
)  # strimzi_broker_objects, shared with the integration tests

from rehearsal.node.api import NotFoundError
from rehearsal.node.pod_files import PodFiles, link_mounts
from rehearsal.node.recipes.recipe import Container
from rehearsal.node.values import environment
from rehearsal.node.volumes import prepare
from rehearsal.paths import Paths

PLURALS = {"configmaps": "ConfigMap", "secrets": "Secret", "persistentvolumeclaims": "PersistentVolumeClaim"}


class FakeApi:
    """Knows the objects it was given, and notes what is asked of it."""

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self.objects = {self._path(each): each for each in objects if self._path(each)}
        self.asked: list[str] = []
        self.created: list[tuple[str, dict[str, Any]]] = []
        self.deleted: list[str] = []

    def find(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        return self.objects.get(path)

    def get(self, path: str) -> dict[str, Any]:
        found = self.find(path)
        if found is None:
            raise NotFoundError(404, path)
        return found

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.created.append((path, body))
        return body

    def patch(self, path: str, body: dict[str, Any], content_type: str = "") -> dict[str, Any]:
        return body

    def delete(self, path: str, body: dict[str, Any] | None = None) -> None:
        self.deleted.append(path)
        self.objects.pop(path, None)

    @staticmethod
    def _path(each: dict[str, Any]) -> str | None:
        metadata = each["metadata"]
        plural = next((plural for plural, kind in PLURALS.items() if kind == each["kind"]), None)
        if each["kind"] == "PersistentVolume":
            return f"/api/v1/persistentvolumes/{metadata['name']}"
        if each["kind"] == "StorageClass":
            return f"/apis/storage.k8s.io/v1/storageclasses/{metadata['name']}"
        return f"/api/v1/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}" if plural else None


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(state=tmp_path / "state", cache=tmp_path / "cache")


@pytest.fixture
def fake_api():
    return FakeApi


@pytest.fixture
def container(paths: Paths, tmp_path: Path):
    """Makes the container `kafka` of a broker's pod, its volumes in place, its claim bound to a folder."""

    def make(objects: list[dict[str, Any]], number: int, spec: dict[str, Any] | None = None) -> Container:
        pod = [each for each in objects if each["kind"] == "Pod"][number]
        pod["metadata"].setdefault("uid", f"00000000-0000-0000-0000-{number:012d}")
        pod["spec"]["nodeName"] = "apps-node-a"
        bound = []
        for each in objects:
            if each["kind"] == "PersistentVolumeClaim":
                folder = tmp_path / "volumes" / each["metadata"]["name"]
                folder.mkdir(parents=True, exist_ok=True)
                name = f"pv-{each['metadata']['name']}"
                each["spec"]["volumeName"], each["status"] = name, {"phase": "Bound"}
                bound.append(
                    {
                        "kind": "PersistentVolume",
                        "metadata": {"name": name},
                        "spec": {"hostPath": {"path": str(folder)}},
                    }
                )
        api = FakeApi([*objects, *bound])
        files = PodFiles.of(paths, "apps", pod)
        files.make()
        spec = spec or pod["spec"]["containers"][0]
        link_mounts(files.root(spec["name"]), spec["volumeMounts"], prepare(api, pod, files))

        def port(container_port: int, of: str = pod["metadata"]["name"]) -> int:
            return 20000 + 100 * int(of.rpartition("-")[2]) + container_port - 9000

        return Container(
            api=api,
            paths=paths,
            cluster="apps",
            pod=pod,
            spec=spec,
            environment=environment(api, pod, spec),
            root=files.root(spec["name"]),
            folder=files.container(spec["name"]),
            kubeconfig=lambda: files.kubeconfig,
            node_labels=lambda: {"topology.kubernetes.io/zone": "apps-a"},
            port=port,
        )

    return make
