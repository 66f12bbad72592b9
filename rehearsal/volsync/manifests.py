# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The manifests that install VolSync: what `volsync_install_method: manifests` is pointed at.

Rights, container and definitions are read from the module's own `config/`; the names are those that its Helm chart
gives a release called `volsync`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rehearsal import artifacts, programs
from rehearsal.files import write_atomically
from rehearsal.paths import Paths

MODULE = "github.com/backube/volsync"
NAMESPACE = "volsync-system"
NAME = "volsync"
IMAGE = "quay.io/backube/volsync"
METRICS_PORT = 8443
MOVERS = ("restic", "rclone", "rsync", "rsync-tls", "syncthing")
SELECTOR = {
    "app.kubernetes.io/name": NAME,
    "app.kubernetes.io/instance": NAME,
    "control-plane": f"{NAME}-controller",
}
RBAC = "rbac.authorization.k8s.io"

Object = dict[str, Any]


def version() -> str:
    """The release that the rehearsal has."""
    return artifacts.go_families()["volsync"].version


def write(directory: Path, paths: Paths | None = None) -> None:
    """Write `crds.yaml` and `operator.yaml`."""
    files = {file.name: file.read_text() for file in programs.module_files("volsync", MODULE, paths)}
    definitions = "".join(text for name, text in sorted(files.items()) if name.startswith("volsync.backube_"))
    write_atomically(directory / "crds.yaml", definitions, mode=0o644)
    documents = objects({name: text for name, text in files.items() if name.endswith(".yaml")}, version())
    text = "".join(f"---\n{yaml.safe_dump(document, sort_keys=False, width=120)}" for document in documents)
    write_atomically(directory / "operator.yaml", text, mode=0o644)


def objects(files: dict[str, str], release: str) -> list[Object]:
    """Everything but the definitions, in the order in which it can be applied. `files` are the module's, by name."""

    def rules(name: str) -> list[Object]:
        return yaml.safe_load(files[name])["rules"]

    template = next(each for each in yaml.safe_load_all(files["manager.yaml"]) if each["kind"] == "Deployment")
    return [
        _object("v1", "ServiceAccount", NAME, namespaced=True),
        _object(f"{RBAC}/v1", "ClusterRole", f"{NAME}-manager", rules=rules("role.yaml")),
        _object(f"{RBAC}/v1", "ClusterRole", f"{NAME}-metrics-auth-role", rules=rules("metrics_auth_role.yaml")),
        _object(f"{RBAC}/v1", "ClusterRole", f"{NAME}-metrics-reader", rules=rules("metrics_reader_role.yaml")),
        _object(
            f"{RBAC}/v1",
            "Role",
            f"{NAME}-leader-election",
            namespaced=True,
            rules=rules("leader_election_role.yaml"),
        ),
        _binding("ClusterRole", f"{NAME}-manager", f"{NAME}-manager"),
        _binding("ClusterRole", f"{NAME}-metrics-auth-rolebinding", f"{NAME}-metrics-auth-role"),
        _binding("Role", f"{NAME}-leader-election", f"{NAME}-leader-election"),
        _object(
            "v1",
            "Service",
            f"{NAME}-metrics",
            namespaced=True,
            spec={
                "selector": SELECTOR,
                "ports": [{"name": "https", "port": METRICS_PORT, "targetPort": METRICS_PORT}],
            },
        ),
        deployment(template["spec"]["template"]["spec"], release),
    ]


def deployment(pod: Object, release: str) -> Object:
    """The Deployment `volsync` around the module's own pod."""
    image = f"{IMAGE}:{release}"
    (container,) = pod["containers"]
    container = {
        **container,
        "image": image,
        "args": [
            "--health-probe-bind-address=:8081",
            f"--metrics-bind-address=:{METRICS_PORT}",
            # one replica, and its Lease would hold a restarted one up for two minutes
            "--leader-elect=false",
            *(f"--{mover}-container-image={image}" for mover in MOVERS),
            "--scc-name=volsync-privileged-mover",
        ],
        "ports": [{"name": "https", "containerPort": METRICS_PORT}, {"name": "health", "containerPort": 8081}],
    }
    return _object(
        "apps/v1",
        "Deployment",
        NAME,
        namespaced=True,
        spec={
            "replicas": 1,
            "selector": {"matchLabels": SELECTOR},
            "template": {
                "metadata": {"labels": SELECTOR},
                "spec": {**pod, "serviceAccountName": NAME, "containers": [container]},
            },
        },
    )


def _object(api_version: str, kind: str, name: str, *, namespaced: bool = False, **content: object) -> Object:
    metadata: Object = {"name": name, "labels": dict(SELECTOR)}
    if namespaced:
        metadata["namespace"] = NAMESPACE
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _binding(kind: str, name: str, role: str) -> Object:
    return _object(
        f"{RBAC}/v1",
        f"{kind}Binding",
        name,
        namespaced=kind == "Role",
        roleRef={"apiGroup": RBAC, "kind": kind, "name": role},
        subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    )
