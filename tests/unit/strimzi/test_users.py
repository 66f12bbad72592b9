# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What a KafkaUser means for the brokers and for its Secret."""

from __future__ import annotations

import base64

import pytest

from rehearsal.strimzi import status, users
from rehearsal.strimzi.users import Rule


def user(**spec) -> dict:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {
            "name": "backend",
            "namespace": "messaging",
            "uid": "uid",
            "generation": 4,
            "labels": {"strimzi.io/cluster": "synergyflow"},
        },
        "spec": {"authentication": {"type": "scram-sha-512"}, **spec},
    }


def acls(*rules: dict) -> dict:
    return user(authorization={"type": "simple", "acls": list(rules)})


def test_each_operation_is_a_rule():
    resource = {"type": "topic", "name": "user-", "patternType": "prefix"}
    made = users.rules(acls({"resource": resource, "operations": ["Read", "DescribeConfigs"]}))
    assert made == {
        Rule("TOPIC", "user-", "PREFIXED", "READ", "*", "ALLOW"),
        Rule("TOPIC", "user-", "PREFIXED", "DESCRIBE_CONFIGS", "*", "ALLOW"),
    }


def test_the_cluster_has_a_name_of_its_own():
    made = users.rules(acls({"type": "deny", "host": "h", "resource": {"type": "cluster"}, "operation": "Alter"}))
    assert made == {Rule("CLUSTER", "kafka-cluster", "LITERAL", "ALTER", "h", "DENY")}


@pytest.mark.parametrize(
    "acl",
    [
        {"resource": {"type": "topic", "name": "a"}},
        {"resource": {"type": "group"}, "operations": ["Read"]},
    ],
)
def test_a_rule_that_says_nothing_is_refused(acl):
    with pytest.raises(status.InvalidResourceException):
        users.rules(acls(acl))


def test_a_user_without_authorization_has_no_rules():
    assert users.rules(user()) == set()


def test_quotas_by_their_names_in_kafka():
    made = users.quotas(user(quotas={"producerByteRate": 1048576, "requestPercentage": 55, "consumerByteRate": None}))
    assert made == {"producer_byte_rate": 1048576.0, "request_percentage": 55.0}


def test_the_secret_goes_with_its_user_and_serves_java_clients():
    made = users.secret(user(), "pre-", users.scram_data(user(), "hunter2"))
    assert made["metadata"]["name"] == "pre-backend"
    assert made["metadata"]["ownerReferences"][0]["uid"] == "uid"
    assert base64.b64decode(made["data"]["password"]) == b"hunter2"
    assert base64.b64decode(made["data"]["sasl.jaas.config"]).decode() == (
        'org.apache.kafka.common.security.scram.ScramLoginModule required username="backend" password="hunter2";'
    )


def test_a_users_own_labels_do_not_replace_the_operators():
    template = {"secret": {"metadata": {"labels": {"mine": "1", "strimzi.io/cluster": "x"}}}}
    labels = users.secret(user(template=template), "", {})["metadata"]["labels"]
    assert (labels["mine"], labels["strimzi.io/cluster"]) == ("1", "synergyflow")


def test_the_password_may_come_from_a_secret():
    reference = {"valueFrom": {"secretKeyRef": {"name": "given", "key": "word"}}}
    given = user(authentication={"type": "scram-sha-512", "password": reference})
    assert users.password_reference(given) == ("given", "word")
    assert users.password_reference(user()) is None


def test_a_certificate_user_is_named_by_its_subject():
    assert users.username(user(authentication={"type": "tls"})) == "CN=backend"
    assert users.username(user()) == "backend"


def test_a_failed_user_says_not_ready_true():
    condition = users.refused_status(user(), "InvalidResourceException", "words")["conditions"][0]
    assert (condition["type"], condition["status"]) == ("NotReady", "True")


def test_a_ready_user_names_its_secret():
    made = users.ready_status(user(), "backend")
    assert (made["username"], made["secret"], made["observedGeneration"]) == ("backend", "backend", 4)
