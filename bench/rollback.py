# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What rollbacks take, against what they have to sit through: the cluster's deletions, and its way back to readiness.

Both times are the journal's: it has them of every step, from the confirmation on, as the user is told at the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench import pairs
from bench.contenders import environment
from bench.failures import InvalidMeasurementError
from bench.site import deploy, playbook_of
from bench.workbench import Workbench
from rehearsal.paths import REPOSITORY

ROLLBACKS = ("schema_registry", "kafka_cluster")
STEP = re.compile(r"^\s+(\w+): ([\d.]+) s(?:, ([\d.]+) s of them waiting for the cluster)?$", re.MULTILINE)


@dataclass(frozen=True)
class RollbackOutcome:
    """One rollback: seconds of its steps, and those of them in which it waited for the cluster."""

    name: str
    seconds: float
    waited: float
    #: the whole process, with Ansible's start-up and the plan
    process: float


def read(name: str, output: str, process: float) -> RollbackOutcome:
    """From what a rollback says at its end."""
    steps = STEP.findall(output)
    if not steps:
        raise InvalidMeasurementError(f"rollback_{name}.yml said no times:\n{output[-1500:]}")
    seconds, waited = (sum(float(step[column] or 0) for step in steps) for column in (1, 2))
    return RollbackOutcome(name, seconds, waited, process)


def measure(work: Workbench, rounds: int) -> list[RollbackOutcome]:
    """Deploy, then take components away, one after the other; what is gone is deployed again for the next round."""
    scratch = work.scratch / "rollback"
    kubeconfig = work.cluster.write_kubeconfig(scratch / "kubeconfig", work.cluster.client("rollback"))
    variables = environment(scratch) | work.paths.environment()
    found = []
    for _round in range(rounds):
        work.say("  site.yml, not counted")
        deploy(work, kubeconfig)
        for name in ROLLBACKS:
            command = [*playbook_of(f"rollback_{name}", kubeconfig), "--extra-vars", f"rollback_confirm={name}@apps"]
            process = pairs.run(command, variables, REPOSITORY)
            found.append(read(name, process.output, process.seconds))
            work.say(f"  {name:<30} {found[-1].seconds:7.2f} s, {found[-1].waited:.2f} s of them waiting")
    return found
