# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles whose Secrets come from Vault: External Secrets is there to bring them, and its store is ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api import Api
from ..discovery import Resource
from ..readiness import judge
from .common import readable
from .findings import Findings

GROUP, VERSION = "external-secrets.io", "v1"
STORES = Resource(GROUP, VERSION, "ClusterSecretStore", "clustersecretstores", False)
UNREAD: dict[str, Any] = {}
#: by role: the variable that asks for Secrets from Vault, and what can be done without
ASKED_BY = {
    "kafka_cluster": ("kafka_cluster_vault_users", "leave the users out of it"),
    "schema_registry": ("schema_registry_external_secrets", "set it to false to use the Secret that Strimzi makes"),
    "cnpg": ("cnpg_external_secrets", "set it to false and make the Secrets yourself"),
    "synergyflow_backend": ("synergyflow_backend_external_secrets", "set it to false and make the Secrets yourself"),
    "volsync": ("volsync_external_secrets", "set it to false and make the repository Secrets yourself"),
}


def check(role: str, api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], findings: Findings) -> None:
    """What a role wants of Vault can be brought, in the API's version since External Secrets 0.16."""
    variable, otherwise = ASKED_BY.get(role, ("", ""))
    if not variable or not values[variable]:
        return
    served = cluster["served"].get(f"ExternalSecret.{GROUP}") or []
    if VERSION not in served:
        found = f"only {', '.join(served)} of External Secrets" if served else "no External Secrets"
        findings.problem(
            f"{variable} asks for Secrets from Vault and the cluster serves {found}, {GROUP}/{VERSION} is needed: "
            f"install External Secrets 0.16 or newer, or {otherwise}"
        )
        return
    variable = f"{role}_secret_store"
    store = readable(lambda: api.get(STORES, "", values[variable]), UNREAD)
    if store is UNREAD:
        findings.warn(f"ClusterSecretStores may not be read with this login: {variable} is not checked")
    elif store is None:
        findings.problem(f"there is no ClusterSecretStore {values[variable]}: correct {variable}, or make it")
    elif not (verdict := judge(store)).done:
        findings.problem(f"ClusterSecretStore {values[variable]} ({variable}) is not ready: {verdict.reason}")
