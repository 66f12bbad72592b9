# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a preflight found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .capacity import Demand


@dataclass
class Findings:
    """What stands against a deployment (problems), what should be known (warnings), what was learned (facts)."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    #: what the component's pods ask of the nodes
    demand: Demand = field(default_factory=Demand)

    def problem(self, sentence: str | None) -> None:
        """Note a problem; None is the rules' way to say that there is none."""
        if sentence:
            self.problems.append(sentence)

    def problems_from(self, sentences: Iterable[str]) -> None:
        """Note several problems."""
        self.problems.extend(sentences)

    def warn(self, sentence: str | None) -> None:
        """Note something that does not stop the deployment."""
        if sentence:
            self.warnings.append(sentence)

    def skip(self, what: str, reason: str) -> None:
        """Note a part that will not be made here, and why."""
        self.skipped.append({"what": what, "reason": reason})


def message(host: str, found: dict[str, Findings]) -> str:
    """One message of all problems of all roles, numbered; empty if there is none."""
    numbered = [(role, problem) for role, findings in found.items() for problem in findings.problems]
    if not numbered:
        return ""
    count = "1 problem" if len(numbered) == 1 else f"{len(numbered)} problems"
    lines = [f"{count} on {host}; nothing was changed."]
    lines += [f"{number}. [{role}] {problem}." for number, (role, problem) in enumerate(numbered, 1)]
    return "\n".join(lines)
