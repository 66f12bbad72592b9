# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""VolSync's own manager, as its pod has it: its arguments, its ServiceAccount's rights, its ports on 127.0.0.1."""

from __future__ import annotations

from rehearsal import artifacts, programs
from rehearsal.node.recipes.http_probe import answers
from rehearsal.node.recipes.local_paths import local_environment
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

__all__ = ["answers", "check_release", "prepare", "runs"]

FAMILY = "volsync"
HEALTH = "--health-probe-bind-address"
METRICS = "--metrics-bind-address"


def runs(container: Container) -> bool:
    """VolSync's image with its manager."""
    return "backube/volsync:" in container.image and container.program == "manager"


def prepare(container: Container) -> Run:
    """The program with the container's arguments; where it listens on all addresses, it listens on loopback."""
    check_release(container.image)
    ports: dict[int, int] = {}
    ready: dict[str, str] = {}
    arguments = []
    for argument in container.spec.get("args") or []:
        name, _, value = argument.partition("=")
        if name in (HEALTH, METRICS) and value.startswith(":") and value != ":0":
            number = int(value[1:])
            ports[number] = container.port(number)
            argument = f"{name}=127.0.0.1:{ports[number]}"  # noqa: PLW2901
            if name == HEALTH:
                ready = {"url": f"http://127.0.0.1:{ports[number]}/readyz"}
        arguments.append(argument)
    if not ready:
        raise CannotStartError("RunContainerError", f"the manager's arguments lack {HEALTH}=:PORT")
    return Run(
        command=[str(programs.binary("volsync", container.paths)), *arguments],
        environment={**local_environment(container), "KUBECONFIG": str(container.kubeconfig())},
        directory=str(container.folder),
        ports=ports,
        ready=ready,
        notes=[f"runs VolSync's own manager {artifacts.go_families()[FAMILY].version} on 127.0.0.1"],
    )


def check_release(image: str) -> None:
    """Raises CannotStartError for a release that the rehearsal does not have."""
    release, asked = artifacts.go_families()[FAMILY].version, image.rpartition(":")[2]
    if asked != release:
        raise CannotStartError("ErrImagePull", f"the rehearsal has VolSync {release}, not {asked}")
