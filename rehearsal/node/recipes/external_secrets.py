# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""External Secrets: a Python program that stands in for it, with the ServiceAccount of its pod."""

from __future__ import annotations

import sys

from rehearsal import paths as rehearsal_paths
from rehearsal.node.recipes.http_probe import answers, probe
from rehearsal.node.recipes.recipe import Container, Run
from rehearsal.operator_program import HEALTH_PORT

__all__ = ["answers", "prepare", "runs"]

MODULE = "rehearsal.external_secrets.operator"


def runs(container: Container) -> bool:
    """The image of External Secrets."""
    return "external-secrets/external-secrets:" in container.image


def prepare(container: Container) -> Run:
    """The container's own environment, a kubeconfig, and where the rehearsal keeps the values."""
    port, path = probe(container.spec)
    ports = {each["containerPort"]: container.port(each["containerPort"]) for each in container.spec.get("ports") or []}
    real = ports.get(port) if port else None
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
        ports=ports,
        ready={"url": f"http://127.0.0.1:{real}{path}"} if real else {},
        stands_in="external-secrets",
        notes=[f"runs {MODULE}, a stand-in for External Secrets; its Vault is {container.paths.vault}"],
    )
