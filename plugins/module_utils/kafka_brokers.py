# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the brokers say about all topics at once: in two requests, three of many topics, however many there are.

kafka-python tells of a log-in that failed, or a certificate that does not fit, only in its log, and then runs into its
time-out. So its log is listened to (and kept off the terminal) while it is used, and the cause is said.
"""

from __future__ import annotations

import gc
import logging
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

try:
    from kafka import KafkaAdminClient
    from kafka import errors as kafka_errors
    from kafka.admin import ConfigResource, ConfigResourceType, ConfigSourceType, ConfigType
    from kafka.net.compat import KafkaNetClient

    KAFKA_IMPORT_ERROR: ImportError | None = None
except ImportError as error:
    KAFKA_IMPORT_ERROR = error

CLIENT_ID = "synergyflow.platform"
FIRST_ATTEMPT_SECONDS = 3.0
#: a user made a moment ago is not known to every broker yet: refused for this long means refused
SECOND_THOUGHTS_SECONDS = 1.0
#: topics from which on two brokers are asked for half of the configuration each: a log-in more costs less than that
HALVED_FROM = 200
#: seconds for the half of another broker than the one that it is logged in to, before that one is asked
OTHER_HALF_SECONDS = 10
LOGIN, CERTIFICATE, PERMISSION, UNREACHABLE = "login", "certificate", "permission", "unreachable"


class BrokersError(Exception):
    """The brokers could not be asked. `kind` says in which way, `str()` in Kafka's words, without secrets."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


@dataclass
class KafkaLogin:
    """Where the brokers are and who logs in. The password is never shown, not even by repr()."""

    bootstrap_servers: list[str]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    #: PEM certificates; None means no TLS
    ca: str | None = field(default=None, repr=False)
    proxy_url: str | None = field(default=None, repr=False)

    def client_options(self) -> dict[str, Any]:
        """kafka-python's options for this login."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": CLIENT_ID,
            "proxy_url": self.proxy_url,
        }
        if self.ca is not None:
            try:
                context = ssl.create_default_context(cadata=self.ca)
            except (ssl.SSLError, ValueError) as error:
                raise BrokersError(CERTIFICATE, "it cannot be read as PEM certificates") from error
            if hasattr(ssl, "VERIFY_X509_STRICT"):
                # Python 3.13 made it the default; CAs made by older operators lack a key usage that it wants
                context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            options["ssl_context"] = context
        if self.password is not None:
            options |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        names = {(False, False): "PLAINTEXT", (False, True): "SSL", (True, False): "SASL_PLAINTEXT"}
        options["security_protocol"] = names.get((self.password is not None, self.ca is not None), "SASL_SSL")
        return options


if KAFKA_IMPORT_ERROR is None:

    class TopicAdmin(KafkaAdminClient):
        """kafka-python's admin client, with all keys of many topics at a sixth of the cost.

        Its own way makes a dictionary of every field of every key, which costs four times what reading them off the
        wire does, and asks one broker. These hooks are not in its documentation: a version that knows none of them is
        slower and right.
        """

        #: the brokers of the latest answer about topics, which names them too
        brokers_told: list[dict[str, Any]] | None = None
        #: requests for configuration
        asked = 0

        async def _get_cluster_metadata(self, *args: Any, **options: Any) -> dict[str, Any]:
            metadata: dict[str, Any] = await super()._get_cluster_metadata(*args, **options)
            self.brokers_told = metadata.get("brokers")
            return metadata

        async def _async_describe_configs(self, config_resources: Any, *args: Any, **options: Any) -> Any:
            """Of many topics, two brokers tell half each at the same time."""
            every = list(config_resources)
            here = self._manager.least_loaded_node()  # one that it is logged in to
            serve = {each["node_id"] for each in self.brokers_told or []}
            others = sorted({each.node_id for each in self._manager.cluster.brokers()} & serve - {here})
            if len(every) < HALVED_FROM or here not in serve or not others:
                self.asked += 1
                return await super()._async_describe_configs(every, *args, **options)
            mine, theirs = (self._describe_configs_request(every[start::2]) for start in range(2))
            elsewhere = self._manager.send(theirs, others[0], request_timeout_ms=OTHER_HALF_SECONDS * 1000)
            responses = [await self._manager.send(mine, here)]
            self.asked += 2
            try:
                responses.append(await elsewhere)
            except kafka_errors.AuthorizationError:
                raise
            except kafka_errors.KafkaError:  # that broker is going, or busy: the one that has answered tells all
                self.asked += 1
                responses.append(await self._manager.send(theirs, here))
            return self._describe_configs_process_responses(responses)

        @classmethod
        def _describe_configs_process_responses(cls, responses: Iterable[Any], config_filter: Any = None) -> dict:
            """What is used of all keys of all topics, as `describe_configs` gives it with `config_filter="all"`."""
            sources = {each.value: each.name for each in ConfigSourceType}
            types = {each.value: each.name for each in ConfigType}
            return {
                "topic": {
                    result.resource_name: {
                        entry.name: {
                            "value": entry.value,
                            "config_source": sources.get(entry.config_source, "UNKNOWN"),
                            "config_type": types.get(entry.config_type, "UNKNOWN"),
                        }
                        for entry in result.configs
                    }
                    for response in responses
                    for result in response.results
                }
            }


@dataclass
class Reading:
    """What the brokers said. `brokers` are the ids of those that serve."""

    brokers: list[int]
    topics: list[dict[str, Any]]
    configs: dict[str, dict[str, Any]]
    #: expected topics that exist but may not be described
    hidden: list[str]
    seconds: float
    requests: int


class _Heard(logging.Handler):
    """Collects the exceptions that kafka-python only logs, and ends an attempt that waiting will not help."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.exceptions: list[BaseException] = []
        self.client: Any = None
        self._settled_since: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self.exceptions += [argument for argument in arguments if isinstance(argument, BaseException)]
        if self.client is None or diagnose(self.exceptions, Exception()).kind == UNREACHABLE:
            return
        self._settled_since = self._settled_since or time.monotonic()
        if time.monotonic() - self._settled_since >= SECOND_THOUGHTS_SECONDS:
            client, self.client = self.client, None
            with suppress(Exception):  # if it cannot be hurried, it runs into its time-out
                client._manager.close()


