# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cron schedules of operators written in Go: which fields there are, and what each may hold.

Upstream: github.com/robfig/cron/v3. VolSync parses five fields (internal/controller/statemachine/machine.go),
CloudNativePG six, with the second first.
"""

from __future__ import annotations

import re

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: name, least, most, names of values (the first is the least one), whether ? stands for any
FIELDS = (
    ("minute", 0, 59, (), False),
    ("hour", 0, 23, (), False),
    ("day of the month", 1, 31, (), True),
    ("month", 1, 12, MONTHS, False),
    ("day of the week", 0, 6, DAYS, True),
)
DESCRIPTOR = re.compile(
    r"^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every (?:\d+(?:\.\d+)?(?:h|m|s|ms))+)$"
)
_STEP = re.compile(r"^(?P<range>[^/]+)(?:/(?P<step>\d+))?$")


def five_field_problem(schedule: str) -> str | None:
    """What is wrong with a schedule of five fields; None when nothing is."""
    text = schedule.strip()
    if text.startswith("@"):
        return None if DESCRIPTOR.match(text) else f"{text!r} is no schedule: @hourly, @daily, @every 6h and so on are"
    parts = text.split()
    if len(parts) == len(FIELDS) + 1:
        return (
            f"{text!r} has six fields; VolSync takes five (minute hour day month weekday), without the seconds that"
            " CloudNativePG's ScheduledBackup begins with"
        )
    if len(parts) != len(FIELDS):
        return f"{text!r} has {len(parts)} fields; VolSync takes five (minute hour day month weekday)"
    for part, (name, least, most, names, any_mark) in zip(parts, FIELDS, strict=True):
        for piece in part.split(","):
            if not _piece_fits(piece, least, most, names, any_mark):
                return f"{text!r}: {piece!r} is no {name} ({least} to {most})"
    return None


def _piece_fits(piece: str, least: int, most: int, names: tuple[str, ...], any_mark: bool) -> bool:
    match = _STEP.match(piece)
    if not match or match["step"] == "0":
        return False
    if match["range"] == "*" or (any_mark and match["range"] == "?"):
        return True
    numbers = [_number(word, least, names) for word in match["range"].split("-")]
    if len(numbers) > 2 or any(number is None or not least <= number <= most for number in numbers):
        return False
    return numbers == sorted(numbers, key=lambda number: number or 0)


def _number(word: str, least: int, names: tuple[str, ...]) -> int | None:
    if word.lower() in names:
        return names.index(word.lower()) + least
    return int(word) if word.isdigit() else None
