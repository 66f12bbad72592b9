# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of VolSync lies outside of the API server's objects: its metrics' page, the store of its repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .api import Api
from .bridge import Bridge
from .connection import kubernetes_client
from .discovery import SECRETS
from .errors import ClusterError
from .object_store import ca_file
from .preflight.volsync import CHECK_SECRET
from .volsync_metrics import PORT, SERVICE, scrape
from .volsync_repository import Repository, secret_text

METRICS_TOKEN = "volsync-metrics-token"
#: key of the store's authority, in the Secret that volsync_s3_ca_secret names
CA_KEY = "ca.crt"
SCRAPE_SECONDS = 10.0


def secret_values(api: Api, namespace: str, name: str) -> dict[str, str]:
    """The values of a Secret, which are masked from now on; raises ClusterError when it is not there."""
    secret = api.get(SECRETS, namespace, name)
    if secret is None:
        who = "the role volsync makes it"
        if name == CHECK_SECRET:
            who += (
                " when volsync_external_secrets is true; otherwise make it, with RESTIC_REPOSITORY, RESTIC_PASSWORD,"
                " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        raise ClusterError(f"there is no Secret {name} in namespace {namespace}: {who}.")
    values = secret_text(secret)
    api.masker.always(value for key, value in values.items() if key not in ("RESTIC_REPOSITORY", "AWS_DEFAULT_REGION"))
    return values


def volsync_page(api: Api, namespace: str, connection: Mapping[str, Any]) -> str:
    """The operator's metrics, read through a port-forward with the token that the role gives to Prometheus."""
    token = secret_values(api, namespace, METRICS_TOKEN).get("token", "")
    host = f"{SERVICE}.{namespace}.svc"
    with Bridge(kubernetes_client(connection)).forward(host, PORT) as address:
        return scrape(address, token, min(SCRAPE_SECONDS, max(api.deadline.left, 1.0)))


def certificates(api: Api, namespace: str, name: str) -> str:
    """What a Secret has as the store's authority; "" where none is named."""
    if not name:
        return ""
    secret = api.get(SECRETS, namespace, name)
    if secret is None or CA_KEY not in (secret.get("data") or {}):
        raise ClusterError(f"there is no {CA_KEY} in Secret {namespace}/{name} (volsync_s3_ca_secret): make it.")
    return secret_text(secret)[CA_KEY]


def reachable(api: Api, namespace: str, endpoint: str = "", ca_secret: str = "") -> int:
    """How many objects the checks' repository has, looked at with the keys that the movers get."""
    values = secret_values(api, namespace, CHECK_SECRET)
    with ca_file(certificates(api, namespace, ca_secret)) as ca:
        return Repository(values, f"Secret {namespace}/{CHECK_SECRET}", endpoint=endpoint, ca=ca).reachable()
