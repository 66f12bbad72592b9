# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The few requests that bringing a cluster up needs, as its admin, without a client library's start-up time."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError

SECONDS_PER_ANSWER = 15
FIELD_MANAGER = "rehearsal"
# kind -> the part of the URI before the name
COLLECTIONS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "StatefulSet": "/apis/apps/v1/namespaces/{namespace}/statefulsets",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "Job": "/apis/batch/v1/namespaces/{namespace}/jobs",
    "PersistentVolumeClaim": "/api/v1/namespaces/{namespace}/persistentvolumeclaims",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "ClusterSecretStore": "/apis/external-secrets.io/v1/clustersecretstores",
    "Node": "/api/v1/nodes",
    "Stage": "/apis/kwok.x-k8s.io/v1alpha1/stages",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NODE_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class ApiServer:
    """One API server on 127.0.0.1. `pki` holds ca.crt, admin.crt and admin.key."""

    def __init__(self, port: int, pki: Path) -> None:
        self._port = port
        self._pki = pki

    def unready(self) -> str | None:
        """None when the server says that it is ready, else why it is not."""
        try:
            status, text = self._request("GET", "/readyz")
        except OSError as error:
            return f"the API server on port {self._port} does not answer: {error}"
        if status == http.HTTPStatus.OK:
            return None
        failed = [line for line in text.splitlines() if line.startswith("[-]")]
        return "; ".join(failed) or f"HTTP {status}: {text.strip()[:200]}"

    def apply(self, obj: dict[str, Any]) -> None:
        """Server-side apply of one object."""
        metadata = obj["metadata"]
        collection = COLLECTIONS[obj["kind"]].format(namespace=metadata.get("namespace"))
        uri = f"{collection}/{metadata['name']}?fieldManager={FIELD_MANAGER}&force=true"
        self._expect("PATCH", uri, json.dumps(obj), "application/apply-patch+yaml")

    def define(self, name: str, definition: str) -> None:
        """Server-side apply of the definition of a custom resource, as YAML: some have thousands of lines."""
        uri = f"{DEFINITIONS}/{name}?fieldManager={FIELD_MANAGER}&force=true"
        self._expect("PATCH", uri, definition, "application/apply-patch+yaml")

    def unready_nodes(self) -> list[str]:
        """The names of nodes that are not Ready."""
        nodes = json.loads(self._expect("GET", COLLECTIONS["Node"]))["items"]
        return [node["metadata"]["name"] for node in nodes if not _is_ready(node)]

    def unready_stores(self) -> list[str]:
        """The names of ClusterSecretStores that are not Ready."""
        stores = json.loads(self._expect("GET", COLLECTIONS["ClusterSecretStore"]))["items"]
        return [store["metadata"]["name"] for store in stores if not _is_ready(store)]

    def drop_node_leases(self) -> None:
        """Remove all node leases: a KWOK that starts would wait minutes for those of the one that ended."""
        self._expect("DELETE", NODE_LEASES)

    def _expect(self, method: str, uri: str, body: str | None = None, content_type: str = "") -> str:
        try:
            status, text = self._request(method, uri, body, content_type)
        except OSError as error:
            raise RehearsalError(f"{method} {uri}: {error}") from error
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise RehearsalError(f"{method} {uri}: HTTP {status}: {_message(text)}")
        return text

    def _request(self, method: str, uri: str, body: str | None = None, content_type: str = "") -> tuple[int, str]:
        context = ssl.create_default_context(cafile=str(self._pki / "ca.crt"))
        context.load_cert_chain(self._pki / "admin.crt", self._pki / "admin.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=SECONDS_PER_ANSWER, context=context)
        try:
            connection.request(
                method, uri, body and body.encode(), {"Content-Type": content_type} if content_type else {}
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        finally:
            connection.close()


def _is_ready(obj: dict[str, Any]) -> bool:
    conditions = obj.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _message(text: str) -> str:
    try:
        return json.loads(text)["message"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return text.strip()[:300]
