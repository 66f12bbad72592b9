# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores of metrics and logs: answers as VictoriaMetrics and VictoriaLogs 1.102 give them, and what comes of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from ansible_collections.synergyflow.platform.plugins.action.logs_query import moment
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.store_expectations import Expectation
from ansible_collections.synergyflow.platform.plugins.module_utils.stores import Series, Store, StoreError

UP = {"__name__": "up", "cluster": "apps", "pod": "db-1"}
VECTOR = {
    "status": "success",
    "isPartial": False,
    "data": {"resultType": "vector", "result": [{"metric": UP, "value": [1795258800, "1"]}]},
    "stats": {"seriesFetched": "1", "executionTimeMsec": 2},
}
LINES = '{"_time":"2026-11-21T11:00:00Z","_msg":"ready","pod":"db-1"}\n{"_time":"2026-11-21T11:00:01Z","_msg":"on"}\n'
SPAN = ("2026-11-21T11:00:00Z", "2026-11-21T12:00:00Z")


class FakeStore:
    """Gives one answer, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.text = 200, json.dumps(VECTOR)
        self.asked: list[tuple[str, dict[str, list[str]], str | None]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                fake.asked.append((self.path, form, self.headers.get("Authorization")))
                content = fake.text.encode()
                self.send_response(fake.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def fake() -> Iterator[FakeStore]:
    it = FakeStore()
    yield it
    it.server.shutdown()


@pytest.fixture
def store(fake: FakeStore) -> Iterator[Store]:
    with Store(f"{fake.url}/some/path/", Deadline(5), user="u", password="p") as it:
        yield it


def test_a_vector(fake, store):
    assert store.metrics('up{cluster="apps"}', "1795258800") == [Series(UP, 1.0)]
    path, form, login = fake.asked[0]
    assert (path, form) == ("/some/path/api/v1/query", {"query": ['up{cluster="apps"}'], "time": ["1795258800"]})
    assert login == "Basic dTpw"


def test_a_scalar_is_one_series_without_labels(fake, store):
    fake.text = json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [1795258800, "NaN"]}})
    (found,) = store.metrics("1/0-1/0")
    assert found.labels == {}
    assert found.value != found.value


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (200, {**VECTOR, "isPartial": True}, "only a part of the answer"),
        (200, {"status": "error", "error": "no"}, "not like Prometheus: no"),
        (200, {"status": "success", "data": {"resultType": "matrix", "result": []}}, "one value a series"),
        (200, "<html>", "not with JSON"),
        (422, {"status": "error", "errorType": "422", "error": 'cannot parse "up{"'}, 'HTTP 422.: cannot parse "up{"'),
        (401, "", "another log-in"),
        (302, "", "HTTP 302"),
    ],
)
def test_what_is_no_answer(fake, store, status, answer, said):
    fake.status, fake.text = status, answer if isinstance(answer, str) else json.dumps(answer)
    with pytest.raises(StoreError, match=said) as caught:
        store.metrics("up{")
    assert caught.value.status in (0, status)


def test_nobody_there():
    with Store("http://127.0.0.1:1", Deadline(5)) as store, pytest.raises(StoreError, match="does not answer"):
        store.metrics("up")


@pytest.mark.parametrize("url", ["metrics:8428", "http://u:p@h", "ftp://h"])
def test_addresses_that_are_none(url):
    with pytest.raises(ClusterError, match="url:"):
        Store(url, Deadline(5))


def test_lines_are_asked_for_with_a_span_and_a_limit(fake, store):
    fake.text = LINES
    assert [each["_msg"] for each in store.logs("*", *SPAN, limit=2)] == ["ready", "on"]
    path, form, _ = fake.asked[0]
    assert path == "/some/path/select/logsql/query"
    assert form == {"query": ["*"], "start": [SPAN[0]], "end": [SPAN[1]], "limit": ["2"]}


def test_lines_are_counted_by_the_store(fake, store):
    fake.text = '{"lines":"1234"}\n'
    assert store.count_logs('{cluster="apps"}', *SPAN) == 1234
    assert fake.asked[0][1]["query"] == ['{cluster="apps"} | stats count() as lines']
    fake.text = '{"other":"1"}\n'
    with pytest.raises(StoreError, match="not like VictoriaLogs"):
        store.count_logs("*", *SPAN)
    fake.text = "[1]\n"
    with pytest.raises(StoreError, match="not like VictoriaLogs"):
        store.count_logs("*", *SPAN)
    fake.status, fake.text = 400, "cannot parse query"
    with pytest.raises(StoreError, match="cannot parse query"):
        store.count_logs("(", *SPAN)


def some(*values: float) -> list[Series]:
    return [Series({"pod": f"p-{number}"}, value) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("expectation", "series", "wrong"),
    [
        (Expectation(), some(1), ""),
        (Expectation(), [], "found no series"),
        (Expectation(at_least=3), some(1, 1), "found 2 series"),
        (Expectation(at_most=1), some(1, 1), "found 2 series"),
        (Expectation(absent=True), [], ""),
        (Expectation(absent=True), some(1), "found 1 series"),
        (Expectation(value="< 50"), some(1, 49.9), ""),
        (Expectation(value="< 50"), some(1, 50), "1 of 2 series are not < 50: {pod=p-1} 50"),
        (Expectation(value=">= 1"), some(float("nan")), "1 of 1 series are not >= 1"),
        (Expectation(value="!= 1"), some(float("nan")), "1 of 1 series are not != 1"),
        (Expectation(value=">= 1"), [], "found no series"),
    ],
)
def test_expectations(expectation, series, wrong):
    expectation.check()
    found = expectation.of_series(series)
    assert found.startswith(wrong) if wrong else found == ""


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (Expectation(absent=True, value="> 1"), "absent goes with none"),
        (Expectation(at_least=0), "absent: true"),
        (Expectation(at_least=3, at_most=2), "less than at_least"),
        (Expectation(value="about 5"), "a comparison such as"),
    ],
)
def test_expectations_that_are_none(expectation, said):
    with pytest.raises(ClusterError, match=said):
        expectation.check()


def test_many_series_are_not_all_named():
    found = Expectation(value="> 9").of_series(some(*range(8)))
    assert "p-4" in found
    assert "p-5" not in found
    assert found.endswith("and 3 more")


def test_moments():
    now = datetime(2026, 11, 21, 12, 0, 30, 500000, tzinfo=UTC)
    assert moment("start", "15m", now) == "2026-11-21T11:45:30Z"
    assert moment("start", "2026-11-21T13:00:00+01:00", now) == "2026-11-21T12:00:00Z"
    for wrong in ("yesterday", "2026-11-21T13:00:00", "15"):
        with pytest.raises(ClusterError, match="start: expected how long ago"):
            moment("start", wrong, now)


def test_words() -> None:
    words: dict[Any, str] = {
        Expectation(): "at least 1 series",
        Expectation(at_least=2, at_most=3): "2 to 3 series",
        Expectation(absent=True): "no series",
        Expectation(value="> 1"): "at least 1 series each > 1",
    }
    assert [each.words("series") for each in words] == list(words.values())
