# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Strimzi's init container: writes the node's zone where the broker reads its rack from.

Upstream: kafka-init/src/main/java/io/strimzi/kafka/init/KafkaInit.java and InitWriter.java.
"""

from __future__ import annotations

from rehearsal.files import write_atomically
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

FOLDER = "/opt/kafka/init"


def runs(container: Container) -> bool:
    """An init container of the operator's image."""
    return "strimzi/operator:" in container.image and container.program == "kafka_init_run.sh"


def prepare(container: Container) -> Run:
    """Its whole work: a file, or the failure the real one has when the node lacks the label."""
    key = container.environment.get("RACK_TOPOLOGY_KEY")
    if key:
        rack = container.node_labels().get(key)
        if not rack:
            node = container.pod["spec"].get("nodeName")
            raise CannotStartError("Error", f"node {node} has no label {key}, which rack awareness needs")
        write_atomically(inside(container.root, FOLDER) / "rack.id", rack)
    return Run(command=None)


def answers(run: Run) -> str | None:
    """It has ended."""
    return None
