# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets: which one holds where, and what is said of a missed one."""

from __future__ import annotations

import pytest

from bench import report, targets
from bench.audit import Requests
from bench.cells import NOTHING, OURS, Cell, Outcome, Run


def outcome(size: int, latency: int, **seconds: list[float]) -> Outcome:
    names = {"ours": OURS, "kubectl": targets.KUBECTL, "core": targets.KUBERNETES_CORE}
    runs = {names[n]: [Run(s, 0, 0, Requests(1, {}, 0)) for s in times] for n, times in seconds.items()}
    return Outcome(Cell(NOTHING, size, latency, {}), runs)


@pytest.mark.parametrize(
    ("size", "latency", "target"), [(100, 0, 1.0), (1000, 0, 0.5), (100, 20, 0.25), (1000, 20, 0.25)]
)
def test_target_against_kubectl(size: int, latency: int, target: float) -> None:
    (verdict,) = targets.of_cell(outcome(size, latency, ours=[1.0], kubectl=[2.0]))
    assert verdict.target == target


def test_at_the_target_it_is_met_and_beyond_it_says_by_how_much() -> None:
    assert targets.Verdict("x", 0.5, 0.5).sentence() == "met"
    assert targets.Verdict("x", 0.75, 0.5).sentence() == "missed by 50%"


def test_the_median_of_the_rounds_is_judged() -> None:
    verdicts = targets.of_cell(outcome(100, 0, ours=[1.0, 1.0, 1.0], kubectl=[1.0, 2.0, 4.0], core=[10.0]))
    assert [v.measured for v in verdicts] == [0.5, 0.1]


def test_an_invalid_cell_has_no_verdict() -> None:
    found = outcome(100, 0, ours=[1.0], kubectl=[2.0])
    found.invalid = "a resourceVersion moved"
    assert targets.of_cell(found) == []


def test_a_missed_target_says_what_the_start_up_has_to_do_with_it() -> None:
    (missed,) = targets.of_cell(outcome(100, 0, ours=[2.0], kubectl=[1.0]), empty_play=0.9)
    assert "0.90 of kubectl's time" in missed.note
    (met,) = targets.of_cell(outcome(100, 0, ours=[1.0], kubectl=[1.0]), empty_play=0.9)
    assert not met.note


def test_flat_is_judged_without_the_start_up() -> None:
    verdict = targets.flatness("x", {100: 5.1, 1000: 6.0, 2000: 7.0})
    assert verdict is not None
    assert verdict.measured == pytest.approx(1.0)


def test_growing_cost_is_missed() -> None:
    verdict = targets.flatness("x", {100: 5.1, 1000: 6.0, 2000: 8.0})
    assert verdict is not None
    assert not verdict.met


def test_nothing_is_said_of_flatness_without_the_sizes() -> None:
    assert targets.flatness("x", {100: 5.0, 1000: 6.0}) is None


def test_below_the_noise_flatness_cannot_be_judged() -> None:
    verdict = targets.flatness("x", {100: 6.0, 1000: 5.0, 2000: 9.0})
    assert verdict is not None
    assert (verdict.met, verdict.sentence()) == (None, "could not be judged")
    assert "could not be judged" in report.verdict_table([verdict])
