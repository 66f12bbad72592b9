# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What an empty cluster of the rehearsal has: nodes, a storage class, stages, secrets; a volume, or stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from rehearsal import process_images, programs, stores, uploads
from rehearsal.external_secrets import install
from rehearsal.labels import STAND_IN
from rehearsal.paths import Paths

KWOK = "sigs.k8s.io/kwok"
ZONES = ("a", "b", "c")
ALLOCATABLE = {"cpu": "16", "memory": "64Gi", "ephemeral-storage": "200Gi", "pods": "110"}
# KWOK's general stages take 1 to 5 s each, a deletion up to its whole grace period: nothing real takes that time here.
POD_DELAY_MILLISECONDS = 200

_HERE = Path(__file__).parent / "kwok"
AUDIT_POLICY = _HERE / "audit-policy.yaml"

Object = dict[str, Any]


def objects(cluster: str, paths: Paths) -> list[Object]:
    """All objects, in the order they are to be applied."""
    modules = [yaml.safe_load(file.read_text()) for file in programs.module_files("kwok", KWOK, paths)]
    storage_class = yaml.safe_load((_HERE / "storage-class.yaml").read_text())
    own = {uploads.CLUSTER: uploads.objects, stores.CLUSTER: stores.objects}[cluster]()
    return [*stages(modules), storage_class, *nodes(cluster), *install.objects(), *own]


def nodes(cluster: str) -> list[Object]:
    """Three nodes in three zones, large enough for the platform."""
    return [
        _node(f"{cluster}-node-{zone}", zone=f"{cluster}-{zone}", address=f"10.1.0.{number}")
        for number, zone in enumerate(ZONES, start=1)
    ]


def stages(modules: list[Object]) -> list[Object]:
    """KWOK's stages, those of pods without the pods that the process node runs, and quicker."""
    return [_for_other_pods(stage) if stage["spec"]["resourceRef"]["kind"] == "Pod" else stage for stage in modules]


def claimed_image_expression(pattern: str) -> str:
    """A jq expression that yields the images of a pod which the process node claims, and nothing for other pods."""
    return f".spec.containers.[].image | select( test({json.dumps(pattern)}) )"


def _for_other_pods(stage: Object) -> Object:
    spec = stage["spec"]
    selectors = [
        *spec["selector"]["matchExpressions"],
        {"key": claimed_image_expression(process_images.PATTERN), "operator": "DoesNotExist"},
    ]
    delay = {
        key: value
        for key, value in spec["delay"].items()
        # An annotation on the pod may still ask for more; a deletion does not wait for its grace period.
        if key in ("durationFrom", "jitterDurationFrom") and "annotations" in value["expressionFrom"]
    }
    delay["durationMilliseconds"] = POD_DELAY_MILLISECONDS
    return {**stage, "spec": {**spec, "selector": {**spec["selector"], "matchExpressions": selectors}, "delay": delay}}


def _node(name: str, zone: str, address: str) -> Object:
    # The API server reaches the "kubelet", which is KWOK on this machine, by the first kind of address. The second is
    # what pods show as their host's, and must not be loopback, or endpoints refuse pods on the host's network.
    addresses = [{"type": "Hostname", "address": "localhost"}, {"type": "InternalIP", "address": address}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/role": "agent",
                "node-role.kubernetes.io/agent": "",
                "topology.kubernetes.io/region": "rehearsal",
                "topology.kubernetes.io/zone": zone,
                "type": "kwok",
                STAND_IN: "kwok-node",
            },
        },
        "status": {"allocatable": ALLOCATABLE, "capacity": ALLOCATABLE, "addresses": addresses},
    }
