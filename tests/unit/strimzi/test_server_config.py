# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The broker's configuration file in both generations."""

from __future__ import annotations

import pytest

from rehearsal.strimzi import server_config

LOG_DIRS = ["/var/lib/kafka/data-0"]


def properties(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = [line.split("=", 1) for line in lines]
    assert len({key for key, _ in pairs}) == len(pairs), "a key is written twice"
    return dict(pairs)


@pytest.fixture
def render(cluster, pool, kafka):
    def render(node: int = 1, **options) -> dict[str, str]:
        options = {"pem": True, "advertise_controllers": True, **options}
        nodes = pool.nodes
        return properties(
            server_config.render(cluster, nodes[node], nodes, kafka["spec"]["kafka"], LOG_DIRS, **options)
        )

    return render


def test_a_node_knows_itself_and_the_quorum(render):
    settings = render()
    assert settings["node.id"] == "1"
    assert settings["process.roles"] == "broker,controller"
    assert settings["controller.quorum.voters"].split(",")[2] == (
        "2@synergyflow-broker-2.synergyflow-kafka-brokers.messaging.svc.cluster.local:9090"
    )
    assert settings["log.dirs"] == settings["metadata.log.dir"] == "/var/lib/kafka/data-0/kafka-log1"
    assert settings["broker.rack"] == "${strimzidir:/opt/kafka/init:rack.id}"


def test_clients_are_told_the_pod_name(render):
    settings = render()
    host = "synergyflow-broker-1.synergyflow-kafka-brokers.messaging.svc"
    assert settings["advertised.listeners"] == (
        f"CONTROLPLANE-9090://{host}:9090,REPLICATION-9091://{host}:9091,TLS-9093://{host}:9093"
    )
    protocols = "CONTROLPLANE-9090:SSL,REPLICATION-9091:SSL,TLS-9093:SASL_SSL"
    assert settings["listener.security.protocol.map"] == protocols
    assert settings["listener.name.tls-9093.sasl.enabled.mechanisms"] == "SCRAM-SHA-512"


def test_kafka_before_3_9_does_not_advertise_its_controllers(render):
    assert "CONTROLPLANE" not in render(pem=False, advertise_controllers=False)["advertised.listeners"]


def test_current_brokers_read_pem_from_their_own_secret(render):
    settings = render(node=2)
    chain = settings["listener.name.replication-9091.ssl.keystore.certificate.chain"]
    assert chain == "${strimzisecrets:messaging/synergyflow-broker-2:synergyflow-broker-2.crt}"
    trusted = settings["listener.name.controlplane-9090.ssl.truststore.certificates"]
    assert trusted == "${strimzisecrets:messaging/synergyflow-cluster-ca-cert:*.crt}"
    assert "strimzisecrets" in settings["config.providers"].split(",")
    assert not any("p12" in value for value in settings.values())


def test_previous_brokers_read_pkcs12_from_files(render):
    settings = render(pem=False)
    assert settings["listener.name.tls-9093.ssl.keystore.location"] == "/tmp/kafka/cluster.keystore.p12"
    assert settings["listener.name.replication-9091.ssl.truststore.type"] == "PKCS12"
    assert not any("strimzisecrets" in text for text in (*settings, *settings.values()))


def test_operators_are_super_users(render, kafka):
    kafka["spec"]["kafka"]["authorization"]["superUsers"] = ["CN=me"]
    users = render()["super.users"].split(";")
    assert users[0] == "User:CN=synergyflow-kafka,O=io.strimzi"
    assert "User:CN=cluster-operator,O=io.strimzi" in users
    assert users[-1] == "User:CN=me"


def test_user_configuration_cannot_touch_what_the_operator_sets(render, kafka):
    kafka["spec"]["kafka"]["config"] |= {"listeners": "X", "ssl.keystore.location": "/x", "ssl.protocol": "TLSv1.3"}
    settings = render()
    assert settings["listeners"].startswith("CONTROLPLANE-9090://")
    assert "ssl.keystore.location" not in settings
    assert settings["ssl.protocol"] == "TLSv1.3"
    assert settings["auto.create.topics.enable"] == "false"


def test_metrics_and_cruise_control_add_their_reporters(render):
    settings = render(cruise_control=True, metrics=True)
    assert [name.rpartition(".")[2] for name in settings["metric.reporters"].split(",")] == [
        "CruiseControlMetricsReporter",
        "JmxReporter",
    ]
    assert settings["cruise.control.metrics.reporter.bootstrap.servers"] == "synergyflow-kafka-brokers:9091"
    assert "metric.reporters" not in render()
