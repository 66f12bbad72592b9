# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What makes port-forward, exec and logs of a pod reach its programs: KWOK answers for the node, told by these objects.

Upstream: pkg/apis/v1alpha1/{cluster_port_forward,cluster_exec,cluster_logs}_types.go in sigs.k8s.io/kwok.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rehearsal.labels import PROCESS_NODE, RUN_BY
from rehearsal.node.api import Api
from rehearsal.node.recipes.recipe import Run

GROUP = "kwok.x-k8s.io/v1alpha1"
KINDS = {
    "ClusterPortForward": "clusterportforwards",
    "ClusterExec": "clusterexecs",
    "ClusterLogs": "clusterlogs",
}


class KwokAccess:
    """Applies and removes the three objects of a pod, named `<namespace>.<pod>`."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._applied: dict[str, list[dict[str, Any]]] = {}

    def apply(self, namespace: str, pod: str, containers: dict[str, tuple[Run, Path, Path]]) -> None:
        """Have the pod's containers reachable: for each its run, the file of its log, and of the one before."""
        wanted = objects(namespace, pod, containers)
        name = f"{namespace}.{pod}"
        if self._applied.get(name) == wanted:
            return
        for each in wanted:
            self._api.apply(_path(each["kind"], name), each)
        self._applied[name] = wanted

    def remove(self, namespace: str, pod: str) -> None:
        """Nothing of the pod can be reached any more."""
        name = f"{namespace}.{pod}"
        self._applied.pop(name, None)
        for kind in KINDS:
            self._api.delete(_path(kind, name))


def objects(namespace: str, pod: str, containers: dict[str, tuple[Run, Path, Path]]) -> list[dict[str, Any]]:
    """The objects for a pod's containers. A container port and the port it stands for both lead to the program."""
    forwards = [
        {"ports": sorted({number, real}), "target": {"address": run.address, "port": real}}
        for run, _, _ in containers.values()
        for number, real in run.ports.items()
    ]
    execs = [
        {
            "containers": [container],
            "local": {
                "workDir": run.exec_directory or str(log.parent),
                "envs": [{"name": name, "value": value} for name, value in sorted(run.exec_environment.items())],
            },
        }
        for container, (run, log, _) in containers.items()
    ]
    logs = [
        {"containers": [container], "logsFile": str(log), "previousLogsFile": str(previous), "follow": True}
        for container, (_, log, previous) in containers.items()
    ]
    specs: dict[str, dict[str, Any]] = {
        "ClusterPortForward": {"forwards": forwards},
        "ClusterExec": {"execs": execs},
        "ClusterLogs": {"logs": logs},
    }
    return [
        {
            "apiVersion": GROUP,
            "kind": kind,
            "metadata": {"name": f"{namespace}.{pod}", "labels": {RUN_BY: PROCESS_NODE}},
            "spec": {"selector": {"matchNamespaces": [namespace], "matchNames": [pod]}, **spec},
        }
        for kind, spec in specs.items()
    ]


def _path(kind: str, name: str) -> str:
    return f"/apis/{GROUP}/{KINDS[kind]}/{name}"
