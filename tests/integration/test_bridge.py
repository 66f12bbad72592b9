# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge over a real API server: pods of KWOK, behind which real sockets of this process answer."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config
from until import until

MEGABYTE = 1024 * 1024


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@dataclass
class Pods:
    """A namespace with two pods behind a Service: `echo-0` answers, nothing listens behind `deaf-0`."""

    namespace: str
    configuration: Any
    rehearsal: Any

    def host(self, name: str) -> str:
        return f"{name}.{self.namespace}.svc"


@pytest.fixture
def pods(rehearsal: Any, namespace: str) -> Iterator[Pods]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with socket.socket() as nobody:  # bound and never listening: refuses
            nobody.bind(("127.0.0.1", 0))
            manifests = objects(namespace, server.server_address[1], nobody.getsockname()[1])
            rehearsal.kubectl(
                "apps", "apply", "-f", "-", input=json.dumps({"kind": "List", "apiVersion": "v1", "items": manifests})
            )
            rehearsal.kubectl("apps", "wait", "-n", namespace, "--for=condition=Ready", "pod/echo-0", "pod/deaf-0")
            configuration = kubernetes_client.Configuration()
            kubernetes_config.load_kube_config(str(rehearsal.kubeconfig("apps")), client_configuration=configuration)
            try:
                yield Pods(namespace, configuration, rehearsal)
            finally:
                rehearsal.kubectl("apps", "delete", "clusterportforward", f"{namespace}-echo", f"{namespace}-deaf")
                server.shutdown()


def objects(namespace: str, echo_port: int, deaf_port: int) -> list[dict[str, Any]]:
    def pod(name: str) -> dict[str, Any]:
        ports = [{"name": "echo", "containerPort": 7007}]
        containers = [{"name": "it", "image": "example/echo:1", "ports": ports}]
        labels = {"app": "echo", "pod": name}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"containers": containers},
        }

    def service(name: str, **spec: Any) -> dict[str, Any]:
        spec = {"ports": [{"name": "echo", "port": 7, "targetPort": "echo"}], **spec}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}

    def forward(pod_name: str, port: int) -> dict[str, Any]:
        name = pod_name.removesuffix("-0")
        return {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterPortForward",
            "metadata": {"name": f"{namespace}-{name}"},
            "spec": {
                "selector": {"matchNamespaces": [namespace], "matchNames": [pod_name]},
                "forwards": [{"ports": [7007], "target": {"address": "127.0.0.1", "port": port}}],
            },
        }

    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        pod("echo-0"),
        pod("deaf-0"),
        service("echo", selector={"pod": "echo-0"}),
        service("everybody", selector={"app": "echo"}, clusterIP="None"),
        service("nobody", selector={"app": "nobody"}),
        service("by-hand"),
        forward("echo-0", echo_port),
        forward("deaf-0", deaf_port),
    ]


def dial(bridge: Bridge, host: str, port: int) -> tuple[socket.socket, int]:
    """A connection through the bridge, and the reply code."""
    url = urlparse(bridge.proxy_url)
    sock = socket.create_connection((url.hostname, url.port), timeout=30)
    user, password, name = url.username.encode(), url.password.encode(), host.encode()
    sock.sendall(b"\x05\x01\x02")
    assert sock.recv(2) == b"\x05\x02"
    sock.sendall(bytes((1, len(user))) + user + bytes((len(password),)) + password)
    assert sock.recv(2) == b"\x01\x00"
    sock.sendall(bytes((5, 1, 0, 3, len(name))) + name + struct.pack("!H", port))
    return sock, sock.recv(10)[1]


def echoed(sock: socket.socket, payload: bytes) -> bytes:
    writer = threading.Thread(target=sock.sendall, args=(payload,))
    writer.start()
    received = bytearray()
    while len(received) < len(payload):
        part = sock.recv(MEGABYTE)
        if not part:
            break
        received += part
    writer.join()
    return bytes(received)


@pytest.mark.parametrize(
    ("name", "port"), [("echo-0.everybody", 7007), ("echo", 7)], ids=["a pod by its name", "a Service, its named port"]
)
def test_names_lead_to_the_pod(pods: Pods, name: str, port: int) -> None:
    with Bridge(pods.configuration) as bridge:
        for host in (pods.host(name), f"{pods.host(name)}.cluster.local"):
            sock, code = dial(bridge, host, port)
            with sock:
                assert (code, bridge.errors) == (0, [])
                assert echoed(sock, b"hello") == b"hello"


