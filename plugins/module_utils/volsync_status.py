# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ReplicationSource or ReplicationDestination says of its syncs. Plain data in, verdicts out.

Upstream: api/v1alpha1, internal/controller/statemachine/machine.go and mover-restic/entry.sh of backube/volsync 0.16.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .readiness import conditions

GROUP = "volsync.backube"
SOURCE, DESTINATION = "ReplicationSource", "ReplicationDestination"
FAILED = "Failed"
#: times in a status are whole seconds, and the manager's clock is not the API server's
CLOCK_TOLERANCE = timedelta(seconds=2)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_SAVED = re.compile(r"^\s*snapshot ([0-9a-f]{8,64}) saved", re.MULTILINE)
_RESTORED = re.compile(
    r"^\s*restoring snapshot ([0-9a-f]{8,64})\b|Selected restic snapshot with id: ([0-9a-f]{8,64})", re.M
)
_STORED = re.compile(r"^\s*Added to the repository: (.+?)\s*$", re.MULTILINE)
NOTHING_SAVED = "Directory is empty skipping backup"
NOTHING_RESTORED = re.compile(r"No eligible snapshots found|No data will be restored")

#: what in a mover's log no further attempt will mend, and what to do about it
HOPELESS = (
    (
        re.compile(r"wrong password or no key found|incorrect password"),
        "the repository was made with another password than RESTIC_PASSWORD in the repository Secret: put the right one"
        " into the Secret",
    ),
    (
        re.compile(r"Access ?Denied|InvalidAccessKeyId|SignatureDoesNotMatch|Access Key Id you provided"),
        "the object store refuses the access key in the repository Secret: correct AWS_ACCESS_KEY_ID and"
        " AWS_SECRET_ACCESS_KEY, or what they may do",
    ),
    (
        re.compile(r"NoSuchBucket|specified bucket does not exist"),
        "the bucket is not there: create it, or correct RESTIC_REPOSITORY in the repository Secret",
    ),
    (
        re.compile(r"ERROR: \w+ must be defined|invalid backend|Please specify repository location"),
        "the repository Secret is incomplete: it needs RESTIC_REPOSITORY, RESTIC_PASSWORD and the store's keys",
    ),
)


@dataclass(frozen=True)
class Sync:
    """The state of an object's syncs. `duration` in seconds; `started` is when the last finished sync began."""

    manual: str
    schedule: str
    paused: bool
    #: when the sync under way began, if there is one
    began: datetime | None
    in_flight: bool
    taken_up: bool
    last_manual: str
    last_sync: datetime | None
    duration: float
    next_sync: str
    result: str
    logs: str
    reason: str
    message: str

    @property
    def started(self) -> datetime | None:
        return self.last_sync - timedelta(seconds=self.duration) if self.last_sync else None

    @property
    def asked_and_undone(self) -> bool:
        """A manual sync was asked for and has not been finished."""
        return bool(self.manual) and self.manual != self.last_manual

    @property
    def error(self) -> str:
        """What the operator says when it cannot even start a mover."""
        return self.message if self.reason == "Error" else ""


def sync_of(live: Mapping[str, Any]) -> Sync:
    """Read an object. An empty status is one that the operator has not looked at yet."""
    spec, status = live.get("spec") or {}, live.get("status") or {}
    trigger, mover = spec.get("trigger") or {}, status.get("latestMoverStatus") or {}
    synchronizing = conditions(live).get("Synchronizing") or {}
    return Sync(
        manual=trigger.get("manual") or "",
        schedule=trigger.get("schedule") or "",
        paused=bool(spec.get("paused")),
        began=moment(status.get("lastSyncStartTime")),
        in_flight=bool(status.get("lastSyncStartTime")) or synchronizing.get("status") == "True",
        taken_up=bool(synchronizing),
        last_manual=status.get("lastManualSync") or "",
        last_sync=moment(status.get("lastSyncTime")),
        duration=seconds(status.get("lastSyncDuration")),
        next_sync=status.get("nextSyncTime") or "",
        result=mover.get("result") or "",
        logs=mover.get("logs") or "",
        reason=synchronizing.get("reason") or "",
        message=synchronizing.get("message") or "",
    )


def moment(text: str | None) -> datetime | None:
    """A time as the API writes it."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def seconds(text: str | None) -> float:
    """A duration of Go's, `1m6.5s`, in seconds."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text or ""))


def refusal(sync: Sync, about: str, take_over: bool) -> str | None:
    """Why no manual sync may be asked for now, however long one waits; None when it may."""
    if sync.paused:
        return f"{about} is paused (spec.paused): nothing is backed up until somebody sets it to false."
    if take_over or not sync.manual:
        return None
    if sync.schedule:
        return (
            f"{about} has trigger.manual {sync.manual!r} beside its schedule {sync.schedule!r}, which is off as long as"
            " it stands there: left behind by a run that died, or set by one that still runs. Remove it, or set"
            " take_over to true; it is removed afterwards then, and the schedule goes on."
        )
    if sync.asked_and_undone:
        return (
            f"{about} has been asked for the manual sync {sync.manual!r}, which is not done"
            f"{f' ({sync.message})' if sync.message else ''}. Wait for it, or set take_over to true."
        )
    return None


def busy(sync: Sync) -> str | None:
    """Why it must be waited before a manual sync is asked for: it would be credited to a sync that began before."""
    if sync.in_flight:
        return "a sync is under way"
    if not sync.taken_up and not sync.error:
        return "VolSync has not looked at it yet: is its operator running"
    return None


def manual_after(before: Sync, succeeded: bool) -> str:
    """What trigger.manual has to be afterwards: empty, the tag of before, or `=` for the one that was set now.

    Without a schedule an empty trigger means "sync all the time", and any other tag than the last one done starts a
    sync at once.
    """
    if before.schedule or not before.manual:
        return ""
    if succeeded or before.asked_and_undone:
        return "="
    return before.manual


def failed_anew(before: Sync, now: Sync) -> bool:
    """The mover failed in this run: the status keeps the result of the one before until this one ends."""
    return now.result == FAILED and (before.result, before.logs) != (now.result, now.logs)


def belongs(sync: Sync, triggered: datetime) -> bool:
    """The sync that is credited with the tag began after it was asked for."""
    return sync.started is not None and sync.started >= triggered - CLOCK_TOLERANCE


def hopeless(log: str) -> str | None:
    """What to do about a mover's failure that no further attempt will mend."""
    return next((advice for sign, advice in HOPELESS if sign.search(log)), None)


def saved_snapshot(logs: str) -> str | None:
    """The short id of the snapshot that a backup made."""
    found = _SAVED.findall(logs)
    return found[-1] if found else None


def restored_snapshot(logs: str) -> str | None:
    """The short id of the snapshot that was restored; None when there was none that fits."""
    if NOTHING_RESTORED.search(logs):
        return None
    found = _RESTORED.search(logs)
    return (found[1] or found[2]) if found else None


def stored_size(logs: str) -> str:
    """What a backup added to the repository, in restic's words."""
    found = _STORED.search(logs)
    return found[1] if found else ""


def last_lines(log: str, count: int = 8) -> str:
    """The end of a log, on one line."""
    lines = [line.strip() for line in log.strip().splitlines() if line.strip()]
    return " | ".join(lines[-count:]) or "its log is empty"
