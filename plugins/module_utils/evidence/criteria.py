# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which acceptance criterion of the plan a record is about, and which part of the platform it looks at.

The numbers and what they ask for are those of the plan (AC1 to AC13). Databases and the backend were accepted by
earlier plans and have no number there: they have a group of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import ClusterError

#: group -> what it asks for; in the order of the report
GROUPS = {
    "AC1": "VolSync is deployed",
    "AC2": "VolSync backs up",
    "AC3": "VolSync restores",
    "AC4": "Strimzi is deployed",
    "AC5": "Kafka cluster is deployed",
    "AC6": "Kafka takes and gives messages",
    "AC7": "Kafka survives a broker, and is fast enough",
    "AC8": "Schema Registry is deployed",
    "AC9": "Schema Registry registers and evolves schemas",
    "AC10": "Logs and metrics are collected",
    "AC11": "Flux manages itself and the platform",
    "AC12": "Everything works together",
    "AC13": "Monitoring and baselines",
    "cnpg": "PostgreSQL is deployed and backed up",
    "synergyflow_backend": "Backend is deployed",
}

#: role -> the groups that its measuring has something to say on
ROLES = {
    "flux": ("AC11", "AC12", "AC13"),
    "strimzi": ("AC4",),
    "kafka_cluster": ("AC5", "AC6", "AC7", "AC13"),
    "schema_registry": ("AC8", "AC9", "AC13"),
    "cnpg": ("cnpg", "AC12"),
    "synergyflow_backend": ("synergyflow_backend", "AC12"),
    "volsync": ("AC1", "AC2", "AC3", "AC12", "AC13"),
    "obs_collectors": ("AC10", "AC13"),
}
#: role and file of its tasks, in the order in which they run on a cluster. Figures with a target are measured alone;
#: after them what has none or waits: objects and the database while events are on their way, then messages and the loss
#: of a broker (events need all of them); VolSync is at work beside all of that
STEPS = (
    ("kafka_cluster", "validate_performance"),
    ("schema_registry", "validate"),
    ("synergyflow_backend", "begin_validate"),
    ("volsync", "begin_validate"),
    ("flux", "validate"),
    ("strimzi", "validate"),
    ("cnpg", "validate"),
    ("synergyflow_backend", "validate"),
    ("kafka_cluster", "validate_messages"),
    ("volsync", "validate"),
    ("obs_collectors", "validate"),
)
#: what is about several parts: not meant by the name of a role
SHARED = ("AC12", "AC13")

#: how an id begins -> its groups and its role; the first that fits counts
_RULES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("strimzi.", ("AC4",), "strimzi"),
    ("kafka_cluster.", ("AC5",), "kafka_cluster"),
    # step 1 of AC7: every partition has its replicas, and they are in sync
    ("kafka_topics.replication_factor", ("AC5", "AC7"), "kafka_cluster"),
    ("kafka_topics.in_sync", ("AC5", "AC7"), "kafka_cluster"),
    ("kafka_topics.", ("AC5",), "kafka_cluster"),
    ("schema_registry.", ("AC8",), "schema_registry"),
    ("schema_registry_check.health", ("AC8",), "schema_registry"),
    ("schema_registry_check.latency", ("AC8", "AC13"), "schema_registry"),
    ("schema_registry_check.", ("AC9",), "schema_registry"),
    # step 8 of AC12: applications come to the database by its pooler
    ("DB-pooler", ("cnpg", "AC12"), "cnpg"),
    ("DB-", ("cnpg",), "cnpg"),
    ("cnpg.", ("cnpg",), "cnpg"),
    ("synergyflow_backend.", ("synergyflow_backend",), "synergyflow_backend"),
    # the baselines of AC13 are measured by the other criteria's tests; AC12 asks for backup, restore and Flux as well
    ("AC2-backup", ("AC2", "AC12", "AC13"), "volsync"),
    ("AC3-restore", ("AC3", "AC12", "AC13"), "volsync"),
    ("AC3-integrity", ("AC3", "AC12"), "volsync"),
    ("AC1-", ("AC1",), "volsync"),
    ("AC2-", ("AC2",), "volsync"),
    ("AC3-", ("AC3",), "volsync"),
    ("AC6-", ("AC6",), "kafka_cluster"),
    ("AC7-producer-rate", ("AC7", "AC13"), "kafka_cluster"),
    ("AC7-consumer-rate", ("AC7", "AC13"), "kafka_cluster"),
    ("AC7-latency", ("AC7", "AC13"), "kafka_cluster"),
    ("AC7-", ("AC7",), "kafka_cluster"),
    ("AC10-cardinality", ("AC10", "AC13"), "obs_collectors"),
    ("AC10-", ("AC10",), "obs_collectors"),
    ("AC13-flux", ("AC11", "AC13"), "flux"),
    ("AC11-source", ("AC11", "AC12"), "flux"),
    ("AC11-kustomizations", ("AC11", "AC12"), "flux"),
    ("AC11-", ("AC11",), "flux"),
    ("flux.", ("AC11",), "flux"),
    ("AC12-", ("AC12",), ""),
    ("AC13-", ("AC13",), "obs_collectors"),
)
#: how the id of a record ends that says that a role's measuring was broken off, or that the host does not run the role
BROKEN_OFF, SWITCHED_OFF = ".broken_off", ".switched_off"
_NUMBERED = re.compile(r"AC\d+")
#: tags that mean something to Ansible itself, or to site.yml, which may be in the same run
_OTHER_TAGS = frozenset({"all", "always", "never", "summary", "tagged", "untagged"})


