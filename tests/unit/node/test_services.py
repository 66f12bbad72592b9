# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services whose pods listen on addresses of their own: who answers there, and what the instances are told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from until import until

from rehearsal.node import addresses
from rehearsal.node.services import Services, ready
from rehearsal.paths import Paths

POD = "10.140.7.9"


def endpoint_slice(port: int, *, is_ready: bool = True) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "app", "name": "db-rw-x", "labels": {"kubernetes.io/service-name": "db-rw"}},
        "ports": [{"port": port}],
        "endpoints": [{"addresses": [POD], "conditions": {"ready": is_ready}}],
    }


@pytest.fixture
def server() -> Iterator[int]:
    """A program on the twin of the pod's address, which says hello; its port."""
    with socket.create_server((addresses.loopback(POD), 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.sendall(b"hello")
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


@pytest.fixture
def services(paths: Paths) -> Services:
    it = Services(paths, "apps")
    it.start()
    return it


def heard(paths: Paths, port: int) -> bytes | None:
    """What a client of the Service hears; None when nobody listens, `...` when it took too long to tell."""
    address = addresses.of_service(paths, "apps", "app", "db-rw")
    try:
        with socket.create_connection((address, port), timeout=5) as client:
            return client.recv(100)
    except ConnectionError:
        return None
    except TimeoutError:
        return b"..."


def test_an_address_of_a_pod_has_a_twin_here():
    assert addresses.loopback("10.1.2.3") == "127.1.2.3"
    with pytest.raises(ValueError, match="not the address of a pod"):
        addresses.loopback("192.168.0.1")


def test_a_service_keeps_its_address_and_shares_it_with_none(paths):
    first = addresses.of_service(paths, "apps", "app", "db-rw")
    assert first == addresses.of_service(paths, "apps", "app", "db-rw")
    assert first.startswith("127.")
    assert int(first.split(".")[1]) >= 192  # pods have twins below
    assert len({addresses.of_service(paths, "apps", "app", name) for name in ("db-rw", "db-ro", "db-r")}) == 3


def test_only_what_is_ready_counts():
    assert ready(endpoint_slice(5432)) == {5432: ["127.140.7.9"]}
    assert ready(endpoint_slice(5432, is_ready=False)) == {5432: []}
    assert ready({"metadata": {}, "ports": None, "endpoints": None}) == {}


def test_a_connection_goes_to_what_is_ready_now(paths, services, server):
    services.changed(endpoint_slice(server), gone=False)
    until(lambda: heard(paths, server) == b"hello")
    names = addresses.services_file(paths, "apps").read_text()
    assert names == f"{addresses.of_service(paths, 'apps', 'app', 'db-rw')} db-rw.app\n"
    services.changed(endpoint_slice(server, is_ready=False), gone=False)
    until(lambda: heard(paths, server) == b"")  # taken, and closed at once
    services.changed(endpoint_slice(server), gone=True)
    until(lambda: heard(paths, server) is None)
    until(lambda: addresses.services_file(paths, "apps").read_text() == "")
