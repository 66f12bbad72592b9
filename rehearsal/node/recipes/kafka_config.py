# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A broker's `server.config`, made for Strimzi's container image, turned into one for a process of this machine.

What the image adds is put in: config providers are resolved, PKCS12 stores become PEM, paths and ports become this
machine's. What only the image has (reporters, plugins) is left out, and said. Everything else stays as it is.

Upstream, read at 0.45.x and on main (1.x): cluster-operator/.../model/KafkaBrokerConfigurationBuilder.java,
docker-images/kafka-based/kafka/scripts/{kafka_run,kafka_tls_prepare_certificates}.sh.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rehearsal.node.recipes import properties

LOOPBACK = "127.0.0.1"
PROVIDERS = ("strimzienv", "strimzifile", "strimzidir", "strimzisecrets")
_REFERENCE = re.compile(r"\$\{(" + "|".join(PROVIDERS) + r"):(?:([^:}]*):)?([^}]*)\}")
_LISTENER = re.compile(r"^(?P<name>[^:]+)://(?P<host>.*):(?P<port>\d+)$")
_STORE = re.compile(r"^(?P<prefix>.*)ssl\.(?P<store>keystore|truststore)\.location$")

# Classes that only the image has. A broker without them runs; one without its authorizer or its authentication would
# be another broker, so those stay, and it fails as it says.
_IMAGE_CLASSES = ("com.linkedin.kafka.cruisecontrol.", "io.strimzi.")
_OPTIONAL_LISTS = ("metric.reporters", "kafka.metrics.reporters")
_OPTIONAL_PREFIXES = ("cruise.control.metrics.", "prometheus.metrics.reporter.")
_QUOTA_CALLBACK = "client.quota.callback.class"

# Settings that make a small cluster quick on a laptop, each only where server.config says nothing of it. None of them
# is a default that topics inherit: those must be what the Kafka resource says.
QUICK_SETTINGS = {
    # a new broker is let in a second earlier; a consumer group at once. The session's 9 s stay: with less, brokers of a
    # busy machine are fenced now and then
    "broker.heartbeat.interval.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    # on a busy machine a TLS handshake takes longer than the 2 s after which votes and fetches are given up together
    # with their connections, and elections would go on and on; a controller that died is noticed by its closed ones
    "controller.quorum.request.timeout.ms": "10000",
    "controller.quorum.fetch.timeout.ms": "4000",
    # internal topics of few partitions: 50 each are 300 folders on every broker
    "offsets.topic.num.partitions": "3",
    "transaction.state.log.num.partitions": "3",
    "share.coordinator.state.topic.num.partitions": "3",
    # threads and buffers for two cores and 256 MB of heap
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "4",
    "log.cleaner.dedupe.buffer.size": "16777216",
}
# settings that a Kafka of that major version does not know
_SINCE_MAJOR = {"share.coordinator.state.topic.num.partitions": 4}


class Surroundings(Protocol):
    """What the translation asks of the machine."""

    def resolve(self, provider: str, path: str, key: str) -> str:
        """The value that one of Strimzi's config providers gives."""

    def key_pair(self, store: str) -> tuple[str, str]:
        """Certificate chain and PKCS8 key, both PEM, of a PKCS12 store that the image's script would make."""

    def trusted(self, store: str) -> str:
        """Trusted certificates, PEM, of a PKCS12 store that the image's script would make."""

    def place(self, path: str) -> str:
        """A path inside the container as it is on this machine."""


@dataclass
class Broker:
    """A broker's configuration for this machine, and what else the recipe must know of it.

    `hosts` are the names under which this broker and its peers look each other up. `listeners` maps each listener's
    name to its port in the container.
    """

    settings: dict[str, str]
    listeners: dict[str, int] = field(default_factory=dict)
    ports: dict[int, int] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    log_dirs: list[str] = field(default_factory=list)
    metadata_dir: str = ""
    left_out: list[str] = field(default_factory=list)
    quick: dict[str, str] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """What a reader of the pod should know."""
        notes = []
        if self.quick:
            settings = ", ".join(f"{key}={value}" for key, value in self.quick.items())
            notes.append(f"settings added where server.config has none: {settings}")
        if self.left_out:
            notes.append(f"settings left out, whose programs only the image has: {', '.join(self.left_out)}")
        return notes


def translate(text: str, pod: str, major: int, surroundings: Surroundings, port: Callable[[int, str], int]) -> Broker:
    """The broker's configuration. `port(number, pod)` is the port here that stands for a port of a pod."""
    broker = Broker(settings=properties.parse(text))
    _leave_out(broker)
    _resolve(broker, surroundings)
    _stores(broker, surroundings)
    _listeners(broker, pod, port)
    _quorum(broker, port)
    _folders(broker, surroundings)
    for key, value in QUICK_SETTINGS.items():
        if key not in broker.settings and major >= _SINCE_MAJOR.get(key, 0):
            broker.settings[key] = broker.quick[key] = value
    return broker


