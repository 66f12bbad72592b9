# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What a field manager applied, read back from the live object: for kubectl to apply the very same.

managedFields are in FieldsV1 format: `f:<field>`, `k:<keys of a list item>`, `v:<value of a set's item>`, `.` for the
thing itself. https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#fieldsv1-v1-meta
"""

from __future__ import annotations

import json
from typing import Any

from bench.object_sets import Object


def applied_by(manager: str, live: Object) -> Object | None:
    """The object as this manager applied it last; None when it never did."""
    for entry in live["metadata"].get("managedFields") or ():
        if entry["manager"] == manager and entry["operation"] == "Apply" and not entry.get("subresource"):
            content: Object = _owned(live, entry["fieldsV1"])
            metadata = {name: live["metadata"][name] for name in ("name", "namespace") if name in live["metadata"]}
            return {
                "apiVersion": live["apiVersion"],
                "kind": live["kind"],
                **content,
                "metadata": {**metadata, **content.get("metadata", {})},
            }
    return None


def _owned(value: Any, fields: dict[str, Any]) -> Any:
    below = {name: rest for name, rest in fields.items() if name != "."}
    if not below:
        # `{".": {}}` is a map or list of which nothing but its existence is owned
        return type(value)() if "." in fields and isinstance(value, (dict, list)) else value
    if isinstance(value, dict):
        names = {name[2:]: rest for name, rest in below.items() if name.startswith("f:")}
        # an owned field that is not there was applied empty, and the server leaves empty fields out: mostly `value: ""`
        return {name: _owned(value[name], rest) if name in value else "" for name, rest in names.items()}
    # in the order of the live list: names are sorted, and an apply in another order would move the items
    keyed = [(json.loads(name[2:]), rest) for name, rest in below.items() if name.startswith("k:")]
    values = [json.loads(name[2:]) for name in below if name.startswith("v:")]
    items = []
    for item in value:
        if item in values:
            items.append(item)
        for wanted, rest in keyed:
            # keys that are not owned were left out, and are again: the server's default makes them the same
            if all(item.get(key) == of for key, of in wanted.items()):
                items.append(_owned(item, rest))
    return items
