# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the collectors is there already, read from the API server for their preflight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api import Api
from ..cluster_facts import requested
from ..discovery import PODS, SECRETS, Resource
from .common import namespace_exists, readable
from .obs_collectors import Live

STATEFUL_SETS = Resource("apps", "v1", "StatefulSet", "statefulsets", True)
PART_OF = "app.kubernetes.io/part-of=obs-collectors"


def read_live(api: Api, values: Mapping[str, Any]) -> Live:
    """Everything at once. What may not be read is left to the apply."""
    namespace = values["obs_collectors_namespace"]
    names = [values[f"obs_collectors_{each}"] for each in ("store_secret", "store_ca_secret")]
    names = sorted({name for name in names if name})

    def keys(name: str) -> list[str] | None:
        secret = api.get(SECRETS, namespace, name)
        return None if secret is None else sorted(secret.get("data") or {})

    exists, vmagent, pods, *secrets = api.all(
        lambda ask: ask(),
        [
            lambda: namespace_exists(api, namespace),
            lambda: readable(lambda: api.get(STATEFUL_SETS, namespace, "vmagent")),
            lambda: readable(lambda: api.list(PODS, namespace, selector=PART_OF), []),
            *[lambda name=name: readable(lambda: keys(name), ...) for name in names],
        ],
    )
    known = {name: each for name, each in zip(names, secrets, strict=True) if each is not ...}
    return Live(exists, known, vmagent, requested(pods))
