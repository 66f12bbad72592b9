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
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import capacity, components
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.cluster_operator import Operator
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.findings import Findings, message
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.variables import unknown_names, validated
from ansible_collections.synergyflow.platform.plugins.plugin_utils import role_values, staging
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "roles": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "int", "default": 30},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        roles = role_values.chosen_roles(args["roles"], self._task._role, task_vars, self._templar)
        if args["roles"]:  # what a role that is not in this run would lack keeps nobody from running another
            roles = [role for role in roles if role_values.in_this_run(role, self._task, task_vars)] or roles
        found = {role: Findings() for role in roles}
        values = {role: self._values(role, task_vars, found[role]) for role in roles}
        sound = {role: values[role] for role in roles if not found[role].problems}
        cluster: Mapping[str, Any] = {}
        demands: dict[str, capacity.Demand] = {}
        if sound:
            api = self.api(args, args["timeout"])
            cluster = cluster_facts(api)
            host = str(task_vars.get("inventory_hostname", "localhost"))
            situation = components.Situation(
                # a check of named roles comes before any of them has written, and check mode never writes; what is
                # staged is not written either
                nothing_written_yet=bool(args["roles"]) or self._task.check_mode or staging.is_pending(host),
                by_git=staging.delivery(task_vars, self._templar) == staging.GITOPS,
                host=host,
                operator=self._operator(task_vars),
                kafka_cluster=self._kafka_cluster(task_vars),
                find_manifests=self._find_manifests,
                other=lambda role: self._other(role, task_vars),
            )
            for role, sound_values in sound.items():
                found[role] = components.check(role, api, sound_values, cluster, situation)
            demands = {role: found[role].demand for role in sound}
        host = str(task_vars.get("inventory_hostname", "localhost"))
        together = Findings(problems=capacity.problems_together(demands, cluster) if demands else [])
        text = message(host, {**found, "all roles": together})
        if text:
            raise ClusterError(text)
        table = capacity.table(demands, cluster) if demands else ""
        return {**self._result(found, cluster, by_role=bool(args["roles"])), "capacity": table}

    def _operator(self, task_vars: Mapping[str, Any]) -> Operator | None:
        """The operator that this run brings: the role strimzi is switched on here, and its tags are chosen."""
        if not role_values.enabled("strimzi", task_vars, self._templar, default=False):
            return None
        if not role_values.in_this_run("strimzi", self._task, task_vars) and "__strimzi_applied" not in task_vars:
            return None
        values = role_values.values_of("strimzi", task_vars, self._templar)
        sound, problems = validated(values, role_values.options_of("strimzi"))
        if problems:  # they are said where the role is checked
            return Operator(str(values.get("strimzi_namespace", "messaging")), None)
        return components.operator_to_come(sound, self._find_manifests)

    def _kafka_cluster(self, task_vars: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The variables of the Kafka that this run deploys; None where it does not."""
        if not role_values.enabled("kafka_cluster", task_vars, self._templar, default=False):
            return None
        if (
            not role_values.in_this_run("kafka_cluster", self._task, task_vars)
            and "__kafka_cluster_applied" not in task_vars
        ):
            return None
        values = role_values.typed_values("kafka_cluster", task_vars, self._templar)
        return values if "kafka_cluster_users" in values else None

    def _other(self, role: str, task_vars: Mapping[str, Any]) -> dict[str, Any] | None:
        """The values of a role that this run brings as well; None where it does not."""
        if role not in role_values.role_names() or not role_values.enabled(role, task_vars, self._templar, False):
            return None
        if not role_values.in_this_run(role, self._task, task_vars):
            return None
        return role_values.typed_values(role, task_vars, self._templar)

    def _find_manifests(self, path: str) -> str | None:
        """Where a role will find a relative path of manifests, also when this task stands outside of it."""
        for role in role_values.role_names():
            for place in (role_values.ROLES / role / "files" / path, role_values.ROLES / role / path):
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
