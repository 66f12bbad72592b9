# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps Secret values out of everything that is shown: diffs, errors, logs.

Nothing about a value is told, neither its length nor a hash: a hash of a short password is the password.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

MASKED = "<masked>"
CHANGED = "<masked, changed>"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
#: shorter values ("true", "admin") are masked where they stand in a Secret, but not cut out of other text
SHORTEST = 6
#: a value: quoted, with escaped quotes in it; quoted within text that is quoted itself; a word. Without an end to its
#: quote it goes to the end of its line
_VALUE = (
    r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.|'')*'|(?P<quote>\\+[\"'])(?:(?!(?<!\\)(?P=quote))[^\n])*(?:(?P=quote))?"
    r"|[\"'][^\n]*|(?:bearer|basic)\s+\S+|[^\s,;]+)"
)
#: what looks like a credential in text of others, whether or not it comes from a Secret we know; the group `name` stays
FOREIGN = (
    # a private key; the end of a log may have only the end of one
    re.compile(r"(?s)(?P<name>)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY-----|.*)"),
    re.compile(r"(?m)(?P<name>)(?:^[A-Za-z0-9+/=]{1,76}+[ \t]*+\r?\n){0,99}+-----END [A-Z0-9 ]*PRIVATE KEY-----"),
    # a header says how it authorizes, and then with what: all of the line is it
    re.compile(
        r"(?i)(?P<name>\b[\w.-]*authorization(?:\\*[\"'])?\s*[:=]\s*)"
        r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.|'')*'|[^\r\n]+)"
    ),
    # the password in an address; what follows a colon may be a port as well, and an @ stand in the path
    re.compile(r"(?P<name>://[^\s/:@?#\"'<>\[\]]*:)(?!\d{1,5}[/?#])[^\s\"'<>]+(?=@)"),
    re.compile(
        r"(?is)(?P<name>\b[\w.-]*(?:password|passwd|secret|token|api[_-]?key|credential)[\w.-]*(?:\\*[\"'])?\s*[:=]\s*)"
        + _VALUE
    ),
)


def is_secret(manifest: Any) -> bool:
    return isinstance(manifest, Mapping) and manifest.get("kind") == "Secret" and manifest.get("apiVersion") == "v1"


def secret_values(manifest: Mapping[str, Any]) -> set[str]:
    """Every form in which the values of a Secret may turn up: encoded, decoded, and line by line."""
    values: set[str] = set()
    for part in ("data", "stringData"):
        content = manifest.get(part)
        for value in content.values() if isinstance(content, Mapping) else ():
            text = value if isinstance(value, str) else str(value)
            values.add(text)
            if part == "stringData":
                values.add(base64.b64encode(text.encode()).decode())
                values.update(text.splitlines())
                continue
            try:
                decoded = base64.b64decode(text, validate=True).decode()
            except (binascii.Error, ValueError):
                continue
            values.add(decoded)
            values.update(decoded.splitlines())
    return {value.strip() for value in values if value.strip()}


class Masker:
    """Remembers secret values and takes them out of text."""

    def __init__(self) -> None:
        self._values: list[str] = []
        self._known: set[str] = set()

    def always(self, values: Iterable[str]) -> None:
        """Remember values that must not be shown, nor as others quote them: `pass"word` as `pass\\"word`."""
        unknown = {value for value in values if value and len(value) >= SHORTEST} - self._known
        new = unknown | {json.dumps(value, ensure_ascii=False)[1:-1] for value in unknown}
        if new:
            self._known |= new
            # the longest first: a value that contains another one is masked whole
            self._values = sorted(self._known, key=len, reverse=True)

    def learn(self, manifests: Iterable[Mapping[str, Any]]) -> None:
        """Remember the values of all Secrets among `manifests`."""
        for manifest in manifests:
            if is_secret(manifest):
                self.always(secret_values(manifest))

    def text(self, text: str) -> str:
        for value in self._values:
            if value in text:
                text = text.replace(value, MASKED)
        return text

    def foreign(self, text: str) -> str:
        """Text that a program of others wrote, a log above all: what looks like a credential goes too."""
        text = self.text(text)
        for pattern in FOREIGN:
            text = pattern.sub(rf"\g<name>{MASKED}", text)
        return text

    def clean(self, value: Any) -> Any:
        """A copy of plain data with the values taken out of all its strings."""
        return _every_string(self.text, value) if self._values else value

    def clean_foreign(self, value: Any) -> Any:
        """Like clean(), for data with text of others in it."""
        return _every_string(self.foreign, value)


def _every_string(change: Callable[[str], str], value: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _every_string(change, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_every_string(change, inner) for inner in value]
    return value


def masked(manifest: Mapping[str, Any] | None, before: Mapping[str, Any] | None = None) -> Any:
    """A copy fit to be shown. With `before`, values that differ from it are marked as changed."""
    if manifest is None:
        return None
    copy = dict(manifest)
    metadata = copy.get("metadata") or {}
    if LAST_APPLIED in (metadata.get("annotations") or {}) and is_secret(manifest):
        copy["metadata"] = {**metadata, "annotations": {**metadata["annotations"], LAST_APPLIED: MASKED}}
    if not is_secret(manifest):
        return copy
    for part in ("data", "stringData"):
        content = copy.get(part)
        if isinstance(content, Mapping):
            earlier = (before or {}).get(part) or {}
            copy[part] = {
                key: CHANGED if before is not None and key in earlier and earlier[key] != value else MASKED
                for key, value in content.items()
            }
        elif content is not None:
            copy[part] = MASKED
    return copy
