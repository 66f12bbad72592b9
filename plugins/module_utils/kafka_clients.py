# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Producers and consumers of the checks. To be used inside of `kafka_brokers.session`, which keeps their log quiet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from .kafka_brokers import KafkaLogin
from .kafka_messages import Message, number_of

try:
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition

    KAFKA_IMPORT_ERROR: ImportError | None = None
except ImportError as error:
    KAFKA_IMPORT_ERROR = error

#: a broker that is gone is found out soon, and asked again soon when it is back
IMPATIENT = {"request_timeout_ms": 10_000, "reconnect_backoff_max_ms": 1_000, "metadata_max_age_ms": 5_000}
POLL_MS = 500


@contextmanager
def producer(login: KafkaLogin, **options: Any) -> Iterator[Any]:
    """A producer whose writes are confirmed by all replicas in sync."""
    made = KafkaProducer(**login.client_options(), acks="all", **options)
    try:
        yield made
    finally:
        with suppress(Exception):  # what matters has been waited for already
            made.close(timeout=2)


@contextmanager
def consumer(login: KafkaLogin, **options: Any) -> Iterator[Any]:
    """A consumer from the beginning, that commits only when it is told to."""
    made = KafkaConsumer(**login.client_options(), auto_offset_reset="earliest", enable_auto_commit=False, **options)
    try:
        yield made
    finally:
        with suppress(Exception):
            made.close(autocommit=False)


def partitions_of(topic: str, count: int) -> list[Any]:
    """The partitions as kafka-python names them."""
    return [TopicPartition(topic, number) for number in range(count)]


def read_to_end(reader: Any, partitions: Sequence[Any], seconds: float) -> tuple[list[Message], dict[int, int]]:
    """Everything up to where the partitions end now, and these ends; less where `seconds` are over before.

    The consumer is subscribed or assigned already.
    """
    ends = {partition.partition: end for partition, end in reader.end_offsets(list(partitions)).items()}
    found = [
        Message(number_of(record.value), record.key, record.partition, record.offset)
        for record in _records(reader, ends, seconds)
    ]
    return found, ends


def values_to_end(reader: Any, partitions: Sequence[Any], seconds: float) -> list[bytes | None]:
    """The same, of each message its content."""
    ends = {partition.partition: end for partition, end in reader.end_offsets(list(partitions)).items()}
    return [record.value for record in _records(reader, ends, seconds)]


def _records(reader: Any, ends: dict[int, int], seconds: float) -> Iterator[Any]:
    deadline = time.monotonic() + seconds
    missing = {number for number, end in ends.items() if end > 0}
    while missing and time.monotonic() < deadline:
        for records in reader.poll(timeout_ms=POLL_MS).values():
            for record in records:
                yield record
                if record.offset + 1 >= ends[record.partition]:
                    missing.discard(record.partition)
