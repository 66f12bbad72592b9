# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""VolSync's manager and mover, and the pods of the checks, become programs of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal import artifacts, process_images, programs
from rehearsal.node import recipes
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes import check_shell, volsync_manager, volsync_mover
from rehearsal.node.recipes.recipe import CannotStartError, Container
from rehearsal.paths import Paths

IMAGE = f"quay.io/backube/volsync:{artifacts.go_families()['volsync'].version}"
MOUNTS = [{"name": "data", "mountPath": "/data"}, {"name": "cache", "mountPath": "/cache"}]


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs without a build: nothing is started here."""
    monkeypatch.setattr(programs, "binary", lambda name, paths=None: Path("/built") / name)
    monkeypatch.setattr(programs, "module_files", lambda *_: [Path("/module/role.yaml"), Path("/module/entry.sh")])


@pytest.fixture
def make(tmp_path: Path):
    def make(spec: dict[str, Any], environment: dict[str, str] | None = None, claim: str = "app-1") -> Container:
        root = tmp_path / "root"
        folder = tmp_path / "volumes" / claim
        folder.mkdir(parents=True, exist_ok=True)
        root.mkdir(exist_ok=True)
        inside(root, "/data").unlink(missing_ok=True)
        inside(root, "/data").symlink_to(folder)
        return Container(
            api=None,  # type: ignore[arg-type]
            paths=Paths(tmp_path / "state", tmp_path / "cache"),
            cluster="apps",
            pod={"metadata": {"name": "p", "namespace": "app"}, "spec": {}},
            spec=spec,
            environment=environment or {},
            root=root,
            folder=tmp_path,
            kubeconfig=lambda: Path("/kubeconfig"),
            node_labels=dict,
            port=lambda number, of="p": 20000 + number % 1000,
        )

    return make


def mover(*actions: str, image: str = IMAGE) -> dict[str, Any]:
    return {"image": image, "command": ["/mover-restic/entry.sh"], "args": list(actions), "volumeMounts": MOUNTS}


def manager(*arguments: str, image: str = IMAGE) -> dict[str, Any]:
    return {"image": image, "command": ["/manager"], "args": list(arguments)}


def test_the_node_claims_these_pods():
    for image in (IMAGE, f"docker.io/{check_shell.IMAGE}"):
        assert process_images.claimed({"spec": {"containers": [{"image": image}]}})
    for image in ("busybox:1.37", "docker.io/library/busybox:1.37.0-musl2", "quay.io/backube/volsyncer:1"):
        assert not process_images.claimed({"spec": {"containers": [{"image": image}]}})


def test_the_manager_listens_on_loopback_where_its_pod_listens_everywhere(make):
    container = make(manager("--health-probe-bind-address=:8081", "--metrics-bind-address=:8443", "--leader-elect"))
    assert recipes.find(container) == "volsync_manager"
    run = volsync_manager.prepare(container)
    assert run.command == [
        "/built/volsync",
        "--health-probe-bind-address=127.0.0.1:20081",
        "--metrics-bind-address=127.0.0.1:20443",
        "--leader-elect",
    ]
    assert run.ports == {8081: 20081, 8443: 20443}
    assert run.ready == {"url": "http://127.0.0.1:20081/readyz"}
    assert run.environment["KUBECONFIG"] == "/kubeconfig"


def test_metrics_that_are_switched_off_stay_off(make):
    run = volsync_manager.prepare(make(manager("--health-probe-bind-address=:8081", "--metrics-bind-address=:0")))
    assert run.command == ["/built/volsync", "--health-probe-bind-address=127.0.0.1:20081", "--metrics-bind-address=:0"]
    assert run.ports == {8081: 20081}


def test_a_manager_that_cannot_be_asked_is_refused(make):
    with pytest.raises(CannotStartError, match="health-probe-bind-address"):
        volsync_manager.prepare(make(manager("--metrics-bind-address=:8443")))


@pytest.mark.parametrize("recipe", [volsync_manager, volsync_mover])
def test_another_release_is_refused_by_name(recipe, make):
    spec = mover("backup", image="quay.io/backube/volsync:0.9.0") | {"args": ["--health-probe-bind-address=:8081"]}
    with pytest.raises(CannotStartError, match=r"not 0\.9\.0") as caught:
        recipe.prepare(make(spec))
    assert caught.value.reason == "ErrImagePull"


def test_other_movers_of_the_image_have_no_program(make):
    assert recipes.find(make({"image": IMAGE, "command": ["/mover-rsync-tls/client.sh"]})) is None


def test_the_mover_backs_up_a_path_that_is_the_same_in_each_pod_and_ends_in_data(make, tmp_path):
    container = make(mover("backup"), {"DATA_DIR": "/data", "RESTIC_CACHE_DIR": "/cache", "RESTIC_PASSWORD": "x"})
    assert recipes.find(container) == "volsync_mover"
    run = volsync_mover.prepare(container)
    assert run.command == ["bash", "/module/entry.sh", "backup"]
    data = Path(run.environment["DATA_DIR"])
    assert data.name == "data"
    assert data.resolve() == tmp_path / "volumes" / "app-1"
    assert run.environment["RESTIC_CACHE_DIR"] == str(tmp_path / "root" / "cache")
    assert run.environment["RESTIC_PASSWORD"] == "x"
    assert run.environment["PATH"].startswith("/built:")
    assert volsync_mover.prepare(make(mover("backup", "prune"))).environment["DATA_DIR"] == str(data)


def test_the_mover_restores_to_the_folder_itself_because_restic_replaces_links(make, tmp_path):
    run = volsync_mover.prepare(make(mover("restore"), {"DATA_DIR": "/data"}))
    assert run.environment["DATA_DIR"] == str(tmp_path / "volumes" / "app-1")


def test_links_to_claims_that_are_gone_go(make, tmp_path):
    gone = volsync_mover.stable_data(make(mover("backup"), claim="gone-2"))
    (tmp_path / "volumes" / "gone-2").rmdir()
    volsync_mover.stable_data(make(mover("backup"), claim="app-1"))
    assert not gone.parent.exists()


def test_a_checks_script_runs_in_its_volume(make, tmp_path):
    spec = {
        "image": f"docker.io/{check_shell.IMAGE}",
        "command": ["sh", "-c", "ls"],
        "workingDir": "/data",
        "volumeMounts": MOUNTS,
    }
    container = make(spec, {"VOLUME": "/data", "SIZE": "4", "OTHER": "/database"})
    assert recipes.find(container) == "check_shell"
    run = check_shell.prepare(container)
    assert run.command == ["sh", "-c", "ls"]
    assert run.directory == str(tmp_path / "root" / "data")
    assert run.environment == {"VOLUME": str(tmp_path / "root" / "data"), "SIZE": "4", "OTHER": "/database"}


@pytest.mark.parametrize(
    "change", [{"command": ["rm", "-rf", "/"]}, {"workingDir": None}, {"workingDir": "/etc"}, {"command": None}]
)
def test_anything_else_of_that_image_is_refused(make, change):
    spec = {"image": check_shell.IMAGE, "command": ["sh", "-c", "ls"], "workingDir": "/data", "volumeMounts": MOUNTS}
    with pytest.raises(CannotStartError):
        check_shell.prepare(make(spec | change))
