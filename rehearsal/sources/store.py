# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The life of the Git server: started, asked, emptied. Its folder says where it is and who may log in."""

from __future__ import annotations

import http.client
import secrets
import shutil
import sys
import time
from typing import NamedTuple

from rehearsal import ports
from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.paths import REPOSITORY, Paths
from rehearsal.sources import repository
from rehearsal.supervise import Program, Supervisor

PROGRAM = "git"  # under supervision, and of its port
HEALTH_PATH = "/healthz"
USERNAME = "flux"
SECONDS_TO_ANSWER = 10


class Login(NamedTuple):
    """The one account of the server."""

    username: str
    password: str


def start(paths: Paths, supervisor: Supervisor) -> bool:
    """Have it run and answer, with its repository; whether it had to be started."""
    repository.make(paths.git)
    port = ports.reserve_free(PROGRAM, paths, runs=lambda: supervisor.state(PROGRAM).runs)
    for name, value in login(paths)._asdict().items():
        _keep(paths, f"git/{name}", value)
    address = f"http://127.0.0.1:{port}"
    _keep(paths, "git/url", f"{address}/{repository.NAME}")
    _keep(paths, "charts/url", f"{address}/charts/")
    if not supervisor.ensure(_program(paths, port)):
        return False
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while not _answers(port):
        if time.monotonic() > deadline:
            raise RehearsalError(
                f"the Git server does not answer on port {port}: {supervisor.tail(PROGRAM, 1000).strip()}"
            )
        time.sleep(0.02)
    return True


def empty(paths: Paths, supervisor: Supervisor) -> None:
    """Remove all that was pushed; it is stopped then. Its account and address stay."""
    supervisor.remove(PROGRAM)
    shutil.rmtree(paths.git / repository.NAME, ignore_errors=True)


def url(paths: Paths) -> str:
    """The repository's address, known once the server was started."""
    try:
        return (paths.git / "url").read_text()
    except FileNotFoundError as error:
        raise RehearsalError("the rehearsal's Git server was never started: run make rehearsal-up") from error


def login(paths: Paths) -> Login:
    """Its account: the one that is kept, or a new one that nobody knows yet."""
    try:
        return Login(*((paths.git / name).read_text() for name in Login._fields))
    except FileNotFoundError:
        return Login(USERNAME, secrets.token_urlsafe(24))


def _keep(paths: Paths, name: str, value: str) -> None:
    file = paths.state / name
    if not file.is_file() or file.read_text() != value:
        write_atomically(file, value)


def _program(paths: Paths, port: int) -> Program:
    return Program(
        name=PROGRAM,
        command=[sys.executable, "-m", "rehearsal.sources.server", str(port)],
        environment={**paths.environment(), "PYTHONUNBUFFERED": "1"},
        directory=REPOSITORY,
    )


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", HEALTH_PATH)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
