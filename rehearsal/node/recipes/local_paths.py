# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Paths of a container as they are on this machine, for programs that are told theirs by the environment."""

from __future__ import annotations

from rehearsal.node.pod_files import inside
from rehearsal.node.recipes.recipe import Container


def local(container: Container, path: str) -> str:
    """A path of the container below one of its mounts, as it is here; any other text as it is."""
    mounts = [each["mountPath"].rstrip("/") for each in container.spec.get("volumeMounts") or []]
    return str(inside(container.root, path)) if any(f"{path}/".startswith(f"{each}/") for each in mounts) else path


def local_environment(container: Container) -> dict[str, str]:
    """The container's environment, where values that are paths below its mounts are such of this machine."""
    return {name: local(container, value) for name, value in container.environment.items()}
