# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the brokers about all topics at once, from the controller."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_brokers, kafka_evidence, kafka_topics
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge, BridgeError
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import kubernetes_client
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import (
    BrokersError,
    KafkaLogin,
    Reading,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_strimzi import (
    BlockedError,
    Strimzi,
    condition_words,
    read_strimzi,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_table import aligned
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction

COLUMNS = {
    "topic": "topic",
    "key": "key",
    "expected": "expected",
    "broker": "on the broker",
    "cr": "in the KafkaTopic",
}
TOPIC = {
    "name": {"type": "str", "required": True},
    "partitions": {"type": "int"},
    "replicas": {"type": "int"},
    "config": {"type": "dict"},
    "resource": {"type": "str"},
}


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "user": {"type": "str"},
        "listener": {"type": "str"},
        "bootstrap_servers": {"type": "list", "elements": "str"},
        "tls": {"type": "bool", "default": True},
        "cluster_ca": {"type": "str"},
        "sasl_password": {"type": "str", "no_log": True},
        "topics": {"type": "list", "elements": "dict", "required": True, "options": TOPIC},
        "unexpected": {"type": "str", "default": "report", "choices": ["report", "ignore", "fail"]},
        "internal_topics": {"type": "list", "elements": "str", "default": list(kafka_topics.INTERNAL)},
        "compare_resources": {"type": "bool", "default": True},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 30},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if kafka_brokers.KAFKA_IMPORT_ERROR is not None:
            raise ClusterError(missing_required_lib("kafka-python[crc32c]"))
        expected = kafka_topics.expected_topics(args["topics"])
        api = self.api(args, args["timeout"])
        api.masker.always(filter(None, [args["sasl_password"]]))
        strimzi = read_strimzi(
            api,
            args["cluster"],
            args["namespace"],
            user=args["user"] if args["sasl_password"] is None else None,
            ca=not args["cluster_ca"],
            compare_resources=args["compare_resources"],
        )
        try:
            reading = self._read(args, strimzi, list(expected))
        except BlockedError as error:
            return self._blocked(args, strimzi, api.masker.text(str(error)))
        return api.masker.clean(_judged(args, strimzi, expected, reading))

    def _read(self, args: dict[str, Any], strimzi: Strimzi, names: list[str]) -> Reading:
        """Log in and ask; over the bridge unless an address was given."""
        login = _login(args, strimzi)
        direct = args["bootstrap_servers"] is not None
        try:
            bridge = None if direct else Bridge(kubernetes_client(args))
        except BridgeError as error:
            raise BlockedError(f"the brokers cannot be reached: {error}.") from error
        with bridge or nullcontext():
            login.proxy_url = bridge.proxy_url if bridge else None
            try:
                return kafka_brokers.read_topics(
                    login,
                    names,
                    timeout=max(self._api.deadline.left, 1.0),
                    hopeless=lambda: bridge is not None and any(failure.final for failure in bridge.errors),
                )
            except BrokersError as error:
                failures = [failure.sentence for failure in bridge.errors] if bridge else []
                raise BlockedError(_sentence(error, failures, args, strimzi)) from error

    def _blocked(self, args: dict[str, Any], strimzi: Strimzi, sentence: str) -> dict[str, Any]:
        return {
            "changed": False,
            "failed": args["fail"],
            "msg": sentence,
            "passed": False,
            "topics": [],
            "drift": [],
            "unexpected": [],
            "table": "",
            "evidence": kafka_evidence.blocked(sentence, strimzi.stand_in),
        }


def _login(args: dict[str, Any], strimzi: Strimzi) -> KafkaLogin:
    """Where and how to log in: what was given, else what Strimzi's objects say."""
    cluster, namespace, user = args["cluster"], args["namespace"], args["user"]
    servers, tls, scram = args["bootstrap_servers"], args["tls"], user is not None
    if not servers:
        if strimzi.kafka is None:
            raise BlockedError(
                f"there is no Kafka {cluster} in namespace {namespace} on {strimzi.host}; check cluster, namespace and"
                " the connection options, or give bootstrap_servers."
            )
        if strimzi.pods is not None and len(strimzi.pods_unready) == len(strimzi.pods):
            why = condition_words(strimzi.kafka)
            raise BlockedError(
                f"no broker of Kafka {cluster} is ready ({'; '.join(strimzi.pods_unready) or 'it has no pod'})"
                f"{f'; the Kafka says: {why}' if why else ''}."
            )
        listener = strimzi.listener(args["listener"])
        servers, tls = [strimzi.bootstrap(listener)], bool(listener.get("tls"))
        if scram and not listener.get("authentication"):
            scram = False
    password = None
    if scram:
        password = args["sasl_password"] if args["sasl_password"] is not None else strimzi.password(user)
        user = strimzi.user_name(user)
    ca = (args["cluster_ca"] or strimzi.ca()) if tls else None
    return KafkaLogin(servers, user, password, ca)


def _sentence(error: BrokersError, failures: list[str], args: dict[str, Any], strimzi: Strimzi) -> str:
    """Why the brokers could not be asked, and what to do."""
    cluster, user, namespace = args["cluster"], args["user"], args["namespace"]
    if error.kind == kafka_brokers.LOGIN:
        source = "given in sasl_password" if args["sasl_password"] is not None else f"in Secret {namespace}/{user}"
        state = condition_words(strimzi.user) if strimzi.user else ""
        return (
            f"could not log in to Kafka {cluster} as KafkaUser {user}: the brokers refuse the password {source}"
            f"{f'; the KafkaUser is {state}' if state else ''}. Check that the KafkaUser is Ready and that nobody"
            f" changed its Secret by hand. Kafka says: {error}."
        )
    if error.kind == kafka_brokers.CERTIFICATE:
        source = "given in cluster_ca" if args["cluster_ca"] else f"in Secret {namespace}/{cluster}-cluster-ca-cert"
        return (
            f"the certificate of Kafka {cluster} does not fit the CA {source}: {error}. While a CA is being renewed,"
            " wait for the brokers' rolling update. A listener with its own certificate needs its CA in cluster_ca."
        )
    if error.kind == kafka_brokers.PERMISSION:
        return (
            f"KafkaUser {user} may not see what the check needs ({error}): give it the ACL operations Describe and"
            " DescribeConfigs on all topics, and Describe on the cluster."
        )
    reasons = failures[-1:] or [str(error)]
    if not failures and "log-in" in str(error):
        reasons.append("mostly a wrong user or password, or a listener without TLS where TLS is spoken")
    if strimzi.pods_unready:
        reasons.append(f"not ready: {'; '.join(strimzi.pods_unready)}")
    return f"Kafka {cluster} in namespace {namespace} cannot be asked: {'; '.join(reasons)}."


def _judged(
    args: dict[str, Any], strimzi: Strimzi, expected: dict[str, dict[str, Any]], reading: Reading
) -> dict[str, Any]:
    """The result: compared, as data, as a table, as evidence."""
    brokers = kafka_topics.broker_topics(reading.topics, reading.configs)
    comparison = kafka_topics.compare(
        expected,
        brokers,
        strimzi.topics,
        unexpected=args["unexpected"],
        internal=args["internal_topics"],
        hidden=reading.hidden,
    )
    records = kafka_evidence.evidence(
        kafka_evidence.Look(
            expected=expected,
            brokers=brokers,
            comparison=comparison,
            brokers_there=reading.brokers,
            brokers_expected=strimzi.brokers_expected,
            unexpected=args["unexpected"],
            resources_left_out=strimzi.topics_left_out,
            seconds=reading.seconds,
            stand_in=strimzi.stand_in,
        )
    )
    rows = list(comparison.drift)
    if args["unexpected"] == "report":
        rows += kafka_topics.unexpected_rows(comparison.unexpected, strimzi.topics)
    table = aligned(rows, COLUMNS)
    failed = [record for record in records if record["status"] == kafka_evidence.FAILED]
    result = {
        "changed": False,
        "passed": not failed,
        "topics": comparison.topics,
        "drift": comparison.drift,
        "unexpected": comparison.unexpected,
        "table": table,
        "evidence": records,
        "requests": reading.requests,
        "seconds": round(reading.seconds, 3),
    }
    if failed:
        result |= {"failed": args["fail"], "msg": _verdict(args, comparison.drift, records[0], table)}
    else:
        result["msg"] = f"{len(expected)} topics of Kafka {args['cluster']} are as expected."
    return result


def _verdict(args: dict[str, Any], drift: list[dict[str, Any]], brokers: dict[str, Any], table: str) -> str:
    """What is wrong in a line, and the table below it."""
    found = []
    if brokers["status"] == kafka_evidence.FAILED:
        wanted = f"{brokers['observed']} of {brokers['expected']} brokers" if brokers["expected"] else "no broker"
        found.append(f"{wanted} in service")
    if drift:
        found.append("1 difference" if len(drift) == 1 else f"{len(drift)} differences")
    shown = f"\n{table}" if table else ""
    return f"Kafka {args['cluster']} in namespace {args['namespace']} is not as expected: {', '.join(found)}.{shown}"
