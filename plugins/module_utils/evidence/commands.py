# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a reader sees by hand what a check saw that asked no object of Kubernetes alone."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

_FLUX = "kustomization.kustomize.toolkit.fluxcd.io"
_BROKERS = (
    "kubectl get pod -n {namespace} -l strimzi.io/name={name}-kafka -o wide",
    "kubectl logs -n {namespace} -l strimzi.io/name={name}-kafka -c kafka --since=10m",
)
#: vmagent's own page has what it dropped and how many series it sent; the stores have what arrived
_VMAGENT = "kubectl port-forward -n {namespace} svc/vmagent 8429"
_METRICS = "curl -s http://127.0.0.1:8429/metrics"
#: how an id begins -> the commands; {namespace} and {name} are those of the role's objects; the first that fits counts
_COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("strimzi.crds", ("kubectl api-resources --api-group=kafka.strimzi.io",)),
    ("strimzi.reconciling", ("kubectl get kafka.kafka.strimzi.io -n {namespace} -o yaml",)),
    ("strimzi.log", ("kubectl logs -n {namespace} -l strimzi.io/kind=cluster-operator --since=5m",)),
    ("strimzi.", ("kubectl get deployment,pod -n {namespace} -o wide",)),
    ("kafka_cluster.", (
        "kubectl get kafka.kafka.strimzi.io {name} -n {namespace} -o yaml",
        "kubectl get pod,pvc,poddisruptionbudget,kafkauser -n {namespace} -l strimzi.io/cluster={name}",
    )),
    ("kafka_topics.", ("kubectl get kafkatopic -n {namespace} -o wide",)),
    ("schema_registry_check.", (
        "kubectl port-forward -n {namespace} svc/schema-registry 8081",
        "curl -s http://127.0.0.1:8081/subjects",
    )),
    ("schema_registry.", (
        "kubectl get deployment,pod,poddisruptionbudget,networkpolicy -n {namespace}"
        " -l app.kubernetes.io/name=schema-registry",
        "kubectl get kafkatopic,kafkauser -n {namespace} -o wide",
    )),
    ("DB-schedule", ("kubectl get scheduledbackup.postgresql.cnpg.io -n {namespace} -o wide",)),
    ("DB-backup", ("kubectl get backup.postgresql.cnpg.io -n {namespace} -o wide",)),
    ("DB-", ("kubectl get cluster.postgresql.cnpg.io {name} -n {namespace} -o yaml",)),
    ("cnpg.operator", ("kubectl get deployment -A -l app.kubernetes.io/name=cloudnative-pg",)),
    ("cnpg.secrets", ("kubectl get externalsecret.external-secrets.io -n {namespace} -o wide",)),
    ("cnpg.database", ("kubectl get database.postgresql.cnpg.io -n {namespace} -o yaml",)),
    ("cnpg.", (
        "kubectl get cluster.postgresql.cnpg.io {name} -n {namespace} -o yaml",
        "kubectl get pod,pvc,poddisruptionbudget -n {namespace} -l cnpg.io/cluster={name}",
    )),
    ("synergyflow_backend.secrets", ("kubectl get externalsecret.external-secrets.io -n {namespace} -o wide",)),
    ("synergyflow_backend.", (
        "kubectl get deployment,pod,poddisruptionbudget,networkpolicy -n {namespace} -l app.kubernetes.io/name={name}",
    )),
    ("AC1-crds", ("kubectl api-resources --api-group=volsync.backube",)),
    # the keys that the movers have, and where they come from
    ("AC1-bucket", ("kubectl get secret,externalsecret -n {namespace}",)),
    ("AC1-log", ("kubectl logs -n {namespace} -l app.kubernetes.io/name=volsync --since=5m",)),
    ("AC1-sources", ("kubectl get replicationsource -A -o wide",)),
    ("AC1-", ("kubectl get deployment,pod -n {namespace} -o wide",)),
    ("AC2-", ("kubectl get replicationsource -A -o wide",)),
    ("AC3-", ("kubectl get replicationdestination -A -o wide",)),
    # what the checks made is gone when they end: what is left to see is what the brokers say of it
    ("AC6-", _BROKERS),
    ("AC7-", _BROKERS),
    ("AC10-dropped", (_VMAGENT, f"{_METRICS} | grep -E 'queue_blocks_dropped|rows_dropped'")),
    ("AC10-cardinality", (_VMAGENT, f"{_METRICS} | grep vmagent_daily_series_limit")),
    ("AC10-label", (_VMAGENT, "curl -s http://127.0.0.1:8429/targets")),
    ("AC10-log", ("kubectl logs -n {namespace} -l app.kubernetes.io/part-of=obs-collectors --since=5m",)),
    ("AC10-", ("kubectl get daemonset,statefulset,pod -n {namespace} -o wide",)),
    ("AC11-drift", (f"kubectl get {_FLUX} -A -o wide",)),
    ("AC11-kustomizations", (f"kubectl get {_FLUX} -A -o wide",)),
    ("AC11-source", ("kubectl get gitrepository.source.toolkit.fluxcd.io -n {namespace} -o wide",)),
    ("AC11-self", ("kubectl get helmrelease.helm.toolkit.fluxcd.io -n {namespace} -o wide",)),
    ("AC11-helmreleases", ("kubectl get helmrelease.helm.toolkit.fluxcd.io -A -o wide",)),
    ("AC11-instance", ("kubectl get fluxinstance.fluxcd.controlplane.io -n {namespace} -o yaml",)),
    ("AC11-images", ("kubectl get imagerepository,imagepolicy,imageupdateautomation -n {namespace} -o wide",)),
    ("AC11-", ("kubectl get deployment,pod -n {namespace} -o wide",)),
    ("flux.", ("kubectl get deployment,pod -n {namespace} -o wide",)),
    # over several parts, each in a namespace of its own
    ("AC12-", (
        "kubectl get kafka.kafka.strimzi.io,cluster.postgresql.cnpg.io -A -o wide",
        "kubectl get deployment -A -l app.kubernetes.io/name=schema-registry",
    )),
    ("AC13-flux", (f"kubectl get {_FLUX} -A -o yaml",)),
    ("AC13-dashboard", ("kubectl get configmap -n {namespace} -l synergyflow.platform/dashboard",)),
    ("AC13-", ("kubectl get prometheusrule.monitoring.coreos.com -n {namespace} -o yaml",)),
)  # fmt: skip


def commands_of(identity: str, place: Mapping[str, Any]) -> list[str]:
    """The commands for an id; none where nobody knows any, or where its objects are."""
    templates = next((each for prefix, each in _COMMANDS if identity.startswith(prefix)), ())
    quoted = {part: shlex.quote(str(place[part])) for part in ("namespace", "name") if place.get(part)}
    try:
        return [template.format(**quoted) for template in templates]
    except KeyError:
        return []
