# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What flux-operator makes of a FluxInstance: upstream's manifests of the distribution, set to what the instance says.

Pure functions over dicts. Upstream: internal/builder in controlplaneio-fluxcd/flux-operator. What of an instance is not
followed here is refused by name, as nothing would come of it.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rehearsal.flux import GROUP, INSTANCE, NAME
from rehearsal.flux.versions import matches
from rehearsal.labels import STAND_IN

NOTIFICATION = "notification-controller"
COMPONENTS = ("source-controller", "kustomize-controller", "helm-controller", NOTIFICATION)
OWNED_BY = {f"{GROUP}/name", f"{GROUP}/namespace"}  # labels of all that an instance made
# below spec; False and missing are the same
NOT_FOLLOWED = ("cluster.multitenant", "cluster.size", "kustomize", "sharding", "storage")
SYNC_INTERVAL = "1m"

Object = dict[str, Any]


class BuildError(Exception):
    """Nothing can be made of this FluxInstance; the message is that of its condition."""


@dataclass(frozen=True)
class Built:
    """The objects of an instance, which release they are, and the images of its components."""

    objects: list[Object]
    version: str
    components: list[dict[str, str]]

    @property
    def digest(self) -> str:
        """What tells these objects from others."""
        return f"sha256:{hashlib.sha256(json.dumps(self.objects, sort_keys=True).encode()).hexdigest()}"

    @property
    def revision(self) -> str:
        """As the instance's status has it."""
        return f"v{self.version}@{self.digest}"


def build(instance: Object, files: dict[str, list[Object]], version: str) -> Built:
    """All objects of the instance. `files` are the distribution's, by name; `version` is theirs."""
    metadata, spec = instance["metadata"], instance["spec"]
    cluster = spec.get("cluster") or {}
    _refuse(metadata["name"], spec)
    try:
        if not matches(version, spec["distribution"]["version"]):
            raise BuildError(f"no match found for semver: {spec['distribution']['version']}; here is {version}")
    except ValueError as error:
        raise BuildError(str(error)) from error
    components = spec.get("components") or list(COMPONENTS)
    if unknown := [each for each in components if each not in COMPONENTS]:
        raise BuildError(f"the rehearsal has no program for component {unknown[0]}: only for {', '.join(COMPONENTS)}")
    namespace = metadata["namespace"]
    objects = _roles(files["rbac.yaml"], namespace)
    if cluster.get("networkPolicy", True):
        objects += copy.deepcopy(files["policies.yaml"])
    images = []
    for component in components:
        own = copy.deepcopy(files[f"{component}.yaml"])
        deployment = next(each for each in own if each["kind"] == "Deployment")
        images.append(_image(deployment, component, spec["distribution"]["registry"]))
        _arguments(deployment, namespace, cluster.get("domain") or "cluster.local", NOTIFICATION in components)
        objects += own
    objects += sync_objects(spec.get("sync"), namespace)
    for each in objects:
        _mark(each, instance, version)
    return Built(sorted(objects, key=_order), version, images)


def sync_objects(sync: Object | None, namespace: str) -> list[Object]:
    """The source and the root Kustomization of an instance that syncs a cluster."""
    if not sync:
        return []
    if sync["kind"] != "GitRepository":
        raise BuildError(f"the stand-in for flux-operator syncs from a GitRepository, not from {sync['kind']}")
    name = sync.get("name") or namespace
    optional: Object = {"secretRef": {"name": sync["pullSecret"]}} if sync.get("pullSecret") else {}
    if sync.get("provider"):
        optional["provider"] = sync["provider"]
    source = {"interval": sync.get("interval") or SYNC_INTERVAL, "ref": {"name": sync["ref"]}, "url": sync["url"]}
    root = {
        "interval": "10m0s",
        "path": sync["path"],
        "prune": True,
        "sourceRef": {"kind": sync["kind"], "name": name},
    }
    return [
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": sync["kind"],
            "metadata": {"name": name},
            "spec": source | optional,
        },
        {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": name},
            "spec": root,
        },
    ]


