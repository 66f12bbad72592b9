# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors on apps, stores on infra: what arrives there, and that nothing is lost while they are away."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest
from site_runs import Watch, changed, output

NAMESPACE = "observability"
STORES = ("victoria-metrics", "victoria-logs")
#: roles whose pods are not here to be scraped
OTHERS = ("flux", "strimzi", "kafka_cluster", "schema_registry", "cnpg", "synergyflow_backend", "volsync")
ALONE = {f"{role}_enabled": False for role in OTHERS}
#: seconds; several scrapes, and longer than the collectors' first tries
AWAY = 20
LINES = 300
DEPLOY = """
- hosts: clusters
  connection: local
  gather_facts: false
  module_defaults: {group/synergyflow.platform.k8s: "{{ cluster_connection }}"}
  roles: [synergyflow.platform.obs_collectors]
"""
PROVE = """
- hosts: clusters
  connection: local
  gather_facts: false
  module_defaults: {group/synergyflow.platform.k8s: "{{ cluster_connection }}"}
  tasks:
    - ansible.builtin.include_role:
        name: synergyflow.platform.obs_collectors
        tasks_from: validate
    - synergyflow.platform.evidence_report:
        results: [__obs_collectors_evidence]
        path: "{{ evidence_file }}"
      run_once: true
"""
ASK = """
- hosts: infra
  connection: local
  gather_facts: false
  module_defaults: {group/synergyflow.platform.k8s: "{{ cluster_connection }}"}
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
%s
    - ansible.builtin.copy: {content: "{{ [%s] | to_json }}", dest: "%s", mode: "0600"}
"""
QUESTION = """
    - synergyflow.platform.%s: %s
      register: answer_%d
      ignore_errors: true
"""
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "spec": {
        "restartPolicy": "Never",
        "containers": [
            {
                "name": "talk",
                "image": "docker.io/library/busybox:1.37.0-musl",
                "workingDir": "/work",
                "volumeMounts": [{"name": "work", "mountPath": "/work"}],
            }
        ],
        "volumes": [{"name": "work", "emptyDir": {}}],
    },
}


def play(rehearsal: Any, playbook: str, *args: str, **variables: Any) -> CompletedProcess[str]:
    return rehearsal.playbook(playbook, "-i", "inventories/rehearsal", "-e", json.dumps(variables), *args)


