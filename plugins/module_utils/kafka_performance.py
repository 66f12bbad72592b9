# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The baselines of AC7, measured next to the brokers: throughput of producer and consumer, end-to-end latency.

The figures are Kafka's own tools'. They are bounded in messages and in time, in the pod too: a run that is killed
leaves tools that end by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import kafka_brokers, kafka_clients, kafka_tools
from .bridge import is_ready
from .errors import ClusterError
from .evidence.records import BLOCKED, FAILED, Record, judged, unmeasured, unmeasured_all
from .evidence.synergyflow_backend import percentile
from .interruption import interruptible
from .kafka_brokers import BrokersError, KafkaLogin
from .kafka_own import Own, begun, removed_record, sweep
from .kafka_strimzi import BlockedError
from .kafka_tools import Consumed, Produced
from .pod_exec import Output, Place
from .pod_exec import run as run_in_pod
from .quantity import quantity

TITLES = {
    "AC7-producer-rate": "Throughput of a producer with acks=all",
    "AC7-consumer-rate": "Throughput of a consumer",
    "AC7-latency-p50": "End-to-end latency, half of the messages",
    "AC7-latency-p95": "End-to-end latency, 95 % of the messages",
    "AC7-latency-p99": "End-to-end latency, 99 % of the messages",
    "AC7-performance-removed": "The measurement of throughput left nothing behind",
}
PARTITIONS = 6
#: how many messages latency is measured with, and how many before them only warm up tools and brokers
LATENCY_MESSAGES, WARM_UP = 400, 1000
#: the least memory that the broker's container must be allowed, for two tools beside it
LEAST_MEMORY = "1536Mi"
CONTAINER = "kafka"
#: seconds to meet the brokers, and for an exec beside those of the tool
MEET, MARGIN = 15.0, 15.0
#: what `timeout` ends with when it ended a tool
TIMED_OUT = 124
#: characters of what a tool said that are told, from its beginning and from its end
SAID = 250


@dataclass(frozen=True)
class Request:
    """What to send, and what is expected: messages a second, milliseconds; a target of 0 is none."""

    replicas: int
    records: int
    record_size: int
    producer_rate: float
    consumer_rate: float
    latency_p95: float
    latency_p99: float
    #: seconds for each tool
    timeout: float


