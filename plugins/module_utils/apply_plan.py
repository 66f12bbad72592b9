# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applying a set would do: plain data in, plain data out, nothing asked and nothing sent.

The set is recorded by the ApplySet convention (KEP-3659): a parent object names the kinds and namespaces of the set,
every member carries its label, so that what is no longer in the set can be found and pruned.
https://kubernetes.io/docs/reference/labels-annotations-taints/#applyset-kubernetes-io-id
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .apply_order import wave_of
from .errors import ClusterError
from .objects import Key, Manifest, check_identity, key_of, labels_of, refuse_duplicates
from .ownership import apply_is_noop, is_applied_by

PART_OF = "applyset.kubernetes.io/part-of"
ID = "applyset.kubernetes.io/id"
TOOLING = "applyset.kubernetes.io/tooling"
GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
TOOL = "synergyflow.platform/v1"

#: written by the server, never by a set
SERVER_METADATA = (
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)


def set_id(name: str, namespace: str) -> str:
    """The ID of the set whose parent is the ConfigMap `namespace`/`name`."""
    digest = hashlib.sha256(f"{name}.{namespace}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def prepare(objects: Iterable[Any], member_of: str) -> list[Manifest]:
    """The objects as they are applied: without what only the server writes, labelled as members of the set."""
    prepared = []
    for number, manifest in enumerate(objects, 1):
        check_identity(manifest, f"objects, number {number}")
        copy = plain({name: value for name, value in manifest.items() if name != "status"}, f"objects, number {number}")
        metadata = {name: value for name, value in copy["metadata"].items() if name not in SERVER_METADATA}
        metadata["labels"] = {**(metadata.get("labels") or {}), PART_OF: member_of}
        copy["metadata"] = metadata
        if copy["kind"] == "Secret" and copy["apiVersion"] == "v1":
            encode_string_data(copy)
        prepared.append(copy)
    refuse_duplicates(prepared)
    return prepared


def plain(manifest: Mapping[str, Any], where: str) -> Manifest:
    """A copy made of nothing but JSON's types: ansible-core 2.19 hands over subclasses of them."""
    try:
        return json.loads(json.dumps(manifest, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ClusterError(f"{where}: {manifest.get('kind')} has a value that JSON lacks: {error}.") from error


def encode_string_data(secret: Manifest, where: str = "") -> None:
    """stringData becomes data, as the server would do it: data is what can be read back and compared."""
    texts = secret.pop("stringData", None) or {}
    name_of_it = f"{where}: {key_of(secret)}" if where else str(key_of(secret))
    for part, content in (("data", secret.get("data") or {}), ("stringData", texts)):
        if not isinstance(content, Mapping):
            raise ClusterError(f"{name_of_it}: expected {part} to be a mapping.")
        for name, value in content.items():
            if not isinstance(value, str):
                raise ClusterError(f"{name_of_it}: expected {part}.{name} to be a string; put the value in quotes.")
    if texts:
        encoded = {name: base64.b64encode(value.encode()).decode() for name, value in texts.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}


@dataclass
class Parent:
    """What the set's parent says: the kinds and the namespaces that members may be found in."""

    group_kinds: set[str] = field(default_factory=set)
    namespaces: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, live: Mapping[str, Any] | None, name: str, namespace: str) -> Parent | None:
        """None when there is no parent yet. Refuses an object that is not this set's parent."""
        if live is None:
            return None
        annotations = (live.get("metadata") or {}).get("annotations") or {}
        if labels_of(live).get(ID) != set_id(name, namespace):
            raise ClusterError(
                f"ConfigMap {namespace}/{name} exists and is not the record of a set; choose another name for the set."
            )
        tool = annotations.get(TOOLING, "")
        if tool.partition("/")[0] != TOOL.partition("/")[0]:
            raise ClusterError(
                f"The set {namespace}/{name} is kept by {tool or 'another tool'}; choose another name for the set."
            )
        return cls(_split(annotations.get(GROUP_KINDS)), _split(annotations.get(NAMESPACES)) | {namespace})

    def manifest(self, name: str, namespace: str) -> Manifest:
        """The parent object that says this."""
        annotations = {
            TOOLING: TOOL,
            GROUP_KINDS: ",".join(sorted(self.group_kinds)),
            NAMESPACES: ",".join(sorted(self.namespaces - {namespace})),
        }
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {ID: set_id(name, namespace)},
                "annotations": annotations,
            },
        }

    def __or__(self, other: Parent) -> Parent:
        return Parent(self.group_kinds | other.group_kinds, self.namespaces | other.namespaces)


def _split(text: str | None) -> set[str]:
    return {part.strip() for part in (text or "").split(",") if part.strip()}


def parent_of(keys: Iterable[Key], namespace: str) -> Parent:
    """What the parent of a set with these members has to say."""
    every = list(keys)
    return Parent({key.group_kind for key in every}, {key.namespace for key in every if key.namespace} | {namespace})


@dataclass
class Plan:
    """What would happen to each object."""

    unchanged: list[Key] = field(default_factory=list)
    #: in waves, in order: objects that an apply may change
    apply: list[list[Manifest]] = field(default_factory=list)
    #: in waves, in order: live objects that are no longer in the set
    prune: list[list[Manifest]] = field(default_factory=list)
    #: live objects with the set's label that neither this field manager has applied nor an operator made: never touched
    foreign: list[Key] = field(default_factory=list)

    @property
    def applied(self) -> list[Manifest]:
        return [manifest for wave in self.apply for manifest in wave]

    @property
    def pruned(self) -> list[Manifest]:
        return [manifest for wave in self.prune for manifest in wave]


def plan(desired: Iterable[Manifest], live: Iterable[Manifest], manager: str, prune: bool) -> Plan:
    """Compare the set with its live members (all that carry its label)."""
    members = {key_of(manifest): manifest for manifest in live}
    result = Plan()
    to_apply = []
    for manifest in desired:
        key = key_of(manifest)
        there = members.pop(key, None)
        if there is not None and apply_is_noop(manifest, there, manager):
            result.unchanged.append(key)
        else:
            to_apply.append(manifest)
    result.apply = waves(to_apply)
    leftover = []
    for key, manifest in members.items():
        if not is_applied_by(manifest, manager):
            # what has an owner was made by an operator that copies labels, as Strimzi does: nothing to tell
            if not manifest["metadata"].get("ownerReferences"):
                result.foreign.append(key)
        elif prune:
            leftover.append(manifest)
    result.prune = waves(leftover)[::-1]
    return result


def waves(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """Objects grouped by wave, the first wave first."""
    groups: dict[int, list[Manifest]] = {}
    for manifest in manifests:
        groups.setdefault(wave_of(key_of(manifest)), []).append(manifest)
    return [groups[wave] for wave in sorted(groups)]
