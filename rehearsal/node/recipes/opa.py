# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The Open Policy Agent: the real program, with the policy that the container mounts."""

from __future__ import annotations

import re
from typing import Any

from rehearsal import programs
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes.http_probe import answers
from rehearsal.node.recipes.recipe import Container, Run

__all__ = ["answers", "prepare", "runs"]

IMAGE = re.compile(r"(^|/)openpolicyagent/opa[:@]")
ADDRESS = re.compile(r"^--(?P<what>addr|diagnostic-addr)=(?P<host>[^:]*):(?P<port>\d+)$")


def runs(container: Container) -> bool:
    """OPA's image, as a server."""
    return bool(IMAGE.search(container.image)) and container.program == "run"


def prepare(container: Container) -> Run:
    """The container's own arguments, with this machine's ports and paths."""
    arguments, ports = [], {}
    ready: dict[str, Any] = {}
    for argument in [*(container.spec.get("command") or []), *(container.spec.get("args") or [])]:
        address = ADDRESS.match(argument)
        if address:
            number = int(address["port"])
            ports[number] = container.port(number)
            arguments.append(f"--{address['what']}=127.0.0.1:{ports[number]}")
            # health is asked where there is least to see
            if not ready or address["what"] == "diagnostic-addr":
                ready = {"url": f"http://127.0.0.1:{ports[number]}/health"}
        elif argument.startswith("/"):
            arguments.append(str(inside(container.root, argument)))
        else:
            arguments.append(argument)
    return Run(
        command=[str(programs.binary("opa", container.paths)), *arguments],
        environment=container.environment,
        ports=ports,
        ready=ready,
    )
