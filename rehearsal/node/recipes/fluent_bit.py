# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Fluent Bit, which is in no registry: a small program stands in, and does what the container's configuration says."""

from __future__ import annotations

import re
import sys

from rehearsal import paths as rehearsal_paths
from rehearsal.node import addresses
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes.http_probe import answers
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

__all__ = ["answers", "prepare", "runs"]

IMAGE = re.compile(r"(^|/)fluent/fluent-bit:")
CONFIGURATION = re.compile(r"^--config=(?P<path>/.+\.ya?ml)$")
PORT = 2020
NOTE = "A small program stands in for Fluent Bit: it reads the same configuration, as far as the role makes use of it."


def runs(container: Container) -> bool:
    """Fluent Bit's image."""
    return bool(IMAGE.search(container.image))


def prepare(container: Container) -> Run:
    """The stand-in with the configuration that the container's arguments name."""
    found = [match for word in container.spec.get("args") or [] if (match := CONFIGURATION.match(word))]
    if not found:
        raise CannotStartError("RunContainerError", "the container's arguments lack --config=/PATH.yaml")
    address = addresses.loopback(container.address)
    options = ["--config", str(inside(container.root, found[0]["path"])), "--root", str(container.root)]
    return Run(
        command=[sys.executable, "-m", "rehearsal.log_shipper", *options, "--listen", f"{address}:{PORT}"],
        environment={
            **container.environment,
            "PYTHONPATH": str(rehearsal_paths.REPOSITORY),
            "PYTHONUNBUFFERED": "1",
        },
        directory=str(container.folder),
        address=address,
        ports={PORT: PORT},
        exec_directory=str(container.root),
        ready={"url": f"http://{address}:{PORT}/"},
        stands_in="fluent-bit",
        notes=[NOTE],
    )
