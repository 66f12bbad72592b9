# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Services whose pods listen on addresses of their own: what kube-proxy is to a node, for those of a few makers.

Each such Service has an address on this machine; a connection to it goes to one of the endpoints that are ready now.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rehearsal.files import write_atomically
from rehearsal.node import addresses
from rehearsal.paths import Paths

log = logging.getLogger(__name__)

SERVICE_LABEL = "kubernetes.io/service-name"
OUTSIDE_LABEL = "synergyflow.platform/reached-from-outside"  # of what has a load balancer elsewhere
# labels of the Services that are served here, CloudNativePG's, Flux's and those; None stands for any value
SERVED: tuple[tuple[str, str | None], ...] = (
    ("cnpg.io/cluster", None),
    ("app.kubernetes.io/part-of", "flux"),
    (OUTSIDE_LABEL, None),
)
CHUNK = 64 * 1024


@dataclass
class Served:
    """A Service: for each of its ports the endpoints that are ready, and the servers that lead there."""

    address: str
    slices: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    servers: dict[int, asyncio.Server] = field(default_factory=dict)

    def endpoints(self, port: int) -> list[str]:
        """Where a connection to the port may go."""
        return [address for ports in self.slices.values() for address in ports.get(port, [])]


class Services(threading.Thread):
    """The Services of one cluster, each listened for by this thread's loop."""

    def __init__(self, paths: Paths, cluster: str) -> None:
        super().__init__(daemon=True, name="services")
        self._paths = paths
        self._cluster = cluster
        self.loop = asyncio.new_event_loop()
        self._served: dict[tuple[str, str], Served] = {}
        self._connections: set[asyncio.Task[None]] = set()

    def run(self) -> None:
        """Until the process ends."""
        self.loop.run_forever()

    def changed(self, endpoint_slice: Mapping[str, Any], *, gone: bool) -> None:
        """Take an EndpointSlice into account. Called from any thread."""
        content = json.loads(json.dumps(dict(endpoint_slice)))
        asyncio.run_coroutine_threadsafe(self._change(content, gone), self.loop)

    async def _change(self, endpoint_slice: dict[str, Any], gone: bool) -> None:
        metadata = endpoint_slice["metadata"]
        key = (metadata["namespace"], metadata["labels"][SERVICE_LABEL])
        served = self._served.get(key)
        if served is None:
            served = self._served[key] = Served(addresses.of_service(self._paths, self._cluster, *key))
        served.slices.pop(metadata["name"], None)
        if not gone:
            served.slices[metadata["name"]] = ready(endpoint_slice)
        wanted = {port for ports in served.slices.values() for port in ports}
        for port in wanted - served.servers.keys():
            await self._listen(key, served, port)
        if not served.slices:
            for server in served.servers.values():
                server.close()
            del self._served[key]
        names = {f"{name}.{namespace}": each.address for (namespace, name), each in self._served.items()}
        text = "".join(f"{address} {name}\n" for name, address in sorted(names.items()))
        file = addresses.services_file(self._paths, self._cluster)
        if not file.is_file() or file.read_text() != text:
            write_atomically(file, text)

    async def _listen(self, key: tuple[str, str], served: Served, port: int) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await lead(served.endpoints(port), port, reader, writer)

        try:
            served.servers[port] = await asyncio.start_server(connected, served.address, port)
        except OSError as error:
            log.error("Service %s/%s cannot be served at %s:%d: %s", *key, served.address, port, error)


def ready(endpoint_slice: Mapping[str, Any]) -> dict[int, list[str]]:
    """Addresses on this machine of the endpoints that are ready, by port."""
    found = [
        addresses.loopback(address)
        for endpoint in endpoint_slice.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready")
        for address in endpoint.get("addresses") or []
    ]
    return {each["port"]: found for each in endpoint_slice.get("ports") or [] if each.get("port")}


async def lead(endpoints: list[str], port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand a connection through to one of the endpoints until either side ends it; closed at once without any."""
    try:
        if not endpoints:
            return
        there_reader, there_writer = await asyncio.open_connection(random.choice(endpoints), port)
        try:
            pumps = [
                asyncio.ensure_future(_pump(reader, there_writer)),
                asyncio.ensure_future(_pump(there_reader, writer)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
        finally:
            there_writer.close()
    except OSError as error:
        log.debug("no connection to %s: %s", endpoints, error)
    finally:
        writer.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
