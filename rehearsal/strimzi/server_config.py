# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""`server.config`: the properties file in a broker's ConfigMap, as the operator of each generation renders it.

Source: KafkaBrokerConfigurationBuilder at 0.45.x (PKCS12 stores under /tmp/kafka, made by the image's scripts) and at
1.x (PEM, read from Secrets by the config provider `strimzisecrets`); KafkaConfiguration for what users may not set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rehearsal.strimzi.names import CONTROL_PLANE_PORT, REPLICATION_PORT, Cluster

CONTROL_PLANE = f"CONTROLPLANE-{CONTROL_PLANE_PORT}"
REPLICATION = f"REPLICATION-{REPLICATION_PORT}"
STORE_PASSWORD = "${strimzienv:CERTS_STORE_PASSWORD}"
METRICS_REPORTER = "com.linkedin.kafka.cruisecontrol.metricsreporter.CruiseControlMetricsReporter"
JMX_REPORTER = "org.apache.kafka.common.metrics.JmxReporter"

# KafkaClusterSpec.FORBIDDEN_PREFIXES and FORBIDDEN_PREFIX_EXCEPTIONS
FORBIDDEN_PREFIXES = (
    "listeners",
    "advertised.",
    "broker.",
    "listener.",
    "host.name",
    "port",
    "inter.broker.listener.name",
    "sasl.",
    "ssl.",
    "security.",
    "password.",
    "log.dir",
    "zookeeper.",
    "authorizer.",
    "super.user",
    "cruise.control.metrics.topic",
    "cruise.control.metrics.reporter.bootstrap.",
    "node.id",
    "process.roles",
    "controller.",
    "metadata.log.dir",
    "client.quota.callback.static.",
)
ALLOWED = (
    "zookeeper.connection.timeout.ms",
    "sasl.server.max.receive.size",
    "ssl.cipher.suites",
    "ssl.protocol",
    "ssl.enabled.protocols",
    "ssl.secure.random.implementation",
    "cruise.control.metrics.topic.num.partitions",
    "cruise.control.metrics.topic.replication.factor",
    "cruise.control.metrics.topic.retention.ms",
    "cruise.control.metrics.topic.auto.create.retries",
    "cruise.control.metrics.topic.auto.create.timeout.ms",
    "cruise.control.metrics.topic.min.insync.replicas",
    "controller.quorum.election.backoff.max.ms",
    "controller.quorum.election.timeout.ms",
    "controller.quorum.fetch.timeout.ms",
)


@dataclass(frozen=True)
class Node:
    """One Kafka node of a pool."""

    id: int
    pod: str
    pool: str
    broker: bool = True
    controller: bool = True


def listener_name(listener: dict) -> str:
    """The name a user's listener has in Kafka: `tls` on 9093 is `TLS-9093`."""
    return f"{listener['name']}-{listener['port']}".upper()


def allowed(config: dict) -> dict:
    """The user's configuration without what the operator sets itself (the real one drops it with a warning, too)."""
    return {
        key: value
        for key, value in config.items()
        if key in ALLOWED or not any(key.startswith(prefix) for prefix in FORBIDDEN_PREFIXES)
    }


def render(
    cluster: Cluster,
    node: Node,
    nodes: Iterable[Node],
    kafka: dict,
    log_dirs: list[str],
    *,
    pem: bool,
    advertise_controllers: bool,
    cruise_control: bool = False,
    metrics: bool = False,
) -> str:
    """The file's text. `kafka` is `.spec.kafka`, `log_dirs` the mount paths of the data volumes, metadata first.

    Kafka before 3.9 refuses its controller listener among the advertised ones: `advertise_controllers` false.
    """
    stores = _PemStores(cluster, node) if pem else _Pkcs12Stores()
    sections: list[tuple[str, list[str]]] = [("Node ID", [f"node.id={node.id}"])]
    if node.broker and kafka.get("rack"):
        sections.append(("Rack ID", ["broker.rack=${strimzidir:/opt/kafka/init:rack.id}"]))
    sections.append(("KRaft configuration", _kraft(cluster, node, nodes)))
    sections.append(("KRaft metadata log dir configuration", [f"metadata.log.dir={log_dirs[0]}/kafka-log{node.id}"]))
    directories = ",".join(f"{path}/kafka-log{node.id}" for path in log_dirs)
    sections.append(("Kafka message logs configuration", [f"log.dirs={directories}"]))
    sections += _listeners(cluster, node, kafka.get("listeners") or [], stores, advertise_controllers)
    if kafka.get("authorization"):
        sections.append(("Authorization", _authorization(cluster, kafka["authorization"])))
    if cruise_control and node.broker:
        sections.append(("Cruise Control configuration", _cruise_control(cluster, kafka.get("config") or {}, stores)))
    sections.append(("Config providers", _config_providers(node, pem)))
    reporters = [METRICS_REPORTER] * (cruise_control and node.broker) + [JMX_REPORTER] * metrics
    if reporters:
        lines = ["# metric.reporters configured by Strimzi", f"metric.reporters={','.join(reporters)}"]
        sections.append(("metric.reporters configuration", lines))
    config = allowed(kafka.get("config") or {})
    if config:
        lines = [f"{key}={_text(value)}" for key, value in config.items()]
        sections.append(("User provided configuration", lines))
    return _banner() + "\n".join(_section(title, lines) for title, lines in sections).rstrip()


class _PemStores:
    """1.x: every store is a reference to a Secret."""

    def __init__(self, cluster: Cluster, node: Node) -> None:
        self.own = f"{cluster.namespace}/{node.pod}"
        self.pod = node.pod
        self.trusted = {kind: f"{cluster.namespace}/{cluster.ca_cert_secret(kind)}" for kind in ("cluster", "clients")}

    def keystore(self, prefix: str) -> list[str]:
        return [
            f"{prefix}ssl.keystore.certificate.chain=${{strimzisecrets:{self.own}:{self.pod}.crt}}",
            f"{prefix}ssl.keystore.key=${{strimzisecrets:{self.own}:{self.pod}.key}}",
            f"{prefix}ssl.keystore.type=PEM",
        ]

    def truststore(self, prefix: str, kind: str) -> list[str]:
        return [
            f"{prefix}ssl.truststore.certificates=${{strimzisecrets:{self.trusted[kind]}:*.crt}}",
            f"{prefix}ssl.truststore.type=PEM",
        ]


class _Pkcs12Stores:
    """0.45: stores that the container's start script makes from the mounted Secrets."""

    def keystore(self, prefix: str) -> list[str]:
        return self._store(prefix, "keystore", "cluster")

    def truststore(self, prefix: str, kind: str) -> list[str]:
        return self._store(prefix, "truststore", kind)

    @staticmethod
    def _store(prefix: str, store: str, kind: str) -> list[str]:
        return [
            f"{prefix}ssl.{store}.location=/tmp/kafka/{kind}.{store}.p12",
            f"{prefix}ssl.{store}.password={STORE_PASSWORD}",
            f"{prefix}ssl.{store}.type=PKCS12",
        ]


def _kraft(cluster: Cluster, node: Node, nodes: Iterable[Node]) -> list[str]:
    roles = [role for role, has in (("broker", node.broker), ("controller", node.controller)) if has]
    voters = ",".join(
        f"{each.id}@{cluster.pod_host(each.pod)}.cluster.local:{CONTROL_PLANE_PORT}"
        for each in sorted(nodes, key=lambda each: each.id)
        if each.controller
    )
    return [
        f"process.roles={','.join(roles)}",
        f"controller.listener.names={CONTROL_PLANE}",
        f"controller.quorum.voters={voters}",
    ]


def _listeners(
    cluster: Cluster,
    node: Node,
    listeners: list[dict],
    stores: _PemStores | _Pkcs12Stores,
    advertise_controllers: bool,
) -> list[tuple[str, list[str]]]:
    host = cluster.pod_host(node.pod)
    protocols = [f"{CONTROL_PLANE}:SSL"]
    bound, advertised = [], []
    sections = [("Control Plane listener", _internal(CONTROL_PLANE, stores))]
    if node.controller:
        bound.append(f"{CONTROL_PLANE}://0.0.0.0:{CONTROL_PLANE_PORT}")
        if advertise_controllers:
            advertised.append(f"{CONTROL_PLANE}://{host}:{CONTROL_PLANE_PORT}")
    if node.broker:
        protocols.append(f"{REPLICATION}:SSL")
        bound.append(f"{REPLICATION}://0.0.0.0:{REPLICATION_PORT}")
        advertised.append(f"{REPLICATION}://{host}:{REPLICATION_PORT}")
        sections.append(("Replication listener", _internal(REPLICATION, stores)))
        for listener in listeners:
            name = listener_name(listener)
            lines, protocol = _user_listener(name, listener, stores)
            protocols.append(f"{name}:{protocol}")
            bound.append(f"{name}://0.0.0.0:{listener['port']}")
            advertised.append(f"{name}://{host}:{listener['port']}")
            sections.append((f"Listener configuration: {name}", lines))
    shared = [f"listener.security.protocol.map={','.join(protocols)}", f"listeners={','.join(bound)}"]
    if node.broker:
        shared.append(f"inter.broker.listener.name={REPLICATION}")
    if advertised:
        shared.append(f"advertised.listeners={','.join(advertised)}")
    shared += ["sasl.enabled.mechanisms=", "ssl.endpoint.identification.algorithm=HTTPS"]
    return [*sections, ("Common listener configuration", shared)]


def _internal(name: str, stores: _PemStores | _Pkcs12Stores) -> list[str]:
    prefix = f"listener.name.{name.lower()}."
    return [*stores.keystore(prefix), *stores.truststore(prefix, "cluster"), f"{prefix}ssl.client.auth=required"]


def _user_listener(name: str, listener: dict, stores: _PemStores | _Pkcs12Stores) -> tuple[list[str], str]:
    prefix = f"listener.name.{name.lower()}."
    kind = (listener.get("authentication") or {}).get("type")
    lines = []
    if kind == "scram-sha-512":
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        lines += [f"{prefix}scram-sha-512.sasl.jaas.config={login}", f"{prefix}sasl.enabled.mechanisms=SCRAM-SHA-512"]
    elif kind == "tls":
        lines += [f"{prefix}ssl.client.auth=required", *stores.truststore(prefix, "clients")]
    configuration = listener.get("configuration") or {}
    if configuration.get("maxConnections") is not None:
        lines.append(f"{prefix}max.connections={configuration['maxConnections']}")
    if configuration.get("maxConnectionCreationRate") is not None:
        lines.append(f"{prefix}max.connection.creation.rate={configuration['maxConnectionCreationRate']}")
    if listener.get("tls"):
        lines += stores.keystore(prefix)
    protocol = ("SASL_" if kind == "scram-sha-512" else "") + ("SSL" if listener.get("tls") else "PLAINTEXT")
    return lines, protocol


def _authorization(cluster: Cluster, authorization: dict) -> list[str]:
    components = ("entity-topic-operator", "entity-user-operator", "kafka-exporter", "cruise-control")
    names = [cluster.component, *(f"{cluster.name}-{part}" for part in components), "cluster-operator"]
    users = [f"User:CN={name},O=io.strimzi" for name in names]
    users += [f"User:{name}" for name in authorization.get("superUsers") or []]
    if authorization["type"] == "custom":
        authorizer = authorization.get("authorizerClass", "")
    else:
        authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
    return [f"authorizer.class.name={authorizer}", f"super.users={';'.join(users)}"]


def _cruise_control(cluster: Cluster, config: dict, stores: _PemStores | _Pkcs12Stores) -> list[str]:
    reporter = "cruise.control.metrics.reporter."
    lines = [
        f"cruise.control.metrics.topic={config.get('cruise.control.metrics.topic', 'strimzi.cruisecontrol.metrics')}",
        f"{reporter}ssl.endpoint.identification.algorithm=HTTPS",
        f"{reporter}bootstrap.servers={cluster.brokers_service}:{REPLICATION_PORT}",
        f"{reporter}security.protocol=SSL",
        *stores.keystore(reporter),
        *stores.truststore(reporter, "cluster"),
        "cruise.control.metrics.topic.auto.create=true",
    ]
    for key in ("num.partitions", "replication.factor", "min.insync.replicas"):
        fallback = {"num.partitions": 1}.get(key)
        value = config.get(f"cruise.control.metrics.topic.{key}", fallback)
        if value is not None:
            lines.append(f"cruise.control.metrics.topic.{key}={value}")
    return lines


def _config_providers(node: Node, pem: bool) -> list[str]:
    provider = "org.apache.kafka.common.config.provider."
    names = [
        "strimzienv",
        *(["strimzisecrets"] if pem else []),
        *(["strimzifile", "strimzidir"] if node.broker else []),
    ]
    lines = [
        "# Configuration providers configured by the user and by Strimzi",
        f"config.providers={','.join(names)}",
        f"config.providers.strimzienv.class={provider}EnvVarConfigProvider",
        "config.providers.strimzienv.param.allowlist.pattern=.*",
    ]
    if pem:
        lines.append("config.providers.strimzisecrets.class=io.strimzi.kafka.KubernetesSecretConfigProvider")
    if node.broker:
        lines += [
            f"config.providers.strimzifile.class={provider}FileConfigProvider",
            "config.providers.strimzifile.param.allowed.paths=/opt/kafka",
            f"config.providers.strimzidir.class={provider}DirectoryConfigProvider",
            "config.providers.strimzidir.param.allowed.paths=/opt/kafka",
        ]
    return lines


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _banner() -> str:
    rule = "#" * 30
    return (
        f"{rule}\n{rule}\n# This file is automatically generated by the stand-in for the Strimzi Cluster Operator\n"
        f"# Any changes to this file will be ignored and overwritten!\n{rule}\n{rule}\n\n"
    )


def _section(title: str, lines: list[str]) -> str:
    return "\n".join(["#" * 10, f"# {title}", "#" * 10, *lines, ""])
