# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC7: a broker's pod is deleted while messages are written, and no acknowledged message is lost.

Nothing is deleted but that one pod, by its name and its uid, and only while everything is in sync: with another broker
away, or a topic whose writes need all of its replicas, the deletion would be an outage and not a measurement. And only
while an operator is there to make it anew. All of that is looked at before anything is written, and again just before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import kafka_brokers, kafka_clients
from .api import Api, ApiError
from .bridge import is_ready, pod_state
from .component_objects import OPERATOR_NAME
from .discovery import DEPLOYMENTS, PODS
from .errors import ClusterError
from .evidence.records import BLOCKED, Record, judged, unmeasured, unmeasured_all
from .interruption import interruptible
from .kafka_brokers import BrokersError, KafkaLogin, Reading
from .kafka_messages import Message, compare, named
from .kafka_own import Own, begun, broken_off, removed_record, replicas_of, sweep
from .kafka_strimzi import BlockedError, Strimzi, condition_words
from .kafka_topics import MIN_ISR, broker_topics
from .preflight import cluster_operator

TITLES = {
    "AC7-replication": "Every partition of the check's topic has all its replicas in sync",
    "AC7-lost": "No acknowledged message is lost with a broker",
    "AC7-stall": "Longest wait of a write while a broker is away",
    "AC7-recovery": "Every partition is in sync again after a broker's loss, and the broker takes log-ins",
    "AC7-removed": "The failover check left nothing behind",
}
PARTITIONS = 3
#: seconds between two writes, of writing before the pod goes and after all is in sync, between two looks
INTERVAL, BEFORE, AFTER, PAUSE = 0.02, 1.5, 1.0, 0.5
#: seconds for the first write to be acknowledged
FIRST = 30.0
#: seconds for one look at the brokers while one of them is away
LOOK = 15.0


@dataclass(frozen=True)
class Request:
    """Targets in seconds, and how long to wait for what misses them."""

    replicas: int
    stall: float
    recovery: float
    timeout: float


@dataclass
class Found:
    """What was measured; a figure that there is none of is None."""

    replicas: list[tuple[int, int]] = field(default_factory=list)
    pod: str = ""
    broker: int = -1
    led: int = 0
    acknowledged: list[Message] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    read: list[Message] = field(default_factory=list)
    #: false when the end of the topic was not reached
    read_all: bool = False
    unread: str = ""
    stall: float = 0.0
    recovery: float | None = None
    #: what was not as it was when the waiting ended
    missing: str = ""
    #: the pod was told to go
    deleted: bool = False
    #: why Kafka made no topic to write to
    broken: str = ""
    remains: str = ""


