# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge without a cluster: what its names mean, what SOCKS5 it speaks, and that it carries and lets go."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlparse

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import bridge as bridge_module
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import (
    Address,
    Bridge,
    BridgeError,
    choose_pod,
    parse_address,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from kubernetes.client import ApiClient, Configuration
from until import until

NAME = "c-broker-0.c-kafka-brokers.messaging.svc"
BIG = 16 * 1024 * 1024


def pod(name: str, phase: str = "Running", ready: bool = True, **extra: object) -> dict:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    ports = [{"name": "tcp-clientstls", "containerPort": 9093}]
    return {
        "metadata": {"name": name, **extra},
        "spec": {"containers": [{"name": "kafka", "ports": ports}]},
        "status": {"phase": phase, "conditions": conditions},
    }


def service(name: str = "c-kafka-bootstrap", headless: bool = False, target: object = 9093) -> dict:
    return {
        "metadata": {"name": name},
        "spec": {
            "clusterIP": "None" if headless else "10.1.2.3",
            "selector": {"strimzi.io/cluster": "c"},
            "ports": [{"name": "tcp-clientstls", "port": 443, "targetPort": target}],
        },
    }


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("s.ns.svc", Address(None, "s", "ns")),
        ("s.ns.svc.cluster.local", Address(None, "s", "ns")),
        ("s.ns.svc.cluster.local.", Address(None, "s", "ns")),
        ("P-0.s.NS.svc", Address("p-0", "s", "ns")),
        ("p-0.s.ns.svc.cluster.local", Address("p-0", "s", "ns")),
    ],
)
def test_names_of_services_and_pods_are_understood(host: str, expected: Address) -> None:
    assert parse_address(host) == expected


@pytest.mark.parametrize(
    "host",
    ["localhost", "example.com", "ns.svc", "s.ns", "s.ns.svc.example.com", "a.p.s.ns.svc", "s..svc", "s.n_s.svc", "",
     "127.0.0.1", "s.ns.svc.cluster.local.example.com", "-s.ns.svc", "s/x.ns.svc"],
)  # fmt: skip
def test_any_other_name_is_refused(host: str) -> None:
    with pytest.raises(BridgeError, match="refused"):
        parse_address(host)


def test_another_cluster_domain_is_understood() -> None:
    assert parse_address("s.ns.svc.corp.example", "corp.example") == Address(None, "s", "ns")


def test_a_pod_keeps_the_port_that_was_asked_for() -> None:
    pods = [pod("c-broker-0"), pod("c-broker-1", ready=False)]
    for name in ("c-broker-0", "c-broker-1"):  # operators reach brokers that are not ready yet
        address = Address(name, "c-kafka-brokers", "ns")
        assert choose_pod(address, 23093, service(headless=True), pods) == (name, 23093)


@pytest.mark.parametrize("target", [9093, "tcp-clientstls"])
def test_a_service_leads_to_a_ready_pod_and_its_target_port(target: object) -> None:
    pods = [
        pod("c-broker-0", ready=False),
        pod("c-broker-1"),
        pod("c-broker-2", deletionTimestamp="2026-11-21T00:00:00Z"),
    ]
    assert choose_pod(Address(None, "b", "ns"), 443, service(target=target), pods) == ("c-broker-1", 9093)


def test_a_headless_service_has_no_port_of_its_own() -> None:
    assert choose_pod(Address(None, "b", "ns"), 9091, service(headless=True), [pod("x")]) == ("x", 9091)


@pytest.mark.parametrize(
    ("address", "port", "pods", "words"),
    [
        (Address("c-broker-9", "b", "ns"), 9093, [pod("c-broker-0")], "c-broker-9 is not there.*c-broker-0"),
        (Address("c-broker-0", "b", "ns"), 9093, [pod("c-broker-0", "Pending", False)], "not running: Pending"),
        (Address(None, "b", "ns"), 443, [], "no ready pod behind Service b in namespace ns .it selects no pod"),
        (Address(None, "b", "ns"), 443, [pod("x", ready=False)], "x: Running, not ready"),
        (Address(None, "b", "ns"), 444, [pod("x")], "has no port 444 .it has: 443"),
    ],
)
def test_what_cannot_be_reached_is_said(address: Address, port: int, pods: list, words: str) -> None:
    with pytest.raises(BridgeError, match=words):
        choose_pod(address, port, service(), pods)


