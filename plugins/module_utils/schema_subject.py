# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A subject of a registry brought to its wanted state: looked at, planned, changed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

from .errors import ClusterError
from .schema_registry import INCOMPATIBLE, Registry, RegistryError, Schema, Verdict

REGISTER, SET_LEVEL, DELETE, DELETE_FOR_GOOD = "register", "set_level", "delete", "delete_permanently"


@dataclass(frozen=True)
class Wanted:
    """What a subject is to be. Without a schema only its level counts, without a level only its schema."""

    subject: str
    present: bool = True
    schema: Schema | None = None
    level: str | None = None
    normalize: bool = True
    permanent: bool = False


@dataclass(frozen=True)
class Found:
    """What a subject is: its versions, all versions with the softly deleted ones, its level, the newest schema.

    `match` is the version that is the wanted schema already.
    """

    versions: list[int] = field(default_factory=list)
    all_versions: list[int] = field(default_factory=list)
    level: str | None = None
    newest: dict[str, Any] | None = None
    match: dict[str, Any] | None = None


def look(registry: Registry, wanted: Wanted) -> Found:
    """Ask what there is."""
    versions = registry.versions(wanted.subject)
    if not wanted.present:
        all_versions = registry.versions(wanted.subject, deleted=True) if wanted.permanent else versions
        return Found(versions, sorted({*versions, *all_versions}))
    match = registry.lookup(wanted.subject, wanted.schema, wanted.normalize) if wanted.schema and versions else None
    newest = registry.read(wanted.subject, "latest") if versions else None
    level = registry.level(wanted.subject) if wanted.level else None
    return Found(versions, versions, level, newest, match)


def plan(wanted: Wanted, found: Found) -> list[str]:
    """The steps, in their order; none when all is as wanted.

    A first version is registered before the level is set: it has nothing to be compatible with, and not every registry
    takes a level for a subject that it does not have. After that the level comes first, as it decides.
    """
    if not wanted.present:
        steps = [DELETE] if found.versions else []
        return [*steps, DELETE_FOR_GOOD] if wanted.permanent and found.all_versions else steps
    registering = [REGISTER] if wanted.schema and not found.match else []
    levelling = [SET_LEVEL] if wanted.level and wanted.level != found.level else []
    return levelling + registering if found.versions else registering + levelling


def predict(registry: Registry, wanted: Wanted, found: Found, steps: list[str]) -> Verdict | None:
    """What the registry would say to the new version; None where it cannot be asked without changing it."""
    if REGISTER not in steps or wanted.schema is None:
        return Verdict(True)
    if not found.versions:
        # what is no schema at all is refused all the same; a comparison with nothing finds it where anything does
        return registry.compatible(wanted.subject, wanted.schema, wanted.normalize)
    if SET_LEVEL in steps:
        return Verdict(True) if wanted.level == "NONE" else None
    return registry.compatible(wanted.subject, wanted.schema, wanted.normalize)


def change(registry: Registry, wanted: Wanted, found: Found, steps: list[str]) -> None:
    """Take the steps. When the new version is refused, the level is as before."""
    for step in steps:
        if step == DELETE:
            registry.delete(wanted.subject)
        elif step == DELETE_FOR_GOOD:
            registry.delete(wanted.subject, permanent=True)
        elif step == SET_LEVEL and wanted.level:
            registry.set_level(wanted.subject, wanted.level)
        elif wanted.schema:
            try:
                registry.register(wanted.subject, wanted.schema, wanted.normalize)
            except RegistryError as error:
                if SET_LEVEL in steps[: steps.index(REGISTER)]:
                    _restore_level(registry, wanted.subject, found.level)
                if error.status == INCOMPATIBLE:
                    raise ClusterError(refusal(wanted, registry.level(wanted.subject), [error.message])) from error
                raise


def _restore_level(registry: Registry, subject: str, level: str | None) -> None:
    with contextlib.suppress(RegistryError):  # what is said is why the version was refused
        if level is None:
            registry.reset_level(subject)
        else:
            registry.set_level(subject, level)


def refusal(wanted: Wanted, level: str | None, messages: list[str]) -> str:
    """Why a new version is refused, and what can be done."""
    by = f" by its level {wanted.level or level}" if wanted.level or level else ""
    why = "; ".join(filter(None, messages)).rstrip(".") or "the registry does not say why"
    return (
        f"subject {wanted.subject}: the schema is not compatible{by} with the versions there are: {why}. Change the "
        "schema, set another level for the subject, or register it under a subject of its own."
    )


def state(wanted: Wanted, found: Found, steps: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The subject before and after the steps, for the diff: only what the task is about."""
    before: dict[str, Any] = {}
    if found.versions:
        before = {"subject": wanted.subject, "versions": found.versions}
        if wanted.present and wanted.schema:
            before["schema"] = (found.match or found.newest or {}).get("schema")
        if wanted.present and wanted.level:
            before["compatibility"] = found.level
    elif not wanted.present and found.all_versions:
        before = {"subject": wanted.subject, "softly_deleted_versions": found.all_versions}
    if DELETE in steps or DELETE_FOR_GOOD in steps:
        gone = (
            {} if DELETE_FOR_GOOD in steps else {"subject": wanted.subject, "softly_deleted_versions": found.versions}
        )
        return before, gone
    after = {"subject": wanted.subject, "versions": found.versions, **before}
    if REGISTER in steps and wanted.schema:
        after |= {"versions": [*found.versions, "new"], "schema": wanted.schema.text}
    if SET_LEVEL in steps:
        after["compatibility"] = wanted.level
    return before, after if steps else before
