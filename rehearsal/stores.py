# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What `infra` has from those before us: a store of metrics and one of logs, both the real programs.

They are reached from everywhere on this machine, at the address of their Service: it stands for a load balancer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rehearsal import artifacts
from rehearsal.files import write_atomically
from rehearsal.node import addresses
from rehearsal.node.services import OUTSIDE_LABEL
from rehearsal.paths import Paths

CLUSTER = "infra"
NAMESPACE = "observability"

Object = dict[str, Any]


@dataclass(frozen=True)
class Store:
    """One of the two; `what` is the name of the file with its address."""

    what: str
    name: str
    port: int

    @property
    def labels(self) -> dict[str, str]:
        """Of everything that is its own."""
        return {"app.kubernetes.io/name": self.name}


STORES = (Store("metrics", "victoria-metrics", 8428), Store("logs", "victoria-logs", 9428))


def objects() -> list[Object]:
    """All objects, in the order they are to be applied."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    return [namespace, *(each for store in STORES for each in (_service(store), _stateful_set(store)))]


def write(paths: Paths) -> bool:
    """Keep the stores' addresses in files; whether one was new."""
    new = False
    for store in STORES:
        address = addresses.of_service(paths, CLUSTER, NAMESPACE, store.name)
        file, url = paths.stores / store.what, f"http://{address}:{store.port}"
        if not file.is_file() or file.read_text() != url:
            write_atomically(file, url)
            new = True
    return new


def _service(store: Store) -> Object:
    spec = {"selector": store.labels, "ports": [{"name": "http", "port": store.port, "targetPort": "http"}]}
    return _object("v1", "Service", store, {**store.labels, OUTSIDE_LABEL: "true"}, spec)


def _stateful_set(store: Store) -> Object:
    release = artifacts.go_families()["victoria-metrics"].version
    container = {
        "name": store.name,
        "image": f"docker.io/victoriametrics/{store.name}:v{release}",
        "args": [
            f"-httpListenAddr=:{store.port}",
            "-storageDataPath=/storage",
            "-retentionPeriod=7d",
            "-memory.allowedBytes=64MiB",  # for caches: more than half of this machine's otherwise
        ],
        "ports": [{"name": "http", "containerPort": store.port}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [{"name": "storage", "mountPath": "/storage"}],
    }
    claim = {
        "metadata": {"name": "storage"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "rook-ceph-block",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    spec = {
        "serviceName": store.name,
        "replicas": 1,
        "selector": {"matchLabels": store.labels},
        "template": {"metadata": {"labels": store.labels}, "spec": {"containers": [container]}},
        "volumeClaimTemplates": [claim],
    }
    return _object("apps/v1", "StatefulSet", store, store.labels, spec)


def _object(api_version: str, kind: str, store: Store, labels: dict[str, str], spec: Object) -> Object:
    metadata = {"name": store.name, "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
