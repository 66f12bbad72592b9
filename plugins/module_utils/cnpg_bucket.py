# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks into the bucket for what the operator says of its backups. Read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .api import Api
from .cnpg_backups import last_wal, missing_objects, wal_folders
from .cnpg_cluster import BackupStore, BlockedError, read_secret
from .object_store import ObjectStore, StoredObject, ca_file


@dataclass(frozen=True)
class Look:
    """What was found of one backup and of the log."""

    #: keys of what should be there and is not
    missing: list[str] = field(default_factory=list)
    #: segments of the log that it needs and that are not archived yet
    to_come: list[str] = field(default_factory=list)
    #: bytes of the base backup as it is stored
    size: int | None = None
    last_wal: StoredObject | None = None


@contextmanager
def opened(api: Api, store: BackupStore, namespace: str, endpoint: str | None = None) -> Iterator[ObjectStore]:
    """The bucket of a store, by the keys that the operator itself uses. Raises BlockedError where they are no such.

    `endpoint`: the store's address as seen from here, where it is another one than for the instances.
    """
    if not store.bucket:
        raise BlockedError(f"the backups go to {store.destination or 'an unknown place'}, which is no S3 bucket")
    keys = {name: store.keys.get(name) for name in ("accessKeyId", "secretAccessKey")}
    if not all(keys.values()):
        raise BlockedError("the instances log in to the store by a role of theirs, so there is no key to look with")
    access, secret = (_value(api, namespace, keys[name] or {}) for name in keys)
    region = _value(api, namespace, store.keys["region"]) if store.keys.get("region") else None
    where = f"Secret {namespace}/{(keys['accessKeyId'] or {}).get('name')}"
    with ca_file(_value(api, namespace, store.ca) if store.ca else "") as ca:
        yield ObjectStore(
            store.bucket,
            access,
            secret,
            endpoint=endpoint or store.endpoint or None,
            region=region,
            ca=ca,
            keys_from=where,
        )


def _value(api: Api, namespace: str, reference: Mapping[str, str]) -> str:
    return read_secret(api, namespace, reference["name"], reference["key"])[reference["key"]]


def look(bucket: ObjectStore, store: BackupStore, backup: Mapping[str, Any]) -> Look:
    """What the bucket has of a good backup: its own objects, and the log without which it cannot be restored."""
    identity = (backup.get("status") or {}).get("backupId")
    if not identity:
        raise BlockedError(f"Backup {backup['metadata']['name']} has no backup id")
    base = bucket.list(store.prefix("base", identity))
    wal = [each for folder in wal_folders(backup) for each in bucket.list(store.prefix("wals", folder))]
    missing, to_come = missing_objects(store, backup, base, wal)
    return Look(missing, to_come, sum(each.size for each in base) or None, last_wal(wal))


def newest_wal(bucket: ObjectStore, store: BackupStore, backup: Mapping[str, Any] | None) -> StoredObject | None:
    """The segment of the log that was archived last. Without a backup to begin at, the whole log is listed."""
    begin = ((backup or {}).get("status") or {}).get("beginWal") or ""
    after = f"{store.prefix('wals', begin[:16])}" if begin else ""
    return last_wal(bucket.list(store.prefix("wals"), start_after=after))