@contextmanager
def _listening() -> Iterator[_Heard]:
    """Listen to kafka-python's log, and keep it to ourselves: at level DEBUG it holds the password."""
    logger = logging.getLogger("kafka")
    before = (logger.level, logger.propagate)
    heard = _Heard()
    logger.addHandler(heard)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def read_topics(
    login: KafkaLogin, expected: Iterable[str], timeout: float, hopeless: Callable[[], bool] = lambda: False
) -> Reading:
    """Ask for the brokers, all topics and their configuration; `timeout` in seconds for all of it.

    `hopeless` is asked between attempts: when it says so there is no other one.

    One request more names the expected topics that are missing: a topic that may not be described is left out of the
    list of all topics, and must not be taken for one that is not there.
    """
    started = time.monotonic()
    deadline = started + timeout
    with _listening() as heard:
        while True:
            try:
                with _connected(login, deadline, heard, hopeless, TopicAdmin) as admin, _without_collector():
                    return _read(admin, list(expected), started)
            except kafka_errors.KafkaError as error:
                if isinstance(error, kafka_errors.AuthorizationError):
                    raise BrokersError(PERMISSION, _words(error)) from error
                # a broker that stops in between is the usual cause; another one answers next time
                if not error.retriable or time.monotonic() + 1 > deadline or hopeless():
                    raise diagnose(heard.exceptions, error) from error
                time.sleep(0.2)


@contextmanager
def session(login: KafkaLogin, timeout: float, hopeless: Callable[[], bool] = lambda: False) -> Iterator[Any]:
    """An admin client, as long as the block; `timeout` in seconds to meet a broker.

    What Kafka refuses in the block comes out as a BrokersError, in Kafka's words and without secrets.
    """
    with talking() as heard, _connected(login, time.monotonic() + timeout, heard, hopeless) as admin:
        heard.exceptions.clear()
        yield admin


@contextmanager
def talking() -> Iterator[_Heard]:
    """A place to use producers and consumers in: their log is kept quiet, their refusals become BrokersErrors."""
    with _listening() as heard:
        try:
            yield heard
        except kafka_errors.KafkaError as error:
            raise refused(heard.exceptions, error) from error


