# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before the role flux changes anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ..delivery_layout import LABEL, PLACES, kustomization_name
from ..flux_graph import HELM, IMAGE, KUSTOMIZE, OPERATOR, SOURCE, cycles, first_kustomization, missing
from ..flux_kustomizations import flux_kustomizations
from ..objects import Manifest, key_of, labels_of, listed
from ..topics_and_users import DNS_SUBDOMAIN
from ..tree_files import plain_folder
from .findings import Findings

RELEASE = re.compile(r"^\d+\.\d+\.\d+$")
#: one release, or a range as flux-operator reads it (github.com/Masterminds/semver)
RANGE = re.compile(r"^[\dxX*.<>=~^ ,|v-]+$")
IMAGE_NAME = re.compile(r"controlplaneio-fluxcd/flux-operator:v?(?P<version>\d+\.\d+\.\d+)")
#: the kinds that come with Flux, for the roles that use them in the same run
BROUGHT = {
    f"HelmRelease.{HELM}": ["v2"],
    f"HelmRepository.{SOURCE}": ["v1"],
    f"GitRepository.{SOURCE}": ["v1"],
    f"Kustomization.{KUSTOMIZE}": ["v1"],
}
IMAGE_KINDS = ("ImageRepository", "ImagePolicy", "ImageUpdateAutomation")
IMAGE_COMPONENTS = ("image-reflector-controller", "image-automation-controller")
NEEDED = ("source-controller", "kustomize-controller", "helm-controller")
MANAGED_BY = "app.kubernetes.io/managed-by"


@dataclass
class Live:
    """What of it is there."""

    namespace_exists: bool = True
    instance: Mapping[str, Any] | None = None
    #: (namespace, name) of the other FluxInstances
    other_instances: list[str] = field(default_factory=list)
    kustomizations: list[Manifest] = field(default_factory=list)
    #: keys of the Secret with the log-in; None if there is none, or it may not be read
    git_secret: list[str] | None = None
    #: folders of the repository; None if it was not looked at
    folders: set[str] | None = None
    #: why the repository could not be looked at
    git_error: str = ""


def check(
    values: Mapping[str, Any],
    cluster: Mapping[str, Any],
    manifests: Iterable[Mapping[str, Any]],
    live: Live,
    by_git: bool = False,
) -> Findings:
    """Everything that can be known before the first write. `by_git`: this run may bring the cluster's folder."""
    findings = Findings()
    served = cluster["served"]
    check_names(values, findings)
    if values["flux_install_method"] == "manifests":
        check_manifests(values, list(manifests), findings)
    elif not served.get(f"FluxInstance.{OPERATOR}"):
        findings.problem(
            "flux_install_method is existing and the cluster does not serve FluxInstance: install flux-operator, or let"
            " the role do it (manifests)"
        )
    check_components(values, served, findings)
    check_git(values, live, findings)
    check_sync(values, live, findings)
    root_to_come = by_git and live.folders is not None and not _has(live.folders, values["flux_git_path"])
    check_graph(values, live, findings, root_to_come)
    if root_to_come and not values["flux_self_managed"]:
        findings.problem(
            f"platform_delivery is gitops, {values['flux_git_path']} is not in Git yet, and flux_self_managed is false:"
            " the instance would wait for the folder before anything could be put there; commit it first, or let Flux"
            " manage itself"
        )
    if live.other_instances:
        findings.problem(
            f"there is another FluxInstance ({listed(live.other_instances)}): flux-operator knows one alone, named flux"
            f" in its own namespace; set flux_namespace to that, it is {values['flux_namespace']}"
        )
    to_come = [f"FluxInstance.{OPERATOR}", *BROUGHT, *(f"{kind}.{IMAGE}" for kind in IMAGE_KINDS)]
    findings.facts |= {
        "git_path_to_come": root_to_come,
        "instance_by_helm": bool(live.instance) and labels_of(live.instance or {}).get(MANAGED_BY) == "Helm",
        "expected_kinds": [kind for kind in to_come if not served.get(kind)],
        "expected_namespaces": [] if live.namespace_exists else [str(values["flux_namespace"])],
    }
    return findings


def check_names(values: Mapping[str, Any], findings: Findings) -> None:
    """Names and releases on their own."""
    if not DNS_SUBDOMAIN.match(str(values["flux_namespace"])):
        findings.problem(f"flux_namespace must be a Kubernetes name, it is {values['flux_namespace']!r}")
    operator = str(values["flux_operator_version"])
    if not RELEASE.match(operator):
        findings.problem(f"flux_operator_version must be a release such as 0.58.1, it is {operator}")
    if not RANGE.match(str(values["flux_version"])):
        findings.problem(f"flux_version must be a release or a range such as 2.9.x, it is {values['flux_version']!r}")
    for name in values["flux_kustomizations"]:
        if not DNS_SUBDOMAIN.match(str(name["name"])):
            findings.problem(f"flux_kustomizations: {name['name']!r} is no Kubernetes name")


def check_own_names(values: Mapping[str, Any], host: str, findings: Findings) -> None:
    """Flux deletes what a Kustomization has applied and has no more: the components' names are not for others."""
    if not LABEL.match(host):
        return  # the first component that is staged says so
    taken = {kustomization_name(host, component) for component in PLACES}
    for entry in values["flux_kustomizations"]:
        if entry["name"] in taken:
            findings.problem(
                f"flux_kustomizations: {entry['name']} is the name of a component's Kustomization, and"
                " platform_delivery is gitops: give it another name"
            )