def groups_of(identity: str) -> tuple[str, ...]:
    """The groups of a record's id. One that nobody knows keeps the number it begins with."""
    role, dot, event = identity.rpartition(".")
    if f"{dot}{event}" in (BROKEN_OFF, SWITCHED_OFF):
        return ROLES.get(role, ())
    for prefix, groups, _role in _RULES:
        if identity.startswith(prefix):
            return groups
    number = _NUMBERED.match(identity)
    return (number[0],) if number and number[0] in GROUPS else ()


def role_of(identity: str) -> str:
    """The role whose part of the platform a record looks at; "" if it looks at several."""
    role, dot, event = identity.rpartition(".")
    if f"{dot}{event}" in (BROKEN_OFF, SWITCHED_OFF):
        return role
    return next((role for prefix, _groups, role in _RULES if identity.startswith(prefix)), "")


def selected(only: Iterable[str], tags: Iterable[str] = (), skipped: Iterable[str] = ()) -> list[str]:
    """The groups to measure, in lower case, in the order of the report; all of them when none is asked for.

    `only` is the variable validate_only; a tag says the same, and so does the name of a role.
    """
    asked = _known(only, "validate_only") | _known((tag for tag in tags if tag not in _OTHER_TAGS), "--tags")
    names = {name.lower() for name in [*GROUPS, *ROLES]}
    without = _known((tag for tag in skipped if str(tag).lower() in names), "--skip-tags")
    found = [group.lower() for group in GROUPS if (not asked or group in asked) and group not in without]
    if not found:
        raise ClusterError("Nothing is left to measure: --skip-tags takes all that is asked for.")
    return found


def by_name(groups: Iterable[str], skipped: Iterable[str] = ()) -> bool:
    """Whether groups, as selected() returns them, were asked for by name: not all of them but for what is skipped."""
    return list(groups) != selected((), (), skipped)


def _known(names: Iterable[str], where: str) -> set[str]:
    """The groups that names stand for."""
    by_name = {group.lower(): (group,) for group in GROUPS}
    own = {role: tuple(group for group in groups if group not in SHARED) for role, groups in ROLES.items()}
    by_name = {**own, **by_name}
    found: set[str] = set()
    for name in names:
        if str(name).lower() not in by_name:
            raise ClusterError(f"{where}: {name} is no criterion; there are {', '.join(by_name)}.")
        found.update(by_name[str(name).lower()])
    return found


def steps_for(groups: Iterable[str]) -> list[dict[str, str]]:
    """What to run for any of the groups, given as selected() returns them: `role`, and `tasks`, the name of a file."""
    roles = roles_for(groups)
    return [{"role": role, "tasks": tasks} for role, tasks in STEPS if role in roles]


def roles_for(groups: Iterable[str]) -> list[str]:
    """The roles that have something to say on any of the groups, given as selected() returns them."""
    wanted = set(groups)
    return [role for role, own in ROLES.items() if wanted & {group.lower() for group in own}]
