# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The manifests that install flux-operator: what a role's install method `manifests` is pointed at.

Definitions, ServiceAccount, Deployment and Service are read from the module's own `config/`; what is bound to the
account is what the module's `config/default` and its chart bind, since an operator grants only what it has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rehearsal import artifacts, programs
from rehearsal.files import write_atomically
from rehearsal.flux import GROUP, IMAGE, MODULE, NAME, NAMESPACE
from rehearsal.labels import STAND_IN
from rehearsal.paths import Paths

RBAC = "rbac.authorization.k8s.io"
PARTS = ("account.yaml", "service.yaml", "deployment.yaml")

Object = dict[str, Any]


def version() -> str:
    """The release that the rehearsal stands in for."""
    return artifacts.go_families()["flux-operator"].version


def write(folder: Path, paths: Paths) -> None:
    """Write `crds.yaml` and `operator.yaml`."""
    files = {file.name: file.read_text() for file in programs.module_files("flux-operator", MODULE, paths)}
    write_atomically(folder / "crds.yaml", definitions(files), mode=0o644)
    documents = objects(files, version())
    text = "".join(f"---\n{yaml.safe_dump(document, sort_keys=False, width=120)}" for document in documents)
    write_atomically(folder / "operator.yaml", text, mode=0o644)


def definitions(files: dict[str, str]) -> str:
    """The definitions of the operator's own resources, as YAML."""
    return "".join(text for name, text in sorted(files.items()) if name.startswith(f"{GROUP}_"))


def objects(files: dict[str, str], release: str) -> list[Object]:
    """Everything but the definitions, in the order in which it can be applied. `files` are the module's, by name."""
    parts = [yaml.safe_load(files[name]) for name in PARTS]
    for part in parts:
        part["metadata"] = {**part["metadata"], "namespace": NAMESPACE}
        part["metadata"]["labels"] = {**part["metadata"].get("labels", {}), STAND_IN: NAME}
    pod = parts[-1]["spec"]["template"]
    pod["metadata"]["labels"][STAND_IN] = NAME
    pod["spec"]["containers"][0]["image"] = f"{IMAGE}:v{release}"
    binding: Object = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{NAME}-cluster-admin", "labels": {"app.kubernetes.io/name": NAME, STAND_IN: NAME}},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    }
    return [parts[0], binding, *parts[1:]]
