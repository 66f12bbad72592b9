# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of an Open Policy Agent, asked over its REST API."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .errors import ClusterError

PATH = "/v1/data/synergyflow/authz/decision"
# OPA's own time for a request, its handler included: https://www.openpolicyagent.org/docs/rest-api#performance-metrics
TIMER = "timer_server_handler_ns"
TIMEOUT = 10.0


class NoDecisionError(ClusterError):
    """The agent did not answer, or not with a decision; the sentence says which."""


@dataclass(frozen=True)
class Decision:
    """One answer; `milliseconds` is the agent's own time, without the way there."""

    allow: bool
    reasons: list[str] = field(default_factory=list)
    milliseconds: float = 0.0


class PolicyAgent:
    """One agent, over one connection that is kept."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def decide(self, question: Mapping[str, Any]) -> Decision:
        """The decision on one input. Raises NoDecisionError."""
        body = json.dumps({"input": question})
        try:
            self._connection.request("POST", f"{PATH}?metrics=true", body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise NoDecisionError(f"it does not answer: {str(error) or type(error).__name__}") from error
        if answer.status != 200:
            raise NoDecisionError(f"it answers with HTTP {answer.status}: {' '.join(text.split())[:200]}")
        return read_decision(text)


def read_decision(text: str) -> Decision:
    """A decision from OPA's answer. Without the rule in the policy OPA answers 200 and no result."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise NoDecisionError("it answers, but not like an Open Policy Agent") from error
    result = document.get("result") if isinstance(document, dict) else None
    if not isinstance(result, dict) or not isinstance(result.get("allow"), bool):
        raise NoDecisionError(f"its policy has no rule {PATH.removeprefix('/v1/data/').replace('/', '.')} with `allow`")
    spent = (document.get("metrics") or {}).get(TIMER) or 0
    return Decision(result["allow"], [str(reason) for reason in result.get("reasons") or []], spent / 1e6)


@contextmanager
def policy_agent(host: str, port: int) -> Iterator[PolicyAgent]:
    """The agent at an address; its connection is closed at the end of the block."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        yield PolicyAgent(connection)
    finally:
        connection.close()
