# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as JSON, JUnit and Markdown, and what it says of the run before."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.action import evidence_report
from ansible_collections.synergyflow.platform.plugins.action.evidence_report import gathered_facts, write_report
from ansible_collections.synergyflow.platform.plugins.module_utils.api import _caught
from ansible_collections.synergyflow.platform.plugins.module_utils.cluster_facts import identity_facts
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import changes, figures
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.junit import junit
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.markdown import markdown
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import table
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.wording import verdict_words
from ansible_collections.synergyflow.platform.plugins.plugin_utils import report_files, report_html, report_plots
from report_run import FACTS, NOW, made, record, whole_run

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes half a second a page."""
    monkeypatch.setattr(report_html, "plots", lambda _measures: [])


def statuses(document: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["status"] for each in document["criteria"]}


def test_the_verdict_and_the_groups(run, broken):
    good = made(run)
    assert good["verdict"] == "passed", "stand-ins without metrics are as they should be"
    found = statuses(good)
    assert found["AC4"] == "blocked"
    assert found["AC5"] == found["AC11"] == "passed"
    assert found["AC6"] == "not measured"
    assert found["cnpg"] == "skipped"
    assert found["AC13"] == "incomplete", "only the others' tests have said something of it"
    found = statuses(made(broken))
    assert found["AC5"] == "failed"
    assert found["AC8"] == "failed", "its NetworkPolicy is its own"
    run["apps"].append(record("AC1-log", "blocked", None, None, detail="forbidden"))
    assert made(run)["verdict"] == "incomplete"


def test_a_group_without_the_measurement_it_is_about_is_incomplete(run):
    run["apps"] += [
        record("kafka_topics.in_sync"), record("AC7-lost", "skipped", None, None), record("AC7-producer-rate"),
        record("AC6-consumed", "skipped", None, None), record("kafka_cluster.zones", "skipped", None, None),
    ]  # fmt: skip
    document = made(run)
    found = statuses(document)
    assert (found["AC7"], found["AC6"]) == ("incomplete", "skipped")
    assert found["AC5"] == "passed", "a setting that is not used takes nothing from its group"
    assert document["verdict"] == "passed", "what was skipped for a reason does not fail the run"
    assert document["shortcomings"] == []
    assert verdict_words(document) == "The platform is as it should be; not asked for in full: AC6, AC7"
    assert verdict_words(made(run, ("ac5",))).endswith("as far as AC5 tell")


def test_a_part_of_the_criteria_has_those_alone(broken):
    document = made(broken, ("ac5",))
    assert list(statuses(document)) == ["AC5"]
    assert {each["id"].partition(".")[0] for each in document["clusters"]["apps"]} == {"kafka_cluster", "kafka_topics"}
    assert document["clusters"]["infra"] == []


def test_the_json_is_as_the_schema_says(run, broken, tmp_path):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for number, records in enumerate((run, broken)):
        written = write_report(tmp_path, made(records), NOW + timedelta(minutes=number))
        document = json.loads((Path(written["directory"]) / "report.json").read_text(encoding="utf-8"))
        jsonschema.validate(document, SCHEMA)
    assert document["previous"]["report"] == "20261121T120000Z"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "schema_version": 2}, SCHEMA)


def test_what_has_changed_since_the_run_before(run, broken, tmp_path):
    assert write_report(tmp_path, made(broken), NOW)["report"].endswith("20261121T120000Z/report.html")
    again = made(run)
    again["clusters"]["apps"] = [each for each in again["clusters"]["apps"] if each["id"] != "AC2-backup"]
    write_report(tmp_path, again, NOW + timedelta(hours=1))
    changed = {each["id"]: (each["before"], each["now"], each["change"]) for each in again["previous"]["changes"]}
    assert changed["kafka_cluster.ready"] == ("failed", "passed", "better")
    assert changed["AC2-backup"] == ("passed", None, "gone")
    assert "kafka_topics.present" not in changed
    # a run of one criterion is no run before a whole one, and takes no notice of what it did not ask for
    write_report(tmp_path, made(run, ("ac5",)), NOW + timedelta(hours=2))
    whole = made(broken)
    write_report(tmp_path, whole, NOW + timedelta(hours=3))
    assert whole["previous"]["report"] == "20261121T130000Z"
    assert {each["change"] for each in whole["previous"]["changes"]} == {"worse", "new"}


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ("failed", "blocked", "no longer measured"), ("failed", "skipped", "no longer measured"),
        ("passed", "blocked", "no longer measured"), ("passed", "skipped", "no longer measured"),
        ("passed", "failed", "worse"), ("blocked", "failed", "worse"),
        ("failed", "passed", "better"), ("blocked", "passed", "better"), ("blocked", "skipped", "other"),
    ],
)  # fmt: skip
def test_what_is_no_longer_measured_is_neither_better_nor_worse(before, now, said):
    old, new = ({"apps": [record("AC6-topic", status)]} for status in (before, now))
    assert [each["change"] for each in changes.changes(old, new, ["ac6"])] == [said]
    assert said in report_html.SIGNS
    assert f".result.{said.replace(' ', '-')}" in (report_html.TEMPLATES / "report.css").read_text(encoding="utf-8")


def test_a_run_on_another_cluster_of_the_same_name_is_no_run_before(run):
    now, before = made(run), made(run)
    assert now["platforms"] == {"apps": FACTS["cluster"]}
    assert "cluster" not in now["facts"]["apps"]
    assert changes.comparable(before, now)
    before["platforms"] = {"apps": {**FACTS["cluster"], "uid": "another"}}
    assert not changes.comparable(before, now)
    before["platforms"]["apps"]["uid"] = None
    assert changes.comparable(before, now), "who may not read it compares all the same"
    del before["platforms"]
    assert changes.comparable(before, now), "reports of before they had it"


def test_the_version_of_the_collection_is_known():
    galaxy = yaml.safe_load((report_files.ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert report_files.collection_version() == galaxy["version"]


class OneCluster:
    """An API server that answers two questions, or refuses them."""

    connection = SimpleNamespace(host="https://10.0.0.1:6443")

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses

    def json(self, _method: str, path: str) -> dict[str, Any]:
        self._answer(path)
        return {"gitVersion": "v1.34.1"}

    def get(self, _resource: Any, _namespace: str, name: str) -> dict[str, Any] | None:
        self._answer(name)
        return {"metadata": {"uid": f"uid-of-{name}"}}

    def _answer(self, about: str) -> None:
        if self.refuses in (about, "everything"):
            raise ClusterError("forbidden")

    def each(self, work: Any, items: Any) -> list[Any]:
        return [_caught(work, item) for item in items]


def test_which_cluster_it_is():
    api: Any = OneCluster()
    where = {"server": "https://10.0.0.1:6443", "uid": "uid-of-kube-system", "kubernetes": "v1.34.1"}
    assert identity_facts(api) == {"cluster": where}
    api.refuses = "kube-system"
    assert identity_facts(api) == {"cluster": {**where, "uid": None}}
    api.refuses = "everything"
    assert identity_facts(api) == {}


def test_reports_that_cannot_be_read_are_passed_over(run, tmp_path):
    for name, text in (("20261121T110000Z", "{"), ("20261121T110001Z", '{"schema_version": 99}'), ("notes", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(text)
    found = made(run)
    write_report(tmp_path, found, NOW)
    assert found["previous"] is None


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize(
    "odd",
    [
        lambda document: document["clusters"]["apps"][0].update(status="wonderful"),
        lambda document: document["clusters"]["apps"][0].pop("unit"),
        lambda document: document.update(counts={"passed": "many"}),
        lambda document: document.pop("verdict"),
    ],
    ids=["status", "unit", "counts", "verdict"],
)
def test_an_earlier_report_that_is_odd_costs_nothing(run, tmp_path, odd):
    write_report(tmp_path, made(run), NOW)
    strange = made(run)
    odd(strange)
    (tmp_path / "20261121T130000Z").mkdir()
    (tmp_path / "20261121T130000Z" / "report.json").write_text(json.dumps(strange), encoding="utf-8")
    found = made(run)
    written = write_report(tmp_path, found, NOW + timedelta(hours=2))
    assert written["problems"] == []
    assert "20261121T130000Z" in written["warnings"][0]
    assert found["previous"]["report"] == "20261121T120000Z"


FORMS = {"junit": "junit.xml", "markdown": "report.md", "report_html": "report.html"}


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize(("form", "name"), FORMS.items())
def test_a_form_that_cannot_be_made_costs_no_other(run, tmp_path, monkeypatch, form, name):
    def fails(*_args: Any) -> str:
        raise KeyError("unheard of")

    broken = fails if form != "report_html" else SimpleNamespace(page=fails)
    monkeypatch.setattr(evidence_report, form, broken)
    written = write_report(tmp_path, made(run), NOW)
    assert written["problems"] == [f"{name} could not be made: KeyError: 'unheard of'"]
    there = {each.name for each in Path(written["directory"]).iterdir()}
    assert there == {"report.html", "report.json", "report.md", "junit.xml"} - {name}
    assert ("report" in written) == (name != "report.html")


def test_the_file_is_written_though_the_folder_cannot_be(run, tmp_path):
    (tmp_path / "taken").write_text("a file, no folder")
    module = evidence_report.ActionModule.__new__(evidence_report.ActionModule)
    result: dict[str, Any] = {"shortcomings": [], "table": ""}
    file = tmp_path / "evidence.json"
    module._write({"directory": str(tmp_path / "taken" / "reports"), "path": str(file)}, made(run), NOW, result)
    assert json.loads(file.read_text(encoding="utf-8"))["schema_version"] == 1
    assert len(result["shortcomings"]) == 1
    assert result["shortcomings"][0].startswith("the report could not be written: ")
    assert result["path"] == str(file)


def test_a_table_has_letters_for_any_number_of_stand_ins():
    found = [record(f"AC{number}-x", stand_in=[f"stand-in-{number:02}"]) for number in range(30)]
    assert "z: stand-in-25, aa: stand-in-26" in table({"apps": found})


def test_two_runs_of_one_second_have_a_folder_each(run, tmp_path):
    folders = {write_report(tmp_path, made(run), NOW)["directory"] for _run in range(2)}
    assert {Path(each).name for each in folders} == {"20261121T120000Z", "20261121T120000Z-2"}
    assert {each.name for each in Path(folders.pop()).iterdir()} == {
        "report.html", "report.json", "report.md", "junit.xml"
    }  # fmt: skip


def test_a_report_that_cannot_be_written_leaves_nothing(run, tmp_path, monkeypatch):
    def full(*_args: Any, **_more: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        report_files.write_run(tmp_path, NOW, {"report.json": "{}"})
    assert list(tmp_path.iterdir()) == []


def test_text_of_no_encoding_is_written_all_the_same(tmp_path):
    odd = record("kafka_cluster.ready", "failed", "a\udcff", "b", detail="\ud800")
    folder = Path(write_report(tmp_path, made({"apps": [odd]}), NOW)["directory"])
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["clusters"]["apps"][0]["detail"] == "\ud800"
    ElementTree.fromstring((folder / "junit.xml").read_text(encoding="utf-8"))


def cases(document: dict[str, Any]) -> dict[str, str]:
    """Each case's id -> the element that says its outcome."""
    root = ElementTree.fromstring(junit(document))
    return {
        str(case.get("name")).rpartition("(")[2].rstrip(")"): next(
            (each.tag for each in case if each.tag != "system-out"), ""
        )
        for case in root.iter("testcase")
    }


