# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of Secrets from Vault, for every role that may ask for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils.api import ApiError
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import external_secrets
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.findings import Findings

ROLES = Path(__file__).resolve().parents[3] / "roles"
STORE = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ClusterSecretStore",
    "metadata": {"name": "vault-backend"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}
SEALED = {**STORE, "status": {"conditions": [{"type": "Ready", "status": "False", "message": "Vault is sealed"}]}}
FORBIDDEN = ApiError("forbidden", 403, {"reason": "Forbidden"})


class Stores:
    """An API server with one ClusterSecretStore, with none, or one that does not show them."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def get(self, _resource: Any, namespace: str, name: str) -> Any:
        assert (namespace, name) == ("", "vault-backend")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def nobody_asks(*_: Any) -> Any:
    raise AssertionError("the cluster was asked for a store that nobody wants")


def found(role: str, answer: Any = STORE, served: tuple[str, ...] = ("v1",), asks: bool = True) -> Findings:
    findings = Findings()
    values = {external_secrets.ASKED_BY[role][0]: asks, f"{role}_secret_store": "vault-backend"}
    api: Any = Stores(answer)
    if not asks:
        api.get = nobody_asks
    cluster = {"served": {"ExternalSecret.external-secrets.io": list(served)} if served else {}}
    external_secrets.check(role, api, values, cluster, findings)
    return findings


@pytest.mark.parametrize("role", external_secrets.ASKED_BY)
def test_a_store_that_is_ready_is_no_problem(role: str) -> None:
    assert found(role) == Findings()


@pytest.mark.parametrize("role", external_secrets.ASKED_BY)
def test_who_does_not_ask_for_vault_needs_neither(role: str) -> None:
    assert found(role, answer=None, served=(), asks=False) == Findings()


@pytest.mark.parametrize("role", external_secrets.ASKED_BY)
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"served": ()}, ["the cluster serves no External Secrets", "install External Secrets 0.16 or newer, or"]),
        ({"served": ("v1beta1",)}, ["serves only v1beta1 of External Secrets", "external-secrets.io/v1 is needed"]),
        ({"answer": None}, ["there is no ClusterSecretStore vault-backend: correct", "_secret_store, or make it"]),
        ({"answer": SEALED}, ["ClusterSecretStore vault-backend", "is not ready", "Vault is sealed"]),
    ],
    ids=["none", "old", "no store", "sealed"],
)
def test_what_is_missing_is_said_with_the_variable(role: str, given: dict[str, Any], words: list[str]) -> None:
    (problem,) = found(role, **given).problems
    assert role in problem
    assert [word for word in words if word not in problem] == [], problem


def test_stores_that_may_not_be_read_are_said_to_be_unchecked() -> None:
    findings = found("cnpg", answer=FORBIDDEN)
    assert findings.problems == []
    assert findings.warnings == [
        "ClusterSecretStores may not be read with this login: cnpg_secret_store is not checked"
    ]


@pytest.mark.parametrize("role", external_secrets.ASKED_BY)
def test_the_variables_are_the_roles(role: str) -> None:
    defaults = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text())
    assert {external_secrets.ASKED_BY[role][0], f"{role}_secret_store"} <= defaults.keys()
