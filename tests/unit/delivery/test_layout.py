# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where components stand in Git, on bare repositories of this machine: the plan's tree, and one commit for a run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils import delivery_layout as layout
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.git_program import Git, Login
from ansible_collections.synergyflow.platform.plugins.module_utils.git_tree import Tree, TreeReport
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key, Manifest
from ansible_collections.synergyflow.platform.plugins.module_utils.tree_files import files

CLUSTER = "kubernetes/clusters/apps"
KAFKA = "kubernetes/workloads/platform/messaging/kafka"
PREFIX = "cluster-apps"


def thing(kind: str, name: str, api_version: str = "v1", **content: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "messaging"}, **content}


def kafka() -> Manifest:
    return thing("Kafka", "synergyflow", "kafka.strimzi.io/v1")


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    place = tmp_path / "bare.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(place))
    return place


@pytest.fixture
def publish(bare: Path, tmp_path: Path) -> Callable[..., TreeReport]:
    """Commit components of a host: name -> objects and their files, None for one that is to leave Git."""

    def go(host: str = "apps", workloads: str = layout.WORKLOADS, **components: Any) -> TreeReport:
        folder = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        texts: dict[str, str] = {}
        changes = []
        for name, content in components.items():
            manifest = None
            if content is not None:
                objects, names = list(content.values()), list(content)
                paths = layout.component_files(name, objects, names, workloads, keep_definitions=True)
                texts |= files(paths, layout.owner(host, name))
                manifest = layout.kustomization(host, name, objects, workloads, namespace="flux-system", left_out=[])
            changes.append(layout.Change(host, name, f"kubernetes/clusters/{host}", "flux-system", manifest))
        owners = frozenset(layout.owner(host, name) for name in components)
        at = Git(Login(str(bare)), "main", folder, Deadline(30), ("platform", "platform@example.org"))
        tree = Tree(at, texts, owners, host)
        tree.compose = lambda read: layout.compose(changes, read)
        return tree.deliver(check_mode=False, want_diff=True)

    return go


def paths(bare: Path) -> list[str]:
    return git(bare, "ls-tree", "-r", "--name-only", "main").split()


def kustomizations(bare: Path, name: str, host: str = "apps") -> dict[str, Any]:
    text = git(bare, "show", f"main:kubernetes/clusters/{host}/{name}.yaml")
    return {each["metadata"]["name"]: each["spec"] for each in yaml.safe_load_all(text)}


def needs(spec: dict[str, Any]) -> list[str]:
    return [each["name"] for each in spec.get("dependsOn", [])]


def test_the_tree_is_the_plans(bare: Path, publish: Callable[..., TreeReport]) -> None:
    report = publish(
        strimzi={"namespace.yaml": thing("Namespace", "messaging")},
        kafka_cluster={"kafka-cluster.yaml": kafka(), "kafka-topics.yaml": thing("KafkaTopic", "events", "k/v1")},
        schema_registry={"deployment.yaml": thing("Deployment", "schema-registry", "apps/v1")},
        synergyflow_backend={"deployment.yaml": thing("Deployment", "backend", "apps/v1")},
    )
    assert report.message.splitlines()[0] == "apps: 10 added"
    assert {
        f"{KAFKA}/kafka-cluster.yaml",
        f"{KAFKA}/kafka-topics.yaml",
        f"{KAFKA}/kustomization.yaml",
        "kubernetes/workloads/platform/messaging/schema-registry/deployment.yaml",
        "kubernetes/workloads/apps/synergyflow/deployment.yaml",
        "kubernetes/workloads/apps/synergyflow/kustomization.yaml",
        f"{CLUSTER}/messaging.yaml",
        f"{CLUSTER}/synergyflow.yaml",
        f"{CLUSTER}/kustomization.yaml",
    } <= set(paths(bare))


