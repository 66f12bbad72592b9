# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the backend is there already, read from the API server for its preflight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import backend_kafka, backend_secrets
from ..api import Api
from ..cluster_facts import requested
from ..discovery import DEPLOYMENTS, PODS, SECRETS
from .common import namespace_exists, readable
from .synergyflow_backend import SECRET_KEYS, Live


def read_live(api: Api, values: Mapping[str, Any]) -> Live:
    """Everything at once. What may not be read counts as not there."""
    namespace, name = values["synergyflow_backend_namespace"], values["synergyflow_backend_name"]
    secrets = [f"{name}-{part}" for part in SECRET_KEYS]
    exists, login, pods, deployment, *found = api.all(
        lambda ask: ask(),
        [
            lambda: namespace_exists(api, namespace),
            lambda: backend_kafka.read(api, values),
            lambda: readable(lambda: api.list(PODS, namespace, selector=f"app.kubernetes.io/name={name}")) or [],
            lambda: readable(lambda: api.get(DEPLOYMENTS, namespace, name)),
            *[lambda secret=secret: readable(lambda: api.get(SECRETS, namespace, secret)) for secret in secrets],
        ],
    )
    keys = {secret: sorted(each.get("data") or {}) for secret, each in zip(secrets, found, strict=True) if each}
    restart = backend_secrets.restart_for(deployment, pods, [each for each in found if each])
    return Live(exists, keys, login, restart, requested(pods))
