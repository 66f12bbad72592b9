# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way in to in-cluster services, from wherever Python runs: a local SOCKS5 proxy over the API server's port-forward.

A Kafka client must reach every broker under the very name the broker advertises, or TLS host names do not match.
So the bridge is given names, not addresses (``socks5h``), and understands these only::

    <pod>.<headless service>.<namespace>.svc[.cluster.local]   that pod
    <service>.<namespace>.svc[.cluster.local]                  any ready pod behind the Service, port -> targetPort

Every other name, and every address, is refused: this is never a general proxy. It listens on 127.0.0.1 only and asks
for a user name and a password that are made anew at each start, so that other users of the machine cannot use it.

Usage::

    with Bridge(api_client) as bridge:
        KafkaAdminClient(bootstrap_servers="c-kafka-bootstrap.ns.svc:9093", proxy_url=bridge.proxy_url, ...)

A client that speaks no SOCKS5 is given a port of 127.0.0.1 instead, which leads to one such name and nowhere else::

    with Bridge(api_client).forward("schema-registry.ns.svc", 8081) as (host, port):
        requests.get(f"http://{host}:{port}/subjects")

As with ``kubectl port-forward``, every user of the machine can connect to that port while it is open.

What it needs in the namespace (RBAC): get services, list pods, get and create pods/portforward (the client opens a
port-forward by a WebSocket, a GET; newer Kubernetes also asks for create).

A port-forward over a WebSocket has no half-close: after the client's end of data the answer is still delivered until
nothing comes for a second, but the pod does not see the end. Kafka, HTTP and PostgreSQL do not need it.

Nothing of Ansible is imported here. There are maintained SOCKS5 servers in Python, but they are general relays that
dial TCP addresses: the part needed here (CONNECT, one authentication method) is smaller than their taming.
"""

from __future__ import annotations

import hmac
import json
import random
import re
import secrets
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from .errors import ClusterError

try:
    from kubernetes import client as kubernetes_client
    from kubernetes.stream import portforward

    KUBERNETES_IMPORT_ERROR: ImportError | None = None
except ImportError as error:
    KUBERNETES_IMPORT_ERROR = error

# SOCKS5 (RFC 1928), user name and password (RFC 1929)
NO_ACCEPTABLE_METHOD = 0xFF
USER_PASSWORD = 0x02
CONNECT = 0x01
DOMAIN_NAME = 0x03
ADDRESS_LENGTHS = {0x01: 4, 0x04: 16}  # IPv4, IPv6
GENERAL_FAILURE, NOT_ALLOWED, HOST_UNREACHABLE, REFUSED = 0x01, 0x02, 0x04, 0x05
COMMAND_NOT_SUPPORTED, ADDRESS_TYPE_NOT_SUPPORTED = 0x07, 0x08

CHUNK = 64 * 1024
BUFFERED = 1024 * 1024  # bytes held per direction before the other side is made to wait
NEGOTIATION_SECONDS = 10
LINGER_SECONDS = 1.0
#: so often one that lingers looks whether the bridge was stopped
LOOK_SECONDS = 0.05
API_TIMEOUT = (5, 15)  # seconds to connect, to read
REMEMBERED_FAILURES = 50

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


class BridgeError(ClusterError):
    """A connection that could not be made: a sentence for the user, and the SOCKS5 reply code for the client."""

    def __init__(self, sentence: str, reply: int = GENERAL_FAILURE) -> None:
        super().__init__(sentence)
        self.reply = reply


@dataclass(frozen=True)
class Address:
    """An in-cluster name taken apart; `pod` is None when the name is a Service's."""

    pod: str | None
    service: str
    namespace: str


@dataclass(frozen=True)
class Failure:
    """A connection that failed: which one was asked for, and why it could not be made."""

    host: str
    port: int
    sentence: str
    #: true when asking again cannot help (refused by the bridge, or not allowed by the API server)
    final: bool = False


def parse_address(host: str, cluster_domain: str = "cluster.local") -> Address:
    """Take an in-cluster name apart, or refuse it (BridgeError)."""
    name = host.lower().rstrip(".").removesuffix("." + cluster_domain)
    labels = name.split(".")
    if not (3 <= len(labels) <= 4 and labels[-1] == "svc" and all(_LABEL.fullmatch(label) for label in labels)):
        raise BridgeError(
            f"{host!r} is refused: the bridge reaches <service>.<namespace>.svc and"
            f" <pod>.<service>.<namespace>.svc (or the same with .{cluster_domain}), nothing else",
            NOT_ALLOWED,
        )
    return Address(labels[0] if len(labels) == 4 else None, labels[-3], labels[-2])