def test_the_graph_is_the_plans(bare: Path, publish: Callable[..., TreeReport]) -> None:
    publish(
        strimzi={"namespace.yaml": thing("Namespace", "messaging")},
        kafka_cluster={"kafka-cluster.yaml": kafka()},
        schema_registry={"deployment.yaml": thing("Deployment", "schema-registry", "apps/v1")},
        synergyflow_backend={"deployment.yaml": thing("Deployment", "backend", "apps/v1")},
    )
    messaging = kustomizations(bare, "messaging")
    assert needs(kustomizations(bare, "infrastructure")[f"{PREFIX}-infrastructure-strimzi"]) == []
    assert needs(messaging[f"{PREFIX}-messaging-kafka"]) == [f"{PREFIX}-infrastructure-strimzi"]
    assert needs(messaging[f"{PREFIX}-messaging-schema-registry"]) == [f"{PREFIX}-messaging-kafka"]
    backend = kustomizations(bare, "synergyflow")[f"{PREFIX}-synergyflow"]
    # no database in Git, so none to wait for
    assert needs(backend) == [f"{PREFIX}-messaging-kafka", f"{PREFIX}-messaging-schema-registry"]
    spec = messaging[f"{PREFIX}-messaging-kafka"]
    assert (spec["path"], spec["deletionPolicy"]) == (f"./{KAFKA}", "Orphan")
    assert spec["healthCheckExprs"][0]["kind"] == "Kafka"


def test_a_run_of_one_role_leaves_the_others_as_they_are(bare: Path, publish: Callable[..., TreeReport]) -> None:
    topics = {"kafka-cluster.yaml": kafka(), "kafka-topics.yaml": thing("KafkaTopic", "events", "kafka.strimzi.io/v1")}
    registry = {"deployment.yaml": thing("Deployment", "schema-registry", "apps/v1")}
    publish(kafka_cluster=topics, schema_registry=registry)
    report = publish(kafka_cluster={"kafka-cluster.yaml": kafka()})
    assert report.objects["removed"] == [f"KafkaTopic messaging/events ({KAFKA})"]
    assert f"{KAFKA}/kafka-topics.yaml" not in paths(bare)
    messaging = kustomizations(bare, "messaging")
    assert set(messaging) == {f"{PREFIX}-messaging-kafka", f"{PREFIX}-messaging-schema-registry"}
    assert needs(messaging[f"{PREFIX}-messaging-schema-registry"]) == [f"{PREFIX}-messaging-kafka"]
    assert not publish(kafka_cluster={"kafka-cluster.yaml": kafka()}).changed


def test_a_dependency_that_comes_later_is_waited_for_from_then_on(
    bare: Path, publish: Callable[..., TreeReport]
) -> None:
    publish(kafka_cluster={"kafka-cluster.yaml": kafka()})
    assert needs(kustomizations(bare, "messaging")[f"{PREFIX}-messaging-kafka"]) == []
    publish(strimzi={"namespace.yaml": thing("Namespace", "messaging")}, kafka_cluster={"kafka-cluster.yaml": kafka()})
    assert needs(kustomizations(bare, "messaging")[f"{PREFIX}-messaging-kafka"]) == [f"{PREFIX}-infrastructure-strimzi"]


def test_a_component_that_leaves_takes_its_files_and_nothing_else(
    bare: Path, publish: Callable[..., TreeReport]
) -> None:
    registry = {"deployment.yaml": thing("Deployment", "schema-registry", "apps/v1")}
    strimzi = {"namespace.yaml": thing("Namespace", "messaging")}
    backend = {"deployment.yaml": thing("Deployment", "backend", "apps/v1")}
    publish(strimzi=strimzi, kafka_cluster={"kafka-cluster.yaml": kafka()}, schema_registry=registry)
    publish(synergyflow_backend=backend)
    assert f"{PREFIX}-messaging-kafka" in needs(kustomizations(bare, "synergyflow")[f"{PREFIX}-synergyflow"])
    publish(strimzi=None, kafka_cluster=None)
    assert not [path for path in paths(bare) if path.startswith((KAFKA, f"{CLUSTER}/infrastructure"))]
    messaging = kustomizations(bare, "messaging")
    assert set(messaging) == {f"{PREFIX}-messaging-schema-registry"}
    assert needs(messaging[f"{PREFIX}-messaging-schema-registry"]) == []
    # in a file of its own, and not in this run: it would wait for ever for what is gone
    assert needs(kustomizations(bare, "synergyflow")[f"{PREFIX}-synergyflow"]) == [
        f"{PREFIX}-messaging-schema-registry"
    ]
    assert not publish(strimzi=None, kafka_cluster=None).changed


