# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before the role synergyflow_backend changes anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..backend_kafka import KafkaLogin
from ..quantity import quantity
from ..topics_and_users import DNS_SUBDOMAIN
from . import capacity
from .findings import Findings

# the Secrets that the pods read, and the keys that must be in them
SECRET_KEYS = {"database": ("username", "password"), "kafka": ("password",), "cache": ("password",)}
QUANTITIES = (
    "cpu",
    "cpu_limit",
    "memory",
    "memory_limit",
    "opa_cpu",
    "opa_cpu_limit",
    "opa_memory",
    "opa_memory_limit",
)
# lifecycle.preStop.sleep: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
SLEEP_SINCE = (1, 30)
HEAP = re.compile(r"(?:^|\s)-Xmx(\d+)([kKmMgG]?)\b")
HEAP_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
# what a JVM needs beside its heap (threads, classes, buffers) is seldom less
HEAP_SHARE = 0.8


@dataclass(frozen=True)
class Live:
    """What is there already."""

    namespace_exists: bool = True
    #: names of own Secrets -> their keys; a Secret that is not there is not in it
    secrets: Mapping[str, list[str]] = field(default_factory=dict)
    login: KafkaLogin = field(default_factory=KafkaLogin)
    #: the change of a Secret that the pods are to be restarted for, or were; empty for none
    restart_for: str = ""
    #: what the backend's own pods request now: cores, bytes
    requested: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ToCome:
    """What the same run brings before this role, when it has not run yet."""

    #: namespaces that other roles make
    namespaces: tuple[str, ...] = ()
    kafka: bool = False
    #: KafkaUsers whose password is to come from Vault; None if the run does not bring the Kafka
    vault_users: tuple[str, ...] | None = None


def check(values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, to_come: ToCome) -> Findings:
    """Everything that can be known before the first write."""
    findings = Findings()
    findings.facts["restart_for"] = live.restart_for
    check_settings(values, findings)
    check_image(values, findings)
    check_namespace(values, live, to_come, findings)
    check_kubernetes(cluster, findings)
    check_secrets(values, live, findings)
    check_authority(values, live, to_come, findings)
    check_password(values, live, to_come, findings)
    check_heap(values, findings)
    check_capacity(values, cluster, live, findings)
    check_service_monitor(cluster, findings)
    return findings


def check_settings(values: Mapping[str, Any], findings: Findings) -> None:
    """Names, numbers and quantities on their own."""
    for name in ("name", "namespace", "kafka_cluster", "kafka_namespace", "kafka_user"):
        value = str(values[f"synergyflow_backend_{name}"])
        if not DNS_SUBDOMAIN.match(value):
            findings.problem(
                f"synergyflow_backend_{name} must be a Kubernetes name (a-z, 0-9, - and .), it is {value!r}"
            )
    replicas = values["synergyflow_backend_replicas"]
    if replicas < 1:
        findings.problem(f"synergyflow_backend_replicas must be at least 1, it is {replicas}")
    elif replicas == 1:
        findings.warn("one replica of the backend is none while it is restarted, and keeps its node from being drained")
    for name in QUANTITIES:
        try:
            if quantity(values[f"synergyflow_backend_{name}"]) <= 0:
                findings.problem(f"synergyflow_backend_{name} must be more than 0")
        except ValueError as error:
            findings.problem(f"synergyflow_backend_{name}: {error}")
    for name in ("cpu", "memory", "opa_cpu", "opa_memory"):
        asked, limit = values[f"synergyflow_backend_{name}"], values[f"synergyflow_backend_{name}_limit"]
        if _number(asked) > _number(limit) > 0:
            findings.problem(
                f"synergyflow_backend_{name} is {asked}, more than synergyflow_backend_{name}_limit ({limit})"
            )


def check_image(values: Mapping[str, Any], findings: Findings) -> None:
    """The image says what runs."""
    for name in ("image", "opa_image"):
        variable, image = f"synergyflow_backend_{name}", str(values[f"synergyflow_backend_{name}"])
        if moves(image) and not values["synergyflow_backend_allow_latest"]:
            findings.problem(
                f"{variable} is {image}, which is another build tomorrow, so that neither a second run nor a rollback "
                "brings back what was proven: give it a version or a digest, or set synergyflow_backend_allow_latest"
            )


def moves(image: str) -> bool:
    """Whether an image's name says nothing of its content: no tag, or `latest`."""
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", "latest")


def check_namespace(values: Mapping[str, Any], live: Live, to_come: ToCome, findings: Findings) -> None:
    """Somebody has made the namespace, or will."""
    namespace, makes = values["synergyflow_backend_namespace"], values["synergyflow_backend_create_namespace"]
    findings.facts["expected_namespaces"] = [name for name in to_come.namespaces if name == namespace]
    if not (live.namespace_exists or makes or namespace in to_come.namespaces):
        findings.problem(
            f"there is no namespace {namespace} (synergyflow_backend_namespace): let the role cnpg make it "
            "(cnpg_namespace), or set synergyflow_backend_create_namespace"
        )


