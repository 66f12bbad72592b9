# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of one volume now: a manual sync of its ReplicationSource, waited for, and the schedule going on after it.

What can go wrong, and is prevented (internal/controller/statemachine/machine.go of backube/volsync):
a trigger set while a sync runs is credited to that older sync; trigger.manual switches the schedule off for as long as
it stands there; a failing mover never says that the manual sync is done; a mover that finds no file makes no snapshot
and succeeds.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from . import volsync_status as status
from .errors import ClusterError
from .interruption import InterruptedRunError, interruptible
from .volsync_client import Pauses, VolSync, triggered_at
from .volsync_movers import failed_movers, mover_causes, why_failed
from .volsync_status import Sync

#: seconds that the operator may say Error: what it misses may be about to come, an ExternalSecret's Secret above all
ERROR_GRACE = 10.0
#: seconds until the time of the next scheduled sync must stand in the status
SCHEDULE_GRACE = 15.0


@dataclass(frozen=True)
class Outcome:
    """A finished sync: `seconds` is its duration as VolSync measured it."""

    snapshot: str
    seconds: float
    finished: str
    stored: str
    logs: str


class Backup:
    """One backup of one ReplicationSource."""

    def __init__(self, volsync: VolSync, namespace: str, name: str, take_over: bool = False) -> None:
        self._volsync = volsync
        self._namespace = namespace
        self._name = name
        self._take_over = take_over
        self.about = f"ReplicationSource {namespace}/{name}"

    def predict(self) -> dict[str, Any]:
        """What a run would do now; raises what would refuse it."""
        live = self._volsync.source(self._namespace, self._name)
        sync = self._volsync.sync(live)
        self._refuse(sync)
        waiting = status.busy(sync)
        return {"source": self.about, "schedule": sync.schedule, "waits_for": waiting or ""}

    def run(self) -> tuple[Outcome, list[str]]:
        """Make the backup; returns it with warnings. Raises ClusterError with the mover's reason."""
        before: Sync | None = None
        live: dict[str, Any] | None = None
        self._mask_the_repositorys_values()
        with interruptible() as signals:
            try:
                while live is None:
                    quiet = self._quiet()
                    before, tag = self._volsync.sync(quiet), new_tag()
                    live = self._volsync.set_manual(quiet, tag, exactly=True)
                self._volsync.progress(f"{self.about}: asked for manual sync {tag}")
                outcome = self.wait(live, tag, self._volsync.sync(quiet))
            except ClusterError as error:
                if before is None:
                    raise
                with signals.hold():
                    left = self._leave(before, live, succeeded=False)
                raise ClusterError(f"{str(error).rstrip('.')}. {left}") from error
            except InterruptedRunError:
                if before is not None:
                    # also when the signal came between the request and its answer
                    with signals.hold():
                        self._leave(before, live, succeeded=False)
                raise
            with signals.hold():
                left = self._leave(before, live, succeeded=True)
        return outcome, [left] if left else []

    def wait(self, live: Mapping[str, Any], tag: str, before: Sync) -> Outcome:
        """Wait until the manual sync with this tag is done. `live` is the object as it was when the tag was set."""
        triggered = datetime.fromisoformat(triggered_at(live))
        pauses = Pauses(self._volsync.api.deadline)
        erring_since: float | None = None
        while True:
            now = self._volsync.source(self._namespace, self._name)
            sync = self._volsync.sync(now)
            if now["metadata"]["uid"] != live["metadata"]["uid"]:
                raise ClusterError(f"{self.about} was deleted and made anew while it was backed up.")
            if sync.last_manual == tag:
                return self._outcome(sync, triggered)
            if sync.manual != tag:
                raise ClusterError(
                    f"{self.about}: somebody replaced trigger.manual {tag!r} by {sync.manual!r} before the sync was"
                    " done."
                )
            if sync.paused:
                raise ClusterError(f"{self.about} was paused before the sync was done.")
            reason = why_failed(failed_movers(self._volsync.api, now, triggered))
            if reason is None and status.failed_anew(before, sync):
                reason = f"the mover failed: {status.last_lines(sync.logs)}"
            erring_since = self._erring(sync, erring_since)
            if reason is None and erring_since is not None and self._spent - erring_since > ERROR_GRACE:
                reason = sync.error
            if reason:
                raise ClusterError(f"{self.about} was not backed up: {reason}.")
            if not pauses.wait():
                raise ClusterError(
                    f"{self.about} was not backed up within {self._volsync.api.deadline.seconds:g} s:"
                    f" {sync.message or 'VolSync has not taken it up'}; {mover_causes(self._volsync.api, now)}."
                )

    # --- steps

    @property
    def _spent(self) -> float:
        return self._volsync.api.deadline.spent

    def _erring(self, sync: Sync, since: float | None) -> float | None:
        if not sync.error:
            return None
        return self._spent if since is None else since

    def _mask_the_repositorys_values(self) -> None:
        repository = (self._volsync.source(self._namespace, self._name)["spec"].get("restic") or {}).get("repository")
        if repository:
            self._volsync.repository_is_there(self._namespace, repository)

    def _refuse(self, sync: Sync) -> None:
        reason = status.refusal(sync, self.about, self._take_over)
        if reason:
            raise ClusterError(reason)

    def _quiet(self) -> dict[str, Any]:
        """The object once no sync is under way."""
        pauses = Pauses(self._volsync.api.deadline)
        told = False
        while True:
            live = self._volsync.source(self._namespace, self._name)
            sync = self._volsync.sync(live)
            self._refuse(sync)
            waiting = status.busy(sync)
            if waiting is None:
                return live
            if not told:
                self._volsync.progress(f"{self.about}: {waiting}; waiting for it")
                told = True
            reason = why_failed(failed_movers(self._volsync.api, live, sync.began)) if sync.began else None
            if reason:
                raise ClusterError(f"{self.about}: the sync under way fails, no backup was asked for: {reason}.")
            if not pauses.wait():
                raise ClusterError(
                    f"{self.about}: {waiting}, and was all of the {self._volsync.api.deadline.seconds:g} s;"
                    f" no backup was asked for. {mover_causes(self._volsync.api, live)}."
                )

    def _outcome(self, sync: Sync, triggered: datetime) -> Outcome:
        if not status.belongs(sync, triggered):
            raise ClusterError(
                f"{self.about}: VolSync credits a sync that began at {sync.started} with the request of {triggered}: it"
                " may lack the latest data. Compare the clocks of VolSync's node and the API server, and run it again."
            )
        if status.NOTHING_SAVED in sync.logs:
            raise ClusterError(f"{self.about} was not backed up: its volume has no files, so no snapshot was made.")
        snapshot = status.saved_snapshot(sync.logs)
        if snapshot is None:
            raise ClusterError(
                f"{self.about} was synced, but its mover's log names no snapshot: {status.last_lines(sync.logs)}."
            )
        finished = sync.last_sync.isoformat() if sync.last_sync else ""
        return Outcome(snapshot, round(sync.duration, 1), finished, status.stored_size(sync.logs), sync.logs)

    def _leave(self, before: Sync, live: dict[str, Any] | None, succeeded: bool) -> str:
        """Leave trigger.manual so that the schedule goes on and nothing starts by itself; how things are left.

        Empty when the backup succeeded and all is as it should be.
        """
        tag = status.manual_after(before, succeeded)
        tidy = self._volsync.tidying_up()
        try:
            if tag != "=":
                there = live or tidy.source(self._namespace, self._name)
                tidy.set_manual(there, tag, exactly=False)
            if not before.schedule:
                return "" if succeeded else "VolSync itself goes on trying until it succeeds."
            reason = self._schedule_stands_still(tidy) if succeeded else ""
        except ClusterError as error:
            reason = str(error).rstrip(".")
        if reason:
            return (
                f"{self.about}: the schedule {before.schedule!r} does not go on: {reason}. Look at spec.trigger.manual,"
                " and remove it."
            )
        if succeeded:
            return ""
        return (
            f"The manual trigger is removed and the schedule {before.schedule!r} goes on; VolSync itself goes on trying"
            " until it succeeds."
        )

    def _schedule_stands_still(self, tidy: VolSync) -> str:
        """Empty if the time of the next sync stands in the status soon, else what stands there."""
        pauses = Pauses(tidy.api.deadline)
        while True:
            sync = self._volsync.sync(tidy.source(self._namespace, self._name))
            if sync.next_sync and not sync.manual:
                return ""
            if tidy.api.deadline.spent > SCHEDULE_GRACE or not pauses.wait():
                return f"trigger.manual is {sync.manual!r}" if sync.manual else "status.nextSyncTime is empty"


def new_tag() -> str:
    """A value for trigger.manual that was never there before, and says whose it is."""
    return f"synergyflow-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
