# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What destroys data: kinds whose deletion does, as a table, and settings whose change does.

Sources: deleting a live KafkaTopic deletes the topic on the brokers unless strimzi.io/managed is "false" (Strimzi
documentation, topic operator); deleting a CloudNativePG Cluster deletes its PVCs, which it owns
(cloudnative-pg#2237); a Database is dropped only with databaseReclaimPolicy "delete" (CloudNativePG documentation).
Settings of topics and brokers with their defaults: https://kafka.apache.org/documentation/#topicconfigs.

What can be made again from the set is no data: a Secret's values came from the set, and a KafkaUser comes back with
another generated password. Nor is a setting that only lets data go later, such as deleteClaim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from . import backup_retention
from .objects import Key, annotations_of, key_of, labels_of, listed


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


#: topic setting -> the broker settings that stand in for it, the strongest first, each with its factor
BROKER_SETTINGS: dict[str, tuple[tuple[str, int], ...]] = {
    "cleanup.policy": (("log.cleanup.policy", 1),),
    "retention.ms": (("log.retention.ms", 1), ("log.retention.minutes", 60_000), ("log.retention.hours", 3_600_000)),
    "retention.bytes": (("log.retention.bytes", 1),),
}
UNLIMITED = -1
KAFKA_DEFAULTS: dict[str, Any] = {
    "cleanup.policy": "delete",
    "retention.ms": 168 * 3_600_000,
    "retention.bytes": UNLIMITED,
}
DURATIONS = (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000))
SIZES = (("TiB", 1024**4), ("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


#: (group, kind) -> what of the backups that were kept so far a change lets go
RETENTION: dict[tuple[str, str], Callable[[Mapping[str, Any], Mapping[str, Any]], list[str]]] = {
    ("postgresql.cnpg.io", "Cluster"): lambda was, becomes: backup_retention.barman(
        (was.get("backup") or {}).get("retentionPolicy"), (becomes.get("backup") or {}).get("retentionPolicy")
    ),
    ("barmancloud.cnpg.io", "ObjectStore"): lambda was, becomes: backup_retention.barman(
        was.get("retentionPolicy"), becomes.get("retentionPolicy")
    ),
    ("volsync.backube", "ReplicationSource"): lambda was, becomes: backup_retention.restic(
        (was.get("restic") or {}).get("retain") or {}, (becomes.get("restic") or {}).get("retain") or {}
    ),
}


def may_lose_by_change(manifest: Mapping[str, Any]) -> bool:
    """Whether changes() looks at objects of this kind."""
    key = key_of(manifest)
    of_kafka = key.group == "kafka.strimzi.io" and key.kind in ("Kafka", "KafkaTopic")
    return of_kafka or (key.group, key.kind) in RETENTION


def changes(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[tuple[Key, str]]:
    """The objects that would change in a way that destroys data, each with the setting, its old and its new value.

    `before` are the objects as they are, `after` as they would be, objects that stay as they are included: a topic
    without a setting of its own has its Kafka's, where that is among them, or else Kafka's default.
    """
    old = {key_of(manifest): manifest for manifest in before}
    new = {key_of(manifest): manifest for manifest in after}
    found = []
    for key, manifest in new.items():
        if key.kind == "ObjectStore" and key not in old:
            was = _policy_in_tree(key, old, new)
            found += [(key, what) for what in backup_retention.barman(was, _policy(manifest))] if was else []
        if key not in old or not may_lose_by_change(manifest):
            continue
        if retention := RETENTION.get((key.group, key.kind)):
            found += [(key, what) for what in retention(old[key].get("spec") or {}, manifest.get("spec") or {})]
        if key.kind == "KafkaTopic" and _topic_is_managed(manifest) and _config(old[key]) != _config(manifest):
            was = _own(_config(old[key]), _of_brokers(_kafka_of(old[key], old)))
            becomes = _own(_config(manifest), _of_brokers(_kafka_of(manifest, new)))
            found += [(key, what) for what in _messages_lost(was, becomes)]
        if key.kind == "Kafka":
            was, becomes = _of_brokers(old[key]), _of_brokers(manifest)
            found += [(key, f"for topics without their own, {what}") for what in _messages_lost(was, becomes)]
    return found


def _policy(manifest: Mapping[str, Any]) -> Any:
    return (manifest.get("spec") or {}).get("retentionPolicy")


def _policy_in_tree(store: Key, old: Mapping[Key, Mapping[str, Any]], new: Mapping[Key, Mapping[str, Any]]) -> Any:
    """The retention that a Cluster had by itself which comes to a new ObjectStore: its backups stay where they are."""
    for key, cluster in new.items():
        plugins = (cluster.get("spec") or {}).get("plugins") or [] if key.group == "postgresql.cnpg.io" else []
        if key in old and any((each.get("parameters") or {}).get("barmanObjectName") == store.name for each in plugins):
            return ((old[key].get("spec") or {}).get("backup") or {}).get("retentionPolicy")
    return None


def _config(topic: Mapping[str, Any]) -> Mapping[str, Any]:
    return (topic.get("spec") or {}).get("config") or {}


def _kafka_of(topic: Mapping[str, Any], among: Mapping[Key, Mapping[str, Any]]) -> Mapping[str, Any]:
    name = labels_of(topic).get("strimzi.io/cluster", "")
    return among.get(Key("kafka.strimzi.io", "Kafka", key_of(topic).namespace, name), {})


def _of_brokers(kafka: Mapping[str, Any]) -> dict[str, Any]:
    """What holds for topics without settings of their own."""
    config = ((kafka.get("spec") or {}).get("kafka") or {}).get("config") or {}
    settings = dict(KAFKA_DEFAULTS)
    for setting, names in BROKER_SETTINGS.items():
        for name, factor in names:
            value = _value(setting, config.get(name))
            if value is not None:
                settings[setting] = value * factor if factor > 1 and value != UNLIMITED else value
                break
    return settings


def _own(config: Mapping[str, Any], brokers: Mapping[str, Any]) -> dict[str, Any]:
    """A topic's settings, those that it leaves out from its brokers."""
    own = {setting: _value(setting, config.get(setting)) for setting in BROKER_SETTINGS}
    return {setting: brokers[setting] if value is None else value for setting, value in own.items()}


def _value(setting: str, given: Any) -> Any:
    """The value of a setting; None if it is not set, or is nothing that Kafka takes."""
    if given is None or setting == "cleanup.policy":
        return given
    try:
        return int(str(given))
    except ValueError:
        return None


def _messages_lost(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> list[str]:
    """Each setting that makes Kafka delete messages it has kept, with both values."""
    policy_was, policy = _policies(was["cleanup.policy"]), _policies(becomes["cleanup.policy"])
    limits = [
        f"{setting} from {show(was[setting])} to {show(becomes[setting])}"
        for setting, show in (("retention.ms", duration), ("retention.bytes", size))
        if _is_less(becomes[setting], was[setting])
    ]
    if "delete" in policy_was & policy:
        lost = limits
    elif "delete" in policy and (becomes["retention.ms"], becomes["retention.bytes"]) != (UNLIMITED, UNLIMITED):
        bound = [duration(becomes["retention.ms"])] if becomes["retention.ms"] != UNLIMITED else []
        bound += [size(becomes["retention.bytes"])] if becomes["retention.bytes"] != UNLIMITED else []
        lost = [f"{_policy_change(was, becomes)}: no message is kept beyond {' or '.join(bound)}"]
    else:
        lost = []
    if "compact" in policy - policy_was:
        lost.append(f"{_policy_change(was, becomes)}: of each key only the last message is kept")
    return lost


def _policies(text: Any) -> set[str]:
    names = text if isinstance(text, list) else str(text).split(",")
    return {str(name).strip() for name in names} - {""}


def _policy_change(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> str:
    old, new = (",".join(sorted(_policies(settings["cleanup.policy"]))) for settings in (was, becomes))
    return f"cleanup.policy from {old} to {new}"


def _is_less(new: int, old: int) -> bool:
    return new != UNLIMITED and (old == UNLIMITED or new < old)


def duration(milliseconds: int) -> str:
    """As people say it, and exact: in the largest unit that gives a whole number."""
    if milliseconds == UNLIMITED:
        return "for ever"
    for unit, length in DURATIONS:
        if milliseconds and milliseconds % length == 0:
            count = milliseconds // length
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{milliseconds} ms"


def size(count: int) -> str:
    """Bytes of one partition, in the largest unit that gives a whole number."""
    if count == UNLIMITED:
        return "unlimited"
    for unit, length in SIZES:
        if count and count % length == 0:
            return f"{count // length} {unit} a partition"
    return f"{count} bytes a partition"


def question(lost: list[tuple[Key, str]], changed: list[tuple[Key, str]], phrase: str) -> str:
    """What to say when data would die and nobody has confirmed it: by deleting (`lost`), by changing (`changed`)."""
    parts = []
    if lost:
        names = listed(f"{key} ({what})" for key, what in lost)
        parts.append(f"These objects are no longer in the set, and deleting them destroys data: {names}.")
    if changed:
        names = "; ".join(f"{key}: {what}" for key, what in changed)
        parts.append(f"These changes destroy data: {names}.")
    keep = [*["put the objects back into the set"] * bool(lost), *["keep the old values"] * bool(changed)]
    parts.append(f"To go ahead, run again with -e confirm_data_loss={phrase}; to keep the data, {' and '.join(keep)}.")
    if any(key.kind == "KafkaTopic" for key, _what in lost):
        parts.append(
            "To keep a topic and its messages without managing it, annotate its KafkaTopic with"
            ' strimzi.io/managed: "false" first; it needs no confirmation then.'
        )
    return " ".join(parts)