def test_two_clusters_are_kept_apart(bare: Path, publish: Callable[..., TreeReport]) -> None:
    content = {"namespace.yaml": thing("Namespace", "observability")}
    publish(obs_collectors=content)
    with pytest.raises(ClusterError, match="is kept for apps/obs_collectors"):
        publish(host="infra", obs_collectors=content)
    publish(host="infra", workloads="kubernetes/workloads/infra", obs_collectors=content)
    assert "kubernetes/workloads/infra/platform/observability/namespace.yaml" in paths(bare)
    assert list(kustomizations(bare, "observability", "infra")) == ["cluster-infra-observability"]


def test_two_clusters_in_one_folder_are_refused() -> None:
    changes = [layout.Change(host, "cnpg", folder, "f", None) for host, folder in (("a", "./c/x/"), ("b", "c/x"))]
    with pytest.raises(ClusterError, match=r"Nothing has been committed\. c/x is the folder of a and of b"):
        layout.compose(changes, lambda path: None)
    one, two = (layout.Change(host, "cnpg", f"c/{host}", f"flux-{host}", None) for host in ("a", "b"))
    texts, _empty = layout.compose([one, two], lambda path: None)
    namespaces = {path: yaml.safe_load(text)["metadata"]["namespace"] for path, text in texts.items()}
    assert namespaces == {"c/a/cluster.yaml": "flux-a", "c/b/cluster.yaml": "flux-b"}


def test_what_came_as_json_is_a_file_that_flux_sees(bare: Path, publish: Callable[..., TreeReport]) -> None:
    publish(strimzi={"crds.json": thing("ConfigMap", "a"), "more.v1.yml": thing("ConfigMap", "b")})
    folder = "kubernetes/workloads/platform/messaging/strimzi"
    named = yaml.safe_load(git(bare, "show", f"main:{folder}/kustomization.yaml"))["resources"]
    assert named == ["crds.yaml", "more.v1.yml"]
    assert f"{folder}/crds.yaml" in paths(bare)


def test_definitions_outlive_their_files(publish: Callable[..., TreeReport], bare: Path) -> None:
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "a.b"}}
    publish(strimzi={"crds.yaml": crd})
    text = git(bare, "show", "main:kubernetes/workloads/platform/messaging/strimzi/crds.yaml")
    assert yaml.safe_load(text)["metadata"]["annotations"] == {"kustomize.toolkit.fluxcd.io/prune": "disabled"}


def test_what_is_not_waited_for_is_left_out_of_the_health_checks() -> None:
    objects = [thing("ConfigMap", "one"), thing("ConfigMap", "two")]
    out = [Key("", "ConfigMap", "messaging", "two")]
    made = layout.kustomization("apps", "volsync", objects, "w", namespace="flux-system", left_out=out)
    assert [each["name"] for each in made["spec"]["healthChecks"]] == ["one"]
    assert "wait" not in made["spec"]


def test_a_host_that_no_kustomization_can_be_named_after_is_refused() -> None:
    with pytest.raises(ClusterError, match="inventory host Apps_1"):
        layout.kustomization_name("Apps_1", "cnpg")


def test_every_place_needs_places_that_are() -> None:
    assert {needed for place in layout.PLACES.values() for needed in place.needs} <= set(layout.PLACES)
    assert len({place.folder for place in layout.PLACES.values()}) == len(layout.PLACES)
    assert len({place.name for place in layout.PLACES.values()}) == len(layout.PLACES)


def test_the_clusters_folder_outlives_its_last_component(bare: Path, publish: Callable[..., TreeReport]) -> None:
    publish(kafka_cluster={"kafka-cluster.yaml": kafka()})
    said = yaml.safe_load(git(bare, "show", f"main:{CLUSTER}/cluster.yaml"))
    assert said["data"] == {"kustomizations": f"{PREFIX}-messaging-kafka\n"}
    publish(kafka_cluster=None)
    assert paths(bare) == [f"{CLUSTER}/cluster.yaml", f"{CLUSTER}/kustomization.yaml"]
    said = yaml.safe_load(git(bare, "show", f"main:{CLUSTER}/cluster.yaml"))
    assert said["data"] == {"kustomizations": ""}
