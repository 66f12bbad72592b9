# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups by plugin-barman-cloud, as far as a cluster can say without its program: its own definition takes them.

On `infra`, so that no other test's PostgreSQL sees the definition and would choose the plugin.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from site_runs import Watch, ours, output, run

from rehearsal import programs
from rehearsal.paths import Paths

FAMILY, MODULE = "plugin-barman-cloud", "github.com/cloudnative-pg/plugin-barman-cloud"
CLUSTER, NAMESPACE = "infra", "synergyflow"
OTHERS = ("strimzi", "kafka_cluster", "schema_registry", "volsync", "synergyflow_backend", "obs_collectors")
ALONE = {"cnpg_enabled": True} | {f"{role}_enabled": False for role in OTHERS}


@pytest.fixture(scope="module")
def plugin(rehearsal: Any) -> Iterator[Any]:
    """The cluster serves ObjectStore, and has the namespace: what would be made in a new one is not tried."""
    (definition,) = programs.module_files(FAMILY, MODULE, Paths.from_environment())
    rehearsal.kubectl(CLUSTER, "create", "namespace", NAMESPACE)
    rehearsal.kubectl(CLUSTER, "apply", "--server-side", "-f", str(definition))
    rehearsal.kubectl(CLUSTER, "wait", "--for=condition=Established", "--timeout=60s", "-f", str(definition))
    yield rehearsal
    rehearsal.kubectl(CLUSTER, "delete", "-f", str(definition))
    rehearsal.kubectl(CLUSTER, "delete", "namespace", NAMESPACE, "--wait=false")


def tried(rehearsal: Any, since: int) -> list[int]:
    """How the API server answered the dry runs of ObjectStores."""
    return [
        event["responseStatus"]["code"]
        for event in ours(rehearsal.audit_events(CLUSTER, since))
        if "/objectstores/" in event["requestURI"] and "dryRun=All" in event["requestURI"]
    ]


def test_the_plugin_is_chosen_and_its_definition_takes_the_object_store(plugin):
    since, watch = plugin.audit_size(CLUSTER), Watch(plugin, CLUSTER)
    done = run(plugin, "site", CLUSTER, "--check", "--diff", **ALONE)
    assert done.returncode == 0, output(done)
    assert watch.writes == []
    assert tried(plugin, since) == [201]
    assert "+++ after: ObjectStore synergyflow/synergyflow-db" in done.stdout
    database = done.stdout.partition("+++ after: Cluster synergyflow/synergyflow-db\n")[2].partition("+++ after:")[0]
    assert "barman-cloud.cloudnative-pg.io" in database
    assert "barmanObjectStore" not in database


def test_the_definition_refuses_what_it_does_not_know(plugin):
    """That it takes the role's object says something only because it does not take everything."""
    wrong = {
        "apiVersion": "barmancloud.cnpg.io/v1",
        "kind": "ObjectStore",
        "metadata": {"name": "wrong", "namespace": NAMESPACE},
        "spec": {"configuration": {"destinationPath": "s3://b/p/"}, "retentionPolicy": "for ever"},
    }
    done = plugin.kubectl(CLUSTER, "apply", "--dry-run=server", "-f", "-", input=json.dumps(wrong), check=False)
    assert done.returncode != 0
    assert "retentionPolicy" in done.stderr