def check_sync(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """A sync that goes takes its Kustomization with it, and that what it has applied."""
    followed = (((live.instance or {}).get("spec") or {}).get("sync") or {}).get("url")
    if followed and not values["flux_git_url"] and not values["flux_instance"].get("sync"):
        findings.warn(
            f"flux_git_url is empty, and the FluxInstance follows {followed}: its sync goes, and Flux deletes what the"
            " cluster's first Kustomization has applied (Kustomizations of components leave theirs); set flux_git_url"
            " to keep it"
        )


def check_manifests(values: Mapping[str, Any], manifests: list[Mapping[str, Any]], findings: Findings) -> None:
    """The manifests hold the operator that the variables name."""
    if not values["flux_manifests"]:
        findings.problem(
            "flux_install_method is manifests: set flux_manifests to a directory, files or objects (install.yaml of"
            f" flux-operator's release {values['flux_operator_version']})"
        )
        return
    wanted = values["flux_operator_version"]
    releases = [found for manifest in manifests if (found := operator_version(manifest))]
    for found in releases:
        if found != wanted:
            findings.problem(
                f"flux_manifests hold flux-operator {found}, flux_operator_version is {wanted}: give the manifests of"
                f" {wanted}"
            )
    if not releases:
        findings.warn("flux_manifests hold no Deployment of flux-operator with a release in its image's tag")


def operator_version(manifest: Mapping[str, Any]) -> str | None:
    """The release of flux-operator that a Deployment runs."""
    if manifest.get("kind") != "Deployment":
        return None
    pod = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
    images = [str(container.get("image") or "") for container in pod.get("containers") or []]
    return next((found["version"] for image in images if (found := IMAGE_NAME.search(image))), None)


def check_components(values: Mapping[str, Any], served: Mapping[str, Any], findings: Findings) -> None:
    """The controllers that the rest needs are among them."""
    components = values["flux_components"]
    lacking = [name for name in NEEDED if name not in components]
    if lacking:
        findings.problem(f"flux_components lacks {', '.join(lacking)}: the platform's charts and folders need them")
    if not values["flux_images"]:
        return
    unserved = [kind for kind in IMAGE_KINDS if not served.get(f"{kind}.{IMAGE}")]
    absent = [name for name in IMAGE_COMPONENTS if name not in components]
    if unserved and absent:
        findings.problem(
            f"flux_images is set, and the cluster does not serve {', '.join(unserved)}: add {', '.join(absent)} to"
            " flux_components"
        )


def check_git(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """The repository can be named, logged in to, and has this cluster's folder."""
    url, secret = str(values["flux_git_url"]), values["flux_git_secret"]
    if not url:
        if values["flux_kustomizations"]:
            findings.problem("flux_kustomizations is set and flux_git_url is empty: there is nothing to take them from")
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "ssh"):
        findings.problem(f"flux_git_url must begin with https://, http:// or ssh://, as Flux wants it; it is {url!r}")
    if parts.password or (parts.username and parts.scheme != "ssh"):
        findings.problem("flux_git_url holds credentials: give flux_git_username and flux_git_password")
    if values["flux_git_password"] and not values["flux_git_username"]:
        findings.problem("flux_git_password is set without flux_git_username; with a token any name will do")
    if values["flux_git_password"] and not secret:
        findings.problem("flux_git_password is set without flux_git_secret, the Secret that Flux is to find it in")
    if secret and not values["flux_git_password"] and live.git_secret is None:
        findings.problem(
            f"there is no Secret {secret} in {values['flux_namespace']} (flux_git_secret): make it with username and"
            " password, or set flux_git_username and flux_git_password"
        )
    if live.git_error:
        findings.warn(f"the repository cannot be looked at from here, its paths are not checked: {live.git_error}")


def _has(folders: set[str], path: Any) -> bool:
    """Whether a folder is in the repository."""
    plain = plain_folder(path)
    return plain in ("", ".") or str(PurePosixPath(plain)) in folders


def check_graph(values: Mapping[str, Any], live: Live, findings: Findings, root_to_come: bool = False) -> None:
    """Every dependency exists, none goes in a circle, and each path is in the repository."""
    namespace = str(values["flux_namespace"])
    made = flux_kustomizations(values["flux_kustomizations"], namespace)
    known = {key_of(manifest) for manifest in live.kustomizations}
    names = [manifest["metadata"]["name"] for manifest in made]
    for name in sorted({name for name in names if names.count(name) > 1}):
        findings.problem(f"flux_kustomizations has {name} more than once")
    if first_kustomization(namespace).name in names:
        findings.problem(f"flux_kustomizations: {namespace} is the name of the Kustomization that syncs the cluster")
    findings.problems_from(f"flux_kustomizations: {sentence}" for sentence in [*missing(made, known), *cycles(made)])
    if live.folders is None or not values["flux_git_url"]:
        return
    where = f"branch {values['flux_git_branch']} of flux_git_url"
    paths = {} if root_to_come else {"flux_git_path": values["flux_git_path"]}
    paths |= {f"flux_kustomizations, {entry['name']}": entry["path"] for entry in values["flux_kustomizations"]}
    for what, path in paths.items():
        if not _has(live.folders, path):
            findings.problem(f"{what}: {path} is no folder in {where}: commit it first, or correct the path")
