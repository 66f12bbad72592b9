# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server made of a dictionary: enough of the real one's manners to test against without a cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer, Connection

Handler = Callable[[str, str, dict[str, str], Any], Answer]


def answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, json.dumps(body if body is not None else {}).encode())


def status(code: int, message: str, reason: str = "", **details: Any) -> Answer:
    body = {"kind": "Status", "code": code, "message": message, "reason": reason, "details": details}
    return answer(code, body)


class Clock:
    """Time that only passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class ScriptedConnection(Connection):
    """Answers by a function and remembers what it was asked."""

    def __init__(self, handler: Handler) -> None:
        self.host = "https://cluster.example:6443"
        self.secrets = []
        self.handler = handler
        self.seen: list[tuple[str, str]] = []

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> Answer:
        self.seen.append((method, path))
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self.handler(method, parts.path, query, json.loads(body) if body else None)
