# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A Kafka broker or controller: the pod of a StrimziPodSet run by the jars of its image's Kafka version.

Follows the image's kafka_run.sh (docker-images/kafka-based/kafka/scripts in strimzi/strimzi-kafka-operator): the same
ConfigMap and Secrets, the same formatting, without the image.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import socket
from fnmatch import fnmatchcase
from pathlib import Path

from rehearsal import programs
from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.node import hosts
from rehearsal.node.api import core
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes import kafka_config, kafka_storage, kafka_tools, kafka_wire, properties
from rehearsal.node.recipes.kafka_storage import Storage
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

HOME = "/opt/kafka"
CONFIG = f"{HOME}/custom-config"
JVM = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
NOTE_JVM = f"Java runs with {' '.join(JVM[:4])}, whatever the container's resources and heap options say"
_IMAGE = re.compile(r"(^|/)strimzi/kafka:.*-kafka-(?P<kafka>\d+\.\d+\.\d+)")
_TOOL_LOGGING = {
    3: "log4j.rootLogger=WARN, stderr\nlog4j.appender.stderr=org.apache.log4j.ConsoleAppender\n"
    "log4j.appender.stderr.layout=org.apache.log4j.PatternLayout\n"
    "log4j.appender.stderr.layout.ConversionPattern=[%d] %p %m (%c)%n\nlog4j.appender.stderr.Target=System.err\n",
    4: "appender.stderr.type=Console\nappender.stderr.name=STDERR\nappender.stderr.target=SYSTEM_ERR\n"
    "appender.stderr.layout.type=PatternLayout\nappender.stderr.layout.pattern=[%d] %p %m (%c)%n\n"
    "rootLogger.level=WARN\nrootLogger.appenderRef.stderr.ref=STDERR\n",
}


def runs(container: Container) -> bool:
    """The brokers' image with its start script."""
    return "strimzi/kafka:" in container.image and container.program == "kafka_run.sh"


def prepare(container: Container) -> Run:
    """A plain server.properties, a start script, and the tools for exec."""
    version = _version(container.image)
    major = int(version.split(".", maxsplit=1)[0])
    class_path = _class_path(container, version)
    config = inside(container.root, CONFIG)
    pod = container.pod["metadata"]["name"]
    broker = kafka_config.translate(_read(config / "server.config"), pod, major, _Image(container), container.port)
    own_hosts = _own_hosts(container)
    tls = _identity(container, broker)
    server = container.folder / "server.properties"
    write_atomically(server, properties.render(broker.settings))
    java = programs.java()
    hosts_file = hosts.file(container.paths, container.cluster)
    options = [f"-Djdk.net.hosts.file={hosts_file}", "-Djava.awt.headless=true"]
    start = container.folder / "start.sh"
    format_command = _formatting(container, _storage(config, broker), version, class_path, server)
    command = [str(java), *JVM, *options, _logging(config, container.folder, major), "kafka.Kafka", str(server)]
    script = _start_script(
        java=java,
        class_path=class_path,
        options=options,
        format_command=format_command,
        broker=broker,
        command=command,
    )
    write_atomically(start, script, 0o700)
    home = inside(container.root, HOME)
    _write_tools(
        container=container,
        home=home,
        java=java,
        class_path=class_path,
        major=major,
        options=options,
        broker=broker,
    )
    return Run(
        command=["/bin/sh", str(start)],
        environment={"KAFKA_OPTS": "", "LOG_DIR": str(container.folder)},
        directory=str(home),
        ports=broker.ports,
        exec_directory=str(home),
        exec_environment={"PATH": f"{java.parent}{os.pathsep}{os.environ.get('PATH', '')}", "KAFKA_HOME": str(home)},
        hosts=[*own_hosts, *(host for host in broker.hosts if host not in own_hosts)],
        ready={**tls, "id": int(broker.settings["node.id"]), "host": own_hosts[0]},
        notes=[NOTE_JVM, *broker.notes()],
    )


def answers(run: Run) -> str | None:
    """Whether the broker takes part in the cluster by its own account: registered, not fenced, caught up.

    A node without the broker role is asked for its certificate only.
    """
    ask = run.ready
    try:
        if not ask["broker"]:
            with socket.create_connection(("127.0.0.1", ask["port"]), timeout=2):
                return None
        seen = kafka_wire.brokers(ask["port"], ask["host"], ask["identity"], ask["trusted"])
    except (OSError, ValueError) as error:
        return f"port {ask['port']} does not answer: {error}"
    if ask["id"] in seen:
        return None
    return f"broker {ask['id']} is not among the cluster's brokers yet: {sorted(seen) or 'none'}"


