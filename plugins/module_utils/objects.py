# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes objects as plain dicts: their identity, and how to name them to a reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .errors import ClusterError

#: an object or any part of one, as JSON has it
Manifest = dict[str, Any]


class Key(NamedTuple):
    """What makes an object this one and no other. The version is no part of it: all versions are one object."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> str:
        """As in `kubectl get`: Deployment.apps; the core group has no suffix."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def group_of(manifest: Mapping[str, Any]) -> str:
    """The API group: "" for the core group."""
    api_version = manifest.get("apiVersion") or ""
    return api_version.rpartition("/")[0]


def version_of(manifest: Mapping[str, Any]) -> str:
    """The version without its group."""
    return (manifest.get("apiVersion") or "").rpartition("/")[2]


def key_of(manifest: Mapping[str, Any]) -> Key:
    """The identity of an object that has passed check_identity()."""
    metadata = manifest["metadata"]
    return Key(group_of(manifest), manifest["kind"], metadata.get("namespace") or "", metadata["name"])


def check_identity(manifest: Any, where: str) -> None:
    """Refuse what cannot be named. `where` tells the reader which one is meant (a file and line, or an index)."""
    if not isinstance(manifest, Mapping):
        raise ClusterError(f"{where}: expected a Kubernetes object (a mapping), found {type(manifest).__name__}.")
    for field in ("apiVersion", "kind"):
        if not isinstance(manifest.get(field), str) or not manifest[field]:
            raise ClusterError(f"{where}: expected {field} to be a string, found {_found(manifest.get(field))}.")
    metadata = manifest.get("metadata")
    if not isinstance(metadata, Mapping):
        raise ClusterError(f"{where}: {manifest['kind']} has no metadata; expected at least metadata.name.")
    if "generateName" in metadata and "name" not in metadata:
        raise ClusterError(
            f"{where}: {manifest['kind']} uses generateName; a set needs a fixed metadata.name to find it again."
        )
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        raise ClusterError(
            f"{where}: expected metadata.name of {manifest['kind']} to be a string, found {_found(name)}."
        )
    namespace = metadata.get("namespace")
    if namespace is not None and not isinstance(namespace, str):
        raise ClusterError(
            f"{where}: expected metadata.namespace of {manifest['kind']} {name} to be a string,"
            f" found {_found(namespace)}."
        )


def _found(value: Any) -> str:
    if value is None:
        return "nothing"
    if value == "":
        return "an empty string"
    return (
        f"{type(value).__name__} {value!r} (put it in quotes)"
        if isinstance(value, (int, float, bool))
        else (type(value).__name__)
    )


def refuse_duplicates(manifests: Iterable[Manifest]) -> None:
    """Two objects with one identity would overwrite each other at every run."""
    seen: dict[Key, int] = {}
    for manifest in manifests:
        key = key_of(manifest)
        seen[key] = seen.get(key, 0) + 1
    twice = [f"{key} ({times} times)" for key, times in seen.items() if times > 1]
    if twice:
        raise ClusterError(f"The set has the same object more than once: {', '.join(twice)}. Keep one of each.")


def labels_of(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    return (manifest.get("metadata") or {}).get("labels") or {}


def annotations_of(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    return (manifest.get("metadata") or {}).get("annotations") or {}


def listed(names: Iterable[str], limit: int = 10) -> str:
    """Names for a sentence; a long list is cut, and says so."""
    every = list(names)
    shown = ", ".join(every[:limit])
    return shown if len(every) <= limit else f"{shown} and {len(every) - limit} more"