@dataclass
class Found:
    """What was measured. A part that could not be is None, and `reasons` has its sentence."""

    produced: Produced | None = None
    consumed: Consumed | None = None
    #: milliseconds
    latencies: list[float] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    #: those of the reasons that are Kafka's, with what was observed: none was measured, and that is a failure
    failed: dict[str, str | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    #: what a tool was run for
    tried: set[str] = field(default_factory=set)
    pod: str = ""
    remains: str = ""


# -- the measurement


def place(pods: list[dict[str, Any]]) -> Place:
    """The container to measure in: that of the first broker that is ready and has the memory."""
    ready = [pod for pod in pods if is_ready(pod) and _is_broker(pod)]
    if not ready:
        raise BlockedError("no broker's pod is ready to measure in.")
    pod = ready[0]
    limit = _memory_limit(pod)
    if limit and quantity(limit) < quantity(LEAST_MEMORY):
        raise BlockedError(
            f"pod {pod['metadata']['name']} may have {limit} of memory: with less than {LEAST_MEMORY} the tools beside"
            " the broker could end it."
        )
    return Place(pod["metadata"]["namespace"], pod["metadata"]["name"], CONTAINER)


def _is_broker(pod: Mapping[str, Any]) -> bool:
    return (pod["metadata"].get("labels") or {}).get("strimzi.io/broker-role", "true") == "true"


def _memory_limit(pod: Mapping[str, Any]) -> str:
    containers = {each["name"]: each for each in pod["spec"]["containers"]}
    limits = (containers.get(CONTAINER, {}).get("resources") or {}).get("limits") or {}
    return str(limits.get("memory") or "")


class Performance:
    """One run of the measurement."""

    def __init__(
        self,
        login: KafkaLogin,
        request: Request,
        where: Place,
        *,
        bootstrap: str,
        api_client: Any,
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._login = login
        self._request = request
        self._where = where
        self._client = api_client
        self._progress = progress
        self._bootstrap = bootstrap

    def run(self) -> Found:
        """Measure one after the other, and take away whatever happens.

        Raises BrokersError where nothing could be begun.
        """
        found, own = Found(pod=self._where.pod), Own(self._login)
        old: list[str] = []
        with interruptible() as signals:
            try:
                with kafka_brokers.session(self._login, MEET) as admin:
                    old = sweep(admin)
                    replicas = self._request.replicas
                    rates = own.topic(admin, "throughput", PARTITIONS, replicas)
                    steady = own.topic(admin, "latency", 1, replicas)
                group = own.group("throughput")
                self._throughput(found, rates, group)
                self._latency(found, steady)
            except BrokersError as error:
                if not begun(own, error):
                    raise
                self._broken_off(found, str(error))
            finally:
                with signals.hold():
                    own.take_away()
        found.remains = "; ".join(filter(None, [own.remains, *old]))
        return found

    def _broken_off(self, found: Found, words: str) -> None:
        """Kafka refused what comes next: that has failed, and the rest was not measured."""
        waiting = [
            name for name in ("AC7-producer-rate", "AC7-consumer-rate", "AC7-latency") if name not in found.tried
        ]
        for number, name in enumerate(waiting):
            found.reasons[name] = "what comes before it failed" if number else words
        found.failed |= dict.fromkeys(waiting[:1])

    def _slow(self, found: Found, name: str, output: Output | None) -> None:
        """A tool that had to be ended has told how slow it is, at least."""
        if output is not None and output.code == TIMED_OUT:
            rate = self._request.records / self._request.timeout
            found.failed[name] = f"under {rate:.0f} messages/s" if name != "AC7-latency" else None
            found.reasons[name] = f"not done after {self._request.timeout:g} s; {_said(output)}"

    def _throughput(self, found: Found, topic: str, group: str) -> None:
        request = self._request
        writing = kafka_tools.producer_command(
            self._bootstrap,
            topic,
            count=request.records,
            size=request.record_size,
            rate=-1,
            seconds=request.timeout,
        )
        output = self._tool(found, "AC7-producer-rate", writing)
        found.produced = output and kafka_tools.produced(output.text)
        found.tried |= {"AC7-producer-rate", "AC7-consumer-rate"}
        if not found.produced:
            self._slow(found, "AC7-producer-rate", output)
            found.reasons.setdefault("AC7-producer-rate", _said(output))
            found.reasons["AC7-consumer-rate"] = "there was nothing to read"
            return
        count, seconds = request.records, request.timeout
        reading = kafka_tools.consumer_command(self._bootstrap, topic, group, count=count, seconds=seconds)
        output = self._tool(found, "AC7-consumer-rate", reading)
        found.consumed = output and kafka_tools.consumed(output.text)
        if not found.consumed:
            self._slow(found, "AC7-consumer-rate", output)
            found.reasons.setdefault("AC7-consumer-rate", _said(output))

    def _latency(self, found: Found, topic: str) -> None:
        with kafka_brokers.talking(), kafka_clients.producer(self._login) as first:
            first.send(topic, value=b"awake").get(timeout=MEET)
        size, seconds = self._request.record_size, self._request.timeout
        both = kafka_tools.latency_command(
            self._bootstrap, topic, count=WARM_UP + LATENCY_MESSAGES, size=size, seconds=seconds
        )
        output = self._tool(found, "AC7-latency", both)
        if output is None:
            return
        came = kafka_tools.latencies(output.text)
        if len(came) == WARM_UP + LATENCY_MESSAGES:
            found.latencies = came[WARM_UP:]
        else:
            self._slow(found, "AC7-latency", output)
            found.reasons["AC7-latency"] = f"{len(came)} of {WARM_UP + LATENCY_MESSAGES} messages came; {_said(output)}"

    def _tool(self, found: Found, name: str, body: str) -> Output | None:
        """Run one in the pod; None where it could not be, and the reason is kept."""
        properties = kafka_tools.client_properties(self._login)
        command = ["bash", "-c", kafka_tools.script(body, properties)]
        self._progress(f"{name}: measured in pod {self._where.pod}")
        began = time.monotonic()
        try:
            output = run_in_pod(
                self._client, self._where, command, stdin=properties, timeout=self._request.timeout + MARGIN
            )
        except ClusterError as error:
            found.reasons[name] = str(error)
            return None
        found.seconds[name] = round(time.monotonic() - began, 3)
        return output


def _said(output: Output | None) -> str:
    """What a tool said in the place of figures."""
    if output is None:
        return "it was not run"
    words = " ".join((output.errors or output.text).split()) or "it said nothing"
    if len(words) > 2 * SAID:  # what is wrong stands first where it is an option, and last where it is an exception
        words = f"{words[:SAID]} … {words[-SAID:]}"
    return f"exit code {output.code}: {words}"


# -- the criteria


def records(request: Request, found: Found, stand_in: list[str]) -> list[Record]:
    """The criteria in the order a reader asks; the last on what remains."""
    made = [_producer(request, found), _consumer(request, found), *_latency(request, found)]
    for record in made:
        record.stand_in = stand_in
    removed = "AC7-performance-removed"
    return [*made, removed_record(removed, TITLES[removed], found.remains, stand_in)]


def _none(identity: str, name: str, found: Found, expected: str | None) -> Record:
    """A criterion without a figure: failed if that is Kafka's doing, else it could not be measured."""
    title, reason = TITLES[identity], found.reasons[name]
    if name not in found.failed:
        return unmeasured(identity, title, BLOCKED, reason)
    return Record(identity, title, FAILED, found.failed[name], expected, detail=reason)


def _producer(request: Request, found: Found) -> Record:
    seen = found.produced
    how = f"{seen.count} messages of {request.record_size} bytes by kafka-producer-perf-test" if seen else ""
    return _rate("AC7-producer-rate", request, found, seen, f"{how} in pod {found.pod}")


def _consumer(request: Request, found: Found) -> Record:
    seen = found.consumed
    joined = f"with the time of joining the group {seen.overall:.0f}/s" if seen else ""
    return _rate("AC7-consumer-rate", request, found, seen, f"by kafka-consumer-perf-test in pod {found.pod}; {joined}")


def _rate(identity: str, request: Request, found: Found, seen: Produced | Consumed | None, how: str) -> Record:
    """One throughput against its target, and how it was measured."""
    least = request.producer_rate if identity == "AC7-producer-rate" else request.consumer_rate
    if seen is None:
        return _none(identity, identity, found, _against(0, least)[0][1])
    measured, good = _against(seen.rate, least)
    if seen.count < request.records:
        how, good = f"only {seen.count} of {request.records} messages; {how}", False
    record = judged(identity, TITLES[identity], measured, good, unit="messages/s", detail=how)
    record.seconds = found.seconds.get(identity, 0.0)
    return record


def _against(rate: float, target: float) -> tuple[tuple[int, str | None], bool]:
    """What is measured and expected, and whether that is good; a target of 0 is none."""
    return (round(rate), f"> {target:g}" if target else None), rate > target


def _latency(request: Request, found: Found) -> list[Record]:
    names = {"AC7-latency-p50": (0.5, 0.0), "AC7-latency-p95": (0.95, request.latency_p95)}
    names["AC7-latency-p99"] = (0.99, request.latency_p99)
    made = []
    for identity, (share, limit) in names.items():
        title = TITLES[identity]
        if not found.latencies:
            made.append(_none(identity, "AC7-latency", found, f"< {limit:g}" if limit else None))
            continue
        value = round(percentile(found.latencies, share), 1)
        detail = f"{len(found.latencies)} messages, {kafka_tools.LATENCY_RATE} a second, in pod {found.pod}"
        measured = (value, f"< {limit:g}" if limit else None)
        record = judged(identity, title, measured, not limit or value < limit, unit="ms", detail=detail)
        record.seconds = found.seconds.get("AC7-latency", 0.0)
        made.append(record)
    return made


def not_run(status: str, reason: str, stand_in: list[str]) -> list[Record]:
    """The criteria when the check is switched off (skipped), or could not be made (blocked): the first says why."""
    return unmeasured_all(TITLES, status, reason, "nothing was measured", stand_in)
