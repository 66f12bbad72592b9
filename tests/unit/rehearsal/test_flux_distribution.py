# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What the stand-in for flux-operator makes of a FluxInstance."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.flux import conditions, distribution, manifests
from rehearsal.flux.distribution import BuildError, build
from rehearsal.flux.operator import _entry, _inventory, _path
from rehearsal.flux.versions import matches
from rehearsal.labels import STAND_IN

VERSION = "2.9.4"
SYNC = {"kind": "GitRepository", "url": "http://git/x.git", "ref": "refs/heads/main", "path": "clusters/apps"}


def component(name: str, *arguments: str) -> list[dict[str, Any]]:
    container = {"image": f"fluxcd/{name}:v1.2.3", "args": list(arguments)}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": {"control-plane": "controller"}},
            "spec": {"template": {"metadata": {}, "spec": {"containers": [container]}}},
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{name}s.source.toolkit.fluxcd.io"},
        },
    ]


def binding(name: str, role: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "source-controller", "namespace": "flux-system"}],
    }


EVENTS = "--events-addr=http://somewhere./"
FILES = {
    "source-controller.yaml": component(
        "source-controller", EVENTS, "--watch-all-namespaces", "--storage-path=/data", "--storage-adv-addr=x"
    ),
    "kustomize-controller.yaml": component("kustomize-controller", EVENTS),
    "helm-controller.yaml": component("helm-controller", EVENTS),
    "notification-controller.yaml": component("notification-controller", "--log-level=info"),
    "policies.yaml": [{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "allow"}}],
    "rbac.yaml": [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "crd-controller"}},
        binding("crd-controller", "crd-controller"),
        binding("cluster-reconciler", "cluster-admin"),
    ],
}


def instance(name: str = "flux", namespace: str = "flux-system", **spec: Any) -> dict[str, Any]:
    base = {"distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"}}
    return {"metadata": {"name": name, "namespace": namespace, "generation": 3}, "spec": {**base, **spec}}


def named(built: distribution.Built) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["kind"], each["metadata"]["name"]): each for each in built.objects}


def arguments(built: distribution.Built, name: str) -> list[str]:
    return named(built)["Deployment", name]["spec"]["template"]["spec"]["containers"][0]["args"]


def test_an_instance_becomes_the_controllers_with_images_of_its_registry():
    built = build(instance(), FILES, VERSION)
    assert [each["name"] for each in built.components] == list(distribution.COMPONENTS)
    source = named(built)["Deployment", "source-controller"]
    assert source["spec"]["template"]["spec"]["containers"][0]["image"] == "ghcr.io/fluxcd/source-controller:v1.2.3"
    assert built.revision.startswith("v2.9.4@sha256:")
    assert built.revision == build(instance(), FILES, VERSION).revision
    assert built.revision != build(instance(components=["source-controller"]), FILES, VERSION).revision
    # what the distribution has is never changed
    assert FILES["source-controller.yaml"][0]["metadata"] == {
        "name": "source-controller",
        "labels": {"control-plane": "controller"},
    }


