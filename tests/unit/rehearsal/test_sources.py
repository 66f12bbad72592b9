# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The Git server and chart repository, asked by Git itself."""

from __future__ import annotations

import http.client
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.paths import Paths
from rehearsal.sources import repository, store
from rehearsal.sources.server import Server


class Client:
    """Git, against a server on this machine."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.port = server.server_address[1]
        self.folder = folder
        self.login = store.login(server.paths)

    def url(self, password: str | None = None) -> str:
        return f"http://{self.login.username}:{password or self.login.password}@127.0.0.1:{self.port}/{repository.NAME}"

    def git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**repository.environment(), "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
        )

    def status(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        return connection.getresponse().status


@pytest.fixture
def client(paths: Paths, tmp_path: Path) -> Iterator[Client]:
    repository.make(paths.git)
    for name, value in store.login(paths)._asdict().items():
        write_atomically(paths.git / name, value)
    server = Server(0, paths)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Client(server, tmp_path)
    finally:
        server.shutdown()
        server.server_close()


def test_a_large_push_arrives_and_none_that_is_no_fast_forward(client: Client) -> None:
    client.git("clone", "-q", client.url(), "clone")
    client.folder /= "clone"
    # not compressible: sent in chunks
    (client.folder / "large").write_bytes(bytes((i * i >> 3) % 251 for i in range(1_500_000)))
    client.git("add", "large")
    client.git("commit", "-qm", "large")
    client.git("-c", "http.postBuffer=65536", "push", "-q")
    head = client.git("rev-parse", "HEAD").stdout.split()[0]
    assert client.git("ls-remote", client.url(), "refs/heads/main").stdout.startswith(head)
    client.git("commit", "-q", "--amend", "-m", "another")
    refused = client.git("push", "--force", check=False)
    assert refused.returncode
    assert "non-fast-forward" in refused.stderr
    assert client.git("ls-remote", client.url(), "refs/heads/main").stdout.startswith(head)


def test_nobody_gets_in_with_another_password(client: Client) -> None:
    refused = client.git("ls-remote", client.url("wrong"), check=False)
    assert "Authentication failed" in refused.stderr
    assert client.status(f"/{repository.NAME}/info/refs?service=git-upload-pack") == 401
    assert client.status(f"/{repository.NAME}/config") == 401


def test_charts_are_open_and_nothing_else_is(client: Client, paths: Paths) -> None:
    write_atomically(paths.charts / "index.yaml", "entries: {}\n")
    assert client.status("/charts/index.yaml") == 200
    assert client.status("/charts/missing-1.0.0.tgz") == 404
    assert client.status("/charts/../git/password") == 404
    assert client.status("/charts/url") == 404
    assert client.status("/") == 404


def test_the_repository_is_made_once(paths: Paths) -> None:
    repository.make(paths.git)
    before = (paths.git / repository.NAME / "refs/heads/main").read_text()
    repository.make(paths.git)
    assert (paths.git / repository.NAME / "refs/heads/main").read_text() == before
    assert [each.name for each in paths.git.iterdir()] == [repository.NAME]


def test_a_login_that_is_kept_is_used_again(paths: Paths) -> None:
    first = store.login(paths)
    assert first != store.login(paths)  # nobody keeps it yet
    for name, value in first._asdict().items():
        write_atomically(paths.git / name, value)
    assert store.login(paths) == first


def test_a_server_that_never_ran_has_no_address(paths: Paths) -> None:
    with pytest.raises(RehearsalError, match="never started: run make rehearsal-up"):
        store.url(paths)
