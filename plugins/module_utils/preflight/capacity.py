# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment asks of the nodes, and whether they have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..kafka_table import aligned
from ..quantity import pod_requests

if TYPE_CHECKING:
    from .findings import Findings

GIBIBYTE = 1024**3
#: what nodes say how much they have of
SHOWN = ("cpu", "memory")
COLUMNS = {"what": "component", "cpu": "cpu", "memory": "memory", "storage": "storage"}
STORAGE_REMARK = (
    "Nodes do not show how much storage there is, so the claims' sum is compared with nothing: ask the storage system. "
    "What runs already counts as free for itself."
)


@dataclass(frozen=True)
class Request:
    """What one kind of pod asks for: cores, bytes of memory, bytes of storage, each for one of `pods`."""

    what: str
    pods: int
    cpu: Decimal
    memory: Decimal
    storage: Decimal = Decimal(0)


@dataclass(frozen=True)
class Demand:
    """What a component's pods ask for, and what those of them that run already have (cores, bytes)."""

    requests: tuple[Request, ...] = ()
    already: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Demand) -> Demand:
        already = {name: self.already.get(name, 0) + other.already.get(name, 0) for name in ("cpu", "memory")}
        return Demand(self.requests + other.requests, already)


def of_deployments(what: str, manifests: Iterable[Mapping[str, Any]]) -> tuple[Request, ...]:
    """What the pods of Deployments ask for, by their manifests."""
    return tuple(
        Request(what, manifest["spec"].get("replicas", 1), asked["cpu"], asked["memory"])
        for manifest in manifests
        if manifest.get("kind") == "Deployment"
        for asked in [pod_requests(manifest["spec"]["template"])]
    )


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


def hidden(cluster: Mapping[str, Any]) -> list[str]:
    """What may not be read with this login, and is needed to know what is free."""
    return sorted({"nodes", "pods"} & set(cluster.get("unreadable") or []))


def check(demand: Demand, cluster: Mapping[str, Any], findings: Findings) -> None:
    """One component alone against what the nodes have left; the demand is kept for the sum of all."""
    findings.demand = demand
    findings.facts["requests"] = total(demand.requests)
    if unread := hidden(cluster):
        findings.warn(f"{' and '.join(unread)} may not be read with this login: free capacity is not checked")
    findings.problems_from(problems(demand.requests, cluster, demand.already))


def allocatable(cluster: Mapping[str, Any], resource: str) -> float:
    """What the nodes that take pods have in all."""
    return sum(node["allocatable"][resource] for node in usable_nodes(cluster))


def free(cluster: Mapping[str, Any], already: Mapping[str, float], resource: str) -> float:
    """What is left of it for pods of which some run `already`."""
    return allocatable(cluster, resource) - cluster["requested"][resource] + already.get(resource, 0)


def problems(requests: Iterable[Request], cluster: Mapping[str, Any], already: Mapping[str, float]) -> list[str]:
    """Where the nodes are too small; `already` is what this deployment's own running pods ask for (cpu, memory).

    A sum that fits can still fail to be scheduled, a sum that does not fit cannot succeed: only the latter is said.
    """
    if hidden(cluster):
        return []
    requests = list(requests)
    nodes = usable_nodes(cluster)
    if not nodes:
        return ["no node of the cluster is ready and schedulable: kubectl get nodes"]
    sentences = []
    for resource in SHOWN:
        sentences += too_much(requests, cluster, already, resource)
        largest = max(node["allocatable"][resource] for node in nodes)
        for request in requests:
            if getattr(request, resource) > largest:
                sentences.append(
                    f"one {request.what} asks for {shown(resource, getattr(request, resource))} of {resource}, "
                    f"the largest node has {shown(resource, largest)}: lower the request or add a larger node"
                )
    return sentences


def too_much(
    requests: Iterable[Request], cluster: Mapping[str, Any], already: Mapping[str, float], resource: str
) -> list[str]:
    """A sentence if the sum does not fit."""
    needed, left = total(requests)[resource], free(cluster, already, resource)
    if needed <= left:
        return []
    return [
        f"the pods ask for {shown(resource, needed)} of {resource}, the {len(usable_nodes(cluster))} ready nodes have "
        f"{shown(resource, left)} free of {shown(resource, allocatable(cluster, resource))}: lower the requests or add "
        "nodes"
    ]


def problems_together(demands: Mapping[str, Demand], cluster: Mapping[str, Any]) -> list[str]:
    """Where the nodes are too small for all components, although each alone would fit."""
    if hidden(cluster) or not usable_nodes(cluster):
        return []  # said for each
    everything = sum(demands.values(), Demand())
    return [
        f"together {sentence} ({', '.join(demands)})"
        for resource in SHOWN
        if not any(too_much(one.requests, cluster, one.already, resource) for one in demands.values())
        for sentence in too_much(everything.requests, cluster, everything.already, resource)
    ]


def table(demands: Mapping[str, Demand], cluster: Mapping[str, Any]) -> str:
    """What each component asks for, all of them, and what the nodes have left for them."""
    everything = sum(demands.values(), Demand())
    rows = [_row(name, total(demand.requests)) for name, demand in {**demands, "together": everything}.items()]
    if hidden(cluster):
        rows.append({"what": "free for them", "cpu": "unknown", "memory": "unknown", "storage": "unknown"})
    else:
        left = {resource: free(cluster, everything.already, resource) for resource in SHOWN}
        rows.append({**_row("free for them", left), "storage": "unknown"})
        rows.append({**_row("the nodes have", {name: allocatable(cluster, name) for name in SHOWN}), "storage": None})
    return f"{aligned(rows, COLUMNS)}\n{STORAGE_REMARK}"


def _row(what: str, sums: Mapping[str, float]) -> dict[str, str]:
    return {"what": what, **{resource: shown(resource, amount) for resource, amount in sums.items()}}


def shown(resource: str, amount: float) -> str:
    """An amount to read."""
    return f"{amount:.1f} cores" if resource == "cpu" else gib(float(amount))
