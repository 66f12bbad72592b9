# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Definitions of custom resources that a platform's cluster has from those before us, from their makers' own modules.

Of snapshots and monitors nobody here takes notice: they can be made, and nothing comes of them. Secrets of External
Secrets are made by a stand-in (`rehearsal.external_secrets`).
"""

from __future__ import annotations

from pathlib import Path

import yaml

from rehearsal import programs
from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths

FAMILY = "prerequisites"
# module -> what is taken of it, by the names of its files, `<group>_<plural>.yaml`
DEFINITIONS = {
    "github.com/external-secrets/external-secrets": (
        "external-secrets.io_externalsecrets",
        "external-secrets.io_secretstores",
        "external-secrets.io_clustersecretstores",
    ),
    "github.com/kubernetes-csi/external-snapshotter/client/v8": (
        "snapshot.storage.k8s.io_volumesnapshotclasses",
        "snapshot.storage.k8s.io_volumesnapshotcontents",
        "snapshot.storage.k8s.io_volumesnapshots",
    ),
    "github.com/prometheus-operator/prometheus-operator": (
        "monitoring.coreos.com_podmonitors",
        "monitoring.coreos.com_servicemonitors",
        "monitoring.coreos.com_prometheusrules",
    ),
}


def definitions(paths: Paths) -> dict[str, Path]:
    """The file of each definition, by the definition's name."""
    found = {}
    for module, names in DEFINITIONS.items():
        files = {file.stem: file for file in programs.module_files(FAMILY, module, paths)}
        if missing := [name for name in names if name not in files]:
            raise RehearsalError(f"{module} has no {missing[0]}.yaml: correct artifacts.toml")
        for name in names:
            group, _, plural = name.partition("_")
            found[f"{plural}.{group}"] = files[name]
    return found


def served(definition: str) -> str:
    """A definition without the versions that nobody is served: the API server would keep their schemas all the same."""
    parsed = yaml.load(definition, Loader=yaml.CSafeLoader)
    parsed["spec"]["versions"] = [each for each in parsed["spec"]["versions"] if each["served"] or each["storage"]]
    return yaml.dump(parsed, Dumper=yaml.CSafeDumper)
