# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight of flux refuses: the graph above all."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_kustomizations import (
    expressions,
    flux_kustomizations,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import flux
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.flux import Live

URL = "https://git.example.org/platform/k8s-gitops.git"


def operator(version: str) -> dict[str, Any]:
    container = {"name": "manager", "image": f"ghcr.io/controlplaneio-fluxcd/flux-operator:v{version}"}
    return {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}


def problems(values: dict[str, Any], cluster: dict[str, Any], live: Live | None = None, **more: Any) -> str:
    found = flux.check(values | more, cluster, [operator("0.58.1")], live or Live())
    return "\n".join(found.problems)


def entry(name: str, *needed: str, path: str = "kubernetes/clusters/apps") -> dict[str, Any]:
    return {"name": name, "path": path, "depends_on": list(needed)}


def test_the_defaults_pass_with_the_operators_manifests(flux_values, cluster):
    findings = flux.check(flux_values, cluster, [operator("0.58.1")], Live(namespace_exists=False))
    assert findings.problems == []
    assert findings.facts["expected_namespaces"] == ["flux-system"]
    assert "FluxInstance.fluxcd.controlplane.io" in findings.facts["expected_kinds"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"flux_manifests": []}, "set flux_manifests to a directory"),
        ({"flux_operator_version": "0.57.0"}, "flux_manifests hold flux-operator 0.58.1"),
        ({"flux_version": "latest"}, "flux_version must be a release or a range"),
        ({"flux_install_method": "existing"}, "does not serve FluxInstance"),
        ({"flux_components": ["source-controller"]}, "lacks kustomize-controller, helm-controller"),
        ({"flux_images": [{"name": "x", "image": "y", "range": "1.x"}]}, "add image-reflector-controller"),
        ({"flux_git_url": "git@example.org:x.git"}, "must begin with https://"),
        ({"flux_git_url": "https://me:canary@example.org/x.git"}, "flux_git_url holds credentials"),
        ({"flux_git_url": URL, "flux_git_secret": "flux-system"}, "there is no Secret flux-system"),
        ({"flux_git_url": URL, "flux_git_password": "p", "flux_git_username": "u"}, "without flux_git_secret"),
        ({"flux_git_url": URL, "flux_git_password": "p", "flux_git_secret": "s"}, "without flux_git_username"),
        ({"flux_kustomizations": [entry("a")]}, "flux_git_url is empty"),
    ],
)
def test_what_cannot_work_is_refused(flux_values, cluster, more, said):
    assert said in problems(flux_values, cluster, **more)


@pytest.mark.parametrize(
    ("sync", "more", "warned"),
    [
        ({"url": URL}, {}, True),
        ({"url": URL}, {"flux_instance": {"sync": {"url": URL}}}, False),
        ({}, {}, False),
    ],
    ids=["goes", "of its own", "none"],
)
def test_a_sync_that_goes_is_said_with_what_goes_with_it(flux_values, cluster, sync, more, warned):
    live = Live(instance={"metadata": {"name": "flux"}, "spec": {"sync": sync}})
    findings = flux.check(flux_values | more, cluster, [operator("0.58.1")], live)
    assert any(f"the FluxInstance follows {URL}: its sync goes" in each for each in findings.warnings) is warned


def test_the_graph_is_checked_before_any_write(flux_values, cluster):
    live = Live(
        folders={"kubernetes", "kubernetes/clusters", "kubernetes/clusters/apps"},
        kustomizations=flux_kustomizations([{"name": "infrastructure", "path": "x"}], "flux-system"),
    )
    graph = [
        entry("a", "b"),
        entry("b", "a"),
        entry("c", "gone"),
        entry("d", "infrastructure"),
        entry("e", path="no/such"),
    ]
    text = problems(flux_values, cluster, live, flux_git_url=URL, flux_kustomizations=graph)
    assert "Kustomization flux-system/c depends on Kustomization flux-system/gone, which does not exist" in text
    assert "depend on each other in a circle: Kustomization flux-system/a" in text
    assert "flux_kustomizations, e: no/such is no folder in branch main of flux_git_url" in text
    assert "infrastructure" not in text
    assert (
        problems(flux_values, cluster, live, flux_git_url=URL, flux_kustomizations=[entry("d", "infrastructure")]) == ""
    )


def test_the_names_of_the_components_kustomizations_are_not_for_others(flux_values):
    mine = {"flux_kustomizations": [entry("cluster-apps-messaging-kafka"), entry("cluster-infra-messaging-kafka")]}
    for host, found in (("apps", 1), ("other", 0), ("No_Name", 0)):
        findings = flux.Findings()
        flux.check_own_names(flux_values | mine, host, findings)
        assert len(findings.problems) == found
        assert all("cluster-apps-messaging-kafka is the name of a component" in each for each in findings.problems)


def test_a_repository_that_cannot_be_looked_at_is_a_warning(flux_values, cluster):
    live = Live(git_error="git fetch failed")
    findings = flux.check(flux_values | {"flux_git_url": URL}, cluster, [operator("0.58.1")], live)
    assert findings.problems == []
    assert "its paths are not checked: git fetch failed" in findings.warnings[0]


def test_an_instance_that_helm_holds_is_left_to_it(flux_values, cluster):
    held = {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}
    for instance, by_helm in ((None, False), ({"metadata": {}}, False), (held, True)):
        findings = flux.check(flux_values, cluster, [operator("0.58.1")], Live(instance=instance))
        assert findings.facts["instance_by_helm"] is by_helm


def test_a_kustomization_keeps_what_runs_and_sees_the_health_of_strimzi():
    check = {"api_version": "kafka.strimzi.io/v1", "kind": "Kafka", "name": "synergyflow", "namespace": "messaging"}
    waiting, checking = flux_kustomizations(
        [{"name": "a", "path": "./x/"}, {"name": "b", "path": "y", "depends_on": ["a"], "health_checks": [check]}], "f"
    )
    assert waiting["spec"]["wait"] is True
    assert (waiting["spec"]["path"], waiting["spec"]["deletionPolicy"]) == ("./x", "Orphan")
    assert "wait" not in checking["spec"], "it would leave the health checks out"
    assert checking["spec"]["healthChecks"][0]["name"] == "synergyflow"
    assert [each["kind"] for each in checking["spec"]["healthCheckExprs"]] == ["Kafka"]
    assert checking["spec"]["dependsOn"] == [{"name": "a"}]
    assert expressions([("v1", "ConfigMap"), ("volsync.backube/v1alpha1", "ReplicationSource")])[0]["kind"] == (
        "ReplicationSource"
    )


def test_a_folder_that_this_run_brings_is_no_problem(flux_values, cluster):
    live, synced = Live(folders={"kubernetes"}), flux_values | {"flux_git_url": URL}

    def check(**more):
        return flux.check(synced | more, cluster, [operator("0.58.1")], live, by_git=True)

    assert (check().problems, check().facts["git_path_to_come"]) == ([], True)
    there = check(flux_git_path="kubernetes")
    assert (there.problems, there.facts["git_path_to_come"]) == ([], False)
    assert "flux_self_managed is false" in check(flux_self_managed=False).problems[0]
