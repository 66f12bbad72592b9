# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What statuses of the real VolSync 0.16.0 mean. Recorded from its manager and its restic mover."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import volsync_status as status
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_movers import FailedMover, why_failed
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_restore import (
    RestoreRequest,
    check_capacity,
    mounts,
    no_snapshot,
)

SAVED = (
    "=== Initialize Dir ===\ncreated restic repository 33742b3ffb at s3:http://127.0.0.1:19777/b/volsync/vt/d\n"
    "no parent snapshot found, will read all files\nAdded to the repository: 2.862 MiB (2.862 MiB stored)\n"
    "processed 2 files, 2.861 MiB in 0:00\nsnapshot 57336a41 saved\nRestic completed in 4s"
)
RESTORED = "restoring snapshot 57336a41 of [/data] at 2026-11-21 06:53:43.9 +0000 UTC by root@volsync to .\n"
NOTHING = "No eligible snapshots found\n=== No data will be restored ===\nRestic completed in 3s"
EMPTY = "== Directory is empty skipping backup ===\nRestic completed in 0s"
WRONG_PASSWORD = (
    "=== Check for dir initialized ===\nFatal: wrong password or no key found\n"
    "ERROR: failure connecting to repository, incorrect password\n"
)


def source(trigger: dict | None = None, paused: bool = False, **status_fields: object) -> dict:
    return {
        "apiVersion": "volsync.backube/v1alpha1",
        "kind": "ReplicationSource",
        "spec": {"trigger": trigger or {}, "paused": paused},
        "status": status_fields,
    }


def condition(value: str, reason: str, message: str = "") -> list[dict]:
    return [{"type": "Synchronizing", "status": value, "reason": reason, "message": message}]


IDLE = source(
    {"schedule": "*/30 * * * *"},
    conditions=condition("False", "WaitingForSchedule"),
    lastSyncDuration="6.687153696s",
    lastSyncTime="2026-11-21T06:53:46Z",
    latestMoverStatus={"logs": SAVED, "result": "Successful"},
    nextSyncTime="2026-11-21T07:00:00Z",
)
UNDER_WAY = source(
    {"schedule": "*/30 * * * *"},
    conditions=condition("True", "SyncInProgress"),
    lastSyncStartTime="2026-11-21T06:53:40Z",
    latestMoverStatus={},
)


@pytest.mark.parametrize(
    ("text", "expected"), [("6.687153696s", 6.687153696), ("1m6.5s", 66.5), ("1h0m2s", 3602), ("250ms", 0.25), ("", 0)]
)
def test_gos_durations(text, expected):
    assert status.seconds(text) == pytest.approx(expected)


def test_an_idle_source():
    sync = status.sync_of(IDLE)
    assert (sync.in_flight, sync.paused, sync.asked_and_undone) == (False, False, False)
    assert sync.started == datetime(2026, 11, 21, 6, 53, 39, 312846, tzinfo=UTC)
    assert status.refusal(sync, "it", take_over=False) is None
    assert status.busy(sync) is None


def test_a_sync_under_way_is_waited_for_because_it_would_take_the_credit():
    sync = status.sync_of(UNDER_WAY)
    assert status.busy(sync) == "a sync is under way"
    assert status.refusal(sync, "it", take_over=False) is None


def test_one_that_nobody_has_looked_at_is_waited_for():
    assert "operator" in (status.busy(status.sync_of(source({"schedule": "@hourly"}))) or "")


def test_a_paused_source_is_refused_whatever_else():
    assert "paused" in (status.refusal(status.sync_of(source({}, paused=True)), "it", take_over=True) or "")


class TestManualTriggerLeftBehind:
    def test_beside_a_schedule_it_is_refused_and_the_schedule_named(self):
        sync = status.sync_of(source({"schedule": "@hourly", "manual": "old"}, lastManualSync="old"))
        assert "'@hourly'" in (status.refusal(sync, "it", take_over=False) or "")
        assert status.refusal(sync, "it", take_over=True) is None

    def test_without_a_schedule_a_done_one_is_how_it_rests(self):
        done = status.sync_of(source({"manual": "old"}, lastManualSync="old"))
        assert status.refusal(done, "it", take_over=False) is None
        undone = status.sync_of(source({"manual": "new"}, lastManualSync="old"))
        assert "'new'" in (status.refusal(undone, "it", take_over=False) or "")