def _leave_out(broker: Broker) -> None:
    settings = broker.settings
    providers = [name for name in _split(settings.get("config.providers", "")) if name not in PROVIDERS]
    for key in list(settings):
        ours = any(key.startswith(f"config.providers.{name}.") for name in PROVIDERS)
        if ours or key == "config.providers":
            del settings[key]
        elif key.startswith(_OPTIONAL_PREFIXES):
            del settings[key]
            group = next(prefix for prefix in _OPTIONAL_PREFIXES if key.startswith(prefix))
            if f"{group}*" not in broker.left_out:
                broker.left_out.append(f"{group}*")
    if providers:
        settings["config.providers"] = ",".join(providers)
    for key in _OPTIONAL_LISTS:
        if key in settings:
            classes = _split(settings[key])
            kept = [name for name in classes if not name.startswith(_IMAGE_CLASSES)]
            if kept != classes:
                broker.left_out.append(key if not kept else f"part of {key}")
            settings[key] = ",".join(kept)
            if not kept:
                del settings[key]
    if settings.get(_QUOTA_CALLBACK, "").startswith(_IMAGE_CLASSES):
        for key in [key for key in settings if key.startswith("client.quota.callback.")]:
            del settings[key]
        broker.left_out.append("client.quota.callback.*")


def _resolve(broker: Broker, surroundings: Surroundings) -> None:
    """Put the values of Strimzi's config providers in; the password of stores that become PEM is nobody's."""
    stores = {
        match["prefix"] + f"ssl.{match['store']}.password" for match in map(_STORE.match, broker.settings) if match
    }
    for key, value in broker.settings.items():
        if key not in stores:
            broker.settings[key] = _REFERENCE.sub(
                lambda match: surroundings.resolve(match[1], match[2] or "", match[3]), value
            )


def _stores(broker: Broker, surroundings: Surroundings) -> None:
    """PEM in the place of each PKCS12 store below /tmp/kafka; other stores stay."""
    settings = broker.settings
    for key in list(settings):
        match = _STORE.match(key)
        if not match or not settings[key].startswith("/tmp/kafka/"):
            continue
        base = f"{match['prefix']}ssl.{match['store']}"
        store = settings.pop(key).removeprefix("/tmp/kafka/")
        settings.pop(f"{base}.password", None)
        settings[f"{base}.type"] = "PEM"
        if match["store"] == "keystore":
            settings[f"{base}.certificate.chain"], settings[f"{base}.key"] = surroundings.key_pair(store)
        else:
            settings[f"{base}.certificates"] = surroundings.trusted(store)


def _listeners(broker: Broker, pod: str, port: Callable[[int, str], int]) -> None:
    """Loopback and free ports; the advertised name stays, its port becomes the one that is listened on."""
    bound = []
    for listener in _split(broker.settings.get("listeners", "")):
        name, _, number = _parts(listener)
        broker.listeners[name] = number
        broker.ports[number] = port(number, pod)
        bound.append(f"{name}://{LOOPBACK}:{broker.ports[number]}")
    broker.settings["listeners"] = ",".join(bound)
    advertised = []
    for listener in _split(broker.settings.get("advertised.listeners", "")):
        name, host, number = _parts(listener)
        real = broker.ports[broker.listeners.get(name, number)]
        if _is_service_name(host):
            _remember(broker, host)
        else:
            host = LOOPBACK  # an address outside the cluster: a load balancer's, a node's
        advertised.append(f"{name}://{host}:{real}")
    if advertised:
        broker.settings["advertised.listeners"] = ",".join(advertised)


def _quorum(broker: Broker, port: Callable[[int, str], int]) -> None:
    """Controllers are reached where they listen: the first label of a host is its pod."""
    for key in ("controller.quorum.voters", "controller.quorum.bootstrap.servers"):
        rewritten = []
        for voter in _split(broker.settings.get(key, "")):
            identity, at, address = voter.rpartition("@")
            host, _, number = address.rpartition(":")
            _remember(broker, host)
            rewritten.append(f"{identity}{at}{host}:{port(int(number), host.partition('.')[0])}")
        if rewritten:
            broker.settings[key] = ",".join(rewritten)


def _folders(broker: Broker, surroundings: Surroundings) -> None:
    settings = broker.settings
    for key in ("log.dirs", "log.dir", "metadata.log.dir"):
        if key in settings:
            settings[key] = ",".join(surroundings.place(path) for path in _split(settings[key]))
    broker.log_dirs = _split(settings.get("log.dirs") or settings.get("log.dir", ""))
    broker.metadata_dir = settings.get("metadata.log.dir") or next(iter(broker.log_dirs), "")


def _remember(broker: Broker, host: str) -> None:
    short = host.removesuffix(".cluster.local")
    for name in (short, f"{short}.cluster.local", short.removesuffix(".svc")):
        if name not in broker.hosts:
            broker.hosts.append(name)


def _is_service_name(host: str) -> bool:
    return host.endswith((".svc", ".svc.cluster.local"))


def _parts(listener: str) -> tuple[str, str, int]:
    match = _LISTENER.match(listener)
    if not match:
        raise ValueError(f"listener {listener!r} is not NAME://HOST:PORT")
    return match["name"], match["host"], int(match["port"])


def _split(value: str) -> list[str]:
    return [part for part in (part.strip() for part in value.split(",")) if part]
