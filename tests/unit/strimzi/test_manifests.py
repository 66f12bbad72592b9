# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The operator's own objects. The definitions are generated and looked at in the integration test."""

from __future__ import annotations

import pytest

from rehearsal.strimzi import cluster_operator, operator_install, versions


def _by_kind(generation, kind: str) -> dict[str, dict]:
    objects = operator_install.objects(generation, "messaging")
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def test_everything_says_that_it_stands_in(generation):
    for each in operator_install.objects(generation, "messaging"):
        assert each["metadata"]["labels"]["synergyflow.platform/stand-in"] == "strimzi-cluster-operator"


def test_the_deployment_can_be_found_and_is_what_it_says(generation):
    deployment = _by_kind(generation, "Deployment")["strimzi-cluster-operator"]
    template = deployment["spec"]["template"]
    assert template["metadata"]["labels"]["name"] == "strimzi-cluster-operator"
    container = template["spec"]["containers"][0]
    assert container["image"] == f"quay.io/strimzi/operator:{generation.version}"
    assert container["args"] == ["/opt/strimzi/bin/cluster_operator_run.sh"]


def test_bindings_name_roles_that_exist(generation):
    roles = _by_kind(generation, "ClusterRole")
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in _by_kind(generation, kind).values():
            assert binding["roleRef"]["name"] in roles
            assert binding["subjects"][0]["namespace"] == "messaging"
            assert ("namespace" in binding["metadata"]) == (kind == "RoleBinding")


def test_rights_are_named_never_all(generation):
    for role in _by_kind(generation, "ClusterRole").values():
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]


def test_the_environment_of_the_manifest_is_what_the_program_reads(generation):
    deployment = operator_install.deployment(generation, "messaging")
    environment = {
        each["name"]: each.get("value", "messaging")
        for each in deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    settings = cluster_operator.settings({**environment, "STRIMZI_OPERATOR_VERSION": generation.version})
    assert settings.images.keys() == generation.kafka.keys()
    assert settings.images["3.8.1" if generation.api == "v1beta2" else "4.3.1"].endswith(
        "0.45.2-kafka-3.8.1" if generation.api == "v1beta2" else "1.2.0-kafka-4.3.1"
    )
    assert settings.operation_timeout == 180
    assert cluster_operator.refusal(generation, {"emulationMajor": "1"}, environment) is None


def test_an_unknown_version_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"0\.43\.0: there are 0\.45\.2, 1\.2\.0"):
        versions.generation("0.43.0")
