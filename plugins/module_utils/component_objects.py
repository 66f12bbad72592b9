# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of each component, read from the API server: what status and evidence look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .api import Api, ApiError
from .discovery import Resource
from .objects import Manifest, labels_of
from .topics_and_users import resource_name

STRIMZI = "kafka.strimzi.io"
CNPG = "postgresql.cnpg.io"
OPERATOR = "strimzi.io/kind=cluster-operator"
#: the Deployment has that label on its pods alone, and in the chart as in the manifests this name
OPERATOR_NAME = "strimzi-cluster-operator"
CNPG_OPERATOR = "app.kubernetes.io/name=cloudnative-pg"
FLUX_OPERATOR = "fluxcd.controlplane.io"
FLUX_IMAGE = "image.toolkit.fluxcd.io"
VOLSYNC = "volsync.backube"
VOLSYNC_OPERATOR = "app.kubernetes.io/name=volsync"
#: labels by which a rehearsal says what is not the real thing
STAND_IN, RUN_BY = "synergyflow.platform/stand-in", "synergyflow.platform/run-by"


@dataclass(frozen=True)
class Wanted:
    """One list of objects: all of a kind in a namespace that a selector, or a name, fits."""

    group: str
    kind: str
    namespace: str = ""
    selector: str = ""
    name: str = ""


def wanted(role: str, values: Mapping[str, Any]) -> dict[str, Wanted]:
    """What belongs to a component, by the name the checks use for it."""
    return WANTED[role](values)


def _strimzi(values: Mapping[str, Any]) -> dict[str, Wanted]:
    namespace = values["strimzi_namespace"]
    found = {
        "deployments": Wanted("apps", "Deployment", namespace, name=OPERATOR_NAME),
        "pods": Wanted("", "Pod", namespace, OPERATOR),
        "kafkas": Wanted(STRIMZI, "Kafka", namespace),
    }
    if values["strimzi_install_method"] == "helmrelease":
        found["helmreleases"] = Wanted("helm.toolkit.fluxcd.io", "HelmRelease", namespace)
    return found


def _kafka_cluster(values: Mapping[str, Any]) -> dict[str, Wanted]:
    namespace, name = values["kafka_cluster_namespace"], values["kafka_cluster_name"]
    own = f"strimzi.io/cluster={name}"
    brokers = f"{own},strimzi.io/name={name}-kafka"
    return {
        "kafkas": Wanted(STRIMZI, "Kafka", namespace),
        "node_pools": Wanted(STRIMZI, "KafkaNodePool", namespace, own),
        "pods": Wanted("", "Pod", namespace, brokers),
        "claims": Wanted("", "PersistentVolumeClaim", namespace, brokers),
        "deployments": Wanted("apps", "Deployment", namespace, own),
        "topics": Wanted(STRIMZI, "KafkaTopic", namespace, own),
        "users": Wanted(STRIMZI, "KafkaUser", namespace, own),
        "budgets": Wanted("policy", "PodDisruptionBudget", namespace, own),
        "nodes": Wanted("", "Node"),
    }


def _cnpg(values: Mapping[str, Any]) -> dict[str, Wanted]:
    namespace, name = values["cnpg_namespace"], values["cnpg_name"]
    own = f"cnpg.io/cluster={name}"
    return {
        "operators": Wanted("apps", "Deployment", selector=CNPG_OPERATOR),
        "clusters": Wanted(CNPG, "Cluster", namespace, name=name),
        "pods": Wanted("", "Pod", namespace, f"{own},cnpg.io/podRole=instance"),
        "claims": Wanted("", "PersistentVolumeClaim", namespace, own),
        "budgets": Wanted("policy", "PodDisruptionBudget", namespace),
        "databases": Wanted(CNPG, "Database", namespace),
        "poolers": Wanted(CNPG, "Pooler", namespace, name=f"{name}-pooler-rw"),
        "pooler_deployments": Wanted("apps", "Deployment", namespace, name=f"{name}-pooler-rw"),
        "schedules": Wanted(CNPG, "ScheduledBackup", namespace),
        "backups": Wanted(CNPG, "Backup", namespace),
        "external_secrets": Wanted("external-secrets.io", "ExternalSecret", namespace),
        "nodes": Wanted("", "Node"),
    }


def _schema_registry(values: Mapping[str, Any]) -> dict[str, Wanted]:
    namespace = values["schema_registry_namespace"]
    own = "app.kubernetes.io/name=schema-registry"
    return {
        "deployments": Wanted("apps", "Deployment", namespace, own),
        "pods": Wanted("", "Pod", namespace, own),
        "services": Wanted("", "Service", namespace, own),
        "budgets": Wanted("policy", "PodDisruptionBudget", namespace, own),
        "policies": Wanted("networking.k8s.io", "NetworkPolicy", namespace, own),
        "service_monitors": Wanted("monitoring.coreos.com", "ServiceMonitor", namespace, own),
        "topics": Wanted(STRIMZI, "KafkaTopic", namespace, name=resource_name(values["schema_registry_topic"])),
        "users": Wanted(STRIMZI, "KafkaUser", namespace, name=values["schema_registry_user"]),
        "external_secrets": Wanted("external-secrets.io", "ExternalSecret", namespace, own),
        "nodes": Wanted("", "Node"),
    }


