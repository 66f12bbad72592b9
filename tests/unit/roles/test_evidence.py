# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Criteria measured on objects as the API server gives them: met, not met, not to be measured."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.action.evidence_report import gathered, shortcomings
from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import Seen, stand_ins
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import kafka_cluster, logs, records, strimzi
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.pods import metrics_record, pods_record
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record, table, tally
from failing import fails

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STAND_IN = {"synergyflow.platform/run-by": "process-node"}


def pod(name: str, node: str = "node-a", ready: bool = True, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "messaging", "labels": labels or {}},
        "spec": {"nodeName": node, "containers": [{"name": "kafka"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"name": "kafka", "restartCount": 0, "state": {"running": {}}}],
        },
    }


KAFKA = {
    "apiVersion": "kafka.strimzi.io/v1",
    "kind": "Kafka",
    "metadata": {"name": "synergyflow", "generation": 2},
    "spec": {"kafka": {"listeners": [{"name": "tls", "tls": True, "authentication": {"type": "scram-sha-512"}}]}},
    "status": {
        "observedGeneration": 2,
        "conditions": [{"type": "Ready", "status": "True"}],
        "kafkaVersion": "4.3.1",
        "kafkaMetadataVersion": "4.3-IV0",
        "listeners": [{"name": "tls", "bootstrapServers": "bootstrap:9093", "certificates": ["PEM"]}],
    },
}


def claim(number: int, storage_class: str = "rook-ceph-block", phase: str = "Bound") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"data-0-synergyflow-broker-{number}"},
        "spec": {"storageClassName": storage_class},
        "status": {"phase": phase},
    }


def user(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {"name": name, "generation": 1},
        "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
    }


@pytest.fixture
def seen() -> Seen:
    pool = {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaNodePool",
        "metadata": {"name": "broker"},
        "status": {"nodeIds": [0, 1, 2], "roles": ["controller", "broker"]},
    }
    label = "topology.kubernetes.io/zone"
    return Seen(
        copy.deepcopy(
            {
                "kafkas": [KAFKA],
                "node_pools": [pool],
                "pods": [pod(f"synergyflow-broker-{n}", f"node-{zone}") for n, zone in enumerate("abc")],
                "claims": [claim(number) for number in range(3)],
                "users": [user(name) for name in ("synergyflow-backend", "schema-registry", "platform-check")],
                "budgets": [{"metadata": {"name": "synergyflow-kafka"}, "spec": {"minAvailable": 2}}],
                "nodes": [
                    {
                        "metadata": {"name": f"node-{zone}", "labels": {label: f"zone-{zone}"}},
                        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                    }
                    for zone in "abc"
                ],
            }
        )
    )


def by_id(values: dict[str, Any], seen: Seen, days: int = 300) -> dict[str, Any]:
    answers = {found["metadata"]["name"]: "# TYPE kafka_server counter" for found in seen["pods"]}
    found = kafka_cluster.records(values, seen, answers, lambda pem: NOW + timedelta(days=days), NOW)
    return {record.id: record for record in found}


def test_a_cluster_in_order(values, seen):
    found = by_id(values, seen)
    assert {record.status for record in found.values()} == {"passed"}, found
    assert found["kafka_cluster.ready"].observed == "Ready, Kafka 4.3.1"
    assert found["kafka_cluster.zones"].observed == 3


@pytest.mark.parametrize(
    ("break_it", "identity", "words"),
    [
        (lambda seen: seen["kafkas"][0]["status"].update(kafkaVersion="4.3.0"), "kafka_cluster.ready", "Kafka 4.3.0"),
        (lambda seen: seen["kafkas"][0]["status"].update(observedGeneration=1), "kafka_cluster.ready", "generation 2"),
        (lambda seen: seen["pods"].pop(), "kafka_cluster.brokers", "2 instead of 3"),
        (
            lambda seen: seen["node_pools"][0]["status"].update(nodeIds=[0]),
            "kafka_cluster.controllers",
            "1 instead of 3",
        ),
        (lambda seen: seen["claims"][0]["spec"].update(storageClassName="slow"), "kafka_cluster.storage", "class slow"),
        (lambda seen: seen["claims"][0]["status"].update(phase="Pending"), "kafka_cluster.storage", "Pending"),
        (
            lambda seen: seen["kafkas"][0]["spec"]["kafka"]["listeners"][0].update(tls=False),
            "kafka_cluster.listener",
            "plain, scram-sha-512",
        ),
        (
            lambda seen: [p["spec"].update(nodeName="node-a") for p in seen["pods"]],
            "kafka_cluster.zones",
            "1 instead of 3: zone-a",
        ),
        (lambda seen: seen["budgets"].clear(), "kafka_cluster.disruption_budget", "none instead of one"),
        (lambda seen: seen["users"].pop(), "kafka_cluster.users", "no KafkaUser"),
    ],
)
def test_what_is_not_met(values, seen, break_it, identity, words):
    break_it(seen)
    fails(by_id(values, seen), identity, words)


