# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as plain data, as docs/report.schema.json describes it. All its forms are made of this."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..cluster_facts import CLUSTER
from . import changes
from .blame import blamed, causes_of
from .commands import commands_of
from .criteria import GROUPS, SWITCHED_OFF, groups_of, role_of
from .records import BLOCKED, FAILED, PASSED, SKIPPED, Record, tally

#: grows when a reader of an older one would misread it
SCHEMA_VERSION = 1
INCOMPLETE, ABSENT = "incomplete", "not measured"
#: how the id of a criterion on a metrics endpoint ends
METRICS = ".metrics"
#: what is observed of a backup whose log is not all archived yet: blocked while that is in time, failed when it is late
TO_COME = ("DB-backup-stored", "incomplete")
#: criteria that are what a group's title promises: passed is no group of which one was skipped
CORE = re.compile(
    r"AC2-backup|AC3-restore|AC6-.*|AC7-.*|AC12-.*|DB-(primary|archiver)"
    r"|schema_registry_check\.(register|read_back|compatible|versions)"
)

ByCluster = Mapping[str, list[dict[str, Any]]]


def completed(records: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], wanted: Collection[str]) -> list[Any]:
    """The records of one cluster that were asked for, each with all its fields, and blamed on who is to blame.

    Who is to blame for them is among them, asked for or not: what it blocks proves nothing without it.
    """
    empty = Record("", "", "").plain()
    found = blamed([{**empty, **record} for record in records])
    for record in found:
        record["criteria"], record["role"] = list(groups_of(record["id"])), role_of(record["id"])
        record["commands"] = record["commands"] or commands_of(record["id"], facts.get(record["role"]) or {})
    asked = [record for record in found if not record["criteria"] or _asked(record, wanted)]
    causes = causes_of({name for record in asked for name in record["blocked_by"]}, found)
    kept = {record["id"] for record in (*asked, *causes)}
    return [record for record in found if record["id"] in kept]


def _asked(record: Mapping[str, Any], wanted: Collection[str]) -> bool:
    return any(group.lower() in wanted for group in record["criteria"])


def excused(record: Mapping[str, Any]) -> bool:
    """Whether that a criterion could not be measured says nothing against the platform.

    Stand-ins answer at no metrics endpoint: that alone is as it should be when blocked. What else is blocked beside
    them, such as a log that cannot be read, would be on a real cluster too. Nor is it a shortcoming that a backup of
    these minutes waits for the last segment of its log: whoever deploys and validates would always find one.
    """
    stand_in = record["stand_in"] and record["id"].endswith(METRICS)
    return bool(stand_in) or (record["id"], record["observed"]) == TO_COME


def shortcomings(
    by_cluster: ByCluster, silent: Mapping[str, Collection[str]], selected: Collection[str] = ()
) -> list[str]:
    """Why this evidence proves less than it should.

    `silent`: the roles that are switched on, by host, and whose measuring gave nothing. What a broken part of the
    platform explains is not told again: that part has failed.
    """
    every = [record for seen in by_cluster.values() for record in seen]
    if all(record["id"].endswith(SWITCHED_OFF) for record in every):
        return ["nothing was measured: 0 criteria on all hosts"]
    found = [f"{host}: nothing was measured of {', '.join(roles)}" for host, roles in silent.items() if roles]
    told = {group for record in every for group in groups_of(record["id"])}
    silent_groups = [group for group in GROUPS if group.lower() in selected and group not in told]
    found += [f"{group} ({GROUPS[group]}): nothing was measured" for group in silent_groups]
    failed = tally(by_cluster)[FAILED]
    if failed:
        found.append(f"{failed} {'criterion was' if failed == 1 else 'criteria were'} not met")
    found += [
        f"{host}: {record['title']}: could not be measured: {record['detail']}"
        for host, seen in by_cluster.items()
        for record in seen
        if record["status"] == BLOCKED and not excused(record) and not _explained(record, seen)
    ]
    return found


def _explained(record: Mapping[str, Any], seen: Iterable[Mapping[str, Any]]) -> bool:
    """Whether it is blocked by a part whose failure is told."""
    return bool(record.get("blocked_by")) and any(each["status"] == FAILED for each in seen)


def document(
    by_cluster: ByCluster,
    facts: Mapping[str, Mapping[str, Any]],
    *,
    short: Sequence[str],
    selected: Sequence[str],
    started: datetime | None,
    now: datetime,
    collection: str | None = None,
    finished: bool = True,
) -> dict[str, Any]:
    """Everything that a report says, but for what was before. `collection` is the version of this one."""
    counts = tally(by_cluster)
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": FAILED if counts[FAILED] else INCOMPLETE if short else PASSED,
        "measured_at": now.isoformat(timespec="seconds"),
        "seconds": round((now - started).total_seconds(), 1) if started else None,
        "selected": list(selected),
        "counts": counts,
        "shortcomings": list(short),
        "criteria": [_group(group, by_cluster) for group in GROUPS if group.lower() in selected],
        "clusters": {host: list(records) for host, records in by_cluster.items()},
        "facts": {
            host: {name: each for name, each in found.items() if name != CLUSTER} for host, found in facts.items()
        },
        "platforms": {host: found[CLUSTER] for host, found in facts.items() if CLUSTER in found},
        "collection": collection,
        "finished": finished,
        "previous": None,
    }


def _group(group: str, by_cluster: ByCluster) -> dict[str, Any]:
    seen = [record for records in by_cluster.values() for record in records if group in record["criteria"]]
    counts = tally({"": seen})
    status = _status(counts)
    if status == PASSED and (left_out(seen) or not any(record["criteria"][0] == group for record in seen)):
        # what another group's tests say of it is not the whole of it, nor is what is told without its own
        status = INCOMPLETE
    return {"id": group, "title": GROUPS[group], "status": status, "counts": counts}


def left_out(records: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the measurement that a group is about was not asked for, or one of its steps was not."""
    return any(record["status"] == SKIPPED and CORE.fullmatch(record["id"]) for record in records)


def _status(counts: Mapping[str, int]) -> str:
    """Passed is what was all looked at and met; what was looked at in part is incomplete."""
    if counts[FAILED]:
        return FAILED
    if counts[BLOCKED]:
        return INCOMPLETE if counts[PASSED] else BLOCKED
    if counts[PASSED]:
        return PASSED
    return SKIPPED if counts[SKIPPED] else ABSENT


def beside(found: Mapping[str, Any], previous: Mapping[str, Any] | None, where: str) -> dict[str, Any]:
    """The document with what has changed since the previous one."""
    if previous is None:
        return dict(found)
    rows = changes.changes(previous["clusters"], found["clusters"], found["selected"])
    told = {
        "measured_at": previous["measured_at"],
        "verdict": previous["verdict"],
        "counts": previous["counts"],
        "report": where,
        "changes": rows,
    }
    return {**found, "previous": told}
