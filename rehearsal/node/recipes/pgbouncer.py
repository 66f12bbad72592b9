# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A Pooler's pod: a stand-in that hands connections through to the Service, one to one. No registry has PgBouncer."""

from __future__ import annotations

import socket
import sys

from rehearsal import paths as rehearsal_paths
from rehearsal.node import addresses
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

PORT = 5432
POOLER_LABEL = "cnpg.io/poolerName"
STANDS_IN = "pgbouncer"
NOTE = "a stand-in for PgBouncer: connections are handed through one to one, nothing is pooled"


def runs(container: Container) -> bool:
    """PgBouncer's image with the instance manager as its command."""
    return "cloudnative-pg/pgbouncer:" in container.image and container.program == "manager"


def prepare(container: Container) -> Run:
    """A program that listens at the pod's address and leads to the Service that the Pooler names."""
    metadata = container.pod["metadata"]
    name = (metadata.get("labels") or {}).get(POOLER_LABEL)
    pooler = container.api.find(f"/apis/postgresql.cnpg.io/v1/namespaces/{metadata['namespace']}/poolers/{name}")
    if pooler is None:
        raise CannotStartError("CreateContainerConfigError", f"there is no Pooler {name}")
    spec = pooler["spec"]
    service = f"{spec['cluster']['name']}-{spec.get('type', 'rw')}"
    there = addresses.of_service(container.paths, container.cluster, metadata["namespace"], service)
    address = addresses.loopback(container.address)
    return Run(
        command=[sys.executable, "-m", "rehearsal.postgres.pooler", address, there, str(PORT)],
        environment={"PYTHONUNBUFFERED": "1", **container.paths.environment()},
        directory=str(rehearsal_paths.REPOSITORY),
        address=address,
        ports={PORT: PORT},
        exec_directory=str(container.root),
        stands_in=STANDS_IN,
        notes=[NOTE],
    )


def answers(run: Run) -> str | None:
    """Whether it listens, as the Pooler's readiness probe asks."""
    try:
        with socket.create_connection((run.address, PORT), timeout=2):
            return None
    except OSError as error:
        return str(error)
