# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each role: what its preflight reads from the cluster, and the rules it hands that to. Read-only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..api import Api
from ..cluster_facts import requested
from ..discovery import CRDS, PODS, SECRETS, Resource
from ..errors import ClusterError
from ..manifest_files import files_of
from . import (
    cluster_operator,
    cnpg,
    cnpg_live,
    external_secrets,
    flux,
    flux_live,
    kafka_cluster,
    obs_collectors,
    obs_collectors_live,
    operators,
    schema_registry,
    schema_registry_live,
    strimzi,
    synergyflow_backend,
    synergyflow_backend_live,
    volsync,
    volsync_live,
)
from .common import namespace_exists, readable
from .findings import Findings

try:
    import yaml

    LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:  # ansible-core brings it; only documentation tools import this without
    yaml = None  # type: ignore[assignment]

DOCUMENT_BREAK = re.compile(r"^---.*$", re.MULTILINE)
# the kinds the rules look at: CRDs are megabytes of YAML that nobody needs parsed here
KINDS_OF_INTEREST = re.compile(
    r"^kind:\s*['\"]?(Deployment|RoleBinding|ClusterRoleBinding|CustomResourceDefinition)\b", re.MULTILINE
)
READ_IN_FULL = ("Deployment", *cluster_operator.BINDINGS)


@dataclass(frozen=True)
class Situation:
    """When the check is made: before anything is written at all, and whether Strimzi comes with the same run."""

    nothing_written_yet: bool
    # the operator that the same run brings; None if it does not
    operator: cluster_operator.Operator | None
    # the variables of the role kafka_cluster when the same run deploys the Kafka; None if it does not
    kafka_cluster: Mapping[str, Any] | None = None
    # where a relative path of manifests is that is not in the working directory
    find_manifests: Callable[[str], str | None] = lambda path: None
    # whether Flux brings the components from Git, and their folders may come with this run
    by_git: bool = False
    # the inventory host, after which the Kustomizations of the components are named
    host: str = ""
    # the values of another role that this host has enabled; None if it has not
    other: Callable[[str], Mapping[str, Any] | None] = lambda role: None


def check(role: str, api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation) -> Findings:
    """What a role's preflight finds."""
    to_come: list[str] = []
    if situation.nothing_written_yet and role != "flux" and situation.other("flux"):
        to_come = [kind for kind in flux.BROUGHT if not cluster["served"].get(kind)]
        cluster = {**cluster, "served": {**flux.BROUGHT, **cluster["served"]}}
    findings = CHECKS[role](api, values, cluster, situation)
    external_secrets.check(role, api, values, cluster, findings)
    findings.facts["flux_kinds_to_come"] = to_come
    return findings


def _check_strimzi(api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation) -> Findings:
    manifests = _manifests("strimzi", values, situation.find_manifests)
    # who may not read CRDs cannot install them; the apply says so
    crd = readable(lambda: api.get(CRDS, "", strimzi.KAFKA_CRD))
    findings = strimzi.check(values, cluster, manifests, crd)
    findings.demand += operators.demand(api, "strimzi", values, manifests)
    return findings


def _check_kafka_cluster(
    api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation
) -> Findings:
    to_come = situation.operator if situation.nothing_written_yet else None
    return kafka_cluster.check(values, cluster, read_live(api, values), to_come)


def _check_cnpg(api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation) -> Findings:
    manifests = _manifests("cnpg", values, situation.find_manifests)
    findings = cnpg.check(values, cluster, cnpg_live.read_live(api, values), manifests)
    findings.demand += operators.demand(api, "cnpg", values, manifests)
    return findings


def _check_synergyflow_backend(
    api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation
) -> Findings:
    to_come = synergyflow_backend.ToCome()
    if situation.nothing_written_yet:
        database, kafka = situation.other("cnpg"), situation.kafka_cluster
        to_come = synergyflow_backend.ToCome(
            namespaces=(str(database["cnpg_namespace"]),) if database else (),
            kafka=kafka is not None,
            vault_users=tuple(kafka.get("kafka_cluster_vault_users") or ()) if kafka is not None else None,
        )
    live = synergyflow_backend_live.read_live(api, values)
    return synergyflow_backend.check(values, cluster, live, to_come)


def _check_flux(api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation) -> Findings:
    manifests = _manifests("flux", values, situation.find_manifests)
    findings = flux.check(values, cluster, manifests, flux_live.read_live(api, values), situation.by_git)
    if situation.by_git:
        flux.check_own_names(values, situation.host, findings)
    findings.demand += operators.demand(api, "flux", values, manifests)
    return findings


def _check_volsync(api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation) -> Findings:
    manifests = _manifests("volsync", values, situation.find_manifests)
    findings = volsync.check(values, cluster, manifests, volsync_live.read_live(api, values))
    findings.demand += operators.demand(api, "volsync", values, manifests)
    return findings


def _check_obs_collectors(
    api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation
) -> Findings:
    return obs_collectors.check(values, cluster, obs_collectors_live.read_live(api, values))