def _synergyflow_backend(values: Mapping[str, Any]) -> dict[str, Wanted]:
    namespace, name = values["synergyflow_backend_namespace"], values["synergyflow_backend_name"]
    own = f"app.kubernetes.io/name={name}"
    return {
        "deployments": Wanted("apps", "Deployment", namespace, own),
        "pods": Wanted("", "Pod", namespace, own),
        "external_secrets": Wanted("external-secrets.io", "ExternalSecret", namespace, own),
        "services": Wanted("", "Service", namespace, own),
        "service_monitors": Wanted("monitoring.coreos.com", "ServiceMonitor", namespace, own),
        "policies": Wanted("networking.k8s.io", "NetworkPolicy", namespace, own),
        "budgets": Wanted("policy", "PodDisruptionBudget", namespace, own),
        "config_maps": Wanted("", "ConfigMap", namespace, own),
        "nodes": Wanted("", "Node"),
    }


def _volsync(values: Mapping[str, Any]) -> dict[str, Wanted]:
    namespace = values["volsync_namespace"]
    found = {
        "deployments": Wanted("apps", "Deployment", namespace, VOLSYNC_OPERATOR),
        "pods": Wanted("", "Pod", namespace, VOLSYNC_OPERATOR),
        "sources": Wanted(VOLSYNC, "ReplicationSource"),
        "destinations": Wanted(VOLSYNC, "ReplicationDestination"),
    }
    if values["volsync_external_secrets"]:
        found["external_secrets"] = Wanted("external-secrets.io", "ExternalSecret", namespace)
    if values["volsync_install_method"] == "helmrelease":
        found["helmreleases"] = Wanted("helm.toolkit.fluxcd.io", "HelmRelease", namespace)
    return found


def _flux(values: Mapping[str, Any]) -> dict[str, Wanted]:
    namespace = values["flux_namespace"]
    found = {
        "instances": Wanted(FLUX_OPERATOR, "FluxInstance", namespace),
        "deployments": Wanted("apps", "Deployment", namespace),
        "pods": Wanted("", "Pod", namespace),
        "git_repositories": Wanted("source.toolkit.fluxcd.io", "GitRepository"),
        "kustomizations": Wanted("kustomize.toolkit.fluxcd.io", "Kustomization"),
        "helm_releases": Wanted("helm.toolkit.fluxcd.io", "HelmRelease"),
    }
    if values["flux_images"]:
        found |= {
            "image_repositories": Wanted(FLUX_IMAGE, "ImageRepository", namespace),
            "image_policies": Wanted(FLUX_IMAGE, "ImagePolicy", namespace),
            "image_automations": Wanted(FLUX_IMAGE, "ImageUpdateAutomation", namespace),
        }
    return found


def _obs_collectors(values: Mapping[str, Any]) -> dict[str, Wanted]:
    namespace = values["obs_collectors_namespace"]
    own = "app.kubernetes.io/part-of=obs-collectors"
    found = {}
    if values["obs_collectors_collect"]:
        found = {
            "daemon_sets": Wanted("apps", "DaemonSet", namespace, own),
            "stateful_sets": Wanted("apps", "StatefulSet", namespace, own),
            "pods": Wanted("", "Pod", namespace, own),
            "claims": Wanted("", "PersistentVolumeClaim", namespace, "app.kubernetes.io/name=vmagent"),
            "nodes": Wanted("", "Node"),
        }
    if values["obs_collectors_views"]:
        found["rules"] = Wanted("monitoring.coreos.com", "PrometheusRule", namespace, own)
        found["dashboards"] = Wanted("", "ConfigMap", namespace, f"{own},synergyflow.platform/dashboard")
    return found


WANTED = {
    "flux": _flux,
    "strimzi": _strimzi,
    "kafka_cluster": _kafka_cluster,
    "schema_registry": _schema_registry,
    "cnpg": _cnpg,
    "synergyflow_backend": _synergyflow_backend,
    "volsync": _volsync,
    "obs_collectors": _obs_collectors,
}


#: how the reason begins when nobody could make such an object
NOT_SERVED = "the cluster does not serve"


@dataclass
class Seen:
    """What was read. A list that is not there is empty, and `unread` says why it could not be read."""

    objects: dict[str, list[Manifest]]
    unread: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[Manifest]:
        return self.objects.get(name, [])

    def named(self, name: str, wanted_name: str) -> Manifest | None:
        """The one object of a list that has the name."""
        return next((found for found in self[name] if found["metadata"]["name"] == wanted_name), None)


def read(api: Api, lists: Mapping[str, Wanted]) -> Seen:
    """All lists at once. What is not served or may not be read is noted, not raised."""
    served = api.discover()
    seen = Seen({})

    def one(name: str) -> None:
        ask = lists[name]
        resource: Resource | None = served.preferred(ask.group, ask.kind)
        if resource is None:
            seen.unread[name] = f"{NOT_SERVED} {ask.kind}"
            return
        try:
            fields = f"metadata.name={ask.name}" if ask.name else ""
            found = api.list(resource, namespace=ask.namespace, selector=ask.selector, fields=fields)
        except ApiError as error:
            if error.code not in (403, 404):
                raise
            seen.unread[name] = str(error)
            return
        # items of a list carry neither, the rules of readiness want both
        for item in found:
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        seen.objects[name] = sorted(found, key=lambda item: str(item["metadata"]["name"]))

    api.all(one, list(lists))
    seen.objects = {name: seen.objects[name] for name in lists if name in seen.objects}
    return seen


def stand_ins(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """What of the objects is not the real thing, by the labels that stand-ins carry."""
    labels = [labels_of(found) for found in objects]
    return sorted({each[label] for each in labels for label in (STAND_IN, RUN_BY) if label in each})
