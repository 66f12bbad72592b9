# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests with a deadline: retries, back-off, several in flight, and errors as sentences."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from . import discovery
from .connection import Answer, Connection
from .errors import ClusterError, UnreachableError
from .masking import Masker

#: a proxy's or the server's passing weakness: asked again until the deadline
PASSING = (429, 500, 502, 503, 504)
NEVER_PASSES = (b"failed to create typed", b"not declared in schema", b"failed to create manager for existing fields")
#: seconds one request may take before it counts as lost
REQUEST_TIMEOUT = 30.0
#: seconds a server may stay silent from the very first request on, before it counts as not there
FIRST_CONTACT = 5.0
#: seconds after the deadline in which a first attempt is still made: to see how things stand at the end
LAST_LOOK = 5.0
PAGE = 500

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
#: of a list, without what is in its objects
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

Item = TypeVar("Item")
Result = TypeVar("Result")


class Deadline:
    """One point in time for a whole task."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self.started = clock()

    @property
    def spent(self) -> float:
        return self._clock() - self.started

    @property
    def left(self) -> float:
        return self.seconds - self.spent

    @property
    def passed(self) -> bool:
        return self.left <= 0


class ApiError(ClusterError):
    """The server answered, and the answer was no. `status` is the Status object it sent."""

    def __init__(self, message: str, code: int, status: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    @property
    def reason(self) -> str:
        return self.status.get("reason") or ""

    @property
    def text(self) -> str:
        """The server's own words."""
        return self.status.get("message") or f"HTTP {self.code}"

    @property
    def causes(self) -> list[Mapping[str, Any]]:
        return (self.status.get("details") or {}).get("causes") or []


class BatchStoppedError(Exception):
    """Another request of the same batch failed for good: this one is not worth sending."""


def _query(parameters: Mapping[str, Any]) -> str:
    pairs = [f"{name}={quote(str(value), safe='')}" for name, value in parameters.items() if value not in (None, "")]
    return f"?{'&'.join(pairs)}" if pairs else ""


