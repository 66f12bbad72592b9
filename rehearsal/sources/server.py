# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The Git server and chart repository: `python -m rehearsal.sources.server PORT`, plain HTTP on 127.0.0.1.

`/synergyflow.git` asks for the user and password of the state folder, `/charts/` for nothing, as public ones do.
"""

from __future__ import annotations

import base64
import hmac
import re
import shutil
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO
from urllib.parse import urlsplit

from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths
from rehearsal.sources import http_backend, store
from rehearsal.sources.repository import NAME

REALM = 'Basic realm="rehearsal"'
CHARTS = re.compile(r"^/charts/([A-Za-z0-9][A-Za-z0-9.+-]*\.(?:tgz|yaml))$")
CHUNK = 64 * 1024


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Git's look at what there is, a chart, or whether this server lives."""
        path = urlsplit(self.path).path
        if path == store.HEALTH_PATH:
            self._say(HTTPStatus.OK)
        elif chart := CHARTS.match(path):
            self._send_file(chart[1])
        else:
            self._git()

    def do_POST(self) -> None:
        """Git's fetch and push."""
        self._git()

    def _git(self) -> None:
        url = urlsplit(self.path)
        if not url.path.startswith(f"/{NAME}/"):
            self._say(HTTPStatus.NOT_FOUND)
            return
        with http_backend.spool() as body:
            # read even when it is refused: a client that is still sending would see a broken connection
            length = self._read(body)
            user = self.server.user_of(self.headers.get("Authorization", ""))
            if user is None:
                self._say(HTTPStatus.UNAUTHORIZED, ("WWW-Authenticate", REALM))
                return
            body.seek(0)
            answer = http_backend.answer(
                self.server.paths.git,
                http_backend.Request(self.command, url.path, url.query, self.headers, user, body, length),
            )
        with answer.body:
            self._begin(answer.status, [*answer.headers, ("Content-Length", str(answer.length))])
            shutil.copyfileobj(answer.body, self.wfile, CHUNK)

    def _read(self, target: IO[bytes]) -> int:
        """Take the request's body, in one piece or in chunks; its length."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self._copy(target, int(self.headers.get("Content-Length") or 0))
        length = 0
        while size := int(self.rfile.readline().split(b";")[0], 16):
            length += self._copy(target, size)
            self.rfile.readline()  # the end of the chunk
        while self.rfile.readline().strip():
            pass  # trailers
        return length

    def _copy(self, target: IO[bytes], size: int) -> int:
        left = size
        while left:
            piece = self.rfile.read(min(left, CHUNK))
            if not piece:
                raise ConnectionError("the client went away")
            target.write(piece)
            left -= len(piece)
        return size

    def _send_file(self, name: str) -> None:
        try:
            content = (self.server.paths.charts / name).read_bytes()
        except FileNotFoundError:
            self._say(HTTPStatus.NOT_FOUND)
            return
        kind = "application/yaml" if name.endswith(".yaml") else "application/gzip"
        self._begin(HTTPStatus.OK, [("Content-Type", kind), ("Content-Length", str(len(content)))])
        self.wfile.write(content)

    def _say(self, status: HTTPStatus, *headers: tuple[str, str]) -> None:
        self._begin(status, [*headers, ("Content-Length", "0")])

    def _begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """One line a request, without the asking whether it lives."""
        if urlsplit(getattr(self, "path", "")).path != store.HEALTH_PATH:
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    """Serves one rehearsal's repository and charts."""

    daemon_threads = True

    def __init__(self, port: int, paths: Paths) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.paths = paths
        self._login = store.login(paths)

    def user_of(self, authorization: str) -> str | None:
        """Who is logged in by this header; None for nobody."""
        scheme, _, value = authorization.partition(" ")
        try:
            given = base64.b64decode(value, validate=True)
        except ValueError:
            return None
        expected = f"{self._login.username}:{self._login.password}".encode()
        return self._login.username if scheme.lower() == "basic" and hmac.compare_digest(given, expected) else None


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM."""
    try:
        server = Server(int(arguments[0]), Paths.from_environment())
    except (OSError, RehearsalError) as error:
        print(f"cannot serve: {error}", file=sys.stderr)
        return 1
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
