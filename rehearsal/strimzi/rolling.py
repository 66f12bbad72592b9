# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Which pod may be restarted next, if any. Source: KafkaRoller and KafkaAvailability, reduced to what shows here."""

from __future__ import annotations

from rehearsal.strimzi import names
from rehearsal.strimzi.broker_pods import REVISION
from rehearsal.strimzi.pod_sets import is_ready

# a pod whose annotation differs from its entry runs with something that has changed since it started
TRACKED = (
    REVISION,
    "strimzi.io/broker-configuration-hash",
    "strimzi.io/logging-hash",
    "strimzi.io/server-cert-hash",
    "strimzi.io/kafka-version",
    "strimzi.io/cluster-ca-cert-generation",
    "strimzi.io/clients-ca-cert-generation",
)
STUCK = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError")
UNSCHEDULABLE = "Unschedulable"


def reasons(pod: dict, wanted: dict, asked: bool) -> list[str]:
    """Why the pod is to be restarted: nothing if it is not."""
    if pod["metadata"].get("deletionTimestamp"):
        return []
    found = [name.removeprefix("strimzi.io/") for name in TRACKED if _differs(pod, wanted, name)]
    if asked or names.is_true(pod, names.ROLL):
        found.append("manual rolling update")
    return found


def stuck(pod: dict) -> str | None:
    """Why a pod that has not started will not start, in Kubernetes' words; None while there is hope."""
    status = pod.get("status") or {}
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition.get("reason") == UNSCHEDULABLE:
            return UNSCHEDULABLE
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in STUCK:
            return waiting["reason"]
    return None


def next_pod(candidates: dict[str, list[str]], pods: dict[str, dict], leader: str | None) -> str | None:
    """The pod to restart: one that is not ready first, the active controller last; None while another is down."""
    unready = sorted(name for name, pod in pods.items() if not is_ready(pod))
    if unready:
        return next((name for name in unready if name in candidates), None)
    return min(candidates, key=lambda name: (name == leader, name), default=None)


def would_hurt(broker: int, topics: list[dict], min_in_sync: dict[str, int]) -> list[str]:
    """The partitions (`topic-0`) that would lose their last spare in-sync replica with that broker.

    A partition whose min.insync.replicas leaves no spare at all cannot be protected, and does not block.
    """
    return [
        f"{topic['name']}-{partition['partition_index']}"
        for topic in topics
        for partition in topic["partitions"]
        if broker in partition["isr_nodes"]
        and len(partition["isr_nodes"]) <= min_in_sync.get(topic["name"], 1) < len(partition["replica_nodes"])
    ]


def _differs(pod: dict, wanted: dict, name: str) -> bool:
    return names.annotation(pod, name) != names.annotation(wanted, name)
