# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors' criteria, each met and not met. What could not be asked is never met."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.action.evidence_report import shortcomings
from ansible_collections.synergyflow.platform.plugins.module_utils import collected as collecting
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.collected import Alert, Collected
from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import NOT_SERVED, Seen
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import obs_collectors as evidence
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.document import excused
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record
from ansible_collections.synergyflow.platform.plugins.module_utils.grafana_dashboard import grafana_dashboard
from ansible_collections.synergyflow.platform.plugins.module_utils.scrape_jobs import ROLES, expected_jobs
from ansible_collections.synergyflow.platform.plugins.module_utils.stores import Series, StoreError
from failing import fails
from scripted_api import ScriptedConnection, answer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STARTED = "2026-11-21T11:30:00Z"
AWAY = StoreError("The store at x does not answer: refused.")
REFUSED = StoreError("The store at x refuses the query (HTTP 422): cannot parse.", 422)
STAND_IN = {"synergyflow.platform/stand-in": "fluent-bit"}


def pod(name: str, node: str = "node-a", namespace: str = "observability", **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"nodeName": node, "containers": [{"name": "c", "ports": [{"containerPort": 9187}]}]},
        "status": {"phase": "Running", "startTime": STARTED, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def series(value: float, **labels: str) -> Series:
    return Series(labels, value)


def up(value: float, job: str, name: str) -> Series:
    return series(value, job=job, namespace="observability", pod=name)


@pytest.fixture
def seen() -> Seen:
    ours = {"app.kubernetes.io/name": "fluent-bit"}
    daemon_set = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "fluent-bit", "generation": 1},
        "status": {
            "observedGeneration": 1,
            "desiredNumberScheduled": 2,
            "updatedNumberScheduled": 2,
            "numberReady": 2,
            "numberAvailable": 2,
        },
    }
    stateful_set = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "vmagent", "generation": 1},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1},
    }
    return Seen(
        {
            "daemon_sets": [daemon_set],
            "stateful_sets": [stateful_set],
            "pods": [pod("fluent-bit-1", "node-a", **ours), pod("fluent-bit-2", "node-b", **ours), pod("vmagent-0")],
            "nodes": [{"metadata": {"name": "node-a"}}, {"metadata": {"name": "node-b"}}],
        }
    )


@pytest.fixture
def found() -> Collected:
    at = NOW.timestamp() - 10
    pods = {"postgresql": [pod("db-1"), pod("db-2")], "vmagent": [pod("vmagent-0")], "flux": []}
    return Collected(
        running=pods,
        targets=dict(pods),
        up=[up(1, "postgresql", "db-1"), up(1, "postgresql", "db-2"), up(1, "vmagent", "vmagent-0")],
        taken=[up(at, "postgresql", "db-1"), up(at, "postgresql", "db-2"), up(at, "vmagent", "vmagent-0")],
        lines={"node-a": 10, "node-b": 5},
        pod_lines={("observability", "db-1"): 7, ("observability", "vmagent-0"): 3},
        dropped={"lines": [series(0)], "blocks": [series(0)]},
        series=[series(1234)],
        alerts=[(Alert("Lost", "a > 0", "critical"), []), (Alert("Slow", "b > 0", "warning"), [])],
        panels={"kafka": {"In": [series(1)], "Out": []}},
    )


def measured(
    values: Mapping[str, Any],
    seen: Seen,
    found: Collected,
    logs: Mapping[str, Any] | None = None,
    expected: Collection[str] = (),
) -> dict[str, Record]:
    given = {"vmagent-0": "2026-11-21T11:59:00.0Z info\tfine\n"} if logs is None else logs
    return {record.id: record for record in evidence.records(values, seen, found, given, NOW, expected=expected)}


def test_all_is_well(collectors_values, seen, found):
    records = measured(collectors_values, seen, found)
    assert {key: each.status for key, each in records.items() if each.status != "passed"} == {
        "AC10-flux.metrics": "skipped",
        "AC10-flux.logs": "skipped",
    }
    assert records["AC10-postgresql.logs"].detail == "7 lines, none of observability/db-2"
    assert records["AC10-postgresql.metrics"].observed == 2
    assert records["AC13-dashboard-kafka"].detail == "without data now: Out"


