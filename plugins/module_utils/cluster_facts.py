# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role needs to know about a cluster before it changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .api import Api, ApiError
from .discovery import NAMESPACES, PODS, STORAGE_CLASSES, Resource
from .objects import Manifest, annotations_of, labels_of
from .quantity import pod_requests, quantity

#: the name under which facts say which cluster they are of
CLUSTER = "cluster"
NODES = Resource("", "v1", "Node", "nodes", False)
ZONE = "topology.kubernetes.io/zone"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
RUNNING = "status.phase!=Succeeded,status.phase!=Failed"


def node_facts(node: Manifest) -> dict[str, Any]:
    status = node.get("status") or {}
    allocatable = status.get("allocatable") or {}
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions") or []}
    return {
        "name": node["metadata"]["name"],
        "zone": labels_of(node).get(ZONE),
        "ready": conditions.get("Ready") == "True",
        "schedulable": not (node.get("spec") or {}).get("unschedulable", False),
        "allocatable": {
            "cpu": float(quantity(allocatable.get("cpu", 0))),
            "memory": int(quantity(allocatable.get("memory", 0))),
            "pods": int(quantity(allocatable.get("pods", 0))),
        },
    }


def requested(pods: list[Manifest]) -> dict[str, Any]:
    """The sum of what pods reserve: cpu in cores, memory in bytes."""
    cpu, memory = Decimal(0), Decimal(0)
    for pod in pods:
        wanted = pod_requests(pod)
        cpu += wanted["cpu"]
        memory += wanted["memory"]
    return {"cpu": float(cpu), "memory": int(memory)}


def storage_class_facts(storage_class: Manifest) -> dict[str, Any]:
    return {
        "name": storage_class["metadata"]["name"],
        "default": annotations_of(storage_class).get(DEFAULT_CLASS) == "true",
        "provisioner": storage_class.get("provisioner"),
        "binding_mode": storage_class.get("volumeBindingMode"),
    }


def cluster_facts(api: Api) -> dict[str, Any]:
    """Ask for everything at once. What the user may not read is left out and named under `unreadable`."""
    unreadable: list[str] = []

    def readable(resource: Resource, fields: str = "") -> list[Manifest]:
        try:
            return api.list(resource, fields=fields)
        except ApiError as error:
            if error.code != 403:
                raise
            unreadable.append(resource.plural)
            return []

    version, served, nodes, pods, classes = api.all(
        lambda ask: ask(),
        [
            lambda: api.json("GET", "/version"),
            api.discover,
            lambda: readable(NODES),
            lambda: readable(PODS, RUNNING),
            lambda: readable(STORAGE_CLASSES),
        ],
    )
    return {
        "version": version_facts(version),
        "served": served.kinds(),
        "nodes": [node_facts(node) for node in nodes],
        "requested": requested(pods),
        "storage_classes": [storage_class_facts(storage_class) for storage_class in classes],
        "unreadable": sorted(unreadable),
        "host": api.connection.host,
        "context_cluster": api.connection.cluster,
    }


def identity_facts(api: Api) -> dict[str, dict[str, Any]]:
    """Which cluster this is; what the user may not read is None. Nothing where the server does not answer.

    The uid is kube-system's: a cluster has none of its own, and that namespace lives as long as the cluster.
    """
    ask = [lambda: api.json("GET", "/version"), lambda: api.get(NAMESPACES, "", "kube-system") or {}]
    answers = api.each(lambda one: one(), ask)
    version, namespace = (each if isinstance(each, dict) else {} for each in answers)
    if not version and not namespace:
        return {}
    uid = (namespace.get("metadata") or {}).get("uid")
    return {CLUSTER: {"server": api.connection.host, "uid": uid, "kubernetes": version.get("gitVersion")}}


def version_facts(version: Mapping[str, Any]) -> dict[str, Any]:
    """Strimzi 0.45 does not start where /version has emulationMajor (Kubernetes 1.33 and later)."""
    return {
        "git": version.get("gitVersion"),
        "major": version.get("major"),
        "minor": version.get("minor"),
        "emulation_major_present": "emulationMajor" in version,
    }
