# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database should be, what it says it is, and the evidence of it. Plain data in, records out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .cnpg_postgres import Answers
from .evidence.records import BLOCKED, FAILED, PASSED, SKIPPED, Record

PRIMARY = ("DB-primary", "Primary takes writes")
POOLER = ("DB-pooler", "Writes go through the connection pool")
EXTENSIONS = ("DB-extensions", "Extensions are in the database")
SCHEMAS = ("DB-schemas", "Schemas belong to the application")
ROLES = ("DB-roles", "Database belongs to the application's user")
REPLICAS = ("DB-replicas", "Replicas follow the primary")
LAG = ("DB-lag", "Replicas are close behind")
ARCHIVER = ("DB-archiver", "Server archives its log")


@dataclass(frozen=True)
class Expected:
    """What the database should be."""

    owner: str
    extensions: list[str] = field(default_factory=list)
    schemas: list[str] = field(default_factory=list)
    replicas: int = 0
    max_lag: float = 30
    archives: bool = True


@dataclass(frozen=True)
class Tried:
    """What was tried beside asking: the reason why it did not work, "" if it did, None if it was not to be."""

    write: str | None = None
    pooler: str | None = None


def unreachable(reason: str) -> list[Record]:
    """The evidence where nobody could be asked: no primary that takes writes, the rest is not known."""
    others = (POOLER, EXTENSIONS, SCHEMAS, ROLES, REPLICAS, LAG, ARCHIVER)
    return [
        Record(*PRIMARY, FAILED, "not reached", "writes", detail=reason),
        *(Record(*which, BLOCKED, detail="PostgreSQL could not be asked") for which in others),
    ]


def records(expected: Expected, found: Answers, tried: Tried) -> list[Record]:
    """The criteria in the order a reader asks."""
    return [
        primary(found, tried),
        pooler(tried),
        extensions(expected, found),
        schemas(expected, found),
        roles(expected, found),
        *replication(expected, found),
        archiver(expected, found),
    ]


def primary(found: Answers, tried: Tried) -> Record:
    """A transaction that writes was committed on what the Service leads to."""
    if found.database.get("in_recovery"):
        return Record(*PRIMARY, FAILED, "a replica", "writes", detail="the Service of the primary leads to a replica")
    if tried.write is None:
        return Record(*PRIMARY, SKIPPED, detail="not to be tried")
    if tried.write:
        return Record(*PRIMARY, FAILED, "refuses", "writes", detail=tried.write)
    return Record(
        *PRIMARY, PASSED, "writes", "writes", detail=f"PostgreSQL {found.database.get('version', '')}".strip()
    )


def pooler(tried: Tried) -> Record:
    """The same through the pool."""
    if tried.pooler is None:
        return Record(*POOLER, SKIPPED, detail="there is to be no pool")
    if tried.pooler:
        return Record(*POOLER, FAILED, "refuses", "writes", detail=tried.pooler)
    return Record(*POOLER, PASSED, "writes", "writes")


def extensions(expected: Expected, found: Answers) -> Record:
    """Every extension that is expected is created in this database."""
    if "extensions" in found.refused:
        return Record(*EXTENSIONS, BLOCKED, detail=found.refused["extensions"])
    there = {each["name"]: each["version"] for each in found.extensions}
    missing = [name for name in expected.extensions if name not in there]
    detail = f"missing: {', '.join(missing)}" if missing else _named(expected.extensions, there)
    return _counted(EXTENSIONS, expected.extensions, missing, "extensions", detail)


