# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a subject of a schema registry to its wanted state, from the controller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import schema_subject as subjects
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_registry import (
    LEVELS,
    TYPES,
    Registry,
    Schema,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_subject import Found, Wanted
from ansible_collections.synergyflow.platform.plugins.plugin_utils import registry_access
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.synergyflow.platform.plugins.plugin_utils.role_values import plain

REFERENCE = {
    "name": {"type": "str", "required": True},
    "subject": {"type": "str", "required": True},
    "version": {"type": "int", "required": True},
}


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        **registry_access.ARGUMENTS,
        "subject": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "schema": {"type": "raw"},
        "schema_type": {"type": "str", "choices": list(TYPES), "default": "AVRO"},
        "references": {"type": "list", "elements": "dict", "options": REFERENCE, "default": []},
        "compatibility": {"type": "str", "choices": list(LEVELS)},
        "normalize": {"type": "bool", "default": True},
        "permanent": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 30},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wanted = wanted_subject(args)
        with registry_access.registry(args, Deadline(args["timeout"])) as registry:
            found = subjects.look(registry, wanted)
            steps = subjects.plan(wanted, found)
            result: dict[str, Any] = {"changed": bool(steps), "subject": wanted.subject, "steps": steps}
            if self._task.diff:
                before, after = subjects.state(wanted, found, steps)
                result["diff"] = {"before": shown(before), "after": shown(after)}
            if not self._task.check_mode:
                subjects.change(registry, wanted, found, steps)
                return result | outcome(registry, wanted, found if not steps else subjects.look(registry, wanted))
            verdict = subjects.predict(registry, wanted, found, steps)
            if verdict is None:
                result["warnings"] = [
                    f"subject {wanted.subject}: the registry cannot tell without the new level whether it will take "
                    "the schema"
                ]
            elif not verdict.compatible:
                raise ClusterError(subjects.refusal(wanted, registry.level(wanted.subject), verdict.messages))
            return result | outcome(registry, wanted, found)


def wanted_subject(args: Mapping[str, Any]) -> Wanted:
    """What the options ask for. ClusterError for options that make no sense together."""
    present, given = args["state"] == "present", plain(args["schema"])
    if present and given in (None, "") and not args["compatibility"]:
        raise ClusterError("state present: give a schema, a compatibility, or both.")
    if not present and (given not in (None, "") or args["compatibility"]):
        raise ClusterError("state absent: a schema or a compatibility says nothing here, leave it out.")
    if present and args["permanent"]:
        raise ClusterError("permanent is about a deletion: it goes with state absent.")
    schema = None
    if present and given not in (None, ""):
        references = [{name: each[name] for name in REFERENCE} for each in args["references"]]
        schema = Schema(schema_text(given, args["schema_type"]), args["schema_type"], references)
    return Wanted(
        subject=args["subject"],
        present=present,
        schema=schema,
        level=args["compatibility"],
        normalize=args["normalize"],
        permanent=args["permanent"],
    )


def schema_text(given: Any, kind: str) -> str:
    """The schema as text: what is given as data is written as JSON, what must be JSON is read once."""
    if kind == "PROTOBUF":
        if not isinstance(given, str):
            raise ClusterError("schema: a PROTOBUF schema is text, found something else.")
        return given
    if not isinstance(given, str):
        return json.dumps(given)
    try:
        json.loads(given)
    except ValueError as error:
        raise ClusterError(f"schema: {kind} schemas are JSON, this is not: {error}.") from error
    return given


def shown(state: Mapping[str, Any]) -> str:
    """A subject's state as the diff has it: the schema over several lines where it is JSON."""
    if not state:
        return ""
    lines = dict(state)
    text = lines.get("schema")
    if text:
        try:
            lines["schema"] = json.loads(text)
        except ValueError:
            lines["schema"] = text.splitlines()
    return json.dumps(lines, indent=2) + "\n"


def outcome(registry: Registry, wanted: Wanted, found: Found) -> dict[str, Any]:
    """What is there in the end, in check mode what is there now."""
    here = found.match or {}
    return {
        "id": here.get("id"),
        "version": here.get("version"),
        "versions": found.versions,
        "compatibility": found.level if wanted.level else None,
    }