def test_a_failed_kafka_is_told_with_strimzis_words(values, seen):
    condition = {"type": "NotReady", "status": "True", "reason": "FatalProblem", "message": "Pod is unschedulable"}
    seen["kafkas"][0]["status"]["conditions"] = [condition]
    record = by_id(values, seen)["kafka_cluster.ready"]
    assert record.status == "failed"
    assert "FatalProblem: Pod is unschedulable" in record.detail


def test_volumes_of_brokers_that_are_gone_are_named_and_not_counted(values, seen):
    seen["claims"].append(claim(3))
    record = by_id(values, seen)["kafka_cluster.storage"]
    assert (record.status, record.observed) == ("passed", 3)
    assert record.detail == "kept from brokers that are gone, not counted: data-0-synergyflow-broker-3"
    # nor do they stand in for one that is missing
    del seen["claims"][0]
    record = by_id(values, seen)["kafka_cluster.storage"]
    assert (record.status, record.observed) == ("failed", 2)
    # a pool that has not said which brokers it has
    del seen["node_pools"][0]["status"]["nodeIds"]
    assert by_id(values, seen)["kafka_cluster.storage"].observed == 3


@pytest.mark.parametrize(
    "out_of_use",
    [
        lambda node: node["status"]["conditions"][0].update(status="Unknown"),
        lambda node: node.update(spec={"unschedulable": True}),
    ],
)
def test_zones_that_take_no_pods_are_not_asked_for(values, seen, out_of_use):
    seen["pods"][2]["spec"]["nodeName"] = "node-b"
    assert by_id(values, seen)["kafka_cluster.zones"].status == "failed"
    out_of_use(seen["nodes"][2])
    record = by_id(values, seen)["kafka_cluster.zones"]
    assert (record.status, record.observed, record.expected) == ("passed", 2, 2)
    # a broker that still runs there counts, with its zone
    seen["pods"][2]["spec"]["nodeName"] = "node-c"
    record = by_id(values, seen)["kafka_cluster.zones"]
    assert (record.status, record.observed, record.expected) == ("passed", 3, 3)


def test_certificates_that_run_out(values, seen):
    fails(by_id(values, seen, days=10), "kafka_cluster.certificates", "10 instead of > 30")
    assert by_id(values, seen, days=31)["kafka_cluster.certificates"].status == "passed"


def test_nothing_there_is_failed_or_blocked_never_passed(values):
    found = by_id(values, Seen({}, {"kafkas": "the cluster does not serve Kafka"}))
    assert {record.status for record in found.values()} <= {"failed", "blocked"}
    assert "does not serve Kafka" in found["kafka_cluster.ready"].detail


def test_what_is_switched_off_is_skipped(values, seen):
    values |= {"kafka_cluster_rack_topology_key": "", "kafka_cluster_metrics": False}
    found = by_id(values, seen)
    assert found["kafka_cluster.zones"].status == "skipped"
    assert found["kafka_cluster.metrics"].status == "skipped"


def test_brokers_whose_metrics_do_not_answer(values, seen):
    answers: dict[str, Any] = {found["metadata"]["name"]: "# TYPE kafka_server counter" for found in seen["pods"]}
    answers["synergyflow-broker-1"] = TimeoutError("no answer")
    found = kafka_cluster.records(values, seen, answers, lambda pem: NOW + timedelta(days=300), NOW)
    fails(found, "kafka_cluster.metrics", "2 instead of 3: synergyflow-broker-1: no answer")


def test_pods():
    assert pods_record("x", "x", [pod("a"), pod("b", ready=False)], 2).status == "failed"
    assert pods_record("x", "x", [], None).status == "failed", "no pod at all is not well"
    assert pods_record("x", "x", [pod("a")], None).status == "passed"


def test_metrics_of_real_pods_fail_and_of_stand_ins_cannot_be_measured():
    silent: dict[str, Any] = {"a": TimeoutError("no answer")}
    assert metrics_record("x", "x", [pod("a")], silent).status == "failed"
    assert metrics_record("x", "x", [pod("a", labels=STAND_IN)], silent).status == "blocked"
    assert metrics_record("x", "x", [pod("a", labels=STAND_IN)], {"a": "# TYPE x counter"}).status == "passed"
    assert metrics_record("x", "x", [pod("a")], {"a": "<html>"}).status == "failed"


