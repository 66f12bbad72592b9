# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC8 and AC9: a registry used as its clients use it, under subjects of its own that are gone afterwards."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .api import Deadline
from .evidence.records import BLOCKED, FAILED, PASSED, SKIPPED, Record, unmeasured_all
from .interruption import interruptible
from .kafka_own import new_name, stale
from .schema_registry import INCOMPATIBLE, NOT_FOUND, TYPES, NotAskedError, Registry, RegistryError, Schema

#: requests before the latency is measured: they open the connection and warm the server
WARM_UP = 5
#: seconds in which a replica may be behind the one that wrote
BEHIND = 5.0
#: seconds for the removal of what was made, whatever time is left of the check's own
REMOVAL = 30.0
ASK_AGAIN = 0.1

EVENT = {
    "type": "record",
    "name": "PlatformCheck",
    "namespace": "synergyflow.platform",
    "fields": [{"name": "id", "type": "string"}],
}
#: a new field with a default: read and written by either side, so compatible at every level
MORE = {**EVENT, "fields": [*EVENT["fields"], {"name": "note", "type": ["null", "string"], "default": None}]}
#: another type of a field: incompatible at every level but NONE
OTHER = {**EVENT, "fields": [{"name": "id", "type": "int"}]}
MESSAGE = 'syntax = "proto3";\npackage synergyflow.platform;\n\nmessage PlatformCheck {\n  string id = 1;\n}\n'
VERSION_1, VERSION_2 = Schema(json.dumps(EVENT)), Schema(json.dumps(MORE))
INCOMPATIBLE_SCHEMA, PROTOBUF = Schema(json.dumps(OTHER)), Schema(MESSAGE, "PROTOBUF")

HEALTH, FORMATS, LATENCY, LEVEL = "health", "formats", "latency", "compatibility"
REGISTER, READ_BACK, EVOLVE, REFUSE = "register", "read_back", "compatible", "incompatible"
PROTO, VERSIONS, REMOVED = "protobuf", "versions", "removed"
TITLES = {
    HEALTH: "Registry answers",
    FORMATS: "Registry takes Avro, Protobuf and JSON Schema",
    LATENCY: "Registry answers 95 of 100 requests in time",
    LEVEL: "Default compatibility is as expected",
    REGISTER: "A schema is registered",
    READ_BACK: "The schema is read back as it was registered",
    EVOLVE: "A compatible second version is accepted",
    REFUSE: "An incompatible version is refused",
    PROTO: "A Protobuf schema is registered and read back",
    VERSIONS: "Versions are tracked",
    REMOVED: "The check has left nothing behind",
}
WRITING = (REGISTER, READ_BACK, EVOLVE, REFUSE, PROTO, VERSIONS, REMOVED)


class UnmetError(Exception):
    """A criterion that was measured and is not met: what was observed, and more of it."""

    def __init__(self, observed: Any, detail: str = "") -> None:
        super().__init__(detail)
        self.observed = observed