def refused(heard: Iterable[BaseException], error: BaseException) -> BrokersError:
    """The cause of an answer to somebody who is logged in: what is not allowed is said by the error itself."""
    if isinstance(error, kafka_errors.AuthorizationError):
        return BrokersError(PERMISSION, _words(error))
    return diagnose(heard, error)


@contextmanager
def _connected(
    login: KafkaLogin, deadline: float, heard: _Heard, hopeless: Callable[[], bool], kind: Any = None
) -> Iterator[Any]:
    """An admin client that has met a broker. Short attempts first: a wrong password would wait for all of the time."""
    seconds = FIRST_ATTEMPT_SECONDS
    made: list[Any] = []

    def client(**options: Any) -> Any:
        heard.client = KafkaNetClient(**options)
        made.append(heard.client)
        return heard.client

    try:
        while True:
            seconds = min(seconds, deadline - time.monotonic())
            try:
                admin = (kind or KafkaAdminClient)(
                    **login.client_options(),
                    kafka_client=client,
                    bootstrap_timeout_ms=max(int(seconds * 1000), 100),
                    # its default of 30 s may be more than what is left
                    request_timeout_ms=max(int((deadline - time.monotonic()) * 1000), 1000),
                )
                heard.client = None
                break
            except kafka_errors.KafkaTimeoutError as error:
                failure = diagnose(heard.exceptions, error)
                if failure.kind != UNREACHABLE or time.monotonic() + 0.5 > deadline or hopeless():
                    raise failure from None
                seconds *= 2
        yield admin
    finally:
        for each in made:  # the constructor that failed leaves its thread behind
            with suppress(Exception):
                each.close()
                each._manager._net.stop()


@contextmanager
def _without_collector() -> Iterator[None]:
    """Tens of thousands of keys are read and none is garbage: looking for some takes a sixth of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _read(admin: Any, expected: list[str], started: float) -> Reading:
    topics = [topic for topic in admin.describe_topics() if topic["name"]]
    requests, brokers = 1, [broker["node_id"] for broker in admin.brokers_told or []]
    if not brokers:
        cluster = admin.describe_cluster()
        brokers = [broker["broker_id"] for broker in cluster["brokers"] if not broker.get("is_fenced")]
        requests += 1
    configs: dict[str, dict[str, Any]] = {}
    if topics:
        wanted = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in topics]
        configs = admin.describe_configs(wanted, config_filter="all").get("topic", {})
        requests += admin.asked or 1
    there = {topic["name"] for topic in topics}
    missing = [name for name in expected if name not in there]
    hidden: list[str] = []
    if missing:
        denied = kafka_errors.TopicAuthorizationFailedError.errno
        hidden = [topic["name"] for topic in admin.describe_topics(missing) if topic["error_code"] == denied]
        requests += 1
    return Reading(sorted(brokers), topics, configs, hidden, time.monotonic() - started, requests)


def diagnose(heard: Iterable[BaseException], error: BaseException) -> BrokersError:
    """The cause, from what kafka-python raised and what it only logged. A refused log-in says more than a time-out."""
    every = [*heard, error]
    for exception in every:
        if isinstance(
            exception, (kafka_errors.SaslAuthenticationFailedError, kafka_errors.UnsupportedSaslMechanismError)
        ):
            return BrokersError(LOGIN, _words(exception))
    for exception in every:
        if "CERTIFICATE_VERIFY_FAILED" in str(exception):
            return BrokersError(CERTIFICATE, _words(exception))
    for exception in every:
        if isinstance(exception, kafka_errors.AuthorizationError):
            return BrokersError(PERMISSION, _words(exception))
    if any("socket disconnected" in str(exception) for exception in every):
        # kafka-python drops an answer that comes together with the end of the connection, a refusal often does
        return BrokersError(UNREACHABLE, "the brokers close the connection before the log-in is done")
    told = [exception for exception in every if not isinstance(exception, kafka_errors.KafkaTimeoutError)]
    return BrokersError(UNREACHABLE, _words((told or every)[-1]))


def _words(exception: BaseException) -> str:
    """The exception's own text on one line, without the names of classes that wrap it."""
    text = " ".join(str(exception).split())
    return text or type(exception).__name__
