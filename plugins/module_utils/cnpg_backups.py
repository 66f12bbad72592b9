# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of a database that CloudNativePG runs: which is the last good one, how far back it reaches, is it there.

Where the answers stand depends on who takes the backups:
- the operator itself: in the Cluster's status (firstRecoverabilityPoint, lastSuccessfulBackup);
- plugin-barman-cloud: in the ObjectStore's status.serverRecoveryWindow, and nowhere in the Cluster's.
In the bucket both lay them out as Barman does: <server>/base/<backup id>/{backup.info,data.tar*}, <server>/wals/.
https://docs.pgbarman.org/release/latest/user_guide/barman_cloud.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .cnpg_cluster import GROUP, PLUGIN, PLUGIN_NAME, BackupStore, Database
from .errors import ClusterError
from .object_store import StoredObject
from .objects import Manifest

DATA = re.compile(r"^data\.tar(\.(gz|bz2|snappy|lz4|xz|zst))?$")
WAL = re.compile(r"^[0-9A-F]{24}$")
FAILURES = ("failed", "walArchivingFailing", "invalid backup definition")


def moment(text: str | None) -> datetime | None:
    """A time of Kubernetes' or the operator's, with its zone; None for none."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def backup_name(cluster: str, now: datetime) -> str:
    """The name of a backup on demand: <cluster>-manual-YYYYMMDD-HHMMSS, in UTC."""
    return f"{cluster}-manual-{now.astimezone(UTC):%Y%m%d-%H%M%S}"


def method_of(store: BackupStore) -> dict[str, Any]:
    """How a Backup says who takes it."""
    if store.method == PLUGIN:
        return {"method": "plugin", "pluginConfiguration": {"name": PLUGIN_NAME}}
    return {"method": "barmanObjectStore"}


def backup_manifest(database: Database, store: BackupStore, now: datetime, target: str | None = None) -> Manifest:
    """A Backup on demand."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Backup",
        "metadata": {
            "name": backup_name(database.name, now),
            "namespace": database.namespace,
            "labels": {"cnpg.io/cluster": database.name},
        },
        "spec": {
            "cluster": {"name": database.name},
            **({"target": target} if target else {}),
            **method_of(store),
        },
    }


@dataclass(frozen=True)
class Window:
    """From when on a database can be recovered, and how its backups went."""

    first_recoverability_point: datetime | None = None
    last_successful: datetime | None = None
    last_failed: datetime | None = None
    #: the last good Backup that is known by an object of its own
    last_good: Manifest | None = None

    def age(self, now: datetime) -> float | None:
        """Hours since the last good backup ended."""
        return (now - self.last_successful).total_seconds() / 3600 if self.last_successful else None


def ended(backup: Mapping[str, Any]) -> datetime | None:
    """When a backup ended."""
    status = backup.get("status") or {}
    return moment(status.get("stoppedAt")) or moment(status.get("reconciliationTerminatedAt"))


def window(database: Database, store: BackupStore) -> Window:
    """What the objects say, wherever they say it."""
    if store.method == PLUGIN:
        windows = ((database.object_store or {}).get("status") or {}).get("serverRecoveryWindow") or {}
        told = windows.get(store.server) or {}
        first, good, bad = (
            told.get(name) for name in ("firstRecoverabilityPoint", "lastSuccessfulBackupTime", "lastFailedBackupTime")
        )
    else:
        status = database.status
        first, good, bad = (
            status.get(name) for name in ("firstRecoverabilityPoint", "lastSuccessfulBackup", "lastFailedBackup")
        )
    claims = [moment(text) for text in (first, good)]
    # of a failed backup the operator takes the time for that of a good one: barman's catalogue lists it too
    first_point, claimed = (
        None if time and any(within(time, backup) for backup in database.backups) else time for time in claims
    )
    done = [backup for backup in database.backups if (backup.get("status") or {}).get("phase") == "completed"]
    done = sorted((backup for backup in done if ended(backup)), key=lambda backup: str(ended(backup)))
    last = done[-1] if done else None
    if first_point is None and done:
        first_point = ended(done[0])  # the operator writes its own down a while after the first backup
    times = [time for time in (claimed, ended(last) if last else None) if time]
    return Window(first_point, max(times) if times else None, moment(bad), last)


def within(time: datetime, backup: Mapping[str, Any]) -> bool:
    """Whether a moment lies in the run of a backup that failed."""
    status, created = backup.get("status") or {}, moment(backup["metadata"].get("creationTimestamp"))
    if status.get("phase") not in FAILURES or created is None:
        return False
    until = ended(backup)
    return created <= time and (until is None or time <= until)