def test_a_named_port_that_no_container_has_is_said() -> None:
    with pytest.raises(BridgeError, match="names port 'web', which pod x does not have"):
        choose_pod(Address(None, "b", "ns"), 443, service(target="web"), [pod("x")])


class Stream:
    """What a port-forward gives: a socket, and what the pod's side says on the error channel."""

    def __init__(self, sock: socket.socket, said: str | None = None) -> None:
        self._sock, self._said = sock, said

    def socket(self, _port: int) -> socket.socket:
        return self._sock

    def error(self, _port: int) -> str | None:
        return self._said


class Cluster:
    """Stands where the API server is: one Service, one pod, behind which `program` runs on a real socket."""

    def __init__(self, program: Callable[[socket.socket], None], said: str | None = None) -> None:
        self.program, self.said = program, said
        self.opened: list[tuple[str, str, int]] = []

    def service(self, name: str, _namespace: str) -> dict:
        return service(name, headless=name.endswith("brokers"))

    def pods(self, _selector: dict, _namespace: str) -> list[dict]:
        return [pod("c-broker-0")]

    def open(self, name: str, namespace: str, port: int) -> Stream:
        self.opened.append((name, namespace, port))
        ours, theirs = socket.socketpair()

        def run() -> None:
            with closing(theirs):
                self.program(theirs)

        threading.Thread(target=run, daemon=True, name="pod").start()
        return Stream(ours, self.said)


def echo(sock: socket.socket) -> None:
    while data := sock.recv(65536):
        sock.sendall(data)


def bridge_to(program: Callable[[socket.socket], None], said: str | None = None) -> Bridge:
    bridge = Bridge(Configuration())
    bridge._cluster = Cluster(program, said)
    return bridge


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    with bridge_to(echo) as it:
        yield it


def dial(bridge: Bridge, method: int = 2, password: str | None = None) -> socket.socket:
    """A client that has greeted, and logged in if the bridge asked for it."""
    url = urlparse(bridge.proxy_url)
    sock = socket.create_connection((url.hostname, url.port), timeout=60)
    sock.sendall(bytes((5, 1, method)))
    if sock.recv(2) == b"\x05\x02":
        user, secret = url.username.encode(), (password or url.password).encode()
        sock.sendall(bytes((1, len(user))) + user + bytes((len(secret),)) + secret)
    return sock


def ask(sock: socket.socket, host: str, port: int = 9093, command: int = 1) -> bytes:
    name = host.encode()
    sock.sendall(bytes((5, command, 0, 3, len(name))) + name + struct.pack("!H", port))
    return sock.recv(10)


def connect(bridge: Bridge, host: str = NAME, port: int = 9093) -> socket.socket:
    sock = dial(bridge)
    assert sock.recv(2) == b"\x01\x00"
    assert ask(sock, host, port) == b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    return sock


def receive(sock: socket.socket) -> bytes:
    received = bytearray()
    while part := sock.recv(1 << 20):
        received += part
    return bytes(received)


def test_bytes_go_to_the_pod_and_back(bridge: Bridge) -> None:
    with connect(bridge, port=9093) as sock:
        sock.sendall(b"hello")
        assert sock.recv(5) == b"hello"
    assert bridge._cluster.opened == [("c-broker-0", "messaging", 9093)]
    assert bridge.errors == []


def test_a_service_name_is_mapped_to_the_target_port(bridge: Bridge) -> None:
    with connect(bridge, "c-kafka-bootstrap.messaging.svc", 443):
        assert bridge._cluster.opened == [("c-broker-0", "messaging", 9093)]


def test_it_listens_on_the_loopback_address_only(bridge: Bridge) -> None:
    assert urlparse(bridge.proxy_url).hostname == "127.0.0.1"
    assert bridge._listener.address[0] == "127.0.0.1"


def test_a_client_that_does_not_log_in_is_turned_away(bridge: Bridge) -> None:
    with dial(bridge, method=0) as sock:
        assert receive(sock) == b""
    assert bridge._cluster.opened == []


