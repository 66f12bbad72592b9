# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Confluent's paths in front of a program that serves them elsewhere."""

from __future__ import annotations

import fcntl
import json
import select
import socket
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal import confluent_paths

ROOT = Path(__file__).resolve().parents[3]
#: answers with what it was asked; unready at first, and ends by itself when it is told to
REGISTRY = """
import http.server, json, os, sys, threading
asked = 0
alive = True
class Handler(http.server.BaseHTTPRequestHandler):
    def _any(self):
        global asked, alive
        asked += 1
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path == "/health/ready":
            code, said = (503 if asked < 3 else 200), {}
        elif self.path == "/health/live":
            status = "UP" if alive else "DOWN"
            code, said = (200 if alive else 503), {"checks": [{"name": "StorageLivenessCheck", "status": status}]}
        elif self.path.endswith("/lose"):
            code, said, alive = 200, {}, False
        elif self.path.endswith("/die"):
            os._exit(7)
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            code, said = 409 if "refuse" in self.path else 200, {"path": self.path, "text": text, "headers": headers}
        content = json.dumps(said).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/x-test")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    do_GET = do_POST = do_PUT = do_DELETE = _any
    def log_message(self, *args): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def start(command: list[str], port: int, registry: int, lock: Path) -> subprocess.Popen[str]:
    health = f"http://127.0.0.1:{registry}/health"
    front = ["--port", str(port), "--registry", str(registry), "--health", health, "--one-by-one", str(lock)]
    return subprocess.Popen(
        [sys.executable, "-m", "rehearsal.confluent_paths", *front, "--", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def free() -> int:
    """A port that the system gives to nobody else for a while: tests run side by side."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def front(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    script = tmp_path / "registry.py"
    script.write_text(textwrap.dedent(REGISTRY))
    registry, port = free(), free()
    process = start([sys.executable, str(script), str(registry)], port, registry, tmp_path / "lock")
    try:
        assert process.stdout is not None
        assert "Confluent's API is served" in process.stdout.readline()
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def ask(url: str, method: str = "GET", content: bytes | None = None, **headers: str) -> dict:
    request = urllib.request.Request(url, content, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Type"] == "application/x-test"
        return json.loads(answer.read())


def test_everything_is_passed_on_under_the_registrys_path(front) -> None:
    _process, url = front
    assert ask(f"{url}/subjects?deleted=true")["path"] == f"{confluent_paths.API}/subjects?deleted=true"
    encoded = ask(f"{url}/subjects/a%2Fb/versions", "POST", b'{"schema": 1}', Authorization="Basic x")
    assert encoded["path"] == f"{confluent_paths.API}/subjects/a%2Fb/versions"
    assert encoded["text"] == '{"schema": 1}'
    assert encoded["headers"]["authorization"] == "Basic x"
    # urllib's own; nothing that would have the answer packed
    assert encoded["headers"]["accept-encoding"] == "identity"
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(f"{url}/refuse")
    assert refused.value.code == 409


def test_it_ends_as_the_registry_ends(front) -> None:
    process, url = front
    with pytest.raises(urllib.error.HTTPError) as gone:
        ask(f"{url}/die")
    assert json.loads(gone.value.read())["error_code"] == 50001
    assert process.wait(60) == 7


def test_one_that_no_longer_reads_its_journal_is_ended(front) -> None:
    process, url = front
    ask(f"{url}/lose")
    assert process.wait(60) == 1
    with pytest.raises(OSError, match="refused"):
        ask(url)


def test_sigterm_ends_both(front) -> None:
    process, url = front
    process.terminate()
    assert process.wait(60) == 128 + 15
    with pytest.raises(OSError, match="refused"):
        ask(url)


def test_the_next_one_starts_when_this_one_is_ready(tmp_path: Path) -> None:
    lock, child = tmp_path / "lock", [sys.executable, "-c", "print('started')"]
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = start(child, free(), 1, lock)
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 2)[0] == []
    assert process.stdout.readline() == "started\n"
    process.communicate(timeout=120)


def test_a_registry_that_is_ready_lets_the_next_one_start(front, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as free_now:
        fcntl.flock(free_now, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_registry_that_cannot_start_is_not_waited_for(tmp_path: Path) -> None:
    process = start(
        [sys.executable, "-c", "import sys; print('log-in refused'); sys.exit(1)"], free(), 1, tmp_path / "lock"
    )
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "log-in refused" in said
    assert "served" not in said
