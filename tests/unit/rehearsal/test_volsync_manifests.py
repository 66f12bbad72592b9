# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that install VolSync, made from what its module has."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rehearsal.volsync import manifests

RULES = {"rules": [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]}]}
FILES = {
    **{
        name: yaml.safe_dump(RULES)
        for name in ("role.yaml", "metrics_auth_role.yaml", "metrics_reader_role.yaml", "leader_election_role.yaml")
    },
    "manager.yaml": """
kind: Namespace
---
kind: Deployment
spec:
  template:
    spec:
      serviceAccountName: controller-manager
      containers:
        - {name: manager, image: "controller:latest", command: [/manager], args: [--leader-elect], ports: []}
""",
}


@pytest.fixture
def objects() -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["kind"], each["metadata"]["name"]): each for each in manifests.objects(FILES, "0.16.0")}


def test_rules_are_the_modules_own(objects):
    assert objects["ClusterRole", "volsync-manager"]["rules"] == RULES["rules"]


def test_bindings_name_roles_that_exist_and_the_operators_account(objects):
    for (kind, _), binding in objects.items():
        if kind.endswith("Binding"):
            assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in objects
            assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "volsync", "namespace": "volsync-system"}]


def test_the_deployment_is_named_as_the_charts(objects):
    deployment = objects["Deployment", "volsync"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["serviceAccountName"] == "volsync"
    assert container["image"] == "quay.io/backube/volsync:0.16.0"
    assert container["command"] == ["/manager"]
    assert "--restic-container-image=quay.io/backube/volsync:0.16.0" in container["args"]
    assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
