# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection to a service of the platform that speaks HTTP. Nothing of Ansible is imported here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

from .errors import ClusterError

try:
    import requests

    REQUESTS_IMPORT_ERROR: ImportError | None = None
except ImportError as error:
    REQUESTS_IMPORT_ERROR = error

#: urllib3 begins with the object that failed
WHO = re.compile(r"^(?:<[^>]*>|HTTPS?Connection\w*\([^)]*\)): ")
#: seconds to connect
CONNECT_TIMEOUT = 5.0


class NoAnswerError(Exception):
    """Nobody answered; `str()` says why."""


class HttpClient:
    """One connection to a base URL, which may have a path, kept open; use it with ``with``.

    `name` is what errors call it. `explain` may know why no answer came: a port-forward does, the client does not.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        ca_file: str | None = None,
        name: str = "",
        explain: Callable[[], str | None] = lambda: None,
    ) -> None:
        if REQUESTS_IMPORT_ERROR is not None:
            raise ClusterError("this needs the Python package requests in the environment that runs Ansible.")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ClusterError(
                f"url: expected http://host:port or https://host:port, a path may follow, found {url!r}."
            )
        if "@" in parts.netloc:
            raise ClusterError("url: give the user and the password as options of their own, not in the URL.")
        self.url = url.rstrip("/")
        self._name = name or f"at {self.url}"
        self._explain = explain
        self._session: Any = requests.Session()
        # what the environment says of proxies and .netrc is not meant for a service of the platform
        self._session.trust_env = False
        if user is not None:
            self._session.auth = (user, password or "")
        if ca_file:
            self._session.verify = ca_file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._session.close()

    def _send(self, method: str, path: str, timeout: float, **options: Any) -> Any:
        """The answer of requests, within so many seconds. Raises NoAnswerError."""
        limits = (min(CONNECT_TIMEOUT, timeout), timeout)
        try:
            return self._session.request(method, self.url + path, timeout=limits, allow_redirects=False, **options)
        except requests.RequestException as error:
            raise NoAnswerError(self._explain() or _reason(error)) from error


def _reason(error: Exception) -> str:
    """The innermost cause, in a few words: requests and urllib3 wrap it several times."""
    inner: Any = error
    while True:
        deeper = getattr(inner, "reason", None) or next((a for a in inner.args if isinstance(a, Exception)), None)
        if not isinstance(deeper, Exception):
            break
        inner = deeper
    text = " ".join(str(inner).split())
    return WHO.sub("", text) or type(inner).__name__
