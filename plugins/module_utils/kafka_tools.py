# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka's own performance tools in a broker's pod: how they are run, and what they say.

EndToEndLatency gives no 95th percentile. So kafka-producer-perf-test writes at a steady rate, and beside it
kafka-console-consumer shows when each message was made; the shell notes when it came. Both times are of the same clock.

The tools' options are those that Kafka 3 and 4 both know; 4.2 and newer warn that they go with Kafka 5.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from .kafka_brokers import KafkaLogin

#: messages a second while latency is measured
LATENCY_RATE = 200
#: memory that a tool may take beside the broker
HEAP = "-Xms64m -Xmx160m"
#: the configuration as a file that is none: never on a disk, never on a command line
CONFIG = '<(printf %s "$conf")'

PRODUCED = re.compile(
    r"^(?P<count>\d+) records sent, (?P<rate>[\d.]+) records/sec.*?(?P<avg>[\d.]+) ms avg latency,"
    r".*?(?P<p95>\d+) ms 95th, (?P<p99>\d+) ms 99th",
    re.MULTILINE,
)
#: start, end, MB, MB/s, messages, messages/s, rebalance ms, fetch ms, fetch MB/s, fetch messages/s
CONSUMED = re.compile(
    r"^\d[^,]*, [^,]+, [\d.]+, [\d.]+, (\d+), ([\d.]+), (-?\d+), (\d+), [\d.]+, ([\d.]+)$", re.MULTILINE
)
ARRIVED = re.compile(r"^(\d+)\.(\d{6}) CreateTime:(\d+)$", re.MULTILINE)


@dataclass
class Produced:
    """The last line of kafka-producer-perf-test."""

    count: int
    rate: float
    p95: int
    p99: int


@dataclass
class Consumed:
    """The line of kafka-consumer-perf-test. `rate` leaves out the time of joining the group, `overall` has it."""

    count: int
    rate: float
    overall: float


# -- what is run in the pod


def client_properties(login: KafkaLogin) -> str:
    """The tools' configuration, with the password; it goes in by the standard input and is never on a disk."""
    settings = {"enable.auto.commit": "false"}
    protocol = {(False, False): "PLAINTEXT", (False, True): "SSL", (True, False): "SASL_PLAINTEXT"}
    settings["security.protocol"] = protocol.get((login.password is not None, login.ca is not None), "SASL_SSL")
    if login.ca is not None:
        settings |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": login.ca}
    if login.password is not None:
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        user, password = (_quoted(text) for text in (login.user or "", login.password))
        settings["sasl.mechanism"] = "SCRAM-SHA-512"
        settings["sasl.jaas.config"] = f"{module} required username={user} password={password};"
    return "".join(f"{key}={_escaped(value)}\n" for key, value in settings.items())


def _quoted(text: str) -> str:
    """As JAAS wants it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(value: str) -> str:
    """A value of a Java properties file, in ASCII."""
    text = value.replace("\\", "\\\\").replace("\r", "").replace("\n", "\\n")
    return "".join(each if each.isascii() else _unicode(each) for each in text)


def _unicode(character: str) -> str:
    pairs = character.encode("utf-16-be").hex()
    return "".join(f"\\u{pairs[start : start + 4]}" for start in range(0, len(pairs), 4))


def script(body: str, properties: str) -> str:
    """A bash script that reads the configuration first: as many characters as there are, the input is not closed."""
    return (
        f"set -u -o pipefail; export LC_ALL=C; IFS= read -r -N {len(properties)} conf || exit 90\n"
        'cd "${KAFKA_HOME:-/opt/kafka}" || exit 91\n'
        f"unset KAFKA_OPTS KAFKA_JMX_OPTS JMX_PORT; export KAFKA_HEAP_OPTS='{HEAP}'\n"
        f"{body}\n"
    )


def producer_command(bootstrap: str, topic: str, *, count: int, size: int, rate: int, seconds: float) -> str:
    """kafka-producer-perf-test; a rate of -1 is as fast as it goes."""
    return (
        f"timeout {seconds:.0f} bin/kafka-producer-perf-test.sh --topic {topic} --num-records {count}"
        f" --record-size {size} --throughput {rate} --producer.config {CONFIG}"
        f" --producer-props bootstrap.servers={shlex.quote(bootstrap)} acks=all"
    )


def consumer_command(bootstrap: str, topic: str, group: str, *, count: int, seconds: float) -> str:
    """kafka-consumer-perf-test."""
    return (
        f"timeout {seconds:.0f} bin/kafka-consumer-perf-test.sh --bootstrap-server {shlex.quote(bootstrap)}"
        f" --topic {topic} --group {group} --messages {count} --timeout {seconds * 500:.0f} --consumer.config {CONFIG}"
    )


def latency_command(bootstrap: str, topic: str, *, count: int, size: int, seconds: float) -> str:
    """Both tools beside each other. The message that is there already tells that the consumer is awake."""
    reader = (
        f"timeout {seconds:.0f} bin/kafka-console-consumer.sh --bootstrap-server {shlex.quote(bootstrap)}"
        f" --topic {topic} --partition 0 --offset earliest --max-messages {count + 1}"
        f" --timeout-ms {seconds * 500:.0f} --consumer.config {CONFIG}"
        " --property print.timestamp=true --property print.value=false"
    )
    writer = producer_command(bootstrap, topic, count=count, size=size, rate=LATENCY_RATE, seconds=seconds)
    return (
        f"exec 3< <({reader})\n"
        # before its first message it may warn of options
        "awake=\nwhile [[ $awake != CreateTime:* ]]; do"
        f" IFS= read -r -t {seconds / 2:.0f} -u 3 awake || {{ echo 'the consumer read nothing' >&2; exit 92; }}; done\n"
        f"{writer} >&2 3<&- &\n"
        'while IFS= read -r -u 3 line; do printf \'%s %s\\n\' "$EPOCHREALTIME" "$line"; done\n'
        "wait $!"
    )


# -- what they say


def produced(text: str) -> Produced | None:
    """The summary, which comes last."""
    found = list(PRODUCED.finditer(text))
    if not found:
        return None
    last = found[-1]
    return Produced(int(last["count"]), float(last["rate"]), int(last["p95"]), int(last["p99"]))


def consumed(text: str) -> Consumed | None:
    """The one line of figures."""
    found = CONSUMED.search(text)
    return Consumed(int(found[1]), float(found[5]), float(found[2])) if found else None


def latencies(text: str) -> list[float]:
    """Milliseconds from each message's making to its arrival."""
    return [int(s) * 1000 - int(made) + int(micro) / 1000 for s, micro, made in ARRIVED.findall(text)]
