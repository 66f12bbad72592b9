# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report makes of the hosts' results: who gave nothing, who is switched off."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from ansible_collections.synergyflow.platform.plugins.action.evidence_report import ActionModule, silent_roles
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import criteria
from ansible_collections.synergyflow.platform.plugins.plugin_utils import report_html
from report_run import record

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs" / "report.schema.json").read_text(encoding="utf-8"))
ARGUMENTS = {
    "results": ["__evidence"],
    "finished": True,
    **dict.fromkeys(("only", "broken_off", "started", "path", "directory")),
}
NOTHING = ["nothing was measured: 0 criteria on all hosts"]
#: a criterion of each role
ONE_EACH = {
    "flux": "AC11-source", "strimzi": "strimzi.pods", "kafka_cluster": "kafka_cluster.ready",
    "schema_registry": "schema_registry.pods", "cnpg": "DB-pooler",
    "synergyflow_backend": "synergyflow_backend.pods", "volsync": "AC3-restore", "obs_collectors": "AC10-cardinality",
}  # fmt: skip


class HostVars(dict[str, Any]):
    """As Ansible has them: with their templates resolved, or as they are."""

    raw_get = dict.__getitem__


def host(*ids: str, off: tuple[str, ...] = ()) -> dict[str, Any]:
    switches = {f"{role}_enabled": False for role in off}
    return {"__evidence": {"evidence": [record(each) for each in ids]}, **switches}


def module(check_mode: bool = False) -> Any:
    """The action, with no more of Ansible than it needs."""
    action = ActionModule.__new__(ActionModule)
    action._templar = SimpleNamespace(template=lambda value: value)
    action._task = SimpleNamespace(check_mode=check_mode)
    return action


def variables_of(hosts: dict[str, Any]) -> dict[str, Any]:
    return {"hostvars": HostVars(hosts), "ansible_play_hosts_all": list(hosts)}


def report(hosts: dict[str, Any], only: tuple[str, ...] = (), skipped: tuple[str, ...] = ()) -> dict[str, Any]:
    asked = criteria.selected(only, (), skipped) if only or skipped else []
    variables = variables_of(hosts) | {"ansible_skip_tags": list(skipped)}
    return module(check_mode=True)._report({**ARGUMENTS, "only": asked}, variables)


EVERY = (*ONE_EACH.values(), "AC2-backup", "schema_registry_check.register", "AC6-topic", "AC7-lost")


def test_a_role_that_is_switched_off_is_seen_and_no_shortcoming():
    others = tuple(role for role in ONE_EACH if role != "flux")
    found = report({"apps": host(*EVERY, "AC1-pods"), "infra": host("AC11-source", off=others)})
    assert found["shortcomings"] == []
    assert found["verdict"] == "passed"
    (volsync,) = [each for each in found["evidence"]["infra"] if each["role"] == "volsync"]
    assert (volsync["status"], volsync["detail"]) == ("skipped", "switched off: volsync_enabled is false")
    assert len(found["evidence"]["infra"]) == 8


def test_a_role_that_is_switched_on_and_gave_nothing_is_a_shortcoming():
    found = report({"apps": host(*EVERY), "infra": host("AC11-source")}, ("ac11", "ac3"))
    assert found["shortcomings"] == ["infra: nothing was measured of volsync"]
    assert found["verdict"] == "incomplete"


def test_a_group_that_was_asked_for_and_has_no_record_is_a_shortcoming():
    off = ("schema_registry",)
    found = report({"apps": host("AC6-topic", off=off)}, ("ac6", "ac9"))
    assert found["shortcomings"] == ["AC9 (Schema Registry registers and evolves schemas): nothing was measured"]
    assert found["verdict"] == "incomplete"
    assert [each["id"] for each in found["evidence"]["apps"]] == ["AC6-topic"]


def test_what_is_left_out_by_skipping_others_is_switched_off_as_ever():
    off = ("schema_registry", "volsync")
    there = [each for role, each in ONE_EACH.items() if role not in off]
    found = report({"apps": host(*there, "AC6-topic", off=off)}, skipped=("ac7",))
    assert found["shortcomings"] == []


def test_a_part_that_a_cluster_has_nothing_of_is_no_shortcoming():
    # infra has dashboards and collects nothing
    hosts = {"apps": host("AC10-vmagent"), "infra": host("AC13-rules")}
    assert report(hosts, ("ac10",))["shortcomings"] == []


def test_nothing_measured_says_so_alone():
    assert report({"apps": host(off=tuple(ONE_EACH))})["shortcomings"] == NOTHING
    assert report({"apps": host()}, ("ac6",))["shortcomings"] == NOTHING


def test_what_a_run_has_measured_so_far_is_kept_until_it_ends(tmp_path, monkeypatch):
    hosts = {"apps": host("AC6-topic"), "infra": host(off=("kafka_cluster",))}
    variables = variables_of(hosts)
    given = {**ARGUMENTS, "only": ["ac6", "ac9"], "directory": str(tmp_path / "reports")}
    kept = module()._report({**given, "finished": False}, variables)
    document = json.loads((tmp_path / "reports" / "unfinished.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert (document["finished"], document["verdict"]) == (False, "incomplete")
    assert document["shortcomings"][0] == "the run has not ended: this is what was measured so far"
    assert [each["id"] for each in document["clusters"]["apps"]] == ["AC6-topic"]
    assert kept["path"] == str(tmp_path / "reports" / "unfinished.json")

    monkeypatch.setattr(report_html, "plots", lambda _measures: [])
    ended = module()._report(given, variables)
    assert [each.name for each in (tmp_path / "reports").iterdir()] == [Path(ended["directory"]).name]
    assert json.loads((Path(ended["directory"]) / "report.json").read_text(encoding="utf-8"))["finished"]


def test_check_mode_keeps_nothing(tmp_path):
    variables = variables_of({"apps": host("AC6-topic")})
    given = {**ARGUMENTS, "only": ["ac6"], "directory": str(tmp_path), "finished": False}
    assert "path" not in module(check_mode=True)._report(given, variables)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("role", ONE_EACH)
def test_a_role_that_was_broken_off_is_not_silent(role):
    assert silent_roles([record(f"{role}.broken_off", "failed")], [], criteria.selected([role])) == []
    assert silent_roles([], [], criteria.selected([role])) == [role]
