# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema registry of the session's platform: Apicurio behind Confluent's paths, its schemas in the real Kafka.

Whatever a test makes it removes: the platform is shared by the whole session.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_registry import Registry, Schema
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config
from mechanisms import Mechanisms
from site_runs import changed, output, run
from until import until

CLUSTER, NAMESPACE, SERVICE = "apps", "messaging", "schema-registry"
PODS = "app.kubernetes.io/name=schema-registry"
#: what External Secrets makes of the log-in in Vault
FROM_VAULT = "schema-registry-kafka-credentials"
PATIENCE = 180  # seconds
SCHEMA = {"type": "record", "name": "Event", "fields": [{"name": "id", "type": "string"}]}
MORE = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "note", "type": "string", "default": ""}]}
MESSAGE = 'syntax = "proto3";\nmessage Event {\n  string id = 1;\n}\n'
MORE_MESSAGE = MESSAGE.replace("1;\n", "1;\n  string note = 2;\n")
OTHER_MESSAGE = MESSAGE.replace("string id", "int32 id")
DOCUMENT = {"type": "object", "properties": {"id": {"type": "string"}}, "additionalProperties": False}
OTHER_DOCUMENT = {**DOCUMENT, "properties": {"id": {"type": "integer"}}}
OTHER = {**SCHEMA, "fields": [{"name": "id", "type": "int"}]}


@pytest.fixture(scope="module")
def bridge(platform: Any) -> Bridge:
    configuration = kubernetes_client.Configuration()
    kubernetes_config.load_kube_config(str(platform.kubeconfig(CLUSTER)), client_configuration=configuration)
    return Bridge(configuration)


@contextmanager
def registry_of(bridge: Bridge, pod: str = "") -> Iterator[Registry]:
    """The registry behind the Service, or one pod of it."""
    name = ".".join(filter(None, [pod, SERVICE, NAMESPACE, "svc"]))
    with bridge.forward(name, 8081) as (host, port), Registry(f"http://{host}:{port}", Deadline(PATIENCE)) as registry:
        yield registry


@pytest.fixture
def registry(bridge: Bridge) -> Iterator[Registry]:
    with registry_of(bridge) as it:
        yield it


@pytest.fixture
def subject(bridge: Bridge) -> Iterator[str]:
    """The name of a subject that is not there; it is removed for good if the test made it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    with registry_of(bridge) as registry:  # a connection of its own: the test may have replaced the pods
        if registry.versions(name):
            registry.delete(name)
        if registry.versions(name, deleted=True):
            registry.delete(name, permanent=True)


def pods(platform: Any) -> list[dict[str, Any]]:
    return platform.get(CLUSTER, "pods", "-n", NAMESPACE, "-l", PODS)["items"]


def test_its_service_serves_confluents_paths_and_says_what_it_is(platform, registry):
    assert set(registry.types()) == {"AVRO", "PROTOBUF", "JSON"}
    assert registry.level() == "BACKWARD"
    found = pods(platform)
    assert len(found) == 2
    for pod in found:
        assert pod["metadata"]["labels"]["synergyflow.platform/stand-in"] == "apicurio-registry"
        assert pod["spec"]["enableServiceLinks"] is False
    assert len({pod["spec"]["nodeName"] for pod in found}) == 2
    topic = next(
        each
        for each in platform.get(CLUSTER, "kafkatopic", "-n", NAMESPACE)["items"]
        if each["spec"].get("topicName") == "_schemas"
    )
    assert {each["type"]: each["status"] for each in topic["status"]["conditions"]}["Ready"] == "True"


def subject_tasks(platform: Any, tmp_path: Any, subject: str, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a row of schema_subject tasks returned, run by one ansible-playbook."""
    steps: list[dict[str, Any]] = []
    for number, task in enumerate(tasks):
        extra = {name: task.pop(name) for name in ("check_mode", "diff") if name in task}
        options = {"subject": subject, "namespace": NAMESPACE, **task}
        steps.append(
            {
                "synergyflow.platform.schema_subject": options,
                "register": f"outcome_{number}",
                "ignore_errors": True,
                **extra,
            }
        )
    file = tmp_path / "outcomes.json"
    outcomes = "[" + ", ".join(f"outcome_{number}" for number in range(len(tasks))) + "]"
    steps.append(
        {"ansible.builtin.copy": {"content": f"{{{{ {outcomes} | to_json }}}}", "dest": str(file), "mode": "0600"}}
    )
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        # the machine's own Python may be none, or none that is usable
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "module_defaults": {"group/synergyflow.platform.k8s": {"kubeconfig": str(platform.kubeconfig(CLUSTER))}},
        "tasks": steps,
    }
    done = platform.playbook(yaml.safe_dump([play]) + "\n", "-i", "localhost,", "-c", "local")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(file.read_text())


