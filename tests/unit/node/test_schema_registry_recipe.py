# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container of Confluent's Schema Registry becomes Apicurio with the same brokers, log-in and compatibility."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal import process_images, programs
from rehearsal.errors import NotBuiltError
from rehearsal.node import recipes
from rehearsal.node.recipes import properties, schema_registry
from rehearsal.node.recipes.recipe import CannotStartError, Container
from rehearsal.paths import Paths

IMAGE = "docker.io/confluentinc/cp-schema-registry:7.8.0"
JAAS = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="not-to-be-seen";'
GIVEN = {
    "SCHEMA_REGISTRY_HOST_NAME": "10.128.0.1",
    "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS": "SASL_SSL://k-kafka-bootstrap.messaging.svc:9093",
    "SCHEMA_REGISTRY_KAFKASTORE_SECURITY_PROTOCOL": "SASL_SSL",
    "SCHEMA_REGISTRY_KAFKASTORE_SASL_MECHANISM": "SCRAM-SHA-512",
    "SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG": JAAS,
    "SCHEMA_REGISTRY_KAFKASTORE_SSL_TRUSTSTORE_LOCATION": "/etc/kafka-ca/ca.p12",
    "SCHEMA_REGISTRY_KAFKASTORE_SSL_TRUSTSTORE_TYPE": "PKCS12",
    "SCHEMA_REGISTRY_KAFKASTORE_SSL_TRUSTSTORE_PASSWORD": "p12-word",
    "SCHEMA_REGISTRY_KAFKASTORE_TOPIC": "_schemas",
    "SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL": "full",
    "SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID": "schema-registry",
}


class Api:
    """A bootstrap Service with two brokers behind it."""

    def find(self, path: str) -> dict[str, Any] | None:
        found = path.endswith("/services/k-kafka-bootstrap")
        return {"spec": {"selector": {"strimzi.io/cluster": "k"}}} if found else None

    def get(self, path: str, **query: str) -> dict[str, Any]:
        assert path.endswith("/namespaces/messaging/pods")
        assert query == {"labelSelector": "strimzi.io/cluster=k"}
        return {
            "items": [
                {
                    "metadata": {"name": f"k-broker-{number}", "namespace": "messaging"},
                    "spec": {"hostname": f"k-broker-{number}", "subdomain": "k-kafka-brokers"},
                }
                for number in (0, 1)
            ]
        }


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "archive", lambda name, paths=None: Path("/built") / name)
    monkeypatch.setattr(programs, "java", lambda: Path("/built/java"))


@pytest.fixture
def make(tmp_path: Path):
    def make(image: str = IMAGE, **changed: str | None) -> Container:
        given = {**GIVEN, **changed}
        store = tmp_path / "root" / "etc" / "kafka-ca" / "ca.p12"
        store.parent.mkdir(parents=True, exist_ok=True)
        store.write_bytes(b"p12")
        return Container(
            api=Api(),  # type: ignore[arg-type]
            paths=Paths(tmp_path / "state", tmp_path / "cache"),
            cluster="apps",
            pod={"metadata": {"name": "r-0", "namespace": "messaging"}, "spec": {}},
            spec={"image": image, "name": "schema-registry"},
            environment={name: value for name, value in given.items() if value is not None},
            root=tmp_path / "root",
            folder=tmp_path / "folder",
            kubeconfig=lambda: Path("/kubeconfig"),
            node_labels=dict,
            port=lambda number, of="r-0": number + (1 if of == "k-broker-1" else 0),
        )

    return make


def settings(container: Container) -> dict[str, str]:
    schema_registry.prepare(container)
    return properties.parse((container.folder / "work" / "config" / "application.properties").read_text())


@pytest.mark.parametrize("image", [IMAGE, "mirror.example/x/confluentinc/cp-schema-registry:7.9.1"])
def test_its_image_is_claimed_by_the_process_node(make, image: str) -> None:
    assert process_images.claimed({"spec": {"containers": [{"image": image}]}})
    assert recipes.find(make(image)) == "schema_registry"


