# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux's own controllers on a rehearsal of its own: installed, fed from the Git server and the charts, ended.

The tests stand in an order in which each leaves it fit for the next.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from until import until

from rehearsal import artifacts, flux, processes
from rehearsal.labels import PROCESS_NODE, RUN_BY, STAND_IN
from rehearsal.paths import Paths
from rehearsal.sources import repository, store

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = "apps"
CONTROLLERS = ["helm-controller", "kustomize-controller", "notification-controller", "source-controller"]
OTHER_ROLES = ("flux", "kafka_cluster", "schema_registry", "cnpg", "synergyflow_backend", "volsync")

pytestmark = pytest.mark.integration
Object = dict[str, Any]


@dataclass(frozen=True)
class Own:
    """A rehearsal with one cluster, driven by its commands and by kubectl, Git and Ansible."""

    paths: Paths
    scratch: Path

    def _run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.paths.environment(), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        given = {"cwd": ROOT, "env": environment, "timeout": 1200, **options}
        return subprocess.run(command, capture_output=True, text=True, check=False, **given)

    def command(self, *arguments: str) -> str:
        done = self._run([sys.executable, "-m", "rehearsal", *arguments])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        kubectl = [str(self.paths.state / "bin" / "kubectl"), "--kubeconfig", str(self.paths.kubeconfig(CLUSTER))]
        done = self._run([*kubectl, *arguments], input=stdin, timeout=180)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def playbook(self, name: str, **variables: Any) -> str:
        inventory = ["-i", "inventories/rehearsal", "-l", CLUSTER, "-e", json.dumps(variables)]
        done = self._run(["ansible-playbook", f"playbooks/{name}.yml", *inventory])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def git(self, *arguments: str) -> str:
        done = self._run(["git", *arguments], cwd=self.scratch, env=repository.environment())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def apply(self, *objects: Object) -> None:
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=document)

    def find(self, kind: str, name: str, namespace: str = flux.NAMESPACE) -> Object:
        text = self.kubectl("get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text else {}

    def ready(self, kind: str, name: str, namespace: str = flux.NAMESPACE) -> Object:
        """The condition Ready, when it is of the object as it is now."""
        found = self.find(kind, name, namespace)
        conditions = (found.get("status") or {}).get("conditions") or []
        state = next((each for each in conditions if each["type"] == "Ready"), {})
        return state if state.get("observedGeneration") == found.get("metadata", {}).get("generation") else {}

    def is_ready(self, kind: str, name: str, namespace: str = flux.NAMESPACE) -> None:
        until(lambda: self.ready(kind, name, namespace).get("status") == "True")

    def reconcile(self, kind: str, name: str) -> None:
        mark = f"reconcile.fluxcd.io/requestedAt={time.time_ns()}"
        self.kubectl("annotate", kind, name, "-n", flux.NAMESPACE, mark, "--overwrite", "--field-manager=test")

    def push(self, files: dict[str, str], message: str) -> str:
        """Commit these files on top of what there is; the commit."""
        login = store.login(self.paths)
        url = store.url(self.paths).replace("//", f"//{login.username}:{login.password}@")
        if not (self.scratch / ".git").is_dir():
            self.git("clone", "-q", url, ".")
        for name, text in files.items():
            (self.scratch / name).parent.mkdir(parents=True, exist_ok=True)
            (self.scratch / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        self.git("push", "-q", url, "HEAD:main")
        return self.git("rev-parse", "HEAD")


def named(api_version: str, kind: str, name: str, **content: Any) -> Object:
    namespace = {} if kind == "Namespace" else {"namespace": flux.NAMESPACE}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **namespace}, **content}


def instance(**spec: Any) -> Object:
    distribution = {"version": "2.x", "registry": "ghcr.io/fluxcd"}
    return named(f"{flux.GROUP}/v1", "FluxInstance", flux.INSTANCE, spec={"distribution": distribution, **spec})


def credentials(password: str) -> Object:
    return named("v1", "Secret", "git", stringData={"username": store.USERNAME, "password": password})


def config_map(value: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "from-git", "namespace": "default"},
            "data": {"key": value},
        }
    )


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """A rehearsal that is up, with flux-operator's manifests and an instance; stopped at the end."""
    paths = Paths(state=tmp_path_factory.mktemp("flux"), cache=Paths.from_environment().cache)
    it = Own(paths, tmp_path_factory.mktemp("clone"))
    try:
        it.command("up", "--clusters", CLUSTER)
        it.apply(named("v1", "Namespace", flux.NAMESPACE))
        folder = paths.manifests / f"flux-operator-{artifacts.go_families()['flux-operator'].version}"
        it.kubectl("apply", "--server-side", "-f", str(folder / "crds.yaml"))
        it.kubectl("apply", "--server-side", "-f", str(folder / "operator.yaml"))
        it.apply(instance())
        it.is_ready("fluxinstance", flux.INSTANCE)
        yield it
    finally:
        it.command("down")