def test_definitions_come_first_and_deployments_after_their_rights():
    kinds = [each["kind"] for each in build(instance(sync=SYNC), FILES, VERSION).objects]
    order = list(dict.fromkeys(kinds))
    assert order[:4] == ["CustomResourceDefinition", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"]
    assert order[-3:] == ["Deployment", "GitRepository", "Kustomization"]


def test_everything_says_whose_it_is_and_who_stood_in():
    given = instance(namespace="gitops", commonMetadata={"labels": {"team": "platform"}})
    for each in build(given, FILES, VERSION).objects:
        labels = each["metadata"]["labels"]
        assert labels["fluxcd.controlplane.io/namespace"] == "gitops"
        assert labels[STAND_IN] == "flux-operator"
        assert labels["team"] == "platform"
        assert ("namespace" in each["metadata"]) is distribution.namespaced(each)
    pod = named(build(given, FILES, VERSION))["Deployment", "helm-controller"]["spec"]["template"]
    assert STAND_IN not in str(pod)  # the controllers are real


def test_roles_are_of_the_instances_namespace():
    objects = named(build(instance(namespace="gitops"), FILES, VERSION))
    own = objects["ClusterRoleBinding", "crd-controller-gitops"]
    assert own["roleRef"]["name"] == "crd-controller-gitops"
    assert own["subjects"][0]["namespace"] == "gitops"
    assert objects["ClusterRoleBinding", "cluster-reconciler-gitops"]["roleRef"]["name"] == "cluster-admin"


def test_controllers_are_told_where_the_others_are():
    built = build(instance(namespace="gitops", cluster={"domain": "k8s.local"}), FILES, VERSION)
    assert arguments(built, "source-controller") == [
        "--events-addr=http://notification-controller.gitops.svc.k8s.local./",
        "--watch-all-namespaces",
        "--storage-path=/data",
        "--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.k8s.local.",
    ]
    assert arguments(built, "notification-controller") == ["--log-level=info"]
    alone = build(instance(components=["source-controller", "helm-controller"]), FILES, VERSION)
    assert arguments(alone, "helm-controller") == ["--events-addr="]


def test_a_sync_becomes_a_source_and_the_root_kustomization():
    built = named(build(instance(sync={**SYNC, "pullSecret": "git", "interval": "5m"}), FILES, VERSION))
    assert built["GitRepository", "flux-system"]["spec"] == {
        "interval": "5m",
        "ref": {"name": "refs/heads/main"},
        "url": "http://git/x.git",
        "secretRef": {"name": "git"},
    }
    assert built["Kustomization", "flux-system"]["spec"]["path"] == "clusters/apps"
    other = named(build(instance(sync={**SYNC, "name": "root"}), FILES, VERSION))
    assert other["Kustomization", "root"]["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "root"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (instance(name="other"), "must be named flux, not other"),
        (
            instance(distribution={"version": "2.8.x", "registry": "r"}),
            "no match found for semver: 2.8.x; here is 2.9.4",
        ),
        (instance(distribution={"version": "latest", "registry": "r"}), "'latest' is of a form"),
        (
            instance(components=["image-reflector-controller"]),
            "has no program for component image-reflector-controller",
        ),
        (instance(sharding={"shards": ["a"]}), "does not follow spec.sharding"),
        (instance(cluster={"multitenant": True}), "does not follow spec.cluster.multitenant"),
        (instance(kustomize={"patches": [{}]}), "does not follow spec.kustomize"),
        (instance(sync={**SYNC, "kind": "Bucket"}), "from a GitRepository, not from Bucket"),
    ],
)
def test_what_would_be_ignored_is_refused(given: dict[str, Any], words: str):
    with pytest.raises(BuildError, match=words):
        build(given, FILES, VERSION)


@pytest.mark.parametrize(
    "expression", ["2.x", "2.9.x", "v2.9.4", "=2.9.4", "*", "2.*", ">=2.7", ">= 2.7.0, < 3", ">2.9.3"]
)
def test_ranges_that_have_this_release(expression: str):
    assert matches(VERSION, expression)


@pytest.mark.parametrize("expression", ["2.8.x", "2.9.3", "3.x", ">=2.10.0", "<2.9.4", ">=2.7 <2.9", ""])
def test_ranges_that_do_not(expression: str):
    assert not matches(VERSION, expression)


def test_an_inventory_names_what_was_made():
    built = build(instance(sync=SYNC), FILES, VERSION)
    entries = [_entry(each) for each in built.objects]
    assert {"id": "flux-system_helm-controller_apps_Deployment", "v": "v1"} in entries
    assert {"id": "_crd-controller-flux-system_rbac.authorization.k8s.io_ClusterRole", "v": "v1"} in entries
    assert {"id": "flux-system_source-controller__ServiceAccount", "v": "v1"} in entries
    again = _inventory({"status": {"inventory": {"entries": entries}}})
    assert [_path(each) for each in again] == [_path(each) for each in built.objects]
    assert "/apis/networking.k8s.io/v1/namespaces/flux-system/networkpolicies/allow" in map(_path, again)
    assert "/api/v1/namespaces/flux-system/serviceaccounts/helm-controller" in map(_path, again)


