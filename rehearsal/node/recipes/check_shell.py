# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The small pods of the collection's checks: a shell script over a volume, run by this machine's own shell.

Only for the very image that the checks name. The script has to keep to its working directory and to paths in its
environment, as the checks' scripts do: a path written into it is this machine's.
"""

from __future__ import annotations

from rehearsal.node.recipes.local_paths import local, local_environment
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

IMAGE = "library/busybox:1.37.0-musl"


def runs(container: Container) -> bool:
    """The checks' image."""
    return container.image.endswith(IMAGE)


def prepare(container: Container) -> Run:
    """`sh -c SCRIPT`, and nothing else."""
    command = [*(container.spec.get("command") or []), *(container.spec.get("args") or [])]
    if len(command) != 3 or command[:2] != ["sh", "-c"]:
        raise CannotStartError("RunContainerError", "the process node runs this image with `sh -c SCRIPT` only")
    directory = local(container, container.spec.get("workingDir") or "/")
    if not directory.startswith(f"{container.root}/"):
        raise CannotStartError("RunContainerError", "the script needs a workingDir on one of its mounts")
    return Run(
        command=command,
        environment=local_environment(container),
        directory=directory,
        exec_directory=directory,
        notes=["a check's script, run by this machine's shell"],
    )


def answers(run: Run) -> str | None:
    """It listens nowhere."""
    return None
