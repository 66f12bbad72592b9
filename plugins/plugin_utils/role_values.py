# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the collection's roles as an action plugin sees them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.block import Block
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.variables import validated

ROLES = Path(__file__).resolve().parents[2] / "roles"


def role_names() -> list[str]:
    """Every role of the collection."""
    return sorted(path.name for path in ROLES.iterdir() if (path / "meta" / "argument_specs.yml").exists())


@functools.cache
def options_of(role: str) -> dict[str, Any]:
    """The options of a role's main entry point, from its argument_specs."""
    path = ROLES / role / "meta" / "argument_specs.yml"
    if not path.exists():
        raise ClusterError(f"{role} is no role of this collection; there are {', '.join(role_names())}.")
    with path.open("rb") as stream:
        return yaml.safe_load(stream)["argument_specs"]["main"]["options"]


def chosen_roles(asked: list[str], current_role: Any, task_vars: Mapping[str, Any], templar: Templar) -> list[str]:
    """The roles named, or else the one the task stands in; without those that the host has switched off."""
    names = asked or ([current_role.get_name(include_role_fqcn=False)] if current_role else [])
    if not names:
        raise ClusterError("roles: outside of a role, name the roles that are meant.")
    for name in names:
        options_of(name)
    return [name for name in names if enabled(name, task_vars, templar)]


def enabled(role: str, task_vars: Mapping[str, Any], templar: Templar, default: bool = True) -> bool:
    """Whether the host has a role switched on."""
    return switched_on(f"{role}_enabled", task_vars, templar, default)


def switched_on(variable: str, task_vars: Mapping[str, Any], templar: Templar, default: bool = True) -> bool:
    """Whether a variable of the host is true; `-e` gives a string, which says it as well."""
    value = plain(templar.template(task_vars.get(variable, default)))
    try:
        return boolean(value)
    except TypeError as error:
        raise ClusterError(f"{variable} must be true or false, it is {value!r}.") from error


def in_this_run(role: str, task: Task, task_vars: Mapping[str, Any]) -> bool:
    """Whether the play of `task` has the role among its `roles:`, and --tags and --skip-tags let it run."""
    play = task.get_play()
    found = [one for one in play.get_roles() if one.get_name(include_role_fqcn=False) == role]
    chosen, skipped = task_vars.get("ansible_run_tags") or [], task_vars.get("ansible_skip_tags") or []
    for one in found:
        # a task as the role's own would be: tags come from the role's entry and the play, and the engine judges them
        probe = Task(block=Block(play=play, role=one), role=one)
        if probe.evaluate_tags(list(chosen), list(skipped), dict(task_vars)):
            return True
    return False


def values_of(role: str, task_vars: Mapping[str, Any], templar: Templar) -> dict[str, Any]:
    """The values of a role's own variables, templated. A role in `roles:` of the play has its defaults here too."""
    return {name: plain(templar.template(task_vars[name])) for name in options_of(role) if name in task_vars}


def typed_values(role: str, task_vars: Mapping[str, Any], templar: Templar) -> dict[str, Any]:
    """The values as their declared types; what cannot be one is left as it is, the preflight says so."""
    return validated(values_of(role, task_vars, templar), options_of(role))[0]


def plain(value: Any) -> Any:
    """The value without Ansible's own types, which are slow and surprise libraries."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    return value