@pytest.mark.parametrize(
    ("trigger", "last", "succeeded", "expected"),
    [
        ({"schedule": "@hourly"}, "", True, ""),
        ({"schedule": "@hourly"}, "", False, ""),
        ({"schedule": "@hourly", "manual": "old"}, "old", True, ""),
        # an empty trigger means "all the time", the tag of before starts another sync
        ({"manual": "old"}, "old", True, "="),
        # nothing was done with the new tag: the one that was done last starts nothing
        ({"manual": "old"}, "old", False, "old"),
        ({"manual": "undone"}, "old", False, "="),
        ({}, "", True, ""),
    ],
)
def test_what_the_trigger_is_afterwards(trigger, last, succeeded, expected):
    before = status.sync_of(source(trigger, lastManualSync=last))
    assert status.manual_after(before, succeeded) == expected


class TestWhoseResult:
    """latestMoverStatus keeps the result of the sync before until this one has ended."""

    before = status.sync_of(source(latestMoverStatus={"result": "Failed", "logs": "old"}))

    def test_the_old_failure_is_not_this_runs(self):
        assert not status.failed_anew(self.before, self.before)

    def test_another_failure_is(self):
        now = status.sync_of(source(latestMoverStatus={"result": "Failed", "logs": "new"}))
        assert status.failed_anew(self.before, now)
        assert not status.failed_anew(self.before, status.sync_of(IDLE))


def test_a_sync_that_began_before_the_request_does_not_count():
    sync = status.sync_of(IDLE)  # began at 06:53:39.3
    assert status.belongs(sync, datetime(2026, 11, 21, 6, 53, 40, tzinfo=UTC))
    assert not status.belongs(sync, datetime(2026, 11, 21, 6, 53, 43, tzinfo=UTC))


def test_logs():
    assert status.saved_snapshot(SAVED) == "57336a41"
    assert status.stored_size(SAVED) == "2.862 MiB (2.862 MiB stored)"
    assert status.saved_snapshot(EMPTY) is None
    assert status.restored_snapshot(RESTORED) == "57336a41"
    assert status.restored_snapshot(NOTHING) is None
    # an empty volume succeeds without a snapshot
    assert status.NOTHING_SAVED in EMPTY


@pytest.mark.parametrize(
    ("log", "word"),
    [
        (WRONG_PASSWORD, "password"),
        ("Stat(<config/>) failed: Access Denied.", "access key"),
        ("The AWS Access Key Id you provided does not exist in our records.", "access key"),
        ("client.BucketExists: NoSuchBucket", "bucket"),
        ("ERROR: RESTIC_PASSWORD must be defined", "incomplete"),
    ],
)
def test_what_no_attempt_mends_ends_the_run_at_the_first_failure(log, word):
    reason = why_failed([FailedMover("mover-1", 3, log)])
    assert reason is not None
    assert word in reason.split("; mover pod")[0]


def test_anything_else_gets_a_second_attempt():
    passing = FailedMover("mover-1", 1, "Fatal: dial tcp: i/o timeout")
    assert why_failed([]) is None
    assert why_failed([passing]) is None
    reason = why_failed([passing, FailedMover("mover-2", 1, "Fatal: dial tcp: i/o timeout")])
    assert reason is not None
    assert "2 movers failed" in reason
    assert "i/o timeout" in reason


class TestRestore:
    def test_no_snapshot_says_which_was_wanted(self):
        request = RestoreRequest("app", "new", previous=2, restore_as_of="2026-11-20T22:00:00Z")
        assert "2026-11-20T22:00:00Z and with 2 newer" in no_snapshot(request, NOTHING)

    def test_a_repository_that_was_not_there_is_told_from_an_empty_one(self):
        assert "no repository yet" in no_snapshot(RestoreRequest("app", "new"), f"=== Initialize Dir ===\n{NOTHING}")

    def test_a_smaller_claim_is_refused(self):
        check_capacity("10Gi", "10240Mi")
        with pytest.raises(ClusterError, match="smaller"):
            check_capacity("1Gi", "10Gi")
        with pytest.raises(ClusterError, match="quantity"):
            check_capacity("10 gigs", "1Gi")

    def test_pods_that_use_a_claim(self):
        pod = {"spec": {"volumes": [{"emptyDir": {}}, {"persistentVolumeClaim": {"claimName": "a"}}]}}
        assert mounts(pod, "a")
        assert not mounts(pod, "b")
