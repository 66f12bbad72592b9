# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subjects and checks of a registry: against a fake with Confluent's answers, and with Apicurio's where they differ."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.action.schema_subject import schema_text, shown, wanted_subject
from ansible_collections.synergyflow.platform.plugins.module_utils import schema_registry_probe as probe_module
from ansible_collections.synergyflow.platform.plugins.module_utils import schema_subject as subjects
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.interruption import InterruptedRunError
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_own import new_name, stale
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_registry import (
    Registry,
    RegistryError,
    Schema,
    Verdict,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_registry_probe import Probe, percentile
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_subject import Wanted
from failing import fails
from fake_registry import FakeRegistry, Refusal, Subject, serving


def record(*fields: tuple[str, str], default: Any = None) -> dict[str, Any]:
    extra = {} if default is None else {"default": default}
    rows = [{"name": name, "type": kind, **(extra if number else {})} for number, (name, kind) in enumerate(fields)]
    return {"type": "record", "name": "Event", "fields": rows}


ONE = Schema(json.dumps(record(("id", "string"))))
TWO = Schema(json.dumps(record(("id", "string"), ("note", "string"), default="")))
BAD = Schema(json.dumps(record(("id", "int"))))


@pytest.fixture(params=[False, True], ids=["confluent", "apicurio"])
def fake(request: pytest.FixtureRequest) -> FakeRegistry:
    return FakeRegistry(apicurio=request.param, path="/apis/ccompat/v7" if request.param else "")


@pytest.fixture
def registry(fake: FakeRegistry) -> Iterator[Registry]:
    with serving(fake) as url, Registry(url, Deadline(30)) as it:
        yield it


def bring(registry: Registry, wanted: Wanted) -> list[str]:
    """Bring a subject to its state; the steps that it took."""
    found = subjects.look(registry, wanted)
    steps = subjects.plan(wanted, found)
    subjects.change(registry, wanted, found, steps)
    assert subjects.plan(wanted, subjects.look(registry, wanted)) == [], "a second run has something to do"
    return steps


# --- a subject


def test_a_schema_is_registered_once_whatever_its_layout(registry: Registry, fake: FakeRegistry) -> None:
    assert bring(registry, Wanted("s", schema=ONE)) == ["register"]
    for text in (json.dumps(json.loads(ONE.text), indent=4), json.dumps(json.loads(ONE.text), sort_keys=True)):
        assert bring(registry, Wanted("s", schema=Schema(text))) == []
    assert bring(registry, Wanted("s", schema=TWO)) == ["register"]
    assert bring(registry, Wanted("s", schema=ONE)) == [], "an earlier version is a version"
    assert registry.versions("s") == [1, 2]


@pytest.mark.parametrize("kind", ["PROTOBUF", "JSON"])
def test_other_types_and_references(registry: Registry, fake: FakeRegistry, kind: str) -> None:
    registry.register("base", ONE)
    text = 'syntax = "proto3";' if kind == "PROTOBUF" else '{"type": "object"}'
    reference = {"name": "base", "subject": "base", "version": 1}
    assert bring(registry, Wanted("s/x", schema=Schema(text, kind, [reference]))) == ["register"]
    found = registry.read("s/x", 1)
    assert (found["schemaType"], found["references"]) == (kind, [reference])


def test_the_level_comes_first_where_it_decides(registry: Registry, fake: FakeRegistry) -> None:
    assert bring(registry, Wanted("s", schema=ONE, level="FULL")) == ["register", "set_level"]
    assert bring(registry, Wanted("s", schema=BAD, level="NONE")) == ["set_level", "register"]
    assert fake.levels == {"s": "NONE"}


def test_a_refused_version_says_why_and_leaves_the_level_as_it_was(registry: Registry, fake: FakeRegistry) -> None:
    bring(registry, Wanted("s", schema=ONE, level="NONE"))
    wanted = Wanted("s", schema=BAD, level="BACKWARD")
    found = subjects.look(registry, wanted)
    with pytest.raises(ClusterError, match=r"subject s: .*not compatible by its level BACKWARD.*TYPE_MISMATCH: id"):
        subjects.change(registry, wanted, found, subjects.plan(wanted, found))
    assert fake.levels == {"s": "NONE"}
    assert registry.versions("s") == [1]


def test_deleting_is_soft_unless_it_is_for_good(registry: Registry, fake: FakeRegistry) -> None:
    bring(registry, Wanted("s", schema=ONE))
    assert bring(registry, Wanted("s", present=False)) == ["delete"]
    assert registry.subjects() == []
    assert registry.subjects(deleted=True) == ["s"]
    assert bring(registry, Wanted("s", present=False, permanent=True)) == ["delete_permanently"]
    bring(registry, Wanted("t", schema=ONE))
    assert bring(registry, Wanted("t", present=False, permanent=True)) == ["delete", "delete_permanently"]
    assert fake.subjects == {}
    assert bring(registry, Wanted("never-there", present=False, permanent=True)) == []


def test_check_mode_asks_and_writes_nothing(registry: Registry, fake: FakeRegistry) -> None:
    bring(registry, Wanted("s", schema=ONE))
    before = list(fake.writes)

    def predicted(wanted: Wanted) -> Any:
        found = subjects.look(registry, wanted)
        return subjects.predict(registry, wanted, found, subjects.plan(wanted, found))

    assert predicted(Wanted("s", schema=TWO)).compatible
    verdict = predicted(Wanted("s", schema=BAD))
    assert not verdict.compatible
    assert verdict.messages == ([] if fake.apicurio else ["TYPE_MISMATCH: id"])
    assert predicted(Wanted("new", schema=ONE)).compatible
    assert predicted(Wanted("s", schema=BAD, level="NONE")).compatible
    assert predicted(Wanted("s", schema=BAD, level="FULL")) is None, "only the registry knows, with the level set"
    assert fake.writes == before
    assert "does not say why" in subjects.refusal(Wanted("s"), "BACKWARD", [])


def test_the_diff_shows_what_the_task_is_about() -> None:
    wanted = Wanted("s", schema=TWO, level="FULL")
    found = subjects.Found([1], [1], "NONE", {"schema": ONE.text})
    before, after = subjects.state(wanted, found, ["set_level", "register"])
    assert before == {"subject": "s", "versions": [1], "schema": ONE.text, "compatibility": "NONE"}
    assert after == {"subject": "s", "versions": [1, "new"], "schema": TWO.text, "compatibility": "FULL"}
    assert '"fields": [' in shown(after)
    assert subjects.state(wanted, found, []) == (before, before)
    gone = Wanted("s", present=False, permanent=True)
    assert subjects.state(gone, found, ["delete", "delete_permanently"]) == ({"subject": "s", "versions": [1]}, {})


ARGS = {
    "subject": "s", "state": "present", "schema": None, "schema_type": "AVRO", "references": [], "compatibility": None,
    "normalize": True, "permanent": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({}, "give a schema, a compatibility, or both"),
        ({"schema": "{no json"}, "AVRO schemas are JSON, this is not"),
        ({"schema": {"a": 1}, "schema_type": "PROTOBUF"}, "a PROTOBUF schema is text"),
        ({"state": "absent", "schema": "x"}, "leave it out"),
        ({"schema": '"string"', "permanent": True}, "it goes with state absent"),
    ],
)
def test_options_that_make_no_sense_are_refused(args: dict[str, Any], words: str) -> None:
    with pytest.raises(ClusterError, match=words):
        wanted_subject({**ARGS, **args})


