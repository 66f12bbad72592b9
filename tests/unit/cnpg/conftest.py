# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role cnpg's values as an inventory without any setting gives them, and a cluster large enough for them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from scripted_api import Handler, ScriptedConnection

ROLES = Path(__file__).resolve().parents[3] / "roles"
GIB = 1024**3
NODE = {"ready": True, "schedulable": True, "allocatable": {"cpu": 16.0, "memory": 64 * GIB, "pods": 110}}
KINDS = ("Cluster", "Backup", "ScheduledBackup", "Pooler", "Database")


@pytest.fixture
def values() -> dict[str, Any]:
    found = yaml.safe_load((ROLES / "cnpg" / "defaults" / "main.yml").read_text())
    for what in ("owner_secret", "check_secret", "s3_secret"):
        name = f"cnpg_{what}"
        found[name] = found[name].replace("{{ cnpg_name }}", found["cnpg_name"])
    return found


@pytest.fixture
def cluster() -> dict[str, Any]:
    """A cluster with CloudNativePG 1.30, External Secrets, the Prometheus operator and three nodes in three zones."""
    return copy.deepcopy(
        {
            "version": {"git": "v1.36.3", "major": "1", "minor": "36", "emulation_major_present": True},
            "served": {
                **{f"{kind}.postgresql.cnpg.io": ["v1"] for kind in KINDS},
                "PodMonitor.monitoring.coreos.com": ["v1"],
            },
            "nodes": [{**NODE, "name": f"node-{zone}", "zone": f"zone-{zone}"} for zone in "abc"],
            "requested": {"cpu": 1.0, "memory": GIB},
            "storage_classes": [{"name": "rook-ceph-block", "default": True, "provisioner": "x"}],
            "unreadable": [],
        }
    )


@pytest.fixture
def scripted() -> Callable[[Handler], Api]:
    """An Api over a handler."""
    return lambda handler: Api(ScriptedConnection(handler), Deadline(5.0), concurrency=4)
