# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC12: a small event-driven application. A producer writes events as their schema says, a consumer reads them by the
schema whose id each event carries, and puts them into the database through the pool.

Events have Confluent's wire format: a zero byte, the schema's id in four bytes, Avro.
"""

from __future__ import annotations

import io
import json
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from . import kafka_brokers, kafka_clients
from .api import Deadline
from .errors import ClusterError
from .evidence.records import BLOCKED, FAILED, PASSED, SKIPPED, Record, unmeasured_all
from .interruption import interruptible
from .kafka_brokers import KafkaLogin
from .kafka_own import Own, begun, new_name, stale, sweep
from .schema_registry import INCOMPATIBLE, NOT_FOUND, UNPROCESSABLE, Registry, RegistryError, Schema

try:
    import fastavro

    FASTAVRO_IMPORT_ERROR: ImportError | None = None
except ImportError as error:
    FASTAVRO_IMPORT_ERROR = error

EVENT: dict[str, Any] = {
    "type": "record",
    "name": "PlatformCheckEvent",
    "namespace": "synergyflow.platform",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "number", "type": "long"},
        {"name": "summary", "type": ["null", "string"], "default": None},
    ],
}
#: an event with a text where its schema has a number
INVALID = {"id": "event-x", "number": "many", "summary": None}
#: schemas that a registry refuses: one that goes with no event there is, and one that is none, whatever the level is
REFUSED_SCHEMAS = {
    "that would allow it": {**EVENT, "fields": [EVENT["fields"][0], {"name": "number", "type": "string"}]},
    "that is none": {**EVENT, "fields": [{"name": "number", "type": "no-such-type"}]},
}
HEADER = struct.Struct(">bI")
SCHEMA, REFUSED, PRODUCED, CONSUMED, DATABASE, REMOVED = (
    f"AC12-{name}" for name in ("schema", "refused", "produced", "consumed", "database", "removed")
)
TITLES = {
    SCHEMA: "The events' schema is registered",
    REFUSED: "An event that is not as its schema says is refused, and a schema that would allow it",
    PRODUCED: "Events are written with their schema's id",
    CONSUMED: "Events are read by the schema that the registry has for their id",
    DATABASE: "Events are rows in the database, written through the pool",
    REMOVED: "The event-driven application left nothing behind",
}
#: seconds for removing the schema, whatever time is left
REMOVAL = 30.0
#: seconds that a replica of the registry may be behind the one that took the schema, and between two looks
BEHIND, ASK_AGAIN = 5.0, 0.1


class UnmetError(Exception):
    """A criterion that was looked at and is not met: what was observed, and more of it."""

    def __init__(self, observed: Any, detail: str = "") -> None:
        super().__init__(detail)
        self.observed = observed


class UndecodableError(Exception):
    """A message that is no event: in words."""


# -- events


def event(number: int) -> dict[str, Any]:
    """The event of a number."""
    return {"id": f"event-{number}", "number": number, "summary": f"summary {number}" if number % 2 else None}


def encode(identity: int, schema: Any, value: Mapping[str, Any]) -> bytes:
    """A message. Raises ValueError for an event that is not as the schema says."""
    stream = io.BytesIO()
    stream.write(HEADER.pack(0, identity))
    try:
        fastavro.schemaless_writer(stream, schema, dict(value), strict=True)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    return stream.getvalue()


def decode(message: bytes | None, schema_of: Callable[[int], Any]) -> tuple[int, dict[str, Any]]:
    """The schema's id and the event. Raises UndecodableError for what is none."""
    if message is None or len(message) <= HEADER.size or message[0] != 0:
        raise UndecodableError("it does not begin with a schema's id")
    __, identity = HEADER.unpack_from(message)
    stream = io.BytesIO(message[HEADER.size :])
    try:
        value = fastavro.schemaless_reader(stream, schema_of(identity), None)
    except (EOFError, IndexError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise UndecodableError(f"it is not as schema {identity} says: {' '.join(str(error).split())}") from error
    if stream.read(1):
        raise UndecodableError(f"it is longer than schema {identity} says")
    return identity, dict(value)


# -- the application


@dataclass
class EventFlow:
    """One run. `store` puts events into the database and gives back those that are there; None: it is not tried."""

    login: KafkaLogin
    registry: Registry
    events: int
    replicas: int
    timeout: float
    store: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] | None
    store_skipped: str = ""
    records: list[Record] = field(default_factory=list)
    _schema: Any = None
    _identity: int = 0
    #: a subject of it may be there
    _asked: bool = False
    _remains: list[str] = field(default_factory=list)
    _read: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> list[Record]:
        """Measure, and take away whatever happens. Raises BrokersError where nothing could be begun."""
        own, subject = Own(self.login), new_name("events")
        remains = self._remains
        with interruptible() as signals:
            try:
                with kafka_brokers.session(self.login, self.timeout) as admin:
                    remains += sweep(admin)
                    topic = own.topic(admin, "events", 3, self.replicas)
            except kafka_brokers.BrokersError as error:
                if not begun(own, error):
                    raise
                found = Record(PRODUCED, TITLES[PRODUCED], FAILED, None, self.events, "events", detail=str(error))
                self.records.append(found)
            else:
                self._flow(subject, topic, own.group("events"))
            finally:
                with signals.hold():
                    own.take_away()
                    self.registry.renew(Deadline(REMOVAL))
                    remains += [self.registry.remove(subject) if self._asked else "", own.remains]
        self._measure(REMOVED, "nothing", lambda: _nothing([each for each in remains if each]))
        measured = {record.id for record in self.records}
        self.records += [
            Record(identity, title, BLOCKED, detail="what comes before it failed")
            for identity, title in TITLES.items()
            if identity not in measured
        ]
        return sorted(self.records, key=lambda record: list(TITLES).index(record.id))

    def _flow(self, subject: str, topic: str, group: str) -> None:
        """One step after the other, as far as it goes."""
        if self._measure(SCHEMA, "registered", lambda: self._register(subject)):
            self._measure(REFUSED, "refused", lambda: self._refuse(subject))
            if self._measure(PRODUCED, self.events, lambda: self._produce(topic), "events"):
                self._measure(CONSUMED, self.events, lambda: self._consume(topic, group), "events")
        self._rows()

    def _register(self, subject: str) -> tuple[Any, str]:
        for old in stale(self.registry.subjects(), datetime.now(UTC)):  # a run that was killed
            self._remains.append(self.registry.remove(old))
        self._asked = True  # before it is there: without an answer it may be there as well
        self._identity = self.registry.register(subject, Schema(json.dumps(EVENT)))
        self._schema = self._read_schema(self._identity)
        return "registered", f"subject {subject}, id {self._identity}"

    def _read_schema(self, identity: int) -> Any:
        """The schema that the registry has for an id."""
        end = time.monotonic() + BEHIND
        while True:
            try:
                text = self.registry.ask("GET", f"/schemas/ids/{identity}")["schema"]
            except RegistryError as error:
                if error.status != NOT_FOUND or time.monotonic() > end:
                    raise
                time.sleep(ASK_AGAIN)
                continue
            try:
                return fastavro.parse_schema(json.loads(text))
            except fastavro.schema.SchemaParseException as error:
                raise ValueError(f"schema {identity} of the registry cannot be used: {error}") from error

    def _refuse(self, subject: str) -> tuple[Any, str]:
        """The producer refuses the event by the registry's schema, and the registry a schema that would allow it.

        Where the level NONE takes that, it still refuses a schema that is none.
        """
        by_producer = ""
        try:
            encode(self._identity, self._schema, INVALID)
        except ValueError as error:
            by_producer = f"by the producer, as brokers do not look into messages: {error}"
        if not by_producer:
            raise UnmetError("accepted", "the producer wrote a text where the schema has a number")
        for name, schema in REFUSED_SCHEMAS.items():
            try:
                self.registry.register(subject, Schema(json.dumps(schema)))
            except RegistryError as error:
                if error.status not in (INCOMPATIBLE, UNPROCESSABLE):
                    raise
                return "refused", f"{by_producer}; by the registry, as a schema {name} (HTTP {error.status})"
        raise UnmetError("accepted", f"the registry took a schema {' and one '.join(REFUSED_SCHEMAS)}")

    def _produce(self, topic: str) -> tuple[Any, str]:
        acknowledged, refused = 0, []
        with kafka_brokers.talking(), kafka_clients.producer(self.login, linger_ms=5) as writer:
            waiting = []
            for number in range(self.events):
                value = event(number)
                message = encode(self._identity, self._schema, value)
                waiting.append(writer.send(topic, value=message, key=value["id"].encode()))
            deadline = time.monotonic() + self.timeout
            for future in waiting:
                try:
                    future.get(timeout=max(deadline - time.monotonic(), 0.1))
                    acknowledged += 1
                except kafka_brokers.kafka_errors.KafkaError as error:
                    refused.append(type(error).__name__)
        if refused:
            raise UnmetError(acknowledged, f"refused: {', '.join(sorted(set(refused)))}")
        return acknowledged, f"schema id {self._identity}"

    def _consume(self, topic: str, group: str) -> tuple[Any, str]:
        schemas: dict[int, Any] = {}

        def schema_of(identity: int) -> Any:
            if identity not in schemas:
                schemas[identity] = self._read_schema(identity)
            return schemas[identity]

        with kafka_brokers.talking(), kafka_clients.consumer(self.login, group_id=group) as reader:
            reader.subscribe([topic])
            places = kafka_clients.partitions_of(topic, 3)
            messages = kafka_clients.values_to_end(reader, places, self.timeout)
            reader.commit()
        wrong = []
        for message in messages:
            try:
                self._read.append(decode(message, schema_of)[1])
            except UndecodableError as error:
                wrong.append(str(error))
        self._read.sort(key=lambda each: each["number"])
        same = self._read == [event(number) for number in range(self.events)]
        if wrong or not same:
            raise UnmetError(len(self._read), "; ".join(wrong[:3]) or "they are not the events that were written")
        return len(self._read), f"schemas {', '.join(map(str, schemas))}"

    def _rows(self) -> None:
        store = self.store
        if store is None:
            self.records.append(Record(DATABASE, TITLES[DATABASE], SKIPPED, detail=self.store_skipped))
        elif self._read:
            self._measure(DATABASE, len(self._read), lambda: self._keep(store), "rows")

    def _keep(self, store: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> tuple[Any, str]:
        rows = store(self._read)
        if rows != self._read:
            raise UnmetError(len(rows), "the rows are not the events")
        return len(rows), "in a transaction of their own, in a table that goes with it"

    def _measure(self, identity: str, expected: Any, act: Callable[[], tuple[Any, str]], unit: str = "") -> bool:
        """One record. What is refused is a failure, and so is no answer."""
        began = time.monotonic()
        try:
            observed, detail = act()
            status = PASSED
        except UnmetError as unmet:
            observed, detail, status = unmet.observed, str(unmet), FAILED
        except (ClusterError, kafka_brokers.BrokersError, KeyError, ValueError) as error:
            observed, detail, status = None, str(error), FAILED
        seconds = round(time.monotonic() - began, 3)
        self.records.append(Record(identity, TITLES[identity], status, observed, expected, unit, seconds, detail))
        return status == PASSED


def _nothing(remains: list[str]) -> tuple[Any, str]:
    if remains:
        raise UnmetError("something", f"remains: {'; '.join(remains)}")
    return "nothing", ""


def not_run(status: str, reason: str) -> list[Record]:
    """The criteria when the check was not asked for (skipped), or could not be made (blocked): the first says why."""
    return unmeasured_all(TITLES, status, reason, "nothing was tried")