def test_a_pod_without_samples_is_named(collectors_values, seen, found):
    found.up = [each for each in found.up if each.labels["pod"] != "db-2"]
    records = measured(collectors_values, seen, found)
    fails(records, "AC10-postgresql.metrics", "1 instead of 2: observability/db-2: no series")


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=31)])
def test_samples_of_before_the_pod_or_of_long_ago_do_not_count(collectors_values, seen, found, age):
    found.taken = [
        series((NOW - age).timestamp(), **each.labels) if each.labels["pod"] == "db-1" else each for each in found.taken
    ]
    record = measured(collectors_values, seen, found)["AC10-postgresql.metrics"]
    assert record.status == "failed"
    assert "db-1: nothing since it started" in record.detail


@pytest.mark.parametrize("reverse", [False, True])
def test_a_pod_that_came_back_is_judged_by_its_own_series(collectors_values, seen, found, reverse):
    before = [series(each.value, **each.labels, instance="before") for each in found.up]
    old = [series((NOW - timedelta(minutes=6)).timestamp(), **each.labels) for each in before]
    found.up = [*(series(0, **each.labels) for each in before), *found.up][:: -1 if reverse else 1]
    found.taken = [*old, *found.taken][:: -1 if reverse else 1]
    assert measured(collectors_values, seen, found)["AC10-postgresql.metrics"].status == "passed"
    assert not evidence.awaited(seen, found, NOW)


def test_a_job_of_stand_ins_that_answer_nothing_is_blocked_and_no_shortcoming(collectors_values, seen, found):
    found.targets = {"kafka": [pod("k-0", **STAND_IN)]}
    found.up = [up(0, "kafka", "k-0")]
    record = measured(collectors_values, seen, found)["AC10-kafka.metrics"]
    assert (record.status, record.stand_in) == ("blocked", ["fluent-bit"])
    assert "does not answer vmagent" in record.detail
    assert shortcomings({"apps": [record.plain()]}, {}) == []
    found.targets = {"kafka": [pod("k-0")]}
    assert measured(collectors_values, seen, found)["AC10-kafka.metrics"].status == "failed", "on a real cluster"


def test_a_store_that_is_away_leaves_nothing_met(collectors_values, seen, found):
    found.up = found.taken = found.unlabelled = found.lines = found.lines_unlabelled = found.series = AWAY
    found.metrics_store = found.logs_store = found.pod_lines = AWAY
    found.dropped = {"lines": AWAY}
    found.alerts = [(alert, AWAY) for alert, _ in found.alerts]
    found.panels = {"kafka": {"In": AWAY}}
    records = measured(collectors_values, seen, found)
    passed = {key for key, each in records.items() if each.status == "passed"}
    assert passed == {"AC10-fluent-bit", "AC10-vmagent", "AC10-log", "AC13-rules"}
    for identity in ("AC10-metrics-store", "AC10-logs-store"):
        fails(records, identity, "no answer instead of an answer: The store at x does not answer: refused.")
    blocked = [each for each in records.values() if each.status == "blocked"]
    assert all("does not answer" in each.detail for each in blocked)
    assert len(shortcomings({"apps": [each.plain() for each in blocked]}, {})) == len(blocked)


def test_a_component_whose_lines_do_not_arrive_has_failed(collectors_values, seen, found):
    found.pod_lines, found.wrote = {("observability", "vmagent-0"): 3, ("other", "db-1"): 5}, {"postgresql": True}
    words = "0 instead of > 0: 0 lines, none of observability/db-1, observability/db-2"
    fails(measured(collectors_values, seen, found), "AC10-postgresql.logs", words)


def test_a_component_that_wrote_nothing_has_nothing_to_send(collectors_values, seen, found):
    found.pod_lines, found.wrote = {}, {"postgresql": False, "vmagent": AWAY}
    records = measured(collectors_values, seen, found)
    assert (records["AC10-postgresql.logs"].status, records["AC10-vmagent.logs"].status) == ("skipped", "blocked")
    found.running["vmagent"] = [pod("vmagent-0", **STAND_IN)]
    assert measured(collectors_values, seen, found)["AC10-vmagent.logs"].status == "skipped", "it may have none"
    values = {**collectors_values, "obs_collectors_log_exclude_namespaces": ["observability"]}
    assert "obs_collectors_log_exclude_namespaces" in measured(values, seen, found)["AC10-vmagent.logs"].detail
    found.running["vmagent"] = AWAY
    assert measured(collectors_values, seen, found)["AC10-vmagent.logs"].status == "blocked"


