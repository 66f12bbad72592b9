# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the objects of both backup APIs say, what lies in the store, and the evidence: good, and each way it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import cnpg_objects as objects
import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import cnpg_backups, cnpg_bucket, cnpg_evidence
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_cluster import (
    BlockedError,
    Database,
    backup_store,
    read_secret,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.object_store import StoredObject
from failing import fails
from scripted_api import answer, status

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BASE = "postgresql/synergyflow-db/base/20261121T020003/"
WAL = "postgresql/synergyflow-db/wals/0000000100000000/000000010000000000000004.gz"


def database(**parts: Any) -> Database:
    found = {
        "cluster": objects.cluster(),
        "backups": [objects.backup(f"{objects.NAME}-daily-20261121020000")],
        "schedules": [objects.scheduled()],
    }
    return Database(objects.NAME, objects.NAMESPACE, "https://x", **{**found, **parts})


def plugin(**parts: Any) -> Database:
    return database(
        **{"cluster": objects.with_plugin(objects.cluster()), "object_store": objects.object_store(), **parts}
    )


def stored(*names: str, size: int = 10) -> list[StoredObject]:
    return [StoredObject(name, size, NOW - timedelta(minutes=number)) for number, name in enumerate(names)]


def test_where_backups_go_with_each_api():
    in_tree, by_plugin = database().store(), plugin().store()
    assert in_tree is not None
    assert by_plugin is not None
    assert (in_tree.method, by_plugin.method) == ("in_tree", "plugin")
    for store in (in_tree, by_plugin):
        assert store.server == "synergyflow-db"
        assert store.bucket == "synergyflow-backups"
        assert store.prefix("base", "x") == "postgresql/synergyflow-db/base/x/"
        assert store.keys["accessKeyId"] == {"name": "synergyflow-db-s3", "key": "access_key_id"}
    assert by_plugin.object_store == "synergyflow-db"


def test_a_server_name_of_its_own_wins():
    cluster, parameters = objects.cluster()["spec"], {"barmanObjectName": "s", "serverName": "other"}
    cluster["backup"]["barmanObjectStore"]["serverName"] = "third"
    assert backup_store("x", cluster, None).server == "third"
    cluster["plugins"] = [{"name": "p", "isWALArchiver": True, "parameters": parameters}]
    assert backup_store("x", cluster, objects.object_store()).server == "other"
    assert backup_store("x", {}, None) is None
    cluster["plugins"][0]["enabled"] = False
    assert backup_store("x", cluster, None).method == "in_tree"


def test_a_backup_on_demand_is_named_by_its_time_in_utc():
    moment = datetime(2026, 11, 21, 15, 30, 5, tzinfo=UTC).astimezone()
    manifest = cnpg_backups.backup_manifest(database(), database().store(), moment)
    assert manifest["metadata"]["name"] == "synergyflow-db-manual-20261121-153005"
    assert manifest["spec"] == {"cluster": {"name": "synergyflow-db"}, "method": "barmanObjectStore"}
    by_plugin = cnpg_backups.backup_manifest(plugin(), plugin().store(), moment, "primary")
    assert by_plugin["spec"]["pluginConfiguration"] == {"name": "barman-cloud.cloudnative-pg.io"}
    assert by_plugin["spec"]["target"] == "primary"


def test_the_window_of_each_api():
    in_tree = cnpg_backups.window(database(), database().store())
    by_plugin = cnpg_backups.window(plugin(), plugin().store())
    assert in_tree.first_recoverability_point == datetime(2026, 11, 1, 2, 0, 5, tzinfo=UTC)
    assert by_plugin.first_recoverability_point == datetime(2026, 11, 2, 2, 0, 5, tzinfo=UTC)
    for found in (in_tree, by_plugin):
        assert found.age(NOW) == pytest.approx(10, abs=0.01)
        assert found.last_good["metadata"]["name"].startswith("synergyflow-db-daily")
    assert by_plugin.last_failed == datetime(2026, 11, 10, 2, 0, 1, tzinfo=UTC)


def test_the_clusters_status_says_nothing_of_a_plugins_backups():
    found = plugin(object_store=None, backups=[])
    assert cnpg_backups.window(found, found.store()) == cnpg_backups.Window()


def test_a_good_backup_is_complete_in_the_store():
    store, good = database().store(), database().backups[0]
    base = stored(f"{BASE}backup.info", f"{BASE}data.tar.gz")
    assert cnpg_backups.missing_objects(store, good, base, stored(WAL)) == ([], [])


@pytest.mark.parametrize(
    ("base", "wal", "word"),
    [
        ([f"{BASE}data.tar.gz"], [WAL], "backup.info"),
        ([f"{BASE}backup.info"], [WAL], "data.tar*"),
        ([f"{BASE}backup.info", f"{BASE}data.tarantula"], [WAL], "data.tar*"),
        ([f"{BASE}backup.info", f"{BASE}data.tar"], [], "000000010000000000000004"),
    ],
)
def test_what_is_gone_from_the_store_is_named(base, wal, word):
    missing = cnpg_backups.missing_objects(database().store(), database().backups[0], stored(*base), stored(*wal))[0]
    assert len(missing) == 1
    assert word in missing[0]


def test_an_empty_object_is_none():
    base = stored(f"{BASE}backup.info", f"{BASE}data.tar.gz", size=0)
    assert len(cnpg_backups.missing_objects(database().store(), database().backups[0], base, stored(WAL))[0]) == 2


def test_a_segment_that_is_not_archived_yet_is_not_lost():
    """As seen: a backup from a replica is completed before the primary has closed its last segment."""
    store, base = database().store(), stored(f"{BASE}backup.info", f"{BASE}data.tar.gz")
    status = {"beginWal": "000000010000000000000002", "endWal": "000000010000000000000004"}
    good = objects.backup("x", **status)
    folder = WAL.rpartition("/")[0]
    wal = stored(f"{folder}/000000010000000000000002.gz", f"{folder}/000000010000000000000003.gz")
    assert cnpg_backups.missing_objects(store, good, base, wal) == ([], ["000000010000000000000004"])
    missing, to_come = cnpg_backups.missing_objects(store, good, base, wal[1:])
    assert (len(missing), to_come) == (1, ["000000010000000000000004"]), "what was before the last one is lost"


def test_a_backup_is_judged_when_its_last_segment_can_be_there():
    found = database()
    window, store = cnpg_backups.window(found, found.store()), found.store()
    end = datetime(2026, 11, 21, 2, 0, 9, tzinfo=UTC)
    look = cnpg_bucket.Look(to_come=["000000010000000000000004"], size=10)
    soon, late = (
        cnpg_evidence.stored(window, look, store, "", end + timedelta(minutes=minutes)) for minutes in (4, 20)
    )
    assert (soon.status, late.status) == ("blocked", "failed")
    assert "needs segment 000000010000000000000004, which is not archived 4 min after its end" in soon.detail


def test_the_log_between_two_segments():
    between = cnpg_backups.wal_between
    assert between("0000000100000000000000FE", "0000000100000000000000FF") == [
        "0000000100000000000000FE",
        "0000000100000000000000FF",
    ]
    assert between("000000010000000000000004", "000000010000000000000004") == ["000000010000000000000004"]
    assert len(between("000000010000000000000004", "000000010000000000000009")) == 6
    assert between("0000000100000000000000FF", "000000010000000100000001") == [
        "0000000100000000000000FF",
        "000000010000000100000001",
    ]
    assert between("", "x") == []


def test_the_segment_archived_last_is_neither_history_nor_label():
    newest = stored(f"{WAL}", "wals/00000002.history", "x/000000010000000000000004.00000028.backup.gz")[0]
    others = stored("wals/0/000000010000000000000003.gz", "wals/00000002.history")
    assert cnpg_backups.last_wal([*others, newest]).key in (WAL, others[0].key)
    assert cnpg_backups.last_wal(stored("wals/00000002.history")) is None


def test_the_first_good_backup_counts_before_the_operator_has_written_it_down():
    found = database(cluster=objects.cluster(firstRecoverabilityPoint=None, lastSuccessfulBackup=None))
    window = cnpg_backups.window(found, found.store())
    assert window.first_recoverability_point == window.last_successful == datetime(2026, 11, 21, 2, 0, 9, tzinfo=UTC)


def test_backups_are_listed_newest_first():
    old = objects.backup("a", startedAt="2026-11-20T02:00:03Z", stoppedAt="2026-11-20T02:00:13Z")
    new = objects.backup("b", phase="failed", error="no space")
    new["metadata"]["creationTimestamp"] = "2026-11-21T03:00:00Z"
    listed = cnpg_backups.rows([old, new])
    assert [row["name"] for row in listed] == ["b", "a"]
    assert listed[0]["error"] == "no space"
    assert listed[1]["seconds"] == 10


# -- evidence


def test_archiving_says_what_the_operator_says():
    good = cnpg_evidence.archiving(database(), stored(WAL)[0], looked=True)
    assert (good.status, good.observed) == ("passed", "archiving")
    assert "000000010000000000000004" in good.detail
    words = objects.condition("ContinuousArchiving", "False", reason="ContinuousArchivingFailing", message="403")
    bad = cnpg_evidence.archiving(database(cluster=objects.cluster(conditions=[words])), None, looked=False)
    fails([bad], "DB-archiving", "failing instead of archiving: ContinuousArchivingFailing: 403")
    silent = database(cluster=objects.cluster(conditions=[]))
    assert cnpg_evidence.archiving(silent, None, looked=True).status == "blocked"


def test_an_archive_without_log_fails_whatever_the_operator_says():
    empty = cnpg_evidence.archiving(database(), None, looked=True)
    fails([empty], "DB-archiving", "nothing in the store instead of archiving")
    assert cnpg_evidence.archiving(database(), None, looked=False).status == "passed"


def test_an_old_backup_fails_and_so_does_none():
    found = database()
    window = cnpg_backups.window(found, found.store())
    assert cnpg_evidence.recent(found, window, 26, NOW).status == "passed"
    fails([cnpg_evidence.recent(found, window, 9, NOW)], "DB-backup", "10.0 instead of <= 9")
    failed = objects.backup("x", phase="failed", error="access denied")
    none = database(cluster=objects.cluster(lastSuccessfulBackup=""), backups=[failed])
    record = cnpg_evidence.recent(none, cnpg_backups.window(none, none.store()), 26, NOW)
    fails([record], "DB-backup", "none instead of <= 26: there is no good base backup; x failed")


def test_a_failure_after_the_last_good_one_is_told():
    cluster = objects.cluster(lastFailedBackup="2026-11-21T03:00:00Z")
    failed = objects.backup("x", phase="failed", error="access denied")
    found = database(cluster=cluster, backups=[*database().backups, failed])
    record = cnpg_evidence.recent(found, cnpg_backups.window(found, found.store()), 26, NOW)
    assert record.status == "passed"
    assert "access denied" in record.detail


def test_recoverable_needs_a_moment_in_the_past_and_a_good_backup():
    window, yesterday = cnpg_backups.Window, NOW - timedelta(days=1)
    assert cnpg_evidence.recoverable(window(yesterday, yesterday), NOW).status == "passed"
    for found, words in (
        (window(NOW + timedelta(days=1), yesterday), "2026-11-22T12:00:00+00:00 instead of a moment in the past"),
        (window(yesterday), "there is no good base backup"),
        (window(), "there is no good base backup"),
    ):
        fails([cnpg_evidence.recoverable(found, NOW)], "DB-recoverable", words)


def test_the_operators_word_on_a_failed_backup_is_not_believed():
    """As seen: a base backup that could not be uploaded, and the Cluster's status calls it the last successful one."""
    failed = objects.backup(
        "x", phase="failed", error="exit status 1", reconciliationTerminatedAt="2026-11-21T07:33:39Z"
    )
    failed["metadata"]["creationTimestamp"] = "2026-11-21T07:32:22Z"
    told = dict.fromkeys(("firstRecoverabilityPoint", "lastSuccessfulBackup"), "2026-11-21T07:33:30Z")
    found = database(cluster=objects.cluster(**told, lastFailedBackup="2026-11-21T07:33:39Z"), backups=[failed])
    window = cnpg_backups.window(found, found.store())
    assert (window.first_recoverability_point, window.last_successful) == (None, None)
    assert cnpg_evidence.recoverable(window, NOW).status == "failed"
    assert cnpg_evidence.recent(found, window, 26, NOW).status == "failed"


@pytest.mark.parametrize(
    ("schedules", "result", "words"),
    [
        ([objects.scheduled()], "passed", ""),
        ([], "failed", "there is no ScheduledBackup"),
        ([objects.scheduled(error="nonsense")], "failed", "nonsense"),
        ([objects.scheduled(nextScheduleTime="2026-11-21T11:00:00Z")], "failed", "overdue by 60 min"),
        ([objects.scheduled(nextScheduleTime=None)], "passed", "from the first run on"),
        ([objects.scheduled(nextScheduleTime=None, lastCheckTime=None)], "blocked", "not taken up"),
    ],
)
def test_the_next_backup_is_planned(schedules, result, words):
    record = cnpg_evidence.planned(database(schedules=schedules), NOW)
    assert record.status == result
    assert words in record.detail


def test_a_schedule_of_five_fields_or_a_suspended_one_fails():
    five, suspended = objects.scheduled(), objects.scheduled()
    five["spec"]["schedule"] = "0 2 * * *"
    suspended["spec"]["suspend"] = True
    fails([cnpg_evidence.planned(database(schedules=[five]), NOW)], "DB-schedule", "five fields")
    fails([cnpg_evidence.planned(database(schedules=[suspended]), NOW)], "DB-schedule", "is suspended")


def test_what_the_store_has_is_evidence():
    found = database()
    window, store = cnpg_backups.window(found, found.store()), found.store()
    good = cnpg_evidence.stored(window, cnpg_bucket.Look(size=10), store, "", NOW)
    bad = cnpg_evidence.stored(window, cnpg_bucket.Look(["x/data.tar*"]), store, "", NOW)
    unknown = cnpg_evidence.stored(window, None, store, "refused", NOW)
    assert [record.status for record in (good, bad, unknown)] == ["passed", "failed", "blocked"]
    fails([bad], "DB-backup-stored", "incomplete instead of complete: ")
    fails([bad], "DB-backup-stored", "has no x/data.tar*")


# -- a moment to recover to


@pytest.mark.parametrize("text", ["2026-11-21T11:00:00", "yesterday", "2026-13-01T00:00:00Z"])
def test_a_moment_without_doubt_is_asked_for(text):
    with pytest.raises(ClusterError, match=r"target_time"):
        cnpg_backups.target_moment(text)


def test_a_moment_must_lie_in_the_window():
    window = cnpg_backups.Window(NOW - timedelta(days=2), NOW - timedelta(hours=1))
    assert cnpg_backups.target_problem(NOW - timedelta(days=1), window, NOW) is None
    assert "future" in (cnpg_backups.target_problem(NOW + timedelta(seconds=1), window, NOW) or "")
    assert "before" in (cnpg_backups.target_problem(NOW - timedelta(days=3), window, NOW) or "")
    assert "no good base backup" in (cnpg_backups.target_problem(NOW, cnpg_backups.Window(), NOW) or "")


# -- secrets


def test_a_secret_is_masked_as_soon_as_it_is_read(scripted):
    api = scripted(lambda *request: answer(200, {"data": {"password": "aHVzaGh1c2g=", "username": "YXBw"}}))
    assert read_secret(api, "ns", "x", "username", "password") == {"username": "app", "password": "hushhush"}
    assert "hushhush" not in api.masker.text("the password is hushhush")
    with pytest.raises(BlockedError, match="has no access_key_id"):
        read_secret(api, "ns", "x", "access_key_id")


@pytest.mark.parametrize(("code", "words"), [(404, "there is no Secret x"), (403, "may not be read")])
def test_a_secret_that_cannot_be_read_says_so(scripted, code, words):
    api = scripted(lambda *request: status(code, "secrets x cannot get", "Forbidden"))
    with pytest.raises(BlockedError, match=words):
        read_secret(api, "ns", "x", "password")


def test_a_store_without_keys_or_bucket_is_not_looked_into(scripted):
    api = scripted(lambda *request: answer(404))
    for configuration in ({"destinationPath": "https://azure/x"}, {"destinationPath": "s3://x/", "s3Credentials": {}}):
        store = backup_store("x", {"backup": {"barmanObjectStore": configuration}}, None)
        with pytest.raises(BlockedError), cnpg_bucket.opened(api, store, "ns"):
            pass
