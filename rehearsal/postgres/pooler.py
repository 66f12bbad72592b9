# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A stand-in for PgBouncer: `python -m rehearsal.postgres.pooler ADDRESS SERVICE_ADDRESS PORT`, until SIGTERM."""

from __future__ import annotations

import asyncio
import sys

from rehearsal.node.services import lead


async def serve(address: str, service: str, port: int) -> None:
    """Hand every connection to the address through to the Service's, at the same port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await lead([service], port, reader, writer)

    server = await asyncio.start_server(connected, address, port)
    print(f"{address}:{port} leads to {service}:{port}")
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
