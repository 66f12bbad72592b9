# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restic repository in S3, from the outside: is its snapshot there, and away with it.

Upstream: https://restic.readthedocs.io/en/stable/100_references.html#repository-layout (a snapshot is the object
`snapshots/<its id>`).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from .errors import ClusterError
from .object_store import ObjectStore, StoredObject
from .volsync_sources import repository_parts

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
#: objects that one request may delete
DELETED_AT_ONCE = 1000


def secret_text(secret: Mapping[str, Any]) -> dict[str, str]:
    """The values of a Secret."""
    return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}


class Repository:
    """One repository, with the keys of a repository Secret; `address` in the place of its RESTIC_REPOSITORY.

    `endpoint`: the store's address as seen from here, where it is another one than for the movers; `ca`: a file of
    certificates.
    """

    def __init__(
        self, values: Mapping[str, str], where: str, address: str = "", endpoint: str = "", ca: str | None = None
    ) -> None:
        address = address or values.get("RESTIC_REPOSITORY", "")
        parts = repository_parts(address)
        if parts is None:
            raise ClusterError(f"{where}: RESTIC_REPOSITORY is not in S3, so it cannot be looked into from here.")
        missing = [key for key in KEYS if not values.get(key)]
        if missing:
            raise ClusterError(f"{where} lacks {', '.join(missing)}.")
        movers_endpoint, bucket, self.prefix = parts
        self.store = ObjectStore(
            bucket,
            values[KEYS[0]],
            values[KEYS[1]],
            endpoint=endpoint or movers_endpoint,
            ca=ca,
            region=values.get("AWS_DEFAULT_REGION") or None,
            keys_from=where,
        )

    def reachable(self) -> int:
        """How many objects lie in it; raises a ClusterError that says what stands in the way."""
        return len(self.store.list(f"{self.prefix}/"))

    def snapshot(self, short_id: str) -> StoredObject | None:
        """The object of a snapshot, by the id that a mover's log has."""
        found = self.store.list(f"{self.prefix}/snapshots/{short_id}")
        return found[0] if found else None

    def delete(self) -> int:
        """Delete every object of it; how many remain, because the keys may not delete them."""
        keys = [each.key for each in self.store.list(f"{self.prefix}/")]
        for start in range(0, len(keys), DELETED_AT_ONCE):
            part = [{"Key": key} for key in keys[start : start + DELETED_AT_ONCE]]
            with self.store._sentences():
                self.store.client.delete_objects(Bucket=self.store.bucket, Delete={"Objects": part, "Quiet": True})
        return self.reachable()