def test_a_subject_is_brought_to_its_state_once(platform, registry, subject, tmp_path):
    rows = [
        {"schema": SCHEMA, "compatibility": "FULL", "check_mode": True},
        {"schema": SCHEMA, "compatibility": "FULL", "diff": True},
        {"schema": json.dumps(SCHEMA, indent=3), "compatibility": "FULL"},
        {"schema": OTHER, "check_mode": True},
        {"schema": OTHER},
        {"schema": MORE, "check_mode": True},
        {"schema": MORE},
        {"schema": OTHER, "compatibility": "NONE"},
        {"state": "absent", "permanent": True, "check_mode": True},
        {"state": "absent"},
        {"state": "absent"},
        {"state": "absent", "permanent": True},
        {"state": "absent", "permanent": True},
    ]
    found = subject_tasks(platform, tmp_path, subject, rows)
    assert [each.get("changed") for each in found] == [
        True, True, False, False, False, True, True, True, True, True, False, True, False
    ]  # fmt: skip
    assert [bool(each.get("failed")) for each in found] == [number in (3, 4) for number in range(len(rows))]
    first, second = found[0], found[1]
    assert first["versions"] == [], "check mode has registered nothing"
    assert (second["version"], second["compatibility"]) == (1, "FULL")
    assert '"Event"' in second["diff"]["after"]
    assert second["diff"]["before"] == ""
    for refused in (found[3], found[4]):
        assert "the schema is not compatible by its level FULL" in refused["msg"]
    assert "reader type: INT not compatible with writer type: STRING" in found[4]["msg"]
    assert found[6]["versions"] == [1, 2]
    assert found[7]["steps"] == ["set_level", "register"]
    assert registry.versions(subject, deleted=True) == []


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["PROTOBUF", "JSON"])
def test_protobuf_and_json_schema(platform, registry, subject, tmp_path, kind):
    schema, same, other = {
        "PROTOBUF": (MESSAGE, MESSAGE.replace("  ", "\t"), OTHER_MESSAGE),
        "JSON": (DOCUMENT, json.dumps(DOCUMENT, indent=3), OTHER_DOCUMENT),
    }[kind]
    rows = [{"schema": schema}, {"schema": same}, {"schema": other, "check_mode": True}, {"schema": other}]
    rows += [{"schema": MORE_MESSAGE}] if kind == "PROTOBUF" else []
    found = subject_tasks(platform, tmp_path, subject, [row | {"schema_type": kind} for row in rows])
    assert [each["changed"] for each in found[:2]] == [True, False], found[:2]
    assert [bool(each.get("failed")) for each in found] == [False, False, True, True, False][: len(rows)]
    assert "not compatible" in found[3]["msg"]
    assert registry.read(subject, 1).get("schemaType") == kind
    assert registry.versions(subject) == ([1, 2] if kind == "PROTOBUF" else [1])


def check(platform: Any, tmp_path: Any, **options: Any) -> Any:
    mechanisms = Mechanisms(platform, tmp_path, CLUSTER)
    return mechanisms.run(
        "schema_registry_check", namespace=NAMESPACE, compatibility="BACKWARD", requests=10, **options
    )


def test_a_registry_that_refuses_nothing_fails_the_check_and_keeps_nothing(platform, registry, tmp_path):
    before = registry.subjects(deleted=True)
    registry.ask("PUT", "/config", {"compatibility": "NONE"})
    try:
        # the other replica reads the change from Kafka
        for pod in pods(platform):
            with registry_of(Bridge(kubernetes_client_of(platform)), pod["metadata"]["name"]) as replica:
                until(lambda replica=replica: replica.level() == "NONE", "the level NONE at every replica")
        found = check(platform, tmp_path, fail=False, latency_target=60_000).ok()
    finally:
        registry.ask("PUT", "/config", {"compatibility": "BACKWARD"})
    assert found["passed"] is False
    assert found["changed"] is False
    records = {record["id"].rpartition(".")[2]: record for record in found["evidence"]}
    assert records["compatibility"]["observed"] == "NONE"
    assert records["incompatible"]["status"] == "failed"
    assert records["incompatible"]["observed"] == "accepted"
    assert "the level that counts is NONE" in records["incompatible"]["detail"]
    assert records["removed"]["status"] == "passed"
    assert "apicurio-registry" in records["incompatible"]["stand_in"]
    assert registry.subjects(deleted=True) == before


