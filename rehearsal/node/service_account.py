# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A program's own way in to the API server: the token of its pod's ServiceAccount, so that RBAC is real."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from rehearsal.files import write_atomically
from rehearsal.node.api import Api, core

LIFETIME = 14 * 24 * 3600  # seconds; a rehearsal is shorter, and it is renewed all the same
RENEW_BELOW = LIFETIME / 2


def request_token(
    api: Api, namespace: str, account: str, seconds: int, audience: str | None = None
) -> tuple[str, float]:
    """A token and when it expires, in seconds since the epoch."""
    spec: dict[str, Any] = {"expirationSeconds": seconds}
    if audience:
        spec["audiences"] = [audience]
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    status = api.create(core(namespace, "serviceaccounts", account, "token"), body)["status"]
    expires = datetime.fromisoformat(status["expirationTimestamp"].replace("Z", "+00:00"))
    return status["token"], expires.timestamp()


def write_kubeconfig(api: Api, pod: dict[str, Any], file: Path) -> None:
    """Have a kubeconfig with a token that is good for some time to come; an old one is replaced in place."""
    expiry = file.with_name(f"{file.name}.expires")
    try:
        if file.is_file() and float(expiry.read_text()) - time.time() > RENEW_BELOW:
            return
    except (FileNotFoundError, ValueError):
        pass
    namespace = pod["metadata"]["namespace"]
    account = pod["spec"].get("serviceAccountName") or "default"
    token, expires = request_token(api, namespace, account, LIFETIME)
    ca = file.with_name("ca.crt")
    write_atomically(ca, api.server.ca)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "rehearsal", "cluster": {"server": api.server.url, "certificate-authority": str(ca)}}],
        "users": [{"name": account, "user": {"token": token}}],
        "contexts": [
            {"name": "pod", "context": {"cluster": "rehearsal", "user": account, "namespace": namespace}},
        ],
        "current-context": "pod",
    }
    write_atomically(file, json.dumps(config, indent=1) + "\n")  # JSON is YAML
    write_atomically(expiry, f"{expires}\n")
