# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retries, deadlines, and answers that say no as sentences."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import api as api_module
from ansible_collections.synergyflow.platform.plugins.module_utils.api import ApiError
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer
from ansible_collections.synergyflow.platform.plugins.module_utils.discovery import Resource
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError, UnreachableError
from scripted_api import Clock, answer, status

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", True)


@pytest.fixture(autouse=True)
def no_real_sleep(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "time", clock)


def in_turn(*answers: Any) -> Callable[..., Answer]:
    remaining = list(answers)

    def handler(*_request: Any) -> Answer:
        it = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(it, Exception):
            raise it
        return it

    return handler


def make(scripted: Any, clock: Clock, handler: Any, timeout: float = 60) -> Any:
    return scripted(handler, timeout, clock.monotonic)


@pytest.mark.parametrize(
    "failure",
    [
        status(429, "too many requests"),
        status(500, "etcdserver: leader changed"),
        status(503, "apiserver is shutting down"),
        answer(502, "bad gateway"),
        UnreachableError("connection refused"),
    ],
)
def test_passing_failures_are_asked_again(scripted: Any, clock: Clock, failure: Any) -> None:
    it = make(scripted, clock, in_turn(failure, failure, answer(200, {"ok": True})))
    assert it.json("GET", "/x") == {"ok": True}
    assert it.requests == 3


def test_retry_after_is_obeyed(scripted: Any, clock: Clock) -> None:
    wait = Answer(429, {"Retry-After": "7"}, b"{}")
    make(scripted, clock, in_turn(wait, answer(200))).json("GET", "/x")
    assert clock.pauses == [7.0]


def test_the_deadline_ends_it_with_the_last_cause(scripted: Any, clock: Clock) -> None:
    it = make(scripted, clock, in_turn(status(503, "etcd is away")), timeout=20)
    with pytest.raises(ClusterError) as failed:
        it.call("GET", "/x", about="ConfigMap n/a")
    assert "No success within 20 s" in str(failed.value)
    assert "ConfigMap n/a" in str(failed.value)
    assert "etcd is away" in str(failed.value)
    assert clock.now <= 20


def test_a_server_that_never_answers_is_given_up_early(scripted: Any, clock: Clock) -> None:
    it = make(scripted, clock, in_turn(UnreachableError("connection refused")), timeout=600)
    with pytest.raises(UnreachableError) as failed:
        it.call("GET", "/x")
    assert "https://cluster.example:6443" in str(failed.value)
    assert "connection refused" in str(failed.value)
    assert "kubeconfig and context" in str(failed.value)
    assert clock.now < 20


def test_a_server_that_goes_away_later_is_waited_for(scripted: Any, clock: Clock) -> None:
    gone = [UnreachableError("connection reset")] * 12
    it = make(scripted, clock, in_turn(answer(200), *gone, answer(200)), timeout=600)
    it.call("GET", "/x")
    it.call("GET", "/x")
    assert it.requests == 14


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 422])
def test_refusals_are_final(scripted: Any, clock: Clock, code: int) -> None:
    it = make(scripted, clock, in_turn(status(code, "no")))
    with pytest.raises(ApiError) as refused:
        it.call("PATCH", "/x")
    assert refused.value.code == code
    assert it.requests == 1


def test_an_apply_that_cannot_be_typed_is_final_although_it_is_a_500(scripted: Any, clock: Clock) -> None:
    message = "failed to create typed patch object (n/a; /v1, Kind=ConfigMap): .foo: field not declared in schema"
    it = make(scripted, clock, in_turn(status(500, message)))
    with pytest.raises(ApiError, match="field not declared"):
        it.call("PATCH", "/x")
    assert it.requests == 1


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (status(401, "Unauthorized", "Unauthorized"), "log in again"),
        (
            status(
                403,
                'secrets is forbidden: User "system:serviceaccount:a:b" cannot list resource "secrets" in API group ""'
                ' in the namespace "n"',
                "Forbidden",
            ),
            'not allowed: User "system:serviceaccount:a:b" cannot list resource "secrets"',
        ),
        (
            status(
                403,
                'configmaps "a" is forbidden: unable to create new content in namespace n'
                " because it is being terminated",
                "Forbidden",
            ),
            "wait until it is gone",
        ),
        (status(422, 'ConfigMap "a" is invalid: data: wrong', "Invalid"), "ConfigMap n/a: ConfigMap"),
        (Answer(403, {}, b"<html>proxy says no</html>"), "proxy says no"),
    ],
)
def test_refusals_as_sentences(scripted: Any, clock: Clock, refusal: Answer, said: str) -> None:
    with pytest.raises(ApiError) as refused:
        make(scripted, clock, in_turn(refusal)).call("GET", "/x", about="ConfigMap n/a")
    assert said in str(refused.value)