def listening(own: Own) -> set[tuple[str, int]]:
    connections = [each for process in processes.find(own.paths) for each in process.net_connections("inet")]
    return {(each.laddr.ip, each.laddr.port) for each in connections if each.status == psutil.CONN_LISTEN}


def test_the_controllers_run_as_the_pods_of_their_deployments(own: Own) -> None:
    status = own.find("fluxinstance", flux.INSTANCE)["status"]
    assert sorted(each["name"] for each in status["components"]) == CONTROLLERS
    version = artifacts.go_families()["flux"].version
    assert status["lastAppliedRevision"].startswith(f"v{version}@sha256:")
    pods = json.loads(own.kubectl("get", "pods", "-n", flux.NAMESPACE, "-l", "app", "-o", "json"))["items"]
    assert sorted(pod["metadata"]["labels"]["app"] for pod in pods) == CONTROLLERS
    for pod in pods:
        labels = pod["metadata"]["labels"]
        assert labels[RUN_BY] == PROCESS_NODE
        assert STAND_IN not in labels  # they are what they are called
        assert pod["spec"]["serviceAccountName"] == labels["app"]
    (operator,) = json.loads(
        own.kubectl("get", "pods", "-n", flux.NAMESPACE, "-l", "app.kubernetes.io/name=flux-operator", "-o", "json")
    )["items"]
    assert operator["metadata"]["labels"][STAND_IN] == flux.NAME
    assert {address.partition(".")[0] for address, _ in listening(own)} == {"127"}


def test_a_push_is_applied_at_its_revision(own: Own) -> None:
    first = own.push({"apps/config.yaml": config_map("one")}, "First")
    own.apply(
        credentials(store.login(own.paths).password),
        named(
            "source.toolkit.fluxcd.io/v1",
            "GitRepository",
            "synergyflow",
            spec={
                "interval": "10m",
                "url": store.url(own.paths),
                "ref": {"branch": "main"},
                "secretRef": {"name": "git"},
            },
        ),
        *(
            named(
                "kustomize.toolkit.fluxcd.io/v1",
                "Kustomization",
                name,
                spec={
                    "interval": "10m",
                    "path": "./apps",
                    "prune": True,
                    "wait": True,
                    "sourceRef": {"kind": "GitRepository", "name": "synergyflow"},
                    **more,
                },
            )
            for name, more in (
                ("first", {}),
                ("second", {"dependsOn": [{"name": "first"}], "targetNamespace": "kube-public"}),
            )
        ),
    )

    def applied(name: str) -> str:
        return (own.find("kustomization", name).get("status") or {}).get("lastAppliedRevision", "")

    until(lambda: applied("second") == f"main@sha1:{first}")
    second = own.push({"apps/config.yaml": config_map("two")}, "Second")
    own.reconcile("gitrepository", "synergyflow")
    until(lambda: applied("second") == f"main@sha1:{second}")
    assert own.find("configmap", "from-git", "default")["data"] == {"key": "two"}
    # its events reach the notification-controller, which has no alert to send them to
    heard = ["logs", "-n", flux.NAMESPACE, "-l", "app=notification-controller", "--tail=-1"]
    until(lambda: "discarding event, no alerts found" in own.kubectl(*heard))


def test_a_wrong_password_is_the_sources_reason(own: Own) -> None:
    own.apply(credentials("wrong"))
    own.reconcile("gitrepository", "synergyflow")
    refused = until(lambda: (ready := own.ready("gitrepository", "synergyflow")).get("status") == "False" and ready)
    assert refused["reason"] == "GitOperationFailed"
    assert "authentication required" in refused["message"]
    own.apply(credentials(store.login(own.paths).password))
    own.reconcile("gitrepository", "synergyflow")
    own.is_ready("gitrepository", "synergyflow")


