# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What the node watches: pods, claims and volumes through kopf, its programs and their logs through a slow clock.

kopf only tells that something changed (`on.event`: it writes nothing, no finalizer, no annotation, no event); what is
to be done is found out afresh in the workers.
"""

from __future__ import annotations

import logging
import threading
import time
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal import process_images
from rehearsal.errors import RehearsalError
from rehearsal.light_kopf import kopf
from rehearsal.node.logs import INTERVAL, Pump
from rehearsal.node.services import SERVED, Services
from rehearsal.node.work import Queue
from rehearsal.supervise import ProgramState, Supervisor

log = logging.getLogger(__name__)

STATES_EVERY = 1.0  # seconds
SWEEP_EVERY = 60.0


def run(kubeconfig: Path, queue: Queue, services: Services) -> None:
    """Watch until SIGTERM."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def login(**arguments: Any) -> Any:
        return kopf.login_with_kubeconfig(**arguments)

    @kopf.on.event("", "v1", "pods", registry=registry, when=lambda body, **_: process_images.claimed(dict(body)))
    async def pod_changed(namespace: str, name: str, **_: Any) -> None:
        queue.add(("pod", namespace, name))

    @kopf.on.event("", "v1", "persistentvolumeclaims", registry=registry)
    async def claim_changed(namespace: str, name: str, spec: dict[str, Any], **_: Any) -> None:
        if not spec.get("volumeName"):
            queue.add(("claim", namespace, name))

    @kopf.on.event("", "v1", "persistentvolumes", registry=registry)
    async def volume_changed(name: str, **_: Any) -> None:
        queue.add(("volume", "", name))

    async def endpoints_changed(body: kopf.Body, type: str | None, **_: Any) -> None:
        services.changed(body, gone=type == "DELETED")

    for label, value in SERVED:
        chosen = {label: kopf.PRESENT if value is None else value}
        kopf.on.event("discovery.k8s.io", "v1", "endpointslices", registry=registry, id=label, labels=chosen)(
            endpoints_changed
        )

    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.server_timeout = 300  # seconds: a watch that died unseen is found again
    settings.networking.request_timeout = 330
    log.info("watching by %s", kubeconfig)
    kopf.run(registry=registry, settings=settings, standalone=True, clusterwide=True)


class Clock(threading.Thread):
    """Copies logs, notices programs that ended, and has everything looked at again now and then."""

    def __init__(
        self, cluster: str, supervisor: Supervisor, queue: Queue, pump: Pump, sweep: Callable[[], None]
    ) -> None:
        super().__init__(daemon=True, name="clock")
        self._prefix = f"{cluster}."
        self._supervisor = supervisor
        self._queue = queue
        self._pump = pump
        self._sweep = sweep
        self._states: dict[str, tuple[str, int | None]] = {}

    def run(self) -> None:
        """Until the process ends."""
        states_at = sweep_at = 0.0
        while True:
            clock = time.monotonic()
            try:
                self._pump.pump()
                if clock >= states_at:
                    self.compare(self._supervisor.states())
                    states_at = clock + STATES_EVERY
                if clock >= sweep_at:
                    self._sweep()
                    sweep_at = clock + SWEEP_EVERY
            except (RehearsalError, OSError, xmlrpc.client.Fault) as error:
                # the supervisor is going down, or not there yet; the thread must not end of it
                log.warning("programs cannot be looked at: %s", error)
                states_at = clock + 5
            time.sleep(INTERVAL)

    def compare(self, states: dict[str, ProgramState]) -> None:
        """Have a pod looked at when one of its programs is in another state than before."""
        now = {name: (each.state, each.pid) for name, each in states.items() if name.startswith(self._prefix)}
        for name in now.keys() | self._states.keys():
            if now.get(name) != self._states.get(name):
                _, namespace, rest = name.split(".", 2)
                self._queue.add(("pod", namespace, rest.rpartition(".")[0]))
        self._states = now