def kubernetes_client_of(platform: Any) -> Any:
    configuration = kubernetes_client.Configuration()
    kubernetes_config.load_kube_config(str(platform.kubeconfig(CLUSTER)), client_configuration=configuration)
    return configuration


def test_a_service_without_a_ready_pod_is_one_clear_failure(platform, tmp_path):
    found = check(platform, tmp_path, service="synergyflow-kafka-brokers", port=1)
    assert found.code != 0
    assert "Registry answers" in found.message
    assert "port 1" in found.message


@pytest.mark.nightly
def test_schemas_are_in_kafka_and_outlive_the_pods(platform, bridge, registry, subject):
    identity = registry.register(subject, Schema(json.dumps(SCHEMA)))
    names = [pod["metadata"]["name"] for pod in pods(platform)]
    platform.kubectl(CLUSTER, "delete", "pod", "-n", NAMESPACE, *names, "--grace-period=5")
    platform.kubectl(
        CLUSTER, "rollout", "status", "deployment/schema-registry", "-n", NAMESPACE, f"--timeout={PATIENCE}s",
        timeout=PATIENCE + 10,
    )  # fmt: skip
    there = [pod["metadata"]["name"] for pod in pods(platform) if "deletionTimestamp" not in pod["metadata"]]
    assert len(there) == 2
    assert not set(there) & set(names)
    for name in there:
        with registry_of(bridge, name) as replica:
            found = replica.read(subject, 1)
            assert (found["id"], json.loads(found["schema"])) == (identity, SCHEMA)


@pytest.mark.nightly
def test_its_log_in_comes_from_vault(platform, bridge, subject):
    """As the first plan has it: Kafka's user and the registry's Secret both have the password that Vault has."""
    both = {"kafka_cluster_vault_users": ["synergyflow-backend", "schema-registry"]}
    tags = ("--tags", "kafka_cluster,schema_registry")
    try:
        done = run(platform, "site", CLUSTER, *tags, schema_registry_external_secrets=True, **both)
        assert done.returncode == 0, output(done)
        found = platform.get(CLUSTER, "externalsecret", "-n", NAMESPACE)["items"]
        assert FROM_VAULT in {each["spec"]["target"]["name"] for each in found}
        assert FROM_VAULT in json.dumps(platform.get(CLUSTER, "deployment", SERVICE, "-n", NAMESPACE))
        with registry_of(bridge) as registry:
            assert registry.register(subject, Schema(json.dumps(SCHEMA)))
        again = run(platform, "site", CLUSTER, *tags, schema_registry_external_secrets=True, **both)
        assert changed(again, CLUSTER) == 0, output(again)
    finally:
        back = run(platform, "site", CLUSTER, *tags)
    assert back.returncode == 0, output(back)
    with registry_of(bridge) as registry:
        assert subject in registry.subjects()


@pytest.mark.nightly
def test_a_wrong_password_ends_the_container_with_kafkas_reason(platform):
    """A copy of the Deployment, with another log-in: its program is run for real, and real brokers refuse it."""
    name = f"wrong-password-{uuid.uuid4().hex[:6]}"
    deployment = copy.deepcopy(platform.get(CLUSTER, "deployment", SERVICE, "-n", NAMESPACE))
    template = deployment["spec"]["template"]
    template["metadata"] = {"labels": {"app": name}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
    }
    for each in template["spec"]["containers"][0]["env"]:
        if each["name"].endswith("_SASL_JAAS_CONFIG"):
            each.pop("valueFrom")
            each["value"] = (
                "org.apache.kafka.common.security.scram.ScramLoginModule required"
                ' username="schema-registry" password="this-is-not-it";'
            )
    platform.kubectl(CLUSTER, "apply", "-f", "-", input=json.dumps(deployment))

    def crashed() -> Any:
        found = platform.get(CLUSTER, "pods", "-n", NAMESPACE, "-l", f"app={name}")["items"]
        statuses = [status for pod in found for status in (pod.get("status") or {}).get("containerStatuses") or []]
        return next((status for status in statuses if status["restartCount"] >= 1), None)

    try:
        status = until(crashed, "a restart")
        assert status["ready"] is False
        ended = status["lastState"]["terminated"]
        assert ended["exitCode"] == 1
        assert "SaslAuthenticationException" in ended["message"], "the pod says why in its own status"
        assert "this-is-not-it" not in json.dumps(status)
    finally:
        platform.kubectl(CLUSTER, "delete", "deployment", name, "-n", NAMESPACE, "--wait=false")
