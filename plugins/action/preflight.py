# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks everything that can be checked before a role changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.utils.vars import isidentifier
from ansible_collections.synergyflow.platform.plugins.module_utils.cluster_facts import cluster_facts
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import components
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.findings import Findings, message
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.variables import unknown_names, validated
from ansible_collections.synergyflow.platform.plugins.plugin_utils import role_values
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "roles": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "int", "default": 30},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        roles = role_values.chosen_roles(args["roles"], self._task._role, task_vars, self._templar)
        found = {role: Findings() for role in roles}
        values = {role: self._values(role, task_vars, found[role]) for role in roles}
        sound = {role: values[role] for role in roles if not found[role].problems}
        cluster: Mapping[str, Any] = {}
        if sound:
            api = self.api(args, args["timeout"])
            cluster = cluster_facts(api)
            situation = components.Situation(
                # a check of named roles comes before any of them has written, and check mode never writes
                nothing_written_yet=bool(args["roles"]) or self._task.check_mode,
                operator_namespace=self._operator_namespace(task_vars),
                find_manifests=self._find_manifests,
            )
            for role, sound_values in sound.items():
                found[role] = components.check(role, api, sound_values, cluster, situation)
        host = str(task_vars.get("inventory_hostname", "localhost"))
        text = message(host, found)
        if text:
            raise ClusterError(text)
        return self._result(found, cluster, by_role=bool(args["roles"]))

    def _operator_namespace(self, task_vars: Mapping[str, Any]) -> str | None:
        """Where this host's site puts Strimzi; None where it does not. Defaults are here if the role is in the play."""
        if not role_values.enabled("strimzi", task_vars, self._templar, default=False):
            return None
        return str(self._templar.template(task_vars.get("strimzi_namespace", "messaging")))

    def _find_manifests(self, path: str) -> str | None:
        """Where the role strimzi will find a relative path, also when this task stands outside of it."""
        for place in (role_values.ROLES / "strimzi" / "files" / path, role_values.ROLES / "strimzi" / path):
            if place.exists():
                return str(place)
        try:
            return str(self._find_needle("files", path))
        except AnsibleError:
            return None

    def _values(self, role: str, task_vars: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
        names = [name for name in task_vars if isinstance(name, str) and isidentifier(name)]
        options = role_values.options_of(role)
        findings.problems_from(unknown_names(role, names, options, role_values.role_names()))
        values, problems = validated(role_values.values_of(role, task_vars, self._templar), options)
        findings.problems_from(problems)
        return values

    def _result(self, found: Mapping[str, Findings], cluster: Mapping[str, Any], by_role: bool) -> dict[str, Any]:
        facts = {role: findings.facts for role, findings in found.items()}
        result: dict[str, Any] = {
            "changed": False,
            "facts": facts if by_role else next(iter(facts.values()), {}),
            "skipped_parts": [part for findings in found.values() for part in findings.skipped],
            "cluster": {name: cluster.get(name) for name in ("host", "version", "requested", "storage_classes")},
        }
        warnings = [f"{sentence}." for findings in found.values() for sentence in findings.warnings]
        if warnings:
            result["warnings"] = warnings
        return result