def test_junit_tells_failures_from_what_could_not_be_measured(broken):
    broken["apps"].append(record("AC1-log", "blocked", None, None, detail="forbidden"))
    found = cases(made(broken))
    assert found["kafka_cluster.ready"] == "failure"
    assert found["schema_registry.pods"] == "skipped", "blocked by Kafka, which has failed itself"
    assert found["AC1-log"] == "error"
    assert found["strimzi.metrics"] == "skipped"
    assert found["DB-lag"] == "skipped"
    assert found["kafka_topics.present"] == ""
    root = ElementTree.fromstring(junit(made(broken)))
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "13", "failures": "3", "errors": "1"
    }  # fmt: skip
    failure = root.find(".//testcase/failure")
    assert failure is not None
    assert "NotReady, expected Ready" in str(failure.get("message"))
    assert "Kafka a/b: NotReady" in str(failure.text)


def test_junit_holds_what_programs_print():
    text = "a\x00b\x1b[31m <c> & \ud800"
    document = made({"apps": [record("kafka_cluster.ready", "failed", text, "Ready", detail=text, behind=[text])]})
    found = ElementTree.fromstring(junit(document)).find(".//failure")
    assert found is not None
    assert "<c> &" in str(found.get("message"))


def test_markdown_is_a_table_whatever_is_in_it(broken):
    broken["apps"][1] |= {"title": "a | b\n<script>", "detail": "*c* `d`"}
    text = markdown(made(broken))
    line = next(each for each in text.splitlines() if "NotReady" in each)
    assert line == r"| apps | failed | a \| b \<script\> | NotReady | Ready | \*c\* \`d\` |"
    assert "## ❌ The platform is not as it should be" in text
    assert "AC6: Kafka takes and gives messages" in text
    assert "while kafka\\_cluster is broken, 2 more criteria cannot be met" in text
    assert "| apps | Registry is quick | 20 ms | at most 100 ms | ✅ |" in text
    assert (
        len({each.count("|") - each.count("\\|") for each in text.splitlines() if each.startswith("| apps | failed")})
        == 1
    )


