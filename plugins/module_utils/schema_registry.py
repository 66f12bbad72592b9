# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that speaks the REST API of Confluent's Schema Registry: Confluent's own, Apicurio's and the like.

Where they differ, the answer of either is understood: a compatibility level that a subject does not have is a 404 with
40408 or 40401, or the default; a refusal with 409 tells why in `message`, the compatibility endpoint in `messages` or
not at all. Upstream: core/src/main/java/io/confluent/kafka/schemaregistry/rest in confluentinc/schema-registry (7.8),
and app/src/main/java/io/apicurio/registry/ccompat/rest in Apicurio/apicurio-registry (3.3).

Nothing of Ansible is imported here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .api import Deadline
from .errors import ClusterError
from .http_client import HttpClient, NoAnswerError

LEVELS = ("NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE")
TYPES = ("AVRO", "PROTOBUF", "JSON")
CONTENT = "application/vnd.schemaregistry.v1+json"
#: seconds one request may take
REQUEST_TIMEOUT = 30.0
UNAUTHORIZED, NOT_FOUND, INCOMPATIBLE, UNPROCESSABLE = (401, 403), 404, 409, 422
NO_SUBJECT, NO_VERSION, NO_SCHEMA = 40401, 40402, 40403
INVALID_SCHEMA, NOT_PERMITTED, REFERENCED = 42201, 42205, 42206
#: what to do about an error of this code, beside what the registry says
HINTS = {
    NOT_PERMITTED: "the registry, or the subject, is in a mode that takes no writes: see GET /mode",
    REFERENCED: "other subjects refer to it: remove those first",
    50001: "the registry cannot use its topic in Kafka: look at its log and at Kafka",
    50002: "the registry's write to Kafka took too long: look at Kafka",
    50003: "the replica could not pass the write on to the leader: can the replicas reach one another?",
    50004: "the replicas have no leader: look at their log and at the ACLs of their consumer group",
}


