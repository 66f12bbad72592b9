# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""flux-operator: a Python program that stands in for it, with the ServiceAccount of its pod."""

from __future__ import annotations

import sys

from rehearsal import artifacts
from rehearsal import paths as rehearsal_paths
from rehearsal.node.recipes.http_probe import answers, probe
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run
from rehearsal.operator_program import HEALTH_PORT

__all__ = ["answers", "prepare", "runs"]

FAMILY = "flux-operator"
MODULE = "rehearsal.flux.operator"


def runs(container: Container) -> bool:
    """The operator's image."""
    return "controlplaneio-fluxcd/flux-operator:" in container.image


def prepare(container: Container) -> Run:
    """The container's own environment and a kubeconfig."""
    release, asked = artifacts.go_families()[FAMILY].version, container.image.rpartition(":")[2].removeprefix("v")
    if asked != release:
        raise CannotStartError("ErrImagePull", f"the rehearsal stands in for flux-operator {release}, not for {asked}")
    port, path = probe(container.spec)
    real = container.port(port) if port else None
    return Run(
        command=[sys.executable, "-m", MODULE],
        environment={
            **container.environment,
            **container.paths.environment(),
            "KUBECONFIG": str(container.kubeconfig()),
            "PYTHONUNBUFFERED": "1",
            **({HEALTH_PORT: str(real)} if real else {}),
        },
        directory=str(rehearsal_paths.REPOSITORY),
        ports={port: real} if port and real else {},
        ready={"url": f"http://127.0.0.1:{real}{path}"} if real else {},
        stands_in=FAMILY,
        notes=[f"runs {MODULE}, a stand-in for flux-operator {release}"],
    )
