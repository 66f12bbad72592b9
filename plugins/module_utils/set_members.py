# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live members of sets: all that carry a set's label, wherever its record says that they may be."""

from __future__ import annotations

from .api import APPLY, JSON, Api, ApiError
from .apply_plan import ID, PART_OF, TOOL, TOOLING, Parent, set_id
from .discovery import CONFIG_MAPS, Resource
from .objects import Manifest, annotations_of, key_of, labels_of


def members(api: Api, resource: Resource, member_of: str, namespaces: list[str], accept: str = JSON) -> list[Manifest]:
    """The members of one kind."""
    selector = f"{PART_OF}={member_of}"
    if not resource.namespaced:
        return api.list(resource, selector=selector, accept=accept)
    if len(namespaces) > 1:
        try:
            everywhere = api.list(resource, selector=selector, accept=accept)
            return [item for item in everywhere if item["metadata"]["namespace"] in namespaces]
        except ApiError as error:
            if error.code != 403:
                raise
    return [item for each in namespaces for item in api.list(resource, each, selector=selector, accept=accept)]


def every_member(api: Api, name: str, namespace: str, parent: Parent) -> list[Manifest]:
    """The members of all kinds that the record of a set names."""
    served = api.discover()
    kinds = [
        served.preferred(group, kind) for kind, _dot, group in (each.partition(".") for each in parent.group_kinds)
    ]
    known = sorted({resource for resource in kinds if resource}, key=lambda resource: (resource.group, resource.kind))
    found: list[Manifest] = []
    lists = api.all(lambda each: members(api, each, set_id(name, namespace), sorted(parent.namespaces)), known)
    for resource, items in zip(known, lists, strict=True):
        # items of a list carry neither
        found += [{**item, "apiVersion": resource.api_version, "kind": resource.kind} for item in items]
    return sorted(found, key=key_of)


def records(api: Api) -> dict[tuple[str, str], Parent]:
    """The record of each set of this collection on the cluster, by namespace and name."""
    found = {}
    for item in api.list(CONFIG_MAPS, selector=ID):
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        ours = annotations_of(item).get(TOOLING, "").partition("/")[0] == TOOL.partition("/")[0]
        if ours and labels_of(item).get(ID) == set_id(name, namespace):
            record = Parent.read(item, name, namespace)
            if record:
                found[(namespace, name)] = record
    return found


def record_of(api: Api, name: str, namespace: str) -> Parent | None:
    """The record of one set; None without one."""
    return Parent.read(api.get(CONFIG_MAPS, namespace, name), name, namespace)


def write_record(api: Api, name: str, namespace: str, record: Parent, manager: str) -> None:
    """The record of a set, as it shall be."""
    api.call(
        "PATCH",
        CONFIG_MAPS.path(namespace, name),
        query={"fieldManager": manager, "force": "true"},
        body=record.manifest(name, namespace),
        content_type=APPLY,
        about=f"the record of the set, ConfigMap {namespace}/{name}",
    )


def drop_record(api: Api, name: str, namespace: str) -> None:
    """The record of a set that has no members any more."""
    api.call("DELETE", CONFIG_MAPS.path(namespace, name), expect=(404,))
