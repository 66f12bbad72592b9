# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads managedFields: whose field is what, and whether an apply would change anything.

A server-side apply changes nothing when the applied fields are those that the last apply of the same manager owned
and their values are the live ones. Both stand in the object itself (metadata.managedFields, FieldsV1), so a list is
enough to know it, and no request is needed for such an object.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
https://github.com/kubernetes-sigs/structured-merge-diff/blob/master/fieldpath/serialize-pe.go
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .objects import group_of

Defaults = Mapping[str, Mapping[str, Any]]

#: what the server takes out of every manager's fields (structured-merge-diff is given these to strip)
UNOWNED = (
    "name",
    "namespace",
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "selfLink",
    "uid",
    "managedFields",
)

#: What the server adds inside of atomic parts, where nobody owns a single field: field -> defaults of the map that it
#: holds, or of each map in its list. Source: SetDefaults_ObjectFieldSelector and the like in
#: https://github.com/kubernetes/kubernetes/tree/master/pkg/apis/{core,networking,rbac}/v1/defaults.go (and the
#: generated zz_generated.defaults.go, for defaults that stand in the types).
ATOMIC_DEFAULTS: dict[str, dict[str, Any]] = {
    "fieldRef": {"apiVersion": "v1"},
    "resourceFieldRef": {"divisor": "0"},
    "serviceAccountToken": {"expirationSeconds": 3600},
    # of a NetworkPolicy, whose ingress and egress are atomic lists, and of an EndpointSlice
    "ports": {"protocol": "TCP"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io"},
}
#: the groups whose kinds have them; a custom resource may use the same names for something else
DEFAULTED_GROUPS = ("", "apps", "batch", "discovery.k8s.io", "networking.k8s.io", "rbac.authorization.k8s.io")


def entry_of(live: Mapping[str, Any], manager: str) -> Mapping[str, Any] | None:
    """The managedFields entry of `manager`'s applies to the object itself (not a subresource); None without one."""
    entries = [
        entry
        for entry in (live.get("metadata") or {}).get("managedFields") or []
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    ]
    return entries[0] if len(entries) == 1 else None


def is_applied_by(live: Mapping[str, Any], manager: str) -> bool:
    """Whether `manager` has applied this object, whatever its labels say: labels get copied by operators."""
    return any(
        entry.get("manager") == manager and entry.get("operation") == "Apply"
        for entry in (live.get("metadata") or {}).get("managedFields") or []
    )


def apply_is_noop(desired: Mapping[str, Any], live: Mapping[str, Any], manager: str) -> bool:
    """True only when applying `desired` over `live` would provably change nothing. Both are made of JSON's types alone.

    False means "not known": values that the server writes in another form (1024Mi becomes 1Gi), nulls, and lists whose
    keys are filled in by a default are for the server to judge.
    """
    entry = entry_of(live, manager)
    if entry is None or entry.get("apiVersion") != desired.get("apiVersion") or entry.get("fieldsType") != "FieldsV1":
        return False
    if live.get("apiVersion") != desired.get("apiVersion") or (live.get("metadata") or {}).get("deletionTimestamp"):
        return False
    wanted = {name: value for name, value in desired.items() if name not in ("apiVersion", "kind")}
    metadata = {name: value for name, value in (desired.get("metadata") or {}).items() if name not in UNOWNED}
    if metadata:
        wanted["metadata"] = metadata
    else:
        wanted.pop("metadata", None)
    defaults = ATOMIC_DEFAULTS if group_of(desired) in DEFAULTED_GROUPS else {}
    return _same_map(wanted, live, entry.get("fieldsV1") or {}, defaults)


def _same(name: str, desired: Any, live: Any, fields: Mapping[str, Any], defaults: Defaults) -> bool:
    """Compare what stands in the field `name`."""
    if not fields or set(fields) == {"."}:
        # a leaf, an atomic part, or an empty one
        return _equal(_filled(name, desired, defaults) if defaults else desired, live)
    if isinstance(desired, dict):
        return isinstance(live, dict) and _same_map(desired, live, fields, defaults)
    if isinstance(desired, list) and isinstance(live, list):
        return _same_list(desired, live, fields, defaults)
    return False


def _filled(name: str, desired: Any, defaults: Defaults) -> Any:
    """An atomic part as the server keeps it."""
    if isinstance(desired, dict):
        own = {inner: _filled(inner, value, defaults) for inner, value in desired.items()}
        return {**defaults.get(name, {}), **own}
    if isinstance(desired, list):
        return [_filled(name, item, defaults) for item in desired]
    return desired


def _same_map(
    desired: Mapping[str, Any], live: Mapping[str, Any], fields: Mapping[str, Any], defaults: Defaults
) -> bool:
    owned = {name[2:]: inner for name, inner in fields.items() if name.startswith("f:")}
    if len(owned) != len(fields) - ("." in fields) or owned.keys() != desired.keys():
        return False
    return all(
        name in live and _same(name, value, live[name], owned[name], defaults) for name, value in desired.items()
    )


def _same_list(desired: list[Any], live: list[Any], fields: Mapping[str, Any], defaults: Defaults) -> bool:
    kinds = {name[:2] for name in fields if name != "."}
    if kinds == {"k:"}:
        owned_items = {name[2:]: inner for name, inner in fields.items() if name != "."}
        return _same_keyed_list(desired, live, owned_items, defaults)
    if kinds == {"v:"}:
        owned = {name[2:] for name in fields if name != "."}
        wanted = [_canonical(value) for value in desired]
        there = [text for text in map(_canonical, live) if text in owned]
        return {_canonical(json.loads(text)) for text in owned} == set(wanted) and there == wanted
    return False


def _same_keyed_list(
    desired: list[Any], live: list[Any], owned: Mapping[str, Mapping[str, Any]], defaults: Defaults
) -> bool:
    """A list of maps told apart by some of their fields: every item is owned, each is the same, and so is the order."""
    if len(owned) != len(desired):
        return False
    position = -1
    remaining = {text: json.loads(text) for text in owned}
    for item in desired:
        if not isinstance(item, dict):
            return False
        # a key field that the item leaves out was filled in by a default, which only the server knows
        fitting = [
            text
            for text, key in remaining.items()
            if all(name not in item or _equal(item[name], value) for name, value in key.items())
        ]
        if len(fitting) != 1:
            return False
        key = remaining.pop(fitting[0])
        places = [
            place
            for place, there in enumerate(live)
            if isinstance(there, dict)
            and all(name in there and _equal(value, there[name]) for name, value in key.items())
        ]
        if len(places) != 1 or places[0] <= position:
            return False
        position = places[0]
        inner = owned[fitting[0]]
        # the fields of an item stand beside its own mark; one without fields of its own has only its key
        if not _same_map(item, live[position], inner, defaults):
            return False
    return True


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _equal(one: Any, other: Any) -> bool:
    """Equality as JSON has it: True is not 1, 1 is not 1.0; None is never provable."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(_equal(value, other[name]) for name, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, str):
        return bool(one == other)
    if one is None or any(isinstance(one, kind) != isinstance(other, kind) for kind in (bool, float)):
        return False
    return bool(one == other)
