# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of the topic check: one record per aspect, in the order a reader asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .kafka_topics import (
    CONFIGURATION,
    EXISTENCE,
    IN_SYNC,
    PARTITIONS,
    REPLICAS,
    RESOURCES,
    UNEXPECTED,
    Broker,
    Comparison,
)

PASSED, FAILED, SKIPPED, BLOCKED = "passed", "failed", "skipped", "blocked"
BROKERS = "brokers"
TITLES = {
    BROKERS: ("Kafka brokers in service", "brokers"),
    EXISTENCE: ("Expected topics are on the brokers", "topics"),
    PARTITIONS: ("Topics have the expected partitions", "topics"),
    REPLICAS: ("Topics have the expected replication factor", "topics"),
    CONFIGURATION: ("Topic configuration on the brokers is as expected", "keys"),
    IN_SYNC: ("Partitions are in sync", "partitions"),
    UNEXPECTED: ("Topics that nobody listed", "topics"),
    RESOURCES: ("KafkaTopics are there and Ready", "KafkaTopics"),
}
#: differences that a record's detail names; the table has them all
NAMED = 5


@dataclass
class Look:
    """One look at the brokers, with what is needed to judge it."""

    expected: Mapping[str, Mapping[str, Any]]
    brokers: Mapping[str, Broker]
    comparison: Comparison
    brokers_there: list[int]
    #: None when nobody says how many there should be
    brokers_expected: int | None
    unexpected: str
    #: why the KafkaTopics were not compared; empty when they were
    resources_left_out: str
    #: they were to be compared, and could not be
    resources_unread: bool
    seconds: float
    stand_in: list[str]


def record(
    aspect: str, status: str, measured: tuple[Any, Any], detail: str, look: Look | None = None
) -> dict[str, Any]:
    """One evidence record; `measured` is what was observed and what was expected. Without a look nothing was."""
    observed, expected = measured
    title, unit = TITLES[aspect]
    return {
        "id": f"kafka_topics.{aspect}",
        "title": title,
        "status": status,
        "observed": observed,
        "expected": expected,
        "unit": unit,
        "seconds": round(look.seconds, 3) if look else 0.0,
        "detail": detail,
        "stand_in": look.stand_in if look else [],
    }


def blocked(sentence: str, stand_in: list[str]) -> list[dict[str, Any]]:
    """All records of a check that could not look: the first says why."""
    first = record(BROKERS, FAILED, (None, None), sentence)
    rest = [
        record(aspect, BLOCKED, (None, None), "the brokers could not be asked")
        for aspect in TITLES
        if aspect != BROKERS
    ]
    return [{**each, "stand_in": stand_in} for each in (first, *rest)]


def evidence(look: Look) -> list[dict[str, Any]]:
    """The records of a look at the brokers."""
    rows: dict[str, list[dict[str, Any]]] = {aspect: [] for aspect in TITLES}
    for row in look.comparison.drift:
        rows[row["aspect"]].append(row)
    missing = {row["topic"] for row in rows[EXISTENCE]}
    present = [name for name in look.expected if name not in missing]

    def topics(aspect: str, key: str) -> dict[str, Any]:
        """Of the topics that are there and have an expectation, those that meet it."""
        asked = [name for name in present if look.expected[name].get(key) is not None]
        wrong = {row["topic"] for row in rows[aspect]}
        good = sum(name not in wrong for name in asked)
        if not asked and not wrong:
            return record(aspect, SKIPPED, (None, None), "nothing is expected", look)
        return record(aspect, FAILED if wrong else PASSED, (good, len(asked)), named(rows[aspect]), look)

    return [
        _brokers(look),
        record(
            EXISTENCE,
            FAILED if missing else PASSED,
            (len(present), len(look.expected)),
            named(rows[EXISTENCE]),
            look,
        ),
        topics(PARTITIONS, "partitions"),
        topics(REPLICAS, "replicas"),
        _configuration(look, present, rows[CONFIGURATION]),
        _in_sync(look, rows[IN_SYNC]),
        _unexpected(look),
        _resources(look, rows[RESOURCES]),
    ]


def named(rows: Iterable[Mapping[str, Any]]) -> str:
    """The first differences in words."""
    rows = list(rows)
    words = []
    for row in rows[:NAMED]:
        seen = row["cr"] if row["broker"] is None else row["broker"]
        wanted = row["expected"] if row["expected"] is not None else row["cr"]
        words.append(f"{row['topic']} {row['key']}: {seen} instead of {wanted if wanted is not None else 'nothing'}")
    if len(rows) > NAMED:
        words.append(f"and {len(rows) - NAMED} more")
    return "; ".join(words)


def _brokers(look: Look) -> dict[str, Any]:
    there, wanted = len(look.brokers_there), look.brokers_expected
    enough = there > 0 if wanted is None else there >= wanted
    ids = ", ".join(str(broker) for broker in look.brokers_there) or "none"
    unsaid = "; how many there should be is not known" if wanted is None else ""
    return record(BROKERS, PASSED if enough else FAILED, (there, wanted), f"in service: {ids}{unsaid}", look)


def _configuration(look: Look, present: list[str], rows: list[dict[str, Any]]) -> dict[str, Any]:
    total = sum(len(look.expected[name].get("config") or {}) for name in present)
    if not total and not rows:
        return record(CONFIGURATION, SKIPPED, (None, None), "no key is expected", look)
    unread = {row["topic"] for row in rows if row["key"] == "configuration"}
    wrong = sum(len(look.expected[name]["config"]) for name in unread)
    wrong += sum(row["expected"] is not None and row["topic"] not in unread for row in rows)
    return record(CONFIGURATION, FAILED if rows else PASSED, (total - wrong, total), named(rows), look)


def _in_sync(look: Look, rows: list[dict[str, Any]]) -> dict[str, Any]:
    total = sum(broker.partitions for broker in look.brokers.values())
    wrong = sum(len({*b.under_replicated, *b.under_min_isr, *b.offline}) for b in look.brokers.values())
    detail = named(rows)
    unread = sum(not broker.configured for broker in look.brokers.values())
    if unread:
        detail = "; ".join(filter(None, [detail, f"min.insync.replicas of {unread} topics could not be read"]))
    return record(IN_SYNC, FAILED if rows else PASSED, (total - wrong, total), detail, look)


def _unexpected(look: Look) -> dict[str, Any]:
    if look.unexpected == "ignore":
        return record(UNEXPECTED, SKIPPED, (None, None), "not looked for", look)
    names = look.comparison.unexpected
    detail = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    if names and look.unexpected == "report":
        return record(UNEXPECTED, PASSED, (len(names), None), f"reported only: {detail}", look)
    return record(UNEXPECTED, FAILED if names else PASSED, (len(names), 0), detail, look)


def _resources(look: Look, rows: list[dict[str, Any]]) -> dict[str, Any]:
    if look.resources_left_out:
        status = BLOCKED if look.resources_unread else SKIPPED
        return record(RESOURCES, status, (None, None), look.resources_left_out, look)
    wrong = {row["topic"] for row in rows}
    there = [topic for topic in look.comparison.topics if topic["name"] in look.expected and topic["resource"]]
    good = [topic for topic in there if topic["name"] not in wrong]
    left = [
        f"{topic['name']} is {topic['resource']['state']}" for topic in good if topic["resource"]["state"] != "Ready"
    ]
    detail = "; ".join(filter(None, [named(rows), *left[:NAMED]]))
    complete = len(good) == len(look.expected)
    return record(RESOURCES, PASSED if complete else FAILED, (len(good), len(look.expected)), detail, look)
