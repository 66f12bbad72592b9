# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The S3 store of the rehearsal: versitygw on a folder, outside the clusters as a production store is.

Plain HTTP on 127.0.0.1. Wrong keys are refused; it has no lifecycle rules and ignores the header for encryption.
"""

from __future__ import annotations

import http.client
import secrets
import shutil
import time
from typing import NamedTuple

from rehearsal import ports, programs
from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.paths import Paths
from rehearsal.supervise import Program, Supervisor

PROGRAM = "s3"  # under supervision, and of its port
BUCKET = "synergyflow-backups"
REGION = "us-east-1"
SECONDS_TO_ANSWER = 10


class Keys(NamedTuple):
    """The one account of the store."""

    access_key: str
    secret_key: str


def start(paths: Paths, supervisor: Supervisor) -> bool:
    """Have it run and answer; whether it had to be started."""
    paths.s3.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = ports.reserve_free(PROGRAM, paths, runs=lambda: supervisor.state(PROGRAM).runs)
    for name, value in zip(Keys._fields, keys(paths), strict=True):
        if not (paths.s3 / name).is_file():
            write_atomically(paths.s3 / name, value)
    address = f"http://127.0.0.1:{port}"
    if not (paths.s3 / "endpoint").is_file() or endpoint(paths) != address:
        write_atomically(paths.s3 / "endpoint", address)
    # a folder is a bucket; what is known of objects lies beside them, as not every file system has user attributes
    for folder in (paths.s3 / "data" / BUCKET, paths.s3 / "metadata", paths.s3 / "accounts"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not supervisor.ensure(_program(paths, port)):
        return False
    _wait(port, supervisor)
    return True


def empty(paths: Paths, supervisor: Supervisor) -> None:
    """Remove all objects; it is stopped then. Its keys and address stay."""
    supervisor.remove(PROGRAM)
    for name in ("data", "metadata", "accounts"):
        shutil.rmtree(paths.s3 / name, ignore_errors=True)


def endpoint(paths: Paths) -> str:
    """The store's address, known once it was started."""
    try:
        return (paths.s3 / "endpoint").read_text()
    except FileNotFoundError as error:
        raise RehearsalError("the rehearsal's S3 store was never started: run make rehearsal-up") from error


def keys(paths: Paths) -> Keys:
    """Its keys: those that are kept, or new ones that nobody knows yet."""
    try:
        return Keys(*((paths.s3 / name).read_text() for name in Keys._fields))
    except FileNotFoundError:
        return Keys(secrets.token_hex(10).upper(), secrets.token_urlsafe(30))


def _program(paths: Paths, port: int) -> Program:
    access_key, secret_key = keys(paths)
    return Program(
        name=PROGRAM,
        command=[
            *(str(programs.binary("versitygw", paths)), "--quiet", "--port", f"127.0.0.1:{port}", "--region", REGION),
            *("--health", "/healthz", "--iam-dir", str(paths.s3 / "accounts")),
            *("posix", "--sidecar", str(paths.s3 / "metadata"), str(paths.s3 / "data")),
        ],
        environment={"ROOT_ACCESS_KEY": access_key, "ROOT_SECRET_KEY": secret_key},
    )


def _wait(port: int, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while not _answers(port):
        if time.monotonic() > deadline:
            raise RehearsalError(
                f"the S3 store does not answer on port {port}: {supervisor.tail(PROGRAM, 1000).strip()}"
            )
        time.sleep(0.02)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
