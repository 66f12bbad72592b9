# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics and groups of a check's own: made under a name that tells when, taken away whatever happens.

What a killed run left is taken away by the next one: the name says how old it is, so nothing has to be remembered.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from . import kafka_brokers
from .evidence.records import BLOCKED, FAILED, Record, judged, unmeasured
from .kafka_brokers import PERMISSION, BrokersError, KafkaLogin

#: topics and groups of the checks, and of nobody else; the ACLs of the checks' user name it
PREFIX = "platform-check-"
NAME = re.compile(rf"{PREFIX}[a-z0-9-]+-(\d{{14}})-[0-9a-f]{{4}}")
#: after this many minutes nothing of a check is a running check's
LEFT_BEHIND_AFTER = 30.0
#: seconds for taking away
TIDY_UP = 20.0
#: what the checks' user must be allowed, in words
RIGHTS = (
    f"the ACL operations Create, Delete, Describe, Read and Write on topics with the prefix {PREFIX}, and Delete,"
    f" Describe and Read on groups with that prefix, as the default of kafka_cluster_users does"
)


def new_name(what: str, now: datetime | None = None) -> str:
    """A name that nobody else has, with the time in it."""
    return f"{PREFIX}{what}-{now or datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(2)}"


def stale(names: Iterable[str], now: datetime) -> list[str]:
    """Of these names those that a run left which is long over."""
    found = []
    for name in names:
        match = NAME.fullmatch(name)
        if not match:
            continue
        try:
            made = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:  # fourteen digits, and no time: not ours
            continue
        if (now - made).total_seconds() > LEFT_BEHIND_AFTER * 60:
            found.append(name)
    return found


@dataclass
class Own:
    """What a check makes on the brokers."""

    login: KafkaLogin
    topics: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    #: a topic of it is surely there
    made: bool = False
    #: why something could not be taken away; empty when all is gone
    remains: str = ""

    def topic(self, admin: Any, what: str, partitions: int, replicas: int, **settings: Any) -> str:
        """Make a topic, and wait until it can be written to."""
        name = new_name(what)
        configs = {"message.timestamp.type": "CreateTime"}
        configs |= {key.replace("_", "."): str(value) for key, value in settings.items()}
        self.topics.append(name)  # before it is there: a run that is interrupted now takes it away too
        wanted = {name: {"num_partitions": partitions, "replication_factor": replicas, "configs": configs}}
        admin.create_topics(wanted, wait_for_metadata=True)
        self.made = True
        return name

    def group(self, what: str) -> str:
        """The name of a group; it comes to be by being used."""
        name = new_name(what)
        self.groups.append(name)
        return name

    def take_away(self) -> None:
        """Delete all of it, over a connection of its own. Never raises: what remains is noted."""
        if not self.topics and not self.groups:
            return
        try:
            with kafka_brokers.session(self.login, TIDY_UP) as admin:
                left = [*delete_groups(admin, self.groups), *delete_topics(admin, self.topics)]
            self.remains = "; ".join(left)
        except BrokersError as error:
            self.remains = f"{', '.join([*self.topics, *self.groups])}: {error}"


def begun(own: Own, error: BrokersError) -> bool:
    """Whether Kafka broke off what was begun, and so failed it; for want of a right nothing begins."""
    return bool(own.topics) and (error.kind != PERMISSION or own.made)


def broken_off(made: list[Record], at: str, words: str) -> list[Record]:
    """The criterion at which Kafka broke off the measurement has failed, and those after it were not looked at."""
    where = [record.id for record in made].index(at)
    failed = replace(made[where], status=FAILED, observed=None, detail=words)
    after = [unmeasured(each.id, each.title, BLOCKED, "what comes before it failed") for each in made[where + 1 :]]
    return [*made[:where], failed, *after]


def replicas_of(admin: Any, topic: str, partitions: int, replicas: int, seconds: float = 10.0) -> list[dict[str, Any]]:
    """The partitions of a topic that was just made.

    Not every broker knows it at once: it is asked for until all replicas are in sync, and after a while taken as it is.
    """
    end = time.monotonic() + seconds
    while True:
        found = [each for answer in admin.describe_topics([topic]) for each in answer["partitions"]]
        synced = sum(len(each["isr_nodes"]) == replicas and each["leader_id"] >= 0 for each in found)
        if synced == partitions or time.monotonic() > end:
            return found
        time.sleep(0.2)


def sweep(admin: Any, now: datetime | None = None) -> list[str]:
    """Take away what runs left that were killed; returns what could not be."""
    now = now or datetime.now(UTC)
    topics = stale(admin.list_topics(), now)
    groups = stale((str(group["group_id"]) for group in admin.list_groups()), now)
    return [*delete_groups(admin, groups), *delete_topics(admin, topics)]


def delete_topics(admin: Any, names: list[str]) -> list[str]:
    """Delete topics; those that are gone already are fine. Returns those that remain, and why."""
    if not names:
        return []
    answer = admin.delete_topics(names, raise_errors=False)
    gone = (0, kafka_brokers.kafka_errors.UnknownTopicOrPartitionError.errno)
    return [
        f"topic {topic['name']}: {kafka_brokers.kafka_errors.for_code(topic['error_code']).__name__}"
        for topic in answer["topics"]
        if topic["error_code"] not in gone
    ]


def delete_groups(admin: Any, names: list[str], patience: float = 5.0) -> list[str]:
    """Delete groups; a member that has just left may take a moment to be gone. Returns those that remain, and why."""
    end = time.monotonic() + patience
    remains: list[str] = []
    waiting = list(names)
    while waiting:
        answers = admin.delete_groups(waiting)
        busy = [name for name in waiting if answers.get(name) == "NonEmptyGroupError" and time.monotonic() < end]
        remains += [
            f"group {name}: {answers.get(name)}"
            for name in waiting
            # a group that nobody used never came to be
            if name not in busy and answers.get(name) not in ("OK", "GroupIdNotFoundError")
        ]
        waiting = busy
        time.sleep(0.5 if busy else 0)
    return remains


def removed_record(identity: str, title: str, remains: str, stand_in: list[str]) -> Record:
    """Nothing of the check stays."""
    measured = ("something" if remains else "nothing", "nothing")
    found = judged(identity, title, measured, not remains, detail=remains and f"remains: {remains}")
    found.stand_in = stand_in
    return found
