# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The few requests that the node, and stand-ins, make of the API server.

The official client would take more memory than all the rest.
"""

from __future__ import annotations

import base64
import json
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
import yaml

FIELD_MANAGER = "process-node"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


class ApiError(Exception):
    """An answer that is not a success; `status` is the HTTP code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class NotFoundError(ApiError):
    """404."""


class ConflictError(ApiError):
    """409: there already, or changed meanwhile."""


@dataclass(frozen=True)
class Server:
    """Where the API server is and how to trust it, without credentials."""

    url: str
    ca: str  # PEM


class Api:
    """The API server, with the credentials of a kubeconfig's current context."""

    def __init__(self, kubeconfig: Path, name: str = FIELD_MANAGER) -> None:
        """`name` is the user agent, and the field manager of every write."""
        config = yaml.safe_load(kubeconfig.read_text())
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
        self.server = Server(url=cluster["server"], ca=_pem(cluster, "certificate-authority", kubeconfig.parent))
        self.name = name
        self._headers = {"User-Agent": name, "Accept": "application/json"}
        if "token" in user:
            self._headers["Authorization"] = f"Bearer {user['token']}"
        with tempfile.TemporaryDirectory() as folder:
            files = {}
            for kind in ("client-certificate", "client-key"):
                if pem := _pem(user, kind, kubeconfig.parent):
                    files[kind] = Path(folder, kind)
                    files[kind].touch(mode=0o600)
                    files[kind].write_text(pem)
            tls = urllib3.util.ssl_.create_urllib3_context()
            tls.load_verify_locations(cadata=self.server.ca)
            if "client-certificate" in files:
                tls.load_cert_chain(files["client-certificate"], files["client-key"])
        self._pool = urllib3.PoolManager(maxsize=8, ssl_context=tls, timeout=urllib3.Timeout(connect=5, read=30))

    def request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        content_type: str = "application/json",
        **query: str,
    ) -> dict[str, Any]:
        """One request; writes carry the field manager. Raises ApiError, without an answer urllib3's errors."""
        if method in ("POST", "PATCH", "PUT"):
            query.setdefault("fieldManager", self.name)
        url = f"{self.server.url}{path}" + (f"?{urlencode(query)}" if query else "")
        answer = self._pool.request(
            method,
            url,
            body=None if body is None else json.dumps(body),
            headers={**self._headers, "Content-Type": content_type},
            retries=urllib3.Retry(total=2, backoff_factor=0.2, status=0, allowed_methods=None),
        )
        if answer.status < 300:
            return json.loads(answer.data)
        try:
            message = json.loads(answer.data).get("message", "")
        except ValueError:
            message = answer.data.decode(errors="replace")
        raise {404: NotFoundError, 409: ConflictError}.get(answer.status, ApiError)(answer.status, message)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """One object, or one list."""
        return self.request("GET", path, None, **query)

    def find(self, path: str) -> dict[str, Any] | None:
        """One object, or None when there is none."""
        try:
            return self.get(path)
        except NotFoundError:
            return None

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A new object."""
        return self.request("POST", path, body)

    def patch(self, path: str, body: dict[str, Any], content_type: str = MERGE) -> dict[str, Any]:
        """A patch."""
        return self.request("PATCH", path, body, content_type)

    def apply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Server-side apply: the object is what the caller says, made when it is missing."""
        return self.request("PATCH", path, body, APPLY, force="true")

    def delete(self, path: str, body: dict[str, Any] | None = None) -> None:
        """Delete, without complaint when it is gone already."""
        with suppress(NotFoundError):
            self.request("DELETE", path, body)


def core(namespace: str | None, plural: str, name: str | None = None, subresource: str | None = None) -> str:
    """Path of an object, or of a list, of the core API."""
    parts = ["/api/v1"]
    parts += [f"namespaces/{namespace}"] if namespace else []
    parts += [part for part in (plural, name, subresource) if part]
    return "/".join(parts)


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _pem(entry: dict[str, Any], key: str, folder: Path) -> str:
    """A PEM text of a kubeconfig, which has it as base64 or as a file; empty when it has neither."""
    if data := entry.get(f"{key}-data"):
        return base64.b64decode(data).decode()
    return (folder / entry[key]).read_text() if entry.get(key) else ""
