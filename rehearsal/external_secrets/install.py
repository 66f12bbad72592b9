# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The objects that install the stand-in, and the store that it reads: what a cluster has before the platform comes."""

from __future__ import annotations

from typing import Any

from rehearsal import vault
from rehearsal.external_secrets import IMAGE, NAME, NAMESPACE
from rehearsal.external_secrets.secret_from_store import GROUP
from rehearsal.labels import STAND_IN

STORE = "vault-backend"
SELECTOR = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME}
LABELS = {**SELECTOR, STAND_IN: NAME}
RBAC = "rbac.authorization.k8s.io"
READ = ["get", "list", "watch"]

Object = dict[str, Any]


def objects() -> list[Object]:
    """All objects, in the order they are to be applied; the store needs its definition to be served."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": dict(LABELS)}},
        _object("v1", "ServiceAccount"),
        _object(f"{RBAC}/v1", "ClusterRole", namespaced=False, rules=rules()),
        _object(
            f"{RBAC}/v1",
            "ClusterRoleBinding",
            namespaced=False,
            roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": NAME},
            subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
        ),
        _object("apps/v1", "Deployment", spec=deployment()),
        store(),
    ]


def rules() -> list[Object]:
    """The part of the chart's ClusterRole `external-secrets-controller` that the stand-in uses."""
    stores = ["secretstores", "clustersecretstores"]
    return [
        _rule(GROUP, ["externalsecrets", *stores], READ),
        _rule(GROUP, ["externalsecrets"], ["patch"]),  # its finalizer
        _rule(GROUP, [f"{plural}/status" for plural in ("externalsecrets", *stores)], ["patch"]),
        _rule("", ["secrets"], [*READ, "create", "update", "delete"]),
        # a controller's owner reference that blocks needs the right to the owner's finalizers
        _rule(GROUP, ["externalsecrets/finalizers"], ["update"]),
        _rule("", ["events"], ["create", "patch"]),
    ]


def deployment() -> Object:
    """The Deployment's spec, as the chart has it."""
    container = {
        "name": NAME,
        "image": IMAGE,
        "ports": [{"name": "live", "containerPort": 8082}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "live"}, "periodSeconds": 5},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "replicas": 1,
        "selector": {"matchLabels": SELECTOR},
        "template": {
            "metadata": {"labels": dict(LABELS)},
            "spec": {"serviceAccountName": NAME, "containers": [container]},
        },
    }


def store() -> Object:
    """The ClusterSecretStore of the plan."""
    auth = {"kubernetes": {"mountPath": "kubernetes", "role": NAME}}
    provider = {"vault": {"server": vault.SERVER, "path": vault.MOUNT, "version": "v2", "auth": auth}}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterSecretStore",
        "metadata": {"name": STORE, "labels": {STAND_IN: "vault"}},
        "spec": {"provider": provider},
    }


def _object(api_version: str, kind: str, namespaced: bool = True, **content: object) -> Object:
    metadata: Object = {"name": NAME, "labels": dict(LABELS)}
    if namespaced:
        metadata["namespace"] = NAMESPACE
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _rule(group: str, resources: list[str], verbs: list[str]) -> Object:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}
