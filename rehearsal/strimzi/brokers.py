# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The way of an operator to the brokers: kafka-python's admin client over mutual TLS on the replication listener.

A real operator connects inside the pod network; a stand-in goes by the collection's bridge, a port-forward through the
API server. The certificates are those that the cluster operator put into Secrets.
"""

from __future__ import annotations

import base64
import importlib
import logging
import os
import ssl
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient

from rehearsal.strimzi.api import Api
from rehearsal.strimzi.names import REPLICATION_PORT, Cluster

REQUEST_TIMEOUT = 15_000  # milliseconds
BOOTSTRAP_TIMEOUT = 10_000  # milliseconds

# it logs each failed connection attempt of a broker that is just starting
logging.getLogger("kafka").setLevel(logging.ERROR)


class Brokers:
    """A connection to one Kafka cluster that is made when needed and made anew after a failure."""

    def __init__(self, api: Api, cluster: Cluster, secret: str, key: str) -> None:
        """`secret` is the Secret with `<key>.crt` and `<key>.key`."""
        self._api, self._cluster, self._secret, self._key = api, cluster, secret, key
        self._bridge: Any = None
        self._admin: KafkaAdminClient | None = None

    def admin(self) -> KafkaAdminClient:
        """The admin client, connected; whatever exception it meets means that the brokers do not answer now."""
        if self._admin is None:
            if self._bridge is None:
                self._bridge = _bridge_class()(self._api.client)
                self._bridge.start()
            host = f"{self._cluster.bootstrap_service}.{self._cluster.namespace}.svc"
            self._admin = KafkaAdminClient(
                bootstrap_servers=f"{host}:{REPLICATION_PORT}",
                client_id=self._api.field_manager,
                security_protocol="SSL",
                ssl_context=self._tls(),
                proxy_url=self._bridge.proxy_url,
                request_timeout_ms=REQUEST_TIMEOUT,
                bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT,
            )
        return self._admin

    def close(self) -> None:
        """Drop the connection: the next use makes a new one, with the certificates as they are then."""
        if self._admin is not None:
            with suppress(Exception):
                self._admin.close()
            self._admin = None

    def stop(self) -> None:
        """Drop the connection and the bridge."""
        self.close()
        if self._bridge is not None:
            self._bridge.stop()
            self._bridge = None

    def _tls(self) -> ssl.SSLContext:
        ca = self._read(self._cluster.ca_cert_secret("cluster"))["ca.crt"]
        own = self._read(self._secret)
        context = ssl.create_default_context(cadata=ca.decode())
        with tempfile.TemporaryDirectory() as folder:  # the ssl module takes a key from a file only
            file = Path(folder) / "client.pem"
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "wb") as pem:
                pem.write(own[f"{self._key}.crt"] + b"\n" + own[f"{self._key}.key"])
            context.load_cert_chain(file)
        return context

    def _read(self, name: str) -> dict[str, bytes]:
        secret = self._api.get("Secret", name, self._cluster.namespace)
        if secret is None:
            raise LookupError(f"Secret {self._cluster.namespace}/{name} is not there yet")
        return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


def _bridge_class() -> Any:
    """The collection's bridge, found beside this package in the checkout."""
    collections = str(Path(__file__).resolve().parent.parent.parent / "collections")
    if collections not in sys.path:
        sys.path.append(collections)
    return importlib.import_module("ansible_collections.synergyflow.platform.plugins.module_utils.bridge").Bridge
