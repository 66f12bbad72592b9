# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What programs that stand in for operators have in common: log, health answers, a kopf that only tells of events."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rehearsal.light_kopf import kopf

HEALTH_PORT = "HEALTH_PORT"
LIVE, READY = ("/healthy", "/healthz"), ("/ready", "/readyz")  # paths as the probes of the real ones have them

_ready = threading.Event()


def retries_as_warnings(record: logging.LogRecord) -> bool:
    """Libraries call a connection that is to be tried again an error; for an operator it is none."""
    if record.levelno == logging.ERROR and record.name.startswith(("kopf._cogs.clients", "kafka.")):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def run(registry: kopf.OperatorRegistry, stands_in_for: str, namespace: str | None) -> None:
    """Watch the namespace, or with None the whole cluster, until SIGTERM.

    Liveness and readiness answer on 127.0.0.1:$HEALTH_PORT if that is set.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-5s %(name)s: %(message)s")
    for noisy in ("kopf", "urllib3", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(retries_as_warnings)
    logging.getLogger("operator").info(
        "This is a stand-in for %s; it watches %s",
        stands_in_for,
        f"namespace {namespace}" if namespace else "the cluster",
    )
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True  # an operator may not look for new kinds and namespaces
    settings.watching.server_timeout = 300  # seconds: a watch that died unseen is found again
    settings.networking.request_timeout = 330

    @kopf.on.login(registry=registry)
    def login(**context: object) -> object:
        return kopf.login_with_kubeconfig(**context)

    @kopf.on.startup(registry=registry)
    def started(**_: object) -> None:
        _ready.set()

    port = os.environ.get(HEALTH_PORT)
    if port:
        server = ThreadingHTTPServer(("127.0.0.1", int(port)), _Health)
        threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    scope: dict = {"namespaces": [namespace]} if namespace else {"clusterwide": True}
    asyncio.run(kopf.operator(registry=registry, settings=settings, standalone=True, **scope))


def seen_change(memory: dict, event: dict) -> bool:
    """Whether the event shows something an operator acts on: neither a status it wrote itself nor a heartbeat."""
    resource = event["object"]
    metadata = resource["metadata"]
    key = (resource["kind"], metadata.get("namespace"), metadata["name"])
    state = (
        event["type"],
        metadata["uid"],
        metadata.get("generation"),
        metadata.get("deletionTimestamp"),
        sorted((metadata.get("annotations") or {}).items()),
        sorted((metadata.get("labels") or {}).items()),
    )
    if event["type"] == "DELETED":
        memory.pop(key, None)
        return True
    changed = memory.get(key, ())[1:] != state[1:]
    memory[key] = state
    return changed


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        healthy = self.path in LIVE or (self.path in READY and _ready.is_set())
        self.send_response(200 if healthy else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Probes are not worth a line."""