@pytest.mark.parametrize(
    ("expected", "unit", "limit"),
    [
        ("under 300 s", "s", (True, 300.0)),
        ("< 200000", "series", (True, 200000.0)),
        ("<= 26", "hours old", (True, 26.0)),
        ("at most 120 s", "s", (True, 120.0)),
        (100, "ms", (True, 100.0)),
        ("> 10000", "messages/s", (False, 10000.0)),
        (10000, "messages/s", (False, 10000.0)),
        (3, "pods", None),
        ("3 replicas", "", None),
        ("Ready, Kafka 4.3.1", "", None),
        (True, "s", None),
        (None, "ms", None),
    ],
)
def test_limits_are_read_from_expectations(expected, unit, limit):
    assert figures.limit_of(expected, unit) == limit


def test_measures_are_numbers_with_a_limit_and_have_the_run_before():
    records = whole_run()
    before = {("apps", "AC2-backup"): record("AC2-backup", observed=8.0)}
    found = {each.title: each for each in figures.measures(made(records)["clusters"], before)}
    assert list(found) == ["Registry is quick", "Title of AC2-backup", "Title of AC7-producer-rate"]
    assert found["Title of AC2-backup"].before == 8.0
    assert not found["Title of AC7-producer-rate"].most
    assert found["Title of AC7-producer-rate"].of_limit(15000) == 1.5


