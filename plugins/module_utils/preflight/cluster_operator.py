# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strimzi's cluster operator as its pod, its Deployment or its chart's values show it.

Upstream: packaging/install/cluster-operator/060-Deployment-strimzi-cluster-operator.yaml, and the template of the same
name in packaging/helm-charts, in strimzi/strimzi-kafka-operator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .. import strimzi_versions as versions

NAME = "strimzi-cluster-operator"
#: which namespaces the operator watches: a list with commas; all if it is empty, "*" or not there
WATCHED = "STRIMZI_NAMESPACE"
ALL = "*"
#: on the operator's pods in Strimzi's manifests and in its chart
LABEL = "strimzi.io/kind=cluster-operator"
BINDINGS = ("RoleBinding", "ClusterRoleBinding")


class Operator(NamedTuple):
    """An operator that runs or is about to: where, and what it watches; None if that cannot be told."""

    namespace: str
    watches: frozenset[str] | None

    def may_watch(self, namespace: str) -> bool:
        """False only if it surely does not."""
        return self.watches is None or bool(self.watches & {ALL, namespace})

    def __str__(self) -> str:
        names = "all namespaces" if self.watches == {ALL} else ", ".join(sorted(self.watches or ()))
        return f"the cluster operator in {self.namespace} watches {names}"


def containers(workload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The containers of a Deployment or of a pod."""
    spec = (workload["spec"].get("template") or {}).get("spec") or workload["spec"]
    return spec.get("containers") or []


def release(workload: Mapping[str, Any]) -> str | None:
    """The release in the tag of the operator's image; None if the image is named otherwise (a digest, `latest`)."""
    for container in containers(workload):
        name, _colon, tag = container["image"].rpartition(":")
        if name.endswith("operator") and versions.is_version(tag):
            return tag
    return None


def environment(workload: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The variables of all containers by name."""
    return {variable["name"]: variable for one in containers(workload) for variable in one.get("env") or []}


def of_workload(workload: Mapping[str, Any], namespace: str = "") -> Operator:
    """The operator that a pod is, or that a Deployment will be; `namespace` is where an object without one goes."""
    home = str((workload.get("metadata") or {}).get("namespace") or namespace)
    variable = environment(workload).get(WATCHED, {})
    field = ((variable.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath")
    if field == "metadata.namespace":
        return Operator(home, frozenset({home}))
    if variable.get("valueFrom"):
        return Operator(home, None)
    names = frozenset(name.strip() for name in str(variable.get("value") or ALL).split(","))
    return Operator(home, frozenset({ALL}) if ALL in names else names)


def of_chart(values: Mapping[str, Any], namespace: str) -> Operator:
    """The operator that the chart makes of `values` in `namespace`."""
    if values.get("watchAnyNamespace"):
        return Operator(namespace, frozenset({ALL}))
    return Operator(namespace, frozenset({*(str(name) for name in values.get("watchNamespaces") or []), namespace}))


def unwatched(namespace: str, operators: Iterable[Operator]) -> str | None:
    """Why nobody would look after a Kafka in `namespace`; None if somebody does, or it cannot be told."""
    found = list(dict.fromkeys(operators))
    if not found or any(operator.may_watch(namespace) for operator in found):
        return None
    homes = sorted({operator.namespace for operator in found})
    return (
        f"nobody watches kafka_cluster_namespace {namespace}: {'; '.join(map(str, found))}. "
        f"Set kafka_cluster_namespace to one that is watched, or let the operator in {homes[0]} watch {namespace} too "
        f"(strimzi_chart_values: {{watchNamespaces: [{namespace}]}}; with manifests {WATCHED} in its Deployment, "
        "and RoleBindings there)"
    )


def strangers(manifests: Iterable[Mapping[str, Any]], namespace: str) -> list[str]:
    """Namespaces whose operator the bindings give rights to, when the operator will be in `namespace`, sorted."""
    subjects = [
        subject
        for manifest in manifests
        if manifest.get("kind") in BINDINGS
        for subject in manifest.get("subjects") or []
        if subject.get("kind") == "ServiceAccount" and subject.get("name") == NAME
    ]
    return sorted({str(subject.get("namespace") or "none") for subject in subjects} - {namespace})