def _version(image: str) -> str:
    match = _IMAGE.search(image)
    if not match:
        raise CannotStartError("ErrImagePull", f'Failed to pull image "{image}": no Kafka version in its tag')
    return match["kafka"]


def _class_path(container: Container, version: str) -> str:
    try:
        return programs.kafka_classpath(version, container.paths)
    except RehearsalError as error:
        raise CannotStartError("ErrImagePull", f'Failed to pull image "{container.image}": {error}') from error


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError as error:
        raise CannotStartError(
            "CreateContainerConfigError", f"the container has no {file.parent.name}/{file.name}"
        ) from error


def _own_hosts(container: Container) -> list[str]:
    """The pod's names by its hostname and subdomain, the one that certificates are checked against first."""
    spec, metadata = container.pod["spec"], container.pod["metadata"]
    host, service = spec.get("hostname") or metadata["name"], spec.get("subdomain")
    if not service:
        return [host]
    name = f"{host}.{service}.{metadata['namespace']}.svc"
    return [name, f"{name}.cluster.local", name.removesuffix(".svc"), f"{host}.{service}"]


def _identity(container: Container, broker: kafka_config.Broker) -> dict[str, object]:
    """The broker's own key and authorities in files, for the question whether it is ready, and for exec."""
    settings = broker.settings
    is_broker = "broker" in settings.get("process.roles", "broker")
    listener = settings.get("inter.broker.listener.name") if is_broker else None
    listener = listener or settings["controller.listener.names"].split(",")[0]
    prefix = f"listener.name.{listener.lower()}.ssl."
    identity, trusted = container.folder / "identity.pem", container.folder / "trusted.pem"
    try:
        chain, key = settings[f"{prefix}keystore.certificate.chain"], settings[f"{prefix}keystore.key"]
        write_atomically(identity, f"{key.rstrip()}\n{chain}")
        write_atomically(trusted, settings[f"{prefix}truststore.certificates"])
    except KeyError as error:
        raise CannotStartError("CreateContainerConfigError", f"server.config has no {error.args[0]}") from error
    port = broker.ports[broker.listeners[listener]]
    return {"port": port, "identity": str(identity), "trusted": str(trusted), "broker": is_broker}


def _storage(config: Path, broker: kafka_config.Broker) -> Storage:
    return Storage(
        log_dirs=broker.log_dirs,
        metadata_dir=broker.metadata_dir,
        node_id=int(broker.settings["node.id"]),
        cluster_id=_read(config / "cluster.id").strip(),
        release=_read(config / "metadata.version").strip(),
    )


def _formatting(container: Container, storage: Storage, version: str, class_path: str, server: Path) -> list[str]:
    """Format new log directories here where that is simple; returns the command for all other cases, or nothing."""
    if storage.formatted():
        return []
    if storage.simple():
        java = [str(programs.java()), "-Xmx128m", *JVM[2:]]
        made = kafka_storage.checkpoint(container.paths.cache, version, storage.release, java, class_path)
        if made:
            storage.format(made)
            return []
    return storage.command(server)


def _start_script(
    *,
    java: Path,
    class_path: str,
    options: list[str],
    format_command: list[str],
    broker: kafka_config.Broker,
    command: list[str],
) -> str:
    lines = ["#!/bin/sh", "set -e", f"CLASSPATH={shlex.quote(class_path)}", "export CLASSPATH"]
    lines.append(f"mkdir -p {shlex.join(sorted({*broker.log_dirs, broker.metadata_dir}))}")
    if format_command:
        lines.append(shlex.join([str(java), "-Xmx128m", *JVM[2:], *options, *format_command]))
    # as kafka_run.sh does: voters may have changed, and the file is made anew
    lines.append(f"rm -f {shlex.quote(f'{broker.metadata_dir}/__cluster_metadata-0/quorum-state')}")
    lines.append(f"exec {shlex.join(command)}")
    return "\n".join(lines) + "\n"


def _logging(config: Path, folder: Path, major: int) -> str:
    """The ConfigMap's own logging, under the name of the version's generation; without one, everything to stdout."""
    name, option = _LOGGING[3 if major < 4 else 4]
    if (config / name).is_file():
        return f"-D{option}{config / name}"
    fallback = folder / name
    write_atomically(fallback, _FALLBACK_LOGGING[3 if major < 4 else 4])
    return f"-D{option}{fallback}"


_LOGGING = {3: ("log4j.properties", "log4j.configuration=file:"), 4: ("log4j2.properties", "log4j2.configurationFile=")}
_FALLBACK_LOGGING = {
    major: text.replace("WARN", "INFO").replace("System.err", "System.out").replace("SYSTEM_ERR", "SYSTEM_OUT")
    for major, text in _TOOL_LOGGING.items()
}