def check_kubernetes(cluster: Mapping[str, Any], findings: Findings) -> None:
    """Pods may pause before they end without a program for it in their image."""
    version = int(cluster["version"]["major"]), int(str(cluster["version"]["minor"]).rstrip("+"))
    if version < SLEEP_SINCE:
        findings.problem(
            f"Kubernetes {version[0]}.{version[1]} has no preStop sleep, by which the pods drain: take 1.30 or newer"
        )


def check_secrets(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """External Secrets makes the Secrets, or they exist."""
    if values["synergyflow_backend_external_secrets"]:
        return
    for name, keys in SECRET_KEYS.items():
        secret = f"{values['synergyflow_backend_name']}-{name}"
        there = live.secrets.get(secret)
        missing = keys if there is None else [key for key in keys if key not in there]
        if missing:
            what = "there is no Secret" if there is None else "the Secret has not all keys:"
            findings.problem(
                f"{what} {secret} with {' and '.join(missing)} in {values['synergyflow_backend_namespace']}: "
                "create it, or set synergyflow_backend_external_secrets"
            )


def check_authority(values: Mapping[str, Any], live: Live, to_come: ToCome, findings: Findings) -> None:
    """The certificate that the backend is to trust is there to be copied."""
    findings.facts["kafka_ca"] = live.login.ca or ""
    findings.facts["values_to_come"] = to_come.kafka and not (live.login.ca or live.login.unread)
    if live.login.ca or to_come.kafka:
        return
    where = f"{values['synergyflow_backend_kafka_cluster']} in {values['synergyflow_backend_kafka_namespace']}"
    reason = live.login.unread or "Strimzi makes its Secret with the Kafka: is it deployed (role kafka_cluster)"
    findings.problem(f"the certificate authority of Kafka {where} cannot be read: {reason}")


def check_password(values: Mapping[str, Any], live: Live, to_come: ToCome, findings: Findings) -> None:
    """Kafka's user and the backend have their password from the same place. What differs is said, never what it is."""
    user, path = values["synergyflow_backend_kafka_user"], values["synergyflow_backend_kafka_vault_path"]
    from_vault = values["synergyflow_backend_external_secrets"]
    mend = f"set kafka_cluster_vault_users: [{user}], so that the KafkaUser takes its password from Vault too"
    if to_come.vault_users is not None:
        if from_vault and user not in to_come.vault_users:
            findings.problem(f"Vault has the password of {user} ({path}), and the operator would make another: {mend}")
        return
    if from_vault and live.login.makes_own_password:
        findings.problem(f"Vault has the password of {user} ({path}), and the operator has made another: {mend}")
    elif live.login.same_password is False:
        findings.problem(
            f"the Secret {values['synergyflow_backend_name']}-kafka and the KafkaUser {user} have different passwords: "
            "after a change in Vault, let both take it up (kubectl annotate externalsecret --overwrite NAME "
            "force-sync=$(date +%s), in both namespaces) and run again"
        )


def check_heap(values: Mapping[str, Any], findings: Findings) -> None:
    """The heap fits into the container, with room for the rest of the virtual machine."""
    heap, limit = (
        heap_bytes(str(values["synergyflow_backend_java_options"])),
        _number(values["synergyflow_backend_memory_limit"]),
    )
    if heap is None:
        findings.warn("synergyflow_backend_java_options set no -Xmx: the heap is a quarter of the memory limit")
    elif limit and heap > HEAP_SHARE * limit:
        findings.problem(
            f"a heap of {capacity.gib(heap)} (-Xmx in synergyflow_backend_java_options) leaves too little of "
            f"synergyflow_backend_memory_limit ({values['synergyflow_backend_memory_limit']}), the kernel would end "
            f"the pod: give it at most {HEAP_SHARE:.0%}"
        )


def heap_bytes(options: str) -> int | None:
    """The largest heap that Java's options allow; None when they do not say. Of several the last counts."""
    found = HEAP.findall(options)
    return int(found[-1][0]) * HEAP_UNITS[found[-1][1].lower()] if found else None


def requests(values: Mapping[str, Any]) -> list[capacity.Request]:
    """What the pods ask for: the backend and its sidecar."""
    cpu, memory = (
        quantity(values[f"synergyflow_backend_{name}"]) + quantity(values[f"synergyflow_backend_opa_{name}"])
        for name in ("cpu", "memory")
    )
    return [capacity.Request("pod of the backend", values["synergyflow_backend_replicas"], cpu, memory)]


def check_capacity(values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """The sums of requests against what the nodes have left."""
    try:
        asked = requests(values)
    except ValueError:
        return  # said by check_settings
    capacity.check(capacity.Demand(tuple(asked), live.requested), cluster, findings)


def check_service_monitor(cluster: Mapping[str, Any], findings: Findings) -> None:
    """A ServiceMonitor is made where somebody reads it."""
    served = bool(cluster["served"].get("ServiceMonitor.monitoring.coreos.com"))
    findings.facts["service_monitor"] = served
    if not served:
        findings.skip(
            "ServiceMonitor",
            "the cluster does not serve monitoring.coreos.com; metrics stand ready at /actuator/prometheus, port 8080",
        )


def _number(value: Any) -> float:
    try:
        return float(quantity(value))
    except ValueError:
        return 0.0  # said by check_settings
