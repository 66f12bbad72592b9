# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The SynergyFlow backend: its image is nowhere to be had. The container counts as running, and says that nothing runs.

Its init containers wait as the real ones do, for an endpoint behind the Service that they are told to reach.
"""

from __future__ import annotations

import re

from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

IMAGE = re.compile(r"(^|/)synergyflow-backend([:@]|$)")
NOTE = "The backend's image cannot be had: nothing runs in this container, and nobody answers on its port."
WAITING = ("wait-for-db", "wait-for-kafka")


def runs(container: Container) -> bool:
    """The backend's image, or an init container of a pod that has it."""
    if container.spec.get("name") in WAITING:
        return any(IMAGE.search(each["image"]) for each in container.pod["spec"]["containers"])
    return bool(IMAGE.search(container.image))


def prepare(container: Container) -> Run:
    """Nothing to prepare; to wait for what the backend needs before it starts."""
    if container.spec.get("name") not in WAITING:
        return Run(command=None, stands_in="synergyflow-backend", notes=[NOTE])
    host, port = container.environment["WAIT_HOST"], container.environment["WAIT_PORT"]
    if not reachable(container, host):
        raise CannotStartError("PodInitializing", f"waiting for {host}:{port}: nothing ready is behind the Service")
    return Run(command=None)


def reachable(container: Container, host: str) -> bool:
    """Whether a ready pod is behind the Service of this name."""
    name, namespace = host.split(".")[:2]
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    slices = container.api.get(path, labelSelector=f"kubernetes.io/service-name={name}")["items"]
    return any(each["conditions"].get("ready") for found in slices for each in found.get("endpoints") or [])


def answers(run: Run) -> str | None:
    """There is nobody to ask."""
    return None
