# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC6: messages go to the brokers and come back, all of them, once, in order, and the group's offsets say so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from . import kafka_brokers, kafka_clients
from .evidence.records import BLOCKED, Record, judged, unmeasured, unmeasured_all
from .interruption import interruptible
from .kafka_brokers import BrokersError, KafkaLogin
from .kafka_messages import Comparison, Message, compare, named
from .kafka_own import Own, begun, broken_off, removed_record, replicas_of, sweep

TITLES = {
    "AC6-topic": "A topic of the check's own is made, every replica in sync",
    "AC6-produced": "Every message is acknowledged by all replicas in sync",
    "AC6-consumed": "Every acknowledged message is read",
    "AC6-order": "Messages of a partition come in order",
    "AC6-duplicates": "No message comes twice",
    "AC6-offsets": "The group's committed offsets are the ends of the partitions",
    "AC6-removed": "The round trip left nothing behind",
}
#: as many different keys: enough for every partition to have some
KEYS = 50


@dataclass(frozen=True)
class Request:
    """What to make and to send; seconds for all of it."""

    messages: int
    partitions: int
    replicas: int
    timeout: float


@dataclass
class Found:
    """What was measured."""

    topic: str = ""
    #: per partition how many replicas, and how many of them in sync
    replicas: list[tuple[int, int]] = field(default_factory=list)
    sent: int = 0
    refused: list[str] = field(default_factory=list)
    acknowledged: list[Message] = field(default_factory=list)
    read: list[Message] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    committed: dict[int, int] = field(default_factory=dict)
    produce_seconds: float = 0.0
    consume_seconds: float = 0.0
    #: the criterion that is being measured, and why Kafka broke that off
    at: str = "AC6-topic"
    broken: str = ""
    remains: str = ""


def run(login: KafkaLogin, request: Request, hopeless: Callable[[], bool] = lambda: False) -> Found:
    """Make, send, read, compare; take away whatever happens. Raises BrokersError where nothing could be begun."""
    found, own = Found(), Own(login)
    old: list[str] = []
    with interruptible() as signals:
        try:
            with kafka_brokers.session(login, request.timeout, hopeless) as admin:
                old = sweep(admin)
                found.topic = own.topic(admin, "round-trip", request.partitions, request.replicas)
                partitions = replicas_of(admin, found.topic, request.partitions, request.replicas)
                found.replicas = [(len(each["replica_nodes"]), len(each["isr_nodes"])) for each in partitions]
                found.at = "AC6-produced"
                _produce(login, request, found)
                found.at = "AC6-consumed"
                group = own.group("round-trip")
                _consume(login, request, found, group)
                offsets = admin.list_group_offsets({group: None}).get(group) or {}
                found.committed = {place.partition: offset.offset for place, offset in offsets.items()}
        except BrokersError as error:
            if not begun(own, error):
                raise
            found.broken = str(error)
        finally:
            with signals.hold():
                own.take_away()
    found.remains = "; ".join(filter(None, [own.remains, *old]))
    return found


def _produce(login: KafkaLogin, request: Request, found: Found) -> None:
    """Send all messages, and wait for all acknowledgements."""
    began = time.monotonic()
    deadline = began + request.timeout
    with kafka_clients.producer(login, max_block_ms=int(request.timeout * 1000), linger_ms=5) as writer:
        waiting = []
        for number in range(request.messages):
            key = f"key-{number % KEYS}".encode()
            waiting.append((number, key, writer.send(found.topic, value=str(number).encode(), key=key)))
            found.sent += 1
        for number, key, future in waiting:
            try:
                answer = future.get(timeout=max(deadline - time.monotonic(), 0.1))
                found.acknowledged.append(Message(number, key, answer.partition, answer.offset))
            except kafka_brokers.kafka_errors.KafkaError as error:
                found.refused.append(f"{number}: {type(error).__name__}")
    found.produce_seconds = time.monotonic() - began


