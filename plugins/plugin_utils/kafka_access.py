# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the brokers of a Kafka that Strimzi runs, for the actions that use them: addresses, or the bridge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_brokers
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge, BridgeError
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import kubernetes_client
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import (
    BLOCKED,
    FAILED,
    Record,
    all_passed,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import BrokersError, KafkaLogin
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_strimzi import (
    BlockedError,
    Strimzi,
    condition_words,
    read_strimzi,
)
from ansible_collections.synergyflow.platform.plugins.plugin_utils.explained import explain_by

#: options of every action that uses brokers, beside those of the connection to the cluster
ARGUMENTS: dict[str, dict[str, Any]] = {
    "cluster": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "user": {"type": "str"},
    "listener": {"type": "str"},
    "bootstrap_servers": {"type": "list", "elements": "str"},
    "tls": {"type": "bool", "default": True},
    "cluster_ca": {"type": "str"},
    "sasl_password": {"type": "str", "no_log": True},
}


@dataclass
class Way:
    """A login that leads to the brokers. `hopeless` says whether asking again cannot help."""

    login: KafkaLogin
    hopeless: Callable[[], bool]


def importable() -> None:
    """Raises ClusterError with what to install, where kafka-python is not there."""
    if kafka_brokers.KAFKA_IMPORT_ERROR is not None:
        raise ClusterError(missing_required_lib("kafka-python[crc32c]"))


def read(api: Api, args: Mapping[str, Any], *, compare_resources: bool = False) -> Strimzi:
    """What Kubernetes says of the Kafka, with the password of the user where none was given."""
    api.masker.always(filter(None, [args["sasl_password"]]))
    return read_strimzi(
        api,
        args["cluster"],
        args["namespace"],
        user=args["user"] if args["sasl_password"] is None else None,
        ca=not args["cluster_ca"],
        compare_resources=compare_resources,
    )


@contextmanager
def reached(args: Mapping[str, Any], strimzi: Strimzi, rights: str) -> Iterator[Way]:
    """The way to the brokers, as long as the block; a BrokersError in it becomes a BlockedError that says what to do.

    `rights` are the ACL operations that the user needs, in words.
    """
    found = login(args, strimzi)
    direct = args["bootstrap_servers"] is not None
    try:
        bridge = None if direct else Bridge(kubernetes_client(args))
    except BridgeError as error:
        raise BlockedError(f"the brokers cannot be reached: {error}.") from error
    with bridge or nullcontext():
        found.proxy_url = bridge.proxy_url if bridge else None
        try:
            yield Way(found, lambda: bridge is not None and any(failure.final for failure in bridge.errors))
        except BrokersError as error:
            failures = [failure.sentence for failure in bridge.errors] if bridge else []
            raise BlockedError(sentence(error, failures, args, strimzi, rights)) from error


def login(args: Mapping[str, Any], strimzi: Strimzi) -> KafkaLogin:
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


def sentence(error: BrokersError, failures: list[str], args: Mapping[str, Any], strimzi: Strimzi, rights: str) -> str:
    """Why the brokers could not be used, and what to do."""
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
        return f"KafkaUser {user} may not do what the check needs ({error}): give it {rights}."
    reasons = failures[-1:] or [str(error)]
    if not failures and "log-in" in str(error):
        reasons.append("mostly a wrong user or password, or a listener without TLS where TLS is spoken")
    if strimzi.pods_unready:
        reasons.append(f"not ready: {'; '.join(strimzi.pods_unready)}")
    return f"Kafka {cluster} in namespace {namespace} cannot be asked: {'; '.join(reasons)}."


def measured(
    api: Api, args: Mapping[str, Any], records: list[Record], good: str, strimzi: Strimzi | None = None
) -> dict[str, Any]:
    """The result of a task that measured; `good` is what to say when nothing failed."""
    explain_by(api, records, strimzi.needed if strimzi else [])
    evidence = [api.masker.clean_foreign(record.plain()) for record in records]
    bad = [record for record in evidence if record["status"] in (FAILED, BLOCKED)]
    words = "; ".join(f"{record['title']}: {record['detail'] or record['observed']}" for record in bad)
    result: dict[str, Any] = {
        "changed": False,
        "passed": all_passed(evidence),
        "evidence": evidence,
        "msg": f"Kafka {args['cluster']}: {words}" if bad else good,
    }
    if bad:
        result["failed"] = args["fail"]
    return result
