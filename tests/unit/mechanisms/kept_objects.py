# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server that keeps objects: lists by label and name, merge patches, deletions by UID, finalizers that hold."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer
from scripted_api import answer, status

#: group, version, kind, plural, namespaced
KINDS = [
    ("", "v1", "ConfigMap", "configmaps", True),
    ("", "v1", "Namespace", "namespaces", False),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", True),
    ("", "v1", "Pod", "pods", True),
    ("", "v1", "Secret", "secrets", True),
    ("", "v1", "Service", "services", True),
    ("apps", "v1", "Deployment", "deployments", True),
    ("kafka.strimzi.io", "v1", "Kafka", "kafkas", True),
    ("kafka.strimzi.io", "v1", "KafkaNodePool", "kafkanodepools", True),
    ("kafka.strimzi.io", "v1", "KafkaTopic", "kafkatopics", True),
    ("kafka.strimzi.io", "v1", "KafkaUser", "kafkausers", True),
    ("postgresql.cnpg.io", "v1", "Cluster", "clusters", True),
    ("barmancloud.cnpg.io", "v1", "ObjectStore", "objectstores", True),
    ("external-secrets.io", "v1", "ExternalSecret", "externalsecrets", True),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations", True),
    ("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases", True),
    ("source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories", True),
]


class ObjectStore:
    """Objects by path."""

    def __init__(self, *objects: dict[str, Any]) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.writes: list[str] = []
        self._version = 0
        for each in objects:
            self.add(each)

    def path(self, manifest: dict[str, Any]) -> str:
        group, _slash, _version = manifest["apiVersion"].rpartition("/")
        kind = next(each for each in KINDS if each[0] == group and each[2] == manifest["kind"])
        metadata = manifest["metadata"]
        return f"{_root(kind, metadata.get('namespace', ''))}/{metadata['name']}"

    def add(self, manifest: dict[str, Any]) -> None:
        made = copy.deepcopy(manifest)
        self._version += 1
        made["metadata"].setdefault("uid", f"uid-{self._version}")
        if made["apiVersion"] != "v1":  # of ConfigMaps, Secrets, Services the API server counts no changes
            made["metadata"].setdefault("generation", 1)
        made["metadata"]["resourceVersion"] = str(self._version)
        self.objects[self.path(made)] = made

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        found = [each for each in self.objects.values() if each["kind"] == kind and each["metadata"]["name"] == name]
        return found[0] if found else None

    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        """One request."""
        if path in ("/api", "/apis"):
            return answer(200, _discovery(path == "/api"))
        if method == "GET":
            return answer(200, self.objects[path]) if path in self.objects else self._list(path, query)
        return self._write(method, path, body)

    def _write(self, method: str, path: str, body: Any) -> Answer:
        self.writes.append(f"{method} {path}")
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                return status(409, f"{path} already exists", "AlreadyExists")
            self.add(body)
            return answer(201, self.objects[path])
        live = self.objects.get(path.removesuffix("/status"))
        if live is None and method == "PATCH" and body.get("kind"):
            self.add(body)
            return answer(201, self.objects[path])
        if live is None:
            return status(404, f"{path} not found", "NotFound")
        return self._change(method, live, body)

    def _change(self, method: str, live: dict[str, Any], body: Any) -> Answer:
        metadata = live["metadata"]
        asked = (body or {}).get("preconditions" if method == "DELETE" else "metadata") or {}
        if any(asked.get(name, metadata[name]) != metadata[name] for name in ("uid", "resourceVersion")):
            return status(409, "the object has been modified", "Conflict")
        self._version += 1
        if method == "DELETE":
            metadata["deletionTimestamp"] = "2026-11-21T10:00:00Z"
        else:
            _merge(live, body)
        metadata["resourceVersion"] = str(self._version)
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            del self.objects[self.path(live)]
        return answer(200, live)

    def _list(self, path: str, query: dict[str, str]) -> Answer:
        roots = {_root(kind, ""): kind for kind in KINDS}
        kind = next((each for root, each in roots.items() if path == root), None)
        items = []
        for where, live in self.objects.items():
            inside = where.rpartition("/")[0] == path
            everywhere = kind and live["kind"] == kind[2] and live["apiVersion"].rpartition("/")[0] == kind[0]
            if (inside or everywhere) and _fits(live, query):
                items.append(live)
        inner = path.rpartition("/namespaces/")[2].partition("/")[0]
        known = kind or any(path == _root(each, inner) for each in KINDS)
        return answer(200, {"items": items, "metadata": {}}) if known else status(404, f"{path} not found", "NotFound")


def _fits(live: dict[str, Any], query: dict[str, str]) -> bool:
    labels = live["metadata"].get("labels") or {}
    for part in filter(None, query.get("labelSelector", "").split(",")):
        name, equals, value = part.partition("=")
        if name not in labels or (equals and labels[name] != value):
            return False
    field = query.get("fieldSelector", "").removeprefix("metadata.name=")
    return not field or field == live["metadata"]["name"]


def _merge(into: dict[str, Any], change: dict[str, Any]) -> None:
    for name, value in change.items():
        if value is None:
            into.pop(name, None)
        elif isinstance(value, dict):
            _merge(into.setdefault(name, {}), value)
        else:
            into[name] = copy.deepcopy(value)


def _root(kind: tuple[str, str, str, str, bool], namespace: str) -> str:
    group, version, _kind, plural, namespaced = kind
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return f"{root}/namespaces/{namespace}/{plural}" if namespaced and namespace else f"{root}/{plural}"


def _discovery(core: bool) -> dict[str, Any]:
    groups: dict[str, dict[str, Any]] = {}
    for group, version, kind, plural, namespaced in KINDS:
        if bool(group) == core:
            continue
        found = groups.setdefault(
            group, {"metadata": {"name": group}, "versions": [{"version": version, "resources": []}]}
        )
        found["versions"][0]["resources"].append(
            {
                "resource": plural,
                "responseKind": {"kind": kind},
                "scope": "Namespaced" if namespaced else "Cluster",
                "verbs": ["get", "list"],
            }
        )
    return {"kind": "APIGroupDiscoveryList", "items": list(groups.values())}
