# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schema registry in a thread of the test, for what Confluent's own server says: that one cannot be had as a package.

Its answers are those that Confluent's documentation and source (7.8.0) give, and with `apicurio=True` those recorded
from Apicurio 3.3.3, where the two differ. What makes schemas compatible is only as true as the tests need it: a field
must keep its type, and a new field must have a default.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Refusal(Exception):  # noqa: N818
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass
class Subject:
    versions: dict[int, dict[str, Any]] = field(default_factory=dict)
    deleted: bool = False


@dataclass
class FakeRegistry:
    """State, and switches for what goes wrong."""

    apicurio: bool = False
    path: str = ""
    level: str = "BACKWARD"
    login: tuple[str, str] | None = None
    #: called with method and path before each answer: may raise a Refusal
    before: Callable[[str, str], None] = lambda method, path: None
    types: list[str] = field(default_factory=lambda: ["JSON", "PROTOBUF", "AVRO"])
    subjects: dict[str, Subject] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ids: int = 0

    @property
    def writes(self) -> list[str]:
        """Requests that have changed something."""
        return [
            each
            for each in self.asked
            if not each.startswith(("GET", "POST /compatibility"))
            and (not each.startswith("POST") or each.endswith("/versions"))
        ]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:  # noqa: PLR0911
        self.asked.append(f"{method} {path}")
        self.before(method, path)
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match parts:
            case ["subjects"]:
                return [name for name, it in self.subjects.items() if not it.deleted or "deleted" in query]
            case ["schemas", "types"]:
                return self.types
            case ["config"]:
                return {"compatibilityLevel": self.level}
            case ["config", name]:
                return self._config(method, name, body)
            case ["subjects", name] if method == "POST":
                return self._lookup(name, body)
            case ["subjects", name] if method == "DELETE":
                return self._delete(name, "permanent" in query)
            case ["subjects", name, "versions"] if method == "GET":
                return list(self._found(name, "deleted" in query).versions)
            case ["subjects", name, "versions"]:
                return self._register(name, body)
            case ["subjects", name, "versions", number]:
                return self._read(name, number)
            case ["compatibility", "subjects", name, "versions"]:
                return self._compatible(name, body)
        raise Refusal(404, 0, "HTTP 404 Not Found")

    def _found(self, name: str, deleted: bool = False) -> Subject:
        found = self.subjects.get(name)
        if found is None or (found.deleted and not deleted):
            raise Refusal(404, 40401, f"Subject '{name}' not found.")
        return found

    def _config(self, method: str, name: str, body: Any) -> Any:
        if method == "PUT":
            if self.apicurio:
                self._found(name)
            self.levels[name] = body["compatibility"]
            return body
        if self.apicurio:
            self._found(name)
            return {"compatibilityLevel": self.levels.get(name, self.level)}
        if name not in self.levels:
            raise Refusal(404, 40408, f"Subject '{name}' does not have subject-level compatibility configured")
        return {"compatibilityLevel": self.levels.pop(name) if method == "DELETE" else self.levels[name]}

    def _lookup(self, name: str, body: Any) -> Any:
        for found in self._found(name).versions.values():
            if normal(found) == normal(body):
                return found
        raise Refusal(404, 40403, "Schema not found")

    def _register(self, name: str, body: Any) -> Any:
        try:
            return {"id": self._lookup(name, body)["id"]}
        except Refusal:
            pass
        against = self._against(name, body)
        if against:
            raise Refusal(409, 409, f"Schema being registered is incompatible with an earlier schema: {against}")
        self.ids += 1
        subject = self.subjects.setdefault(name, Subject())
        subject.deleted = False
        version = len(subject.versions) + 1
        subject.versions[version] = {"subject": name, "version": version, "id": self.ids, **body}
        return {"id": self.ids}

    def _read(self, name: str, number: str) -> Any:
        versions = self._found(name).versions
        wanted = max(versions) if number == "latest" else int(number)
        if wanted not in versions:
            raise Refusal(404, 40402, f"Version {wanted} not found.")
        return versions[wanted]

    def _compatible(self, name: str, body: Any) -> Any:
        if self.apicurio:
            self._found(name)
            return {"is_compatible": not self._against(name, body)}
        against = self._against(name, body)
        return {"is_compatible": not against, "messages": [against] if against else []}

    def _against(self, name: str, body: Any) -> str:
        if body.get("schemaType", "AVRO") != "AVRO":
            return ""
        try:
            new = json.loads(body["schema"])
        except ValueError as error:
            raise Refusal(422, 42201, "Either the input schema or one its references is invalid") from error
        subject = self.subjects.get(name)
        if self.levels.get(name, self.level) == "NONE" or subject is None or not subject.versions:
            return ""
        old = {each["name"]: each for each in json.loads(subject.versions[max(subject.versions)]["schema"])["fields"]}
        for each in new["fields"]:
            if each["name"] not in old and "default" not in each:
                return f"READER_FIELD_MISSING_DEFAULT_VALUE: {each['name']}"
            if each["name"] in old and old[each["name"]]["type"] != each["type"]:
                return f"TYPE_MISMATCH: {each['name']}"
        return ""

    def _delete(self, name: str, permanent: bool) -> Any:
        found = self._found(name, deleted=permanent)
        if permanent:
            if not found.deleted:
                raise Refusal(409 if self.apicurio else 404, 40405, f"Subject '{name}' was not deleted first")
            del self.subjects[name]
        found.deleted = True
        return list(found.versions)


def normal(body: dict[str, Any]) -> Any:
    """What makes two schemas the same."""
    kind = body.get("schemaType", "AVRO")
    text = body["schema"]
    return kind, json.loads(text) if kind != "PROTOBUF" else text.split(), body.get("references") or []


@contextmanager
def serving(registry: FakeRegistry) -> Iterator[str]:
    """The registry's base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            try:
                if registry.login and self.headers.get("Authorization") is None:
                    self._send(401, b"Unauthorized")
                    return
                if not parts.path.startswith(registry.path):
                    self._send(404, b"<html>not here</html>")
                    return
                path = parts.path.removeprefix(registry.path)
                said = registry.answer(self.command, path, query, json.loads(text) if text else None)
                self._send(200, json.dumps(said).encode())
            except Refusal as refusal:
                body = {"error_code": refusal.code, "message": str(refusal)}
                self._send(refusal.status, json.dumps(body).encode())

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815

        def log_message(self, *_args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{registry.path}"
        finally:
            server.shutdown()