def test_a_log_that_was_not_read_to_its_beginning_is_no_proof():
    line = "2026-11-21T11:59:00.1Z 2026-11-21 11:59:00 {} Main:1 - x\n"
    seen = Seen({"pods": []})
    full = line.format("INFO") * logs.LINES
    record = logs.log_record("x", "x", seen, {"a": full}, NOW, error=strimzi.ERROR_LINE)
    assert (record.status, "a: more than 20000 lines" in record.detail) == ("blocked", True)
    record = logs.log_record("x", "x", seen, {"a": full + line.format("ERROR")}, NOW, error=strimzi.ERROR_LINE)
    assert record.status == "failed"


def test_only_errors_of_the_last_minutes_count():
    text = "\n".join(
        [
            "2026-11-21T11:00:00.1Z 2026-11-21 11:00:00 ERROR Old:1 - long ago",
            "2026-11-21T11:58:00.1Z 2026-11-21 11:58:00 INFO  Main:1 - the word ERROR in a sentence",
            "2026-11-21T11:59:00.1Z 2026-11-21 11:59:00 ERROR Main:2 - now",
        ]
    )
    assert logs.error_lines(text, NOW, strimzi.ERROR_LINE) == ["2026-11-21 11:59:00 ERROR Main:2 - now"]


def test_a_log_that_cannot_be_had_is_blocked_with_the_reason():
    record = strimzi.log_clean(Seen({"pods": [pod("a")]}), {"a": RuntimeError("not served")}, NOW)
    assert record.status == "blocked"
    assert "not served" in record.detail


def test_a_log_that_is_read_in_part_is_blocked_unless_that_part_has_errors():
    logs: dict[str, Any] = {"a": RuntimeError("forbidden"), "b": "2026-11-21 11:59:00 INFO  Main:1 - fine"}
    record = strimzi.log_clean(Seen({"pods": [pod("a"), pod("b")]}), logs, NOW)
    assert record.status == "blocked"
    assert record.detail == "not the whole log could be had, no error in the rest: a: forbidden"
    logs["b"] = "2026-11-21 11:59:00 ERROR Main:1 - bad"
    fails([strimzi.log_clean(Seen({"pods": [pod("a"), pod("b")]}), logs, NOW)], "strimzi.log", "ERROR Main:1 - bad")


def test_an_operator_that_is_behind_or_not_well(strimzi_values):
    seen = Seen({"kafkas": [KAFKA | {"metadata": {"name": "late", "generation": 3}}], "pods": [pod("a", ready=False)]})
    silent: dict[str, Any] = {"a": TimeoutError("no answer")}
    found = strimzi.records(strimzi_values, seen, {}, logs={}, metrics=silent, now=NOW)
    fails(found, "strimzi.reconciling", "not in its newest generation: late")
    fails(found, "strimzi.pods", "0 instead of 1: a: ")
    fails(found, "strimzi.metrics", "no answer")


def test_kafkas_that_may_not_be_listed_are_no_proof():
    assert strimzi.reconciling(Seen({}, {"kafkas": "forbidden"})).status == "blocked"
    assert strimzi.reconciling(Seen({"kafkas": []})).status == "skipped"


def test_what_evidence_is_not_enough():
    def record(status: str, *stand_in: str, identity: str = "x.log") -> dict[str, Any]:
        return Record(identity, "Title", status, detail="why", stand_in=list(stand_in)).plain()

    good, on = record("passed"), {"a": [], "b": []}
    assert shortcomings({"a": [], "b": []}, on) == ["nothing was measured: 0 criteria on all hosts"]
    off = record("skipped", identity="volsync.switched_off")
    assert shortcomings({"a": [off], "b": []}, on) == ["nothing was measured: 0 criteria on all hosts"]
    silent = {"b": ["strimzi", "flux"]}
    assert shortcomings({"a": [good], "b": []}, silent) == ["b: nothing was measured of strimzi, flux"]
    assert shortcomings({"a": [good], "b": []}, on) == []
    asked = record("passed", identity="AC6-topic")
    assert shortcomings({"a": [asked], "b": []}, on, ["ac6", "ac9"]) == [
        "AC9 (Schema Registry registers and evolves schemas): nothing was measured"
    ]
    silent = record("blocked", "process-node", identity="x.metrics")
    assert shortcomings({"a": [good, silent, record("skipped")]}, on) == []
    unread = ["a: Title: could not be measured: why"]
    assert shortcomings({"a": [record("blocked", identity="x.metrics")]}, on) == unread
    assert shortcomings({"a": [record("blocked", "process-node")]}, on) == unread
    assert shortcomings({"a": [record("blocked")]}, on) == unread
    # a backup of these minutes waits for its log, which is not the same as a store that cannot be looked into
    stored = record("blocked", identity="DB-backup-stored")
    assert shortcomings({"a": [{**stored, "observed": "incomplete"}]}, on) == []
    assert shortcomings({"a": [stored]}, on) == unread
    assert shortcomings({"a": [record("failed")]}, on) == ["1 criterion was not met"]


