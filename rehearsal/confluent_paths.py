# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Apicurio behind Confluent's paths: runs the registry as a child and serves its Confluent API at `/`.

Apicurio serves that API under `/apis/ccompat/v7` only, and no option of it, or of Quarkus at run time, moves it.
`python -m rehearsal.confluent_paths --port P --registry Q --health URL -- java …`: everything asked of port P is asked
of the child's port Q under that path. P opens when the child is ready, as with Confluent's own server; the child's exit
code is ours.

A child whose reader of the journal is dead (a log-in refused by a broker that had just returned is enough) answers
reads for ever and lets every write wait; it says so itself, and is ended with exit code 1.

Of several that are given the same `--one-by-one FILE`, one at a time starts until it is ready: Apicurio makes its
topics itself, and of two that try it at once one finds them there already and never comes up.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, web
from multidict import CIMultiDict
from yarl import URL

STORAGE = "StorageLivenessCheck"  # io.apicurio.registry.metrics.health.liveness in Apicurio/apicurio-registry
API = "/apis/ccompat/v7"
LOOPBACK = "127.0.0.1"
ASK_AGAIN = 0.25  # seconds
LOOK_AGAIN = 5.0  # seconds
START = 90  # seconds; Confluent's server gives its Kafka 60 (kafkastore.init.timeout.ms), and starts much faster
LARGEST = 50 << 20  # bytes of a request, as Apicurio's own limit
HOP_BY_HOP = frozenset(
    ("connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)


def main() -> int:
    """Run the child until it ends, or until SIGTERM ends both."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.confluent_paths")
    parser.add_argument("--port", type=int, required=True, help="where Confluent's paths are served")
    parser.add_argument("--registry", type=int, required=True, help="where the child listens")
    parser.add_argument("--health", required=True, help="the child's health: /ready and /live under it")
    parser.add_argument("--one-by-one", type=argparse.FileType("w"), required=True, metavar="FILE", help="a lock")
    parser.add_argument("command", nargs="+", help="the child")
    arguments = parser.parse_args()
    fcntl.flock(arguments.one_by_one, fcntl.LOCK_EX)
    return asyncio.run(
        _run(arguments.port, arguments.registry, arguments.health, arguments.one_by_one, arguments.command)
    )


def application(registry: str) -> web.Application:
    """A web application that passes everything on to the registry at that URL."""

    async def connect(app: web.Application) -> None:
        app["client"] = ClientSession(
            auto_decompress=False,
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=ClientTimeout(total=None, connect=5),
        )

    async def disconnect(app: web.Application) -> None:
        await app["client"].close()

    async def pass_on(request: web.Request) -> web.Response:
        target = URL(f"{registry}{API}{request.rel_url.raw_path_qs}", encoded=True)
        try:
            async with request.app["client"].request(
                request.method, target, headers=_end_to_end(request.headers), data=await request.read()
            ) as answer:
                return web.Response(status=answer.status, headers=_end_to_end(answer.headers), body=await answer.read())
        except (ClientError, TimeoutError) as error:
            return web.json_response({"error_code": 50001, "message": f"the registry is gone: {error}"}, status=500)

    app = web.Application(client_max_size=LARGEST)
    app.on_startup.append(connect)
    app.on_cleanup.append(disconnect)
    app.router.add_route("*", "/{path:.*}", pass_on)
    return app


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers that are not about one connection."""
    kept: CIMultiDict[str] = CIMultiDict(headers)
    for name in list(kept):
        if name.lower() in HOP_BY_HOP:
            kept.popall(name, None)
    return kept


async def _run(port: int, registry_port: int, health: str, turn: IO[str], command: list[str]) -> int:
    child = await asyncio.create_subprocess_exec(*command)
    ended = asyncio.create_task(child.wait())
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, _terminate, child)
    registry = f"http://{LOOPBACK}:{registry_port}"
    opening = asyncio.create_task(_ready(f"{health}/ready"))
    await asyncio.wait((ended, opening), timeout=START, return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        opening.cancel()
        if not ended.done():
            print(f"the registry is not ready after {START} s", file=sys.stderr)
            _terminate(child)
            await ended
            return 1
        return _code(await ended)
    turn.close()
    # before it is ready its storage counts as dead as well
    dead = asyncio.create_task(_dead(f"{health}/live"))
    runner = web.AppRunner(application(registry), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        print(f"Confluent's API is served on port {port}, by {registry}{API}", flush=True)
        await asyncio.wait((ended, dead), return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            print("the registry no longer reads its journal", file=sys.stderr)
            _terminate(child)
            await ended
            return 1
        return _code(await ended)
    finally:
        dead.cancel()
        _terminate(child)
        await runner.cleanup()


async def _ready(health: str) -> None:
    """Return when the registry says that it has read its storage; its API answers a little earlier."""
    async with ClientSession(timeout=ClientTimeout(total=5)) as client:
        while True:
            with suppress(ClientError, TimeoutError):
                async with client.get(health) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(ASK_AGAIN)


async def _dead(live: str) -> None:
    """Return when the registry says that its storage is dead; one that does not answer may be busy."""
    async with ClientSession(timeout=ClientTimeout(total=5)) as client:
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            with suppress(ClientError, TimeoutError, ValueError):
                async with client.get(live) as answer:
                    checks = (await answer.json(content_type=None)).get("checks") or []
                    if any(each.get("name") == STORAGE and each.get("status") == "DOWN" for each in checks):
                        return


def _terminate(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.terminate()


def _code(returned: int) -> int:
    """The exit code as a shell has it: a signal's number plus 128."""
    return returned if returned >= 0 else 128 - returned


if __name__ == "__main__":
    sys.exit(main())
