# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events on their way: what is written is read, and what is no event is told from one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fastavro
import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_clients
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_postgres import PostgresError
from ansible_collections.synergyflow.platform.plugins.module_utils.event_flow import (
    CONSUMED,
    DATABASE,
    EVENT,
    INVALID,
    REFUSED,
    REMOVED,
    TITLES,
    EventFlow,
    UndecodableError,
    decode,
    encode,
    event,
    not_run,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.event_flow import SCHEMA as SCHEMA_RECORD
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import BrokersError, KafkaLogin
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_own import Own
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_registry import (
    Registry,
    RegistryError,
    Schema,
)
from failing import fails

SCHEMA = fastavro.parse_schema(EVENT)


@pytest.mark.parametrize("number", [0, 1, 2**40])
def test_what_is_written_is_read(number: int) -> None:
    message = encode(7, SCHEMA, event(number))
    assert message[:5] == b"\0\0\0\0\7"
    assert decode(message, lambda identity: SCHEMA) == (7, event(number))


@pytest.mark.parametrize("value", [INVALID, {"id": "x"}, {**event(1), "more": 1}, {**event(1), "number": None}])
def test_what_is_not_as_the_schema_says_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"number|more|summary"):
        encode(7, SCHEMA, value)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (None, "does not begin with a schema's id"),
        (b"plain text", "does not begin with a schema's id"),
        (b"\0\0\0\0", "does not begin"),
        (encode(7, SCHEMA, event(1))[:-3], "not as schema 7 says"),
        (encode(7, SCHEMA, event(1)) + b"x", "longer than schema 7"),
    ],
)
def test_what_is_no_event_is_told(message: bytes | None, words: str) -> None:
    with pytest.raises(UndecodableError, match=words):
        decode(message, lambda identity: SCHEMA)


class FakeRegistry:
    """A registry of one subject that refuses with a status, or not at all; `lost` answers get lost."""

    def __init__(self, refuses: tuple[int, ...] = (409, 422), schema: Any = EVENT, lost: bool = False) -> None:
        self.refuses, self.schema, self.lost = list(refuses), schema, lost
        self.registered: list[str] = []
        self.behind = 1

    def subjects(self) -> list[str]:
        return []

    def register(self, subject: str, schema: Schema) -> int:
        first = not self.registered
        self.registered.append(subject)
        if self.lost:
            raise RegistryError("no answer")
        status = 0 if first or not self.refuses else self.refuses.pop(0)
        if status:
            raise RegistryError(f"HTTP {status}", status)
        return 7

    def ask(self, method: str, path: str) -> Any:
        assert path == "/schemas/ids/7"
        if self.behind:
            self.behind -= 1
            raise RegistryError("not yet", 404)
        return {"schema": json.dumps(self.schema)}

    def renew(self, deadline: Any) -> None:
        pass

    def delete(self, subject: str, permanent: bool) -> None:
        if subject not in self.registered:
            raise RegistryError("there is none", 404)
        if permanent:
            raise RegistryError("it is kept", 500)

    remove = Registry.remove


def flow(store: Any, registry: Any = None) -> EventFlow:
    made = EventFlow(KafkaLogin(["b:1"]), registry, 2, 3, 1, store, store_skipped="no database is named")
    made._read = [event(0), event(1)]
    return made


def kept(store: Any) -> list[Record]:
    made = flow(store)
    made._rows()
    return made.records


def test_rows_are_the_events() -> None:
    (record,) = kept(list)
    assert (record.id, record.status, record.observed) == (DATABASE, "passed", 2)
    (record,) = kept(None)
    assert (record.status, record.detail) == ("skipped", "no database is named")
    fails(kept(lambda events: events[:1]), "AC12-database", "1 instead of 2: the rows are not the events")

    def refuse(events: Any) -> Any:
        raise PostgresError("no pool")

    fails(kept(refuse), "AC12-database", "no pool")


def refused(registry: FakeRegistry) -> list[Record]:
    made = flow(None, registry)
    made._register("s")
    made._measure(REFUSED, "refused", lambda: made._refuse("s"))
    return made.records


