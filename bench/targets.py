# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The targets, and whether they are met. A missed target is a result, not a failure."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from bench.cells import OURS, Outcome

KUBECTL = "kubectl"
KUBERNETES_CORE = "kubernetes-core"
TO_KUBERNETES_CORE = 0.2
FLAT_SIZES = (100, 1000, 2000)
# the cost of one more object between 1,000 and 2,000 by that between 100 and 1,000: "flat" leaves room for noise
FLAT = 1.2


@dataclass(frozen=True)
class Verdict:
    """One target and what was measured; None where the noise left nothing to judge."""

    what: str
    measured: float | None
    target: float
    note: str = ""

    @property
    def met(self) -> bool | None:
        """At most the target counts as met; None when it could not be judged."""
        return None if self.measured is None else self.measured <= self.target

    def sentence(self) -> str:
        """Met, missed and by how much, or not to be judged."""
        if self.measured is None:
            return "could not be judged"
        if self.met:
            return "met"
        return f"missed by {self.measured / self.target - 1:.0%}"


def to_kubectl(size: int, latency: int) -> float:
    """The greatest ratio that is good enough against kubectl: 100 objects on loopback 1.0, 1,000 0.5, latency 0.25."""
    if latency:
        return 0.25
    return 1.0 if size <= 100 else 0.5


def of_cell(outcome: Outcome, empty_play: float | None = None) -> list[Verdict]:
    """The verdicts of one cell; none for contenders that did not run.

    `empty_play` (seconds) is Ansible's own start-up, of which a note says how much of a missed target it explains.
    """
    cell = outcome.cell
    verdicts = []
    for contender, target in ((KUBECTL, to_kubectl(cell.size, cell.latency)), (KUBERNETES_CORE, TO_KUBERNETES_CORE)):
        ratio = outcome.ratio(contender)
        if not ratio or outcome.invalid:
            continue
        verdict = Verdict(f"{cell.name} by {contender}", ratio.median, target)
        if not verdict.met and empty_play is not None:
            theirs = statistics.median(outcome.seconds(contender))
            note = (
                f"Ansible's empty play alone takes {empty_play:.2f} s, {empty_play / theirs:.2f} of {contender}'s time"
            )
            verdict = dataclasses.replace(verdict, note=note)
        verdicts.append(verdict)
    return verdicts


def per_object(outcomes: Iterable[Outcome]) -> dict[int, float]:
    """Median seconds of a whole process of ours by size, from cells of one scenario and latency."""
    return {o.cell.size: statistics.median(o.seconds(OURS)) for o in outcomes if not o.invalid and o.seconds(OURS)}


def flatness(name: str, seconds: dict[int, float]) -> Verdict | None:
    """How the cost of one more object grows, without Ansible's start-up; None without the sizes."""
    small, middle, large = FLAT_SIZES
    if not all(size in seconds for size in FLAT_SIZES):
        return None
    first = (seconds[middle] - seconds[small]) / (middle - small)
    second = (seconds[large] - seconds[middle]) / (large - middle)
    note = f"{first * 1000:.2f} ms an object from {small} to {middle}, {second * 1000:.2f} ms from {middle} to {large}"
    # where the noise is greater than the cost, a ratio of the two says nothing
    return Verdict(f"cost per object, {name}", second / first if first > 0 else None, FLAT, note)