@dataclass
class Api:
    """One task's conversation with the API server."""

    connection: Connection
    deadline: Deadline
    concurrency: int = 8
    masker: Masker = field(default_factory=Masker)
    #: requests sent, retries included
    requests: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _discovering: threading.Lock = field(default_factory=threading.Lock)
    _stopped: bool = False
    _contact: bool = False
    _served: discovery.Served | None = None

    def __post_init__(self) -> None:
        self.masker.always(self.connection.secrets)

    # -- one request

    def within(self, seconds: float) -> Api:
        """The same connection with a deadline of its own."""
        api = Api(self.connection, Deadline(seconds), self.concurrency, self.masker)
        api._served = self._served
        return api

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        expect: Iterable[int] = (),
        about: str = "",
    ) -> Answer:
        """Send until there is an answer that will not change by itself, or the deadline has passed.

        Answers outside 200 to 299 raise ApiError unless their code is in `expect`. `about` names the object in errors.
        """
        payload = body if isinstance(body, (bytes, type(None))) else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Accept": accept}
        if payload is not None:
            headers["Content-Type"] = content_type
        url = path + _query(query or {})
        attempt = 0
        while True:
            if self._stopped:
                raise BatchStoppedError
            if attempt == 0 and self.deadline.left < -LAST_LOOK:
                raise ClusterError(f"{about or path}: not asked, the {self.deadline.seconds:g} s of timeout are over.")
            failure: ClusterError
            pause: float | None = None
            try:
                with self._counting:
                    self.requests += 1
                limit = min(REQUEST_TIMEOUT if self._contact else 4 * FIRST_CONTACT, max(self.deadline.left, 1.0))
                answer = self.connection.request(method, url, payload, headers, limit)
            except UnreachableError as error:
                failure = UnreachableError(f"The API server {self.connection.host} cannot be reached: {error}.")
                if not self._contact and (self.deadline.spent > FIRST_CONTACT or "certificate" in str(error)):
                    raise self._unreachable(str(error)) from error
            else:
                self._contact = True
                if 200 <= answer.status < 300 or answer.status in expect:
                    return answer
                failure = self.error(answer, about)
                if not self._passing(answer):
                    raise failure
                after = answer.headers.get("Retry-After") or ""
                pause = float(after) if after.isdigit() else None
            attempt += 1
            if pause is None:
                # full jitter: requests that failed together do not come back together
                pause = random.uniform(0.05, min(5.0, 0.1 * 2**attempt))
            if pause >= self.deadline.left:
                if isinstance(failure, UnreachableError) and not self._contact:
                    raise self._unreachable(str(failure))
                raise ClusterError(
                    f"No success within {self.deadline.seconds:g} s and {attempt} attempts"
                    f"{f' for {about}' if about else ''}; the last answer: {failure}"
                ) from failure
            time.sleep(pause)

    def _unreachable(self, reason: str) -> UnreachableError:
        reason = reason.removeprefix(f"The API server {self.connection.host} cannot be reached: ").rstrip(".")
        return UnreachableError(
            f"The API server {self.connection.host} cannot be reached: {reason}."
            " Check that the cluster runs and that kubeconfig and context name the right one."
        )

    @staticmethod
    def _passing(answer: Answer) -> bool:
        if answer.status != 500:
            return answer.status in PASSING
        # server-side apply answers 500 for some objects that no retry will mend (kubernetes/kubernetes#124212)
        return not any(sign in answer.body for sign in NEVER_PASSES)

    def error(self, answer: Answer, about: str = "") -> ApiError:
        """The sentence for a refusal, nothing secret in it."""
        try:
            status = json.loads(answer.body)
        except ValueError:
            status = {}
        if not isinstance(status, dict) or status.get("kind") != "Status":
            text = answer.body[:200].decode(errors="replace").strip()
            status = {"message": text or f"HTTP {answer.status}", "reason": ""}
        status = self.masker.clean(status)
        return ApiError(refusal(answer.status, status, about, self.connection.host), answer.status, status)

    def json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return self.document(self.call(method, path, **more))

    def document(self, answer: Answer) -> dict[str, Any]:
        """The object in an answer. A proxy's log-in page or another program answers 200 too, but with none."""
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ClusterError(f"{self.connection.host} answers, but not like an API server: check host and context.")
        return found

    # -- objects

    def wait_ready(self) -> None:
        """Until the server calls itself ready; who may not ask goes on.

        One that has just started tells of its own kinds before it tells of those of definitions: objects of these would
        look as if they were gone.
        """
        self.call("GET", "/readyz", accept="*/*", expect=(401, 403, 404), about="the readiness of the API server")

    def discover(self, again: bool = False) -> discovery.Served:
        """What the server serves; asked once (two requests)."""
        with self._discovering:  # of several that find nothing yet, one asks
            if self._served is None or again:
                self._served = discovery.discover(lambda path, accept: self.json("GET", path, accept=accept))
            return self._served

    def get(self, resource: discovery.Resource, namespace: str, name: str) -> dict[str, Any] | None:
        """The object, or None when there is none."""
        about = f"{resource.kind} {namespace + '/' if namespace else ''}{name}"
        answer = self.call("GET", resource.path(namespace, name), expect=(404,), about=about)
        return None if answer.status == 404 else self.document(answer)

    def list(
        self,
        resource: discovery.Resource,
        namespace: str = "",
        *,
        selector: str = "",
        fields: str = "",
        accept: str = JSON,
        key: str = "items",
    ) -> list[dict[str, Any]]:
        """All objects of a kind, page by page. An empty namespace means all of them."""
        items: list[dict[str, Any]] = []
        token = ""
        where = f" in {namespace}" if namespace else ""
        while True:
            query = {"labelSelector": selector, "fieldSelector": fields, "limit": PAGE, "continue": token}
            answer = self.call(
                "GET",
                resource.path(namespace),
                query=query,
                accept=accept,
                expect=(410,),
                about=f"the list of {resource.kind}{where}",
            )
            if answer.status == 410:  # the token is older than etcd's memory: from the start, in one piece
                answer = self.call("GET", resource.path(namespace), query={**query, "limit": "", "continue": ""})
                return self.document(answer).get(key) or []
            document = self.document(answer)
            items += document.get(key) or []
            token = (document.get("metadata") or {}).get("continue") or ""
            if not token:
                return items

    # -- many at once

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result | BaseException]:
        """`work` on every item, several at a time, in order; an error stands in its item's place."""
        every = list(items)
        if len(every) <= 1 or self.concurrency <= 1:
            return [_caught(work, item) for item in every]
        with ThreadPoolExecutor(min(self.concurrency, len(every))) as pool:
            futures = [pool.submit(_caught, work, item) for item in every]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            except BaseException:  # Ctrl-C: what has not been sent is not sent
                self._stopped = True
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [future.result() for future in futures]

    def all(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Like each(), but the first error is raised."""
        results = self.each(work, items)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results  # type: ignore[return-value]


def _caught(work: Callable[[Item], Result], item: Item) -> Result | BaseException:
    try:
        return work(item)
    except (ClusterError, BatchStoppedError) as error:
        return error


def refusal(code: int, status: Mapping[str, Any], about: str, host: str) -> str:
    """One sentence for an answer that was no, from the server's Status object."""
    text = " ".join(str(status.get("message") or f"HTTP {code}").split())
    subject = f"{about}: " if about else ""
    if code == 401:
        return f"{subject}{host} does not accept the credentials (401): they are wrong or have expired; log in again."
    if code == 403 and status.get("reason") != "Forbidden":
        return f"{subject}forbidden: {text}"
    if code == 403 and "is being terminated" in text:
        return f"{subject}{text}: its namespace is being deleted; wait until it is gone."
    if code == 403 and "cannot " in text:
        return f"{subject}not allowed: {text.partition('is forbidden: ')[2] or text}. Ask for a role that allows it."
    return f"{subject}{text}"
