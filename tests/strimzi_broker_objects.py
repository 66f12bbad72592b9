# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Broker pods with their ConfigMaps, Secrets and claims, laid out as Strimzi's real cluster operator makes them.

Written after KafkaBrokerConfigurationBuilder, KafkaCluster and VolumeUtils of strimzi-kafka-operator (0.45.x with
PKCS12 stores that the image makes from mounted Secrets; 1.x with PEM from Secrets by name) and after objects of a
running 0.45 operator, not after the rehearsal's stand-in: the process node must run both without knowing which.
"""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"
Object = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """A generation of Strimzi with a Kafka of its time."""

    strimzi: str
    kafka: str
    metadata_version: str

    @property
    def pem(self) -> bool:
        """Whether stores are PEM from Secrets (1.x), not PKCS12 below /tmp/kafka (0.45)."""
        return not self.strimzi.startswith("0.")

    @property
    def image(self) -> str:
        """The image of the brokers."""
        return f"quay.io/strimzi/kafka:{self.strimzi}-kafka-{self.kafka}"


CURRENT = Release("1.2.0", "4.3.1", "4.3-IV0")
SEED = Release("0.45.2", "3.8.1", "3.8-IV0")


class Authority:
    """A certificate authority as Strimzi makes it: O=io.strimzi."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = _name(name)
        self.certificate = (
            _builder(self.subject, self.subject, self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, common_name: str, names: list[str]) -> tuple[str, str]:
        """A certificate for server and client use, and its key: both PEM, the key PKCS8."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(common_name), self.subject, key.public_key()).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
            builder = builder.add_extension(alternatives, critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        encoded = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode(), encoded.decode()


@dataclass
class Brokers:
    """A Kafka cluster `cluster` with the combined nodes of pool `broker`."""

    release: Release
    namespace: str
    cluster: str = "synergyflow"
    count: int = 3
    rack: bool = True

    def __post_init__(self) -> None:
        self.cluster_ca, self.clients_ca = Authority("cluster-ca v0"), Authority("clients-ca v0")
        self.pods = [f"{self.cluster}-broker-{number}" for number in range(self.count)]
        self.certificates = {pod: self.cluster_ca.issue(f"{self.cluster}-kafka", self._names(pod)) for pod in self.pods}

    def host(self, pod: str) -> str:
        """The name a broker is reached by."""
        return f"{pod}.{self.cluster}-kafka-brokers.{self.namespace}.svc"

    def objects(self) -> list[Object]:
        """Everything, in the order it can be applied."""
        made = [
            self._object("ServiceAccount", f"{self.cluster}-kafka"),
            self._secret(f"{self.cluster}-cluster-ca-cert", {"ca.crt": self.cluster_ca.pem}),
            self._secret(f"{self.cluster}-clients-ca-cert", {"ca.crt": self.clients_ca.pem}),
            self._service(f"{self.cluster}-kafka-brokers", headless=True),
            self._service(f"{self.cluster}-kafka-bootstrap", headless=False),
        ]
        if self.release.pem:
            made += [self._secret(pod, self._pair(pod)) for pod in self.pods]
        else:
            pairs = {key: value for pod in self.pods for key, value in self._pair(pod).items()}
            made.append(self._secret(f"{self.cluster}-kafka-brokers", pairs))
        for number, pod in enumerate(self.pods):
            made += [self.config_map(number), self.claim(pod), self.pod(number)]
        return made

    def pod(self, number: int) -> Object:
        """One broker's pod."""
        name = self.pods[number]
        volumes: list[Object] = [
            {"name": "data-0", "persistentVolumeClaim": {"claimName": f"data-0-{name}"}},
            {"name": "strimzi-tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "5Mi"}},
            {"name": "kafka-metrics-and-logging", "configMap": {"name": name}},
            {"name": "ready-files", "emptyDir": {"medium": "Memory", "sizeLimit": "1Ki"}},
        ]
        mounts = [
            {"name": "data-0", "mountPath": "/var/lib/kafka/data-0"},
            {"name": "strimzi-tmp", "mountPath": "/tmp"},
            {"name": "kafka-metrics-and-logging", "mountPath": "/opt/kafka/custom-config/"},
            {"name": "ready-files", "mountPath": "/var/opt/kafka"},
        ]
        if not self.release.pem:
            for volume, secret, path in (
                ("cluster-ca", f"{self.cluster}-cluster-ca-cert", "cluster-ca-certs"),
                ("broker-certs", f"{self.cluster}-kafka-brokers", "broker-certs"),
                ("client-ca-cert", f"{self.cluster}-clients-ca-cert", "client-ca-certs"),
            ):
                volumes.append({"name": volume, "secret": {"secretName": secret, "defaultMode": 292}})
                mounts.append({"name": volume, "mountPath": f"/opt/kafka/{path}"})
        spec: Object = {
            "hostname": name,
            "subdomain": f"{self.cluster}-kafka-brokers",
            "serviceAccountName": f"{self.cluster}-kafka",
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "containers": [
                {
                    "name": "kafka",
                    "image": self.release.image,
                    "command": ["/opt/kafka/kafka_run.sh"],
                    "env": [
                        {"name": "STRIMZI_KAFKA_GC_LOG_ENABLED", "value": "false"},
                        {"name": "KAFKA_HEAP_OPTS", "value": "-Xms2g -Xmx2g"},
                    ],
                    "ports": [
                        {"name": "tcp-ctrlplane", "containerPort": 9090},
                        {"name": "tcp-replication", "containerPort": 9091},
                        {"name": "tcp-tls", "containerPort": 9093},
                    ],
                    "resources": {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "4Gi"}},
                    "volumeMounts": mounts,
                }
            ],
            "volumes": volumes,
        }
        if self.rack:
            volumes.append({"name": "rack-volume", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
            mounts.append({"name": "rack-volume", "mountPath": "/opt/kafka/init"})
            spec["initContainers"] = [
                {
                    "name": "kafka-init",
                    "image": f"quay.io/strimzi/operator:{self.release.strimzi}",
                    "command": ["/opt/strimzi/bin/kafka_init_run.sh"],
                    "env": [
                        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                        {"name": "RACK_TOPOLOGY_KEY", "value": "topology.kubernetes.io/zone"},
                    ],
                    "volumeMounts": [{"name": "rack-volume", "mountPath": "/opt/kafka/init"}],
                }
            ]
        return {**self._object("Pod", name), "spec": spec}

    def config_map(self, number: int) -> Object:
        """One broker's ConfigMap."""
        logging = "log4j.properties" if self.release.kafka.startswith("3.") else "log4j2.properties"
        content = {
            "cluster.id": CLUSTER_ID,
            "metadata.state": "2",
            "metadata.version": self.release.metadata_version,
            "listeners.config": "TLS_9093_...",
            "server.config": self.server_config(number),
            logging: _LOG4J if logging == "log4j.properties" else _LOG4J2,
        }
        return {**self._object("ConfigMap", self.pods[number]), "data": content}

    def claim(self, pod: str) -> Object:
        """A broker's volume claim, which nobody owns."""
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "rook-ceph-block",
            "resources": {"requests": {"storage": "100Gi"}},
        }
        return {**self._object("PersistentVolumeClaim", f"data-0-{pod}"), "spec": spec}

    def server_config(self, number: int) -> str:
        """`server.config` as the operator writes it."""
        pod = self.pods[number]
        voters = ",".join(f"{each}@{self.host(name)}.cluster.local:9090" for each, name in enumerate(self.pods))
        advertised = [f"REPLICATION-9091://{self.host(pod)}:9091", f"TLS-9093://{self.host(pod)}:9093"]
        if self.release.pem:
            advertised.insert(0, f"CONTROLPLANE-9090://{self.host(pod)}:9090")
        reporter = "cruise.control.metrics.reporter."
        lines = [
            "##############################",
            "# This file is automatically generated by the Strimzi Cluster Operator",
            "##############################",
            "",
            "##########",
            "# Node ID",
            "##########",
            f"node.id={number}",
            "",
            *(["broker.rack=${strimzidir:/opt/kafka/init:rack.id}"] if self.rack else []),
            "process.roles=broker,controller",
            "controller.listener.names=CONTROLPLANE-9090",
            f"controller.quorum.voters={voters}",
            f"metadata.log.dir=/var/lib/kafka/data-0/kafka-log{number}",
            f"log.dirs=/var/lib/kafka/data-0/kafka-log{number}",
            *self._stores("listener.name.controlplane-9090.", pod, trust="cluster"),
            "listener.name.controlplane-9090.ssl.client.auth=required",
            *self._stores("listener.name.replication-9091.", pod, trust="cluster"),
            "listener.name.replication-9091.ssl.client.auth=required",
            "listener.name.tls-9093.scram-sha-512.sasl.jaas.config="
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "listener.name.tls-9093.sasl.enabled.mechanisms=SCRAM-SHA-512",
            *self._stores("listener.name.tls-9093.", pod, trust=None),
            "listener.security.protocol.map=CONTROLPLANE-9090:SSL,REPLICATION-9091:SSL,TLS-9093:SASL_SSL",
            "listeners=CONTROLPLANE-9090://0.0.0.0:9090,REPLICATION-9091://0.0.0.0:9091,TLS-9093://0.0.0.0:9093",
            "inter.broker.listener.name=REPLICATION-9091",
            f"advertised.listeners={','.join(advertised)}",
            "sasl.enabled.mechanisms=",
            "ssl.endpoint.identification.algorithm=HTTPS",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            f"super.users=User:CN={self.cluster}-kafka,O=io.strimzi;User:CN=cluster-operator,O=io.strimzi",
            "cruise.control.metrics.topic=strimzi.cruisecontrol.metrics",
            f"{reporter}bootstrap.servers={self.cluster}-kafka-brokers:9091",
            *self._stores(reporter, pod, trust="cluster"),
            f"config.providers=strimzienv,{'strimzisecrets,' if self.release.pem else ''}strimzifile,strimzidir",
            "config.providers.strimzienv.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider",
            "config.providers.strimzienv.param.allowlist.pattern=.*",
            "config.providers.strimzifile.class=org.apache.kafka.common.config.provider.FileConfigProvider",
            "config.providers.strimzifile.param.allowed.paths=/opt/kafka",
            "config.providers.strimzidir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider",
            "config.providers.strimzidir.param.allowed.paths=/opt/kafka",
            *(
                ["config.providers.strimzisecrets.class=io.strimzi.kafka.KubernetesSecretConfigProvider"]
                if self.release.pem
                else []
            ),
            "metric.reporters=com.linkedin.kafka.cruisecontrol.metricsreporter.CruiseControlMetricsReporter,"
            "org.apache.kafka.common.metrics.JmxReporter",
            "auto.create.topics.enable=false",
            "default.replication.factor=3",
            "min.insync.replicas=2",
            "offsets.topic.replication.factor=3",
            "transaction.state.log.replication.factor=3",
            "transaction.state.log.min.isr=2",
        ]
        return "\n".join(lines) + "\n"

    # --- parts

    def _stores(self, prefix: str, pod: str, trust: str | None) -> list[str]:
        if not self.release.pem:
            lines = []
            for store, name in (("keystore", "cluster"), ("truststore", trust)):
                if name:
                    lines += [
                        f"{prefix}ssl.{store}.location=/tmp/kafka/{name}.{store}.p12",
                        f"{prefix}ssl.{store}.password=${{strimzienv:CERTS_STORE_PASSWORD}}",
                        f"{prefix}ssl.{store}.type=PKCS12",
                    ]
            return lines
        own = f"{self.namespace}/{pod}"
        lines = [
            f"{prefix}ssl.keystore.certificate.chain=${{strimzisecrets:{own}:{pod}.crt}}",
            f"{prefix}ssl.keystore.key=${{strimzisecrets:{own}:{pod}.key}}",
            f"{prefix}ssl.keystore.type=PEM",
        ]
        if trust:
            authority = f"{self.namespace}/{self.cluster}-{trust}-ca-cert"
            lines += [
                f"{prefix}ssl.truststore.certificates=${{strimzisecrets:{authority}:*.crt}}",
                f"{prefix}ssl.truststore.type=PEM",
            ]
        return lines

    def _names(self, pod: str) -> list[str]:
        services = [f"{self.cluster}-kafka-{kind}" for kind in ("bootstrap", "brokers")]
        suffixes = ("", f".{self.namespace}", f".{self.namespace}.svc", f".{self.namespace}.svc.cluster.local")
        names = [f"{service}{suffix}" for service in services for suffix in suffixes]
        return [*names, self.host(pod), f"{self.host(pod)}.cluster.local"]

    def _pair(self, pod: str) -> dict[str, str]:
        certificate, key = self.certificates[pod]
        return {f"{pod}.crt": certificate, f"{pod}.key": key}

    def _labels(self) -> dict[str, str]:
        return {
            "app.kubernetes.io/name": "kafka",
            "app.kubernetes.io/instance": self.cluster,
            "strimzi.io/cluster": self.cluster,
            "strimzi.io/kind": "Kafka",
            "strimzi.io/name": f"{self.cluster}-kafka",
            "strimzi.io/pool-name": "broker",
        }

    def _object(self, kind: str, name: str) -> Object:
        metadata = {"name": name, "namespace": self.namespace, "labels": self._labels()}
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata}

    def _secret(self, name: str, content: dict[str, str]) -> Object:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in content.items()}
        return {**self._object("Secret", name), "type": "Opaque", "data": data}

    def _service(self, name: str, headless: bool) -> Object:
        ports = [{"name": f"tcp-{port}", "port": port} for port in (9090, 9091, 9093)]
        selector = {"strimzi.io/cluster": self.cluster, "strimzi.io/name": f"{self.cluster}-kafka"}
        spec: Object = {"ports": ports, "selector": selector}
        if headless:
            spec |= {"clusterIP": "None", "publishNotReadyAddresses": True}
        return {**self._object("Service", name), "spec": spec}


def _name(common_name: str) -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, "io.strimzi"), (NameOID.COMMON_NAME, common_name)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=365))
    )


_LOG4J = """\
log4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender
log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout
log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} %p %m (%c) [%t]%n
log4j.rootLogger=INFO, CONSOLE
"""
_LOG4J2 = """\
name = KafkaConfig
appender.console.type = Console
appender.console.name = STDOUT
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %-5p [%t] %c{1}:%L - %m%n
rootLogger.level = INFO
rootLogger.appenderRefs = console
rootLogger.appenderRef.console.ref = STDOUT
"""
