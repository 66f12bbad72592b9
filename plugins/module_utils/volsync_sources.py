# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volumes of an inventory that are backed up, written out in full: what the templates and the preflight take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

#: what a source may leave out -> the role's variable that stands in for it
DEFAULTS = {
    "schedule": "volsync_schedule",
    "retain": "volsync_retain",
    "prune_interval_days": "volsync_prune_interval_days",
    "copy_method": "volsync_copy_method",
    "storage_class": "volsync_storage_class",
    "snapshot_class": "volsync_snapshot_class",
    "cache_size": "volsync_cache_size",
}


def volsync_sources(sources: Iterable[Mapping[str, Any]], defaults: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each source with everything it leaves out, its Secret and its repository.

    `defaults` has the role's variables by name, and `volsync_s3_endpoint` and `volsync_s3_bucket`. A source that is
    triggered by hand (`manual`) gets no schedule, because the two exclude one another.
    """
    found = []
    for source in sources:
        full = {name: defaults[variable] for name, variable in DEFAULTS.items()}
        given = {name: value for name, value in source.items() if value is not None}
        if given.get("manual") and "schedule" not in given:
            full["schedule"] = ""
        full |= {"manual": "", "to_come": False, "mover_security_context": {}, **given}
        full["retain"] = retained(full["retain"])
        full["secret"] = f"{source['name']}-restic"
        full["metadata"] = {name: source[name] for name in ("name", "namespace")}
        path = f"volsync/{source['namespace']}/{source['pvc']}"
        full["repository"] = repository(defaults["volsync_s3_endpoint"], defaults["volsync_s3_bucket"], path)
        found.append(full)
    return found


def retained(retain: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept, as the API wants it: `last` and `within` are text there, the others numbers."""
    given = {name: value for name, value in retain.items() if value is not None}
    return {name: str(value) if name in ("last", "within") else value for name, value in given.items()}


def repository(endpoint: str, bucket: str, path: str) -> str:
    """A restic repository in S3; restic leaves the scheme out where it is https, and takes it as well."""
    return f"s3:{endpoint.rstrip('/')}/{bucket}/{path}"


def repository_parts(text: str) -> tuple[str, str, str] | None:
    """Endpoint, bucket and prefix of a restic repository in S3; None for any other backend."""
    if not text.startswith("s3:"):
        return None
    address = text.removeprefix("s3:")
    parts = urlsplit(address if "://" in address else f"https://{address.removeprefix('//')}")
    bucket, __, prefix = parts.path.strip("/").partition("/")
    return f"{parts.scheme}://{parts.netloc}", bucket, prefix