def test_the_strimzi_role_installs_by_a_helm_release(own: Own) -> None:
    """The HelmRelease is the role's, the chart stands in, Helm and its controller are real."""
    own.playbook(
        "site",
        strimzi_install_method="helmrelease",
        strimzi_chart_repository=(own.paths.charts / "url").read_text(),
        strimzi_pod_security="restricted",
        **{f"{role}_enabled": False for role in OTHER_ROLES},
    )
    release = own.find("helmrelease", "strimzi-kafka-operator", "messaging")
    assert release["status"]["history"][0]["status"] == "deployed"
    deployment = own.find("deployment", "strimzi-cluster-operator", "messaging")
    assert deployment["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert deployment["status"]["readyReplicas"] == 1
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert values["STRIMZI_POD_SECURITY_PROVIDER_CLASS"] == "restricted"
    assert own.find("crd", "kafkas.kafka.strimzi.io")
    # what the chart cannot do is refused, and said
    name = ("helmrelease", "strimzi-kafka-operator")
    for value, status in ((True, "False"), (None, "True")):
        patch = json.dumps({"spec": {"values": {"watchAnyNamespace": value}}})
        own.kubectl("patch", *name, "-n", "messaging", "--type=merge", "-p", patch)
        said = until(lambda status=status: (it := own.ready(*name, "messaging")).get("status") == status and it)
        assert ("watchAnyNamespace" in said["message"]) is bool(value)


def test_an_instance_that_is_disabled_stays_as_it_is(own: Own) -> None:
    mark = f"{flux.GROUP}/reconcile"
    own.kubectl("annotate", "fluxinstance", flux.INSTANCE, "-n", flux.NAMESPACE, f"{mark}=disabled")
    own.apply(instance(cluster={"networkPolicy": False}))
    own.kubectl("delete", "service", "webhook-receiver", "-n", flux.NAMESPACE)
    time.sleep(2)
    assert own.find("networkpolicy", "allow-egress")
    assert not own.find("service", "webhook-receiver")
    own.kubectl("annotate", "fluxinstance", flux.INSTANCE, "-n", flux.NAMESPACE, f"{mark}-")
    until(lambda: not own.find("networkpolicy", "allow-egress"))
    until(lambda: own.find("service", "webhook-receiver"))
    own.is_ready("fluxinstance", flux.INSTANCE)
    # what cannot be made is said
    own.apply(instance(components=["image-reflector-controller"]))
    refused = until(lambda: (ready := own.ready("fluxinstance", flux.INSTANCE)).get("status") == "False" and ready)
    assert refused["reason"] == "BuildFailed"
    assert "no program for component image-reflector-controller" in refused["message"]


def test_an_instance_syncs_its_cluster(own: Own) -> None:
    sync = {
        "kind": "GitRepository",
        "url": store.url(own.paths),
        "ref": "refs/heads/main",
        "path": "apps",
        "pullSecret": "git",
    }
    own.apply(instance(sync=sync))
    own.is_ready("fluxinstance", flux.INSTANCE)
    root = own.find("kustomization", flux.NAMESPACE)
    assert root["status"]["lastAppliedRevision"] == f"refs/heads/main@sha1:{own.git('rev-parse', 'HEAD')}"


@pytest.mark.nightly
def test_down_and_up_again_finds_everything(own: Own) -> None:
    was = listening(own)
    assert len({address for address, _ in was}) > len(CONTROLLERS)
    own.command("down")
    assert processes.find(own.paths) == []
    own.command("up", "--clusters", CLUSTER)
    third = own.push({"apps/config.yaml": config_map("three")}, "Third")
    until(lambda: own.find("deployment", "source-controller")["status"].get("readyReplicas") == 1)
    own.reconcile("gitrepository", flux.NAMESPACE)
    until(lambda: own.find("configmap", "from-git", "default")["data"] == {"key": "three"})
    revision = own.find("gitrepository", flux.NAMESPACE)["status"]["artifact"]["revision"]
    assert revision == f"refs/heads/main@sha1:{third}"


def test_deleting_the_instance_removes_flux_and_not_what_it_applied(own: Own) -> None:
    own.kubectl("delete", "fluxinstance", flux.INSTANCE, "-n", flux.NAMESPACE, "--timeout=120s")
    left = own.kubectl("get", "deployments", "-n", flux.NAMESPACE, "-o", "name").split()
    assert left == ["deployment.apps/flux-operator"]
    definitions = own.kubectl("get", "crd", "-o", "name")
    assert "toolkit.fluxcd.io" not in definitions
    assert own.find("configmap", "from-git", "default")
    assert own.find("deployment", "strimzi-cluster-operator", "messaging")


def test_reset_leaves_nothing_of_flux_and_of_what_was_pushed(own: Own) -> None:
    own.apply(instance(components=["source-controller"]))
    own.is_ready("fluxinstance", flux.INSTANCE)
    own.command("reset", "--clusters", CLUSTER)
    assert flux.NAMESPACE not in own.kubectl("get", "namespaces", "-o", "name")
    assert not {each.name() for each in processes.find(own.paths)} & set(CONTROLLERS)
    login = base64.b64encode(":".join(store.login(own.paths)).encode()).decode()
    header = f"http.extraHeader=Authorization: Basic {login}"
    assert own.git("-c", header, "ls-remote", store.url(own.paths)) != ""
    (own.scratch / ".git").rename(own.scratch / "before")
    own.git("-c", header, "clone", "-q", store.url(own.paths), "again")
    assert [file.name for file in (own.scratch / "again").iterdir() if file.name != ".git"] == ["README.md"]
