# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Sets of objects as a platform has them, the same ones for the same arguments.

A set is made of components of ten objects, alternating between two namespaces. Nothing in it starts a pod: Deployments
have no replicas, and Services no address of their own (a small cluster's range has 254).
"""

from __future__ import annotations

import base64
from typing import Any

Object = dict[str, Any]

PART_OF = "app.kubernetes.io/part-of"
SET_NAME = "bench"
COMPONENT_SIZE = 10
# what a set may contain, as (API path prefix, plural): the places where the harness looks at it and empties it
RESOURCES = (
    ("/api/v1", "configmaps"),
    ("/api/v1", "secrets"),
    ("/api/v1", "services"),
    ("/api/v1", "serviceaccounts"),
    ("/apis/apps/v1", "deployments"),
    ("/apis/networking.k8s.io/v1", "networkpolicies"),
    ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
)


def object_set(size: int, namespaces: tuple[str, str]) -> list[Object]:
    """`size` objects, the first of them the same whatever the size."""
    objects: list[Object] = []
    number = 0
    while len(objects) < size:
        objects += _component(number, namespaces[number % 2])
        number += 1
    return objects[:size]


def _component(number: int, namespace: str) -> list[Object]:
    name = f"component-{number:04d}"
    labels = {"app.kubernetes.io/name": name, PART_OF: SET_NAME}

    def made(api_version: str, kind: str, suffix: str = "", **content: Any) -> Object:
        metadata = {"name": name + suffix, "namespace": namespace, "labels": labels}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}

    rbac = "rbac.authorization.k8s.io"
    objects = [
        made("v1", "ServiceAccount", automountServiceAccountToken=False),
        made(
            f"{rbac}/v1",
            "Role",
            rules=[
                {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
            ],
        ),
        made(
            f"{rbac}/v1",
            "RoleBinding",
            roleRef={"apiGroup": rbac, "kind": "Role", "name": name},
            subjects=[{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        ),
        made("v1", "Secret", type="Opaque", data={"password": _encoded(f"password of {name}" * 3)}),
        made("v1", "Service", spec=_service(name)),
        made("apps/v1", "Deployment", spec=_deployment(name, labels)),
        made("networking.k8s.io/v1", "NetworkPolicy", spec=_network_policy(name)),
    ]
    objects += [
        made("v1", "ConfigMap", suffix=f"-{part}", data={f"{part}.properties": _properties(name, part)})
        for part in ("server", "logging", "metrics")
    ]
    assert len(objects) == COMPONENT_SIZE
    return objects


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _properties(name: str, part: str) -> str:
    """Some 800 bytes, as configuration files have."""
    return "".join(f"{part}.{name}.setting.{line:02d}=value {line * 7919 % 1000}\n" for line in range(20))


def _service(name: str) -> Object:
    ports = [{"name": "http", "port": 8080, "targetPort": "http"}, {"name": "metrics", "port": 9404}]
    return {"clusterIP": "None", "selector": {"app.kubernetes.io/name": name}, "ports": ports}


def _network_policy(name: str) -> Object:
    return {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080, "protocol": "TCP"}]}],
    }


def _deployment(name: str, labels: dict[str, str]) -> Object:
    container = {
        "name": "server",
        "image": f"registry.example.com/{name}:1.0.0",
        "args": ["--config", "/etc/server/server.properties"],
        "env": [
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": name, "key": "password"}}},
            {"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        ],
        "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9404}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 5},
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/server", "readOnly": True}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "replicas": 0,
        "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "serviceAccountName": name,
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [container],
                "volumes": [{"name": "config", "configMap": {"name": f"{name}-server"}}],
            },
        },
    }