def operator(version: str = "1.2.0", available: int = 1, replicas: int = 1) -> dict[str, Any]:
    container = {"name": "strimzi-cluster-operator", "image": f"quay.io/strimzi/operator:{version}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "strimzi-cluster-operator", "generation": 1},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}},
        "status": {"observedGeneration": 1}
        if not replicas
        else {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": available},
    }  # fmt: skip


def test_the_operator(strimzi_values):
    assert strimzi.available(strimzi_values, Seen({"deployments": [operator()]})).status == "passed"
    for found, words in (
        (Seen({"deployments": [operator("1.1.0")]}), "Strimzi 1.1.0, ready instead of Strimzi 1.2.0"),
        (Seen({"deployments": [operator(available=0)]}), "0 of 1"),
        (Seen({"deployments": [operator(replicas=0)]}), "Strimzi 1.2.0, progressing instead of Strimzi 1.2.0, ready"),
        (Seen({"deployments": [operator(replicas=0)]}), "it is scaled to 0 replicas"),
        (Seen({}), "no Deployment of an operator"),
    ):
        fails([strimzi.available(strimzi_values, found)], "strimzi.deployment", words)


def test_the_kinds(strimzi_values, cluster):
    assert strimzi.definitions(strimzi_values, cluster["served"]).status == "passed"
    served = {**cluster["served"], "Kafka.kafka.strimzi.io": ["v1beta2"]}
    fails([strimzi.definitions(strimzi_values, served)], "strimzi.crds", "in no version of this release: Kafka")


def test_stand_ins_are_named():
    assert stand_ins([pod("a", labels=STAND_IN), pod("b")]) == ["process-node"]
    assert stand_ins([pod("b")]) == []


def test_the_table_says_what_is_not_passed_and_why(values, seen):
    seen["claims"][0]["spec"]["storageClassName"] = "slow"
    seen["pods"][0]["metadata"]["labels"] = STAND_IN
    found = {"apps": [record.plain() for record in by_id(values, seen).values()]}
    text = table(found)
    assert "FAILED" in text
    assert "a: process-node" in text
    assert "data-0-synergyflow-broker-0 is Bound, class slow" in text
    assert tally(found) == {"passed": 9, "failed": 1, "skipped": 0, "blocked": 0}


def test_what_broke_off_is_a_failed_record_of_its_role_beside_what_the_others_measured():
    host = {
        "__strimzi_evidence": {"evidence": [Record("strimzi.pods", "Pods run", "passed").plain()]},
        "__cnpg_evidence": {"msg": "refused"},
        "__broken": {"cnpg": "Ask the database: refused", "volsync": "no such bucket"},
    }
    records = gathered(host, ["__strimzi_evidence", "__cnpg_evidence", "__never_registered"], "__broken")
    assert [(each["id"], each["status"], each["detail"]) for each in records] == [
        ("strimzi.pods", "passed", ""),
        ("cnpg.broken_off", "failed", "Ask the database: refused"),
        ("volsync.broken_off", "failed", "no such bucket"),
    ]
    assert [each["id"] for each in gathered(host, ["__strimzi_evidence"], None)] == ["strimzi.pods"]
    assert gathered({}, ["__strimzi_evidence"], "__broken") == []


def test_what_could_not_be_measured_is_neither_passed_nor_kept_quiet() -> None:
    good = {"title": "A", "status": "passed", "observed": 1, "detail": ""}
    blocked = {"title": "In store", "status": "blocked", "observed": None, "detail": "the store does not answer."}
    skipped = {"title": "C", "status": "skipped", "observed": None, "detail": "not asked for"}
    assert records.all_passed([good, skipped])
    assert records.not_looked_at([good, skipped]) == ""
    assert not records.all_passed([good, blocked])
    assert not records.all_passed([good | {"status": "failed"}])
    assert records.not_looked_at([good, blocked]) == " Not looked at: In store (the store does not answer)."