def ask(rehearsal: Any, *questions: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The whole answer of each, of a failed task too; one run for all of them."""
    file = rehearsal.scratch / f"answers-{uuid.uuid4().hex[:8]}.json"
    tasks = [QUESTION % (module, json.dumps(options), number) for number, (module, options) in enumerate(questions)]
    answers = ", ".join(f"answer_{number}" for number in range(len(questions)))
    done = play(rehearsal, ASK % ("".join(tasks), answers, file))
    assert done.returncode == 0, output(done)
    return json.loads(file.read_text())


def address(rehearsal: Any, what: str) -> str:
    return (rehearsal.state / "stores" / what).read_text()


def eventually(rehearsal: Any, seconds: float, module: str, **options: Any) -> dict[str, Any]:
    """The first answer that is as expected, or the last one."""
    deadline = time.monotonic() + seconds
    while True:
        (answer,) = ask(rehearsal, (module, options | {"fail": False}))
        if answer.get("passed") or time.monotonic() > deadline:
            return answer
        time.sleep(2)


@pytest.fixture(scope="module")
def collectors(rehearsal: Any) -> Any:
    done = play(rehearsal, DEPLOY)
    assert done.returncode == 0, output(done)
    # infra's half has no pod whose age would tell it to wait
    query = 'up{cluster="apps", job="fluent-bit"}'
    arrived = eventually(rehearsal, 90, "metrics_query", query=query, at_least=3)
    assert arrived["passed"], arrived["msg"]
    return rehearsal


def test_a_second_run_changes_nothing(collectors):
    done = play(collectors, DEPLOY)
    assert done.returncode == 0, output(done)
    assert (changed(done, "apps"), changed(done, "infra")) == (0, 0)


def test_check_mode_says_what_would_come_and_writes_nothing(collectors):
    watch = Watch(collectors, "apps")
    done = play(collectors, DEPLOY, "--check", "--diff", "-l", "apps", obs_collectors_namespace="checked")
    assert done.returncode == 0, output(done)
    assert changed(done, "apps") == 1
    for name in ("Namespace checked", "DaemonSet checked/fluent-bit", "StatefulSet checked/vmagent"):
        assert f"+++ after: {name}" in done.stdout
    assert watch.requests > 0
    assert watch.writes == []


def test_everything_arrives_with_its_label_and_every_expression_answers(collectors, tmp_path):
    file = tmp_path / "evidence.json"
    done = play(collectors, PROVE, **ALONE, evidence_file=str(file))
    assert done.returncode == 0, output(done)
    clusters = json.loads(file.read_text())["clusters"]
    apps, infra = ({record["id"]: record for record in clusters[name]} for name in ("apps", "infra"))
    for name in ("fluent-bit", "vmagent", "log", "label", "logs", "logs-label", "dropped", "cardinality", "logs-store"):
        assert apps[f"AC10-{name}"]["status"] == "passed", apps[f"AC10-{name}"]
    for name in ("fluent-bit.metrics", "vmagent.metrics", "fluent-bit.logs", "vmagent.logs", "metrics-store"):
        assert apps[f"AC10-{name}"]["status"] == "passed", apps[f"AC10-{name}"]
    assert apps["AC10-fluent-bit"]["stand_in"] == ["fluent-bit", "process-node"]
    for name in ("rules", "expressions", "critical", "dashboard-collectors"):
        assert infra[f"AC13-{name}"]["status"] == "passed", infra[f"AC13-{name}"]
    assert infra["AC13-expressions"]["observed"] > 40
    assert not [each for each in [*apps.values(), *infra.values()] if each["status"] == "failed"]


def test_the_stores_are_asked_by_address_and_by_port_forward(collectors):
    metrics = {"query": 'up{cluster="apps", job="fluent-bit"}', "at_least": 3, "value": "== 1"}
    logs = {"query": '_stream:{cluster="apps", container="vmagent"}', "start": "2h", "limit": 2}
    at = {name: {"url": address(collectors, name)} for name in ("metrics", "logs")}
    *series, line, same_line = ask(
        collectors,
        ("metrics_query", metrics | at["metrics"]),
        ("metrics_query", metrics),
        ("logs_query", logs | at["logs"]),
        ("logs_query", logs),
    )
    for found in series:
        assert found["count"] == 3
        assert {each["labels"]["node"] for each in found["series"]} == {f"apps-node-{zone}" for zone in "abc"}
    for found in (line, same_line):
        assert len(found["lines"]) == 2
        assert found["count"] >= 2
        assert found["evidence"][0]["status"] == "passed"


def test_what_is_not_as_expected_is_said(collectors):
    expected = (
        ("metrics_query", {"query": 'up{cluster="nowhere"}'}, "found no series"),
        ("metrics_query", {"query": 'up{job="fluent-bit"}', "value": "> 1"}, "3 of 3 series are not > 1"),
        ("metrics_query", {"query": 'up{job="fluent-bit"}', "absent": True}, "found 3 series"),
        ("logs_query", {"query": '_stream:{cluster="nowhere"}'}, "found no lines"),
        ("logs_query", {"query": '_stream:{cluster="apps"}', "absent": True, "start": "2h"}, "lines"),
    )
    answers = ask(collectors, *[(module, options | {"fail": False}) for module, options, _ in expected])
    for found, (_, _, said) in zip(answers, expected, strict=True):
        assert not found["passed"]
        assert not found.get("failed")
        assert said in found["msg"]
        assert found["evidence"][0]["status"] == "failed"
    (failed,) = ask(collectors, expected[0][:2])
    assert failed["failed"], "unless it is told otherwise"


def test_what_cannot_be_answered_fails_whatever_is_expected(collectors):
    expected = (
        ("metrics_query", {"query": "up{"}, "refuses the query (HTTP 422)"),
        ("metrics_query", {"query": "up", "url": "http://127.0.0.1:1", "absent": True}, "does not answer"),
        ("metrics_query", {"query": "up", "service": "nothing", "absent": True}, "nothing"),
        ("logs_query", {"query": "(", "absent": True}, "refuses the query (HTTP 400)"),
        ("logs_query", {"query": "*", "start": "yesterday", "absent": True}, "start: expected how long ago"),
    )
    answers = ask(collectors, *[(module, options | {"fail": False}) for module, options, _ in expected])
    for found, (_, _, said) in zip(answers, expected, strict=True):
        assert found["failed"]
        assert said in found["msg"]


@pytest.fixture
def stores_away(collectors) -> Iterator[float]:
    """Both stores stopped; when they were."""
    for name in STORES:
        collectors.kubectl("infra", "scale", "statefulset", name, "-n", NAMESPACE, "--replicas=0")
    for name in STORES:
        collectors.kubectl("infra", "wait", "--for=delete", f"pod/{name}-0", "-n", NAMESPACE, "--timeout=60s")
    try:
        yield time.time()
    finally:
        for name in STORES:
            collectors.kubectl("infra", "scale", "statefulset", name, "-n", NAMESPACE, "--replicas=1")


@pytest.mark.nightly
def test_nothing_is_lost_while_the_stores_are_away(collectors, namespace, stores_away):
    collectors.kubectl("apps", "create", "namespace", namespace)
    script = f'for n in $(seq {LINES}); do echo "line $n of {LINES}"; sleep 0.05; done'
    pod = json.loads(json.dumps(POD))
    pod["metadata"] = {"name": "talker", "namespace": namespace}
    pod["spec"]["containers"][0]["command"] = ["sh", "-c", script]
    collectors.kubectl("apps", "apply", "-f", "-", input=json.dumps(pod))
    collectors.kubectl(
        "apps", "wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/talker", "-n", namespace, "--timeout=60s"
    )
    time.sleep(max(0.0, stores_away + AWAY - time.time()))
    ended = time.time()
    for name in STORES:
        collectors.kubectl("infra", "scale", "statefulset", name, "-n", NAMESPACE, "--replicas=1")
    for name in STORES:
        collectors.kubectl("infra", "rollout", "status", f"statefulset/{name}", "-n", NAMESPACE, "--timeout=60s")
    query = f'_stream:{{cluster="apps", namespace="{namespace}", pod="talker"}}'
    found = eventually(collectors, 60, "logs_query", query=query, start="10m", at_least=LINES, limit=LINES)
    assert found["count"] == LINES, "each line, and none twice"
    assert {each["_msg"] for each in found["lines"]} == {f"line {n} of {LINES}" for n in range(1, LINES + 1)}
    # every five seconds a sample of vmagent itself, of the time when nobody took it
    window = int(ended - stores_away)
    samples = f'count_over_time(up{{cluster="apps", job="vmagent"}}[{window}s])'
    value = f">= {window // 5 - 1}"
    found = eventually(collectors, 90, "metrics_query", query=samples, time=str(int(ended)), value=value)
    assert found["passed"], found["msg"]
