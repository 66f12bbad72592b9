# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a container, as by `kubectl exec -i`: what must be measured where the program is.

Secrets go in by the standard input. A command line is seen by everybody in the pod, and stands in the API server's
audit log.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ClusterError

try:
    from kubernetes import client as kubernetes_client
    from kubernetes.stream import stream
    from kubernetes.stream.ws_client import ERROR_CHANNEL

    KUBERNETES_IMPORT_ERROR: ImportError | None = None
except ImportError as error:
    KUBERNETES_IMPORT_ERROR = error


WORDS = re.compile(r"exit status (\d+)\Z")


class ExecError(ClusterError):
    """The command could not be run to its end: a sentence for the user."""


@dataclass(frozen=True)
class Output:
    """What a command wrote, and how it ended."""

    text: str
    errors: str
    code: int


@dataclass(frozen=True)
class Place:
    """A container."""

    namespace: str
    pod: str
    container: str

    def __str__(self) -> str:
        return f"container {self.container} of pod {self.pod} in namespace {self.namespace}"


def run(api_client: Any, place: Place, command: Sequence[str], *, stdin: str = "", timeout: float) -> Output:
    """Run it; `timeout` in seconds. What the command itself does wrong is not raised: see its code.

    When the time is over the connection is closed; the command has to end by itself.
    """
    if KUBERNETES_IMPORT_ERROR is not None:
        raise ExecError(f"running a command in a pod needs the Python package kubernetes: {KUBERNETES_IMPORT_ERROR}")
    if {name.lower() for name in getattr(api_client, "default_headers", {})} & {"impersonate-user"}:
        raise ExecError(f"a command in {place} cannot impersonate (the Kubernetes client leaves the header out)")
    # a client of its own: the stream call replaces a client's methods
    with kubernetes_client.ApiClient(api_client.configuration) as client:
        core = kubernetes_client.CoreV1Api(client)
        try:
            connection = stream(
                core.connect_get_namespaced_pod_exec,
                place.pod,
                place.namespace,
                container=place.container,
                command=list(command),
                stdin=True,
                stdout=True,
                stderr=True,
                tty=False,
                _preload_content=False,
            )
        except kubernetes_client.ApiException as error:
            raise ExecError(_refusal(place, error)) from error
        try:
            return _finish(connection, place, stdin, timeout)
        finally:
            connection.close()


def _finish(connection: Any, place: Place, stdin: str, timeout: float) -> Output:
    deadline = time.monotonic() + timeout
    if stdin:
        connection.write_stdin(stdin)
    text, errors = [], []
    while connection.is_open():
        left = deadline - time.monotonic()
        if left <= 0:
            raise ExecError(f"a command in {place} did not end within {timeout:g} s")
        connection.update(timeout=min(left, 5))
        text.append(connection.read_stdout(timeout=0))
        errors.append(connection.read_stderr(timeout=0))
    text.append(connection.read_stdout(timeout=0))
    errors.append(connection.read_stderr(timeout=0))
    status = connection.read_channel(ERROR_CHANNEL)
    code = exit_code(status)
    if code is None:
        raise ExecError(f"a command in {place} did not end by itself: {_message(status) or 'the connection broke off'}")
    return Output("".join(text), "".join(errors), code)


def exit_code(status: str) -> int | None:
    """The exit code from the Status that ends an exec; None where there is none, as when the pod went away.

    A kubelet gives it as a cause; KWOK, which answers for nodes that are none, only in words.
    """
    try:
        found = json.loads(status)
        if found["status"] == "Success":
            return 0
        causes = (found.get("details") or {}).get("causes") or []
        told = [cause["message"] for cause in causes if cause.get("reason") == "ExitCode"]
        return int(told[0] if told else WORDS.findall(found["message"])[0])
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _message(status: str) -> str:
    """What the Status of an exec says."""
    try:
        return str(json.loads(status)["message"])
    except (KeyError, TypeError, ValueError):
        return ""


def _refusal(place: Place, error: Any) -> str:
    """Why there was no exec; the WebSocket's refusal is the cause, the ApiException only quotes it."""
    cause = error.__context__
    status = getattr(cause, "status_code", None) or error.status
    try:
        message = json.loads(getattr(cause, "resp_body", None))["message"]
    except (KeyError, TypeError, ValueError):
        message = str(error.reason or "").split(" -+-+- ", maxsplit=1)[0]
    if status in (401, 403):
        return f"running a command in {place} is not allowed: {message}. It needs: get and create pods/exec"
    return f"no command could be run in {place}: {message or f'HTTP {status}'}"
