# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the volumes that are to be backed up is on the cluster. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api import METADATA_ONLY, Api
from ..discovery import CLAIMS, NAMESPACES, SECRETS, Resource
from .common import readable
from .volsync import SNAPSHOT_GROUP, Live


def read_live(api: Api, values: Mapping[str, Any]) -> Live:
    """What the sources name, asked for at once; what may not be read is None."""
    served = api.discover()
    sources = values["volsync_sources"]
    secrets_are_given = bool(values["volsync_s3_ca_secret"] or not values["volsync_external_secrets"])

    def names(resource: Resource | None, namespace: str = "") -> set[tuple[str, str]] | None:
        if resource is None:
            return set()
        found = readable(lambda: api.list(resource, namespace, accept=METADATA_ONLY))
        if found is None:
            return None
        return {(each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in found}

    def in_namespaces(resource: Resource) -> set[tuple[str, str]] | None:
        wanted = {source["namespace"] for source in sources} | {values["volsync_namespace"]}
        parts = [names(resource, namespace) for namespace in sorted(wanted)]
        return None if None in parts else set().union(*(part for part in parts if part))

    snapshot_class = served.preferred(SNAPSHOT_GROUP, "VolumeSnapshotClass")
    namespaces, claims, secrets, snapshot_classes = api.all(
        lambda ask: ask(),
        [
            lambda: names(NAMESPACES),
            lambda: in_namespaces(CLAIMS),
            lambda: in_namespaces(SECRETS) if secrets_are_given else None,
            lambda: names(snapshot_class),
        ],
    )

    def bare(found: set[tuple[str, str]] | None) -> set[str] | None:
        return None if found is None else {each[1] for each in found}

    return Live(
        namespaces=bare(namespaces),
        claims=claims,
        secrets=secrets,
        snapshot_classes=bare(snapshot_classes),
    )
