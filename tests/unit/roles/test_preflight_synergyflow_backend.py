# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backend's preflight refuses, and what it lets pass."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import backend_kafka
from ansible_collections.synergyflow.platform.plugins.module_utils.backend_kafka import KafkaLogin
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import synergyflow_backend as preflight
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.synergyflow_backend import Live, ToCome

FROM_VAULT = {"type": "scram-sha-512", "password": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}}}
USER = {"kind": "KafkaUser", "metadata": {"name": "synergyflow-backend"}, "spec": {"authentication": FROM_VAULT}}
LOGIN = KafkaLogin(ca="PEM\n", user=USER, same_password=True)
LIVE = Live(login=LOGIN)


@pytest.fixture
def values(backend_values: dict[str, Any]) -> dict[str, Any]:
    return backend_values


@pytest.fixture
def served(cluster: dict[str, Any]) -> dict[str, Any]:
    cluster["served"]["ServiceMonitor.monitoring.coreos.com"] = ["v1"]
    return cluster


def problems(values: dict[str, Any], cluster: dict[str, Any], live: Live = LIVE, to_come: ToCome | None = None) -> str:
    return "\n".join(preflight.check(values, cluster, live, to_come or ToCome()).problems)


def test_a_sound_deployment_passes(values, served):
    findings = preflight.check(values, served, LIVE, ToCome())
    assert findings.problems == []
    assert findings.warnings == []
    assert findings.facts["kafka_ca"] == "PEM\n"
    assert findings.facts["service_monitor"] is True
    assert findings.facts["requests"]["cpu"] == pytest.approx(1.8)


@pytest.mark.parametrize(
    ("image", "refused"),
    [
        ("monosense/synergyflow-backend:latest", True),
        ("monosense/synergyflow-backend", True),
        ("registry.example.com:5000/synergyflow-backend", True),
        ("registry.example.com:5000/synergyflow-backend:1.4.2", False),
        ("monosense/synergyflow-backend@sha256:0123", False),
        ("monosense/synergyflow-backend:latest@sha256:0123", False),
    ],
)
def test_an_image_that_moves_is_refused_unless_it_is_allowed(values, served, image, refused):
    values["synergyflow_backend_image"] = image
    text = problems(values, served)
    assert (f"synergyflow_backend_image is {image}, which is another build tomorrow" in text) == refused
    values["synergyflow_backend_allow_latest"] = True
    assert problems(values, served) == ""


def test_the_namespace_must_be_there_or_come(values, served):
    gone = replace(LIVE, namespace_exists=False)
    values["synergyflow_backend_create_namespace"] = False
    assert "there is no namespace synergyflow" in problems(values, served, gone)
    assert problems(values, served, gone, ToCome(namespaces=("synergyflow",))) == ""
    assert "there is no namespace" in problems(values, served, gone, ToCome(namespaces=("other",)))
    values["synergyflow_backend_create_namespace"] = True
    assert problems(values, served, gone) == ""


def test_secrets_of_ones_own_must_be_there_with_their_keys(values, served):
    values["synergyflow_backend_external_secrets"] = False
    there = {"synergyflow-backend-database": ["password"], "synergyflow-backend-cache": ["password"]}
    text = problems(values, served, replace(LIVE, secrets=there))
    assert "the Secret has not all keys: synergyflow-backend-database with username" in text
    assert "there is no Secret synergyflow-backend-kafka with password" in text
    assert "synergyflow-backend-cache" not in text


def test_kafkas_authority_must_be_there_or_come(values, served):
    nothing = replace(LIVE, login=KafkaLogin())
    assert "the certificate authority of Kafka synergyflow in messaging cannot be read" in problems(
        values, served, nothing
    )
    to_come = ToCome(kafka=True, vault_users=("synergyflow-backend",))
    assert problems(values, served, nothing, to_come) == ""
    refused = replace(LIVE, login=KafkaLogin(unread="secrets is forbidden"))
    assert "cannot be read: secrets is forbidden" in problems(values, served, refused)


