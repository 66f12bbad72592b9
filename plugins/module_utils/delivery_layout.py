# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each component stands in the Git tree and in Flux's graph. Plain data in, plain data out.

A component has a folder of objects, and one Kustomization in a file of the cluster's folder. The files of a cluster's
folder belong to several components, so they are composed: what a run delivers replaces its own Kustomization there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .errors import ClusterError
from .flux_kustomizations import flux_kustomizations
from .objects import Key, Manifest, key_of
from .tree_files import as_document, in_folder, mark, owner_of, plain_folder, read_kept

WORKLOADS = "kubernetes/workloads"
#: a Kustomization's name is one, and so is a host's part of it
LABEL = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
DEFINITION = "CustomResourceDefinition"
#: a definition that leaves Git stays in the cluster, with every object of its kind
KEPT = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}


@dataclass(frozen=True)
class Place:
    """One component."""

    #: below the workloads' folder
    folder: str
    #: file in the cluster's folder
    file: str
    #: its Kustomization is cluster-<host>-<name>
    name: str
    #: components that must be ready before it
    needs: tuple[str, ...] = ()


PLACES = {
    "strimzi": Place("platform/messaging/strimzi", "infrastructure.yaml", "infrastructure-strimzi"),
    "cnpg_operator": Place("platform/databases/cloudnative-pg", "infrastructure.yaml", "infrastructure-cloudnative-pg"),
    "volsync_operator": Place("platform/backup/volsync", "infrastructure.yaml", "infrastructure-volsync"),
    "kafka_cluster": Place("platform/messaging/kafka", "messaging.yaml", "messaging-kafka", ("strimzi",)),
    "schema_registry": Place(
        "platform/messaging/schema-registry", "messaging.yaml", "messaging-schema-registry", ("kafka_cluster",)
    ),
    "cnpg": Place("apps/synergyflow-database", "synergyflow.yaml", "synergyflow-database", ("cnpg_operator",)),
    "synergyflow_backend": Place(
        "apps/synergyflow", "synergyflow.yaml", "synergyflow", ("kafka_cluster", "schema_registry", "cnpg")
    ),
    "volsync": Place("platform/backup/sources", "backup.yaml", "backup", ("volsync_operator",)),
    "obs_collectors": Place("platform/observability", "observability.yaml", "observability"),
}
#: file in the cluster's folder that is always there
CLUSTER_FILE = "cluster.yaml"
CLUSTER_FILES = sorted({place.file for place in PLACES.values()})


def kustomization_name(host: str, component: str) -> str:
    """The name of a component's Kustomization."""
    if not LABEL.match(host):
        raise ClusterError(
            f"inventory host {host}: Flux's Kustomizations are named after it, so it must be a Kubernetes name"
            " (lower case, digits, - and .)."
        )
    return f"cluster-{host}-{PLACES[component].name}"


def owner(host: str, component: str) -> str:
    """Whose files the component's are."""
    return f"{host}/{component}"


def cluster_owner(host: str) -> str:
    """Whose the files of the cluster's folder are."""
    return f"{host}/kustomizations"


def component_files(
    component: str, objects: Iterable[Manifest], names: Iterable[str], workloads: str, keep_definitions: bool
) -> dict[str, list[Manifest]]:
    """The objects by the path they are written to. `names`: the file of each."""
    folder = in_folder(workloads.strip("/") or ".", PLACES[component].folder)
    found: dict[str, list[Manifest]] = {}
    for manifest, name in zip(objects, names, strict=True):
        kept = keep_definitions and manifest["kind"] == DEFINITION
        found.setdefault(in_folder(folder, _as_yaml(name)), []).append(_annotated(manifest, KEPT) if kept else manifest)
    return found


def _as_yaml(name: str) -> str:
    """A folder's kustomization.yaml names YAML alone, and what it does not name Flux never sees."""
    return name if name.endswith((".yaml", ".yml")) else str(PurePosixPath(name).with_suffix(".yaml"))


def _annotated(manifest: Manifest, annotations: Mapping[str, str]) -> Manifest:
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), **annotations}}}