def test_lines_of_what_was_deployed_a_moment_ago_are_waited_for(seen, found):
    began = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
    found.taken = [series(began.timestamp() + 5, **each.labels) for each in found.taken]
    assert not evidence.awaited(seen, found, began + timedelta(minutes=1))
    found.wrote = {"postgresql": True, "flux": False}
    assert evidence.awaited(seen, found, began + timedelta(minutes=1))
    assert not evidence.awaited(seen, found, began + timedelta(minutes=3))


# --- what is asked for


class Logs:
    """A store of logs that knows some pods' lines."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows, self.asked = rows, []

    def logs(self, query: str, start: str, end: str, limit: int) -> list[dict[str, Any]]:
        self.asked.append((query, start, end, limit))
        return list(self.rows)


def test_lines_are_counted_by_pod_and_kubelets_asked_where_there_are_none(collectors_values, found):
    def kubelet(method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        assert (query["container"], query["tailLines"]) == ("c", "1")
        return Answer(200, {}, b"a line\n" if path.endswith("/namespaces/observability/pods/db-2/log") else b"")

    connection = ScriptedConnection(kubelet)
    api = Api(connection, Deadline(5), concurrency=1)
    store = Logs({"namespace": "observability", "pod": "vmagent-0", "lines": "3"})
    collecting._lines_of_pods(found, api, collectors_values, store, NOW)
    assert found.pod_lines == {("observability", "vmagent-0"): 3}
    assert found.wrote == {"postgresql": True, "flux": False}
    ((query, start, end, _limit),) = store.asked
    assert query == (
        '_stream:{cluster="apps"} pod:in("db-1","db-2","vmagent-0") | stats by (namespace, pod) count() as lines'
    )
    assert (start, end) == ("2026-11-20T12:00:00Z", "2026-11-21T12:00:01Z")
    collecting._lines_of_pods(found, api, collectors_values, AWAY, NOW)
    assert found.pod_lines is AWAY
    seen_before = len(connection.seen)
    staying = {**collectors_values, "obs_collectors_log_exclude_namespaces": ["observability"]}
    collecting._lines_of_pods(found, api, staying, store, NOW)
    assert (found.pod_lines, len(connection.seen)) == ({}, seen_before), "nothing to ask for"


def test_a_store_that_is_not_known_has_failed(collectors_values, seen):
    values = {**collectors_values, "obs_collectors_metrics_url": "", "obs_collectors_logs_url": ""}
    api = Api(ScriptedConnection(lambda *asked: answer(200, {"items": [pod("db-1")]})), Deadline(5))
    records = measured(values, seen, collecting.collected(api, values, seen, NOW))
    for what in ("metrics", "logs"):
        fails(records, f"AC10-{what}-store", f"where the {what} are is not known")
    assert records["AC10-postgresql.logs"].status == "blocked"


def test_pods_without_the_jobs_port_run_and_are_no_targets(collectors_values):
    def api_server(method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        return answer(200, {"items": [pod("db-1")] if "instance" in query["labelSelector"] else [pod("other")]})

    jobs = [
        {"name": "postgresql", "selector": "role=instance", "port": 9187},
        {"name": "x", "selector": "a", "port": 1},
    ]
    found = Collected()
    api = Api(ScriptedConnection(api_server), Deadline(5))
    collecting._collector(found, api, {**collectors_values, "obs_collectors_scrape_jobs": jobs}, AWAY)
    assert {name: len(pods) for name, pods in found.running.items()} == {"postgresql": 1, "x": 1}
    assert {name: len(pods) for name, pods in found.targets.items()} == {"postgresql": 1, "x": 0}


def test_an_expected_job_without_pods_has_failed(collectors_values, seen, found):
    job = "AC10-flux.metrics"
    assert measured(collectors_values, seen, found)[job].status == "skipped", "nobody expects it"
    fails(measured(collectors_values, seen, found, expected=["flux"]), job, "0 instead of > 0: no pod that runs")
    found.running |= {"flux": [pod("source-controller-1")]}
    words = "no container declares the job's port: observability/source-controller-1"
    fails(measured(collectors_values, seen, found, expected=["flux"]), job, words)
    found.running |= {"flux": [pod("source-controller-1", **STAND_IN)]}
    record = measured(collectors_values, seen, found, expected=["flux"])[job]
    assert (record.status, record.stand_in) == ("blocked", ["fluent-bit"])
    assert excused(record.plain())


def test_jobs_are_expected_of_the_roles_that_the_host_has():
    off = {"volsync_enabled", "kafka_cluster_metrics"}
    expected = expected_jobs(lambda variable: variable not in off)
    assert "postgresql" in expected
    assert not expected & {"volsync", "kafka"}


def test_every_job_of_the_defaults_belongs_to_a_role(collectors_values):
    assert {job["name"] for job in collectors_values["obs_collectors_scrape_jobs"]} == set(ROLES)


def test_what_was_deployed_a_moment_ago_is_waited_for(seen, found):
    found.up = []
    started = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
    assert evidence.awaited(seen, found, started + timedelta(minutes=1))
    assert not evidence.awaited(seen, found, started + timedelta(minutes=3))
    found.up = AWAY
    assert not evidence.awaited(seen, found, started + timedelta(minutes=1)), "nothing to wait for"
    seen.objects["dashboards"] = [{"metadata": {"name": "d", "creationTimestamp": STARTED}}]
    assert evidence.awaited(seen, found, started + timedelta(minutes=1))
    assert not evidence.awaited(seen, found, started + timedelta(minutes=3))
    found.answering = [series(1, job="kafka")]
    assert not evidence.awaited(seen, found, started + timedelta(minutes=1))
    found.panels = {"kafka": {"In": []}}
    assert evidence.awaited(seen, found, started + timedelta(minutes=1)), "a rate wants two samples"


def test_too_few_pods(collectors_values, seen, found):
    seen.objects["daemon_sets"][0]["status"]["numberReady"] = 1
    fails(measured(collectors_values, seen, found), "AC10-fluent-bit", "1 instead of 2")
    seen.objects["daemon_sets"][0]["status"]["numberReady"] = 2
    seen.objects["nodes"].append({"metadata": {"name": "node-c"}})
    assert measured(collectors_values, seen, found)["AC10-fluent-bit"].status == "failed", "a node without"
    del seen.objects["stateful_sets"]
    fails(measured(collectors_values, seen, found), "AC10-vmagent", "0 instead of 1: it is not there")


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-21T11:59:00.0Z 2026-11-21T11:59:00.000Z\terror\tapp.go\tno",
        "2026-11-21T11:59:00.0Z [2026/11/21 11:59:00] [error] [output:http:http.0] no",
    ],
)
def test_errors_in_the_collectors_own_logs(collectors_values, seen, found, line):
    records = measured(collectors_values, seen, found, {"p": f"{line}\n"})
    fails(records, "AC10-log", f"1 instead of 0: the last: p: {line.partition(' ')[2]}")


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-21T11:50:00.0Z [2026/11/21 11:50:00] [error] long ago",
        "2026-11-21T11:59:00.0Z [2026/11/21 11:59:00] [ warn] again in 1 s: error",
    ],
)
def test_what_is_no_error_of_now(collectors_values, seen, found, line):
    assert measured(collectors_values, seen, found, {"p": f"{line}\n"})["AC10-log"].status == "passed"


def test_logs_that_cannot_be_read(collectors_values, seen, found):
    assert measured(collectors_values, seen, found, {})["AC10-log"].status == "blocked"
    assert measured(collectors_values, seen, found, {"p": AWAY})["AC10-log"].status == "blocked"


def test_a_silent_node_and_lines_and_samples_without_the_label(collectors_values, seen, found):
    found.lines, found.lines_unlabelled = {"node-a": 3, "": 7}, 2
    found.unlabelled = [up(1, "postgresql", "db-1"), up(1, "postgresql", "somebody-elses")]
    records = measured(collectors_values, seen, found)
    fails(records, "AC10-logs", "1 instead of 2: no line of node-b")
    fails(records, "AC10-logs-label", "2 instead of 0")
    fails(records, "AC10-label", "1 instead of 0: ")


def test_what_was_dropped_and_what_nobody_counted(collectors_values, seen, found):
    found.dropped = {"lines": [series(3)], "blocks": [series(0)]}
    fails(measured(collectors_values, seen, found), "AC10-dropped", "3 instead of 0: 3 lines")
    found.dropped = {"lines": [], "blocks": [series(0)]}
    record = measured(collectors_values, seen, found)["AC10-dropped"]
    assert record.status == "blocked", "no such series is not none dropped"
    found.dropped = {"lines": [series(float("nan"))]}
    assert measured(collectors_values, seen, found)["AC10-dropped"].status == "blocked"


def test_too_many_series(collectors_values, seen, found):
    found.series = [series(200000)]
    fails(measured(collectors_values, seen, found), "AC10-cardinality", "200000 instead of < ")
    found.series = []
    assert measured(collectors_values, seen, found)["AC10-cardinality"].status == "blocked"
    values = {**collectors_values, "obs_collectors_series_per_day": 0}
    assert measured(values, seen, found)["AC10-cardinality"].status == "skipped"


def test_a_critical_alert_and_a_warning(collectors_values, seen, found):
    lost, slow = (alert for alert, _ in found.alerts)
    found.alerts = [(lost, []), (slow, [series(1)])]
    record = measured(collectors_values, seen, found)["AC13-critical"]
    assert (record.status, record.detail) == ("passed", "warnings: Slow")
    found.alerts, found.firing = [(lost, [series(1, pod="db-1")]), (slow, [])], {lost: [series(1, pod="db-1")]}
    fails(measured(collectors_values, seen, found), "AC13-critical", "1 instead of 0: Lost {pod=db-1} 1")
    found.alerts, found.firing = [(lost, REFUSED), (slow, [])], {}
    records = measured(collectors_values, seen, found)
    assert records["AC13-critical"].status == "blocked"
    fails(records, "AC13-expressions", "Lost: The store at x refuses the query")


def test_a_critical_alert_that_holds_for_less_than_it_takes_is_pending(collectors_values, seen, found):
    (lost, _), slow = found.alerts
    found.alerts, found.firing = [(lost, [series(1)]), slow], {lost: []}
    record = measured(collectors_values, seen, found)["AC13-critical"]
    assert (record.status, record.detail) == ("passed", "pending, for less than it takes: Lost")
    found.firing = {lost: AWAY}
    assert measured(collectors_values, seen, found)["AC13-critical"].status == "blocked"


def test_no_rules_and_no_dashboards(collectors_values, seen, found):
    found.alerts, found.panels = [], {}
    records = measured(collectors_values, seen, found)
    fails(records, "AC13-rules", "0 instead of > 0")
    fails(records, "AC13-dashboards", "0 instead of > 0")


@pytest.mark.parametrize(
    ("reason", "status"), [(f"{NOT_SERVED} PrometheusRule", "skipped"), ("not allowed: cannot list", "blocked")]
)
def test_rules_that_cannot_be_read_are_skipped_only_where_nobody_serves_them(
    collectors_values, seen, found, reason, status
):
    found.alerts, seen.unread["rules"] = [], reason
    records = measured(collectors_values, seen, found)
    assert {records[f"AC13-{name}"].status for name in ("rules", "critical")} == {status}
    assert {records[f"AC13-{name}"].detail for name in ("rules", "critical")} == {reason}
    # panels alone are all there is where nobody serves rules
    assert records["AC13-expressions"].status == ("passed" if status == "skipped" else "blocked")
    found.panels = {}
    assert measured(collectors_values, seen, found)["AC13-expressions"].status == status


def test_a_dashboard_whose_component_answers_with_other_metrics_fails(collectors_values, seen, found):
    found.panels = {"kafka": {"In": []}}
    assert measured(collectors_values, seen, found)["AC13-dashboard-kafka"].status == "skipped"
    found.answering = [series(3, job="kafka")]
    fails(measured(collectors_values, seen, found), "AC13-dashboard-kafka", "none that a panel asks for")


def test_one_half_of_the_role_has_its_own_criteria_alone(collectors_values, seen, found):
    one = measured({**collectors_values, "obs_collectors_views": False}, seen, found)
    other = measured({**collectors_values, "obs_collectors_collect": False}, seen, found)
    assert {key[:4] for key in one} == {"AC10"}
    # both halves need the store of the metrics
    assert {key for key in other if not key.startswith("AC13")} == {"AC10-metrics-store"}


def test_alerts_and_dashboards_as_they_stand_in_the_cluster():
    alert = {"alert": "A", "expr": "x", "for": "1m"}
    rules = [{"spec": {"groups": [{"rules": [alert, {"record": "r", "expr": "y"}]}]}}]
    assert collecting.alerts_of(rules) == [Alert("A", "x", "", "1m")]
    text = grafana_dashboard(
        {"title": "T", "panels": [{"title": "P", "unit": "s", "expr": 'a{cluster="$cluster"}'}]}, "uid"
    )
    labels = {"synergyflow.platform/dashboard": "t"}
    found = collecting.dashboards_of([{"metadata": {"name": "d", "labels": labels}, "data": {"t.json": text}}])
    assert found == [("t", text)]
    assert collecting.expressions(text) == {"P": 'a{cluster!=""}'}
