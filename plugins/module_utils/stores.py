# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores of metrics (Prometheus' API) and of logs (LogsQL), asked over HTTP. They are only read.

An answer that is not whole is no answer: whoever asks whether something is there must not be told of a part.
Upstream: https://prometheus.io/docs/prometheus/latest/querying/api/, https://docs.victoriametrics.com/victorialogs/querying/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .api import Deadline
from .errors import ClusterError
from .http_client import HttpClient, NoAnswerError

#: seconds one request may take
REQUEST_SECONDS = 30.0


class StoreError(ClusterError):
    """The store did not answer, or not as it should; `status` is HTTP's, 0 without an answer."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Series:
    """One series at one time. What has no labels is the result of an expression that took them away."""

    labels: Mapping[str, str]
    value: float

    def __str__(self) -> str:
        inner = ", ".join(f"{key}={value}" for key, value in sorted(self.labels.items()) if key != "__name__")
        return f"{self.labels.get('__name__', '')}{{{inner}}} {self.value:g}"


class Store(HttpClient):
    """One store; `options` are those of HttpClient."""

    def __init__(self, url: str, deadline: Deadline, **options: Any) -> None:
        super().__init__(url, **options)
        self._deadline = deadline

    def metrics(self, query: str, time: str = "") -> list[Series]:
        """What the expression comes to, now or at a time. Raises StoreError."""
        text = self._post("/api/v1/query", {"query": query, **({"time": time} if time else {})})
        document = self._json(text)
        if not isinstance(document, dict) or document.get("status") != "success":
            reason = document.get("error") if isinstance(document, dict) else "no object"
            raise StoreError(f"The store {self._name} answers, but not like Prometheus: {reason}.")
        if document.get("isPartial"):
            raise StoreError(f"The store {self._name} has only a part of the answer: some of its nodes are away.")
        return read_series(document.get("data") or {})

    def logs(self, query: str, start: str, end: str, limit: int) -> list[dict[str, Any]]:
        """Lines that fit, at most `limit`, within the time. Raises StoreError."""
        text = self._post("/select/logsql/query", {"query": query, "start": start, "end": end, "limit": str(limit)})
        rows = [self._json(line) for line in text.splitlines() if line.strip()]
        if not all(isinstance(row, dict) for row in rows):
            raise StoreError(f"The store {self._name} answers, but not like VictoriaLogs.")
        return rows

    def count_logs(self, query: str, start: str, end: str) -> int:
        """How many lines fit (rows, when the query ends in other pipes)."""
        rows = self.logs(f"{query} | stats count() as lines", start, end, 1)
        try:
            return int(rows[0]["lines"]) if rows else 0
        except (KeyError, ValueError) as error:
            raise StoreError(f"The store {self._name} answers, but not like VictoriaLogs.") from error

    def _post(self, path: str, form: Mapping[str, str]) -> str:
        timeout = max(min(REQUEST_SECONDS, self._deadline.left), 0.1)
        try:
            answer = self._send("POST", path, timeout, data=dict(form))
        except NoAnswerError as error:
            raise StoreError(f"The store {self._name} does not answer: {_brief(str(error))}.") from error
        if answer.status_code in (401, 403):
            raise StoreError(
                f"The store {self._name} wants another log-in (HTTP {answer.status_code}).", answer.status_code
            )
        if answer.status_code != 200:
            reason = _brief(_message(answer.text))
            raise StoreError(
                f"The store {self._name} refuses the query (HTTP {answer.status_code}): {reason}.", answer.status_code
            )
        return answer.text

    def _json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise StoreError(f"The store {self._name} answers, but not with JSON: {_brief(text)!r}.") from error


def read_series(data: Mapping[str, Any]) -> list[Series]:
    """The series of an instant query's `data`."""
    kind, result = data.get("resultType"), data.get("result")
    if kind == "scalar" and isinstance(result, list):
        return [Series({}, float(result[1]))]
    if kind != "vector" or not isinstance(result, list):
        raise StoreError(f"the query gives a {kind}: ask for one value a series, with a function such as rate().")
    return [Series(dict(each.get("metric") or {}), float(each["value"][1])) for each in result]


def _message(text: str) -> str:
    """Prometheus' own words of an error; VictoriaLogs answers with plain text."""
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text


def _brief(text: str) -> str:
    return " ".join(str(text).split())[:400].rstrip(".")
