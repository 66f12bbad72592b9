# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors and the stores as processes, and how they reach pods and pods' logs."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from until import until

from rehearsal import process_images, programs
from rehearsal.node import host_logs, recipes, volumes
from rehearsal.node.pod_files import PodFiles
from rehearsal.node.recipes import fluent_bit, victoria
from rehearsal.node.recipes.recipe import CannotStartError, Container
from rehearsal.node.twins import Twins
from rehearsal.paths import Paths

RELEASE = "docker.io/victoriametrics/{}:v1.102.0"
SCRAPE = {
    "scrape_configs": [
        {
            "job_name": "volsync",
            "kubernetes_sd_configs": [{"role": "pod"}],
            "relabel_configs": [{"action": "keep"}],
            "authorization": {"credentials_file": victoria.TOKEN},
        },
        {"job_name": "fixed", "static_configs": [{"targets": ["a:1"]}], "tls_config": {"ca_file": "/etc/store-ca/x"}},
    ]
}


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "binary", lambda name, paths=None: Path("/built") / name)


@pytest.fixture
def make(paths: Paths, tmp_path: Path) -> Callable[..., Container]:
    def make(image: str, *args: str, **spec: Any) -> Container:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(json.dumps({"users": [{"name": "vmagent", "user": {"token": "secret"}}]}))
        return Container(
            api=None,  # type: ignore[arg-type]
            paths=paths,
            cluster="apps",
            pod={"metadata": {"name": "p", "namespace": "observability"}},
            spec={"name": "c", "image": image, "args": list(args), **spec},
            environment={"NODE_NAME": "node-a"},
            root=root,
            folder=tmp_path,
            kubeconfig=lambda: kubeconfig,
            node_labels=dict,
            port=lambda number, of="p": number,
            address="10.140.7.9",
        )

    return make


@pytest.mark.parametrize("image", [*map(RELEASE.format, ("victoria-metrics", "vmagent")), "fluent/fluent-bit:4.0.3"])
def test_the_pods_are_the_process_nodes(make, image):
    assert process_images.claimed({"spec": {"containers": [{"image": image}]}})
    assert recipes.find(make(image)) in ("victoria", "fluent_bit")


def test_a_store_listens_at_its_pods_twin_and_keeps_in_its_volume(make, tmp_path):
    run = victoria.prepare(
        make(
            RELEASE.format("victoria-logs"),
            "-httpListenAddr=:9428",
            "--storageDataPath=/storage",
            "-loggerLevel=INFO",
            resources={"limits": {"memory": "100Mi"}},
        )
    )
    assert run.command == [
        "/built/victoria-logs", "-httpListenAddr=127.140.7.9:9428", f"-storageDataPath={tmp_path}/root/storage",
        "-loggerLevel=INFO", "-memory.allowedBytes=62914560",
    ]  # fmt: skip
    assert (run.address, run.ports) == ("127.140.7.9", {9428: 9428})
    assert run.ready == {"url": "http://127.140.7.9:9428/health"}
    assert run.stands_in == ""


def test_another_release_cannot_be_pulled(make):
    with pytest.raises(CannotStartError, match=r"has vmagent 1\.102\.0, not v1\.103\.0"):
        victoria.prepare(make("victoriametrics/vmagent:v1.103.0", "-httpListenAddr=:8429"))


def test_a_program_that_would_listen_everywhere_is_not_started(make):
    with pytest.raises(CannotStartError, match="lack -httpListenAddr"):
        victoria.prepare(make(RELEASE.format("vmagent")))


