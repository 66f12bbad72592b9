# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loss, repetition and disorder are found in recorded messages, each by its own name."""

from __future__ import annotations

from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_messages import (
    Message,
    compare,
    named,
    number_of,
)

SENT = [Message(number, f"key-{number % 4}".encode(), number % 2, number // 2) for number in range(10)]


def test_what_was_sent_and_read_is_fine() -> None:
    # partitions come one after the other, as a consumer gets them
    read = [message for partition in (1, 0) for message in SENT if message.partition == partition]
    found = compare(SENT, read)
    assert (found.lost, found.repeated, found.foreign, found.disorder, found.strayed) == ([], [], [], [], [])


def test_lost_ones_are_named() -> None:
    assert compare(SENT, [message for message in SENT if message.number not in (3, 7)]).lost == [3, 7]
    assert compare(SENT, []).lost == list(range(10))


def test_one_that_comes_twice_is_repeated_and_no_disorder() -> None:
    found = compare(SENT, [*SENT, Message(4, b"key-0", 0, 5)])
    assert found.repeated == [4]
    assert found.disorder == []


def test_order_is_that_of_a_partition_only() -> None:
    read = list(SENT)
    read[2], read[4] = read[4], read[2]  # both are on partition 0
    found = compare(SENT, read)
    assert found.disorder == ["partition 0: 2 after 4"]
    assert found.lost == []


def test_a_key_on_two_partitions_is_said() -> None:
    stray = Message(10, b"key-0", 1, 9)
    assert compare([*SENT, stray], [*SENT, stray]).strayed == ["key key-0 is on partitions 0, 1"]


def test_what_nobody_sent_is_foreign() -> None:
    found = compare(SENT, [*SENT, Message(None, None, 0, 5), Message(99, None, 1, 5)])
    assert found.foreign == ["partition 0, offset 5", "partition 1, offset 5"]


def test_the_number_is_the_content() -> None:
    assert [number_of(value) for value in (b"12", b"awake", b"", None, b"-1")] == [12, None, None, None, None]


def test_of_many_the_first_are_named() -> None:
    assert named([1, 2]) == "1, 2"
    assert named(list(range(8))) == "0, 1, 2, 3, 4 and 3 more"