def test_a_list_is_read_page_by_page(scripted: Any, clock: Clock) -> None:
    def handler(method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        assert path == "/api/v1/namespaces/n/configmaps"
        page = int(query.get("continue", "0"))
        more = {"continue": str(page + 1)} if page < 2 else {}
        return answer(200, {"metadata": more, "items": [{"page": page}]})

    it = make(scripted, clock, handler)
    assert it.list(CONFIG_MAPS, "n") == [{"page": 0}, {"page": 1}, {"page": 2}]


def test_a_list_whose_token_expires_starts_again(scripted: Any, clock: Clock) -> None:
    def handler(method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        if query.get("continue"):
            return status(410, "too old", "Expired")
        more = {} if "limit" not in query else {"continue": "x"}
        return answer(200, {"metadata": more, "items": [{"whole": "limit" not in query}]})

    assert make(scripted, clock, handler).list(CONFIG_MAPS, "n") == [{"whole": True}]


def test_errors_stand_in_their_items_place(scripted: Any, clock: Clock) -> None:
    def handler(method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        return status(404, "not there") if path == "/3" else answer(200, {"path": path})

    it = make(scripted, clock, handler)
    results = it.each(lambda number: it.json("GET", f"/{number}"), range(6))
    assert [isinstance(result, ApiError) for result in results] == [number == 3 for number in range(6)]
    assert results[5] == {"path": "/5"}
    with pytest.raises(ApiError, match="not there"):
        it.all(lambda number: it.json("GET", f"/{number}"), range(6))


def test_what_is_served_is_asked_once_by_all_of_a_batch(scripted: Any, clock: Clock) -> None:
    def handler(method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        threading.Event().wait(0.05)  # so long that the others ask meanwhile
        return answer(200, {"kind": "APIVersions" if path == "/api" else "APIGroupList"})

    it = make(scripted, clock, handler)
    served = it.all(lambda _number: it.discover(), range(6))
    assert all(each is served[0] for each in served)
    assert [path for _method, path in it.connection.seen] == ["/api", "/apis"]
    assert it.discover(again=True) is not served[0]


def test_no_secret_in_an_error(scripted: Any, clock: Clock) -> None:
    it = make(scripted, clock, in_turn(status(422, "data.password: Invalid value: canary-4711", "Invalid")))
    it.masker.always(["canary-4711"])
    with pytest.raises(ApiError) as refused:
        it.call("PATCH", "/x")
    assert "canary" not in str(refused.value) + str(refused.value.status)


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"", b"[]", b"\xff"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda it: it.json("GET", "/api"),
        lambda it: it.get(CONFIG_MAPS, "n", "c"),
        lambda it: it.list(CONFIG_MAPS, "n"),
        lambda it: it.discover(),
    ],
)
def test_an_answer_of_something_else_is_said(scripted: Any, clock: Clock, ask: Any, body: bytes) -> None:
    it = make(scripted, clock, in_turn(Answer(200, {}, body)))
    with pytest.raises(ClusterError, match=r"cluster\.example:6443 answers, but not like an API server"):
        ask(it)


@pytest.mark.parametrize("last", [answer(200), status(403, "forbidden")], ids=["ready", "not to be asked"])
def test_a_server_that_has_just_started_is_waited_for(scripted: Any, clock: Clock, last: Any) -> None:
    it = make(scripted, clock, in_turn(status(500, "[-]poststarthook/crd-informer-synced failed"), last))
    it.wait_ready()
    assert [path for _method, path in it.connection.seen] == ["/readyz", "/readyz"]
