# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudNativePG's operator, its instances and their Jobs become programs of this machine."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from rehearsal import process_images, programs
from rehearsal.node import kwok_access, recipes
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes import cloudnative_pg, postgres
from rehearsal.node.recipes.recipe import CannotStartError, Container
from rehearsal.paths import Paths

OPERATOR = "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0"
SERVER = "ghcr.io/cloudnative-pg/postgresql:16.15-standard-bookworm"
BOOTSTRAP = {"image": OPERATOR, "command": ["/manager", "bootstrap", "/controller/manager"]}
RUN = {"image": SERVER, "command": ["/controller/manager", "instance", "run", "--status-port-tls"]}
JOIN = {"image": SERVER, "command": ["/controller/manager", "instance", "join", "--pg-wal", "/var/lib/postgresql/wal"]}
CONTROLLER = {
    "image": OPERATOR,
    "command": ["/manager"],
    "args": ["controller", "--max-concurrent-reconciles=10", "--webhook-port=12345"],
}


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs without a build: nothing is started here."""
    monkeypatch.setattr(programs, "binary", lambda name, paths=None: Path("/built") / name)
    monkeypatch.setattr(programs, "archive", lambda name, paths=None: Path("/unpacked") / name)
    monkeypatch.setattr(postgres, "private_folder", lambda: tmp_path)


@pytest.fixture
def make(tmp_path: Path):
    def make(spec: dict[str, Any], *, bootstrapped: bool = True) -> Container:
        root = tmp_path / "root"
        inside(root, "/controller").mkdir(parents=True, exist_ok=True)
        container = Container(
            api=None,  # type: ignore[arg-type]
            paths=Paths(tmp_path / "state", tmp_path / "cache"),
            cluster="apps",
            pod={"metadata": {"name": "db-1", "namespace": "app"}, "spec": {}},
            spec=spec,
            environment={"PGDATA": "/var/lib/postgresql/data/pgdata", "POD_NAME": "db-1", "WEBHOOK_CERT_DIR": "/certs"},
            root=root,
            folder=tmp_path / "container",
            kubeconfig=lambda: Path("/kubeconfig"),
            node_labels=dict,
            port=lambda number, of="db-1": 20000 + number % 1000,
            address="10.130.1.2",
        )
        if bootstrapped:
            cloudnative_pg.prepare(dataclasses.replace(container, spec=BOOTSTRAP))
        return container

    return make


def test_the_node_claims_these_pods():
    for image in (OPERATOR, SERVER, "ghcr.io/cloudnative-pg/pgbouncer:1.25"):
        assert process_images.claimed({"spec": {"containers": [{"image": image}]}})
    assert not process_images.claimed(
        {"spec": {"containers": [{"image": "ghcr.io/cloudnative-pg/plugin-barman-cloud:v1"}]}}
    )


@pytest.mark.parametrize(
    ("spec", "name"),
    [(CONTROLLER, "cloudnative_pg"), (BOOTSTRAP, "cloudnative_pg"), (RUN, "postgres"), (JOIN, "postgres")],
)
def test_each_container_has_its_recipe(make, spec, name):
    assert recipes.find(make(spec)) == name


def test_the_operator_keeps_its_arguments_and_listens_on_loopback(make):
    run = cloudnative_pg.prepare(make(CONTROLLER))
    assert run.command == ["/built/cloudnative-pg", *CONTROLLER["args"], "--metrics-bind-address=127.0.0.1:20080"]
    assert run.environment["CNPG_REHEARSAL_WEBHOOK_ADDRESS"] == "127.0.0.1"
    assert run.environment["WEBHOOK_CERT_DIR"].endswith("/root/certs")
    assert run.ports == {8080: 20080, 12345: 12345}
    assert list((Path(run.directory) / "operator").glob("manager_*"))


def test_an_operator_without_a_webhook_port_is_refused(make):
    with pytest.raises(CannotStartError, match="--webhook-port"):
        cloudnative_pg.prepare(make({**CONTROLLER, "args": ["controller"]}))


def test_the_init_container_puts_the_program_where_instances_have_it(make):
    container = make(BOOTSTRAP, bootstrapped=False)
    assert cloudnative_pg.prepare(container).command is None
    assert os.readlink(inside(container.root, "/controller/manager")) == "/built/cloudnative-pg"


def test_an_instance_has_the_containers_paths_and_an_address_of_its_own(make, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    container = make(RUN)
    run = postgres.prepare(container)
    link = Path(run.directory)
    assert link.readlink() == container.root
    assert run.command == [f"{link}/controller/manager", *RUN["command"][1:]]
    assert run.environment["PGDATA"] == f"{link}/var/lib/postgresql/data/pgdata"
    assert run.environment["CNPG_REHEARSAL_ROOT"] == str(link)
    assert run.environment["CNPG_REHEARSAL_ADDRESS"] == run.address == "127.130.1.2"
    assert run.ready == {"url": "https://127.130.1.2:8000/readyz"}
    assert run.exec_environment["PGUSER"] == "postgres"
    assert "KUBECONFIG" not in run.exec_environment
    assert "fsync=off" in (container.folder / "bin" / "postgres").read_text()


def test_port_forward_leads_to_the_instances_own_address(make):
    run = postgres.prepare(make(RUN))
    forward, *_ = kwok_access.objects("app", "db-1", {"postgres": (run, Path("/log"), Path("/previous"))})
    assert {"ports": [5432], "target": {"address": "127.130.1.2", "port": 5432}} in forward["spec"]["forwards"]


def test_root_becomes_another_user(make, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(postgres.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert postgres.prepare(make(RUN)).command[:2] == ["/usr/bin/unshare", "--user"]
    monkeypatch.setattr(postgres.shutil, "which", lambda name: None)
    with pytest.raises(CannotStartError, match="does not run as root"):
        postgres.prepare(make(RUN))


def test_a_job_has_no_ports_and_is_not_asked(make, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    run = postgres.prepare(make(JOIN))
    assert run.ports == {}
    assert run.command[-1] == f"{run.directory}/var/lib/postgresql/wal"
    assert postgres.answers(run) is None


@pytest.mark.parametrize("tag", ["17.4", "latest"])
def test_another_major_version_cannot_be_pulled(make, tag):
    with pytest.raises(CannotStartError, match="the rehearsal has PostgreSQL 16") as refused:
        postgres.prepare(make({**RUN, "image": f"ghcr.io/cloudnative-pg/postgresql:{tag}"}))
    assert refused.value.reason == "ErrImagePull"


def test_an_instance_without_its_init_container_does_not_start(make):
    with pytest.raises(CannotStartError, match="no such file"):
        postgres.prepare(make(RUN, bootstrapped=False))
