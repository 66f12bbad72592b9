# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of the role cnpg look at, read from the cluster. Read-only."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..api import Api
from ..cluster_facts import requested
from ..cnpg_versions import OPERATOR_LABEL
from ..discovery import CRDS, PODS, SECRETS
from .cnpg import GROUP, Live, needed_secrets
from .common import readable

#: what the definitions are asked for: definition, path of property names in its schema
IN_TREE = ("clusters", ("spec", "backup", "barmanObjectStore"))
EXTENSIONS = ("databases", ("spec", "extensions"))


def read_live(api: Api, values: Mapping[str, Any]) -> Live:
    """All that is there of this database, asked for at once. What may not be read stays unknown."""
    namespace, name = values["cnpg_namespace"], values["cnpg_name"]
    served = api.discover()
    clusters = served.preferred(GROUP, "Cluster")

    cluster, operators, pods, in_tree, extensions, secrets = api.all(
        readable,
        [
            lambda: api.get(clusters, namespace, name) if clusters else None,
            lambda: api.list(PODS, selector=OPERATOR_LABEL),
            lambda: api.list(PODS, namespace, selector=f"cnpg.io/cluster={name}"),
            lambda: has_property(api, *IN_TREE) if clusters else None,
            lambda: has_property(api, *EXTENSIONS) if clusters else None,
            lambda: {each: secret_content(api.get(SECRETS, namespace, each)) for each in needed_secrets(values)},
        ],
    )
    return Live(
        cluster=cluster,
        operators=operators or [],
        secrets=secrets or {},
        has_in_tree=in_tree,
        has_database_extensions=extensions,
        requested=requested(pods or []),
    )


def has_property(api: Api, plural: str, path: tuple[str, ...]) -> bool:
    """Whether the schema of a definition, in any version it serves, has the property; no definition has none."""
    definition = api.get(CRDS, "", f"{plural}.{GROUP}") or {}
    return any(
        schema_has((version.get("schema") or {}).get("openAPIV3Schema") or {}, path)
        for version in (definition.get("spec") or {}).get("versions") or []
        if version.get("served")
    )


def schema_has(schema: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a property stands in a schema."""
    for name in path:
        schema = (schema.get("properties") or {}).get(name) or {}
    return bool(schema)


def secret_content(secret: Mapping[str, Any] | None) -> dict[str, str] | None:
    """The keys of a Secret with nothing in them, but for the user name."""
    if secret is None:
        return None
    found = dict.fromkeys(secret.get("data") or {}, "")
    if "username" in found:
        with suppress(binascii.Error, UnicodeDecodeError):
            found["username"] = base64.b64decode(secret["data"]["username"]).decode()
    return found
