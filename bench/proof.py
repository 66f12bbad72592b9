# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The whole of `validate.yml` against the role that takes longest, alone."""

from __future__ import annotations

from bench import pairs
from bench.contenders import environment
from bench.site import deploy, playbook_of
from bench.workbench import Workbench
from rehearsal.paths import REPOSITORY

WHOLE = "validate.yml"
#: those of the cluster that is measured, without Flux, which works beside what is timed
ROLES = ("strimzi", "kafka_cluster", "schema_registry", "cnpg", "synergyflow_backend", "volsync")


def measure(work: Workbench, rounds: int) -> pairs.Contest:
    """Deploy once, uncounted; then all of it and each role alone in turns."""
    scratch = work.scratch / "proof"
    kubeconfig = work.cluster.write_kubeconfig(scratch / "kubeconfig", work.cluster.client("proof"))
    variables = environment(scratch) | work.paths.environment()
    work.say("  the platform is deployed, not counted")
    deploy(work, kubeconfig, "--skip-tags", "obs_collectors")
    validate = [
        *playbook_of("validate", kubeconfig),
        "--extra-vars",
        '{"obs_collectors_enabled": false, "report_dir": ""}',
    ]
    commands = {WHOLE: validate} | {role: [*validate, "--tags", role] for role in ROLES}
    contest = pairs.Contest("validate.yml and its roles", {what: [] for what in commands})
    for number in range(rounds):
        for what in pairs.turns(list(commands), number):
            process = pairs.run(commands[what], variables, REPOSITORY)
            contest.seconds[what].append(process.seconds)
            work.say(f"  {what:<32} {process.seconds:7.2f} s")
    return contest