@dataclass
class Probe:
    """One check of one registry. `records` grows in the order of the criteria."""

    registry: Registry
    level: str | None
    requests: int
    target: float
    route: str
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    #: the names that it uses: for Avro, for Protobuf
    subjects: tuple[str, str] = field(default_factory=lambda: (new_name("avro"), new_name("protobuf")))
    records: list[Record] = field(default_factory=list)
    #: of the latency, in ms
    figures: dict[str, float] = field(default_factory=dict)
    #: what killed runs left and could not be removed
    _old: list[str] = field(default_factory=list)

    def run(self, write: bool = True) -> list[Record]:
        """Measure everything; without `write` only what leaves the registry as it is."""
        if not self._measure(HEALTH, "200", self._health):
            self._leave(set(TITLES) - {HEALTH}, BLOCKED, "the registry does not answer")
            return self._sorted()
        self._measure(FORMATS, ", ".join(TYPES), self._formats)
        self._measure(LATENCY, self.target, self._latency, "ms")
        if self.level:
            self._measure(LEVEL, self.level, self._level)
        else:
            self._leave({LEVEL}, SKIPPED, "nothing is expected")
        if write:
            with interruptible() as signals:
                try:
                    self._old = self._sweep()
                    self._use()
                finally:
                    with signals.hold():
                        self._measure(REMOVED, "no subject", self._remove)
        else:
            self._leave(set(WRITING), SKIPPED, "check mode writes nothing")
        return self._sorted()

    def _sweep(self) -> list[str]:
        """Remove the subjects of runs that were killed; why some remain."""
        try:
            # a run that was killed while it removed has left subjects that are deleted softly alone
            old = stale(self.registry.subjects(deleted=True), datetime.now(UTC))
        except NotAskedError:
            return []
        except RegistryError as error:
            return [f"subjects of earlier checks: {error}"]
        return [reason for reason in map(self.registry.remove, old) if reason]

    def _use(self) -> None:
        """What a producer's side does with a registry, one thing after another."""
        avro, protobuf = self.subjects
        if self._measure(REGISTER, "registered", lambda: self._register(avro, VERSION_1)):
            self._measure(READ_BACK, "the same schema", lambda: self._read_back(avro, 1, EVENT))
            evolved = self._measure(EVOLVE, "accepted", lambda: self._evolve(avro))
            self._refuse(avro)
            if evolved:
                self._measure(VERSIONS, "1, 2", lambda: self._versions(avro))
            else:
                self._leave({VERSIONS}, BLOCKED, "the second version was not accepted")
        else:
            self._leave({READ_BACK, EVOLVE, REFUSE, VERSIONS}, BLOCKED, "the first version could not be registered")
        self._measure(PROTO, "the same schema", lambda: self._protobuf(protobuf))

    # --- the criteria

    def _health(self) -> tuple[Any, str]:
        self.registry.ask("GET", "/subjects")
        return "200", f"GET /subjects, {self.route}"

    def _formats(self) -> tuple[Any, str]:
        there = self.registry.types()
        missing = [kind for kind in TYPES if kind not in there]
        if missing:
            raise UnmetError(", ".join(there), f"missing: {', '.join(missing)}")
        return ", ".join(TYPES), ""

    def _latency(self) -> tuple[Any, str]:
        for __ in range(WARM_UP):
            self.registry.ask("GET", "/subjects")
        spent = []
        for __ in range(self.requests):
            began = self.clock()
            self.registry.ask("GET", "/subjects")
            spent.append((self.clock() - began) * 1000)
        p95 = round(percentile(spent, 95), 1)
        self.figures = {f"p{share}": round(percentile(spent, share), 1) for share in (50, 95, 99)}
        detail = (
            f"p50 {percentile(spent, 50):.1f}, p95 {p95}, p99 {percentile(spent, 99):.1f}, longest {max(spent):.1f} ms "
            f"of {self.requests} GET /subjects, one after another, {self.route}"
        )
        if p95 > self.target:
            raise UnmetError(p95, detail)
        return p95, detail

    def _level(self) -> tuple[Any, str]:
        found = self.registry.level()
        if found != self.level:
            raise UnmetError(found, "GET /config")
        return found, ""

    def _register(self, subject: str, schema: Schema) -> tuple[Any, str]:
        identity = self.registry.register(subject, schema)
        return "registered", f"{schema.kind.capitalize()}, id {identity}"

    def _read_back(self, subject: str, version: int, wanted: Mapping[str, Any]) -> tuple[Any, str]:
        found = self._eventually(lambda: self.registry.read(subject, version))
        if found.get("version") != version or json.loads(found["schema"]) != wanted:
            raise UnmetError("another schema", f"version {found.get('version')}: {found['schema']}")
        return "the same schema", f"version {version}, id {found.get('id')}"

    def _evolve(self, subject: str) -> tuple[Any, str]:
        try:
            identity = self.registry.register(subject, VERSION_2)
        except RegistryError as error:
            raise UnmetError(f"refused with {error.status}", error.message or str(error)) from error
        return "accepted", f"a field with a default was added, id {identity}"

    def _refuse(self, subject: str) -> None:
        if self.level == "NONE":
            self._leave({REFUSE}, SKIPPED, "the level NONE refuses nothing")
            return
        self._measure(REFUSE, "refused with 409", lambda: self._refused(subject))

    def _refused(self, subject: str) -> tuple[Any, str]:
        verdict = self.registry.compatible(subject, INCOMPATIBLE_SCHEMA)
        try:
            identity = self.registry.register(subject, INCOMPATIBLE_SCHEMA)
        except RegistryError as error:
            if error.status != INCOMPATIBLE:
                raise
            if verdict.compatible:
                observed = "refused with 409, compatible by the compatibility endpoint"
                raise UnmetError(observed, error.message) from error
            if not error.message:
                raise UnmetError("refused with 409, no reason", "the refusal has no message") from error
            return "refused with 409", "; ".join([error.message, *verdict.messages])
        raise UnmetError(
            "accepted",
            f"a field's type went from string to int, and it has the id {identity}: the level that counts is "
            f"{self.registry.level_that_counts(subject)}",
        )

    def _versions(self, subject: str) -> tuple[Any, str]:
        found = self._eventually(lambda: self.registry.versions(subject) or None)
        words = ", ".join(map(str, found))
        newest = self.registry.read(subject, "latest")
        if found[:2] != [1, 2]:
            raise UnmetError(words, "versions of the subject")
        if len(found) > 2:  # said where it was to be refused
            raise UnmetError(words, "the incompatible version is among them")
        if newest.get("version") != 2 or json.loads(newest["schema"]) != MORE:
            raise UnmetError(words, f"the latest is version {newest.get('version')}")
        return words, "the latest is version 2"

    def _protobuf(self, subject: str) -> tuple[Any, str]:
        _observed, detail = self._register(subject, PROTOBUF)
        found = self._eventually(lambda: self.registry.read(subject, 1))
        if found.get("schemaType") != PROTOBUF.kind or _words(found["schema"]) != _words(MESSAGE):
            raise UnmetError("another schema", f"{found.get('schemaType')}: {found['schema']}")
        return "the same schema", detail

    def _remove(self) -> tuple[Any, str]:
        self.registry.renew(Deadline(REMOVAL))
        left = [*filter(None, map(self.registry.remove, self.subjects)), *self._old]
        there = [name for name in self.registry.subjects(deleted=True) if name in self.subjects]
        if there or left:
            raise UnmetError(
                ", ".join(there) or "unknown", "; ".join(left) or "they are still listed after their deletion"
            )
        return "no subject", f"{self.subjects[0]} is gone for good"

    # --- records

    def _measure(self, aspect: str, expected: Any, act: Callable[[], tuple[Any, str]], unit: str = "") -> bool:
        """One record. What the registry refuses is a failure, and so is no answer; what it was not asked is neither."""
        began = self.clock()
        try:
            observed, detail = act()
            status = PASSED
        except UnmetError as unmet:
            observed, detail, status = unmet.observed, str(unmet), FAILED
        except NotAskedError as error:
            observed, detail, status = None, str(error), BLOCKED
        except (RegistryError, KeyError, ValueError, TypeError) as error:
            observed, status = None, FAILED
            detail = (
                str(error) if isinstance(error, RegistryError) else f"an answer that is none of a registry: {error}"
            )
        spent = round(self.clock() - began, 3)
        self.records.append(
            Record(
                f"schema_registry_check.{aspect}",
                TITLES[aspect],
                status,
                observed,
                expected,
                unit,
                spent,
                detail,
                figures=self.figures if aspect == LATENCY else {},
            )
        )
        return status == PASSED

    def _leave(self, aspects: set[str], status: str, reason: str) -> None:
        self.records += [
            Record(f"schema_registry_check.{aspect}", TITLES[aspect], status, detail=reason) for aspect in aspects
        ]

    def _sorted(self) -> list[Record]:
        order = [f"schema_registry_check.{aspect}" for aspect in TITLES]
        self.records.sort(key=lambda record: order.index(record.id))
        return self.records

    def _eventually(self, ask: Callable[[], Any]) -> Any:
        """The answer, asked again for a while when there is none: the replica that answers may be behind."""
        end = self.clock() + BEHIND
        while True:
            try:
                found = ask()
            except RegistryError as error:
                if error.status != NOT_FOUND or self.clock() > end:
                    raise
            else:
                if found is not None or self.clock() > end:
                    return found or []
            self.sleep(ASK_AGAIN)


def not_run(status: str, reason: str) -> list[Record]:
    """The criteria where the check could not be made: the first says why."""
    titles = {f"schema_registry_check.{aspect}": title for aspect, title in TITLES.items()}
    return unmeasured_all(titles, status, reason, "the registry was not asked")


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(math.ceil(percent / 100 * len(ranked)), 1) - 1]


def _words(text: str) -> list[str]:
    """A Protobuf schema's words and signs: comments and white space are not kept by every registry."""
    return re.findall(r"\w+|[^\w\s]", re.sub(r"//[^\n]*", "", text))