def _manifests(role: str, values: Mapping[str, Any], find: Callable[[str], str | None]) -> list[Mapping[str, Any]]:
    """What of a role's manifests the rules look at, where it installs by manifests."""
    if values[f"{role}_install_method"] != "manifests":
        return []
    return list(skimmed(values[f"{role}_manifests"], find, f"{role}_manifests"))


def operator_to_come(values: Mapping[str, Any], find: Callable[[str], str | None]) -> cluster_operator.Operator:
    """The operator that the role strimzi will bring with these values."""
    namespace = str(values["strimzi_namespace"])
    if values["strimzi_install_method"] == "helmrelease":
        return cluster_operator.of_chart(values["strimzi_chart_values"], namespace)
    for manifest in _manifests("strimzi", values, find):
        if manifest.get("kind") == "Deployment" and cluster_operator.release(manifest):
            return cluster_operator.of_workload(manifest, namespace)
    return cluster_operator.Operator(namespace, None)


def _check_schema_registry(
    api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation
) -> Findings:
    to_come = situation.nothing_written_yet
    return schema_registry.check(
        values,
        cluster,
        schema_registry_live.read_live(api, values),
        situation.kafka_cluster if to_come else None,
        situation.operator.namespace if to_come and situation.operator else None,
    )


CHECKS: dict[str, Callable[[Api, Mapping[str, Any], Mapping[str, Any], Situation], Findings]] = {
    "flux": _check_flux,
    "strimzi": _check_strimzi,
    "kafka_cluster": _check_kafka_cluster,
    "cnpg": _check_cnpg,
    "schema_registry": _check_schema_registry,
    "synergyflow_backend": _check_synergyflow_backend,
    "volsync": _check_volsync,
    "obs_collectors": _check_obs_collectors,
}


def read_live(api: Api, values: Mapping[str, Any]) -> kafka_cluster.Live:
    """What of the Kafka cluster is there already, asked for at once."""
    namespace, name = values["kafka_cluster_namespace"], values["kafka_cluster_name"]
    own = f"strimzi.io/cluster={name}"
    served = api.discover()

    def preferred(kind: str) -> Resource | None:
        return served.preferred(kafka_cluster.GROUP, kind)

    def one(kind: str, object_name: str) -> Any:
        resource = preferred(kind)
        return api.get(resource, namespace, object_name) if resource else None

    def several(resource: Resource | None, where: str, selector: str) -> list[Any]:
        return readable(lambda: api.list(resource, where, selector=selector), []) if resource else []

    secrets = {
        (secret["name"], secret["key"])
        for secret in (user.get("password_secret") for user in values["kafka_cluster_users"])
        if secret
    }
    exists, kafka, node_pool, topics, operators, pods, there = api.all(
        lambda ask: ask(),
        [
            lambda: namespace_exists(api, namespace),
            lambda: one("Kafka", name),
            lambda: one("KafkaNodePool", values["kafka_cluster_node_pool"]),
            lambda: several(preferred("KafkaTopic"), namespace, own),
            lambda: readable(lambda: api.list(PODS, selector=cluster_operator.LABEL)),
            lambda: several(PODS, namespace, own),
            lambda: {key: _has_key(api, namespace, *key) for key in secrets},
        ],
    )
    return kafka_cluster.Live(
        namespace_exists=exists,
        kafka=kafka,
        node_pool=node_pool,
        topics=topics,
        operators=operators,
        password_secrets=there,
        requested=requested(pods),
    )


def _has_key(api: Api, namespace: str, name: str, key: str) -> bool:
    # a Secret that is not ours to see counts as good: the user operator will say so
    secret = readable(lambda: api.get(SECRETS, namespace, name) or {}, {"data": {key: ""}})
    return key in (secret.get("data") or {})


def skimmed(
    manifests: Any, find: Callable[[str], str | None] = lambda path: None, what: str = "strimzi_manifests"
) -> Iterator[dict[str, Any]]:
    """Deployments and bindings in full, of CRDs the kind alone.

    `manifests`: a directory, a file, a list of these, or objects. `what` is the variable that errors name.
    """
    for entry in manifests if isinstance(manifests, (list, tuple)) else [manifests]:
        if isinstance(entry, Mapping):
            yield dict(entry)
        elif entry:
            for file in files_of(str(entry), find, what):
                yield from _skim_file(Path(file), what)


def _skim_file(file: Path, what: str) -> Iterator[dict[str, Any]]:
    text = file.read_text(encoding="utf-8")
    for document in [text] if file.suffix == ".json" else DOCUMENT_BREAK.split(text):
        found = KINDS_OF_INTEREST.search(document)
        if file.suffix == ".json" or (found and found.group(1) in READ_IN_FULL):
            try:
                loaded = yaml.load(document, Loader=LOADER)
            except yaml.YAMLError as error:
                raise ClusterError(f"{what}: {file} is no YAML: {error}.") from error
            if isinstance(loaded, dict):
                yield loaded
        elif found:
            yield {"kind": found.group(1)}
