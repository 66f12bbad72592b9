# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a reader sees by hand what a check saw that asked no object of Kubernetes alone."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

#: how an id begins -> the commands; {namespace} and {name} are those of the role's objects
_COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("kafka_topics.", ("kubectl get kafkatopic -n {namespace} -o wide",)),
    ("schema_registry_check.", (
        "kubectl port-forward -n {namespace} svc/schema-registry 8081",
        "curl -s http://127.0.0.1:8081/subjects",
    )),
    ("DB-schedule", ("kubectl get scheduledbackup.postgresql.cnpg.io -n {namespace} -o wide",)),
    ("DB-backup", ("kubectl get backup.postgresql.cnpg.io -n {namespace} -o wide",)),
    ("DB-", ("kubectl get cluster.postgresql.cnpg.io {name} -n {namespace} -o yaml",)),
    ("AC2-", ("kubectl get replicationsource -A -o wide",)),
    ("AC3-", ("kubectl get replicationdestination -A -o wide",)),
)  # fmt: skip


def commands_of(identity: str, place: Mapping[str, Any]) -> list[str]:
    """The commands for an id; none where nobody knows any, or where its objects are."""
    templates = next((each for prefix, each in _COMMANDS if identity.startswith(prefix)), ())
    quoted = {part: shlex.quote(str(place[part])) for part in ("namespace", "name") if place.get(part)}
    try:
        return [template.format(**quoted) for template in templates]
    except KeyError:
        return []