def is_ready(pod: dict[str, Any]) -> bool:
    """True when a Service would send connections to the pod."""
    conditions = pod.get("status", {}).get("conditions") or []
    return not pod["metadata"].get("deletionTimestamp") and any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )


def pod_state(pod: dict[str, Any]) -> str:
    """What to say of a pod that cannot be used, in kubectl's words: `Pending`, `Running, not ready`, a reason."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status", {})
    for container in status.get("containerStatuses") or []:
        reason = (container.get("state", {}).get("waiting") or {}).get("reason")
        if reason:
            return str(reason)
    phase = status.get("phase", "Unknown")
    return f"{phase}, not ready" if phase == "Running" and not is_ready(pod) else str(phase)


def target_port(service: dict[str, Any], pod: dict[str, Any], port: int) -> int:
    """The pod's port behind the Service's port: a number, or the name of a container's port."""
    name = service["metadata"]["name"]
    ports = service["spec"].get("ports") or []
    entry = next((p for p in ports if p["port"] == port and p.get("protocol", "TCP") == "TCP"), None)
    if entry is None:
        there = ", ".join(str(p["port"]) for p in ports) or "none"
        raise BridgeError(f"Service {name} has no port {port} (it has: {there})", REFUSED)
    target = entry.get("targetPort", port)
    if isinstance(target, int):
        return target
    containers = (pod["spec"].get("containers") or []) + (pod["spec"].get("initContainers") or [])
    for container in containers:
        for container_port in container.get("ports") or []:
            if container_port.get("name") == target and container_port.get("protocol", "TCP") == "TCP":
                return int(container_port["containerPort"])
    raise BridgeError(
        f"Service {name} names port {target!r}, which pod {pod['metadata']['name']} does not have", REFUSED
    )


def choose_pod(address: Address, port: int, service: dict[str, Any], pods: list[dict[str, Any]]) -> tuple[str, int]:
    """The pod and the port of it that a connection to the address goes to; `pods` are those the Service selects.

    A pod asked for by name need only run: the brokers' headless Service publishes addresses that are not ready, and
    operators connect to brokers before those are ready.
    """
    where = f"in namespace {address.namespace}"
    headless = service["spec"].get("clusterIP") == "None"
    if address.pod:
        pod = next((p for p in pods if p["metadata"]["name"] == address.pod), None)
        if pod is None:
            others = ", ".join(sorted(p["metadata"]["name"] for p in pods)) or "no pod"
            raise BridgeError(
                f"pod {address.pod} is not there {where} (Service {address.service} selects: {others})",
                HOST_UNREACHABLE,
            )
        if pod.get("status", {}).get("phase") != "Running":
            raise BridgeError(f"pod {address.pod} {where} is not running: {pod_state(pod)}", HOST_UNREACHABLE)
        return address.pod, port
    ready = [pod for pod in pods if is_ready(pod)]
    if not ready:
        states = ", ".join(f"{p['metadata']['name']}: {pod_state(p)}" for p in pods) or "it selects no pod"
        raise BridgeError(f"no ready pod behind Service {address.service} {where} ({states})", HOST_UNREACHABLE)
    pod = random.choice(ready)
    return pod["metadata"]["name"], port if headless else target_port(service, pod, port)


