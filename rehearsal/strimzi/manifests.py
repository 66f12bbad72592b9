# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The manifests that install one Strimzi version: what `strimzi_install_method: manifests` is pointed at."""

from __future__ import annotations

from pathlib import Path

import yaml

from rehearsal.files import write_atomically
from rehearsal.paths import Paths
from rehearsal.strimzi import crds, operator_install
from rehearsal.strimzi.versions import GENERATIONS, generation

VERSIONS = tuple(GENERATIONS)


def write(folder: Path, paths: Paths, version: str, namespace: str) -> None:
    """Write `crds.yaml` and `operator.yaml` for an operator in that namespace. ValueError for an unknown version."""
    chosen = generation(version)
    write_atomically(folder / "crds.yaml", crds.generated(chosen, paths), mode=0o644)
    documents = operator_install.objects(chosen, namespace)
    text = "".join(f"---\n{yaml.safe_dump(document, sort_keys=False, width=120)}" for document in documents)
    write_atomically(folder / "operator.yaml", text, mode=0o644)