def rows(backups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The backups, newest first, as a reader wants them."""
    found = []
    for backup in backups:
        status = backup.get("status") or {}
        began, stopped = moment(status.get("startedAt")), ended(backup)
        found.append(
            {
                "name": backup["metadata"]["name"],
                "phase": status.get("phase") or "not taken up",
                "method": (backup.get("spec") or {}).get("method") or "barmanObjectStore",
                "backup_id": status.get("backupId"),
                "started": began.isoformat() if began else None,
                "stopped": stopped.isoformat() if stopped else None,
                "seconds": (stopped - began).total_seconds() if began and stopped else None,
                "error": status.get("error") or None,
                "created": backup["metadata"].get("creationTimestamp"),
            }
        )
    return sorted(found, key=lambda row: str(row["started"] or row["created"]), reverse=True)


def missing_objects(
    store: BackupStore, backup: Mapping[str, Any], base: Sequence[StoredObject], wal: Sequence[StoredObject]
) -> tuple[list[str], list[str]]:
    """What of a good backup is not in the bucket: what is lost, and the segments of the log that are still to come.

    `base` is what lies under its folder, `wal` what lies under the folders of the log it needs. A backup from a replica
    is completed before its last segment is archived: a quiet server closes that after `archive_timeout`.
    """
    status = backup.get("status") or {}
    prefix = store.prefix("base", status.get("backupId") or "?")
    sizes = {each.key.removeprefix(prefix): each.size for each in base}
    missing = []
    if not sizes.get("backup.info"):
        missing.append(f"{prefix}backup.info")
    if not any(DATA.match(name) and size for name, size in sizes.items()):
        missing.append(f"{prefix}data.tar*")
    there = {each.key.rpartition("/")[2].partition(".")[0] for each in wal if each.size}
    needed = wal_between(status.get("beginWal") or "", status.get("endWal") or "")
    absent = [name for name in needed if name not in there]
    to_come = [name for name in absent if there and name > max(there)]
    lost = absent[: len(absent) - len(to_come)]
    missing += [f"{store.prefix('wals', name[:16])}{name}" for name in lost[:3]]
    if len(lost) > 3:
        missing.append(f"{len(lost) - 3} more segments of the log")
    return missing, to_come


def wal_between(first: str, last: str) -> list[str]:
    """The names of the log's segments from one to another; across folders, where their number depends on the size of
    a segment, the two ends alone. [] for what are no names.
    """
    ends = [name for name in dict.fromkeys((first, last)) if WAL.match(name)]
    if len(ends) < 2 or first[:16] != last[:16] or last < first:
        return ends
    return [f"{first[:16]}{number:08X}" for number in range(int(first[16:], 16), int(last[16:], 16) + 1)]


def wal_folders(backup: Mapping[str, Any]) -> list[str]:
    """The folders of the log that a backup needs."""
    status = backup.get("status") or {}
    names = wal_between(status.get("beginWal") or "", status.get("endWal") or "")
    return list(dict.fromkeys(name[:16] for name in names))


def last_wal(objects: Iterable[StoredObject]) -> StoredObject | None:
    """The segment that was archived last."""
    segments = [each for each in objects if WAL.match(each.key.rpartition("/")[2].partition(".")[0])]
    return max(segments, key=lambda each: each.modified, default=None)


def target_moment(text: str) -> datetime:
    """A point in time to recover to. Raises ClusterError for what does not name one without doubt."""
    try:
        found = datetime.fromisoformat(text.strip().replace("z", "Z"))
    except ValueError as error:
        raise ClusterError(
            f"target_time: expected a time as in RFC 3339, such as 2026-11-21T14:30:00Z, found {text!r}."
        ) from error
    if found.tzinfo is None:
        raise ClusterError(f"target_time: {text} has no time zone: write {text}Z for UTC, or an offset such as +01:00.")
    return found


def target_problem(target: datetime, found: Window, now: datetime) -> str | None:
    """Why a database cannot be recovered to a moment; None if its backups reach it."""
    if target > now:
        return f"target_time {target.isoformat()} lies in the future; it is {now.isoformat(timespec='seconds')}"
    first = found.first_recoverability_point or (ended(found.last_good) if found.last_good else None)
    if first is None:
        return "there is no good base backup, so there is no moment to recover to: take one first (cnpg_backup)"
    if target < first:
        return (
            f"target_time {target.isoformat()} lies before {first.isoformat()}, the first moment that the backups"
            " reach: choose a later one"
        )
    return None
