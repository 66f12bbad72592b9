# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of a database's own answers: as it should be, and each thing that is not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import cnpg_database as check
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_postgres import Answers, Login, refusal
from failing import fails

ROLE = {
    "name": "synergyflow",
    "can_login": True,
    "superuser": False,
    "creates_roles": False,
    "replicates": False,
    "bypasses_row_security": False,
}
EXPECTED = check.Expected("synergyflow", ["uuid-ossp", "pg_trgm"], ["flowable"], replicas=2)
THEN, NOW = datetime(2026, 11, 21, 11, tzinfo=UTC), datetime(2026, 11, 21, 12, tzinfo=UTC)


def replica(number: int, **more: Any) -> dict[str, Any]:
    return {
        "name": f"db-{number}",
        "state": "streaming",
        "sync_state": "async",
        "lag_seconds": 0.1,
        "lag_bytes": 0,
    } | more


def answers(**parts: Any) -> Answers:
    found: dict[str, Any] = {
        "database": {"name": "synergyflow", "owner": "synergyflow", "in_recovery": False, "version": "16.15"},
        "extensions": [{"name": name, "version": "1.1"} for name in ("pg_trgm", "plpgsql", "uuid-ossp")],
        "schemas": [{"name": "flowable", "owner": "synergyflow"}, {"name": "public", "owner": "pg_database_owner"}],
        "roles": [dict(ROLE)],
        "replicas": [replica(2), replica(3, lag_seconds=None)],
        "archiver": {
            "archived_count": 7,
            "last_archived_wal": "000000010000000000000007",
            "last_archived_time": NOW,
            "failed_count": 1,
            "last_failed_wal": "000000010000000000000001",
            "last_failed_time": THEN,
            "mode": "on",
        },
    }
    return Answers(**{**found, **parts})


def measured(found: Answers, expected: check.Expected = EXPECTED, tried: check.Tried | None = None) -> dict[str, Any]:
    return {each.id: each for each in check.records(expected, found, tried or check.Tried("", ""))}


def not_met(found: Answers, **more: Any) -> dict[str, str]:
    return {each.id: each.detail for each in measured(found, **more).values() if each.status == "failed"}


def test_a_good_database_meets_every_criterion():
    records = measured(answers())
    assert {each.status for each in records.values()} == {"passed"}, records
    assert "uuid-ossp 1.1" in records["DB-extensions"].detail
    assert records["DB-lag"].observed == 0.1


@pytest.mark.parametrize(
    ("parts", "which", "words"),
    [
        ({"extensions": [{"name": "uuid-ossp", "version": "1.1"}]}, "DB-extensions", "missing: pg_trgm"),
        ({"schemas": []}, "DB-schemas", "missing: flowable"),
        ({"schemas": [{"name": "flowable", "owner": "postgres"}]}, "DB-schemas", "belongs to postgres"),
        ({"roles": []}, "DB-roles", "there is no role synergyflow"),
        ({"roles": [ROLE | {"can_login": False}]}, "DB-roles", "may not log in"),
        ({"roles": [ROLE | {"superuser": True}]}, "DB-roles", "is a superuser"),
        ({"replicas": [replica(2)]}, "DB-replicas", "db-2"),
        ({"replicas": [replica(2), replica(3, state="catchup")]}, "DB-replicas", "db-3 is in state catchup"),
        ({"replicas": [replica(2), replica(3, lag_seconds=31.5)]}, "DB-lag", "db-3 is 31.50 s behind"),
        (
            {"archiver": answers().archiver | {"last_failed_time": NOW, "last_archived_time": THEN}},
            "DB-archiver",
            "fail",
        ),
        ({"archiver": answers().archiver | {"mode": "off"}}, "DB-archiver", "archive_mode"),
    ],
)
def test_each_criterion_can_fail(parts, which, words):
    assert set(not_met(answers(**parts))) == {which}
    fails(measured(answers(**parts)), which, words)


def test_a_database_of_another_owner():
    found = answers(database=answers().database | {"owner": "postgres"})
    assert not_met(found) == {"DB-roles": "the database belongs to postgres"}


def test_a_write_that_is_refused_fails():
    for identity, tried, words in (
        ("DB-primary", check.Tried("read-only transaction", ""), "read-only transaction"),
        ("DB-pooler", check.Tried("", "no server"), "no server"),
    ):
        assert set(not_met(answers(), tried=tried)) == {identity}
        fails(measured(answers(), tried=tried), identity, words)
    skipped = measured(answers(), tried=check.Tried(None, None))
    assert {skipped["DB-primary"].status, skipped["DB-pooler"].status} == {"skipped"}


def test_a_replica_behind_the_primarys_service_fails():
    records = measured(answers(database=answers().database | {"in_recovery": True}, replicas=[], archiver={}))
    assert records["DB-primary"].status == "failed"
    assert {records[which].status for which in ("DB-replicas", "DB-lag", "DB-archiver")} == {"blocked"}


def test_what_the_user_may_not_see_is_blocked_and_never_passed():
    hidden = [{"name": None, "state": None, "sync_state": None, "lag_seconds": None, "lag_bytes": None}] * 2
    records = measured(answers(replicas=hidden))
    assert {records[which].status for which in ("DB-replicas", "DB-lag")} == {"blocked"}
    assert "pg_monitor" in records["DB-lag"].detail
    questions = ("extensions", "schemas", "roles", "replicas", "archiver")
    refused = measured(answers(refused=dict.fromkeys(questions, "permission denied")))
    blocked = {each.id for each in refused.values() if each.status == "blocked"}
    assert blocked == {f"DB-{which}" for which in (*questions, "lag")}


def test_nothing_archived_yet_is_not_known():
    none = answers().archiver | {"last_archived_time": None, "last_failed_time": None}
    assert measured(answers(archiver=none))["DB-archiver"].status == "blocked"
    never = measured(answers(), expected=check.Expected("synergyflow", archives=False))
    assert never["DB-archiver"].status == "skipped"


def test_one_instance_has_no_lag():
    records = measured(answers(replicas=[]), expected=check.Expected("synergyflow"))
    assert records["DB-replicas"].status == "passed"
    assert records["DB-lag"].status == "skipped"


def test_a_database_that_nobody_reaches_does_not_pass():
    records = check.unreachable("no ready pod")
    assert [each.status for each in records] == ["failed"] + ["blocked"] * 7
    assert records[0].detail == "no ready pod"


@pytest.mark.parametrize(
    ("text", "failures", "words"),
    [
        ("connection failed: server closed", ["no ready pod behind Service x"], "no ready pod behind Service x"),
        ('FATAL:  password authentication failed for user "app"', [], "refuses the password of app"),
        ("SSL error: certificate verify failed", [], "does not fit the Cluster's CA"),
        ('FATAL:  database "x" does not exist', [], 'database "x" does not exist'),
    ],
)
def test_why_there_is_no_connection(text, failures, words):
    assert words in refusal(text, failures, "x-rw.ns.svc", Login("x", "app", "hush", "PEM"))


def test_a_login_shows_neither_password_nor_certificate():
    assert "hush" not in repr(Login("x", "app", "hush", "PEM"))