def ready(status: str, generation: int = 1, reason: str = "Failed") -> dict[str, Any]:
    return {
        "observedGeneration": generation,
        "conditions": [{"type": "Ready", "status": status, "reason": reason, "message": "path not found"}],
    }


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "'NotFound'"),
        ({}, "'InProgress'"),
        (ready("True", generation=0), "'InProgress'"),
        (ready("False", reason="ArtifactFailed"), "'ArtifactFailed: path not found'"),
        (ready("True"), None),
    ],
)
def test_why_a_kustomization_is_not_ready(status: dict[str, Any] | None, words: str | None):
    wanted = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "root", "namespace": "flux-system", "generation": 1},
    }
    said = conditions.obstacle(None if status is None else {**wanted, "status": status}, wanted)
    assert said == (words and f"Kustomization/flux-system/root status: {words}")


def test_a_deployment_is_ready_with_all_its_pods_of_the_last_generation():
    wanted = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "c", "generation": 2}, "spec": {}}
    counts = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    assert conditions.obstacle({**wanted, "status": {**counts, "observedGeneration": 2}}, wanted) is None
    assert conditions.obstacle({**wanted, "status": {**counts, "observedGeneration": 1}}, wanted)
    assert conditions.obstacle({**wanted, "status": {**counts, "observedGeneration": 2, "replicas": 2}}, wanted)


def test_a_condition_keeps_its_time_while_it_stays():
    before = instance()
    first = conditions.conditions(before, "t1", Ready=("True", "Succeeded", "a"))
    then = {**before, "status": {"conditions": first}}
    (kept,) = conditions.conditions(then, "t2", Ready=("True", "Succeeded", "b"))
    assert (kept["lastTransitionTime"], kept["message"], kept["observedGeneration"]) == ("t1", "b", 3)
    changed = conditions.conditions(
        then, "t2", Ready=("False", "BuildFailed", "b"), Stalled=("True", "BuildFailed", "b")
    )
    assert [each["lastTransitionTime"] for each in changed] == ["t2", "t2"]


def test_durations_as_go_writes_them():
    assert conditions.seconds("1h30m", 1) == 5400
    assert conditions.seconds("500ms", 1) == 0.5
    assert conditions.seconds("soon", 7) == conditions.seconds(None, 7) == 7


def test_the_operators_manifests_say_that_it_stands_in():
    files = {
        "account.yaml": "{apiVersion: v1, kind: ServiceAccount, metadata: {name: flux-operator}}",
        "service.yaml": "{apiVersion: v1, kind: Service, metadata: {name: flux-operator, labels: {a: b}}}",
        "deployment.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: flux-operator}
spec:
  template:
    metadata: {labels: {app.kubernetes.io/name: flux-operator}}
    spec: {serviceAccountName: flux-operator, containers: [{name: manager, image: "flux-operator:latest"}]}
""",
        "fluxcd.controlplane.io_fluxinstances.yaml": "---\nkind: CustomResourceDefinition\n",
    }
    objects = {each["kind"]: each for each in manifests.objects(files, "0.58.1")}
    assert all(each["metadata"]["labels"][STAND_IN] == "flux-operator" for each in objects.values())
    pod = objects["Deployment"]["spec"]["template"]
    assert pod["metadata"]["labels"][STAND_IN] == "flux-operator"
    assert pod["spec"]["containers"][0]["image"] == "ghcr.io/controlplaneio-fluxcd/flux-operator:v0.58.1"
    (subject,) = objects["ClusterRoleBinding"]["subjects"]
    account = objects["ServiceAccount"]["metadata"]
    assert (subject["namespace"], subject["name"]) == (account["namespace"], account["name"])
    assert manifests.definitions(files) == files["fluxcd.controlplane.io_fluxinstances.yaml"]