def _refuse(name: str, spec: Object) -> None:
    if name != INSTANCE:
        raise BuildError(f"a FluxInstance must be named {INSTANCE}, not {name}")
    for path in NOT_FOLLOWED:
        value: Any = spec
        for key in path.split("."):
            value = (value or {}).get(key)
        if value:
            raise BuildError(f"the stand-in for flux-operator does not follow spec.{path}")


def _roles(documents: Iterable[Object], namespace: str) -> list[Object]:
    """Roles of the whole cluster are named for their instance's namespace, and bound to its accounts."""
    made = copy.deepcopy(list(documents))
    own = {each["metadata"]["name"] for each in made}
    for each in made:
        each["metadata"]["name"] += f"-{namespace}"
        if each.get("roleRef", {}).get("name") in own:
            each["roleRef"]["name"] += f"-{namespace}"
        for subject in each.get("subjects", []):
            subject["namespace"] = namespace
    return made


def _image(deployment: Object, component: str, registry: str) -> dict[str, str]:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    tag = container["image"].rpartition(":")[2]
    repository = f"{registry.rstrip('/')}/{component}"
    container["image"] = f"{repository}:{tag}"
    return {"name": component, "repository": repository, "tag": tag}


def _arguments(deployment: Object, namespace: str, domain: str, notified: bool) -> None:
    """The arguments that name others, for this namespace and domain."""
    events = f"http://{NOTIFICATION}.{namespace}.svc.{domain}./" if notified else ""
    component = deployment["metadata"]["name"]
    values = {
        "--events-addr": events,
        "--storage-adv-addr": f"{component}.$(RUNTIME_NAMESPACE).svc.{domain}.",
    }
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    names = [argument.partition("=")[0] for argument in container["args"]]
    container["args"] = [
        f"{name}={values[name]}" if name in values else argument
        for name, argument in zip(names, container["args"], strict=True)
    ]
    deployment["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/os": "linux"}


def _mark(each: Object, instance: Object, version: str) -> None:
    """Namespace, labels and annotations: whose it is, and that it was not flux-operator that made it."""
    metadata, owner = each["metadata"], instance["metadata"]
    common = instance["spec"].get("commonMetadata") or {}
    if namespaced(each):
        metadata["namespace"] = owner["namespace"]
    metadata["labels"] = {
        **metadata.get("labels", {}),
        "app.kubernetes.io/managed-by": NAME,
        "app.kubernetes.io/instance": owner["namespace"],
        "app.kubernetes.io/version": f"v{version}",
        "app.kubernetes.io/part-of": "flux",
        f"{GROUP}/name": owner["name"],
        f"{GROUP}/namespace": owner["namespace"],
        STAND_IN: NAME,
        **(common.get("labels") or {}),
    }
    metadata["annotations"] = {
        **metadata.get("annotations", {}),
        # Flux itself leaves its own parts alone, wherever else they are described
        "kustomize.toolkit.fluxcd.io/ssa": "Ignore",
        "kustomize.toolkit.fluxcd.io/prune": "Disabled",
        **(common.get("annotations") or {}),
    }


def namespaced(each: Object) -> bool:
    """Whether an object of the distribution lives in a namespace."""
    return not each["kind"].startswith(("Cluster", "CustomResourceDefinition"))


_FIRST = ("CustomResourceDefinition", "ServiceAccount", "ClusterRole", "ClusterRoleBinding")
_LAST = ("Deployment", "GitRepository", "Kustomization")


def _order(each: Object) -> int:
    """Definitions before their objects, rights before who needs them."""
    kind = each["kind"]
    if kind in _FIRST:
        return _FIRST.index(kind)
    return len(_FIRST) + 1 + _LAST.index(kind) if kind in _LAST else len(_FIRST)
