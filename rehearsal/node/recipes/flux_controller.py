# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Flux's controllers: upstream's own programs with the ServiceAccounts of their pods.

Each listens on the loopback twin of its pod's address, at the ports that it has in a cluster; what is asked of the
Services of source-controller and notification-controller goes to the addresses that the process node serves these at.
"""

from __future__ import annotations

import re

from rehearsal import artifacts, programs
from rehearsal.errors import RehearsalError
from rehearsal.node import addresses
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes.http_probe import answers
from rehearsal.node.recipes.local_paths import local, local_environment
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

__all__ = ["answers", "prepare", "runs"]

FAMILY = "flux"
IMAGE = re.compile(r"(^|/)fluxcd/(?P<name>(source|kustomize|helm|notification)-controller):v?(?P<release>[^@]+)")
SOURCE, NOTIFICATION = "source-controller", "notification-controller"
METRICS_PORT, HTTP_PORT, WEBHOOK_PORT, HEALTH_PORT = 8080, 9090, 9292, 9440  # upstream's
# Quicker than upstream's 30 s, which would rule every time in a chain of dependencies; a revision that mends a failing
# health check is not made to wait for that check's end, nor `down` ten minutes for a release under way. A Deployment's
# own arguments stand over these.
QUICK = {
    "kustomize-controller": {
        "--requeue-dependency": "1s",
        "--feature-gates": "CancelHealthCheckOnNewRevision=true",
    },
    "helm-controller": {"--requeue-dependency": "1s", "--graceful-shutdown-timeout": "5s"},
}


def runs(container: Container) -> bool:
    """The image of one of the four that have a program here."""
    return bool(IMAGE.search(container.image))


def prepare(container: Container) -> Run:
    """The program with the container's own arguments, where these are no addresses."""
    match = IMAGE.search(container.image)
    assert match
    name = match["name"]
    release = artifacts.go_families()[FAMILY].required(f"github.com/fluxcd/{name}")
    if match["release"] != release:
        raise CannotStartError("ErrImagePull", f"the rehearsal has {name} {release}, not {match['release']}")
    try:
        binary = programs.binary(name, container.paths)
    except RehearsalError as error:
        raise CannotStartError("ErrImagePull", f'Failed to pull image "{container.image}": {error}') from error
    address = addresses.loopback(container.address)
    given = container.spec.get("args") or []
    names = {argument.partition("=")[0] for argument in given}
    own = _addresses(container, name, address, notifies="--events-addr=http" in "\n".join(given))
    quick = {key: value for key, value in QUICK.get(name, {}).items() if key not in names}
    arguments = [_local(container, argument) for argument in given if argument.partition("=")[0] not in own]
    temporary = inside(container.root, "/tmp")
    temporary.mkdir(parents=True, exist_ok=True)
    return Run(
        command=[str(binary), *arguments, *(f"{key}={value}" for key, value in (quick | own).items())],
        environment={
            **local_environment(container),
            "KUBECONFIG": str(container.kubeconfig()),
            "TMPDIR": str(temporary),
            "HOME": str(temporary),
        },
        directory=str(container.folder),
        ports={number: number for number in _ports(name)},
        address=address,
        ready={"url": f"http://{address}:{HEALTH_PORT}/readyz"},
        notes=[f"runs Flux's own {name} {release} on {address}"],
    )


def _ports(name: str) -> list[int]:
    served = {SOURCE: [HTTP_PORT], NOTIFICATION: [HTTP_PORT, WEBHOOK_PORT]}.get(name, [])
    return [METRICS_PORT, *served, HEALTH_PORT]


def _local(container: Container, argument: str) -> str:
    """An argument whose value is a path of the container, with the path on this machine."""
    key, given, value = argument.partition("=")
    return f"{key}{given}{local(container, value)}"


def _addresses(container: Container, name: str, address: str, *, notifies: bool) -> dict[str, str]:
    """Where the program listens, and where it finds the others."""

    def service(of: str) -> str:
        namespace = container.pod["metadata"]["namespace"]
        return f"{addresses.of_service(container.paths, container.cluster, namespace, of)}:{HTTP_PORT}"

    made = {
        "--metrics-addr": f"{address}:{METRICS_PORT}",
        "--health-addr": f"{address}:{HEALTH_PORT}",
        # one replica, and a Lease renewed for nobody costs writes
        "--enable-leader-election": "false",
    }
    if name == NOTIFICATION:
        return made | {"--events-addr": f"{address}:{HTTP_PORT}", "--receiverAddr": f"{address}:{WEBHOOK_PORT}"}
    if notifies:
        made["--events-addr"] = f"http://{service(NOTIFICATION)}/"
    if name == SOURCE:
        made |= {"--storage-addr": f"{address}:{HTTP_PORT}", "--storage-adv-addr": service(SOURCE)}
    return made
