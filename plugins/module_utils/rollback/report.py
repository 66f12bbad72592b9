# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback has taken, for people."""

from __future__ import annotations

from .components import COMPONENTS, Values
from .journal import Journal
from .proof import Proof


def report(journal: Journal, proof: Proof, values: Values, kubectl: str = "kubectl") -> str:
    """Time per step, beside what the plan allows; then what to look at, and the way back.

    `kubectl`: with what tells it the cluster.
    """
    component = COMPONENTS[journal.plan.component]
    lines = [
        f"  {step}: {took['seconds']} s"
        + (f", {took['waited']} s of them waiting for the cluster" if took["waited"] else "")
        for step, took in journal.steps.items()
    ]
    # without the hours between two runs
    total = sum(took["seconds"] for took in journal.steps.values())
    high = component.minutes[1]
    verdict = ""
    if high:
        verdict = f", of {high} minutes allowed" if total <= high * 60 else f", more than the {high} minutes allowed"
    lines.append(f"  all steps: {total:.0f} s{verdict}")
    same = f"{proof.same} of {proof.compared} other objects are as they were."
    switch = component.last_backup
    doubt = f" But {switch} is false: there may be nothing to recover from." if switch and not values[switch] else ""
    return "\n".join(
        [
            f"{component.title} is gone from {journal.plan.cluster}.",
            *lines,
            same,
            *(f"Look: {command.format_map(values).replace('kubectl', kubectl, 1)}" for command in component.verify),
            f"Way back: {component.back}{doubt}",
        ]
    )