class RegistryError(ClusterError):
    """An answer that is not a success, or none. `status` is HTTP's and 0 without an answer, `code` the registry's."""

    def __init__(self, sentence: str, status: int = 0, code: int = 0, message: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.message = message


class NotAskedError(RegistryError):
    """The time was up before the registry could be asked."""


@dataclass(frozen=True)
class Schema:
    """A schema as it is registered: its text, its type, and the schemas of other subjects that it refers to."""

    text: str
    kind: str = "AVRO"
    references: Sequence[Mapping[str, Any]] = ()

    def body(self) -> dict[str, Any]:
        """As the API takes it. AVRO is the default, and older servers know no other."""
        body: dict[str, Any] = {"schema": self.text}
        if self.kind != "AVRO":
            body["schemaType"] = self.kind
        if self.references:
            body["references"] = [dict(reference) for reference in self.references]
        return body


@dataclass(frozen=True)
class Verdict:
    """Whether a schema goes with the versions there are, and what the registry says against it (often nothing)."""

    compatible: bool
    messages: list[str] = field(default_factory=list)


class Registry(HttpClient):
    """One registry; `options` are those of HttpClient."""

    def __init__(self, url: str, deadline: Deadline, **options: Any) -> None:
        super().__init__(url, **options)
        self._deadline = deadline
        self._session.headers.update({"Accept": f"{CONTENT}, application/json", "Content-Type": CONTENT})

    def renew(self, deadline: Deadline) -> None:
        """Go on until another deadline: what was made is to be removed also when the first one has passed."""
        self._deadline = deadline

    # --- what there is

    def subjects(self, deleted: bool = False) -> list[str]:
        """Names of all subjects, on request the softly deleted ones too."""
        return list(self.ask("GET", "/subjects", **_deleted(deleted)))

    def types(self) -> list[str]:
        """The types of schema that it takes."""
        return [str(kind) for kind in self.ask("GET", "/schemas/types")]

    def versions(self, subject: str, deleted: bool = False) -> list[int]:
        """The versions of a subject, none when it is not there; on request the softly deleted ones too."""
        try:
            return [int(each) for each in self.ask("GET", f"{_subject(subject)}/versions", **_deleted(deleted))]
        except RegistryError as error:
            if error.status != NOT_FOUND:
                raise
            return []

    def read(self, subject: str, version: int | str) -> dict[str, Any]:
        """One version: `subject`, `version`, `id`, `schema`, and `schemaType` and `references` where there are any."""
        return dict(self.ask("GET", f"{_subject(subject)}/versions/{version}"))

    def lookup(self, subject: str, schema: Schema, normalize: bool = True) -> dict[str, Any] | None:
        """The version of the subject that is this schema; None when there is none."""
        try:
            return dict(self.ask("POST", _subject(subject), schema.body(), normalize=str(normalize).lower()))
        except RegistryError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    def level(self, subject: str | None = None) -> str | None:
        """The default compatibility level, or the subject's own: None when it has none (some tell the default then)."""
        try:
            answer = self.ask("GET", f"/config/{quote(subject, safe='')}" if subject else "/config")
        except RegistryError as error:
            if error.status != NOT_FOUND or subject is None:
                raise
            return None
        return str(answer.get("compatibilityLevel") or answer.get("compatibility"))

    def level_that_counts(self, subject: str) -> str:
        """The level that a new version of the subject is held to: its own, else the default."""
        try:
            answer = self.ask("GET", f"/config/{quote(subject, safe='')}", defaultToGlobal="true")
        except RegistryError as error:
            if error.status != NOT_FOUND:
                raise
            return str(self.level())
        return str(answer.get("compatibilityLevel") or answer.get("compatibility"))

    def compatible(self, subject: str, schema: Schema, normalize: bool = True) -> Verdict:
        """Whether registering the schema would be refused, by the level and the versions that count for it."""
        query = {"verbose": "true", "normalize": str(normalize).lower()}
        try:
            answer = self.ask("POST", f"/compatibility{_subject(subject)}/versions", schema.body(), **query)
        except RegistryError as error:
            if error.status == NOT_FOUND and error.code in (NO_SUBJECT, NO_VERSION):
                return Verdict(True)  # nothing to be compatible with
            raise
        return Verdict(bool(answer["is_compatible"]), [str(each) for each in answer.get("messages") or []])

    # --- what changes it

    def register(self, subject: str, schema: Schema, normalize: bool = True) -> int:
        """The id of the schema, registered under the subject. RegistryError with status 409 when it is incompatible."""
        path = f"{_subject(subject)}/versions"
        return int(self.ask("POST", path, schema.body(), normalize=str(normalize).lower())["id"])

    def set_level(self, subject: str, level: str) -> None:
        """Give the subject a compatibility level of its own."""
        self.ask("PUT", f"/config/{quote(subject, safe='')}", {"compatibility": level})

    def reset_level(self, subject: str) -> None:
        """Let the default level count for the subject again."""
        try:
            self.ask("DELETE", f"/config/{quote(subject, safe='')}")
        except RegistryError as error:
            if error.status != NOT_FOUND:
                raise

    def remove(self, subject: str) -> str:
        """Delete the subject for good, if it is there; why it remains, and nothing when it is gone."""
        for permanent in (False, True):
            try:
                self.delete(subject, permanent)
            except RegistryError as error:
                if error.status != NOT_FOUND:
                    return f"subject {subject}: {error}"
        return ""

    def delete(self, subject: str, permanent: bool = False) -> list[int]:
        """Delete the subject: softly, so that its ids still lead to schemas, or, after that, for good."""
        return list(self.ask("DELETE", _subject(subject), **({"permanent": "true"} if permanent else {})))

    # --- one request

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: str) -> Any:
        """The answer's JSON. RegistryError for every other answer, and for none."""
        left = self._deadline.left
        if left <= 0:
            raise NotAskedError(f"the registry was not asked for {method} {path}: the time is up.")
        data = None if body is None else json.dumps(body)
        try:
            answer = self._send(method, path, min(REQUEST_TIMEOUT, left), params=query, data=data)
        except NoAnswerError as error:
            raise RegistryError(f"the registry, {self._name}, does not answer: {error}.") from error
        try:
            content = answer.json()
        except ValueError:
            content = None
        if answer.status_code == 200 and content is not None:
            return content
        raise _refused(f"{method} {path}", self._name, answer, content)


def _deleted(deleted: bool) -> dict[str, str]:
    return {"deleted": "true"} if deleted else {}


def _subject(subject: str) -> str:
    return f"/subjects/{quote(subject, safe='')}"


def _refused(what: str, name: str, answer: Any, content: Any) -> RegistryError:
    """What the registry said, and what may be done about it."""
    status = int(answer.status_code)
    if not isinstance(content, Mapping) or "error_code" not in content:
        if status in UNAUTHORIZED:
            return RegistryError(f"the registry, {name}, refuses the log-in (HTTP {status}).", status)
        where = " Is its path right (Apicurio's is /apis/ccompat/v7)?" if status in (200, 301, 302, 404) else ""
        return RegistryError(f"no registry answers {what}, {name}: HTTP {status}.{where}", status)
    code, message = int(content["error_code"] or 0), " ".join(str(content.get("message") or "").split())
    number = f"HTTP {status}" if code in (0, status) else f"HTTP {status}, {code}"
    hint = f"; {HINTS[code]}" if code in HINTS else ""
    return RegistryError(f"the registry refuses {what} ({number}): {message}{hint}.", status, code, message)
