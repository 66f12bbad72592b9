# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers among the records: what a plot shows, and what can be compared with the run before."""

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
    """One number, and what it should not exceed (`most`) or should reach; no limit: it was measured, no more."""

    cluster: str
    title: str
    observed: float
    limit: float | None
    most: bool
    unit: str
    status: str
    before: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    #: percentile -> whether it met its own limit, of those that have one
    judged: dict[str, str] = field(default_factory=dict)

    def of_limit(self, value: float) -> float:
        """A value as a share of the limit."""
        return value / self.limit if self.limit else 0.0

    @property
    def limit_words(self) -> str:
        """The limit for a reader."""
        return "none" if self.limit is None else f"{'at most' if self.most else 'at least'} {self.limit:g} {self.unit}"


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
    """The numbers with a limit (every upper one, and rates that should be reached), and times and rates without one."""
    found = []
    for cluster, records in by_cluster.items():
        there = {record["id"]: record for record in records}
        for record in there.values():
            observed, limit = number(record["observed"]), _limit(record)
            if observed is None or limit is None or (limit[1] is None and _is_shown_beside(record["id"], there)):
                continue
            earlier = number((before.get((cluster, record["id"])) or {}).get("observed"))
            most, value = limit
            figures, judged = _spread(record, there)
            found.append(
                Measure(
                    cluster, record["title"], observed, value, most, record["unit"], record["status"], earlier,
                    figures, judged,
                )
            )  # fmt: skip
    return found


def _limit(record: Mapping[str, Any]) -> tuple[bool, float | None] | None:
    """Whether less is better, and the limit, if there is one; None for what has none and is no time or rate."""
    unit = record["unit"]
    most, value = limit_of(record["expected"], unit) or (not is_rate(unit), None)
    if value:
        return (most, value) if most or is_rate(unit) else None
    # a target of 0 is none
    free = record["expected"] is None or value == 0
    return (most, None) if free and (unit in MILLISECONDS or is_rate(unit)) else None


def _percentile(identity: str) -> tuple[str, str]:
    """What an id measures, and the percentile that it is of; "" if it is of none."""
    base, __, share = identity.rpartition("-")
    return (base, share) if share in SHARES else (identity, "")


def _is_shown_beside(identity: str, there: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether it is a percentile that is shown with the 95th."""
    base, share = _percentile(identity)
    return share not in ("", "p95") and f"{base}-p95" in there


def _spread(
    record: Mapping[str, Any], there: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, float], dict[str, str]]:
    """The percentiles of a measurement, and which met a limit of their own.

    They are in the record, whose limit is that of the 95th, or each in one of its own beside that of the 95th.
    """
    base, share = _percentile(record["id"])
    if record.get("figures"):
        return dict(record["figures"]), {"p95": record["status"]}
    if share != "p95":
        return {}, {}
    own = {each: there[f"{base}-{each}"] for each in SHARES if f"{base}-{each}" in there}
    values = {each: number(found["observed"]) for each, found in own.items()}
    judged = {each: found["status"] for each, found in own.items() if limit_of(found["expected"], found["unit"])}
    return {each: value for each, value in values.items() if value is not None}, judged
