# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC1 to AC3: each criterion met, and each failing for its own reason."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import volsync_check as check
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import Seen
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import volsync
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_backup import Outcome
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_metrics import Durations, durations
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_restore import Restored
from failing import fails
from scripted_api import ScriptedConnection, answer, status

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
VALUES = {
    "volsync_version": "0.16.0",
    "volsync_namespace": "volsync-system",
    "volsync_s3_bucket": "backups",
    "volsync_sources": [],
    "volsync_metrics": True,
}
SERVED = {"ReplicationSource.volsync.backube": ["v1alpha1"], "ReplicationDestination.volsync.backube": ["v1alpha1"]}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "volsync", "generation": 1},
    "spec": {"replicas": 1, "template": {"spec": {"containers": [{"image": "quay.io/backube/volsync:0.16.0"}]}}},
    "status": {
        "observedGeneration": 1,
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "conditions": [{"type": "Available", "status": "True"}],
    },
}
AWAY = DEPLOYMENT | {"spec": {**DEPLOYMENT["spec"], "replicas": 0}, "status": {"observedGeneration": 1}}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "volsync-1", "namespace": "volsync-system", "labels": {}},
    "spec": {"containers": [{"name": "manager"}]},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
}
PAGE = (
    "# TYPE volsync_sync_duration_seconds summary\n"
    'volsync_sync_duration_seconds_sum{method="Restic",obj_name="data",obj_namespace="c",role="source"} 7.5\n'
    'volsync_sync_duration_seconds_count{method="Restic",obj_name="data",obj_namespace="c",role="source"} 1\n'
    'volsync_sync_duration_seconds_sum{method="Restic",obj_name="new",obj_namespace="c",role="destination"} 0\n'
    'volsync_sync_duration_seconds_count{method="Restic",obj_name="new",obj_namespace="c",role="destination"} 0\n'
)
STAMP = "2026-11-21T06:59:30.1Z "


def source(**more: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "app", "name": "uploads"}, "spec": {"trigger": {}}, "status": {}} | more


def scheduled(due: str, **status: Any) -> dict[str, Any]:
    """A source that was backed up well, and is to be again."""
    state = {"latestMoverStatus": {"result": "Successful"}, "lastSyncTime": "2026-11-20T06:00:00Z", "nextSyncTime": due}
    return source(spec={"trigger": {"schedule": "0 6 * * *"}}, status=state | status)


def records(seen: dict | None = None, **change: Any) -> dict[str, Any]:
    given = {"logs": {"volsync-1": ""}, "metrics": PAGE, "bucket": 3, "now": NOW, "values": VALUES, "served": SERVED}
    given |= change
    objects = {"deployments": [DEPLOYMENT], "pods": [POD]} | (seen or {})
    found = volsync.records(given.pop("values"), Seen(objects), given.pop("served"), **given)
    return {record.id: record for record in found}


def test_all_is_well():
    statuses = {identity: record.status for identity, record in records().items()}
    assert statuses.pop("AC1-sources") == "skipped"
    assert set(statuses.values()) == {"passed"}


@pytest.mark.parametrize(
    ("identity", "change", "words"),
    [
        ("AC1-operator", {"values": VALUES | {"volsync_version": "0.17.0"}}, "0.16.0, ready instead of VolSync 0.17.0"),
        ("AC1-operator", {"seen": {"deployments": []}}, "no Deployment"),
        ("AC1-operator", {"seen": {"deployments": [AWAY]}}, "0.16.0, progressing instead of"),
        ("AC1-pods", {"seen": {"pods": []}}, "0 instead of 1"),
        ("AC1-crds", {"served": {}}, "ReplicationDestination"),
        ("AC1-log", {"logs": {"p": f"{STAMP}2026-11-21T06:59:30Z\tERROR\tx\treconcile failed\n"}}, "reconcile failed"),
        ("AC1-metrics", {"metrics": ClusterError("HTTP 401")}, "401"),
        ("AC1-metrics", {"metrics": "<html>"}, "something else instead of metrics"),
        ("AC1-bucket", {"bucket": ClusterError("there is no bucket backups")}, "no bucket"),
    ],
)
def test_each_criterion_fails_by_itself(identity, change, words):
    fails(records(**change), identity, words)


