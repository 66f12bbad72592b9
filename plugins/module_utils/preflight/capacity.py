# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment asks of the nodes, and whether they have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

GIBIBYTE = 1024**3


@dataclass(frozen=True)
class Request:
    """What one kind of pod asks for: cores, bytes of memory, bytes of storage, each for one of `pods`."""

    what: str
    pods: int
    cpu: Decimal
    memory: Decimal
    storage: Decimal = Decimal(0)


def total(requests: Iterable[Request]) -> dict[str, float]:
    """The sums: cores, bytes of memory, bytes of storage."""
    requests = list(requests)
    return {
        "cpu": float(sum(request.pods * request.cpu for request in requests)),
        "memory": float(sum(request.pods * request.memory for request in requests)),
        "storage": float(sum(request.pods * request.storage for request in requests)),
    }


def usable_nodes(cluster: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The nodes that take pods now."""
    return [node for node in cluster["nodes"] if node["ready"] and node.get("schedulable", True)]


def gib(value: float) -> str:
    """Bytes as GiB, to read."""
    return f"{value / GIBIBYTE:.1f} GiB"


def problems(requests: Iterable[Request], cluster: Mapping[str, Any], already: Mapping[str, float]) -> list[str]:
    """Where the nodes are too small; `already` is what this deployment's own running pods ask for (cpu, memory).

    A sum that fits can still fail to be scheduled, a sum that does not fit cannot succeed: only the latter is said.
    """
    if {"nodes", "pods"} & set(cluster.get("unreadable") or []):
        return []
    requests = list(requests)
    nodes = usable_nodes(cluster)
    if not nodes:
        return ["no node of the cluster is ready and schedulable: kubectl get nodes"]
    needed, sentences = total(requests), []
    for resource, show in (("cpu", "{:.1f} cores".format), ("memory", gib)):
        allocatable = sum(node["allocatable"][resource] for node in nodes)
        free = allocatable - cluster["requested"][resource] + already.get(resource, 0)
        if needed[resource] > free:
            sentences.append(
                f"the pods ask for {show(needed[resource])} of {resource}, the {len(nodes)} ready nodes have "
                f"{show(free)} free of {show(allocatable)}: lower the requests or add nodes"
            )
        largest = max(node["allocatable"][resource] for node in nodes)
        for request in requests:
            if getattr(request, resource) > largest:
                sentences.append(
                    f"one {request.what} asks for {show(float(getattr(request, resource)))} of {resource}, "
                    f"the largest node has {show(largest)}: lower the request or add a larger node"
                )
    return sentences