def test_the_producer_refuses_the_event_and_the_registry_its_schema() -> None:
    (record,) = refused(FakeRegistry())
    assert (record.status, record.observed) == ("passed", "refused")
    assert "by the registry, as a schema that would allow it (HTTP 409)" in record.detail
    # at the level NONE there is nothing incompatible
    (record,) = refused(FakeRegistry((0, 422)))
    assert "as a schema that is none (HTTP 422)" in record.detail
    fails(refused(FakeRegistry((0, 0))), "AC12-refused", "accepted instead of refused: the registry took a schema")
    fails(refused(FakeRegistry((500,))), "AC12-refused", "HTTP 500")


def test_events_are_written_by_the_schema_that_the_registry_has() -> None:
    loose = {**EVENT, "fields": [EVENT["fields"][0], {"name": "number", "type": "string"}, EVENT["fields"][2]]}
    fails(refused(FakeRegistry(schema=loose)), "AC12-refused", "accepted instead of refused: the producer wrote")


def test_a_producer_that_takes_anything_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastavro.schemaless_writer", lambda *args, **kwargs: None)
    fails(refused(FakeRegistry()), "AC12-refused", "accepted instead of refused: the producer wrote")


def consumed(monkeypatch: pytest.MonkeyPatch, messages: list[bytes | None]) -> list[Record]:
    """The record of a consumer that is given these messages."""

    class Consumer:
        def subscribe(self, topics: list[str]) -> None:
            assert topics == ["t"]

        def commit(self) -> None:
            pass

    @contextmanager
    def consumer(*args: Any, **options: Any) -> Iterator[Consumer]:
        yield Consumer()

    monkeypatch.setattr(kafka_clients, "consumer", consumer)
    monkeypatch.setattr(kafka_clients, "values_to_end", lambda *args: messages)
    made = flow(None, FakeRegistry())
    made._read = []
    made._measure(CONSUMED, 2, lambda: made._consume("t", "g"), "events")
    return made.records


def test_events_that_come_otherwise_than_they_were_written_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    good = [encode(7, SCHEMA, event(number)) for number in (1, 0)]
    (record,) = consumed(monkeypatch, [*good])
    assert (record.status, record.observed) == ("passed", 2), "partitions have no order among each other"
    fails(consumed(monkeypatch, [good[1]]), "AC12-consumed", "1 instead of 2: they are not the events that were")
    fails(consumed(monkeypatch, [*good, b"plain text"]), "AC12-consumed", "it does not begin with a schema's id")


def run(monkeypatch: pytest.MonkeyPatch, registry: FakeRegistry, error: BrokersError | None = None) -> dict[str, Any]:
    """The records of a run on brokers that make a topic, or do not and say why."""

    class Admin:
        def list_topics(self) -> list[str]:
            return []

        list_groups = list_topics

        def create_topics(self, *args: Any, **options: Any) -> None:
            if error:
                raise error

    @contextmanager
    def session(*args: Any, **options: Any) -> Iterator[Admin]:
        yield Admin()

    monkeypatch.setattr("ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers.session", session)
    monkeypatch.setattr(Own, "take_away", lambda own: None)
    made = flow(None, registry)
    made._read = []
    return {record.id: record for record in made.run()}


def test_a_subject_whose_answer_was_lost_is_taken_away_too(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, FakeRegistry(lost=True))
    fails(found, "AC12-schema", "no answer")
    fails(found, "AC12-removed", "something instead of nothing: remains: ")
    fails(found, "AC12-removed", "it is kept")


def test_a_topic_that_kafka_does_not_make_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = FakeRegistry()
    found = run(monkeypatch, registry, BrokersError("unreachable", "InvalidReplicationFactorError"))
    fails(found, "AC12-produced", "InvalidReplicationFactorError")
    assert found[SCHEMA_RECORD].status == "blocked"
    assert found[REMOVED].status == "passed"
    assert registry.registered == []
    with pytest.raises(BrokersError, match="denied"):
        run(monkeypatch, FakeRegistry(), BrokersError("permission", "denied"))


def test_not_run_says_why_once() -> None:
    found = not_run("blocked", "no broker")
    assert [record.id for record in found] == list(TITLES)
    assert [record.detail for record in found][:2] == ["no broker", "nothing was tried"]
