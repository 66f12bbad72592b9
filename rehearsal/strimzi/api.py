# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The Kubernetes API as the stand-ins use it: plain dicts in and out, every write under the operator's own name."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from kubernetes import client, config
from urllib3 import Timeout

TIMEOUT = Timeout(connect=5, read=30)  # seconds

# kind -> (group and version, plural, namespaced); Strimzi's own are added with the generation's version
PLURALS = {
    "Pod": ("v1", "pods", True),
    "Secret": ("v1", "secrets", True),
    "ConfigMap": ("v1", "configmaps", True),
    "Service": ("v1", "services", True),
    "ServiceAccount": ("v1", "serviceaccounts", True),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims", True),
    "Deployment": ("apps/v1", "deployments", True),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets", True),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies", True),
    "Role": ("rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", "rolebindings", True),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
}
STRIMZI = {
    "Kafka": ("kafka.strimzi.io", "kafkas"),
    "KafkaNodePool": ("kafka.strimzi.io", "kafkanodepools"),
    "KafkaTopic": ("kafka.strimzi.io", "kafkatopics"),
    "KafkaUser": ("kafka.strimzi.io", "kafkausers"),
    "StrimziPodSet": ("core.strimzi.io", "strimzipodsets"),
}


class ApiError(Exception):
    """An answer that is no success; `status` is the HTTP code, the message the server's."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status


class Api:
    """One operator's access to the API server."""

    def __init__(self, field_manager: str, strimzi_version: str, api_client: client.ApiClient | None = None) -> None:
        """`strimzi_version` is the custom resources' version, `v1` or `v1beta2`. Logs in by KUBECONFIG."""
        self.client = api_client or config.new_client_from_config()
        self.field_manager = field_manager
        self._kinds = {
            **PLURALS,
            **{kind: (f"{group}/{strimzi_version}", plural, True) for kind, (group, plural) in STRIMZI.items()},
        }

    def get(self, kind: str, name: str, namespace: str | None) -> dict | None:
        """The object, or None when there is none."""
        try:
            return self.request("GET", self.path(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: str, namespace: str, **labels: str) -> list[dict]:
        """All objects of that kind with these labels; with apiVersion and kind, which a list leaves out."""
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())} if labels else {}
        items = self.request("GET", self.path(kind, namespace), query)["items"]
        return [{"apiVersion": self._kinds[kind][0], "kind": kind, **item} for item in items]

    def create(self, resource: dict) -> dict:
        """Make a new object; ApiError 409 when it is there already."""
        metadata = resource["metadata"]
        query = {"fieldManager": self.field_manager}
        return self.request("POST", self.path(resource["kind"], metadata.get("namespace")), query, resource)

    def apply(self, resource: dict) -> dict:
        """Server-side apply; fields are taken from whoever else owns them, as a reconciling operator does."""
        metadata = resource["metadata"]
        path = self.path(resource["kind"], metadata.get("namespace"), metadata["name"])
        query = {"fieldManager": self.field_manager, "force": "true"}
        return self.request("PATCH", path, query, resource, "application/apply-patch+yaml")

    def replace_status(self, resource: dict, status: dict) -> dict:
        """Put a whole new status; a conflict means that the object has changed since it was read."""
        metadata = resource["metadata"]
        path = self.path(resource["kind"], metadata["namespace"], metadata["name"]) + "/status"
        return self.request("PUT", path, {"fieldManager": self.field_manager}, {**resource, "status": status})

    def patch(self, kind: str, name: str, namespace: str, change: dict) -> dict:
        """A merge patch."""
        query = {"fieldManager": self.field_manager}
        return self.request("PATCH", self.path(kind, namespace, name), query, change, "application/merge-patch+json")

    def delete(self, kind: str, name: str, namespace: str | None, uid: str | None = None) -> None:
        """Delete it if it is there (and is that very one, when a uid is given)."""
        body = {"preconditions": {"uid": uid}} if uid else None
        try:
            self.request("DELETE", self.path(kind, namespace, name), {}, body)
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    def serves(self, kind: str) -> bool:
        """Whether the API server knows the kind in the version that is used here."""
        try:
            resources = self.request("GET", f"/apis/{self._kinds[kind][0]}")["resources"]
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return any(each["kind"] == kind for each in resources)

    def path(self, kind: str, namespace: str | None, name: str | None = None) -> str:
        """The URL path of a kind's collection, or of one object."""
        version, plural, namespaced = self._kinds[kind]
        parts = ["/api" if "/" not in version else "/apis", version]
        if namespaced and namespace:
            parts += ["namespaces", namespace]
        return "/".join([*parts, plural, *([name] if name else [])])

    def request(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> dict:
        """One request; ApiError unless it succeeds."""
        headers = {"Accept": "application/json", "Content-Type": content_type}
        self.client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = self.client.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        answer = self.client.rest_client.pool_manager.request(
            method,
            url,
            headers=headers,
            body=None if body is None else json.dumps(body),
            timeout=TIMEOUT,
            retries=False,
        )
        content = json.loads(answer.data) if answer.data else {}
        if answer.status >= 400:
            raise ApiError(answer.status, content.get("reason", ""), content.get("message", ""))
        return content
