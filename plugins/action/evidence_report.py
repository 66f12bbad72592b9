# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the evidence of all clusters as a table, and writes the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import criteria, records
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.document import (
    beside,
    completed,
    document,
    shortcomings,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.junit import junit
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.markdown import markdown
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.wording import count_words
from ansible_collections.synergyflow.platform.plugins.plugin_utils import report_files, report_html, role_values
from ansible_collections.synergyflow.platform.plugins.plugin_utils.role_values import plain

#: parts of a registered result that the report shows beside the criteria
SHOWN = ("topics", "backups")
NOT_FINISHED = "the run has not ended: this is what was measured so far"


class ActionModule(ActionBase):
    """See the module of the same name for the documentation."""

    _requires_connection = False
    _supports_check_mode = True

    ARGUMENTS = {  # noqa: RUF012
        "results": {"type": "list", "elements": "str", "required": True},
        "broken_off": {"type": "str"},
        "only": {"type": "list", "elements": "str", "default": []},
        "started": {"type": "str"},
        "path": {"type": "path"},
        "directory": {"type": "path"},
        "finished": {"type": "bool", "default": True},
    }

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(self.ARGUMENTS)
        try:
            return self._report(args, task_vars or {})
        except ClusterError as error:
            return {"failed": True, "changed": False, "msg": str(error)}

    def _report(self, args: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        selected = criteria.selected(args["only"])
        hosts = variables.get("ansible_play_hosts_all") or []
        # results hold no templates, and looking for some takes a second for a thousand topics
        raw = {host: variables["hostvars"].raw_get(host) for host in hosts}
        facts = {host: gathered_facts(found, args["results"]) for host, found in raw.items()}
        seen = {host: gathered(found, args["results"], args["broken_off"]) for host, found in raw.items()}
        off = {host: self._switched_off(variables["hostvars"][host], selected) for host in hosts}
        silent = {host: silent_roles(seen[host], off[host], selected) for host in hosts}
        if not criteria.by_name(selected, variables.get("ansible_skip_tags") or ()):
            seen = {host: [*found, *switched_off(off[host])] for host, found in seen.items()}
        by_cluster = {host: completed(found, facts[host], selected) for host, found in seen.items()}
        short = shortcomings(by_cluster, silent, selected)
        if not args["finished"]:
            short = [NOT_FINISHED, *short]
        now = datetime.now(UTC).replace(microsecond=0)
        started = datetime.fromisoformat(args["started"]) if args["started"] else None
        found = document(
            by_cluster,
            facts,
            short=short,
            selected=selected,
            started=started,
            now=now,
            collection=report_files.collection_version(),
            finished=args["finished"],
        )
        if not args["finished"]:
            return self._keep(args, found)
        result: dict[str, Any] = {
            "changed": False,
            "counts": found["counts"],
            "verdict": found["verdict"],
            "evidence": by_cluster,
            "shortcomings": short,
            "table": f"{records.table(by_cluster)}\n\n{count_words(found['counts'])}.",
        }
        if not self._task.check_mode:
            self._write(args, found, now, result)
        return result

    def _keep(self, args: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        """What is left of a run that is interrupted from here on."""
        result: dict[str, Any] = {"changed": False, "counts": found["counts"]}
        if args["directory"] and not self._task.check_mode:
            path = folder_of(args) / report_files.UNFINISHED
            try:
                result["path"] = str(report_files.write_file(path, report_files.as_json(found, indent=None)))
            except OSError as error:  # said at the end, when there is a report to lose
                result["msg"] = f"{path} could not be written: {error}"
        return result

    def _switched_off(self, host: Mapping[str, Any], selected: Iterable[str]) -> list[str]:
        roles = criteria.roles_for(selected)
        return [role for role in roles if not role_values.enabled(role, host, self._templar)]

    def _write(self, args: Mapping[str, Any], found: dict[str, Any], now: datetime, result: dict[str, Any]) -> None:
        """What was measured is told in any case: a report that cannot be written is a shortcoming more."""
        problems: list[str] = []
        if args["directory"]:
            try:
                written = write_report(folder_of(args), found, now)
                problems += written.pop("problems")
                result |= written
                (folder_of(args) / report_files.UNFINISHED).unlink(missing_ok=True)
            except Exception as error:
                problems.append(f"the report could not be written: {reason_of(error)}")
        if args["path"]:
            path = Path(args["path"]).expanduser().absolute()
            try:
                result["path"] = str(report_files.write_file(path, report_files.as_json(found)))
            except Exception as error:
                problems.append(f"{path} could not be written: {reason_of(error)}")
        result["shortcomings"] = [*result["shortcomings"], *problems]
        if "report" in result:
            result["table"] += f"\nThe report: {result['report']}"


def folder_of(args: Mapping[str, Any]) -> Path:
    """Where the reports are."""
    return Path(args["directory"]).expanduser().absolute()


def reason_of(error: Exception) -> str:
    """Why something could not be done; what is a fault of the program says what kind."""
    return str(error) if isinstance(error, OSError) else f"{error.__class__.__name__}: {error}"


def write_report(directory: Path, found: dict[str, Any], now: datetime) -> dict[str, Any]:
    """All forms of the report, beside the reports of earlier runs. `problems`: the forms that could not be made."""
    before = report_files.previous(directory, found)
    found |= beside(found, before.document, before.name)
    forms: dict[str, Callable[[dict[str, Any]], str]] = {
        report_files.DATA: report_files.as_json,
        report_files.CASES: junit,
        report_files.SUMMARY: markdown,
        report_files.PAGE: lambda document: report_html.page(document, before.document),
    }
    files, problems = {}, []
    for name, form in forms.items():
        try:
            files[name] = form(found)
        except Exception as error:  # one form is not worth the others
            problems.append(f"{name} could not be made: {reason_of(error)}")
    folder = report_files.write_run(directory, now, files)
    written: dict[str, Any] = {"directory": str(folder), "problems": problems}
    if report_files.PAGE in files:
        written["report"] = str(folder / report_files.PAGE)
    if before.passed_over:
        names = ", ".join(before.passed_over)
        written["warnings"] = [f"Reports that this run cannot be compared with, as they lack what is compared: {names}"]
    return written


def gathered(host: Mapping[str, Any], names: list[str], broken_off: str | None) -> list[dict[str, Any]]:
    """The records of one host's registered results, and one more for each role whose measuring was broken off."""
    found: list[dict[str, Any]] = []
    for name in names:
        result = host.get(name)
        if isinstance(result, Mapping):
            found += plain(result.get("evidence")) or []
    for role, reason in (plain(host.get(broken_off)) or {}).items() if broken_off else ():
        found.append(records.broken_off(role, str(reason)).plain())
    return found


def silent_roles(seen: Iterable[Mapping[str, Any]], off: Iterable[str], selected: Iterable[str]) -> list[str]:
    """The roles of a host that were to be measured and gave no record.

    All records count, not only those that were asked for: of a part of the criteria a role may have none here.
    """
    there = {criteria.role_of(record["id"]) for record in seen}
    return [role for role in criteria.roles_for(selected) if role not in there and role not in off]


def switched_off(roles: Iterable[str]) -> list[dict[str, Any]]:
    """A record for each role that a host does not run, so that it is to be seen."""
    return [
        records.unmeasured(
            f"{role}{criteria.SWITCHED_OFF}",
            f"The role {role} runs here",
            records.SKIPPED,
            f"switched off: {role}_enabled is false",
        ).plain()
        for role in roles
    ]


def gathered_facts(host: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """What the registered results of one host tell beside their records."""
    found: dict[str, Any] = {}
    for name in names:
        result = host.get(name)
        if not isinstance(result, Mapping):
            continue
        found |= plain(result.get("facts")) or {}
        found |= {part: plain(result[part]) for part in SHOWN if result.get(part)}
    return found
