# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns, ratios and measured processes. No test looks at how long something took."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bench import pairs
from bench.failures import InvalidMeasurementError


def test_contenders_take_turns_in_both_orders() -> None:
    assert [pairs.turns("AB", number) for number in range(3)] == [["A", "B"], ["B", "A"], ["A", "B"]]


def test_ratios_compare_within_rounds_only() -> None:
    assert pairs.ratios([1.0, 4.0], [2.0, 4.0]) == [0.5, 1.0]


def test_rounds_that_one_contender_sat_out_are_left_out() -> None:
    assert pairs.ratios([1.0, 4.0, 9.0], [2.0]) == [0.5]


def test_spread() -> None:
    assert pairs.Spread.of([3.0, 1.0, 2.0]) == pairs.Spread(median=2.0, least=1.0, greatest=3.0, n=3)


def test_a_process_gives_its_output_and_its_costs(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    done = pairs.run([sys.executable, "-c", code], os.environ, tmp_path)
    assert sorted(done.output.split()) == ["err", "out"]
    assert done.seconds > 0
    assert done.peak_mib > 0


def test_a_failing_process_is_no_measurement_and_its_last_words_are_kept(tmp_path: Path) -> None:
    with pytest.raises(InvalidMeasurementError, match=r"ended with 3(?s:.*)because of this"):
        pairs.run([sys.executable, "-c", "print('because of this'); raise SystemExit(3)"], os.environ, tmp_path)


def test_a_process_ended_by_a_signal_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(InvalidMeasurementError, match="-15"):
        pairs.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"], os.environ, tmp_path)
