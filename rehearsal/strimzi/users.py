# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What a KafkaUser means, as plain data. Source: KafkaUserModel, SimpleAclRule and QuotaUtils of the user operator."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from rehearsal.labels import STAND_IN
from rehearsal.strimzi import names, status
from rehearsal.strimzi.names import owner

PASSWORD_LENGTH = 32  # characters, STRIMZI_SCRAM_SHA_PASSWORD_LENGTH's default
SCRAM_ITERATIONS = 4096
USER_OPERATOR = "strimzi-user-operator"

QUOTAS = {
    "producerByteRate": "producer_byte_rate",
    "consumerByteRate": "consumer_byte_rate",
    "requestPercentage": "request_percentage",
    "controllerMutationRate": "controller_mutation_rate",
}
RESOURCES = {"topic": "TOPIC", "group": "GROUP", "cluster": "CLUSTER", "transactionalId": "TRANSACTIONAL_ID"}
CLUSTER_RESOURCE = "kafka-cluster"


@dataclass(frozen=True, order=True)
class Rule:
    """One ACL of a user, in the words of Kafka's protocol."""

    resource: str
    name: str
    pattern: str
    operation: str
    host: str
    permission: str


def authentication(user: dict) -> str | None:
    """`scram-sha-512`, `tls`, `tls-external` or None."""
    return ((user.get("spec") or {}).get("authentication") or {}).get("type")


def username(user: dict) -> str:
    """The user's name in Kafka: of a certificate its subject."""
    name = user["metadata"]["name"]
    return f"CN={name}" if authentication(user) in ("tls", "tls-external") else name


def rules(user: dict) -> set[Rule]:
    """The ACLs of `.spec.authorization`, each operation of a list one; InvalidResourceException when it has none."""
    authorization = (user.get("spec") or {}).get("authorization") or {}
    made = set()
    for acl in authorization.get("acls") or []:
        operations = acl.get("operations") or ([acl["operation"]] if acl.get("operation") else [])
        if not operations:
            raise status.InvalidResourceException("ACL rule needs at least one operation")
        resource = acl["resource"]
        kind = RESOURCES[resource["type"]]
        name = CLUSTER_RESOURCE if kind == "CLUSTER" else resource.get("name")
        if not name:
            raise status.InvalidResourceException(f"ACL rule for a {resource['type']} needs a name")
        pattern = "PREFIXED" if resource.get("patternType") == "prefix" else "LITERAL"
        made |= {
            Rule(kind, name, pattern, _constant(operation), acl.get("host", "*"), acl.get("type", "allow").upper())
            for operation in operations
        }
    return made


def quotas(user: dict) -> dict[str, float]:
    """The user's quotas by Kafka's names for them."""
    asked = (user.get("spec") or {}).get("quotas") or {}
    return {kafka: float(asked[name]) for name, kafka in QUOTAS.items() if asked.get(name) is not None}


def password_reference(user: dict) -> tuple[str, str] | None:
    """Secret and key that the user's password is to be taken from, if any."""
    given = ((user.get("spec") or {}).get("authentication") or {}).get("password")
    if not given:
        return None
    reference = given["valueFrom"]["secretKeyRef"]
    return reference["name"], reference["key"]


def secret(user: dict, prefix: str, data: dict[str, bytes]) -> dict:
    """The Secret with the user's credentials; it goes with the KafkaUser."""
    metadata = user["metadata"]
    cluster = (metadata.get("labels") or {})[names.CLUSTER]
    template = (((user.get("spec") or {}).get("template") or {}).get("secret") or {}).get("metadata") or {}
    labels = {
        **(template.get("labels") or {}),
        "app.kubernetes.io/instance": metadata["name"],
        "app.kubernetes.io/managed-by": USER_OPERATOR,
        "app.kubernetes.io/name": USER_OPERATOR,
        "app.kubernetes.io/part-of": f"strimzi-{metadata['name']}",
        names.CLUSTER: cluster,
        "strimzi.io/kind": "KafkaUser",
        STAND_IN: USER_OPERATOR,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": f"{prefix}{metadata['name']}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": template.get("annotations") or {},
            "ownerReferences": owner(user),
        },
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def scram_data(user: dict, password: str) -> dict[str, bytes]:
    """A SCRAM user's Secret: the password, and a line that Java clients take as it is."""
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    jaas = f'{login} username="{username(user)}" password="{password}";'
    return {"password": password.encode(), "sasl.jaas.config": jaas.encode()}


def ready_status(user: dict, secret_name: str | None) -> dict:
    """The status of a user that the brokers know."""
    return {**_status(user, status.ready()), **({"secret": secret_name} if secret_name else {})}


def refused_status(user: dict, reason: str, message: str) -> dict:
    """Like a Kafka, a user that failed says `NotReady` with status True."""
    return _status(user, status.condition("NotReady", "True", reason, message))


def paused_status(user: dict) -> dict:
    """The status of a user that is left alone."""
    return {"observedGeneration": user["metadata"]["generation"], "conditions": [status.paused()]}


def _status(user: dict, condition: dict) -> dict:
    return {
        "observedGeneration": user["metadata"]["generation"],
        "conditions": [condition],
        "username": username(user),
    }


def _constant(operation: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() and at else letter for at, letter in enumerate(operation)).upper()
