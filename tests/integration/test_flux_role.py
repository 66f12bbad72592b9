# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role flux, a tree in Git and Flux objects, on Flux's own controllers: each kind of failure with its cause.

The tests stand in an order in which each leaves the cluster fit for the next.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from mechanisms import Mechanisms
from site_runs import Watch, changed, output, run

CLUSTER = "apps"
ROOT = f"kubernetes/clusters/{CLUSTER}"
OTHERS = ("strimzi", "kafka_cluster", "schema_registry", "cnpg", "synergyflow_backend", "volsync", "obs_collectors")
GRAPH = {name: {"kind": "Kustomization", "name": name} for name in ("flux-system", "first", "second")}


def config(name: str, value: str = "one") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": value}}


def kustomization(name: str, *needed: str, path: str = "", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {
            "interval": "10m",
            "retryInterval": "1m",
            "timeout": "1m",
            "path": path or f"./kubernetes/workloads/{name}",
            "prune": True,
            "wait": True,
            "deletionPolicy": "Orphan",
            "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
            "dependsOn": [{"name": each} for each in needed],
            **spec,
        },
    }


class Tree:
    """The rehearsal's repository, by the module."""

    def __init__(self, rehearsal: Any, modules: Mechanisms) -> None:
        self.modules = modules
        read = {name: (rehearsal.state / "git" / name).read_text().strip() for name in ("url", "username", "password")}
        self.login = read

    def push(self, files: dict[str, Any], *args: str, **more: Any) -> Any:
        wanted = {f"{ROOT}/graph.yaml": [kustomization("first"), kustomization("second", "first")]}
        wanted |= {f"kubernetes/workloads/{name}/config.yaml": [config(name)] for name in ("first", "second")}
        trees = {CLUSTER: {path: content for path, content in {**wanted, **files}.items() if content}}
        return self.modules.run("git_tree", *args, trees=trees, subject=CLUSTER, kubeconfig=None, **self.login, **more)


@pytest.fixture(scope="module")
def modules(rehearsal: Any, tmp_path_factory: pytest.TempPathFactory) -> Mechanisms:
    return Mechanisms(rehearsal, tmp_path_factory.mktemp("flux"), CLUSTER)


@pytest.fixture(scope="module")
def tree(rehearsal: Any, modules: Mechanisms) -> Tree:
    return Tree(rehearsal, modules)


@pytest.fixture(scope="module")
def variables(tree: Tree) -> dict[str, Any]:
    return {
        "flux_enabled": True,
        "flux_git_url": tree.login["url"],
        "flux_git_secret": "flux-system",
        "flux_git_username": tree.login["username"],
        "flux_git_password": tree.login["password"],
        **{f"{role}_enabled": False for role in OTHERS},
    }


@pytest.fixture
def flux(rehearsal: Any, tree: Tree, variables: dict[str, Any]) -> None:
    """Flux on the cluster, also for a test that runs alone."""
    if "flux-system" not in rehearsal.kubectl(CLUSTER, "get", "namespaces", "-o", "name").stdout:
        tree.push({}).ok()
        done = site(rehearsal, variables)
        assert done.returncode == 0, output(done)


