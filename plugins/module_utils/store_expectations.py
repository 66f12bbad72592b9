# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of a store's answer, and whether it holds. Nothing found never is as expected by itself."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ClusterError
from .stores import Series

COMPARISON = re.compile(r"^\s*(?P<sign><=|>=|==|!=|<|>)\s*(?P<number>[-+]?\d+(\.\d+)?([eE][-+]?\d+)?)\s*$")
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
#: series that a sentence names
SHOWN = 5


@dataclass(frozen=True)
class Expectation:
    """How many are expected (at least one, unless something else is said), and of metrics what each value is."""

    at_least: int | None = None
    at_most: int | None = None
    absent: bool = False
    value: str = ""

    def check(self) -> None:
        """Raises ClusterError for expectations that contradict each other, or that nothing could fail."""
        if self.absent and (self.at_least is not None or self.at_most is not None or self.value):
            raise ClusterError("absent goes with none of at_least, at_most and value.")
        for name in ("at_least", "at_most"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ClusterError(f"{name} must be at least 1, it is {number}; for nothing at all set absent: true.")
        if self.at_most is not None and self.at_most < self.least:
            raise ClusterError(f"at_most ({self.at_most}) is less than at_least ({self.least}).")
        if self.value and not COMPARISON.match(self.value):
            raise ClusterError(f"value: expected a comparison such as '< 50' or '>= 1', found {self.value!r}.")

    @property
    def least(self) -> int:
        """How many there must be."""
        return 0 if self.absent else (1 if self.at_least is None else self.at_least)

    def words(self, what: str) -> str:
        """For people, of series or lines."""
        if self.absent:
            return f"no {what}"
        parts = [f"at least {self.least} {what}" if self.at_most is None else f"{self.least} to {self.at_most} {what}"]
        return " each ".join([*parts, *([self.value.strip()] if self.value else [])])

    def counted(self, count: int, what: str) -> str:
        """Why the number is not as expected; empty when it is."""
        most = 0 if self.absent else self.at_most
        if count < self.least:
            return f"found {count} {what}" if count else f"found no {what}"
        return f"found {count} {what}" if most is not None and count > most else ""

    def of_series(self, series: Sequence[Series]) -> str:
        """Why the answer is not as expected; empty when it is. A value that is no number fits no comparison."""
        wrong, match = self.counted(len(series), "series"), COMPARISON.match(self.value)
        if wrong or not match:  # without a comparison there is none to fit
            return f"{wrong}: {_named(series)}" if wrong and series else wrong
        compare, number = SIGNS[match["sign"]], float(match["number"])
        others = [each for each in series if each.value != each.value or not compare(each.value, number)]
        return f"{len(others)} of {len(series)} series are not {self.value.strip()}: {_named(others)}" if others else ""


def _named(series: Sequence[Series]) -> str:
    more = f" and {len(series) - SHOWN} more" if len(series) > SHOWN else ""
    return ", ".join(map(str, series[:SHOWN])) + more