def test_vmagent_finds_pods_with_its_account_and_scrapes_them_at_their_twins(make, tmp_path):
    (tmp_path / "root" / "etc").mkdir(parents=True)
    (tmp_path / "root" / "etc" / "scrape.yaml").write_text(yaml.safe_dump(SCRAPE))
    run = victoria.prepare(
        make(RELEASE.format("vmagent"), "-httpListenAddr=:8429", "-promscrape.config=/etc/scrape.yaml")
    )
    assert f"-promscrape.config={tmp_path}/scrape.yml" in run.command
    volsync, fixed = yaml.safe_load((tmp_path / "scrape.yml").read_text())["scrape_configs"]
    assert volsync["kubernetes_sd_configs"] == [{"role": "pod", "kubeconfig_file": f"{tmp_path}/kubeconfig"}]
    assert volsync["relabel_configs"] == [{"action": "keep"}, victoria.AT_THE_TWIN]
    assert Path(volsync["authorization"]["credentials_file"]).read_text() == "secret"
    assert fixed["tls_config"]["ca_file"] == f"{tmp_path}/root/etc/store-ca/x"
    assert "relabel_configs" not in fixed


def test_fluent_bits_stand_in_gets_the_containers_configuration_and_says_what_it_is(make, tmp_path):
    run = fluent_bit.prepare(make("fluent/fluent-bit:4.0.3", "--config=/etc/fluent-bit.yaml"))
    assert run.command is not None
    assert run.command[1:] == [
        "-m", "rehearsal.log_shipper", "--config", f"{tmp_path}/root/etc/fluent-bit.yaml",
        "--root", f"{tmp_path}/root", "--listen", "127.140.7.9:2020",
    ]  # fmt: skip
    assert run.stands_in == "fluent-bit"
    assert run.environment["NODE_NAME"] == "node-a"
    with pytest.raises(CannotStartError, match="lack --config"):
        fluent_bit.prepare(make("fluent/fluent-bit:4.0.3"))


def pod(name: str, uid: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "n", "uid": uid}, "spec": {"nodeName": "apps-node-a"}}


def test_pods_of_a_node_mount_its_own_folders_and_find_containers_logs_there(paths, fake_api):
    mine, other = (PodFiles.of(paths, "apps", pod("p", uid)) for uid in ("1", "2"))
    log = mine.container("main") / "logs" / "current.log"
    log.parent.mkdir(parents=True)
    log.write_text("x\n")
    for files, uid in ((mine, "1"), (other, "2")):
        host_logs.link(files, pod("p", uid), "main", files.container("main") / "logs" / "current.log")
    host_logs.link(mine, pod("p", "1"), "main", log)
    reader = {**pod("reader", "3")}
    reader["spec"]["volumes"] = [{"name": "logs", "hostPath": {"path": "/var/log"}}]
    folder = volumes.prepare(fake_api([]), reader, PodFiles.of(paths, "apps", reader))["logs"]
    assert folder == paths.nodes / "apps" / "apps-node-a" / "var" / "log"
    names = sorted(each.name for each in (folder / "containers").iterdir())
    assert len(names) == 2
    assert all(each.startswith("p_n_main-") and len(each) == len("p_n_main-.log") + 64 for each in names)
    host_logs.unlink(other, "n", "p")
    (left,) = (folder / "containers").iterdir()
    assert left.read_text() == "x\n"


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    it = asyncio.new_event_loop()
    threading.Thread(target=it.run_forever, daemon=True).start()
    yield it
    it.call_soon_threadsafe(it.stop)


def refused(address: str, port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((address, port)) == errno.ECONNREFUSED


def greet(server: socket.socket) -> None:
    with suppress(OSError):  # it is closed
        while True:
            server.accept()[0].sendall(b"hello")


def heard(address: str, port: int) -> str | None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, port), timeout=10) as connection:
                return connection.recv(100).decode()
        except OSError:
            time.sleep(0.02)
    return None


def test_a_pods_port_is_reached_at_its_twin_as_long_as_the_pod_is(loop):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=greet, args=(server,), daemon=True).start()
        real = server.getsockname()[1]
        twins, twin = Twins(loop), "127.140.7.10"
        with socket.create_server((twin, 0)) as probe:
            port = probe.getsockname()[1]
        twins.publish("pod", twin, {port: ("127.0.0.1", real), 9999: (twin, 9999)})
        assert heard(twin, port) == "hello"
        assert set(twins._published["pod"]) == {port}, "what listens there itself is left alone"
        twins.forget("pod")
        until(lambda: refused(twin, port))
