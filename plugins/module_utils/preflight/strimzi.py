# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before the role strimzi changes anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import strimzi_versions as versions
from ..topics_and_users import DNS_SUBDOMAIN
from . import cluster_operator
from .common import check_flux
from .findings import Findings

KUBERNETES_VERSION = "STRIMZI_KUBERNETES_VERSION"
KAFKA_CRD = "kafkas.kafka.strimzi.io"


def check(
    values: Mapping[str, Any],
    cluster: Mapping[str, Any],
    manifests: Iterable[Mapping[str, Any]],
    kafka_crd: Mapping[str, Any] | None,
) -> Findings:
    """Everything that can be known before the first write.

    `manifests`: the objects that the install method `manifests` would apply. `kafka_crd`: the definition of Kafka
    that the cluster has already, if any.
    """
    findings = Findings()
    version = str(values["strimzi_version"])
    if not DNS_SUBDOMAIN.match(str(values["strimzi_namespace"])):
        findings.problem(f"strimzi_namespace must be a Kubernetes name, it is {values['strimzi_namespace']!r}")
    if not versions.is_version(version):
        findings.problem(f"strimzi_version must be a release such as 1.2.0, it is {version}")
        return findings
    findings.warn(versions.unlisted(version))
    kubernetes = cluster["version"]
    major, minor = int(kubernetes["major"]), int(str(kubernetes["minor"]).rstrip("+"))
    findings.problem(versions.kubernetes_problem(version, major, minor))
    strict = versions.reads_version_strictly(version) and kubernetes["emulation_major_present"]
    findings.facts["kubernetes_version"] = f"major={major}\nminor={minor}\n" if strict else ""
    check_stored_versions(version, kafka_crd, findings)
    if values["strimzi_install_method"] == "helmrelease":
        check_flux("strimzi", cluster, findings)
    else:
        check_manifests(values, list(manifests), strict, findings)
    return findings


def check_manifests(
    values: Mapping[str, Any], manifests: list[Mapping[str, Any]], strict: bool, findings: Findings
) -> None:
    """The manifests hold the operator that the variables name, and it can start here."""
    version = str(values["strimzi_version"])
    if not values["strimzi_manifests"]:
        findings.problem("strimzi_install_method is manifests: set strimzi_manifests to a directory, files or objects")
        return
    operators = [
        manifest
        for manifest in manifests
        if manifest.get("kind") == "Deployment" and cluster_operator.release(manifest)
    ]
    for operator in operators:
        found = cluster_operator.release(operator)
        if found != version:
            findings.problem(
                f"strimzi_manifests hold Strimzi {found}, strimzi_version is {version}: give the manifests of {version}"
            )
        if strict and KUBERNETES_VERSION not in cluster_operator.environment(operator):
            findings.problem(
                f"Strimzi {version} does not start on this Kubernetes, whose /version it cannot read: set "
                f"{KUBERNETES_VERSION} in the operator's environment in the manifests, or take Strimzi 0.46 or newer"
            )
    check_bindings(values, manifests, operators, findings)
    if not operators:
        findings.warn("strimzi_manifests hold no Deployment of an operator with a release in its image's tag")
    if not any(manifest.get("kind") == "CustomResourceDefinition" for manifest in manifests):
        findings.warn("strimzi_manifests hold no CustomResourceDefinition: the cluster must have Strimzi's already")


def check_bindings(
    values: Mapping[str, Any],
    manifests: list[Mapping[str, Any]],
    operators: list[Mapping[str, Any]],
    findings: Findings,
) -> None:
    """The operator gets its rights where it runs. Upstream's files say `myproject`, for everybody to replace."""
    namespace = str(values["strimzi_namespace"])
    homes = [cluster_operator.of_workload(operator, namespace).namespace for operator in operators]
    home = homes[0] if homes else namespace
    others = cluster_operator.strangers(manifests, home)
    if others:
        findings.problem(
            f"strimzi_manifests give the operator's rights to {cluster_operator.NAME} of {', '.join(others)}, and it "
            f"will run in {home}: set the subjects' namespace in the RoleBindings and ClusterRoleBindings, as by "
            f"sed -i 's/namespace: .*/namespace: {home}/' *RoleBinding*.yaml beside the manifests"
        )


def check_stored_versions(version: str, kafka_crd: Mapping[str, Any] | None, findings: Findings) -> None:
    """No API version is taken away that objects of the cluster are still stored in.

    Kubernetes refuses a CRD without a version that is in status.storedVersions, half-way through an installation.
    """
    release = versions.release_of(version)
    stored = ((kafka_crd or {}).get("status") or {}).get("storedVersions") or []
    lost = sorted(set(stored) - set(release.apis)) if release else []
    if lost:
        findings.problem(
            f"the cluster stores Strimzi's objects as {', '.join(lost)}, which Strimzi {version} no longer has: go by "
            "way of Strimzi 0.49 to 0.51 and its API conversion tool first"
        )
