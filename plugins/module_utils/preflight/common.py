# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflights of several roles ask and hold against a deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..api import Api, ApiError
from ..discovery import NAMESPACES
from .findings import Findings

FLUX_KINDS = ("HelmRelease.helm.toolkit.fluxcd.io", "HelmRepository.source.toolkit.fluxcd.io")


def readable(ask: Callable[[], Any], otherwise: Any = None) -> Any:
    """The answer; `otherwise` for what may not be read or is not served."""
    try:
        return ask()
    except ApiError as error:
        if error.code not in (403, 404):
            raise
        return otherwise


def namespace_exists(api: Api, namespace: str) -> bool:
    """Whether it does; True for who may not read namespaces: the apply will tell."""
    answer = api.call("GET", NAMESPACES.path("", namespace), expect=(403, 404), about=f"Namespace {namespace}")
    return answer.status != 404


def check_flux(role: str, cluster: Mapping[str, Any], findings: Findings) -> None:
    """Somebody is there to install a role's chart, and it is said which."""
    served = cluster["served"]
    missing = [kind for kind in FLUX_KINDS if not served.get(kind)]
    if missing:
        findings.problem(
            f"{role}_install_method is helmrelease and the cluster does not serve {', '.join(missing)}: install Flux, "
            f"or set {role}_install_method: manifests with {role}_manifests"
        )
    findings.facts["flux_api"] = {
        kind.partition(".")[0]: f"{kind.partition('.')[2]}/{served[kind][0]}" for kind in FLUX_KINDS if served.get(kind)
    }


def check_storage_class(role: str, values: Mapping[str, Any], cluster: Mapping[str, Any], findings: Findings) -> None:
    """The storage class exists; an empty name means the cluster's default one."""
    variable = f"{role}_storage_class"
    if "storageclasses" in (cluster.get("unreadable") or []):
        findings.warn(f"storage classes may not be read with this login: {variable} is not checked")
        return
    wanted = values[variable]
    classes = [found["name"] for found in cluster["storage_classes"]]
    if wanted and wanted not in classes:
        findings.problem(
            f"there is no storage class {wanted} ({variable}); the cluster has {', '.join(classes) or 'none'}"
        )
    if not wanted and not any(found["default"] for found in cluster["storage_classes"]):
        findings.problem(f"{variable} is empty and the cluster has no default storage class")
