# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What a recipe is: how one kind of container becomes a process of this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rehearsal.node.api import Api
from rehearsal.paths import Paths


class CannotStartError(Exception):
    """The container cannot be started now; `reason` and the message become its waiting state, and it is tried again."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Container:
    """A container to be run, with everything a recipe may use of it.

    `root` has the container's mounts where the container has them; `folder` is the recipe's own place and lives as
    long as the pod. `port(number)` is the port of 127.0.0.1 that stands for a port of this pod, `port(number, pod)`
    for one of another pod of the namespace; `address` is the pod's. `kubeconfig()` is a file with the pod's
    ServiceAccount, kept valid.
    """

    api: Api
    paths: Paths
    cluster: str
    pod: dict[str, Any]
    spec: dict[str, Any]
    environment: dict[str, str]
    root: Path
    folder: Path
    kubeconfig: Callable[[], Path]
    node_labels: Callable[[], dict[str, str]]
    port: Callable[..., int]
    address: str = ""

    @property
    def image(self) -> str:
        """The container's image."""
        return self.spec["image"]

    @property
    def program(self) -> str:
        """The file name of what the container runs; the images of Strimzi choose by it what they are."""
        words = [*(self.spec.get("command") or []), *(self.spec.get("args") or [])]
        return Path(words[0]).name if words else ""


@dataclass(frozen=True)
class Run:
    """How a container is run. Plain data: it is kept in a file, so that a restarted node knows it again.

    `ports` maps the container's ports to ports of `address` on this machine; both reach the program by
    port-forward. `command` None is a container of which nothing runs; `stands_in` then says for what. `hosts` are
    names of the pod that its peers look up. `notes` are shown on the pod.
    """

    command: list[str] | None
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = ""
    ports: dict[int, int] = field(default_factory=dict)
    address: str = "127.0.0.1"
    exec_directory: str = ""
    exec_environment: dict[str, str] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    ready: dict[str, Any] = field(default_factory=dict)
    stands_in: str = ""
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Run:
        """Back from JSON, where keys are strings."""
        return cls(**{**content, "ports": {int(port): real for port, real in content["ports"].items()}})


class Recipe(Protocol):
    """A module of this package with these functions."""

    def runs(self, container: Container) -> bool:
        """Whether this recipe is for the container."""

    def prepare(self, container: Container) -> Run:
        """Write what the program needs, and say how to run it. Raises CannotStartError."""

    def answers(self, run: Run) -> str | None:
        """Ask the running program; None when it is ready, otherwise why not, in a few words."""
