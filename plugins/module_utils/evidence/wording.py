# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that all forms of the report share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .criteria import GROUPS
from .document import excused, left_out
from .records import BLOCKED, FAILED

VERDICTS = {
    "passed": "The platform is as it should be",
    "failed": "The platform is not as it should be",
    "incomplete": "Not all could be measured",
}
#: groups that fit into a heading by their names
PARTIAL = 4


def verdict_words(document: Mapping[str, Any]) -> str:
    """The verdict as a heading; says so when only a part was asked for, by the groups or within one."""
    asked = [group for group in GROUPS if group.lower() in document["selected"]]
    named = ", ".join(asked) if len(asked) <= PARTIAL else f"{len(asked)} of {len(GROUPS)} groups of criteria"
    told = "" if len(asked) == len(GROUPS) else f", as far as {named} tell"
    records = [record for found in document["clusters"].values() for record in found]
    partial = [group for group in asked if left_out(each for each in records if group in each["criteria"])]
    left = f"; not asked for in full: {', '.join(partial)}" if partial else ""
    return f"{VERDICTS[document['verdict']]}{told}{left}"


def count_words(counts: Mapping[str, int]) -> str:
    """`112 criteria: 103 passed, 1 skipped`."""
    words = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    total = sum(counts.values())
    return f"{total} {'criterion' if total == 1 else 'criteria'}: {words or 'nothing was measured'}"


def group_name(group: str) -> str:
    """A group as a reader calls it: those of the plan with their number."""
    title = GROUPS.get(group, "Others")
    return f"{group}: {title}" if group.startswith("AC") else title


def unmet(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What failed, then what could not be measured and nobody knows why, each with its cluster."""
    every = [(host, record) for host, records in document["clusters"].items() for record in records]
    failed = [(host, record) for host, record in every if record["status"] == FAILED]
    blocked = [(host, record) for host, record in every if record["status"] == BLOCKED]
    return failed + [(host, record) for host, record in blocked if not record["blocked_by"] and not excused(record)]


def blocked_words(document: Mapping[str, Any]) -> list[str]:
    """A sentence for each broken part: what it blocks."""
    held: dict[tuple[str, str], list[str]] = {}
    for host, records in document["clusters"].items():
        for record in records:
            for name in record["blocked_by"]:
                held.setdefault((host, name), []).append(record["title"])
    return [
        f"{host}: while {name} is broken, {len(titles)} more criteria cannot be met: {'; '.join(titles)}"
        for (host, name), titles in held.items()
    ]