def test_errors_that_are_none_and_errors_of_before():
    lines = (
        f"{STAMP}2026-11-21T06:59:30Z\tERROR\tReconciler error\t the object has been modified; "
        "please apply your changes\n"
        f"{STAMP}2026-11-21T06:59:30Z\tERROR\tcontrollers\tFailed to get Source\n"
        "2026-11-21T06:40:00.1Z 2026-11-21T06:40:00Z\tERROR\tx\tlong ago\n"
        f"{STAMP}2026-11-21T06:59:30Z\tINFO\tERROR in a text\n"
    )
    record = records(logs={"p": lines})["AC1-log"]
    assert (record.status, record.observed) == ("passed", 0)
    assert "2 that say only" in record.detail


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ([], "not there"),
        ([source(spec={"paused": True})], "paused"),
        ([source()], "no sync"),
        (
            [source(status={"latestMoverStatus": {"result": "Failed"}, "lastSyncTime": "2026-11-21T06:00:00Z"})],
            "failed",
        ),
        (
            [
                source(
                    spec={"trigger": {"schedule": "@hourly", "manual": "left"}},
                    status={"lastSyncTime": "2026-11-21T06:00:00Z"},
                )
            ],
            "'left'",
        ),
        ([scheduled("2026-11-21T06:00:00Z")], "overdue since 2026-11-21T06:00:00Z"),
    ],
)
def test_a_source_that_is_not_backed_up(live, words):
    values = VALUES | {"volsync_sources": [{"namespace": "app", "name": "uploads"}]}
    fails(records({"sources": live}, values=values), "AC1-sources", words)


@pytest.mark.parametrize(
    "live",
    [
        scheduled("2026-11-21T06:31:00Z"),
        # it takes long, and is under way
        scheduled("2026-11-21T05:00:00Z", lastSyncStartTime="2026-11-21T05:00:01Z"),
    ],
)
def test_a_source_whose_sync_is_due_or_under_way_is_backed_up(live):
    values = VALUES | {"volsync_sources": [{"namespace": "app", "name": "uploads"}]}
    assert records({"sources": [live]}, values=values)["AC1-sources"].status == "passed"


def test_metrics_that_are_switched_off_are_skipped():
    found = records(values=VALUES | {"volsync_metrics": False}, metrics="")
    assert found["AC1-metrics"].status == "skipped"
    assert "volsync_metrics" in found["AC1-metrics"].detail
    quiet = dataclasses.replace(REQUEST, metrics=False)
    checked = {record.id: record for record in check.records(quiet, measured(measured=None))}
    not_passed = {identity for identity, record in checked.items() if record.status != "passed"}
    assert not_passed == {"AC2-metrics", "AC3-metrics"}
    assert {checked[identity].status for identity in not_passed} == {"skipped"}


def test_metrics_of_one_object():
    assert durations(PAGE, "c", "data") == Durations(1, 7.5)
    assert durations(PAGE, "c", "new") is None  # none finished
    assert durations(PAGE, "other", "data") is None


# --- AC2, AC3

REQUEST = check.CheckRequest("s", "n", 8, "i", "Direct", "", "", "1Gi", 300, 600)
SUMS = {"./large": "a" * 64, "./folder/a file": "b" * 64}


def measured(**change: Any) -> check.Found:
    given = {
        "original": dict(SUMS),
        "after": dict(SUMS),
        "restored": dict(SUMS),
        "backup": Outcome("57336a41", 6.7, "", "8 MiB", ""),
        "restore": Restored("restored", "64Mi", "57336a41", 8.0, "", "restored-restore-1"),
        "in_store": "volsync/check/x/snapshots/57336a41ff",
        "measured": {"AC2": 6.7, "AC3": 8.0},
        "backup_wall": 7.2,
        "restore_wall": 9.1,
    }
    return check.Found(**(given | change))


def check_records(found: check.Found) -> dict[str, Any]:
    return {record.id: record for record in check.records(REQUEST, found)}


def test_backed_up_and_restored():
    found = check_records(measured())
    assert {record.status for record in found.values()} == {"passed"}
    assert set(found) == {
        "AC2-backup",
        "AC2-snapshot",
        "AC2-metrics",
        "AC3-restore",
        "AC3-integrity",
        "AC3-metrics",
        "AC3-removed",
    }


