# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Git's own program for its smart HTTP, run for one request as a web server would: a CGI program.

Python's handler for CGI fails on pushes that come in pieces, and servers written in Python lack parts of the protocol.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import IO

from rehearsal.sources.repository import environment


@dataclass(frozen=True)
class Request:
    """What the program needs of a request; `path` is below the folder of repositories, `body` is to be read."""

    method: str
    path: str
    query: str
    headers: Message  # finds a header however it is spelt
    user: str
    body: IO[bytes]
    length: int


@dataclass(frozen=True)
class Answer:
    """What the program says; `body` is to be read, and closed."""

    status: int
    headers: list[tuple[str, str]]
    body: IO[bytes]
    length: int


def spool() -> IO[bytes]:
    """A file for a body, on disk however small: a program reads it by its descriptor."""
    return tempfile.TemporaryFile()


def answer(folder: Path, request: Request) -> Answer:
    """Run `git http-backend` on the repositories of the folder."""
    output = spool()
    done = subprocess.run(
        ["git", "http-backend"],
        env={
            **environment(),
            "GIT_PROJECT_ROOT": str(folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(request.length),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "REMOTE_USER": request.user,
            "REMOTE_ADDR": "127.0.0.1",
        },
        stdin=request.body,
        stdout=output,
        check=False,
    )
    size = output.seek(0, 2)
    output.seek(0)
    headers = []
    status = 200
    block = b""
    while (line := output.readline()).strip():
        block += line
    for name, value in BytesParser().parsebytes(block).items():
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name, value))
    if done.returncode and not headers:
        status = 500
    return Answer(status, headers, output, size - output.tell())
