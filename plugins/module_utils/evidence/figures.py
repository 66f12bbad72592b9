# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers among the records that have a limit: what a plot shows, and what can be compared with the run before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_AT_MOST = re.compile(r"^(<=?|≤|under\b|at most\b|within\b)", re.IGNORECASE)
_AT_LEAST = re.compile(r"^(>=?|≥|over\b|at least\b)", re.IGNORECASE)
#: units of which less is better where the expectation is a bare number
TIMES = ("ms", "s", "seconds")
#: percentiles that are shown together
SHARES = ("p50", "p95", "p99")
#: milliseconds of a unit of time
MILLISECONDS = {"ms": 1.0, "s": 1000.0, "seconds": 1000.0}


@dataclass
class Measure:
    """One number, and what it should not exceed (`most`) or should reach."""

    cluster: str
    title: str
    observed: float
    limit: float
    most: bool
    unit: str
    status: str
    before: float | None = None
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Of the limit."""
        return self.observed / self.limit


def is_rate(unit: str) -> bool:
    """Whether more of it is better."""
    return unit.endswith(("/s", "/sec", " per second", "/second"))


def number(value: Any) -> float | None:
    """A value that is a number; True is none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def limit_of(expected: Any, unit: str) -> tuple[bool, float] | None:
    """Whether an expectation is an upper limit, and which; None if it is no limit."""
    plain = number(expected)
    if plain is not None:
        known = unit in TIMES or is_rate(unit)
        return (not is_rate(unit), plain) if known else None
    text = str(expected or "").strip()
    most, least = _AT_MOST.match(text), _AT_LEAST.match(text)
    found = _NUMBER.search(text.replace(",", ""))
    return (bool(most), float(found[0])) if found and (most or least) else None


def measures(
    by_cluster: Mapping[str, Iterable[Mapping[str, Any]]], before: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[Measure]:
    """The numbers with a limit: every upper one, and rates that should be reached."""
    found = []
    for cluster, records in by_cluster.items():
        there = {record["id"]: record for record in records}
        for record in there.values():
            observed, limit = number(record["observed"]), limit_of(record["expected"], record["unit"])
            if observed is None or limit is None or not limit[1] or not (limit[0] or is_rate(record["unit"])):
                continue
            earlier = number((before.get((cluster, record["id"])) or {}).get("observed"))
            most, value = limit
            found.append(
                Measure(
                    cluster, record["title"], observed, value, most, record["unit"], record["status"], earlier,
                    _spread(record, there),
                )
            )  # fmt: skip
    return found


def _spread(record: Mapping[str, Any], there: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The percentiles of a measurement: in the record, or each in one of its own beside that of the 95th."""
    base, __, share = record["id"].rpartition("-")
    if record.get("figures") or share != "p95":
        return dict(record.get("figures") or {})
    values = {each: number((there.get(f"{base}-{each}") or {}).get("observed")) for each in SHARES}
    return {each: value for each, value in values.items() if value is not None}