@pytest.mark.parametrize(
    ("identity", "change", "words"),
    [
        ("AC2-backup", {"backup_wall": 301.0}, "301.0 instead of under 300 s"),
        ("AC2-snapshot", {"in_store": ""}, "no such object instead of snapshot"),
        ("AC2-metrics", {"measured": {"AC2": None, "AC3": 8.0}}, "no such object instead of under 300 s"),
        ("AC3-metrics", {"measured": {"AC2": 6.7, "AC3": 601.0}}, "601.0 instead of under 600 s"),
        (
            "AC2-backup",
            {"backup": None, "restore": None, "failed_at": "backup", "reason": "wrong password"},
            "password",
        ),
        ("AC3-restore", {"restore_wall": 601.0}, "601.0 instead of under 600 s"),
        ("AC3-restore", {"restore": None, "failed_at": "restore", "reason": "no snapshot"}, "no snapshot"),
        ("AC3-integrity", {"restored": SUMS | {"./large": "c" * 64}}, "restored: ./large differs"),
        ("AC3-integrity", {"restored": {"./large": "a" * 64}}, "./folder/a file is missing"),
        ("AC3-integrity", {"after": SUMS | {"./large": "c" * 64}}, "original since the backup: ./large differs"),
        ("AC3-integrity", {"after": SUMS | {"./new": "c" * 64}}, "./new has come"),
        ("AC3-removed", {"remains": "2 objects of the repository"}, "2 objects"),
    ],
)
def test_each_of_them_fails_by_itself(identity, change, words):
    fails(check_records(measured(**change)), identity, words)


def test_what_could_not_be_looked_at_is_blocked_not_passed():
    found = check_records(measured(in_store=None, store_error="cannot be reached", measured=None, metrics_error="401"))
    assert {found[identity].status for identity in ("AC2-snapshot", "AC2-metrics", "AC3-metrics")} == {"blocked"}


def test_what_comes_after_a_failure_is_blocked_not_skipped():
    """It was asked for: `skipped` is for what was not."""
    gone = {"restore": None, "restored": None, "after": None, "measured": None}
    found = check_records(measured(**gone, backup=None, in_store=None, failed_at="backup", reason="no"))
    assert {name: record.status for name, record in found.items()} == {
        "AC2-backup": "failed",
        "AC2-snapshot": "blocked",
        "AC2-metrics": "blocked",
        "AC3-restore": "blocked",
        "AC3-integrity": "blocked",
        "AC3-metrics": "blocked",
        "AC3-removed": "passed",
    }
    found = check_records(measured(**gone, failed_at="restore", reason="no"))
    blocked = {name for name, record in found.items() if record.status == "blocked"}
    assert blocked == {"AC2-metrics", "AC3-integrity", "AC3-metrics"}


def test_a_check_that_did_not_run_names_all_of_its_criteria():
    blocked = check.not_run("blocked", "there is no Secret")
    assert [each.id for each in blocked] == [each.id for each in check.records(REQUEST, measured())]
    assert [each.detail for each in blocked][:2] == ["there is no Secret", "nothing was backed up"]


def test_a_secret_without_a_repository_is_said():
    with pytest.raises(ClusterError, match="Secret n/s lacks RESTIC_REPOSITORY"):
        the_check({}, lambda *asked: answer(404))


# --- what checks leave


def the_check(values: dict[str, str], handler: Any) -> check.VolSyncCheck:
    api = Api(ScriptedConnection(handler), Deadline(5))
    return check.VolSyncCheck(api, REQUEST, values, metrics=lambda: "", progress=lambda text: None)


