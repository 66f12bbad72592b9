# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""CloudNativePG's operator: upstream's own program with the ServiceAccount of its pod."""

from __future__ import annotations

import platform
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from rehearsal import programs
from rehearsal.errors import RehearsalError
from rehearsal.node import addresses
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

PROGRAM = "cloudnative-pg"
MANAGER = "/controller/manager"  # where instances have it
METRICS_PORT = 8080
WEBHOOK_PORT = "--webhook-port="
LISTEN_ADDRESS = "127.0.0.1"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Python names them -> as Go does


def runs(container: Container) -> bool:
    """The operator's image, in its own pod or as the init container of an instance, which copies itself there."""
    return "cloudnative-pg/cloudnative-pg:" in container.image and container.program == "manager"


def prepare(container: Container) -> Run:
    """The operator with its own arguments; the init container's whole work is a link to the program."""
    try:
        binary = programs.binary(PROGRAM, container.paths)
    except RehearsalError as error:
        raise CannotStartError("ErrImagePull", f'Failed to pull image "{container.image}": {error}') from error
    command = [*(container.spec.get("command") or []), *(container.spec.get("args") or [])]
    if command[1:2] == ["bootstrap"]:
        _link(inside(container.root, command[2]), binary)
        return Run(command=None)
    # the image has a program for each architecture that instances may have; the operator looks for them
    _link(container.root / "operator" / f"manager_{ARCHITECTURES.get(platform.machine(), platform.machine())}", binary)
    metrics = container.port(METRICS_PORT)
    webhook = next((each.removeprefix(WEBHOOK_PORT) for each in command if each.startswith(WEBHOOK_PORT)), None)
    if webhook is None:
        raise CannotStartError("CreateContainerConfigError", f"the operator's arguments have no {WEBHOOK_PORT}")
    environment = dict(container.environment)
    if certificates := environment.get("WEBHOOK_CERT_DIR"):
        environment["WEBHOOK_CERT_DIR"] = str(inside(container.root, certificates))
    return Run(
        command=[str(binary), *command[1:], f"--metrics-bind-address={LISTEN_ADDRESS}:{metrics}"],
        environment={
            **environment,
            "KUBECONFIG": str(container.kubeconfig()),
            "POD_NAME": container.pod["metadata"]["name"],
            "CNPG_REHEARSAL_SERVICES": str(addresses.services_file(container.paths, container.cluster)),
            "CNPG_REHEARSAL_WEBHOOK_ADDRESS": LISTEN_ADDRESS,
            # a command in an instance's container starts in the folder that has its mounts
            "CNPG_REHEARSAL_MANAGER": MANAGER.lstrip("/"),
        },
        directory=str(container.root),
        ports={METRICS_PORT: metrics, int(webhook): int(webhook)},
        exec_directory=str(container.root),
        ready={"url": f"https://{LISTEN_ADDRESS}:{webhook}/readyz"},
        notes=["CloudNativePG's own operator; instances are reached by the loopback twin of their address"],
    )


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def answers(run: Run) -> str | None:
    """Ask where the readiness probe asks; the kubelet does not verify its certificate either."""
    return answer(run.ready["url"])


def answer(url: str) -> str | None:
    """What an HTTPS probe hears: None when all is well, otherwise why not."""
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=2, context=unverified) as reply:
            return None if reply.status < 400 else f"HTTP {reply.status}"
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except OSError as error:
        return str(getattr(error, "reason", error))
