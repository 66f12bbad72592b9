# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the resource of each object: served by the cluster, or made by a CRD of the same set."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .discovery import Resource, Served
from .errors import ClusterError
from .objects import Manifest, group_of, key_of, listed

#: group -> who brings its CRDs
BROUGHT_BY = {
    "kafka.strimzi.io": "Strimzi's CRDs (role strimzi)",
    "core.strimzi.io": "Strimzi's CRDs (role strimzi)",
    "postgresql.cnpg.io": "CloudNativePG's CRDs",
    "barmancloud.cnpg.io": "the CRDs of plugin-barman-cloud",
    "volsync.backube": "VolSync's CRDs",
    "source.toolkit.fluxcd.io": "Flux's source-controller CRDs",
    "kustomize.toolkit.fluxcd.io": "Flux's kustomize-controller CRDs",
    "helm.toolkit.fluxcd.io": "Flux's helm-controller CRDs",
    "notification.toolkit.fluxcd.io": "Flux's notification-controller CRDs",
    "fluxcd.controlplane.io": "flux-operator's CRDs",
    "external-secrets.io": "External Secrets' CRDs",
    "monitoring.coreos.com": "the Prometheus operator's CRDs",
    "operator.victoriametrics.com": "the VictoriaMetrics operator's CRDs",
    "snapshot.storage.k8s.io": "the CSI snapshot CRDs",
    "cert-manager.io": "cert-manager's CRDs",
}


def resources_of_definitions(manifests: Iterable[Manifest]) -> dict[tuple[str, str], Resource]:
    """(apiVersion, kind) -> the resource that the CRDs among `manifests` will serve."""
    found: dict[tuple[str, str], Resource] = {}
    for manifest in manifests:
        if manifest["kind"] != "CustomResourceDefinition" or group_of(manifest) != "apiextensions.k8s.io":
            continue
        spec = manifest.get("spec") or {}
        names = spec.get("names") or {}
        for version in spec.get("versions") or []:
            if version.get("served") and names.get("kind") and names.get("plural") and spec.get("group"):
                resource = Resource(
                    spec["group"], version["name"], names["kind"], names["plural"], spec.get("scope") == "Namespaced"
                )
                found[(resource.api_version, resource.kind)] = resource
    return found


def unserved(manifests: Iterable[Mapping[str, Any]], served: Served) -> str:
    """The sentence for kinds that the cluster does not serve."""
    reasons: dict[str, str] = {}
    examples: dict[str, str] = {}
    for manifest in manifests:
        api_version, kind, group = manifest["apiVersion"], manifest["kind"], group_of(manifest)
        name = f"{kind} ({api_version})"
        examples.setdefault(name, str(key_of(manifest)))
        other = [resource.api_version for resource in served.versions(group, kind)]
        if other:
            reasons[name] = f"the cluster serves it as {', '.join(other)}"
        elif api_version in served.stale:
            reasons[name] = "the API server behind it does not answer (see `kubectl get apiservice`)"
        else:
            reasons[name] = f"install {BROUGHT_BY.get(group, 'the CRD that defines it')} first"
    parts = [f"{name}, for example {examples[name]}: {reason}" for name, reason in reasons.items()]
    return f"The cluster does not serve: {'; '.join(parts)}."


def resolve(
    manifests: list[Manifest], served: Served, expected: Collection[str] = ()
) -> tuple[dict[tuple[str, str], Resource], set[tuple[str, str]]]:
    """(apiVersion, kind) -> resource, and those of them that only exist once a CRD of the set does.

    `expected` are kinds (`Kafka.kafka.strimzi.io`) that something else will have brought by then; they are taken to be
    namespaced, and their plural to be regular.
    Also settles namespaces: an object of a cluster-wide kind has none, any other must have one.
    """
    found: dict[tuple[str, str], Resource] = {}
    pending: set[tuple[str, str]] = set()
    missing: list[Manifest] = []
    defined = resources_of_definitions(manifests)
    for manifest in manifests:
        kind = (manifest["apiVersion"], manifest["kind"])
        if kind in found:
            continue
        resource = served.find(*kind)
        if resource is None and kind in defined:
            resource = defined[kind]
            pending.add(kind)
        group = group_of(manifest)
        if resource is None and f"{manifest['kind']}.{group}" in expected:
            version = manifest["apiVersion"].rpartition("/")[2]
            resource = Resource(group, version, manifest["kind"], f"{manifest['kind'].lower()}s", True)
            pending.add(kind)
        if resource is None:
            missing.append(manifest)
        else:
            found[kind] = resource
    if missing:
        raise ClusterError(unserved(missing, served))
    homeless = []
    for manifest in manifests:
        resource = found[(manifest["apiVersion"], manifest["kind"])]
        if not resource.namespaced:
            manifest["metadata"].pop("namespace", None)
        elif not manifest["metadata"].get("namespace"):
            homeless.append(f"{manifest['kind']} {manifest['metadata']['name']}")
    if homeless:
        raise ClusterError(f"These objects need metadata.namespace: {listed(homeless)}.")
    return found, pending
