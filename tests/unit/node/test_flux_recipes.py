# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux's controllers, and what stands in for flux-operator, become programs of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal import artifacts, process_images, programs
from rehearsal.node import addresses, recipes
from rehearsal.node.recipes import flux_controller, flux_operator
from rehearsal.node.recipes.recipe import CannotStartError, Container
from rehearsal.paths import Paths

POD, TWIN = "10.140.1.2", "127.140.1.2"
FAMILY = artifacts.go_families()["flux"]


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs without a build: nothing is started here."""
    monkeypatch.setattr(programs, "binary", lambda name, paths=None: Path("/built") / name)


@pytest.fixture
def make(tmp_path: Path):
    def make(spec: dict[str, Any], environment: dict[str, str] | None = None) -> Container:
        return Container(
            api=None,  # type: ignore[arg-type]
            paths=Paths(tmp_path / "state", tmp_path / "cache"),
            cluster="apps",
            pod={"metadata": {"name": "p", "namespace": "flux-system"}, "spec": {}},
            spec=spec,
            environment=environment or {},
            root=tmp_path / "root",
            folder=tmp_path,
            kubeconfig=lambda: Path("/kubeconfig"),
            node_labels=dict,
            port=lambda number, of="p": 20000 + number % 1000,
            address=POD,
        )

    return make


def controller(name: str, *arguments: str, release: str = "") -> dict[str, Any]:
    release = release or FAMILY.required(f"github.com/fluxcd/{name}")
    return {
        "name": "manager",
        "image": f"ghcr.io/fluxcd/{name}:v{release}",
        "args": list(arguments),
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],
    }


def test_the_node_claims_those_that_have_a_program():
    for image in (controller("helm-controller")["image"], "fluxcd/source-controller:v1", f"{flux_image()}"):
        assert process_images.claimed({"spec": {"containers": [{"image": image}]}})
    for image in ("ghcr.io/fluxcd/image-reflector-controller:v1.2.4", "x/source-controller:v1"):
        assert not process_images.claimed({"spec": {"containers": [{"image": image}]}})


def flux_image(release: str = "") -> str:
    release = release or artifacts.go_families()["flux-operator"].version
    return f"ghcr.io/controlplaneio-fluxcd/flux-operator:v{release}"


def test_a_controller_listens_on_the_twin_of_its_pods_address(make, tmp_path):
    events = "--events-addr=http://notification-controller.flux-system.svc.cluster.local./"
    given = controller(
        "source-controller", events, "--watch-all-namespaces", "--enable-leader-election", "--storage-path=/data"
    )
    container = make(given, {"TUF_ROOT": "/tmp/.sigstore", "RUNTIME_NAMESPACE": "flux-system"})
    assert recipes.find(container) == "flux_controller"
    run = flux_controller.prepare(container)

    def service(name: str) -> str:
        return f"{addresses.of_service(container.paths, 'apps', 'flux-system', name)}:9090"

    assert run.command == [
        "/built/source-controller",
        "--watch-all-namespaces",
        f"--storage-path={tmp_path}/root/data",
        f"--metrics-addr={TWIN}:8080",
        f"--health-addr={TWIN}:9440",
        "--enable-leader-election=false",
        f"--events-addr=http://{service('notification-controller')}/",
        f"--storage-addr={TWIN}:9090",
        f"--storage-adv-addr={service('source-controller')}",
    ]
    assert run.environment["TUF_ROOT"] == f"{tmp_path}/root/tmp/.sigstore"
    assert run.environment["KUBECONFIG"] == "/kubeconfig"
    assert (run.address, run.ports) == (TWIN, {8080: 8080, 9090: 9090, 9440: 9440})
    assert run.ready == {"url": f"http://{TWIN}:9440/readyz"}
    assert not run.stands_in


def test_dependencies_are_looked_at_often_unless_the_deployment_says_how_often(make):
    run = flux_controller.prepare(make(controller("kustomize-controller", "--events-addr=")))
    assert "--requeue-dependency=1s" in run.command
    assert "--feature-gates=CancelHealthCheckOnNewRevision=true" in run.command
    assert "--events-addr=" in run.command  # nobody to notify
    own = flux_controller.prepare(make(controller("helm-controller", "--requeue-dependency=5s")))
    assert [each for each in own.command if each.startswith("--requeue")] == ["--requeue-dependency=5s"]


def test_the_notification_controller_takes_events_and_webhooks(make):
    run = flux_controller.prepare(make(controller("notification-controller", "--log-level=info")))
    assert f"--events-addr={TWIN}:9090" in run.command
    assert f"--receiverAddr={TWIN}:9292" in run.command
    assert run.ports == {8080: 8080, 9090: 9090, 9292: 9292, 9440: 9440}


def test_another_release_is_said_to_be_missing(make):
    with pytest.raises(CannotStartError, match=r"the rehearsal has helm-controller 1\.\d+\.\d+, not 0\.1\.0"):
        flux_controller.prepare(make(controller("helm-controller", release="0.1.0")))
    with pytest.raises(CannotStartError, match=r"stands in for flux-operator .*, not for 9\.9\.9"):
        flux_operator.prepare(make({"name": "manager", "image": flux_image("9.9.9")}))


def test_the_operator_says_that_it_stands_in(make):
    spec = {
        "name": "manager",
        "image": flux_image(),
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8081}},
    }
    container = make(spec)
    assert recipes.find(container) == "flux_operator"
    run = flux_operator.prepare(container)
    assert run.stands_in == "flux-operator"
    assert run.environment["HEALTH_PORT"] == "20081"
    assert run.ready == {"url": "http://127.0.0.1:20081/readyz"}
