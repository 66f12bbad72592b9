# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Cruise Control: no registry has its program. The container counts as running, and says that nothing runs."""

from __future__ import annotations

from rehearsal.node.recipes.recipe import Container, Run

NOTE = "Cruise Control cannot be had as a package: nothing runs in this container, and no rebalance is ever made."


def runs(container: Container) -> bool:
    """The image is the brokers'; the script tells them apart."""
    return "strimzi/kafka:" in container.image and container.program == "cruise_control_run.sh"


def prepare(container: Container) -> Run:
    """Nothing to prepare."""
    return Run(command=None, stands_in="cruise-control", notes=[NOTE])


def answers(run: Run) -> str | None:
    """There is nobody to ask."""
    return None
