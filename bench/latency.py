# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A slower way to the API server: Toxiproxy before it, holding back every answer for some milliseconds.

Answers on their way are delayed beside each other, so throughput is not limited; only the way back is delayed, so that
one request costs the latency once, and setting up a TLS connection costs it once more.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from rehearsal import ports
from rehearsal.paths import Paths

HOST = "127.0.0.1"


@contextmanager
def delayed(server: Path, target: tuple[str, int], milliseconds: int, paths: Paths) -> Iterator[tuple[str, int]]:
    """Run the Toxiproxy server; gives the address that answers `milliseconds` later than `target`."""
    control, listen = (ports.reserve_free(f"bench-toxiproxy-{part}", paths) for part in ("control", "listen"))
    log = paths.logs / "bench-toxiproxy.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [server, "-host", HOST, "-port", str(control)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "LOG_LEVEL": "warn"},
        )
    try:
        _configure(control, listen, target, milliseconds, process)
        yield HOST, listen
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configure(
    control: int, listen: int, target: tuple[str, int], milliseconds: int, process: subprocess.Popen[bytes]
) -> None:
    pool = urllib3.PoolManager(retries=False, timeout=5)

    def post(path: str, content: dict[str, Any]) -> None:
        answer = pool.request("POST", f"http://{HOST}:{control}{path}", body=json.dumps(content))
        if answer.status >= 300:
            raise RuntimeError(f"Toxiproxy refused {path}: {answer.data.decode(errors='replace')}")

    proxy = {"name": "api", "listen": f"{HOST}:{listen}", "upstream": f"{target[0]}:{target[1]}", "enabled": True}
    end = time.monotonic() + 10
    while True:
        try:
            post("/proxies", proxy)
            break
        except urllib3.exceptions.HTTPError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"Toxiproxy does not answer on port {control}: {error}") from error
            time.sleep(0.05)
    delay = {"type": "latency", "stream": "downstream", "attributes": {"latency": milliseconds, "jitter": 0}}
    post("/proxies/api/toxics", delay)