def test_a_wrong_password_is_turned_away(bridge: Bridge) -> None:
    with dial(bridge, password="wrong") as sock:
        assert receive(sock) == b"\x01\x01"
    assert bridge._cluster.opened == []


def test_the_password_is_new_at_each_bridge() -> None:
    with bridge_to(echo) as one, bridge_to(echo) as other:
        assert urlparse(one.proxy_url).password != urlparse(other.proxy_url).password


@pytest.mark.parametrize("command", [2, 3])
def test_listening_and_datagrams_are_refused(bridge: Bridge, command: int) -> None:
    with dial(bridge) as sock:
        sock.recv(2)
        assert ask(sock, NAME, command=command)[:2] == b"\x05\x07"
    assert bridge._cluster.opened == []


@pytest.mark.parametrize(("kind", "address"), [(1, bytes(4)), (4, bytes(16))])
def test_addresses_are_refused_with_a_hint(bridge: Bridge, kind: int, address: bytes) -> None:
    with dial(bridge) as sock:
        sock.recv(2)
        sock.sendall(bytes((5, 1, 0, kind)) + address + b"\x00\x50")
        assert sock.recv(10)[:2] == b"\x05\x08"
    assert "socks5h" in bridge.errors[0].sentence
    assert bridge._cluster.opened == []


def test_a_name_outside_the_cluster_is_refused_and_remembered(bridge: Bridge) -> None:
    with dial(bridge) as sock:
        sock.recv(2)
        assert ask(sock, "example.com", 443)[:2] == b"\x05\x02"
    (failure,) = bridge.errors
    assert (failure.host, failure.port) == ("example.com", 443)
    assert "refused" in failure.sentence


def test_what_the_pod_says_on_the_error_channel_is_remembered() -> None:
    with bridge_to(lambda _sock: None, "connection refused") as bridge:
        with connect(bridge) as sock:
            assert receive(sock) == b""
        until(lambda: bool(bridge.errors))
        assert "pod c-broker-0 in namespace messaging, port 9093: connection refused" in bridge.errors[0].sentence


def test_an_answer_still_comes_after_the_client_has_said_its_last(bridge: Bridge) -> None:
    with connect(bridge) as sock:
        sock.sendall(b"last words")
        sock.shutdown(socket.SHUT_WR)
        assert receive(sock) == b"last words"


def test_when_the_bridge_is_stopped_nobody_waits_for_an_answer() -> None:
    client, ours = socket.socketpair()
    theirs, pod = socket.socketpair()
    with client, ours, theirs, pod:
        stopped = threading.Event()
        carrying = threading.Thread(target=lambda: bridge_module.relay(ours, theirs, stopped.is_set, 3600), daemon=True)
        carrying.start()
        client.shutdown(socket.SHUT_WR)
        carrying.join(0.3)
        assert carrying.is_alive(), "the pod may still answer"
        stopped.set()
        carrying.join(30)
        assert not carrying.is_alive()


def test_big_transfers_arrive_whole_in_both_directions_at_once(bridge: Bridge) -> None:
    payload = os.urandom(BIG)
    received = bytearray()
    with connect(bridge) as sock:
        writer = threading.Thread(target=sock.sendall, args=(payload,))
        writer.start()
        while len(received) < BIG:
            received += sock.recv(1 << 20)
        writer.join()
    assert bytes(received) == payload


def test_a_slow_reader_slows_the_pod_down() -> None:
    sent = 0

    def flood(sock: socket.socket) -> None:
        nonlocal sent
        sock.settimeout(1)
        while sent < BIG * 4:
            try:
                sent += sock.send(bytes(65536))
            except TimeoutError:
                return

    with bridge_to(flood) as bridge, connect(bridge) as sock:
        until(lambda: not any(t.name == "pod" for t in threading.enumerate()))
        assert sent < BIG * 4  # the flood ran into a wall, not into our memory
        assert len(receive(sock)) == sent


def test_many_connections_at_once_each_get_their_own(bridge: Bridge) -> None:
    socks = [connect(bridge) for _ in range(100)]
    for number, sock in enumerate(socks):
        sock.sendall(b"%03d" % number)
    assert [sock.recv(3) for sock in socks] == [b"%03d" % number for number in range(100)]
    for sock in socks:
        sock.close()
    until(lambda: bridge.connections == 0)


