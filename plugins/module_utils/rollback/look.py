# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a plan is made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .. import delivery_layout as layout
from .. import set_members
from ..api import JSON, METADATA_ONLY, Api, ApiError
from ..apply_plan import PART_OF, set_id
from ..component_objects import Wanted
from ..flux_graph import HELM, KUSTOMIZE
from ..flux_status import is_suspended
from ..handover import NAME_LABEL, NAMESPACE_LABEL, inventory, is_of, is_ours
from ..objects import Manifest, key_of, labels_of
from .components import COMPONENTS, Set, Values, set_names
from .from_git import parts_of
from .plan import Seen, key_of_entry


def look(api: Api, name: str, values: Values, host: str) -> Seen:
    """Everything of the component, and everything beside it that has to stay as it is."""
    component = COMPONENTS[name]
    records = set_members.records(api)
    wanted = component.sets(values)
    seen = Seen()
    found = api.all(lambda where: set_members.every_member(api, where[1], where[0], records[where]), list(records))
    every = dict(zip(records, found, strict=True))
    seen.sets = {where: every[where] for where in wanted if where in every}
    seen.others = {where: members for where, members in every.items() if where not in wanted}
    seen.claims = objects(api, component.claims(values))
    seen.flux = objects(api, [Wanted(KUSTOMIZE, "Kustomization"), Wanted(HELM, "HelmRelease")])
    _delivered(api, seen, wanted, parts_of(name, values, host))
    ours = {key_of(manifest): manifest["metadata"]["uid"] for members in seen.sets.values() for manifest in members}
    needing = objects(api, component.needed_by(values))
    seen.needing = [manifest for manifest in needing if key_of(manifest) not in ours]
    mine, uids = {set_id(each, namespace) for namespace, each in wanted}, set(ours.values())
    seen.made = [each for each in objects(api, component.made(values)) if not of_others(each, mine, uids)]
    return seen


def _delivered(api: Api, seen: Seen, wanted: Sequence[Set], parts: Mapping[str, str]) -> None:
    """What Git brings has no record of a set: the Kustomizations' inventories say what there is."""
    mine = {set_id(each, namespace): (namespace, each) for namespace, each in wanted}
    brought = [
        each for each in seen.flux if each["kind"] == "Kustomization" and key_of(each).name.startswith("cluster-")
    ]
    there: dict[Set, list[Manifest]] = {}
    for kustomization in brought:
        key = key_of(kustomization)
        own = f"{NAME_LABEL}={key.name},{NAMESPACE_LABEL}={key.namespace}"
        lists = {(each.group, each.kind, each.namespace) for each in inventory(kustomization)}
        found = objects(api, [Wanted(group, kind, namespace, own) for group, kind, namespace in sorted(lists)])
        found = [manifest for manifest in found if is_of(manifest, key)]
        sets = {labels_of(manifest).get(PART_OF) for manifest in found} - {None}
        if sets & set(mine) or (key.name in parts and (found or not is_suspended(kustomization))):
            part = parts.get(key.name, "")
            known = bool(part) and is_ours(kustomization, layout.PLACES[part].folder)
            seen.by_git[key] = part if known else ""
            for manifest in found:
                where = mine.get(labels_of(manifest).get(PART_OF, ""))
                there.setdefault(where or (key.namespace, key.name), []).append(manifest)
        elif sets:  # it is one of this collection's, as it would be with a record
            seen.others[(key.namespace, key.name)] = found
    for where, found in there.items():
        known_by_record = seen.sets.get(where, [])  # a hand-over may not have ended
        uids = {each["metadata"]["uid"] for each in known_by_record}
        seen.sets[where] = known_by_record + [each for each in found if each["metadata"]["uid"] not in uids]
    # in the order in which they go; what is of no set of the component comes last
    order = {where: number for number, where in enumerate(wanted)}
    seen.sets = dict(sorted(seen.sets.items(), key=lambda item: order.get(item[0], len(order))))


def still(api: Api, entries: Iterable[Mapping[str, str]]) -> list[Manifest]:
    """The objects of a plan that are there still, the same ones, whoever has them by now."""

    def one(each: Mapping[str, str]) -> Manifest | None:
        resource, key = api.discover().find(each["apiVersion"], each["kind"]), key_of_entry(each)
        live = api.get(resource, key.namespace, key.name) if resource else None
        return {**live, "apiVersion": each["apiVersion"], "kind": each["kind"]} if live else None

    every = list(entries)
    found = zip(every, api.all(one, every), strict=True)
    return [live for each, live in found if live and live["metadata"]["uid"] == each["uid"]]


def of_others(manifest: Manifest, mine: Collection[str], going: Collection[str]) -> bool:
    """Whether an object with the component's label belongs to something that stays."""
    part_of = labels_of(manifest).get(PART_OF)
    if part_of and part_of not in mine:
        return True
    owners = manifest["metadata"].get("ownerReferences") or []
    if labels_of(manifest).get("strimzi.io/kind") == "KafkaUser":
        return bool(owners) and not any(owner["uid"] in going for owner in owners)
    return False


def objects(api: Api, lists: Iterable[Wanted], metadata_only: Collection[str] = ()) -> list[Manifest]:
    """All objects of some lists; kinds that are not served have none. What may not be read is an error here.

    Of some kinds the metadata are enough.
    """

    def one(ask: Wanted) -> list[Manifest]:
        resource = api.discover().preferred(ask.group, ask.kind)
        if resource is None:
            return []
        try:
            fields = f"metadata.name={ask.name}" if ask.name else ""
            accept = METADATA_ONLY if ask.kind in metadata_only else JSON
            found = api.list(resource, ask.namespace, selector=ask.selector, fields=fields, accept=accept)
        except ApiError as error:
            if error.code != 404:
                raise
            return []
        return [{**item, "apiVersion": resource.api_version, "kind": resource.kind} for item in found]

    return [manifest for each in api.all(one, list(lists)) for manifest in each]


def dependants(name: str, seen: Seen, task_values: Mapping[str, Any], host: str) -> dict[str, Set]:
    """The dependants of a component that are on the cluster: role -> set, or the Kustomization in the place of one."""
    named = layout.LABEL.match(host)
    return {
        role: where
        for role in COMPONENTS[name].dependants
        for where, members in seen.others.items()
        if members
        and where[1] in set_names(role, task_values) | ({layout.kustomization_name(host, role)} if named else set())
    }
