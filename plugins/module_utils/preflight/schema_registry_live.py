# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight of the role schema_registry reads from the cluster, asked for at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api import Api, ApiError
from ..backend_secrets import restart_for
from ..cluster_facts import requested
from ..discovery import PODS, SECRETS, Resource
from .common import namespace_exists, readable
from .kafka_cluster import GROUP
from .schema_registry import Live

#: the Secret that External Secrets makes of the log-in in Vault
FROM_VAULT = "schema-registry-kafka-credentials"


def read_live(api: Api, values: Mapping[str, Any]) -> Live:
    """What of the registry, and of what it needs, is there already."""
    namespace, name = values["schema_registry_namespace"], values["schema_registry_kafka_cluster"]
    user, served = values["schema_registry_user"], api.discover()

    def kind_of_strimzi(kind: str, object_name: str) -> Any:
        resource = served.preferred(GROUP, kind)
        return api.get(resource, namespace, object_name) if resource else None

    def listed(resource: Resource | None, selector: str) -> list[Any]:
        return readable(lambda: api.list(resource, namespace, selector=selector), []) if resource else []

    def secret(secret_name: str) -> Any:
        try:
            return api.get(SECRETS, namespace, secret_name)
        except ApiError as error:
            if error.code != 403:
                raise
            return False

    external = values["schema_registry_external_secrets"]
    own = "app.kubernetes.io/name=schema-registry"
    deployments = served.preferred("apps", "Deployment") if external else None
    exists, kafka, kafka_user, topics, pods, ca, credentials, from_vault, workloads = api.all(
        lambda ask: ask(),
        [
            lambda: namespace_exists(api, namespace),
            lambda: kind_of_strimzi("Kafka", name),
            lambda: kind_of_strimzi("KafkaUser", user),
            lambda: listed(served.preferred(GROUP, "KafkaTopic"), f"strimzi.io/cluster={name}"),
            lambda: listed(PODS, own),
            lambda: secret(f"{name}-cluster-ca-cert"),
            lambda: secret(user),
            lambda: secret(FROM_VAULT) if external else None,
            lambda: listed(deployments, own),
        ],
    )
    change = ""
    if isinstance(from_vault, dict):
        change = restart_for(next(iter(workloads), None), pods, [from_vault], "schema-registry")
    return Live(
        namespace_exists=exists,
        kafka=kafka,
        user=kafka_user,
        topics=topics,
        ca=ca,
        credentials=credentials,
        restart_for=change,
        requested=requested(pods),
    )