def test_percentiles_of_records_of_their_own_are_shown_together():
    records = [
        record("AC7-latency-p50", observed=2.0, expected=None, unit="ms"),
        record("AC7-latency-p95", observed=8.5, expected="< 50", unit="ms"),
        record("AC7-latency-p99", observed=9.5, expected="< 100", unit="ms"),
    ]
    found = figures.measures({"apps": records}, {})
    assert [each.figures for each in found] == [{"p50": 2.0, "p95": 8.5, "p99": 9.5}, {}]
    assert found[0].judged == {"p95": "passed", "p99": "passed"}, "each by its own limit, not by that of the 95th"


BASELINES = [
    record("AC7-producer-rate", observed=15000, expected=None, unit="messages/s"),
    record("AC7-latency-p50", observed=2.0, expected=None, unit="ms"),
    record("AC7-latency-p95", observed=8.5, expected=None, unit="ms"),
    record("AC7-latency-p99", observed=9.5, expected=None, unit="ms"),
    record("kafka_topics.unexpected", observed=2, expected=None, unit="topics"),
]


def test_baselines_without_a_target_are_shown_all_the_same():
    found = figures.measures({"apps": BASELINES}, {("apps", "AC7-producer-rate"): record("x", observed=9000)})
    assert [(each.title, each.limit, each.limit_words) for each in found] == [
        ("Title of AC7-producer-rate", None, "none"), ("Title of AC7-latency-p95", None, "none")
    ]  # fmt: skip
    assert found[0].before == 9000
    assert found[1].figures == {"p50": 2.0, "p95": 8.5, "p99": 9.5}
    assert found[1].judged == {}
    assert "| apps | Title of AC7-producer-rate | 15000 messages/s | none | ✅ |" in markdown(made({"apps": BASELINES}))
    titles = [each.title for each in report_plots.plots(found)]
    assert titles == [
        "Throughput without a target: longer bars are better", "Latency: median, 95th and 99th percentile"
    ]  # fmt: skip


def test_a_percentile_has_the_colour_of_its_own_limit(monkeypatch):
    records = [
        record("AC7-latency-p50", observed=2.0, expected=None, unit="ms"),
        record("AC7-latency-p95", "failed", observed=60.0, expected="< 50", unit="ms"),
        record("AC7-latency-p99", observed=90.0, expected="< 100", unit="ms"),
    ]
    found = figures.measures({"apps": records}, {})
    assert found[0].judged == {"p95": "failed", "p99": "passed"}
    shown: list[str] = []
    monkeypatch.setattr(report_plots, "_colour", lambda status: shown.append(status) or report_plots.INK)
    report_plots.plots(found)
    assert shown == ["", "failed", "passed"]


def test_facts_are_gathered_from_what_the_checks_registered():
    host = {
        "__a": {"evidence": [], "facts": {"flux": {"graph": []}}},
        "__b": {"topics": [{"name": "t"}], "backups": []},
        "__c": "not a result",
    }
    assert gathered_facts(host, ["__a", "__b", "__c", "__d"]) == {"flux": {"graph": []}, "topics": [{"name": "t"}]}
