# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra readiness rules as JMESPath expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ClusterError
from .objects import Key
from .readiness import Predicate, Verdict, failed, progressing, ready

try:
    import jmespath
except ImportError:
    jmespath = None


@dataclass
class Rule:
    """For which objects, and what is asked of them."""

    kind: str
    ready: Any
    failed: Any = None
    message: Any = None
    group: str | None = None
    namespace: str | None = None
    name: str | None = None
    expression: str = ""

    def fits(self, key: Key) -> bool:
        wanted = (("kind", self.kind), ("group", self.group), ("namespace", self.namespace), ("name", self.name))
        return all(value is None or getattr(key, part) == value for part, value in wanted)

    def judge(self, live: Mapping[str, Any]) -> Verdict:
        message = self.message.search(live) if self.message else None
        if self.failed is not None and _truth(self.failed.search(live)):
            return failed(str(message or "the rule's expression failed is true"))
        if _truth(self.ready.search(live)):
            return ready(str(message or ""))
        return progressing(str(message or f"not true yet: {self.expression}"))


def _truth(value: Any) -> bool:
    """JMESPath's own idea of truth: false, null and everything empty are not."""
    return value not in (None, False, "", [], {})


def read_rules(given: Iterable[Mapping[str, Any]]) -> list[Rule]:
    rules = []
    for number, rule in enumerate(given, 1):
        if jmespath is None:
            raise ClusterError("rules need the Python package jmespath in the environment that runs Ansible.")
        compiled = {}
        for part in ("ready", "failed", "message"):
            text = rule.get(part)
            try:
                compiled[part] = jmespath.compile(text) if text else None
            except jmespath.exceptions.JMESPathError as error:
                raise ClusterError(f"rules, number {number}: {part} is no JMESPath expression: {error}") from error
        rules.append(
            Rule(
                kind=rule["kind"],
                group=rule.get("group"),
                namespace=rule.get("namespace"),
                name=rule.get("name"),
                expression=rule["ready"],
                **compiled,
            )
        )
    return rules


def predicate_for(key: Key, rules: Iterable[Rule]) -> Predicate | None:
    """The last rule that fits wins, as with any later setting."""
    fitting = [rule for rule in rules if rule.fits(key)]
    return fitting[-1].judge if fitting else None
