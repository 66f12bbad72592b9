# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks make on the brokers is told by its name, and nothing else is ever deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_own import (
    LEFT_BEHIND_AFTER,
    PREFIX,
    delete_groups,
    delete_topics,
    new_name,
    removed_record,
    stale,
    sweep,
)
from kafka import errors

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OLD = NOW - timedelta(minutes=LEFT_BEHIND_AFTER + 1)


class Admin:
    """Answers as kafka-python's admin client."""

    def __init__(self, topics: list[str] = [], groups: list[str] = [], **answers: Any) -> None:  # noqa: B006
        self.topics, self.groups, self.answers = topics, groups, answers
        self.deleted: list[str] = []

    def list_topics(self) -> list[str]:
        return self.topics

    def list_groups(self) -> list[dict[str, str]]:
        return [{"group_id": name} for name in self.groups]

    def delete_topics(self, names: list[str], raise_errors: bool) -> dict[str, Any]:
        assert not raise_errors
        self.deleted += names
        return {"topics": [{"name": name, "error_code": self.answers.get(name, 0)} for name in names]}

    def delete_groups(self, names: list[str]) -> dict[str, str]:
        self.deleted += names
        return {name: self.answers.get(name, "OK") for name in names}


def test_only_old_names_of_ours_are_stale() -> None:
    old, young = new_name("round-trip", OLD), new_name("failover", NOW - timedelta(minutes=1))
    others = ["incident-events", "platform-check-notes", f"{PREFIX}x-20260101", f"{PREFIX}x-99999999999999-abcd", "_s"]
    assert stale([old, young, *others], NOW) == [old]


def test_what_a_killed_run_left_goes_and_nothing_else() -> None:
    topic, group, running = new_name("a", OLD), new_name("b", OLD), new_name("c", NOW)
    admin = Admin(["user-events", topic, running], ["synergyflow", group])
    assert sweep(admin, NOW) == []
    assert sorted(admin.deleted) == sorted([topic, group])


def test_gone_already_is_fine_and_refused_remains() -> None:
    gone, denied = errors.UnknownTopicOrPartitionError.errno, errors.TopicAuthorizationFailedError.errno
    assert delete_topics(Admin(a=gone), ["a"]) == []
    assert delete_topics(Admin(b=denied), ["b"]) == ["topic b: TopicAuthorizationFailedError"]
    assert delete_groups(Admin(c="GroupIdNotFoundError"), ["c"]) == []
    assert delete_groups(Admin(d="GroupAuthorizationFailedError"), ["d"], patience=30) == [
        "group d: GroupAuthorizationFailedError"
    ]


def test_a_group_with_a_member_that_just_left_is_asked_again() -> None:
    admin = Admin(e="NonEmptyGroupError")
    assert delete_groups(admin, ["e"], patience=0.2) == ["group e: NonEmptyGroupError"]
    assert len(admin.deleted) > 1


def test_what_remains_fails() -> None:
    assert removed_record("x", "t", "", []).status == "passed"
    left = removed_record("x", "t", "topic a: Refused", ["process-node"])
    assert (left.status, left.detail, left.stand_in) == ("failed", "remains: topic a: Refused", ["process-node"])