def site(rehearsal: Any, variables: dict[str, Any], *args: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return run(rehearsal, "site", CLUSTER, *args, **variables, **more)


def reconcile(modules: Mechanisms, *names: str, **options: Any) -> Any:
    objects = [GRAPH.get(name, {"kind": "Kustomization", "name": name}) for name in names]
    return modules.run("flux_objects", state="reconciled", objects=objects, failure_grace=3, timeout=60, **options)


def test_a_folder_that_git_does_not_have_is_refused_before_any_write(rehearsal: Any, variables: dict[str, Any]) -> None:
    done = site(rehearsal, variables)
    assert done.returncode != 0
    assert f"flux_git_path: {ROOT} is no folder in branch main of flux_git_url" in output(done)
    assert "flux-system" not in rehearsal.kubectl(CLUSTER, "get", "namespaces", "-o", "name").stdout


def test_check_mode_on_an_empty_cluster_shows_all_and_writes_nothing(rehearsal: Any, variables: dict[str, Any]) -> None:
    watch = Watch(rehearsal, CLUSTER)
    # with what comes by a HelmRelease of Flux, which is to come too
    more = {"flux_git_url": "", "strimzi_enabled": True}
    done = site(rehearsal, {**variables, **more}, "--check", "--diff")
    assert done.returncode == 0, output(done)
    for name in ("FluxInstance flux-system/flux", "HelmRelease flux-system/flux-instance", "HelmRelease messaging/"):
        assert f"+++ after: {name}" in done.stdout
    assert variables["flux_git_password"] not in done.stdout + done.stderr
    assert watch.requests > 0
    assert watch.writes == []


def test_the_role_brings_flux_and_flux_follows_the_tree(
    rehearsal: Any, modules: Mechanisms, tree: Tree, variables: dict[str, Any]
) -> None:
    pushed = tree.push({}).ok()
    assert pushed["changed"]
    first = site(rehearsal, variables)
    assert first.returncode == 0, output(first)
    assert tree.login["password"] not in first.stdout + first.stderr
    reconcile(modules, "flux-system", revision=pushed["revision"]).ok()
    found = reconcile(modules, "second", "first", revision=pushed["revision"]).ok()["objects"]
    assert {each["revision"] for each in found} == {f"refs/heads/{pushed['revision']}"}
    assert rehearsal.get(CLUSTER, "configmap", "second", "-n", "default")["data"] == {"key": "one"}
    again = site(rehearsal, variables)
    assert (again.returncode, changed(again, CLUSTER)) == (0, 0), output(again)
    assert not tree.push({}).ok()["changed"]


def test_the_evidence_says_that_flux_manages_itself_and_is_where_git_is(
    rehearsal: Any, variables: dict[str, Any], tmp_path: Any
) -> None:
    file = tmp_path / "evidence.json"
    run(rehearsal, "validate", CLUSTER, **variables, evidence_file=str(file))
    records = {each["id"]: each for each in json.loads(file.read_text())["clusters"][CLUSTER]}
    for name in ("instance", "self", "controllers", "source", "kustomizations", "helmreleases"):
        assert records[f"AC11-{name}"]["status"] == "passed", records[f"AC11-{name}"]
    assert records["AC13-flux"]["status"] == "passed"


def test_a_commit_is_reached_and_what_is_there_is_not_asked_again(
    rehearsal: Any, modules: Mechanisms, tree: Tree
) -> None:
    predicted = tree.push({"kubernetes/workloads/second/config.yaml": [config("second", "two")]}, "--check", "--diff")
    assert "+  key: two" in predicted.output
    pushed = tree.push({"kubernetes/workloads/second/config.yaml": [config("second", "two")]}).ok()
    assert pushed["message"].splitlines()[0] == f"{CLUSTER}: 1 changed"
    names = ("first", "second", "flux-system")
    assert reconcile(modules, *names, revision=pushed["commit"]).ok()["changed"]
    assert rehearsal.get(CLUSTER, "configmap", "second", "-n", "default")["data"] == {"key": "two"}
    assert not reconcile(modules, *names, revision=pushed["commit"]).ok()["changed"]


def test_drift_is_corrected_when_asked_for(rehearsal: Any, modules: Mechanisms) -> None:
    patch = json.dumps({"data": {"key": "by hand"}})
    rehearsal.kubectl(CLUSTER, "patch", "configmap", "second", "-n", "default", "--type=merge", "-p", patch)
    reconcile(modules, "second").ok()
    assert rehearsal.get(CLUSTER, "configmap", "second", "-n", "default")["data"]["key"] != "by hand"


def test_the_wrong_revision_names_both(modules: Mechanisms) -> None:
    wrong = "0" * 40
    message = reconcile(modules, "first", revision=wrong).message
    assert "GitRepository flux-system/flux-system: it is at refs/heads/main@sha1:" in message
    assert f"expected {wrong}" in message


@pytest.mark.usefixtures("flux")
@pytest.mark.parametrize(
    ("graph", "asked", "said"),
    [
        pytest.param(
            [kustomization("first", path="./no/such/folder"), kustomization("second", "first")],
            "first",
            ["Kustomization flux-system/first: Ready ArtifactFailed: kustomization path not found"],
            marks=pytest.mark.nightly,
        ),
        pytest.param(
            [kustomization("first", "gone"), kustomization("second", "first")],
            "first",
            ["Kustomization flux-system/first depends on Kustomization flux-system/gone, which does not exist"],
            marks=pytest.mark.nightly,
        ),
        (
            [kustomization("first", path="./kubernetes/workloads/ill"), kustomization("second", "first")],
            "second",
            [
                "waits for Kustomization flux-system/first (",
                "HealthCheckFailed",
                "Deployment default/ill (Failed for Flux): failing: Progressing ProgressDeadlineExceeded",
            ],
        ),
    ],
    ids=["bad path", "missing dependency", "failed health check"],
)
def test_a_graph_that_fails_says_why(
    modules: Mechanisms, tree: Tree, graph: list[Any], asked: str, said: list[str]
) -> None:
    pod = {
        "metadata": {"labels": {"app": "ill"}},
        "spec": {"containers": [{"name": "ill", "image": "ill"}], "nodeSelector": {"no-such": "node"}},
    }
    # Flux waits 30 s for what may still come, and not for what has exceeded its deadline
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "ill"}}, "template": pod, "progressDeadlineSeconds": 1}
    ill = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": config("ill")["metadata"], "spec": spec}
    files = {f"{ROOT}/graph.yaml": graph, "kubernetes/workloads/ill/deployment.yaml": [ill]}
    pushed = tree.push(files).ok()
    reconcile(modules, "flux-system", revision=pushed["revision"]).ok()
    outcome = modules.run(
        "flux_objects",
        state="reconciled",
        objects=[GRAPH[asked]],
        revision=pushed["revision"],
        failure_grace=3,
        timeout=20,
    )
    assert outcome.code != 0
    for words in said:
        assert words in outcome.message


@pytest.mark.nightly
@pytest.mark.usefixtures("flux")
def test_what_is_suspended_is_not_reconciled_in_silence_and_resumes_in_order(modules: Mechanisms, tree: Tree) -> None:
    pushed = tree.push({}).ok()
    reconcile(modules, "flux-system", revision=pushed["revision"]).ok()
    objects = [GRAPH["second"], GRAPH["first"]]
    assert modules.run("flux_objects", state="suspended", objects=objects).ok()["changed"]
    assert not modules.run("flux_objects", state="suspended", objects=objects).ok()["changed"]
    assert "is suspended, so nothing would reconcile it" in reconcile(modules, "first").message
    # the parent's reconciliation does not undo it: the field manager is no kubectl
    reconcile(modules, "flux-system").ok()
    assert "is suspended" in reconcile(modules, "first").message
    found = modules.run("flux_objects", state="resumed", objects=objects, timeout=60).ok()["objects"]
    assert [each["action"] for each in found] == ["resumed", "resumed"]
    assert {each["revision"] for each in found} == {f"refs/heads/{pushed['revision']}"}