def test_big_transfers_go_both_ways_at_once(pods: Pods) -> None:
    payload = os.urandom(32 * MEGABYTE)
    with Bridge(pods.configuration) as bridge:
        sock, code = dial(bridge, pods.host("echo-0.everybody"), 7007)
        with sock:
            assert code == 0
            assert hashlib.sha256(echoed(sock, payload)).digest() == hashlib.sha256(payload).digest()


def test_many_connections_come_and_go_without_a_trace(pods: Pods) -> None:
    def port_forwards() -> list[str]:
        return [
            thread.name for thread in threading.enumerate() if "port forward" in thread.name or "bridge" in thread.name
        ]

    with Bridge(pods.configuration) as bridge:
        socks = [dial(bridge, pods.host("echo"), 7)[0] for _ in range(20)]
        for number, sock in enumerate(socks):
            assert echoed(sock, b"%02d" % number) == b"%02d" % number
        for sock in socks:
            sock.close()
        until(lambda: bridge.connections == 0)
    until(lambda: port_forwards() == [])


def test_stopping_ends_connections_in_use(pods: Pods) -> None:
    bridge = Bridge(pods.configuration)
    bridge.start()
    sock, _code = dial(bridge, pods.host("echo"), 7)
    bridge.stop()
    with sock:
        assert sock.recv(1) == b""


@pytest.mark.parametrize(
    ("name", "port", "code", "words"),
    [
        ("nowhere", 7, 4, "Service nowhere in namespace .* is not there"),
        ("echo-9.everybody", 7007, 4, "pod echo-9 is not there .*selects: deaf-0, echo-0"),
        ("nobody", 7, 4, "no ready pod behind Service nobody .*selects no pod"),
        ("by-hand", 7, 2, "Service by-hand .* selects no pods .it has no selector"),
        ("echo", 8, 5, "Service echo has no port 8 .it has: 7"),
    ],
)
def test_what_cannot_be_reached_is_said(pods: Pods, name: str, port: int, code: int, words: str) -> None:
    with Bridge(pods.configuration) as bridge:
        sock, found = dial(bridge, pods.host(name), port)
        with sock:
            assert found == code
        with pytest.raises(AssertionError, match=words):
            raise AssertionError(bridge.errors[-1].sentence)


def test_a_pod_where_nothing_listens_is_said(pods: Pods) -> None:
    with Bridge(pods.configuration) as bridge:
        sock, _code = dial(bridge, pods.host("deaf-0.everybody"), 7007)
        with sock:
            assert sock.recv(1) == b""
        until(lambda: bool(bridge.errors))
        sentence = bridge.errors[-1].sentence
        assert "pod deaf-0" in sentence
        assert "refused" in sentence


def as_account(pods: Pods, *rules: str) -> Any:
    """A configuration of a ServiceAccount with just these rights, each `verbs:resources`."""
    kubectl, space = pods.rehearsal.kubectl, ("-n", pods.namespace)
    kubectl("apps", "create", "serviceaccount", "limited", *space)
    for number, rule in enumerate(rules):
        verbs, resources = rule.split(":")
        name = f"limited-{number}"
        kubectl("apps", "create", "role", name, f"--verb={verbs}", f"--resource={resources}", *space)
        binding = (f"--role={name}", f"--serviceaccount={pods.namespace}:limited")
        kubectl("apps", "create", "rolebinding", name, *binding, *space)
    token = kubectl("apps", "create", "token", "limited", *space).stdout.strip()
    limited = kubernetes_client.Configuration(
        host=pods.configuration.host, api_key={"authorization": f"Bearer {token}"}
    )
    limited.ssl_ca_cert, limited.verify_ssl = pods.configuration.ssl_ca_cert, pods.configuration.verify_ssl
    return limited


def test_the_documented_rights_are_enough(pods: Pods) -> None:
    limited = as_account(pods, "get:services", "list:pods", "get,create:pods/portforward")
    with Bridge(limited) as bridge:
        sock, code = dial(bridge, pods.host("echo"), 7)
        with sock:
            assert (code, bridge.errors) == (0, [])
            assert echoed(sock, b"hello") == b"hello"


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (["get:services", "list:pods"], "port-forward to port 7007 of pod echo-0 .* is not allowed: .*portforward"),
        (["get:services"], "the pods pod=echo-0 .* is not allowed"),
    ],
)
def test_a_missing_right_is_said_and_final(pods: Pods, rules: list[str], words: str) -> None:
    with Bridge(as_account(pods, *rules)) as bridge:
        sock, code = dial(bridge, pods.host("echo"), 7)
        with sock:
            assert code == 2
        (failure,) = bridge.errors
        assert failure.final
        with pytest.raises(AssertionError, match=words):
            raise AssertionError(failure.sentence)
        assert "The bridge needs: get services, list pods, get and create pods/portforward" in failure.sentence
