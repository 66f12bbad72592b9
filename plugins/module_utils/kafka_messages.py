# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that were sent compared with messages that were read. Plain data in, plain data out.

A check numbers its messages; the number is the message's content, so that loss, repetition and order can be told apart
without trusting the offsets of the brokers that are being checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

#: differences that a record's detail names
NAMED = 5


@dataclass(frozen=True)
class Message:
    """One message, as acknowledged or as read. `number` is None for content that is no number."""

    number: int | None
    key: bytes | None
    partition: int
    offset: int


@dataclass
class Comparison:
    """What came out. `disorder` and `strayed` are in words."""

    lost: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)
    strayed: list[str] = field(default_factory=list)


def number_of(value: bytes | None) -> int | None:
    """The number that is a message's content."""
    return int(value) if value is not None and value.isdigit() else None


def compare(sent: Sequence[Message], read: Sequence[Message]) -> Comparison:
    """Acknowledged messages, in the order in which they were sent, with those read, in the order of reading."""
    found = Comparison()
    counts = Counter(message.number for message in read if message.number is not None)
    numbers = {message.number for message in sent}
    found.lost = sorted(number for number in numbers if number is not None and not counts[number])
    found.repeated = sorted(number for number, count in counts.items() if count > 1)
    found.foreign = [
        f"partition {message.partition}, offset {message.offset}"
        for message in read
        if message.number is None or message.number not in numbers
    ]
    found.disorder = list(_disorder(read))
    found.strayed = list(_strayed([*sent, *read]))
    return found


def _disorder(read: Iterable[Message]) -> Iterable[str]:
    """Within a partition numbers only rise; one that was repeated is told elsewhere."""
    last: dict[int, int] = {}
    seen: set[int] = set()
    for message in read:
        if message.number is None or message.number in seen:
            continue
        seen.add(message.number)
        before = last.get(message.partition, -1)
        if message.number < before:
            yield f"partition {message.partition}: {message.number} after {before}"
        else:
            last[message.partition] = message.number


def _strayed(messages: Iterable[Message]) -> Iterable[str]:
    """A key always goes to the same partition, or its order means nothing."""
    places: dict[bytes, set[int]] = {}
    for message in messages:
        if message.key is not None:
            places.setdefault(message.key, set()).add(message.partition)
    for key, partitions in places.items():
        if len(partitions) > 1:
            yield f"key {key.decode(errors='replace')} is on partitions {', '.join(map(str, sorted(partitions)))}"


def named(items: Sequence[object]) -> str:
    """The first of many, in words."""
    words = ", ".join(str(item) for item in items[:NAMED])
    return f"{words} and {len(items) - NAMED} more" if len(items) > NAMED else words
