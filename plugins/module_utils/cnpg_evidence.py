# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of backups and of the database: one record per aspect, each able to fail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import cnpg_schedule
from .cnpg_backups import Window, ended, moment
from .cnpg_bucket import Look
from .cnpg_cluster import BackupStore, Database
from .evidence.records import BLOCKED, FAILED, PASSED, Record, unmeasured_all
from .object_store import StoredObject

ARCHIVING = ("DB-archiving", "Write-ahead log is archived")
RECENT = ("DB-backup", "Last good base backup is recent")
STORED = ("DB-backup-stored", "Last good base backup is in the store")
RECOVERABLE = ("DB-recoverable", "Database can be recovered to a moment")
PLANNED = ("DB-schedule", "Next base backup is planned")
#: in the order a reader asks
EVERY = (ARCHIVING, RECENT, STORED, RECOVERABLE, PLANNED)
#: minutes until the last segment of a backup has to be archived; CloudNativePG's archive_timeout is 5
LATEST_SEGMENT = 15


def not_run(status: str, reason: str) -> list[Record]:
    """The criteria where nothing could be looked at: the first says why."""
    return unmeasured_all(dict(EVERY), status, reason, "nothing could be looked at")


def without_backups(reason: str, max_age_hours: float) -> list[Record]:
    """The evidence where nothing is backed up."""
    expected = f"<= {max_age_hours:g}"
    return [
        Record(*each, FAILED, "none", expected, "hours old", detail=reason)
        if each == RECENT
        else Record(*each, BLOCKED, detail="there are no backups")
        for each in EVERY
    ]


def archiving(database: Database, newest: StoredObject | None, looked: bool) -> Record:
    """What the operator says of the archive, and the last segment that is in it, if it was looked into."""
    identity, title = ARCHIVING
    condition = database.conditions.get("ContinuousArchiving")
    detail = f"last segment {newest.key.rpartition('/')[2]}, archived {newest.modified.isoformat()}" if newest else ""
    if condition is None:
        return Record(identity, title, BLOCKED, "unknown", "archiving", detail="the operator has not said it yet")
    if condition["status"] == "True" and looked and newest is None:
        detail = "the operator says that it archives, and the store has no write-ahead log"
        return Record(identity, title, FAILED, "nothing in the store", "archiving", detail=detail)
    if condition["status"] == "True":
        return Record(identity, title, PASSED, "archiving", "archiving", detail=detail)
    words = ": ".join(filter(None, [condition.get("reason"), condition.get("message")]))
    return Record(identity, title, FAILED, "failing", "archiving", detail="; ".join(filter(None, [words, detail])))


def recent(database: Database, found: Window, max_age_hours: float, now: datetime) -> Record:
    """How old the last good base backup is."""
    identity, title = RECENT
    age, expected = found.age(now), f"<= {max_age_hours:g}"
    failure = ""
    if found.last_failed and (found.last_successful is None or found.last_failed > found.last_successful):
        newest = next((each for each in _newest_first(database) if _phase(each) == "failed"), None)
        why = ((newest or {}).get("status") or {}).get("error") or ""
        failure = f"the last one failed at {found.last_failed.isoformat()}{f': {why}' if why else ''}"
    if age is None:
        phases = ", ".join(f"{each['metadata']['name']} {_phase(each)}" for each in _newest_first(database)[:3])
        detail = "; ".join(filter(None, ["there is no good base backup", failure, phases]))
        return Record(identity, title, FAILED, "none", expected, "hours old", detail=detail)
    good = age <= max_age_hours
    return Record(identity, title, PASSED if good else FAILED, round(age, 2), expected, "hours old", detail=failure)


def _newest_first(database: Database) -> list[dict[str, Any]]:
    return sorted(database.backups, key=lambda each: str(each["metadata"].get("creationTimestamp") or ""), reverse=True)


def _phase(backup: Mapping[str, Any]) -> str:
    return (backup.get("status") or {}).get("phase") or "not taken up"


def recoverable(found: Window, now: datetime) -> Record:
    """From when on the database can be recovered."""
    identity, title = RECOVERABLE
    first = found.first_recoverability_point
    if first is None or found.last_successful is None:
        detail = "no first recoverability point is known: there is no good base backup, or it was not recorded yet"
        return Record(identity, title, FAILED, "none", "a moment", detail=detail)
    if first > now:
        return Record(identity, title, FAILED, first.isoformat(), "a moment in the past")
    days = (now - first).total_seconds() / 86400
    return Record(identity, title, PASSED, f"from {first.isoformat()} on", "a moment", detail=f"{days:.1f} days")


def planned(database: Database, now: datetime) -> Record:
    """A schedule that is alive and means what it says."""
    identity, title = PLANNED
    active = [each for each in database.schedules if not (each["spec"].get("suspend"))]
    if not active:
        detail = "every ScheduledBackup is suspended" if database.schedules else "there is no ScheduledBackup"
        return Record(identity, title, FAILED, "none", "a time to come", detail=detail)
    problems, times = [], []
    for each in active:
        name, status = each["metadata"]["name"], each.get("status") or {}
        problem = status.get("error") or cnpg_schedule.problem(each["spec"].get("schedule") or "")
        if problem:
            problems.append(f"{name}: {problem}")
        following = moment(status.get("nextScheduleTime"))
        if following:
            times.append((following, name))
    if problems:
        return Record(identity, title, FAILED, "a bad schedule", "a time to come", detail="; ".join(problems))
    taken_up = [each for each in active if (each.get("status") or {}).get("lastCheckTime")]
    if not times and taken_up:
        detail = f"{active[0]['spec']['schedule']}; the operator names the time from the first run on"
        return Record(identity, title, PASSED, "by schedule", "a time to come", detail=detail)
    if not times:
        return Record(identity, title, BLOCKED, detail="the operator has not taken up the schedule yet")
    following, name = min(times)
    late = (now - following).total_seconds()
    # the operator moves it on when it has made the Backup: a few minutes late is a busy operator
    status = PASSED if late < 600 else FAILED
    detail = name if status == PASSED else f"{name}: overdue by {late / 60:.0f} min, does the operator run?"
    return Record(identity, title, status, following.isoformat(), "a time to come", detail=detail)


def stored(found: Window, look: Look | None, store: BackupStore, reason: str, now: datetime) -> Record:
    """What the store itself has of the last good backup; `reason`: why it was not looked at."""
    identity, title = STORED
    where = f"s3://{store.bucket}/{store.prefix('base')}"
    if found.last_good is None and not reason:
        reason = "no Backup that still exists has completed"
    if look is None:
        return Record(identity, title, BLOCKED, detail=reason)
    name = (found.last_good or {}).get("metadata", {}).get("name", "")
    if look.missing:
        detail = f"Backup {name} is completed, and the store has no {', no '.join(look.missing)}"
        return Record(identity, title, FAILED, "incomplete", "complete", detail=detail)
    if look.to_come:
        stopped = ended(found.last_good or {})
        minutes = (now - stopped).total_seconds() / 60 if stopped else 0.0
        detail = f"{name} needs segment {look.to_come[-1]}, which is not archived {minutes:.0f} min after its end"
        late = minutes > LATEST_SEGMENT
        return Record(identity, title, FAILED if late else BLOCKED, "incomplete", "complete", detail=detail)
    detail = f"{name} in {where}, {look.size or 0} bytes"
    return Record(identity, title, PASSED, "complete", "complete", detail=detail)
