# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench reads of a rollback, and how it judges it."""

from __future__ import annotations

import pytest

from bench import report, rollback
from bench.failures import InvalidMeasurementError

SAID = """\
        Kafka cluster is gone from apps.
          git: 0.9 s
          delete: 10.1 s, 9.5 s of them waiting for the cluster
          prove: 1.0 s, 0.5 s of them waiting for the cluster
          all steps: 17 s, of 20 minutes allowed
"""


def test_every_step_counts_and_nothing_else() -> None:
    found = rollback.read("kafka_cluster", SAID, 20.0)
    assert (round(found.seconds, 1), round(found.waited, 1)) == (12.0, 10.0)
    [verdict] = report.rollback_verdicts([found])
    assert verdict.measured == pytest.approx(1.2)
    assert "12.0" in report.rollback_table([found])


def test_of_several_rounds_the_middle_one_counts() -> None:
    rounds = [rollback.RollbackOutcome("x", seconds, 10.0, 20.0) for seconds in (19.0, 11.0, 12.0)]
    rounds.append(rollback.RollbackOutcome("y", 15.0, 10.0, 20.0))
    of_x, of_y = report.rollback_verdicts(rounds)
    assert (of_x.measured, of_y.measured) == (pytest.approx(1.2), pytest.approx(1.5))
    assert "1.10..1.90" in of_x.note


def test_a_run_that_said_no_times_is_no_measurement_and_one_without_waits_is_not_judged() -> None:
    with pytest.raises(InvalidMeasurementError):
        rollback.read("x", "nothing to do", 1.0)
    [verdict] = report.rollback_verdicts([rollback.RollbackOutcome("x", 1.0, 0.0, 2.0)])
    assert verdict.met is None
    one_waited = [rollback.RollbackOutcome("x", 2.0, 1.0, 2.0), rollback.RollbackOutcome("x", 1.0, 0.0, 2.0)]
    [verdict] = report.rollback_verdicts(one_waited)
    assert verdict.met is None