class Namespaces:
    """An API server with the namespaces of checks; whoever makes one gets the answer `made`, or none.

    One that is deleted is still there for so many looks.
    """

    def __init__(self, *there: dict[str, Any], made: Any = None, looks: int = 0) -> None:
        self.there, self.made, self.deleted = {each["metadata"]["name"]: each for each in there}, made, []
        self.looks = looks

    def __call__(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        name = path.partition("/api/v1/namespaces")[2].strip("/")
        if method == "DELETE":
            self.deleted.append((name, body["preconditions"]["uid"]))
            if self.looks:
                self.there[name]["metadata"]["deletionTimestamp"] = "2026-11-22T18:00:00Z"
                return answer(200, self.there[name])
            del self.there[name]
        elif method == "POST":
            self.there[body["metadata"]["name"]] = namespace(body["metadata"]["name"], hours=0)
            return self.made
        elif name and name not in self.there:
            return answer(404)
        elif name and "deletionTimestamp" in self.there[name]["metadata"]:
            self.looks -= 1
            if self.looks < 0:
                del self.there[name]
                return answer(404)
        return answer(200, self.there[name] if method == "GET" and name else {"items": list(self.there.values())})


def namespace(name: str, hours: float, **metadata: Any) -> dict[str, Any]:
    made = datetime.now(UTC) - timedelta(hours=hours)
    return {"metadata": {"name": name, "uid": f"uid-{name}", "creationTimestamp": made.isoformat(), **metadata}}


@pytest.fixture
def repositories(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of repositories that were deleted."""
    deleted: list[str] = []

    class Bucket:
        def __init__(self, values: Any, where: str, address: str, **options: Any) -> None:
            self.address = address

        def delete(self) -> int:
            deleted.append(self.address)
            return 2 if "stuck" in self.address else 0

    monkeypatch.setattr(check, "Repository", Bucket)
    return deleted


STORE = {"RESTIC_REPOSITORY": "s3:http://s3/bucket/check"}


def test_what_killed_runs_left_is_taken_away_and_what_remains_is_told(repositories):
    server = Namespaces(
        namespace("volsync-check-1", 4),
        namespace("volsync-check-stuck", 4),
        namespace("volsync-check-running", 1),
        namespace("volsync-check-going", 4, deletionTimestamp="2026-11-21T06:59:30Z"),
        namespace("of-somebody-else", 4),
    )
    remains = the_check(STORE, server)._sweep()
    assert server.deleted == [(name, f"uid-{name}") for name in ("volsync-check-1", "volsync-check-stuck")]
    assert repositories == [f"{STORE['RESTIC_REPOSITORY']}/{name}" for name, __ in server.deleted]
    assert remains == ["2 objects of the repository s3:http://s3/bucket/check/volsync-check-stuck"]
    found = check.Found(old=remains)
    the_check(STORE, server)._take_away(found, seconds=5)
    assert found.remains == remains[0]


def test_a_repository_is_emptied_at_once_and_again_when_nothing_can_write_to_it(repositories, monkeypatch):
    """This process may be killed while it waits, and a mover goes on until its namespace is gone."""
    server = Namespaces(namespace("volsync-check-1", 0), looks=3)
    run = the_check(STORE, server)
    run._made, run.name = server.there["volsync-check-1"], "volsync-check-1"
    delete, there = check.Repository.delete, []

    def seen(bucket: Any) -> int:
        there.append(sorted(server.there))
        return delete(bucket)

    monkeypatch.setattr(check.Repository, "delete", seen)
    found = check.Found()
    run._take_away(found, seconds=5)
    assert (there, found.remains) == ([["volsync-check-1"], []], "")
    assert [name for name, __ in server.deleted] == ["volsync-check-1"]


def test_a_namespace_that_stays_is_told(repositories):
    server = Namespaces(namespace("volsync-check-1", 0), looks=1000)
    run = the_check(STORE, server)
    run._made, run.name = server.there["volsync-check-1"], "volsync-check-1"
    found, began = check.Found(), time.monotonic()
    run._take_away(found, seconds=0.3)
    assert time.monotonic() - began < 30, "not the seconds that it would have waited"
    assert found.remains.startswith("namespace volsync-check-1 is still being deleted")
    assert repositories == [f"{STORE['RESTIC_REPOSITORY']}/volsync-check-1"] * 2


def test_a_namespace_that_may_not_be_deleted_is_told_at_once(repositories):
    there = namespace("volsync-check-1", 0)

    def refuse(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if method == "DELETE":
            return status(403, "namespaces is forbidden: User x cannot delete it", "Forbidden")
        return answer(200, there)

    run = the_check(STORE, refuse)
    run._made, run.name = there, "volsync-check-1"
    found, began = check.Found(), time.monotonic()
    run._take_away(found, seconds=60)
    assert time.monotonic() - began < 30, "not the seconds that it would have waited"
    assert "namespace volsync-check-1 (" in found.remains
    assert "cannot delete it" in found.remains


def test_what_movers_of_killed_runs_wrote_meanwhile_goes_at_the_end(repositories):
    server = Namespaces(namespace("volsync-check-1", 4))
    run = the_check(STORE, server)
    found = check.Found(old=run._sweep())
    run._take_away(found, seconds=5)
    assert repositories == [f"{STORE['RESTIC_REPOSITORY']}/volsync-check-1"] * 2
    assert found.remains == ""


def test_a_namespace_whose_making_was_not_answered_is_taken_away(repositories):
    server = Namespaces(made=status(409, "already exists", "AlreadyExists"))
    run = the_check(STORE, server)
    found = run.run()
    assert [name for name, __ in server.deleted] == [run.name]
    assert (found.remains, found.failed_at) == ("", "prepare")


def test_where_no_namespace_may_be_made_nothing_remains(repositories):
    def refuse(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        return status(403, "namespaces is forbidden: User x cannot do it", "Forbidden")

    found = the_check(STORE, refuse).run()
    assert (found.remains, repositories) == ("", [])
    assert "cannot do it" in found.reason


def test_checksums_are_read_from_the_pods_log():
    log = f"noise\n{'a' * 64}  ./folder/a file\n{'b' * 64}  ./large\ndone\n"
    assert check.checksums(log) == {"./folder/a file": "a" * 64, "./large": "b" * 64}