class Writer(threading.Thread):
    """Writes numbered messages, one partition after the other, until it is told to stop."""

    def __init__(self, producer: Any, topic: str) -> None:
        super().__init__(name="failover: writer", daemon=True)
        self._producer = producer
        self._topic = topic
        self._stop_writing = threading.Event()
        self.sent: dict[int, float] = {}
        self.answered: dict[int, float] = {}
        self.acknowledged: dict[int, Message] = {}
        self.refused: dict[int, str] = {}

    def run(self) -> None:
        number = 0
        while not self._stop_writing.wait(INTERVAL):
            self.sent[number] = time.monotonic()
            try:
                future = self._producer.send(self._topic, value=str(number).encode(), partition=number % PARTITIONS)
                future.add_callback(self._acknowledge, number)
                future.add_errback(self._refuse, number)
            except kafka_brokers.kafka_errors.KafkaError as error:
                self._refuse(number, error)
            number += 1

    def finish(self, seconds: float) -> None:
        """No more writes; wait for the answers to those that are on their way."""
        self._stop_writing.set()
        deadline = time.monotonic() + seconds
        self.join(max(seconds, 0.1))
        while len(self.answered) < len(self.sent) and time.monotonic() < deadline:
            time.sleep(0.05)

    def warm_up(self, seconds: float) -> None:
        """Wait until every partition has taken a write: the first ones wait for connections too."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.refused:
            if len({message.partition for message in list(self.acknowledged.values())}) == PARTITIONS:
                return
            time.sleep(0.1)

    def longest_wait(self, since: float = 0.0) -> float:
        """Seconds that the slowest write waited, of those answered `since` then or not answered at all."""
        now = time.monotonic()
        waits = ((self.answered.get(number, now), at) for number, at in self.sent.items())
        return max((answered - at for answered, at in waits if answered >= since), default=0.0)

    def unanswered(self) -> list[int]:
        """Writes that nobody answered."""
        return sorted(set(self.sent) - set(self.answered))

    def _acknowledge(self, number: int, answer: Any) -> None:
        self.acknowledged[number] = Message(number, None, answer.partition, answer.offset)
        self.answered[number] = time.monotonic()

    def _refuse(self, number: int, error: BaseException) -> None:
        self.refused[number] = type(error).__name__
        self.answered[number] = time.monotonic()


# -- before anything is written


def refusal(strimzi: Strimzi, reading: Reading, brokers: int | None) -> str:
    """Why no broker may be taken away now; empty when one may."""
    reasons = []
    expected = brokers if brokers is not None else strimzi.brokers_expected
    if expected is None:
        reasons.append("how many brokers there should be is not known")
    elif len(reading.brokers) < expected:
        reasons.append(f"{len(reading.brokers)} of {expected} brokers are in service")
    if strimzi.pods is None:
        reasons.append("the brokers' pods may not be listed")
    elif strimzi.pods_unready:
        reasons.append(f"not ready: {'; '.join(strimzi.pods_unready)}")
    state = condition_words(strimzi.kafka) if strimzi.kafka else "there is no Kafka to bring the pod back"
    if state:
        reasons.append(f"the Kafka: {state}")
    topics = broker_topics(reading.topics, reading.configs).values()
    if reading.hidden:
        reasons.append(f"may not be seen by this user: {named(reading.hidden)}")
    unread = [topic.name for topic in topics if not topic.configured]
    if unread:
        reasons.append(f"{MIN_ISR} could not be read: {named(unread)}")
    behind = [topic.name for topic in topics if topic.under_replicated or topic.under_min_isr or topic.offline]
    if behind:
        reasons.append(f"not in sync: {named(behind)}")
    tight = [topic.name for topic in topics if topic.name not in behind and _needs_all(topic.replicas, topic.config)]
    if tight:
        reasons.append(f"cannot be written to with a replica less: {named(tight)}")
    return "; ".join(reasons)


def operator_missing(api: Api, namespace: str) -> str:
    """Why nobody would make a pod of the namespace's Kafka anew; empty when Strimzi's cluster operator would."""
    name = f"metadata.name={OPERATOR_NAME}"
    try:
        try:
            found = api.list(DEPLOYMENTS, fields=name)
        except ApiError as error:
            if error.code != 403:
                raise
            found = api.list(DEPLOYMENTS, namespace, fields=name)
    except ApiError as error:
        return f"whether an operator would bring the pod back cannot be read ({str(error).rstrip('.')})"
    watching = [each for each in found if cluster_operator.of_workload(each).may_watch(namespace)]
    if not watching:
        return f"no Deployment {OPERATOR_NAME} watches namespace {namespace} to bring the pod back"
    if not any((each.get("status") or {}).get("availableReplicas") for each in watching):
        homes = ", ".join(each["metadata"]["namespace"] for each in watching)
        return f"Deployment {OPERATOR_NAME} in {homes}, which brings the pod back, has no replica available"
    return ""


def _needs_all(replicas: Iterable[int], config: Mapping[str, str | None]) -> bool:
    """Whether a topic takes no acks=all writes once one replica is away."""
    return min(replicas, default=0) - 1 < int(config.get(MIN_ISR) or 1)


def choose(partitions: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> tuple[int, dict[str, Any]]:
    """The broker that leads most of these partitions, with its pod; the lowest number of several."""
    leaders = [int(partition["leader_id"]) for partition in partitions]
    by_number = {_number(pod): dict(pod) for pod in pods}
    there = [leader for leader in leaders if leader in by_number]
    if not there:
        raise BlockedError("no pod belongs to the brokers that lead the check's topic.")
    broker = min(set(there), key=lambda each: (-there.count(each), each))
    return broker, by_number[broker]


def _goes(pod: Mapping[str, Any]) -> bool:
    """Whether a pod has been told to go."""
    return "deletionTimestamp" in pod["metadata"]


def _number(pod: Mapping[str, Any]) -> int:
    """A broker's number is the end of its pod's name."""
    end = pod["metadata"]["name"].rpartition("-")[2]
    return int(end) if end.isdigit() else -1


# -- the measurement


class Failover:
    """One run of the check."""

    def __init__(
        self,
        api: Api,
        login: KafkaLogin,
        request: Request,
        pods: list[dict[str, Any]],
        *,
        look: Callable[[Api], str],
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`look` says why no broker may be taken away now, as it did before; it is asked again before the deletion."""
        self._api = api
        self._login = login
        self._request = request
        self._pods = pods
        self._look = look
        #: what could not be taken away, also where run() raised
        self.remains = ""
        self._progress = progress

    def run(self) -> Found:
        """Write, delete, wait, read; take away whatever happens.

        Raises BrokersError and ClusterError where no pod was deleted; `remains` says what is left then, too.
        """
        found, own = Found(), Own(self._login)
        old: list[str] = []
        with interruptible() as signals:
            try:
                with kafka_brokers.session(self._login, LOOK) as admin:
                    old = sweep(admin)
                    replicas = self._request.replicas
                    minimum = max(replicas - 1, 1)
                    topic = own.topic(admin, "failover", PARTITIONS, replicas, min_insync_replicas=minimum)
                    partitions = replicas_of(admin, topic, PARTITIONS, replicas)
            except BrokersError as error:
                if not begun(own, error):
                    raise
                found.broken = str(error)
            else:
                self._lose_a_broker(found, topic, partitions)
            finally:
                with signals.hold():
                    own.take_away()
                self.remains = found.remains = "; ".join(filter(None, [own.remains, *old]))
        return found

    def _lose_a_broker(self, found: Found, topic: str, partitions: list[dict[str, Any]]) -> None:
        """Write while the pod goes and comes back, and read. Once it went, all that was measured is told."""
        found.replicas = [(len(each["replica_nodes"]), len(each["isr_nodes"])) for each in partitions]
        found.broker, pod = choose(partitions, self._pods)
        found.pod = pod["metadata"]["name"]
        found.led = sum(each["leader_id"] == found.broker for each in partitions)
        try:
            with kafka_brokers.talking():
                self._write_through(found, topic, pod)
        except (BrokersError, ClusterError) as error:
            if not found.deleted:
                raise
            found.refused.append(str(error))
        try:
            with kafka_brokers.talking():
                self._read_back(found, topic)
        except BrokersError as error:
            found.unread = str(error)

    def _write_through(self, found: Found, topic: str, pod: dict[str, Any]) -> None:
        patience = int(self._request.timeout * 1000)
        options = {**kafka_clients.IMPATIENT, "max_block_ms": patience, "delivery_timeout_ms": patience}
        with kafka_clients.producer(self._login, **options) as producer:
            writer = Writer(producer, topic)
            writer.start()
            try:
                writer.warm_up(FIRST)
                time.sleep(BEFORE)
                if writer.refused or not writer.acknowledged:
                    why = named(sorted(set(writer.refused.values()))) or "no write was acknowledged"
                    raise BlockedError(f"the check's topic takes no writes ({why}), so no pod was deleted.")
                why = self._look(self._asking(LOOK))
                if why:
                    raise BlockedError(f"no broker's pod was deleted, as not all is well any more: {why}.")
                began = time.monotonic()
                self._delete(pod)
                found.deleted = True
                found.missing = self._wait(pod, found.broker, began)
                if not found.missing:
                    found.recovery = time.monotonic() - began
                    time.sleep(AFTER)
            except BaseException:
                writer.finish(0)
                raise
            writer.finish(self._request.stall)
            found.stall = writer.longest_wait(began)
            found.acknowledged = [writer.acknowledged[number] for number in sorted(writer.acknowledged)]
            found.refused = [f"{number}: {why}" for number, why in sorted(writer.refused.items())]
            found.refused += [f"{number}: no answer" for number in writer.unanswered()]

    def _delete(self, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": metadata["uid"]}}
        self._progress(f"pod {metadata['name']} is deleted while messages are written")
        path = PODS.path(metadata["namespace"], metadata["name"])
        asking = self._asking(LOOK)
        try:
            asking.call("DELETE", path, body=body, about=f"pod {metadata['name']}")
        except ClusterError as error:
            # refused at once: it may not be deleted, or another one has its place already
            refused = isinstance(error, ApiError) and asking.requests == 1
            if refused or self._is_there(pod):
                raise BlockedError(f"no broker's pod was deleted: {error}") from error
            # an attempt whose answer was lost has deleted it, which is what is measured

    def _is_there(self, pod: dict[str, Any]) -> bool:
        """Whether this very pod is there and is to stay. When nobody answers, it counts as gone."""
        metadata = pod["metadata"]
        try:
            live = self._asking(LOOK).get(PODS, metadata["namespace"], metadata["name"])
        except ClusterError:
            return False
        return live is not None and live["metadata"]["uid"] == metadata["uid"] and not _goes(live)

    def _asking(self, seconds: float) -> Api:
        """The API with time of its own: what was there to look at first may be used up."""
        return self._api.within(seconds)

    def _wait(self, gone: dict[str, Any], broker: int, began: float) -> str:
        """Wait until another pod serves in its place and all is in sync; what is missing when the time is over."""
        metadata = gone["metadata"]
        api = self._asking(self._request.timeout)
        missing = ""
        while time.monotonic() - began < self._request.timeout:
            time.sleep(PAUSE)
            try:
                pod = api.get(PODS, metadata["namespace"], metadata["name"])
                if pod is None or pod["metadata"]["uid"] == metadata["uid"]:
                    missing = f"no new pod {metadata['name']}"
                elif not is_ready(pod):
                    missing = f"pod {metadata['name']} is {pod_state(pod)}"
                else:
                    missing = self._not_back(broker)
            except (BrokersError, ClusterError) as error:
                missing = str(error).rstrip(".")
            if not missing:
                return ""
        return missing

    def _not_back(self, broker: int) -> str:
        """What the brokers still miss; empty when all is in sync and the one that was away takes log-ins.

        A broker may be in sync and refuse everybody: Kafka can forget the users at a start, until Strimzi's user
        operator names them again (org.apache.kafka.image.ScramDelta; docs/roles.md, "After a user was deleted").
        """
        with kafka_brokers.session(self._login, LOOK) as admin:
            topics = broker_topics(admin.describe_topics(), {})
            places = {
                each["broker_id"]: f"{each['host']}:{each['port']}" for each in admin.describe_cluster()["brokers"]
            }
        behind = [name for name, topic in topics.items() if topic.under_replicated or topic.offline]
        if behind:
            return f"not in sync: {named(behind)}"
        if broker not in places:
            return f"broker {broker} is not in service"
        try:
            with kafka_brokers.session(replace(self._login, bootstrap_servers=[places[broker]]), LOOK):
                return ""
        except BrokersError as error:
            return f"broker {broker}: {error}"

    def _read_back(self, found: Found, topic: str) -> None:
        with kafka_clients.consumer(self._login, **kafka_clients.IMPATIENT) as reader:
            places = kafka_clients.partitions_of(topic, PARTITIONS)
            reader.assign(places)
            found.read, ends = kafka_clients.read_to_end(reader, places, self._request.timeout)
        found.read_all = len(found.read) >= sum(ends.values())


# -- the criteria


def records(request: Request, found: Found, stand_in: list[str]) -> list[Record]:
    """The criteria in the order a reader asks."""
    made = [_replication(request, found), _lost(found), _stall(request, found), _recovery(request, found)]
    if found.broken:
        made = broken_off(made, "AC7-replication", found.broken)
    for record in made:
        record.stand_in = stand_in
    return [*made, removed(found.remains, stand_in)]


def removed(remains: str, stand_in: list[str]) -> Record:
    """Whether the check took away what it had made."""
    return removed_record("AC7-removed", TITLES["AC7-removed"], remains, stand_in)


def _replication(request: Request, found: Found) -> Record:
    good = sum(each == (request.replicas, request.replicas) for each in found.replicas)
    measured = (good, PARTITIONS)
    fine = good == len(found.replicas) == PARTITIONS
    detail = f"{request.replicas} replicas each"
    return judged("AC7-replication", TITLES["AC7-replication"], measured, fine, unit="partitions", detail=detail)


def _lost(found: Found) -> Record:
    title = TITLES["AC7-lost"]
    if not found.acknowledged:
        return unmeasured("AC7-lost", title, BLOCKED, "no message was acknowledged")
    compared = compare(found.acknowledged, found.read)
    if compared.lost and not found.read_all:
        reason = f"{len(compared.lost)} acknowledged messages could not be read back"
        return judged("AC7-lost", title, ("not known", 0), False, detail=f"{reason}: {found.unread or 'in time'}")
    told = [f"{len(found.acknowledged)} acknowledged, pod {found.pod} deleted, which led {found.led} partitions"]
    if compared.lost:
        told.append(f"lost: {named(compared.lost)}")
    if compared.repeated:
        told.append(f"{len(compared.repeated)} stored twice")
    measured = (len(compared.lost), 0)
    return judged("AC7-lost", title, measured, not compared.lost, unit="messages", detail="; ".join(told))


def _stall(request: Request, found: Found) -> Record:
    title, limit = TITLES["AC7-stall"], f"under {request.stall:g} s"
    if found.refused:
        detail = f"not acknowledged at all: {named(found.refused)}"
        return judged("AC7-stall", title, (f"{len(found.refused)} writes failed", limit), False, detail=detail)
    seconds = round(found.stall, 2)
    return judged("AC7-stall", title, (seconds, limit), seconds < request.stall, unit="s")


def _recovery(request: Request, found: Found) -> Record:
    title, limit = TITLES["AC7-recovery"], f"under {request.recovery:g} s"
    if found.recovery is None:
        return judged("AC7-recovery", title, ("not in time", limit), False, detail=found.missing)
    seconds = round(found.recovery, 1)
    record = judged("AC7-recovery", title, (seconds, limit), seconds < request.recovery, unit="s")
    record.seconds = seconds
    return record


def not_run(status: str, reason: str, stand_in: list[str]) -> list[Record]:
    """The criteria when the check is switched off (skipped), or could not be made (blocked): the first says why."""
    return unmeasured_all(TITLES, status, reason, "there was no failover", stand_in)
