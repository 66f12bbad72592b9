# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules of a ScheduledBackup: six fields, the first of them seconds.

The operator parses them with github.com/robfig/cron, whose parser takes five fields for six with the day of the week
left out: the first of the five is read as seconds, and a nightly backup becomes an hourly one. Its webhook only warns.
https://pkg.go.dev/github.com/robfig/cron#hdr-CRON_Expression_Format
"""

from __future__ import annotations

import re

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: name, smallest and largest value, names for values from the smallest on
FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of week", 0, 6, DAYS),
)
PART = re.compile(r"^(?:[*?]|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?$")


def problem(schedule: str) -> str | None:
    """Why this is no schedule that means what it seems to; None if it is one."""
    fields = str(schedule).split()
    if len(fields) == 5:
        return (
            f"{schedule!r} has five fields, and CloudNativePG would read the first as seconds and run the backup at"
            f" another time: it takes six, from the second on. You may mean '0 {' '.join(fields)}'"
        )
    if len(fields) != len(FIELDS):
        names = ", ".join(name for name, *_limits in FIELDS)
        return f"{schedule!r} must have six fields ({names}), it has {len(fields)}"
    for text, (name, smallest, largest, names) in zip(fields, FIELDS, strict=True):
        for part in text.split(","):
            if not _is_part(part, smallest, largest, names):
                return f"{schedule!r}: {part!r} is no {name} from {smallest} to {largest}"
    return None


def _is_part(part: str, smallest: int, largest: int, names: tuple[str, ...]) -> bool:
    found = PART.match(part)
    if not found or found["step"] == "0":
        return False
    ends = [_value(text, smallest, names) for text in (found["first"], found["last"]) if text is not None]
    return all(end is not None and smallest <= end <= largest for end in ends) and ends == sorted(ends, key=_number)


def _value(text: str, smallest: int, names: tuple[str, ...]) -> int | None:
    if text.isdigit():
        return int(text)
    return smallest + names.index(text.lower()) if text.lower() in names else None


def _number(value: int | None) -> int:
    return -1 if value is None else value
