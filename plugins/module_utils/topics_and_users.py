# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topics and users that an inventory asks for, written out in full."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

MILLISECONDS_A_DAY = 24 * 60 * 60 * 1000
DNS_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")


def resource_name(topic: str) -> str:
    """The KafkaTopic's name for a topic: the topic's own where Kubernetes allows it, else one made from it.

    Topics may have capitals and underscores, Kubernetes names may not; the hash keeps `A_b` and `a-b` apart.
    """
    if DNS_SUBDOMAIN.match(topic) and len(topic) <= 253:
        return topic
    readable = re.sub(r"[^a-z0-9.-]+", "-", topic.lower()).strip("-.")[:200] or "topic"
    return f"{readable}-{hashlib.sha256(topic.encode()).hexdigest()[:8]}"


def topic_specs(
    topics: Iterable[Mapping[str, Any]], replication_factor: int = 3, min_insync_replicas: int = 2
) -> list[dict[str, Any]]:
    """Each topic with its resource name, replicas and configuration written out.

    `retention_days` becomes `retention.ms` (-1 stays -1: for ever); what stands in `config` wins.
    """
    specs = []
    for topic in topics:
        config: dict[str, Any] = {"min.insync.replicas": int(min_insync_replicas)}
        days = topic.get("retention_days")
        if days is not None:
            config["retention.ms"] = int(days) * MILLISECONDS_A_DAY if int(days) >= 0 else -1
        config.update(topic.get("config") or {})
        specs.append(
            {
                "name": str(topic["name"]),
                "resource": resource_name(str(topic["name"])),
                "partitions": int(topic["partitions"]),
                "replicas": int(topic.get("replicas") or replication_factor),
                "config": dict(sorted(config.items())),
            }
        )
    return specs


def user_acls(acls: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """ACL rules as a KafkaUser has them: `resource.names` becomes one rule for each name, in order."""
    rules = []
    for acl in acls:
        resource = {key: value for key, value in acl["resource"].items() if value is not None}
        names = resource.pop("names", None)
        rest = {key: value for key, value in acl.items() if key != "resource" and value is not None}
        for name in names if names is not None else [resource.get("name")]:
            named = {**resource, **({"name": str(name)} if name is not None else {})}
            if named["type"] != "cluster":
                named.setdefault("patternType", "literal")
            rules.append({"resource": named, **rest})
    return rules
