# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC6's criteria, each failing for its own reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_messages import Message
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_round_trip import (
    TITLES,
    Found,
    Request,
    not_run,
    records,
)
from failing import fails

REQUEST = Request(messages=6, partitions=3, replicas=3, timeout=10)
MESSAGES = [Message(number, b"k%d" % (number % 3), number % 3, number // 3) for number in range(6)]
GOOD = Found(
    topic="t",
    replicas=[(3, 3)] * 3,
    sent=6,
    acknowledged=MESSAGES,
    read=MESSAGES,
    ends={0: 2, 1: 2, 2: 2},
    committed={0: 2, 1: 2, 2: 2},
)


def status(found: Found) -> dict[str, str]:
    return {record.id: record.status for record in records(REQUEST, found, [])}


def test_all_is_well() -> None:
    assert status(GOOD) == dict.fromkeys(TITLES, "passed")


@pytest.mark.parametrize(
    ("change", "failed", "words"),
    [
        ({"replicas": [(3, 3), (3, 2), (3, 3)]}, "AC6-topic", "3 replicas, 2 in sync"),
        ({"replicas": []}, "AC6-topic", "no partition was seen"),
        ({"refused": ["5: KafkaTimeoutError"], "acknowledged": MESSAGES[:5]}, "AC6-produced", "5: KafkaTimeoutError"),
        ({"read": MESSAGES[:4]}, "AC6-consumed", "lost: 4, 5"),
        ({"read": [*MESSAGES, MESSAGES[2]]}, "AC6-duplicates", "2"),
        ({"read": [MESSAGES[3], *MESSAGES[:3], *MESSAGES[4:]]}, "AC6-order", "partition 0: 0 after 3"),
        ({"committed": {0: 2, 1: 1}}, "AC6-offsets", "partition 1: 1 instead of 2; partition 2: nothing instead of 2"),
        ({"remains": "topic t: Refused"}, "AC6-removed", "remains: topic t"),
    ],
)
def test_each_fails_for_its_own_reason(change: dict[str, Any], failed: str, words: str) -> None:
    found = {record.id: record for record in records(REQUEST, replace(GOOD, **change), [])}
    fails(found, failed, words)
    bad = {identity for identity, record in found.items() if record.status != "passed"}
    # a message that was refused and yet stored is nobody's: it was never acknowledged
    assert bad - ({"AC6-consumed"} if failed == "AC6-produced" else set()) == {failed}


def test_nothing_read_is_lost_and_says_nothing_of_the_order() -> None:
    found = status(replace(GOOD, read=[], committed={}))
    assert found["AC6-consumed"] == "failed"
    assert {found[name] for name in ("AC6-order", "AC6-duplicates", "AC6-offsets")} == {"blocked"}


def test_nothing_acknowledged_leaves_nothing_to_look_at() -> None:
    found = status(replace(GOOD, acknowledged=[], read=[], refused=["0: X"], committed={}))
    assert found["AC6-produced"] == "failed"
    assert found["AC6-consumed"] == "blocked"


@pytest.mark.parametrize(
    ("at", "failed", "blocked"),
    [("AC6-produced", 1, 4), ("AC6-consumed", 2, 3), ("AC6-offsets", 5, 0)],
)
def test_where_kafka_breaks_off_is_the_failure(at: str, failed: int, blocked: int) -> None:
    found = list(records(REQUEST, replace(GOOD, at=at, broken="no broker answers"), []))
    assert [record.status for record in found] == [
        *["passed"] * failed, "failed", *["blocked"] * blocked, "passed",
    ]  # fmt: skip
    assert (found[failed].id, found[failed].detail) == (at, "no broker answers")


def test_not_run_says_why_once() -> None:
    blocked = not_run("blocked", "no broker", ["process-node"])
    assert [record.id for record in blocked] == list(TITLES)
    assert {record.status for record in blocked} == {"blocked"}
    assert blocked[0].detail == "no broker"
    assert {record.detail for record in blocked[1:]} == {"there was no round trip"}
    assert {record.detail for record in not_run("skipped", "check mode", [])} == {"check mode"}
