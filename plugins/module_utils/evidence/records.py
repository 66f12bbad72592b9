# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One measured criterion, and how to print many."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import count, product
from typing import Any

from ..component_objects import NOT_SERVED, stand_ins
from ..kafka_table import aligned
from ..objects import Manifest
from .behind import commands_for, nameable
from .criteria import BROKEN_OFF

PASSED, FAILED, SKIPPED, BLOCKED = "passed", "failed", "skipped", "blocked"
#: what a reader sees; a skipped criterion was not asked for, a blocked one could not be measured
MARKS = {PASSED: "ok", FAILED: "FAILED", SKIPPED: "skipped", BLOCKED: "blocked"}
COLUMNS = {
    "cluster": "cluster",
    "result": "result",
    "title": "criterion",
    "observed": "observed",
    "expected": "expected",
    "stand_in": "stand-in",
}


@dataclass
class Record:
    """What was looked at, what it should be, what it is."""

    id: str
    title: str
    status: str
    observed: Any = None
    expected: Any = None
    unit: str = ""
    seconds: float = 0.0
    detail: str = ""
    stand_in: list[str] = field(default_factory=list)
    #: several numbers of one measurement, in the record's unit: {"p50": 9.0, "p95": 20.0}
    figures: dict[str, float] = field(default_factory=dict)
    #: how a reader sees the same
    commands: list[str] = field(default_factory=list)
    #: what explains a criterion that is not met: conditions, events, the end of a log
    behind: list[str] = field(default_factory=list)
    #: the objects it was seen in; not part of what is written
    looked_at: list[Manifest] = field(default_factory=list, repr=False, compare=False)

    def plain(self) -> dict[str, Any]:
        """As registered, printed and written."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "looked_at"}


def judged(
    identity: str,
    title: str,
    measured: tuple[Any, Any],
    good: bool,
    *,
    objects: Sequence[Mapping[str, Any]] = (),
    unit: str = "",
    detail: str = "",
) -> Record:
    """A criterion that could be measured; `measured` is what was observed and what was expected."""
    observed, expected = measured
    return Record(
        identity,
        title,
        PASSED if good else FAILED,
        observed,
        expected,
        unit,
        detail=detail,
        stand_in=stand_ins(objects),
        commands=commands_for(objects),
        looked_at=nameable(objects),
    )


def unmeasured(
    identity: str, title: str, status: str, reason: str, objects: Sequence[Mapping[str, Any]] = ()
) -> Record:
    """A criterion that was not measured (skipped) or could not be (blocked), and why."""
    return Record(
        identity,
        title,
        status,
        detail=reason,
        stand_in=stand_ins(objects),
        commands=commands_for(objects),
        looked_at=nameable(objects),
    )


def unmeasured_all(
    titles: Mapping[str, str], status: str, reason: str, afterwards: str, stand_in: Sequence[str] = ()
) -> list[Record]:
    """All criteria of a check that was not asked for (skipped), or could not be made (blocked).

    Every one that is skipped says why; of those blocked the first does, and the others say what came of it.
    """
    return [
        Record(
            identity,
            title,
            status,
            detail=afterwards if number and status == BLOCKED else reason,
            stand_in=list(stand_in),
        )
        for number, (identity, title) in enumerate(titles.items())
    ]


def broken_off(role: str, reason: str) -> Record:
    """The record of a role that could not be measured to the end."""
    return Record(f"{role}{BROKEN_OFF}", f"Everything of {role} was measured", FAILED, detail=reason)


def unread(identity: str, title: str, reason: str) -> Record:
    """A criterion whose objects could not be read: skipped where nobody serves such objects, else blocked."""
    return unmeasured(identity, title, SKIPPED if reason.startswith(NOT_SERVED) else BLOCKED, reason)


def all_passed(records: Iterable[Mapping[str, Any]]) -> bool:
    """Whether no criterion failed, and none that was asked for could not be measured; `records` as plain ones."""
    return not any(record["status"] in (FAILED, BLOCKED) for record in records)


def reasons(records: Iterable[Record]) -> str:
    """Why criteria are not met, in one line."""
    return "; ".join(f"{record.title}: {record.detail or record.observed}" for record in records)


def not_looked_at(records: Iterable[Mapping[str, Any]]) -> str:
    """The end of a sentence that says what could not be measured, and why; empty where all could."""
    blocked = [record for record in records if record["status"] == BLOCKED]
    said = [f"{record['title']} ({str(record['detail'] or record['observed']).rstrip('.')})" for record in blocked]
    return f" Not looked at: {'; '.join(said)}." if said else ""


def table(by_cluster: Mapping[str, Iterable[Mapping[str, Any]]]) -> str:
    """Every record of every cluster as one line; below, the stand-ins, and the reason of what is not passed."""
    rows, remarks = [], []
    found = {name for records in by_cluster.values() for record in records for name in record["stand_in"]}
    letters = dict(zip(sorted(found), _letters(), strict=False))
    for cluster, records in by_cluster.items():
        for record in records:
            rows.append(
                {
                    **record,
                    "cluster": cluster,
                    "result": MARKS[record["status"]],
                    "observed": with_unit(record["observed"], record["unit"]),
                    "stand_in": " ".join(letters[name] for name in record["stand_in"]) or None,
                }
            )
            if record["status"] != PASSED and record["detail"]:
                remarks.append(f"{cluster}: {record['title']}: {record['detail']}")
    legend = ", ".join(f"{letter}: {name}" for name, letter in letters.items())
    parts = [aligned(rows, COLUMNS), f"Looked at stand-ins, not the real thing: {legend}" if legend else ""]
    return "\n\n".join(filter(None, [*parts, "\n".join(remarks)]))


def _letters() -> Iterator[str]:
    """a to z, then aa, ab and so on."""
    return ("".join(each) for length in count(1) for each in product(string.ascii_lowercase, repeat=length))


def with_unit(value: Any, unit: str) -> Any:
    """`11 topics`, `1 topic`; a value that is words keeps them alone."""
    if not unit or not isinstance(value, (int, float)) or isinstance(value, bool):
        return value
    return f"{value} {unit.removesuffix('s') if value == 1 else unit}"


def tally(by_cluster: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, int]:
    """How many records of each status."""
    counts = dict.fromkeys((PASSED, FAILED, SKIPPED, BLOCKED), 0)
    for records in by_cluster.values():
        for record in records:
            counts[record["status"]] += 1
    return counts