def _named(names: Iterable[str], values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {values[name]}" for name in names)


def _counted(which: tuple[str, str], wanted: list[str], bad: list[str], unit: str, detail: str) -> Record:
    status = FAILED if bad else PASSED
    return Record(*which, status, len(wanted) - len(bad), len(wanted), unit, detail=detail)


def schemas(expected: Expected, found: Answers) -> Record:
    """Every schema that is expected is there and the owner's."""
    if "schemas" in found.refused:
        return Record(*SCHEMAS, BLOCKED, detail=found.refused["schemas"])
    owners = {each["name"]: each["owner"] for each in found.schemas}
    bad = [name for name in expected.schemas if owners.get(name) != expected.owner]
    words = [
        f"{name} belongs to {owners[name]} instead of {expected.owner}" if name in owners else f"missing: {name}"
        for name in bad
    ]
    return _counted(SCHEMAS, expected.schemas, bad, "schemas", "; ".join(words))


def roles(expected: Expected, found: Answers) -> Record:
    """The owner may log in and owns the database, and has no right that an application should not have."""
    refused = found.refused.get("roles") or found.refused.get("database")
    if refused:
        return Record(*ROLES, BLOCKED, detail=refused)
    owner = found.database.get("owner")
    role = next((each for each in found.roles if each["name"] == expected.owner), None)
    problems = []
    if role is None:
        problems.append(f"there is no role {expected.owner}")
    else:
        if not role["can_login"]:
            problems.append(f"{expected.owner} may not log in")
        rights = {
            "superuser": "a superuser",
            "creates_roles": "allowed to create roles",
            "replicates": "allowed to replicate",
            "bypasses_row_security": "above row security",
        }
        problems += [f"{expected.owner} is {words}" for name, words in rights.items() if role[name]]
    if owner != expected.owner:
        problems.append(f"the database belongs to {owner}")
    return Record(*ROLES, FAILED if problems else PASSED, owner, expected.owner, detail="; ".join(problems))


def replication(expected: Expected, found: Answers) -> list[Record]:
    """As many replicas as there should be are streaming, and none is far behind."""
    if found.database.get("in_recovery") or "replicas" in found.refused:
        reason = found.refused.get("replicas") or "this is a replica, only the primary knows"
        return [Record(*REPLICAS, BLOCKED, detail=reason), Record(*LAG, BLOCKED, detail=reason)]
    if any(each["state"] is None for each in found.replicas):
        reason = "the user may not see it: it needs the role pg_monitor (cnpg_check_user)"
        return [Record(*REPLICAS, BLOCKED, detail=reason), Record(*LAG, BLOCKED, detail=reason)]
    streaming = [each for each in found.replicas if each["state"] == "streaming"]
    others = [f"{each['name']} is in state {each['state']}" for each in found.replicas if each not in streaming]
    detail = "; ".join([", ".join(each["name"] for each in streaming), *others]).strip("; ")
    enough = len(streaming) >= expected.replicas
    there = Record(
        *REPLICAS, PASSED if enough else FAILED, len(streaming), expected.replicas, "replicas", detail=detail
    )
    if not expected.replicas:
        return [there, Record(*LAG, SKIPPED, detail="there is to be no replica")]
    if not streaming:
        return [there, Record(*LAG, BLOCKED, detail="no replica is streaming")]
    # the lag is unknown (null) while nothing is written: then a replica is behind only by bytes it has not replayed
    worst = max(streaming, key=lambda each: each["lag_seconds"] or 0)
    seconds = worst["lag_seconds"] or 0.0
    behind = max(each["lag_bytes"] or 0 for each in streaming)
    good = seconds <= expected.max_lag
    detail = f"{worst['name']} is {seconds:.2f} s behind; at most {behind} bytes are not replayed"
    lag = Record(
        *LAG, PASSED if good else FAILED, round(seconds, 2), f"<= {expected.max_lag:g}", "seconds", detail=detail
    )
    return [there, lag]


def archiver(expected: Expected, found: Answers) -> Record:
    """The server's own count: its last attempt to archive a segment was a good one."""
    if not expected.archives:
        return Record(*ARCHIVER, SKIPPED, detail="it is not to archive")
    if "archiver" in found.refused or not found.archiver:
        return Record(*ARCHIVER, BLOCKED, detail=found.refused.get("archiver") or "only the primary knows")
    told = found.archiver
    good, bad = told["last_archived_time"], told["last_failed_time"]
    if told["mode"] == "off":
        return Record(*ARCHIVER, FAILED, "off", "archiving", detail="archive_mode is off")
    if bad and (good is None or bad > good):
        detail = f"{told['last_failed_wal']} failed at {bad.isoformat()}, {told['failed_count']} failures in all"
        return Record(*ARCHIVER, FAILED, "failing", "archiving", detail=detail)
    if good is None:
        return Record(*ARCHIVER, BLOCKED, "nothing yet", "archiving", detail="no segment was full or old enough yet")
    detail = f"{told['last_archived_wal']} at {good.isoformat()}, {told['archived_count']} in all"
    return Record(*ARCHIVER, PASSED, "archiving", "archiving", detail=detail)
