# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster serves: resources by group, version and kind.

Aggregated discovery (Kubernetes 1.27 and later) tells everything in two requests; an older server is asked once for
each group version that is needed.
https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

AGGREGATED = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)


class Resource(NamedTuple):
    """One served kind in one version."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: tuple[str, ...] = ("get", "list", "patch", "create", "delete")

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "") -> str:
        """Path of the collection, or of one object in it."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{inside}/{self.plural}" + (f"/{name}" if name else "")


# what every API server serves, so that nobody has to ask it which version
CLAIMS = Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", True)
CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", True)
CRDS = Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False)
DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments", True)
JOBS = Resource("batch", "v1", "Job", "jobs", True)
NAMESPACES = Resource("", "v1", "Namespace", "namespaces", False)
PODS = Resource("", "v1", "Pod", "pods", True)
SECRETS = Resource("", "v1", "Secret", "secrets", True)
STORAGE_CLASSES = Resource("storage.k8s.io", "v1", "StorageClass", "storageclasses", False)


@dataclass
class Served:
    """The served resources. Versions of a group are in the server's order of preference."""

    #: (group, kind) -> resources, the preferred version first
    resources: dict[tuple[str, str], list[Resource]] = field(default_factory=dict)
    #: group versions whose kinds are not known yet, with old servers; asked when needed
    unasked: dict[tuple[str, str], bool] = field(default_factory=dict)
    #: group versions whose API server does not answer (APIService not available)
    stale: set[str] = field(default_factory=set)
    ask: Callable[[str, str], list[Resource]] | None = None

    def add(self, resource: Resource) -> None:
        versions = self.resources.setdefault((resource.group, resource.kind), [])
        if resource.version not in {known.version for known in versions}:
            versions.append(resource)

    def _complete(self, group: str) -> None:
        for candidate in [key for key in self.unasked if key[0] == group]:
            del self.unasked[candidate]
            for resource in self.ask(*candidate) if self.ask else []:
                self.add(resource)

    def versions(self, group: str, kind: str) -> list[Resource]:
        """All served versions of a kind, the preferred first; empty when the kind is not served."""
        self._complete(group)
        return self.resources.get((group, kind), [])

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource of exactly this version and kind."""
        group, _slash, version = api_version.rpartition("/")
        return next((r for r in self.versions(group, kind) if r.version == version), None)

    def preferred(self, group: str, kind: str) -> Resource | None:
        versions = self.versions(group, kind)
        return versions[0] if versions else None

    def kinds(self) -> dict[str, list[str]]:
        """`{"Kafka.kafka.strimzi.io": ["v1", …]}`, the preferred version first."""
        for group in {key[0] for key in self.unasked}:
            self._complete(group)
        return {
            (f"{kind}.{group}" if group else kind): [resource.version for resource in versions]
            for (group, kind), versions in sorted(self.resources.items())
        }


def read_aggregated(served: Served, document: Mapping[str, Any]) -> None:
    """Add an APIGroupDiscoveryList to `served`."""
    for group in document.get("items") or []:
        group_name = (group.get("metadata") or {}).get("name") or ""
        for version in group.get("versions") or []:
            if version.get("freshness") == "Stale":
                served.stale.add(f"{group_name}/{version['version']}")
            for resource in version.get("resources") or []:
                kind = (resource.get("responseKind") or {}).get("kind")
                if not kind or "verbs" not in resource:
                    continue  # a subresource's parent without a storage of its own
                served.add(
                    Resource(
                        group_name,
                        version["version"],
                        kind,
                        resource["resource"],
                        resource.get("scope") == "Namespaced",
                        tuple(resource.get("verbs") or ()),
                    )
                )


def read_resource_list(group: str, version: str, document: Mapping[str, Any]) -> list[Resource]:
    """The resources of one group version from an old server's APIResourceList."""
    return [
        Resource(
            group, version, item["kind"], item["name"], bool(item.get("namespaced")), tuple(item.get("verbs") or ())
        )
        for item in document.get("resources") or []
        if "/" not in item["name"]
    ]


def discover(get: Callable[[str, str], Mapping[str, Any]]) -> Served:
    """Ask the server. `get(path, accept)` returns the parsed answer."""
    served = Served()
    accept = f"{AGGREGATED},application/json"
    for path in ("/api", "/apis"):
        document = get(path, accept)
        if document.get("kind") == "APIGroupDiscoveryList":
            read_aggregated(served, document)
        elif document.get("kind") == "APIVersions":
            served.unasked.update({("", version): True for version in document.get("versions") or []})
        else:
            for group in document.get("groups") or []:
                preferred = (group.get("preferredVersion") or {}).get("version")
                versions = [version["version"] for version in group.get("versions") or []]
                for version in sorted(versions, key=lambda v, p=preferred: v != p):
                    served.unasked[(group["name"], version)] = True

    def ask(group: str, version: str) -> list[Resource]:
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        return read_resource_list(group, version, get(root, "application/json"))

    served.ask = ask
    return served
