# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback does about a component that Git brings: plain data in, plain data and text out.

Flux would make again what is deleted, and delete at once, in no order, what has left Git. So the component's
Kustomizations are suspended before it leaves Git, and gone when it has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import delivery_layout as layout
from ..flux_graph import KUSTOMIZE, dependencies, first_kustomization
from ..objects import Key, Manifest, key_of, listed
from ..readiness import judge

LINES = 6


@dataclass
class FromGit:
    """The part of a plan that is about Git and Flux."""

    #: whose files they are, by the inventory, and of which parts of it (as delivery_layout has them)
    host: str
    parts: list[str]
    #: the repository
    url: str
    branch: str
    #: the cluster's folder in it
    folder: str
    #: Flux's namespace
    namespace: str
    #: Kustomizations that bring the component, and go with it
    going: list[str]
    #: Kustomizations that are suspended meanwhile: those that go, and what depends on them
    held: list[str]
    #: those of them that go on afterwards, and are not ready then
    unready: list[str]
    #: the commits that are reverted, as they were given, and by their hashes, the newest first
    asked: str = ""
    commits: list[str] = field(default_factory=list)
    #: what Git would be told, when the plan was made
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> FromGit:
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})

    def key(self, name: str) -> Key:
        """One of the Kustomizations that go."""
        return Key(KUSTOMIZE, "Kustomization", self.namespace, name)

    @property
    def root(self) -> Key:
        """The cluster's first Kustomization, which brings the others."""
        return first_kustomization(self.namespace)


def parts_of(name: str, values: Mapping[str, Any], host: str) -> dict[str, str]:
    """The Kustomizations that bring a component when it is delivered by Git: name -> part."""
    if name not in layout.PLACES or not layout.LABEL.match(host):
        return {}
    parts = [name]
    if f"{name}_operator" in layout.PLACES and values[f"{name}_install_method"] != "existing":
        parts.append(f"{name}_operator")
    return {layout.kustomization_name(host, part): part for part in parts}


def depending(going: Iterable[Key], kustomizations: Iterable[Manifest]) -> list[Key]:
    """The Kustomizations that depend on those that go, at any distance, the nearest first."""
    every = list(kustomizations)
    found: list[Key] = []
    reached = set(going)
    while True:
        more = [
            key_of(each) for each in every if key_of(each) not in reached and reached.intersection(dependencies(each))
        ]
        if not more:
            return found
        found += more
        reached.update(more)


def unready_after(
    going: Collection[Key],
    dependants: Iterable[Key],
    kustomizations: Iterable[Manifest],
    broken: Collection[str],
    host: str,
) -> set[Key]:
    """Which dependants are not ready afterwards. `broken`: the components that cannot be without it.

    What Git has of the collection's own is written anew without the dependency; what others depend on stays missing.
    """
    live = {key_of(each): each for each in kustomizations}
    own = {layout.kustomization_name(host, part) for part in layout.PLACES}
    lost = {layout.kustomization_name(host, part) for part in broken if part in layout.PLACES}
    found: set[Key] = set()
    for key in dependants:  # the nearest come first
        needed = set(dependencies(live[key]))
        if (
            key.name in lost
            or needed & found
            or (key.name not in own and needed & set(going))
            or not judge(live[key]).done
        ):
            found.add(key)
    return found


def lines(plan: FromGit) -> dict[str, list[str]]:
    """The plan for people: title -> lines."""
    gone, stay = set(plan.going), [each for each in plan.held if key_from(each).name not in plan.going]
    folders = listed(sorted({path.rpartition("/")[0] for path in plan.removed}), LINES)
    removed = f"{len(plan.removed)} files in {folders}" if plan.removed else "nothing, none of it is there"
    changed = [f"rewritten: {listed(plan.changed, LINES)}"] if plan.changed else []
    resumed = [f"{key_from(each)}" + (", not ready without it" if each in plan.unready else "") for each in stay]
    return {
        "Suspended first, so that Flux makes nothing again": [str(key_from(each)) for each in plan.held],
        f"Reverted in Git ({plan.url}, {plan.branch})": plan.subjects
        or (["nothing, it is so already"] if plan.commits else []),
        f"Taken out of Git ({plan.url}, {plan.branch})": [removed, *changed],
        "Goes from Flux when the commit is there": [str(plan.key(each)) for each in sorted(gone)],
        "Resumed at the end": resumed,
    }


def identity(key: Key) -> str:
    """An object as text that can be read back."""
    return "|".join((key.group, key.kind, key.namespace, key.name))


def key_from(text: str) -> Key:
    return Key(*text.split("|"))
