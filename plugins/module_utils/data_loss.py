# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds whose deletion destroys data, as a table.

Sources: deleting a live KafkaTopic deletes the topic on the brokers unless strimzi.io/managed is "false" (Strimzi
documentation, topic operator); deleting a CloudNativePG Cluster deletes its PVCs, which it owns
(cloudnative-pg#2237); a Database is dropped only with databaseReclaimPolicy "delete" (CloudNativePG documentation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from .objects import Key, annotations_of, key_of, listed


class Loss(NamedTuple):
    """What goes with an object of a kind."""

    what: str
    applies: Callable[[Mapping[str, Any]], bool] = lambda manifest: True


def _topic_is_managed(manifest: Mapping[str, Any]) -> bool:
    return annotations_of(manifest).get("strimzi.io/managed") != "false"


def _database_is_dropped(manifest: Mapping[str, Any]) -> bool:
    return (manifest.get("spec") or {}).get("databaseReclaimPolicy") == "delete"


def _claims_go_too(manifest: Mapping[str, Any]) -> bool:
    policy = (manifest.get("spec") or {}).get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get("whenDeleted") == "Delete"


#: (group, kind) -> what is lost
TABLE: dict[tuple[str, str], Loss] = {
    ("", "Namespace"): Loss("everything in it"),
    ("", "PersistentVolume"): Loss("the volume's data"),
    ("", "PersistentVolumeClaim"): Loss("the volume's data"),
    ("apps", "StatefulSet"): Loss("the data of its claims", _claims_go_too),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Loss("every object of its kind"),
    ("kafka.strimzi.io", "Kafka"): Loss("the Kafka cluster and its topics"),
    ("kafka.strimzi.io", "KafkaNodePool"): Loss("the brokers and what they hold"),
    ("kafka.strimzi.io", "KafkaTopic"): Loss("the topic's messages", _topic_is_managed),
    ("postgresql.cnpg.io", "Cluster"): Loss("the databases and their volumes"),
    ("postgresql.cnpg.io", "Database"): Loss("the database", _database_is_dropped),
}


def losses(manifests: Iterable[Mapping[str, Any]]) -> list[tuple[Key, str]]:
    """The objects among `manifests` whose deletion destroys data, each with what is lost."""
    found = []
    for manifest in manifests:
        key = key_of(manifest)
        loss = TABLE.get((key.group, key.kind))
        if loss and loss.applies(manifest):
            found.append((key, loss.what))
    return found


def question(lost: list[tuple[Key, str]], phrase: str) -> str:
    """What to say when data would die and nobody has confirmed it."""
    names = listed(f"{key} ({what})" for key, what in lost)
    text = (
        f"These objects are no longer in the set, and deleting them destroys data: {names}."
        f" To delete them, run again with -e confirm_data_loss={phrase}; to keep them, put them back into the set."
    )
    if any(key.kind == "KafkaTopic" for key, _what in lost):
        text += (
            " To keep a topic and its messages without managing it, annotate its KafkaTopic with"
            ' strimzi.io/managed: "false" first; it needs no confirmation then.'
        )
    return text