def test_the_pods_log_in_becomes_apicurios(make) -> None:
    found = settings(make())
    common = "apicurio.kafka.common."
    assert found[f"{common}sasl.jaas.config"] == JAAS
    assert found[f"{common}security.protocol"] == "SASL_SSL"
    assert found[f"{common}sasl.mechanism"] == "SCRAM-SHA-512"
    assert found[f"{common}ssl.truststore.location"].endswith("/etc/kafka-ca/ca.p12")
    assert (found[f"{common}ssl.truststore.type"], found[f"{common}ssl.truststore.password"]) == ("PKCS12", "p12-word")
    assert found[f"{common}ssl.endpoint.identification.algorithm"] == "https", "brokers' names are looked at"


def test_brokers_are_found_behind_the_bootstrap_service(make) -> None:
    assert settings(make())["apicurio.kafkasql.bootstrap.servers"] == (
        "k-broker-0.k-kafka-brokers.messaging.svc:9093,k-broker-1.k-kafka-brokers.messaging.svc:9094"
    )


def test_compatibility_topic_and_group_come_from_the_container(make) -> None:
    found = settings(make(SCHEMA_REGISTRY_KAFKASTORE_TOPIC="_other"))
    assert found["apicurio.rules.global.compatibility"] == "FULL"
    assert found["apicurio.kafkasql.topic"] == "_other-apicurio"
    assert found["apicurio.kafkasql.consumer.group-prefix"] == "schema-registry-"
    assert (
        settings(make(SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL=None))["apicurio.rules.global.compatibility"]
        == "BACKWARD"
    ), "Confluent's own default"


def test_no_secret_is_where_others_see_it(make) -> None:
    container = make()
    run = schema_registry.prepare(container)
    shown = f"{run.to_json()}"
    assert "not-to-be-seen" not in shown
    assert "p12-word" not in shown
    assert (container.folder / "work" / "config" / "application.properties").stat().st_mode & 0o077 == 0


def test_it_says_what_it_is(make) -> None:
    run = schema_registry.prepare(make())
    assert run.stands_in == "apicurio-registry"
    assert run.ports[8081] == 8081
    assert any("_schemas" in note or "KAFKASTORE_TOPIC" in note for note in run.notes)
    assert run.ready == {"url": "http://127.0.0.1:8081/subjects"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"SCHEMA_REGISTRY_PORT": "tcp://10.0.0.1:8081"}, "PORT is deprecated"),
        ({"SCHEMA_REGISTRY_HOST_NAME": None}, "SCHEMA_REGISTRY_HOST_NAME is required"),
        ({"SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS": "SASL_SSL://nowhere.messaging.svc:9093"}, "Couldn't resolve"),
        (
            {"SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS": "SASL_SSL://k.elsewhere.svc:9093"},
            "namespace messaging only",
        ),
        ({"SCHEMA_REGISTRY_KAFKASTORE_SSL_TRUSTSTORE_LOCATION": "/no/such.p12"}, "there is no truststore"),
    ],
)
def test_what_the_image_would_not_start_with_does_not_start(make, changed: dict[str, str | None], words: str) -> None:
    with pytest.raises(CannotStartError, match=words):
        schema_registry.prepare(make(**changed))


def test_an_archive_that_is_not_there_is_an_image_that_cannot_be_pulled(make, monkeypatch) -> None:
    def missing(name: str, paths: Any = None) -> Path:
        raise NotBuiltError(name)

    monkeypatch.setattr(programs, "archive", missing)
    with pytest.raises(CannotStartError, match="Failed to pull image") as it:
        schema_registry.prepare(make())
    assert it.value.reason == "ErrImagePull"


def test_nobody_there_is_not_ready(make) -> None:
    run = schema_registry.prepare(make())
    run.ready["url"] = "http://127.0.0.1:9/subjects"
    assert "refused" in str(schema_registry.answers(run))