class _Cluster:
    """The few questions the bridge asks the API server, answered as plain dicts."""

    def __init__(self, configuration: Any) -> None:
        self.configuration = configuration
        self._api = kubernetes_client.CoreV1Api(kubernetes_client.ApiClient(configuration))

    def service(self, name: str, namespace: str) -> dict[str, Any]:
        return self._read(
            f"Service {name} in namespace {namespace}", self._api.read_namespaced_service, name, namespace
        )

    def pods(self, selector: dict[str, str], namespace: str) -> list[dict[str, Any]]:
        labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        listed = self._read(
            f"the pods {labels} of namespace {namespace}",
            self._api.list_namespaced_pod,
            namespace,
            label_selector=labels,
        )
        return listed["items"]

    def _read(self, what: str, method: Any, *args: str, **kwargs: Any) -> Any:
        try:
            response = method(*args, _preload_content=False, _request_timeout=API_TIMEOUT, **kwargs)
            return json.loads(response.data)
        except kubernetes_client.ApiException as error:
            raise _api_error(what, error.status, error.body, error.reason) from error
        except Exception as error:  # urllib3 has a dozen; each means that the API server did not answer
            raise BridgeError(f"could not read {what}: the API server does not answer ({error})") from error

    def open(self, pod: str, namespace: str, port: int) -> Any:
        """Open a port-forward stream. A client of its own each time: the stream call replaces a client's methods."""
        what = f"a port-forward to port {port} of pod {pod} in namespace {namespace}"
        with kubernetes_client.ApiClient(self.configuration) as client:
            api = kubernetes_client.CoreV1Api(client)
            try:
                return portforward(api.connect_get_namespaced_pod_portforward, pod, namespace, ports=str(port))
            except kubernetes_client.ApiException as error:
                # the WebSocket's refusal is the cause; the ApiException only quotes it
                cause = error.__context__
                status = getattr(cause, "status_code", None) or error.status
                raise _api_error(what, status, getattr(cause, "resp_body", None), error.reason) from error


def _api_error(what: str, status: int | None, body: Any, reason: str | None) -> BridgeError:
    """The API server's own message, with what to do about it."""
    try:
        message = json.loads(body)["message"]
    except (KeyError, TypeError, ValueError):
        message = str(reason or "").split(" -+-+- ", maxsplit=1)[0]  # what follows are the answer's headers
    if status == 404:
        return BridgeError(f"{what} is not there: {message}", HOST_UNREACHABLE)
    if status in (401, 403):
        return BridgeError(
            f"{what} is not allowed: {message}. The bridge needs: get services, list pods, get and create"
            " pods/portforward",
            NOT_ALLOWED,
        )
    return BridgeError(f"could not get {what}: {message or f'HTTP {status}'}")


def negotiate(sock: socket.socket, user: str, password: str) -> tuple[str, int]:
    """Read a SOCKS5 greeting, log-in and request up to the name and port wanted. Replies itself only to refuse."""
    version, count = _receive(sock, 2)
    methods = _receive(sock, count)
    if version != 5 or USER_PASSWORD not in methods:
        sock.sendall(bytes((5, NO_ACCEPTABLE_METHOD)))
        raise ConnectionError("a client that does not log in")
    sock.sendall(bytes((5, USER_PASSWORD)))
    _receive(sock, 1)
    given = [_receive(sock, _receive(sock, 1)[0]) for _field in range(2)]
    if not hmac.compare_digest(b"\0".join(given), f"{user}\0{password}".encode()):
        sock.sendall(bytes((1, 1)))
        raise ConnectionError("a client with a wrong password")
    sock.sendall(bytes((1, 0)))
    _version, command, _reserved, address_type = _receive(sock, 4)
    if address_type == DOMAIN_NAME:
        host = _receive(sock, _receive(sock, 1)[0]).decode("ascii", "replace")
    elif address_type in ADDRESS_LENGTHS:
        family = socket.AF_INET if address_type == 0x01 else socket.AF_INET6
        host = socket.inet_ntop(family, _receive(sock, ADDRESS_LENGTHS[address_type]))
    else:
        raise BridgeError(f"SOCKS5 address type {address_type} is unknown", ADDRESS_TYPE_NOT_SUPPORTED)
    (port,) = struct.unpack("!H", _receive(sock, 2))
    if command != CONNECT:
        raise BridgeError(f"SOCKS5 command {command} is refused: the bridge only connects", COMMAND_NOT_SUPPORTED)
    if address_type != DOMAIN_NAME:
        raise BridgeError(
            f"address {host} is refused: the bridge takes in-cluster names; is the proxy's URL socks5h:// ?",
            ADDRESS_TYPE_NOT_SUPPORTED,
        )
    return host, port