def _write_tools(
    *,
    container: Container,
    home: Path,
    java: Path,
    class_path: str,
    major: int,
    options: list[str],
    broker: kafka_config.Broker,
) -> None:
    name, option = _LOGGING[3 if major < 4 else 4]
    logging_file = container.folder / f"tools-{name}"
    write_atomically(logging_file, _TOOL_LOGGING[3 if major < 4 else 4])
    kafka_tools.write(
        home / "bin",
        java=java,
        class_path=class_path,
        major=major,
        options=[*options, f"-D{option}{logging_file}"],
        addresses=_addresses(container, broker),
    )
    client = {
        "security.protocol": "SSL",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(container.folder / "identity.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(container.folder / "trusted.pem"),
    }
    text = "# The broker's own identity, a super user: for tools run by exec against localhost:9091.\n"
    write_atomically(home / "client.properties", text + properties.render(client))


def _addresses(container: Container, broker: kafka_config.Broker) -> dict[str, str]:
    """Addresses that a user of the pod's shell may give, and where they lead here."""
    own = _own_hosts(container)
    namespace = container.pod["metadata"]["namespace"]
    cluster = (container.pod["metadata"].get("labels") or {}).get("strimzi.io/cluster")
    local = ["localhost", "127.0.0.1", *own]
    if cluster:
        service = f"{cluster}-kafka-bootstrap"
        local += [f"{service}{suffix}" for suffix in ("", f".{namespace}", f".{namespace}.svc")]
    addresses = {f"{host}:{number}": f"{own[0]}:{real}" for host in local for number, real in broker.ports.items()}
    for host in broker.hosts:
        pod = host.partition(".")[0]
        if host not in own:
            addresses |= {f"{host}:{number}": f"{host}:{container.port(number, pod)}" for number in broker.ports}
    return addresses


class _Image:
    """What the image's scripts and config providers would find in the container."""

    def __init__(self, container: Container) -> None:
        self.container = container

    def resolve(self, provider: str, path: str, key: str) -> str:
        if provider == "strimzienv":
            return self.container.environment.get(key, "")
        if provider == "strimzisecrets":
            return self._secret(path, key)
        file = inside(self.container.root, path)
        if provider == "strimzifile":
            return properties.parse(_read(file)).get(key, "")
        return _read(file / key)

    def key_pair(self, store: str) -> tuple[str, str]:
        name = store.removesuffix(".keystore.p12")
        if name == "cluster":
            folder = inside(self.container.root, f"{HOME}/broker-certs")
            host = self.container.pod["spec"].get("hostname") or self.container.pod["metadata"]["name"]
            return _read(folder / f"{host}.crt"), _pkcs8(_read(folder / f"{host}.key"))
        folder = inside(self.container.root, f"{HOME}/certificates/{name}-certs")
        return _read(_only(folder, "*.crt")), _pkcs8(_read(_only(folder, "*.key")))

    def trusted(self, store: str) -> str:
        name = store.removesuffix(".truststore.p12")
        known = {"cluster": "cluster-ca-certs", "clients": "client-ca-certs"}
        folder = inside(self.container.root, f"{HOME}/{known.get(name, f'certificates/{name}-certs')}")
        certificates = [_read(file) for file in sorted(folder.glob("*.crt"))]
        if not certificates:
            raise CannotStartError("CreateContainerConfigError", f"no certificate for /tmp/kafka/{store}")
        return "".join(f"{text.rstrip()}\n" for text in certificates)

    def place(self, path: str) -> str:
        return str(inside(self.container.root, path).resolve())

    def _secret(self, path: str, key: str) -> str:
        """`*.crt` takes all keys that match, as KubernetesSecretConfigProvider does."""
        namespace, _, name = path.partition("/")
        found = self.container.api.find(core(namespace, "secrets", name))
        if found is None:
            raise CannotStartError("CreateContainerConfigError", f'secret "{name}" not found')
        data = found.get("data") or {}
        values = [base64.b64decode(data[each]).decode().rstrip("\n") for each in sorted(data) if fnmatchcase(each, key)]
        if not values:
            raise CannotStartError("CreateContainerConfigError", f'secret "{name}" has no key {key}')
        return "\n".join(values) + "\n"


def _only(folder: Path, pattern: str) -> Path:
    return next(iter(sorted(folder.glob(pattern))), folder / pattern)


def _pkcs8(key: str) -> str:
    """Kafka reads PKCS8 keys only; older keys are in the form of their algorithm."""
    if "-----BEGIN PRIVATE KEY-----" in key:
        return key
    from cryptography.hazmat.primitives import serialization

    loaded = serialization.load_pem_private_key(key.encode(), password=None)
    return loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