def test_a_schema_may_be_data_or_text() -> None:
    assert schema_text({"type": "string"}, "JSON") == '{"type": "string"}'
    assert schema_text('{"type": "string"}', "AVRO") == '{"type": "string"}'


# --- the client


def test_a_refusal_tells_the_registrys_reason_and_a_hint(registry: Registry, fake: FakeRegistry) -> None:
    def leaderless(method: str, path: str) -> None:
        if method == "POST":
            raise Refusal(500, 50004, "Leader not known.")

    fake.before = leaderless
    with pytest.raises(RegistryError, match=r"HTTP 500, 50004.: Leader not known.; the replicas have no leader") as it:
        registry.register("s", ONE)
    assert (it.value.status, it.value.code) == (500, 50004)


def test_what_is_no_registry_is_said() -> None:
    with serving(FakeRegistry(path="/apis/ccompat/v7")) as url:
        base = url.removesuffix("/apis/ccompat/v7")
        with Registry(base, Deadline(10)) as registry, pytest.raises(RegistryError, match="Is its path right"):
            registry.subjects()


def test_a_log_in_is_sent_and_its_refusal_said() -> None:
    with serving(FakeRegistry(login=("u", "p"))) as url:
        with Registry(url, Deadline(10), user="u", password="a-secret-word") as registry:
            assert registry.subjects() == []
        with Registry(url, Deadline(10)) as registry, pytest.raises(RegistryError, match="refuses the log-in"):
            registry.subjects()


