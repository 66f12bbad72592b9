# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Kafka's command line tools for `kubectl exec`: bin/kafka-topics.sh and the others, as in the image.

An address is given as it would be in the pod (`localhost:9091`, `<pod>.<cluster>-kafka-brokers:9093`): the scripts put
the port of this machine in its place.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from rehearsal.files import write_atomically

_TOOLS = "org.apache.kafka.tools"
# script -> its class; a tuple where it has moved between the versions the rehearsal has: (from 4.0, before)
SCRIPTS: dict[str, str | tuple[str, str]] = {
    "kafka-acls": (f"{_TOOLS}.AclCommand", "kafka.admin.AclCommand"),
    "kafka-broker-api-versions": (f"{_TOOLS}.BrokerApiVersionsCommand", "kafka.admin.BrokerApiVersionsCommand"),
    "kafka-client-metrics": f"{_TOOLS}.ClientMetricsCommand",
    "kafka-cluster": f"{_TOOLS}.ClusterTool",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-consumer": f"{_TOOLS}.consumer.ConsoleConsumer",
    "kafka-console-producer": (f"{_TOOLS}.ConsoleProducer", "kafka.tools.ConsoleProducer"),
    "kafka-consumer-groups": f"{_TOOLS}.consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test": f"{_TOOLS}.ConsumerPerformance",
    "kafka-delete-records": f"{_TOOLS}.DeleteRecordsCommand",
    "kafka-dump-log": (f"{_TOOLS}.DumpLogSegments", "kafka.tools.DumpLogSegments"),
    "kafka-features": f"{_TOOLS}.FeatureCommand",
    "kafka-get-offsets": f"{_TOOLS}.GetOffsetShell",
    "kafka-leader-election": f"{_TOOLS}.LeaderElectionCommand",
    "kafka-log-dirs": f"{_TOOLS}.LogDirsCommand",
    "kafka-metadata-quorum": f"{_TOOLS}.MetadataQuorumCommand",
    "kafka-producer-perf-test": f"{_TOOLS}.ProducerPerformance",
    "kafka-reassign-partitions": f"{_TOOLS}.reassign.ReassignPartitionsCommand",
    "kafka-replica-verification": f"{_TOOLS}.ReplicaVerificationTool",
    "kafka-storage": "kafka.tools.StorageTool",
    "kafka-topics": f"{_TOOLS}.TopicCommand",
    "kafka-transactions": f"{_TOOLS}.TransactionsCommand",
    "kafka-verifiable-consumer": f"{_TOOLS}.VerifiableConsumer",
    "kafka-verifiable-producer": f"{_TOOLS}.VerifiableProducer",
}

_RUN_CLASS = """\
#!/bin/sh
# Addresses as they are in the pod become those of this machine.
here=$(dirname "$0")
for argument in "$@"; do
  shift
  case $argument in
    *:[0-9]*) argument=$(printf '%s' "$argument" | sed -E -f "$here/addresses.sed") ;;
  esac
  set -- "$@" "$argument"
done
CLASSPATH={class_path}
export CLASSPATH
exec {java} ${{KAFKA_HEAP_OPTS:--Xmx256m}} \\
  ${{KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseSerialGC -XX:TieredStopAtLevel=1}} {options} $KAFKA_OPTS "$@"
"""


def write(
    folder: Path, *, java: Path, class_path: str, major: int, options: list[str], addresses: dict[str, str]
) -> None:
    """Write the scripts; `addresses` maps host:port as in the pod to host:port here."""
    folder.mkdir(parents=True, exist_ok=True)
    run_class = _RUN_CLASS.format(
        java=shlex.quote(str(java)), class_path=shlex.quote(class_path), options=shlex.join(options)
    )
    write_atomically(folder / "kafka-run-class.sh", run_class, 0o700)
    write_atomically(folder / "addresses.sed", substitutions(addresses))
    for script, classes in SCRIPTS.items():
        name = classes if isinstance(classes, str) else classes[0 if major >= 4 else 1]
        text = f'#!/bin/sh\nexec "$(dirname "$0")/kafka-run-class.sh" {name} "$@"\n'
        write_atomically(folder / f"{script}.sh", text, 0o700)


def substitutions(addresses: dict[str, str]) -> str:
    """A sed script (extended expressions) that replaces whole addresses, also in lists and after `=`."""
    lines = [":again"]
    for shown, real in addresses.items():
        lines.append(f"s#(^|[,=]){re.escape(shown)}(,|$)#\\1{real}\\2#")
        lines.append("t again")
    return "\n".join(lines) + "\n"