def kustomization(
    host: str, component: str, objects: Iterable[Manifest], workloads: str, *, namespace: str, left_out: Iterable[Key]
) -> Manifest:
    """The component's Kustomization, without its dependencies. It waits for all objects but those `left_out`."""
    every, out = list(objects), set(left_out)
    entry: dict[str, Any] = {
        "name": kustomization_name(host, component),
        "path": in_folder(workloads.strip("/") or ".", PLACES[component].folder),
        "kinds": sorted({(each["apiVersion"], each["kind"]) for each in every}),
    }
    if out:
        entry["health_checks"] = [
            {"api_version": each["apiVersion"], "kind": key.kind, "name": key.name, "namespace": key.namespace}
            for each in every
            if (key := key_of(each)) not in out
        ]
    return flux_kustomizations([entry], namespace)[0]


@dataclass(frozen=True)
class Change:
    """What a run does to one component's Kustomization: another one in its place, or None for no more of it."""

    host: str
    component: str
    #: the cluster's folder
    folder: str
    #: Flux's namespace
    namespace: str
    manifest: Manifest | None


def cluster_folder(path: str) -> str:
    """The folder of a cluster, by flux_git_path."""
    return plain_folder(path) or "."


def kept_kustomizations(host: str, folder: str, read: Callable[[str], str | None]) -> dict[str, dict[str, Manifest]]:
    """What a cluster's folder holds of this host: by file, by the Kustomization's name."""
    return {name: read_kept(read(in_folder(folder, name)), cluster_owner(host)) for name in CLUSTER_FILES}


def compose(changes: Iterable[Change], read: Callable[[str], str | None]) -> tuple[dict[str, str], list[str]]:
    """The files of the clusters' folders as they become, and those that have nothing left. `read` gives a kept file."""
    by_cluster: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        by_cluster.setdefault((change.host, cluster_folder(change.folder)), []).append(change)
    _refuse_shared(by_cluster)
    texts: dict[str, str] = {}
    empty: list[str] = []
    for (host, folder), wanted in by_cluster.items():
        mine, files = cluster_owner(host), kept_kustomizations(host, folder, read)
        for change in wanted:
            name = kustomization_name(host, change.component)
            content = files[PLACES[change.component].file]
            content.pop(name, None)
            if change.manifest is not None:
                content[name] = change.manifest
        there = {name for content in files.values() for name in content}
        texts[in_folder(folder, CLUSTER_FILE)] = f"{mark(mine)}\n" + as_document(
            _said(host, wanted[0].namespace, there)
        )
        for name in CLUSTER_FILES:  # all of them: what others depend on may have come or gone
            content = {each: _with_needs(host, each, manifest, there) for each, manifest in files[name].items()}
            path = in_folder(folder, name)
            if content:
                texts[path] = f"{mark(mine)}\n" + "".join(as_document(content[each]) for each in sorted(content))
            elif owner_of(read(path) or "") == mine:
                empty.append(path)
    return texts, empty


def _refuse_shared(clusters: Iterable[tuple[str, str]]) -> None:
    """One folder for two clusters: each would be brought what is the other's, and lose its own."""
    hosts: dict[str, str] = {}
    for host, folder in clusters:
        other = hosts.setdefault(folder, host)
        if other != host:
            raise ClusterError(
                f"Nothing has been committed. {folder} is the folder of {other} and of {host} (flux_git_path): give"
                f" each cluster one of its own, such as kubernetes/clusters/{host}."
            )


def _said(host: str, namespace: str, names: set[str]) -> Manifest:
    """What Git brings to a cluster. It also keeps the folder there when that is nothing: Flux fails without one."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"cluster-{host}", "namespace": namespace},
        "data": {"kustomizations": "".join(f"{name}\n" for name in sorted(names))},
    }


def _with_needs(host: str, name: str, manifest: Manifest, there: set[str]) -> Manifest:
    """The Kustomization with those of its dependencies that Git has: another would keep it waiting for ever."""
    component = next((each for each in PLACES if kustomization_name(host, each) == name), None)
    if component is None:
        return manifest
    needs = [kustomization_name(host, each) for each in PLACES[component].needs]
    spec = {field: value for field, value in manifest["spec"].items() if field != "dependsOn"}
    found = [{"name": each} for each in needs if each in there]
    return {**manifest, "spec": {**spec, **({"dependsOn": found} if found else {})}}
