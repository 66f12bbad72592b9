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

from ..api import Api, ApiError
from ..cluster_facts import requested
from ..discovery import Resource
from ..errors import ClusterError
from ..manifest_files import files_of
from . import kafka_cluster, strimzi
from .findings import Findings

try:
    import yaml

    LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:  # ansible-core brings it; only documentation tools import this without
    yaml = None  # type: ignore[assignment]

CRDS = Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False)
NAMESPACES = Resource("", "v1", "Namespace", "namespaces", False)
PODS = Resource("", "v1", "Pod", "pods", True)
SECRETS = Resource("", "v1", "Secret", "secrets", True)
OPERATOR = "strimzi.io/kind=cluster-operator"
DOCUMENT_BREAK = re.compile(r"^---.*$", re.MULTILINE)
# the kinds the rules look at: CRDs are megabytes of YAML that nobody needs parsed here
KINDS_OF_INTEREST = re.compile(r"^kind:\s*['\"]?(Deployment|CustomResourceDefinition)\b", re.MULTILINE)
READ_IN_FULL = ("Deployment",)


@dataclass(frozen=True)
class Situation:
    """When the check is made: before anything is written at all, and whether Strimzi comes with the same run."""

    nothing_written_yet: bool
    # the namespace that the same run makes and puts Strimzi into; None if it does not
    operator_namespace: str | None
    # where a relative path of manifests is that is not in the working directory
    find_manifests: Callable[[str], str | None] = lambda path: None


def check(role: str, api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation) -> Findings:
    """What a role's preflight finds."""
    return CHECKS[role](api, values, cluster, situation)


def _check_strimzi(api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation) -> Findings:
    manifests: list[Mapping[str, Any]] = []
    if values["strimzi_install_method"] == "manifests":
        manifests = list(skimmed(values["strimzi_manifests"], situation.find_manifests))
    try:
        crd = api.get(CRDS, "", strimzi.KAFKA_CRD)
    except ApiError as error:
        if error.code != 403:
            raise
        crd = None  # who may not read CRDs cannot install them; the apply says so
    return strimzi.check(values, cluster, manifests, crd)


def _check_kafka_cluster(
    api: Api, values: Mapping[str, Any], cluster: Mapping[str, Any], situation: Situation
) -> Findings:
    to_come = situation.operator_namespace if situation.nothing_written_yet else None
    return kafka_cluster.check(values, cluster, read_live(api, values), to_come)


CHECKS: dict[str, Callable[[Api, Mapping[str, Any], Mapping[str, Any], Situation], Findings]] = {
    "strimzi": _check_strimzi,
    "kafka_cluster": _check_kafka_cluster,
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
        if resource is None:
            return []
        try:
            return api.list(resource, namespace=where, selector=selector)
        except ApiError as error:
            if error.code not in (403, 404):
                raise
            return []

    secrets = {
        (secret["name"], secret["key"])
        for secret in (user.get("password_secret") for user in values["kafka_cluster_users"])
        if secret
    }
    exists, kafka, node_pool, topics, operators, pods, there = api.all(
        lambda ask: ask(),
        [
            lambda: _exists(api, namespace),
            lambda: one("Kafka", name),
            lambda: one("KafkaNodePool", values["kafka_cluster_node_pool"]),
            lambda: several(preferred("KafkaTopic"), namespace, own),
            lambda: several(PODS, "", OPERATOR),
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


def _exists(api: Api, namespace: str) -> bool:
    answer = api.call("GET", NAMESPACES.path("", namespace), expect=(403, 404), about=f"Namespace {namespace}")
    return answer.status != 404


def _has_key(api: Api, namespace: str, name: str, key: str) -> bool:
    try:
        secret = api.get(SECRETS, namespace, name)
    except ApiError as error:
        if error.code != 403:
            raise
        return True  # not ours to see; the user operator will say so
    return key in ((secret or {}).get("data") or {})


def skimmed(manifests: Any, find: Callable[[str], str | None] = lambda path: None) -> Iterator[dict[str, Any]]:
    """Deployments in full, of CRDs the kind alone. `manifests`: a directory, a file, a list of these, or objects."""
    for entry in manifests if isinstance(manifests, (list, tuple)) else [manifests]:
        if isinstance(entry, Mapping):
            yield dict(entry)
        elif entry:
            for file in files_of(str(entry), find, "strimzi_manifests"):
                yield from _skim_file(Path(file))


def _skim_file(file: Path) -> Iterator[dict[str, Any]]:
    text = file.read_text(encoding="utf-8")
    for document in [text] if file.suffix == ".json" else DOCUMENT_BREAK.split(text):
        found = KINDS_OF_INTEREST.search(document)
        if file.suffix == ".json" or (found and found.group(1) in READ_IN_FULL):
            try:
                loaded = yaml.load(document, Loader=LOADER)
            except yaml.YAMLError as error:
                raise ClusterError(f"strimzi_manifests: {file} is no YAML: {error}.") from error
            if isinstance(loaded, dict):
                yield loaded
        elif found:
            yield {"kind": found.group(1)}
