# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Kafka's pods are what its node pools ask for, by its StrimziPodSets: its own status does not tell.

A change of a node pool leaves the Kafka's generation and its old Ready as they are, and Strimzi writes the pool's
status before it writes the pod set (KafkaReconciler.reconcile: updateNodePoolStatuses, then podSet, then
rollingUpdate). So the pod set must have the pool's nodes, resources and storage sizes first; then its counts say when
the roll is over: currentPods are those of the revision that it holds now (StrimziPodSetController, PodRevision).
Other settings of a pool, such as jvmOptions and template, are not compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .objects import annotations_of, labels_of
from .quantity import quantity
from .readiness import READY, Verdict, judge, progressing

CLUSTER = "strimzi.io/cluster"
KIND = "strimzi.io/kind"
POOL = "strimzi.io/pool-name"
STORAGE = "strimzi.io/storage"
BROKER_CONTAINER = "kafka"


def cluster_of(live: Mapping[str, Any]) -> str:
    """The name of the Kafka that a Kafka is, or that a node pool belongs to."""
    return live["metadata"]["name"] if live.get("kind") == "Kafka" else labels_of(live).get(CLUSTER, "")


def selector(cluster: str) -> str:
    """The labels of a Kafka's pod sets; a KafkaConnect of the same name has the first of them too."""
    return f"{CLUSTER}={cluster},{KIND}=Kafka"


def rollout(live: Mapping[str, Any], pod_sets: Iterable[Mapping[str, Any]]) -> Verdict | None:
    """What the pod sets of its Kafka say against a Kafka or a node pool that is ready by itself; None if nothing."""
    found = list(pod_sets)
    if live.get("kind") == "KafkaNodePool":
        name = live["metadata"]["name"]
        found = [each for each in found if labels_of(each).get(POOL) == name]
        if not found and ((live.get("spec") or {}).get("replicas") or 0) > 0:
            return progressing("it has no StrimziPodSet yet")
        for pod_set in found:
            stale = _stale(live, pod_set)
            if stale:
                return progressing(f"StrimziPodSet {pod_set['metadata']['name']} still has {stale}")
    for pod_set in found:
        verdict = judge(pod_set)
        if verdict.state != READY:
            return progressing(f"StrimziPodSet {pod_set['metadata']['name']}: {verdict.reason}")
    return None


def _stale(pool: Mapping[str, Any], pod_set: Mapping[str, Any]) -> str:
    """What of the pool the pod set does not have yet; "" if nothing."""
    spec = pool.get("spec") or {}
    pods = (pod_set.get("spec") or {}).get("pods") or []
    wanted = spec.get("replicas")
    if wanted is not None and len(pods) != wanted:
        return f"{len(pods)} pods instead of {wanted}"
    for pod in pods:
        different = _resources(spec.get("resources") or {}, pod)
        if different:
            return different
    return _storage(spec.get("storage") or {}, annotations_of(pod_set).get(STORAGE))


def _resources(wanted: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    containers = (pod.get("spec") or {}).get("containers") or []
    has = next((each.get("resources") or {} for each in containers if each.get("name") == BROKER_CONTAINER), None)
    if has is None:
        return ""
    for part in ("requests", "limits"):
        for name, value in (wanted.get(part) or {}).items():
            there = (has.get(part) or {}).get(name)
            if not _same(there, value):
                return f"{part}.{name} {there} instead of {value}"
    return ""


def _storage(wanted: Mapping[str, Any], annotation: str | None) -> str:
    try:
        has = json.loads(annotation or "")
    except ValueError:
        return ""  # a release that writes it otherwise: its counts must do
    before, after = _sizes(has), _sizes(wanted)
    for volume, size in after.items():
        if not _same(before.get(volume), size):
            return f"volume {volume} of {before.get(volume)} instead of {size}"
    return ""


def _sizes(storage: Mapping[str, Any]) -> dict[Any, Any]:
    volumes = storage.get("volumes") if storage.get("type") == "jbod" else [storage]
    return {volume.get("id", 0): volume["size"] for volume in volumes or [] if volume.get("size")}


def _same(one: Any, other: Any) -> bool:
    """Two quantities that mean the same: 1 and 1000m."""
    try:
        return quantity(one) == quantity(other)
    except ValueError:
        return one == other
