# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux Kustomizations from a few words each, with health checks that tell the truth. Plain data in, plain data out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .objects import Manifest, group_of
from .tree_files import plain_folder

_SEEN = "has(status.observedGeneration) && status.observedGeneration == metadata.generation"
_HAS = "status.conditions.exists(c, c.type == '{}' && c.status == '{}')"
#: Flux knows Ready=False alone as a failure (kstatus). Strimzi says NotReady=True, and Ready may be of an older spec;
#: VolSync has the condition Synchronizing and no other; a Cluster of CloudNativePG has no observedGeneration.
STRIMZI_HEALTH = {
    "inProgress": f"!has(status.conditions) || !({_SEEN})",
    "failed": _HAS.format("NotReady", "True"),
    "current": _HAS.format("Ready", "True"),
}
VOLSYNC_HEALTH = {
    "inProgress": "!has(status.conditions)",
    "failed": "status.conditions.exists(c, c.type == 'Synchronizing' && c.reason == 'Error')",
    "current": "status.conditions.exists(c, c.type == 'Synchronizing' && c.reason != 'Error')",
}
CNPG_HEALTH = {
    "inProgress": "!has(status.conditions) || !has(status.readyInstances) || status.readyInstances != spec.instances",
    "current": _HAS.format("Ready", "True"),
}
HEALTH = {
    **{("kafka.strimzi.io", kind): STRIMZI_HEALTH for kind in ("Kafka", "KafkaTopic", "KafkaUser")},
    ("volsync.backube", "ReplicationSource"): VOLSYNC_HEALTH,
    ("postgresql.cnpg.io", "Cluster"): CNPG_HEALTH,
}


def expressions(kinds: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """spec.healthCheckExprs for those of the (apiVersion, kind) whose health Flux would not see by itself."""
    found = []
    for api_version, kind in sorted(set(kinds)):
        health = HEALTH.get((group_of({"apiVersion": api_version}), kind))
        if health:
            found.append({"apiVersion": api_version, "kind": kind, **health})
    return found


def flux_kustomizations(entries: Iterable[Mapping[str, Any]], namespace: str, source: str = "") -> list[Manifest]:
    """The Kustomizations of a namespace, from the GitRepository that is named like it or `source`."""
    return [_kustomization(entry, namespace, source or namespace) for entry in entries]


def _kustomization(entry: Mapping[str, Any], namespace: str, source: str) -> Manifest:
    checks = [
        {
            "apiVersion": check["api_version"],
            "kind": check["kind"],
            "name": check["name"],
            **({"namespace": check["namespace"]} if check.get("namespace") else {}),
        }
        for check in entry.get("health_checks") or []
    ]
    kinds = entry.get("kinds") or [(check["apiVersion"], check["kind"]) for check in checks]
    exprs = expressions((str(api_version), str(kind)) for api_version, kind in kinds)
    spec: dict[str, Any] = {
        "interval": entry.get("interval") or "10m",
        "retryInterval": "1m",
        "timeout": entry.get("timeout") or "10m",
        "path": f"./{plain_folder(entry['path'])}",
        # what runs does not die with a line in Git: taking a component away is a rollback's work
        "deletionPolicy": "Orphan",
        "prune": entry.get("prune", True) is not False,
        "sourceRef": {"kind": "GitRepository", "name": source},
    }
    # spec.wait would leave healthChecks out
    spec |= {"healthChecks": checks} if checks else {"wait": True}
    if exprs:
        spec["healthCheckExprs"] = exprs
    if entry.get("depends_on"):
        spec["dependsOn"] = [{"name": str(name)} for name in entry["depends_on"]]
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": str(entry["name"]), "namespace": namespace},
        "spec": spec,
    }
