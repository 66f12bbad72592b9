# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A volume with files on it, as an application of the cluster would have: something for VolSync to back up."""

from __future__ import annotations

from typing import Any

from rehearsal.labels import STAND_IN

#: the cluster that has it; the inventory `rehearsal` names namespace and claim in volsync_sources
CLUSTER = "apps"
NAMESPACE = CLAIM = "uploads"
LABELS = {STAND_IN: "uploads"}
# the image that the process node runs scripts of
IMAGE = "docker.io/library/busybox:1.37.0-musl"
SCRIPT = 'mkdir -p 2026 && for n in 1 2 3 4 5; do echo "upload $n" > 2026/$n.txt; done'

Object = dict[str, Any]


def objects() -> list[Object]:
    """The namespace, the claim, and the Job that writes the files once."""
    container = {
        "name": "write",
        "image": IMAGE,
        "command": ["sh", "-c", SCRIPT],
        "workingDir": "/data",
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": dict(LABELS)}},
        _object("v1", "PersistentVolumeClaim", CLAIM, {**claim, "storageClassName": "rook-ceph-block"}),
        _object("batch/v1", "Job", "write-uploads", {"template": {"metadata": {"labels": dict(LABELS)}, "spec": pod}}),
    ]


def _object(api_version: str, kind: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": dict(LABELS)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
