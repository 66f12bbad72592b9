# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Confluent's Schema Registry: Apicurio stands in for it, configured from the container's own environment.

Confluent's server is in no package registry; Apicurio's speaks the same REST API and keeps schemas in Kafka as well.
What the image's scripts read (confluentinc/schema-registry-images, include/etc/confluent/docker/{configure,ensure}) is
turned into Apicurio's settings: brokers, TLS and SCRAM log-in, compatibility. A log-in that Kafka refuses ends the
container.

What differs: the journal is in topics of Apicurio's own, as it refuses a compacted one (`_schemas` stays empty); every
replica writes for itself, so no leader is elected.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from rehearsal import paths as rehearsal_paths
from rehearsal import programs
from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.node import hosts
from rehearsal.node.api import core
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes import properties
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

IMAGE = "confluentinc/cp-schema-registry:"
ARCHIVE = "apicurio-3.3.3"
PORT = 8081
METRICS_PORT = 9404
PREFIX = "SCHEMA_REGISTRY_"
STORE = f"{PREFIX}KAFKASTORE_"
JVM = ["-Xms64m", "-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
NOTES = [
    "Apicurio stands in for Confluent's Schema Registry: the same REST API, another server",
    "schemas are kept in the topic of KAFKASTORE_TOPIC with -apicurio added: Apicurio refuses a compacted one",
    "no leader is elected: every replica writes for itself",
    "metrics are Apicurio's own, not the JMX exporter's",
]


def runs(container: Container) -> bool:
    """Confluent's image, whatever registry it is pulled from."""
    return IMAGE in container.image


def prepare(container: Container) -> Run:
    """Apicurio's settings in a file for nobody else's eyes, and its start behind Confluent's paths."""
    given = container.environment
    if f"{PREFIX}PORT" in given:  # what the image's configure says, of a Service named schema-registry for example
        raise CannotStartError("Error", "PORT is deprecated. Please use SCHEMA_REGISTRY_LISTENERS instead.")
    for name in ("HOST_NAME", "KAFKASTORE_BOOTSTRAP_SERVERS"):
        if not given.get(PREFIX + name):
            raise CannotStartError("CreateContainerConfigError", f"{PREFIX}{name} is required")
    try:
        folder = programs.archive(ARCHIVE, container.paths)
    except RehearsalError as error:
        raise CannotStartError("ErrImagePull", f'Failed to pull image "{container.image}": {error}') from error
    port, registry, management = (container.port(number) for number in (PORT, 18081, METRICS_PORT))
    servers = _bootstrap(container, given[f"{STORE}BOOTSTRAP_SERVERS"])
    settings = _settings(given, container.root, servers)
    settings |= {"quarkus.http.port": str(registry), "quarkus.management.port": str(management)}
    config = container.folder / "work" / "config" / "application.properties"
    write_atomically(config, properties.render(settings))
    temporary = inside(container.root, "/tmp")
    temporary.mkdir(parents=True, exist_ok=True)
    options = [
        # Vert.x makes a folder of one name in it, which the next user of this machine could not write to
        f"-Djava.io.tmpdir={temporary}",
        f"-Djdk.net.hosts.file={hosts.file(container.paths, container.cluster)}",
        "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
        "-Djava.awt.headless=true",
    ]
    java = [str(programs.java()), *JVM, *options, "-jar", str(folder / "quarkus-run.jar")]
    health = f"http://{hosts.LOOPBACK}:{management}/health"
    lock = container.paths.state / "run" / f"schema-registry-{container.cluster}.lock"
    front = ["--port", str(port), "--registry", str(registry), "--health", health, "--one-by-one", str(lock)]
    work = config.parent.parent  # Quarkus reads config/application.properties of the directory it starts in
    return Run(
        command=[sys.executable, "-m", "rehearsal.confluent_paths", *front, "--", *java],
        environment={"PYTHONPATH": str(rehearsal_paths.REPOSITORY), "PYTHONUNBUFFERED": "1"},
        directory=str(work),
        ports={PORT: port, METRICS_PORT: management},
        exec_directory=str(container.root),
        ready={"url": f"http://{hosts.LOOPBACK}:{port}/subjects"},
        stands_in="apicurio-registry",
        notes=NOTES,
    )


def answers(run: Run) -> str | None:
    """Ask what the container's probes ask."""
    try:
        with urllib.request.urlopen(run.ready["url"], timeout=2):
            return None
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except OSError as error:
        return str(getattr(error, "reason", error))


def _settings(given: dict[str, str], root: Path, servers: list[str]) -> dict[str, str]:
    """Apicurio's settings for the container's; ports are not among them."""
    journal = f"{given.get(f'{STORE}TOPIC', '_schemas')}-apicurio"
    group = given.get(f"{PREFIX}SCHEMA_REGISTRY_GROUP_ID", "schema-registry")
    settings = {
        "quarkus.http.host": hosts.LOOPBACK,
        "quarkus.management.host": hosts.LOOPBACK,
        "quarkus.http.access-log.enabled": "false",
        'quarkus.log.category."org.apache.kafka".level': "WARN",
        # else a line for each time that it is asked before it is ready
        'quarkus.log.category."io.smallrye.health".level': "ERROR",
        "apicurio.rules.global.compatibility": given.get(f"{PREFIX}SCHEMA_COMPATIBILITY_LEVEL", "backward").upper(),
        "apicurio.storage.kind": "kafkasql",
        "apicurio.kafkasql.bootstrap.servers": ",".join(servers),
        "apicurio.kafkasql.topic": journal,
        "apicurio.kafkasql.topic.partitions": "1",
        # none is ever made: the topic has to be there all the same, and the journal's own will do
        "apicurio.kafkasql.snapshots.topic": journal,
        "apicurio.kafkasql.snapshot.every.seconds": "36500d",
        "apicurio.events.kafka.topic": f"{journal}-events",
        # a group for each start, so that the journal is read from its beginning
        "apicurio.kafkasql.consumer.group-prefix": f"{group}-",
        # milliseconds; 5000 by default, waited for several times before the port opens
        "apicurio.kafkasql.consumer.poll.timeout": "500",
    }
    common = "apicurio.kafka.common."
    for name in ("SECURITY_PROTOCOL", "SASL_MECHANISM", "SASL_JAAS_CONFIG"):
        if value := given.get(STORE + name):
            settings[f"{common}{name.lower().replace('_', '.')}"] = value
    store = f"{STORE}SSL_TRUSTSTORE_"
    if location := given.get(f"{store}LOCATION"):
        file = inside(root, location)
        if not file.is_file():
            raise CannotStartError("CreateContainerConfigError", f"there is no truststore {location}")
        settings[f"{common}ssl.truststore.location"] = str(file.resolve())
        settings[f"{common}ssl.truststore.type"] = given.get(f"{store}TYPE", "JKS")
        if password := given.get(f"{store}PASSWORD"):
            settings[f"{common}ssl.truststore.password"] = password
    # Apicurio's own default is not to look at the brokers' names
    settings[f"{common}ssl.endpoint.identification.algorithm"] = "https"
    return settings


def _bootstrap(container: Container, servers: str) -> list[str]:
    """The brokers behind a bootstrap Service by the names and ports that they have here."""
    own = container.pod["metadata"]["namespace"]
    found: list[str] = []
    for server in servers.split(","):
        address, _, port = server.strip().rpartition("://")[2].rpartition(":")
        name, _, namespace = address.removesuffix(".cluster.local").removesuffix(".svc").partition(".")
        if not port.isdigit() or namespace not in ("", own):
            raise CannotStartError("Error", f"{server}: the process node reaches brokers of namespace {own} only")
        service = container.api.find(core(own, "services", name))
        selector = (service or {}).get("spec", {}).get("selector")
        if not selector:
            raise CannotStartError("Error", f"Couldn't resolve server {server} from bootstrap.servers")
        pods = _pods(container, selector)
        found += [f"{_host(pod)}:{container.port(int(port), pod['metadata']['name'])}" for pod in pods]
    if not found:
        raise CannotStartError("Error", f"no broker is behind {servers}")
    return found


def _pods(container: Container, selector: dict[str, str]) -> list[dict[str, Any]]:
    labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    return container.api.get(core(container.pod["metadata"]["namespace"], "pods"), labelSelector=labels)["items"]


def _host(pod: dict[str, Any]) -> str:
    spec, metadata = pod["spec"], pod["metadata"]
    host = spec.get("hostname") or metadata["name"]
    return f"{host}.{spec['subdomain']}.{metadata['namespace']}.svc" if spec.get("subdomain") else host