def test_a_password_that_the_operator_makes_cannot_be_vaults(values, served):
    own = replace(LIVE, login=replace(LOGIN, user={**USER, "spec": {"authentication": {"type": "scram-sha-512"}}}))
    assert "set kafka_cluster_vault_users: [synergyflow-backend]" in problems(values, served, own)
    to_come = ToCome(kafka=True, vault_users=())
    assert "the operator would make another: set kafka_cluster_vault_users" in problems(values, served, LIVE, to_come)
    # the same run mends it
    to_come = ToCome(kafka=True, vault_users=("synergyflow-backend",))
    assert problems(values, served, own, to_come) == ""
    values["synergyflow_backend_external_secrets"] = False
    secrets = {f"synergyflow-backend-{name}": list(keys) for name, keys in preflight.SECRET_KEYS.items()}
    assert problems(values, served, replace(own, secrets=secrets)) == "", "Secrets of one's own may hold it"


def test_different_passwords_are_said_and_not_shown(values, served):
    text = problems(values, served, replace(LIVE, login=replace(LOGIN, same_password=False)))
    assert "the Secret synergyflow-backend-kafka and the KafkaUser synergyflow-backend have different passwords" in text


def test_the_heap_leaves_room(values, served):
    values["synergyflow_backend_java_options"] = "-Xms1g -Xmx2g"
    assert "a heap of 2.0 GiB" in problems(values, served)
    values["synergyflow_backend_java_options"] = "-Xmx2g -Xmx1G"
    assert problems(values, served) == "", "of several the last counts"
    values["synergyflow_backend_java_options"] = "-XX:+UseG1GC"
    assert "set no -Xmx" in preflight.check(values, served, LIVE, ToCome()).warnings[0]


def test_numbers_and_quantities(values, served):
    values |= {
        "synergyflow_backend_replicas": 0,
        "synergyflow_backend_cpu": "much",
        "synergyflow_backend_opa_memory": "512Mi",
        "synergyflow_backend_namespace": "Not_A_Name",
    }
    text = problems(values, served)
    assert "synergyflow_backend_replicas must be at least 1" in text
    assert "synergyflow_backend_cpu: 'much' is no Kubernetes quantity" in text
    assert "synergyflow_backend_opa_memory is 512Mi, more than synergyflow_backend_opa_memory_limit (256Mi)" in text
    assert "synergyflow_backend_namespace must be a Kubernetes name" in text


def test_too_few_free_cores_and_too_old_a_kubernetes(values, served):
    served["requested"]["cpu"] = 47.0
    served["version"] |= {"minor": "29"}
    text = problems(values, served)
    assert "the pods ask for 1.8 cores of cpu" in text
    assert "Kubernetes 1.29 has no preStop sleep" in text


def test_without_monitors_the_part_is_left_out(values, served):
    del served["served"]["ServiceMonitor.monitoring.coreos.com"]
    findings = preflight.check(values, served, LIVE, ToCome())
    assert findings.problems == []
    assert findings.facts["service_monitor"] is False
    assert findings.skipped[0]["what"] == "ServiceMonitor"


def encoded(**values: str) -> dict[str, Any]:
    return {
        "data": {name.replace("_", "."): base64.b64encode(value.encode()).decode() for name, value in values.items()}
    }


def test_secrets_are_compared_by_value():
    one, same, other = encoded(password="a"), encoded(password="a", more="b"), encoded(password="b")
    assert backend_kafka.same(one, same, "password") is True
    assert backend_kafka.same(one, other, "password") is False
    assert backend_kafka.same(one, None, "password") is None
    assert backend_kafka.same(one, {}, "password") is None


def test_all_certificates_of_a_renewal_are_trusted_in_a_fixed_order():
    secret = encoded(ca_crt="NEW\n", ca_p12="binary", **{"ca-2025_crt": "OLD"})
    assert backend_kafka.certificates(secret) == "OLD\nNEW\n"
    assert backend_kafka.certificates(encoded(ca_p12="binary")) is None
    assert backend_kafka.certificates(None) is None