def test_clients_that_vanish_leave_no_thread_behind(bridge: Bridge) -> None:
    for _ in range(10):
        sock = connect(bridge)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() sends a reset
        sock.close()
        connect(bridge).close()
        url = urlparse(bridge.proxy_url)
        socket.create_connection((url.hostname, url.port)).close()  # not a word said
    until(lambda: bridge.connections == 0)
    until(lambda: not [t for t in threading.enumerate() if t.name in ("pod", "bridge: connection")])


def test_stop_closes_connections_and_port_and_may_be_called_again() -> None:
    bridge = bridge_to(echo)
    bridge.start()
    url = urlparse(bridge.proxy_url)
    sock = connect(bridge)
    bridge.stop()
    bridge.stop()
    assert receive(sock) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((url.hostname, url.port))
    assert bridge.connections == 0
    assert not [t for t in threading.enumerate() if t.name.startswith("bridge: ")]
    with pytest.raises(RuntimeError):
        _ = bridge.proxy_url


def test_a_bridge_can_be_started_again() -> None:
    bridge = bridge_to(echo)
    for _ in range(2):
        with bridge, connect(bridge) as sock:
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"


def test_impersonation_is_refused_because_a_port_forward_would_drop_it() -> None:
    client = ApiClient(Configuration())
    client.set_default_header("Impersonate-User", "somebody")
    with pytest.raises(BridgeError, match="cannot impersonate"):
        Bridge(client)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, '{"message": "pods is forbidden: User x cannot list"}', "is not allowed: pods is forbidden.*needs:"),
        (404, '{"message": "services \\"s\\" not found"}', 'not there: services "s" not found'),
        (500, "no json", "could not get it: Handshake status 500"),
        (None, None, "could not get it"),
    ],
)
def test_the_api_servers_own_message_is_said(status: int | None, body: str | None, words: str) -> None:
    reason = "Handshake status 500 -+-+- {'x': 'y'} -+-+- b''"
    error = bridge_module._api_error("it", status, body, reason)
    with pytest.raises(BridgeError, match=words):
        raise error
    assert "-+-" not in str(error)


def test_an_api_server_that_does_not_answer_is_said() -> None:
    configuration = Configuration(host="http://127.0.0.1:9")
    configuration.retries = False
    with Bridge(configuration) as bridge, dial(bridge) as sock:
        sock.recv(2)
        assert ask(sock, NAME)[:2] == b"\x05\x01"
        assert "the API server does not answer" in bridge.errors[0].sentence


def test_an_error_of_the_bridge_is_one_that_users_see() -> None:
    assert issubclass(BridgeError, ClusterError)


def test_a_forwarded_port_leads_to_the_service(bridge: Bridge) -> None:
    with bridge.forward("c-kafka-bootstrap.messaging.svc", 443) as address:
        for number in range(3):  # every connection
            with socket.create_connection(address, timeout=60) as sock:
                sock.sendall(b"%d" % number)
                assert sock.recv(1) == b"%d" % number
    assert bridge._cluster.opened == [("c-broker-0", "messaging", 9093)] * 3
    assert address[0] == "127.0.0.1"


def test_a_forwarded_port_needs_no_proxy_and_ends_with_its_block() -> None:
    bridge = bridge_to(echo)
    with bridge.forward(NAME, 9093) as address, pytest.raises(RuntimeError):
        _ = bridge.proxy_url
    with bridge.forward(NAME, 9093) as address:
        sock = socket.create_connection(address, timeout=60)
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
    with sock:
        assert receive(sock) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    assert not [t for t in threading.enumerate() if t.name.startswith("bridge: ")]


def test_a_forwarded_port_to_nothing_says_why() -> None:
    with bridge_to(echo) as bridge, bridge.forward("c-kafka-bootstrap.messaging.svc", 444) as address:
        with socket.create_connection(address, timeout=60) as sock:
            assert receive(sock) == b""
        assert "has no port 444" in bridge.errors[0].sentence


def test_a_name_outside_the_cluster_is_not_forwarded(bridge: Bridge) -> None:
    with pytest.raises(BridgeError, match="refused"), bridge.forward("example.com", 443):
        pass
