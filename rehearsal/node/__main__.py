# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The process node of one cluster: `python -m rehearsal.node --cluster apps`, run by the rehearsal's supervisor."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Hashable
from typing import cast

from rehearsal.node import watching
from rehearsal.node.api import Api
from rehearsal.node.events import Events
from rehearsal.node.pods import Pods
from rehearsal.node.provisioner import Provisioner
from rehearsal.node.services import Services
from rehearsal.node.twins import Twins
from rehearsal.node.work import Queue
from rehearsal.paths import Paths
from rehearsal.supervise import Supervisor

WORKERS = 8  # each pod that is being stopped keeps one busy


def main() -> None:
    """Run the node until SIGTERM. Its programs go on without it."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.node", description=__doc__)
    parser.add_argument("--cluster", required=True, help="the cluster whose pods to run")
    parser.add_argument("--verbose", action="store_true", help="log what goes wrong with its traceback")
    arguments = parser.parse_args()
    cluster = arguments.cluster
    level = logging.DEBUG if arguments.verbose else logging.INFO
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname).1s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("rehearsal").setLevel(level)

    paths = Paths.from_environment()
    kubeconfig = paths.kubeconfig(cluster)
    os.environ["KUBECONFIG"] = str(kubeconfig)
    api = Api(kubeconfig)
    supervisor = Supervisor(paths)
    events = Events(api)
    services = Services(paths, cluster)
    pods = Pods(cluster, paths, api, supervisor, events, twins=Twins(services.loop))
    provisioner = Provisioner(cluster, paths, api, events)

    def reconcile(key: Hashable) -> float | None:
        kind, namespace, name = cast(tuple[str, str, str], key)
        if kind == "pod":
            return pods.reconcile(namespace, name)
        if kind == "claim":
            provisioner.reconcile_claim(namespace, name)
        else:
            provisioner.reconcile_volume(name)
        return None

    queue = Queue(reconcile, WORKERS)

    def sweep() -> None:
        for namespace, name in pods.left_behind():
            queue.add(("pod", namespace, name))
        for name in provisioner.left_behind():
            queue.add(("volume", "", name))

    queue.start()
    watching.Clock(cluster, supervisor, queue, pods.pump, sweep).start()
    services.start()
    watching.run(kubeconfig, queue, services)


if __name__ == "__main__":
    main()
