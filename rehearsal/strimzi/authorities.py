# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The Secrets with CAs and certificates: what is there and good is kept, the rest is made.

Source: CaReconciler, ClusterCa and KafkaCluster.generateCertificatesSecrets. CA renewal is not played.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.strimzi import certificates
from rehearsal.strimzi.api import Api
from rehearsal.strimzi.broker_pods import Pool
from rehearsal.strimzi.certificates import Certificate
from rehearsal.strimzi.names import Cluster, owner
from rehearsal.strimzi.versions import Generation

KEY_GENERATION = "strimzi.io/ca-key-generation"
CERT_GENERATION = "strimzi.io/ca-cert-generation"
SIGNED_BY = "strimzi.io/cluster-ca-cert-generation"


@dataclass(frozen=True)
class Authorities:
    """The two CAs of a cluster."""

    cluster: Certificate
    clients: Certificate


class SecretWriter:
    """Makes the Secrets of one Kafka; `written` collects them for the caller to apply."""

    def __init__(self, api: Api, cluster: Cluster, kafka: dict) -> None:
        self._api, self._cluster, self._kafka = api, cluster, kafka
        self.written: list[dict] = []

    def authorities(self) -> Authorities:
        """Both CAs, taken from their Secrets or new."""
        return Authorities(self._authority("cluster"), self._authority("clients"))

    def component(self, secret: str, key: str, common_name: str, authority: Certificate) -> Certificate:
        """One of the operators' client certificate, in a Secret as `<key>.crt`, `.key`, `.p12` and `.password`."""
        found = self._stored(secret, key)
        made = found if found and certificates.serves(found.certificate, authority.certificate, ()) else None
        if made is None:
            made = certificates.issued(authority, common_name)
            password = certificates.password()
            data = {
                f"{key}.crt": made.certificate,
                f"{key}.key": made.key,
                f"{key}.p12": made.pkcs12(key, password),
                f"{key}.password": password,
            }
            self._write(secret, data, {SIGNED_BY: "0"}, self._cluster.component)
        return made

    def brokers(self, generation: Generation, pools: list[Pool], authority: Certificate) -> dict[int, Certificate]:
        """Each node's certificate: one Secret a node from 0.46 on, one for all before."""
        made = {}
        for pool in pools:
            for node in pool.nodes:
                secret = node.pod if generation.pem_secrets else self._cluster.brokers_secret
                made[node.id] = self._broker(secret, node.pod, authority)
        nodes = {node.id: node.pod for pool in pools for node in pool.nodes}
        if generation.pem_secrets:
            for number, pod in nodes.items():
                data = {f"{pod}.crt": made[number].certificate, f"{pod}.key": made[number].key}
                self._write(pod, data, {SIGNED_BY: "0"}, self._cluster.component)
        else:
            data = {}
            for number, pod in nodes.items():
                data |= {f"{pod}.crt": made[number].certificate, f"{pod}.key": made[number].key}
            self._write(self._cluster.brokers_secret, data, {SIGNED_BY: "0"}, self._cluster.component)
        return made

    def _broker(self, secret: str, pod: str, authority: Certificate) -> Certificate:
        cluster = self._cluster
        hosts = [
            *cluster.service_hosts(cluster.bootstrap_service),
            *cluster.service_hosts(cluster.brokers_service),
            cluster.pod_host(pod),
            f"{cluster.pod_host(pod)}.cluster.local",
        ]
        found = self._stored(secret, pod)
        if found and certificates.serves(found.certificate, authority.certificate, hosts):
            return found
        return certificates.issued(authority, cluster.component, hosts)

    def _authority(self, kind: str) -> Certificate:
        secret, cert_secret = self._cluster.ca_secret(kind), self._cluster.ca_cert_secret(kind)
        key, certificate = self._data(secret).get("ca.key"), self._data(cert_secret).get("ca.crt")
        if key and certificate:
            return Certificate(certificate, key)
        made = certificates.authority(f"{kind}-ca v0")
        password = certificates.password()
        self._write(secret, {"ca.key": made.key}, {KEY_GENERATION: "0"}, secret)
        data = {"ca.crt": made.certificate, "ca.p12": made.truststore(password), "ca.password": password}
        self._write(cert_secret, data, {CERT_GENERATION: "0"}, secret)
        return made

    def _stored(self, secret: str, key: str) -> Certificate | None:
        data = self._data(secret)
        if f"{key}.crt" in data and f"{key}.key" in data:
            return Certificate(data[f"{key}.crt"], data[f"{key}.key"])
        return None

    def _data(self, secret: str) -> dict[str, str]:
        found = self._api.get("Secret", secret, self._cluster.namespace)
        data = (found or {}).get("data") or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items() if key.endswith((".crt", ".key"))}

    def _write(self, name: str, data: Mapping[str, Any], annotations: dict[str, str], component: str) -> None:
        encoded = {
            key: base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
            for key, value in data.items()
        }
        self.written.append(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "Opaque",
                "metadata": {
                    "name": name,
                    "namespace": self._cluster.namespace,
                    "labels": self._cluster.labels(component, "kafka"),
                    "annotations": annotations,
                    "ownerReferences": owner(self._kafka),
                },
                "data": encoded,
            }
        )