def _consume(login: KafkaLogin, request: Request, found: Found, group: str) -> None:
    """Read all as a member of a group, and commit."""
    began = time.monotonic()
    with kafka_clients.consumer(login, group_id=group) as reader:
        reader.subscribe([found.topic])
        places = kafka_clients.partitions_of(found.topic, request.partitions)
        found.read, found.ends = kafka_clients.read_to_end(reader, places, request.timeout)
        found.consume_seconds = time.monotonic() - began
        found.at = "AC6-offsets"
        if found.read:
            reader.commit()


def records(request: Request, found: Found, stand_in: list[str]) -> list[Record]:
    """The criteria in the order a reader asks."""
    compared = compare(found.acknowledged, found.read)
    made = [
        _topic(request, found),
        _produced(found),
        *_consumed(found, compared),
        _offsets(found),
    ]
    if found.broken:
        made = broken_off(made, found.at, found.broken)
    for record in made:
        record.stand_in = stand_in
    return [*made, removed_record("AC6-removed", TITLES["AC6-removed"], found.remains, stand_in)]


def _topic(request: Request, found: Found) -> Record:
    good = [each for each in found.replicas if each == (request.replicas, request.replicas)]
    detail = f"{request.replicas} replicas each"
    if len(good) < request.partitions:
        words = [f"{count} replicas, {isr} in sync" for count, isr in found.replicas]
        detail = "; ".join(words) or "no partition was seen"
    fine = len(good) == len(found.replicas) == request.partitions
    measured = (len(good), request.partitions)
    return judged("AC6-topic", TITLES["AC6-topic"], measured, fine, unit="partitions", detail=detail)


def _produced(found: Found) -> Record:
    measured = (len(found.acknowledged), found.sent)
    detail = f"refused: {named(found.refused)}" if found.refused else ""
    good = bool(found.sent) and not found.refused
    record = judged("AC6-produced", TITLES["AC6-produced"], measured, good, unit="messages", detail=detail)
    record.seconds = round(found.produce_seconds, 3)
    return record


def _consumed(found: Found, compared: Comparison) -> list[Record]:
    total = len(found.acknowledged)
    if not total:
        names = ("AC6-consumed", "AC6-order", "AC6-duplicates")
        return [unmeasured(name, TITLES[name], BLOCKED, "no message was acknowledged") for name in names]
    told = []
    if compared.lost:
        told.append(f"lost: {named(compared.lost)}")
    if compared.foreign:
        told.append(f"not of this check: {named(compared.foreign)}")
    measured = (total - len(compared.lost), total)
    good = not compared.lost and not compared.foreign
    consumed = judged("AC6-consumed", TITLES["AC6-consumed"], measured, good, unit="messages", detail="; ".join(told))
    consumed.seconds = round(found.consume_seconds, 3)
    wrong = [*compared.disorder, *compared.strayed]
    title = TITLES["AC6-order"]
    if not found.read:
        order = unmeasured("AC6-order", title, BLOCKED, "no message was read")
        twice = unmeasured("AC6-duplicates", TITLES["AC6-duplicates"], BLOCKED, "no message was read")
        return [consumed, order, twice]
    order = judged("AC6-order", title, (len(wrong), 0), not wrong, unit="out of order", detail=named(wrong))
    twice = judged(
        "AC6-duplicates",
        TITLES["AC6-duplicates"],
        (len(compared.repeated), 0),
        not compared.repeated,
        unit="messages",
        detail=named(compared.repeated),
    )
    return [consumed, order, twice]


def _offsets(found: Found) -> Record:
    title = TITLES["AC6-offsets"]
    if not found.read:
        return unmeasured("AC6-offsets", title, BLOCKED, "no message was read")
    used = {partition: end for partition, end in found.ends.items() if end}
    wrong = [
        f"partition {partition}: {found.committed.get(partition, 'nothing')} instead of {end}"
        for partition, end in sorted(used.items())
        if found.committed.get(partition) != end
    ]
    measured = (len(used) - len(wrong), len(used))
    return judged("AC6-offsets", title, measured, not wrong, unit="partitions", detail="; ".join(wrong))


def not_run(status: str, reason: str, stand_in: list[str]) -> list[Record]:
    """The criteria when the check was not asked for (skipped), or could not be made (blocked): the first says why."""
    return unmeasured_all(TITLES, status, reason, "there was no round trip", stand_in)