def test_no_answer_is_said_in_few_words() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with Registry(url, Deadline(10)) as registry, pytest.raises(RegistryError, match="refused") as it:
            registry.subjects()
        assert len(str(it.value)) < 150, str(it.value)
        told = Registry(url, Deadline(10), explain=lambda: "no ready pod behind Service schema-registry")
        with told as registry, pytest.raises(RegistryError, match="does not answer: no ready pod"):
            registry.subjects()
    with Registry(url, Deadline(0)) as registry, pytest.raises(RegistryError, match="the time is up"):
        registry.subjects()


@pytest.mark.parametrize("url", ["registry:8081", "ftp://registry", "http://", "http://user:word@registry"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(ClusterError, match="url: "):
        Registry(url, Deadline(10))


# --- the check


def run(registry: Registry, level: str | None = "BACKWARD", **options: Any) -> dict[str, Any]:
    probe = Probe(registry, level, 5, options.pop("target", 10_000), "in a test", sleep=lambda _s: None, **options)
    records = {record.id.rpartition(".")[2]: record for record in probe.run(write=options.get("write", True))}
    assert list(records) == list(probe_module.TITLES), "a criterion is missing, or not in its place"
    return records


def failed(records: dict[str, Any]) -> list[str]:
    return [aspect for aspect, record in records.items() if record.status == "failed"]


def test_a_good_registry_meets_every_criterion_and_is_left_as_it_was(registry: Registry, fake: FakeRegistry) -> None:
    fake.subjects["mine"] = Subject({1: {"subject": "mine", "version": 1, "id": 9, "schema": '"string"'}})
    records = run(registry)
    assert {record.status for record in records.values()} == {"passed"}, records
    assert "TYPE_MISMATCH" in records["incompatible"].detail
    assert list(fake.subjects) == ["mine"]


def test_a_registry_in_mode_none_accepts_the_incompatible_schema(registry: Registry, fake: FakeRegistry) -> None:
    fake.level = "NONE"
    records = run(registry)
    assert failed(records) == ["compatibility", "incompatible", "versions"]
    fails(records, "schema_registry_check.compatibility", "NONE instead of BACKWARD")
    fails(records, "schema_registry_check.incompatible", "accepted instead of refused")
    fails(records, "schema_registry_check.incompatible", "the level that counts is NONE")
    assert fake.subjects == {}
    expected = run(registry, level="NONE")
    assert failed(expected) == []
    assert expected["incompatible"].status == "skipped"


def test_a_refusal_without_a_reason_and_one_that_contradicts_itself_fail(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    compatible = registry.compatible
    monkeypatch.setattr(registry, "compatible", lambda *_given: Verdict(True))
    records = run(registry)
    assert failed(records) == ["incompatible"]
    assert "compatible by the compatibility endpoint" in records["incompatible"].observed
    monkeypatch.setattr(registry, "compatible", compatible)
    monkeypatch.setattr(registry, "register", without_words(registry.register))
    records = run(registry)
    assert failed(records) == ["incompatible"]
    assert records["incompatible"].observed == "refused with 409, no reason"


def without_words(register: Any) -> Any:
    """A registry whose refusals say nothing."""

    def registered(*given: Any) -> Any:
        try:
            return register(*given)
        except RegistryError as error:
            raise RegistryError(str(error), error.status, error.code, "") from error

    return registered


def test_a_slow_registry_misses_the_target(registry: Registry) -> None:
    ticks = iter(range(10**6))
    records = run(registry, target=100, clock=lambda: float(next(ticks)))
    assert failed(records) == ["latency"]
    fails(records, "schema_registry_check.latency", "1000.0 instead of 100: p50 1000.0")


def test_a_type_that_is_not_taken_is_named(registry: Registry, fake: FakeRegistry) -> None:
    fake.types = ["AVRO"]
    records = run(registry)
    assert failed(records) == ["formats"]
    fails(records, "schema_registry_check.formats", "missing: PROTOBUF, JSON")


def refuse(fake: FakeRegistry, when: Any, status: int = 500, code: int = 50001) -> None:
    def before(method: str, path: str) -> None:
        if when(method, path):
            raise Refusal(status, code, "no")

    fake.before = before


def test_a_registry_that_takes_no_write_blocks_what_needs_one(registry: Registry, fake: FakeRegistry) -> None:
    refuse(fake, lambda method, path: method == "POST" and path.endswith("/versions"))
    records = run(registry)
    assert failed(records) == ["register", "protobuf"]
    fails(records, "schema_registry_check.register", "cannot use its topic in Kafka")
    assert {records[each].status for each in ("read_back", "compatible", "incompatible", "versions")} == {"blocked"}


def test_a_compatible_version_that_is_refused_fails(registry: Registry, fake: FakeRegistry) -> None:
    def before(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/versions") and any(it.versions for it in fake.subjects.values()):
            raise Refusal(409, 409, "everything is incompatible today")

    fake.before = before
    records = run(registry)
    fails(records, "schema_registry_check.compatible", "refused with 409 instead of accepted: ")
    assert records["versions"].status == "blocked"


def test_another_schema_than_the_registered_one_fails(registry: Registry, fake: FakeRegistry) -> None:
    def forget(method: str, path: str) -> None:
        for name, subject in fake.subjects.items():
            for version in subject.versions.values():
                version["schema"] = '"string"' if "protobuf" not in name else 'syntax = "proto2";'

    fake.before = lambda method, path: forget(method, path) if method == "GET" else None
    records = run(registry)
    fails(records, "schema_registry_check.read_back", "another schema instead of the same")
    fails(records, "schema_registry_check.protobuf", "another schema instead of the same")


def test_a_version_that_is_lost_fails(registry: Registry, fake: FakeRegistry) -> None:
    def lose(method: str, path: str) -> None:
        if method == "GET" and path.endswith("/versions"):
            for subject in fake.subjects.values():
                subject.versions.pop(1, None)

    fake.before = lose
    records = run(registry)
    assert failed(records) == ["versions"]
    fails(records, "schema_registry_check.versions", "2 instead of 1, 2")


def test_what_is_left_behind_is_said(registry: Registry, fake: FakeRegistry) -> None:
    refuse(fake, lambda method, path: method == "DELETE", 422, 42205)
    records = run(registry)
    assert failed(records) == ["removed"]
    fails(records, "schema_registry_check.removed", "platform-check-")


def test_all_is_removed_also_when_something_unforeseen_happens(registry: Registry, fake: FakeRegistry) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(_subject: str, version: int | str) -> Any:
        raise Interrupted

    registry.read = interrupt  # type: ignore[method-assign]
    probe = Probe(registry, None, 1, 10_000, "in a test")
    with pytest.raises(Interrupted):
        probe.run()
    assert fake.subjects == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_is_removed_when_the_run_is_interrupted(registry: Registry, fake: FakeRegistry, number: int) -> None:
    before = signal.getsignal(number)

    def interrupt(method: str, path: str) -> None:
        # once while the check writes, once more while it removes
        if method in ("POST", "DELETE") and "protobuf" in path:
            os.kill(os.getpid(), number)

    fake.before = interrupt
    probe = Probe(registry, None, 1, 10_000, "in a test")
    with pytest.raises(InterruptedRunError):
        probe.run()
    assert fake.subjects == {}
    assert signal.getsignal(number) == before


def earlier(minutes: float) -> str:
    return new_name("avro", datetime.now(UTC) - timedelta(minutes=minutes))


def test_what_killed_runs_left_is_removed(registry: Registry, fake: FakeRegistry) -> None:
    one = {1: {"subject": "x", "version": 1, "id": 9, "schema": '"string"'}}
    old, half_gone, running = earlier(45), earlier(40), earlier(5)
    fake.subjects = {old: Subject(one), half_gone: Subject(one, deleted=True), running: Subject(one)}
    fake.subjects["platform-check-notes"] = Subject(one)
    assert failed(run(registry)) == []
    assert set(fake.subjects) == {running, "platform-check-notes"}


def test_what_killed_runs_left_and_stays_is_said(registry: Registry, fake: FakeRegistry) -> None:
    old = earlier(45)
    fake.subjects = {old: Subject({1: {"subject": old, "version": 1, "id": 9, "schema": '"string"'}})}
    refuse(fake, lambda method, path: method == "DELETE" and path.endswith(old), 422, 42205)
    records = run(registry)
    assert failed(records) == ["removed"]
    fails(records, "schema_registry_check.removed", f"subject {old}: ")


def test_the_names_of_a_check_tell_when_it_was(registry: Registry) -> None:
    names = Probe(registry, None, 1, 10_000, "in a test").subjects
    assert stale(names, datetime.now(UTC) + timedelta(hours=1)) == list(names)


def test_what_there_is_no_time_for_is_blocked_but_the_removal_has_time_of_its_own(
    registry: Registry, fake: FakeRegistry
) -> None:
    now = [0.0]
    registry.renew(Deadline(10, clock=lambda: now[0]))

    def late(method: str, path: str) -> None:
        if method == "POST" and "protobuf" in path:
            now[0] = 11.0

    fake.before = late
    records = run(registry)
    assert failed(records) == []
    assert records["protobuf"].status == "blocked"
    assert "the time is up" in records["protobuf"].detail
    assert records["removed"].status == "passed"
    assert fake.subjects == {}


def test_check_mode_registers_nothing(registry: Registry, fake: FakeRegistry) -> None:
    probe = Probe(registry, "BACKWARD", 3, 10_000, "in a test")
    statuses = {record.id.rpartition(".")[2]: record.status for record in probe.run(write=False)}
    assert statuses["health"] == statuses["latency"] == "passed"
    assert {statuses[each] for each in probe_module.WRITING} == {"skipped"}
    assert fake.writes == []


def test_a_registry_that_does_not_answer_is_one_failure() -> None:
    with Registry("http://127.0.0.1:9", Deadline(5), explain=lambda: "no ready pod") as registry:
        records = run(registry)
    assert failed(records) == ["health"]
    fails(records, "schema_registry_check.health", "no ready pod")
    assert {record.status for aspect, record in records.items() if aspect != "health"} == {"blocked"}


@pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (95, 4.0), (99, 4.0), (1, 1.0)])
def test_percentiles_are_by_nearest_rank(percent: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == value