def _receive(sock: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = sock.recv(size - len(received))
        if not part:
            raise ConnectionError("the client went away")
        received += part
    return received


def _reply(sock: socket.socket, code: int) -> None:
    """Always with an IPv4 address (ATYP 1), empty: kafka-python accepts no name there."""
    sock.sendall(struct.pack("!BBBBIH", 5, code, 0, 1, 0, 0))


def relay(client: Any, pod: Any, stopped: Callable[[], bool], linger: float = LINGER_SECONDS) -> None:
    """Carry bytes both ways until the pod's side ends, or the client's has ended and nothing came for `linger` s.

    A client that says it has ended may still wait for the answer; not when the bridge is `stopped`.
    Each direction holds at most BUFFERED bytes, so that a slow reader slows the writer down.
    """
    up, down = bytearray(), bytearray()  # on their way to the pod, to the client
    client_reads = pod_reads = True
    client.setblocking(False)
    pod.setblocking(False)
    heard = time.monotonic()
    with selectors.DefaultSelector() as selector:
        while pod_reads or down:
            _watch(selector, client, reads=client_reads and len(up) < BUFFERED, writes=bool(down))
            _watch(selector, pod, reads=pod_reads and len(down) < BUFFERED, writes=bool(up))
            events = selector.select(None if client_reads or up else min(linger, LOOK_SECONDS))
            if events:
                heard = time.monotonic()
            elif stopped() or time.monotonic() - heard >= linger:
                return
            for key, mask in events:
                sock, incoming, outgoing = (client, up, down) if key.fileobj is client else (pod, down, up)
                try:
                    if mask & selectors.EVENT_WRITE:
                        del outgoing[: sock.send(outgoing[:CHUNK])]
                    if mask & selectors.EVENT_READ:
                        part = sock.recv(CHUNK)
                        incoming += part
                        if not part and sock is client:
                            client_reads = False
                        elif not part:
                            pod_reads = False
                            client_reads = False  # nobody is there to read it
                            up.clear()
                except BlockingIOError:
                    continue
                except OSError:  # one side is gone, and with it what was on its way there
                    return


def _watch(selector: selectors.BaseSelector, sock: Any, reads: bool, writes: bool) -> None:
    """Wait for just these on the socket. Nothing wanted: leave it out, or its end would wake us again and again."""
    wanted = (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if writes else 0)
    known = selector.get_map().get(sock)
    if known and not wanted:
        selector.unregister(sock)
    elif known and known.events != wanted:
        selector.modify(sock, wanted)
    elif wanted and not known:
        selector.register(sock, wanted)


class _Listener:
    """A port of 127.0.0.1 with a thread for each connection, until stop()."""

    def __init__(self, serve: Callable[[socket.socket, Callable[[], bool]], None]) -> None:
        self._serve = serve
        self._stopping = False
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._acceptor = threading.Thread(target=self._accept, name="bridge: accept", daemon=True)
        self._acceptor.start()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()
        return host, port

    @property
    def connections(self) -> int:
        """How many connections are open."""
        with self._lock:
            return len(self._connections)

    def stop(self) -> None:
        """Close every connection and the port; wait for the threads."""
        self._stopping = True
        # only a connection wakes an accept on every system; it is closed unserved
        with socket.socket() as waker:
            waker.connect(self._socket.getsockname())
            self._acceptor.join(timeout=5)
        self._socket.close()
        with self._lock:
            connections = dict(self._connections)
        for sock in connections.values():
            _hang_up(sock)
        for thread in connections:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while True:
            client, _peer = self._socket.accept()
            if self._stopping:
                client.close()
                return
            thread = threading.Thread(target=self._run, args=(client,), name="bridge: connection", daemon=True)
            with self._lock:
                self._connections[thread] = client
            thread.start()

    def _run(self, client: socket.socket) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(client, lambda: self._stopping)
        except OSError:
            pass  # the client went away, or never was one of ours
        finally:
            with self._lock:
                self._connections.pop(threading.current_thread(), None)
            _hang_up(client)
            client.close()


class Bridge:
    """The proxy: from start() or ``with`` to stop(), in threads of this process.

    `api_client` is a kubernetes ApiClient, or its Configuration. `errors` remembers the latest connections that could
    not be made, for the sentence that a client's own "timeout" is not.
    """

    def __init__(self, api_client: Any, cluster_domain: str = "cluster.local") -> None:
        if KUBERNETES_IMPORT_ERROR is not None:
            raise KUBERNETES_IMPORT_ERROR
        headers = {name.lower() for name in getattr(api_client, "default_headers", {})}
        if headers & {"impersonate-user", "impersonate-group"}:
            raise BridgeError(
                "a port-forward cannot impersonate (the Kubernetes client leaves the header out): log in as the user"
                " itself, or give the address of the service so that no bridge is needed",
                NOT_ALLOWED,
            )
        self._cluster = _Cluster(getattr(api_client, "configuration", api_client))
        self._cluster_domain = cluster_domain
        self._user, self._password = secrets.token_hex(8), secrets.token_hex(32)
        self._failures: deque[Failure] = deque(maxlen=REMEMBERED_FAILURES)
        self._listener: _Listener | None = None

    @property
    def proxy_url(self) -> str:
        """The URL to give a client. It holds a password: never print it."""
        if self._listener is None:
            raise RuntimeError("the bridge is not started")
        host, port = self._listener.address
        return f"socks5h://{self._user}:{self._password}@{host}:{port}"

    @property
    def errors(self) -> list[Failure]:
        """The latest connections that could not be made, oldest first."""
        return list(self._failures)

    @property
    def connections(self) -> int:
        """How many connections of the proxy are open."""
        return self._listener.connections if self._listener else 0

    def start(self) -> str:
        """Listen, and return the URL to give a client."""
        if self._listener is None:
            self._listener = _Listener(self._serve_proxy)
        return self.proxy_url

    def stop(self) -> None:
        """Close every connection of the proxy and its port; wait for the threads."""
        listener, self._listener = self._listener, None
        if listener:
            listener.stop()

    @contextmanager
    def forward(self, host: str, port: int) -> Iterator[tuple[str, int]]:
        """A local address whose every connection leads to the in-cluster `host` and `port`, as long as the block.

        Needs no start() and works beside the proxy. A name that the bridge does not take is a BridgeError at once;
        what is not there, or not ready, is found out by each connection anew: it is closed, and `errors` says why.
        """
        address = parse_address(host, self._cluster_domain)

        def serve(client: socket.socket, stopped: Callable[[], bool]) -> None:
            try:
                self._carry(client, address, host, port, stopped=stopped)
            except BridgeError as error:
                self._remember(host, port, error)

        listener = _Listener(serve)
        try:
            yield listener.address
        finally:
            listener.stop()

    def __enter__(self) -> Bridge:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _serve_proxy(self, client: socket.socket, stopped: Callable[[], bool]) -> None:
        host, port = "?", 0
        try:
            client.settimeout(NEGOTIATION_SECONDS)
            host, port = negotiate(client, self._user, self._password)
            address = parse_address(host, self._cluster_domain)
            self._carry(client, address, host, port, stopped=stopped, connected=lambda: _reply(client, 0))
        except BridgeError as error:
            self._remember(host, port, error)
            with suppress(OSError):  # the client may not have waited for the answer
                _reply(client, error.reply)

    def _remember(self, host: str, port: int, error: BridgeError) -> None:
        self._failures.append(Failure(host, port, str(error), final=error.reply == NOT_ALLOWED))

    def _carry(
        self,
        client: socket.socket,
        address: Address,
        host: str,
        port: int,
        *,
        stopped: Callable[[], bool],
        connected: Callable[[], None] | None = None,
    ) -> None:
        """Connect the client with the pod, and carry until one of them ends."""
        service = self._cluster.service(address.service, address.namespace)
        selector = service["spec"].get("selector")
        if not selector:
            raise BridgeError(
                f"Service {address.service} in namespace {address.namespace} selects no pods (it has no selector):"
                " the bridge cannot know where it leads",
                NOT_ALLOWED,
            )
        pods = self._cluster.pods(selector, address.namespace)
        pod, pod_port = choose_pod(address, port, service, pods)
        stream = self._cluster.open(pod, address.namespace, pod_port)
        pod_socket = stream.socket(pod_port)
        try:
            if connected:
                connected()
            relay(client, pod_socket, stopped)
        finally:
            pod_socket.close()  # ends the stream's own thread, after what it still holds is sent
        said = stream.error(pod_port)
        if said:  # such as: nothing listens on the port
            sentence = f"pod {pod} in namespace {address.namespace}, port {pod_port}: {said.strip()}"
            self._failures.append(Failure(host, port, sentence))


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):  # it was closed already
        sock.shutdown(socket.SHUT_RDWR)
