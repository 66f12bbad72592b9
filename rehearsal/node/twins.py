# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Ports of pods at the loopback twins of their addresses, for programs that listen on other ports of 127.0.0.1.

Who finds pods by the API server (vmagent does) reaches all of them in the same way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Mapping

from rehearsal.node.services import lead

log = logging.getLogger(__name__)

#: where a connection to a port goes: address and port of this machine
Target = tuple[str, int]


class Twins:
    """The listeners of one cluster's pods, in the loop of another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._published: dict[Hashable, dict[int, Target]] = {}
        self._servers: dict[Hashable, list[asyncio.Server]] = {}

    def publish(self, key: Hashable, address: str, targets: Mapping[int, Target]) -> None:
        """Listen at the address for exactly these ports of the pod. Called from any thread."""
        wanted = {port: target for port, target in targets.items() if target != (address, port)}
        if self._published.get(key, {}) != wanted:
            self._published[key] = wanted
            asyncio.run_coroutine_threadsafe(self._replace(key, address, wanted), self._loop)

    def forget(self, key: Hashable) -> None:
        """The pod is gone."""
        if self._published.pop(key, None):
            asyncio.run_coroutine_threadsafe(self._replace(key, "", {}), self._loop)

    async def _replace(self, key: Hashable, address: str, targets: Mapping[int, Target]) -> None:
        for server in self._servers.pop(key, []):
            server.close()
        for port, target in targets.items():
            try:
                server = await self._listen(address, port, target)
            except OSError as error:  # a port below 1024, for who is not root
                log.warning("%s:%d cannot be listened at: %s", address, port, error)
                continue
            self._servers.setdefault(key, []).append(server)

    async def _listen(self, address: str, port: int, target: Target) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await lead([target[0]], target[1], reader, writer)

        return await asyncio.start_server(connected, address, port)
