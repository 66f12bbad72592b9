# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Strimzi's operators: Python programs that stand in for them, each with the ServiceAccount of its own pod."""

from __future__ import annotations

import re
import sys

from rehearsal import paths as rehearsal_paths
from rehearsal.node.recipes.http_probe import answers, probe
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

__all__ = ["answers", "prepare", "runs"]

PROGRAMS = {
    "cluster_operator_run.sh": "cluster_operator",
    "topic_operator_run.sh": "topic_operator",
    "user_operator_run.sh": "user_operator",
}
HEALTH_PORT = "HEALTH_PORT"  # see rehearsal.operator_program
_VERSION = re.compile(r"strimzi/operator:(?P<version>[^@]+)")


def runs(container: Container) -> bool:
    """The operator's image with one of its scripts."""
    return "strimzi/operator:" in container.image and container.program in PROGRAMS


def prepare(container: Container) -> Run:
    """The container's own environment, and a kubeconfig in place of the files that a pod has under /var/run/secrets."""
    match = _VERSION.search(container.image)
    if not match:
        raise CannotStartError("ErrImagePull", f"the version of image {container.image} cannot be read")
    module = f"rehearsal.strimzi.{PROGRAMS[container.program]}"
    port, path = probe(container.spec)
    ports = {each["containerPort"]: container.port(each["containerPort"]) for each in container.spec.get("ports") or []}
    real = ports.get(port) if port else None
    kubeconfig = str(container.kubeconfig())
    return Run(
        command=[sys.executable, "-m", module],
        environment={
            **container.environment,
            **container.paths.environment(),
            "KUBECONFIG": kubeconfig,
            "STRIMZI_OPERATOR_VERSION": match["version"],
            "PYTHONUNBUFFERED": "1",
            # where the container's mounts are
            "PROCESS_NODE_ROOT": str(container.root),
            **({HEALTH_PORT: str(real)} if real else {}),
        },
        directory=str(rehearsal_paths.REPOSITORY),
        ports=ports,
        exec_directory=str(container.root),
        exec_environment={"KUBECONFIG": kubeconfig},
        ready={"url": f"http://127.0.0.1:{real}{path}"} if real else {},
        stands_in=PROGRAMS[container.program].replace("_", "-"),
        notes=[f"runs {module}, a stand-in for Strimzi's {PROGRAMS[container.program].replace('_', ' ')}"],
    )
