# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to blame: a criterion that cannot be met while another part of the platform is broken is `blocked` by it.

A part is broken when one of its vital criteria failed because it is not ready: one that is ready, and merely of another
release than was asked for, serves all others. Only criteria that need a part are blocked by it: a missing NetworkPolicy
of the registry is the registry's own fault, whatever the brokers do. What compared data or settings, or looked for what
a check has left, has failed by itself: no state of another part explains a message that was acknowledged and is lost.
Where such a criterion could not be asked, nothing was compared: the broken part explains that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from .figures import TIMES
from .records import BLOCKED, FAILED

#: criteria that compare what is there with what was written or asked for: what they observed is never another part's
#: doing. All others that a part may explain count what is ready, or say how long something took.
DATA = (
    r"AC6-(topic|consumed|order|duplicates|offsets)|AC7-(replication|lost|stall|recovery|producer-rate|consumer-rate)"
    r"|AC2-snapshot|AC3-integrity|AC12-(refused|consumed|database)"
    r"|kafka_topics\.(partitions|replication_factor|configuration|unexpected)"
    r"|schema_registry_check\.(formats|compatibility|read_back|incompatible|protobuf|versions)"
    r"|DB-(extensions|schemas|roles|archiving|archiver|backup|backup-stored)"
    r"|.*[.-]removed|.*[.-]log"
)
#: what is observed where nobody could ask or compare
UNKNOWN = (None, "not known")
#: how the observed state of something that is ready is written, beside its release
READY_WORDS = ("ready", "user ready", "exists")


class Part(NamedTuple):
    """Something that others need. `vital`, `users` and `tests` are patterns of ids."""

    name: str
    #: one of these failed, and what it looked at is not ready: the part is broken
    vital: str
    #: criteria of other parts that cannot be met without it
    users: str = ""
    #: tests of its own that cannot pass while it is broken
    tests: str = ""


#: in the order of their birth: who comes first is not blocked by who comes later
PARTS = (
    Part(
        "strimzi",
        r"strimzi\.(deployment|pods|crds)",
        r"kafka_cluster\.(ready|brokers|controllers|listener|users|disruption_budget)|kafka_topics\.(brokers|kafka_topics)",
        r"strimzi\.(reconciling|log|metrics|broken_off)|AC10-strimzi\.metrics",
    ),
    Part(
        "kafka_cluster",
        r"kafka_cluster\.(ready|brokers)|kafka_topics\.brokers",
        r"schema_registry\.(deployment|pods|topic|login|broken_off)|synergyflow_backend\.(deployment|pods)"
        r"|AC10-kafka\.metrics|AC12-.*",
        r"kafka_topics\.(?!brokers).*|kafka_cluster\.(metrics|broken_off)|AC6-.*|AC7-.*",
    ),
    Part(
        "schema_registry",
        r"schema_registry\.(deployment|pods)",
        r"AC10-schema-registry\.metrics|AC12-.*",
        r"schema_registry\.(spread|metrics|broken_off)|schema_registry_check\..*",
    ),
    Part(
        "cnpg",
        r"cnpg\.(cluster|instances)",
        r"synergyflow_backend\.(deployment|pods)|AC10-postgresql\.metrics|AC12-.*",
        r"cnpg\.(zones|database|roles|metrics|broken_off)|DB-.*",
    ),
    # what it would have kept goes on without it
    Part("cloudnative-pg", r"cnpg\.operator", "", r"AC10-cloudnative-pg\.metrics"),
    Part("flux", r"AC11-(controllers|pods)", "", r"AC10-flux\.metrics|flux\.metrics"),
    Part(
        "synergyflow_backend",
        r"synergyflow_backend\.(deployment|pods)",
        r"AC10-synergyflow-backend\.metrics",
        r"synergyflow_backend\.(spread|secrets_taken_up|decisions|policy_latency|metrics|broken_off)",
    ),
    Part(
        "volsync",
        r"AC1-(operator|pods|crds|bucket)",
        r"AC10-volsync\.metrics",
        r"AC1-(log|metrics|sources)|AC2-.*|AC3-.*|volsync\.broken_off",
    ),
    # whoever cannot ask the brokers cannot ask them about topics
    Part("kafka_topics", r"kafka_topics\.brokers", "", r"kafka_topics\.(?!brokers).*"),
    Part(
        "metrics-store",
        r"AC10-metrics-store",
        "",
        r"AC10-.*\.metrics|AC10-(label|dropped|cardinality)|AC13-(expressions|critical|dashboard-.*)",
    ),
    Part("logs-store", r"AC10-logs-store", "", r"AC10-.*\.logs|AC10-logs(-label)?"),
    Part("vmagent", r"AC10-vmagent", "", r"AC10-.*\.metrics|AC10-label|AC13-dashboard-.*"),
    Part("fluent-bit", r"AC10-fluent-bit", "", r"AC10-.*\.logs|AC10-logs(-label)?"),
)


def blamed(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records of one cluster, those that a broken part explains as `blocked`, naming it in `blocked_by`.

    What was observed stays. A record that nobody explains, and the first cause, stay as they are.
    """
    causes: dict[str, Mapping[str, Any]] = {}
    held: dict[str, list[str]] = {}
    for part in PARTS:
        failed = [record for record in records if _breaks(record, part)]
        first = next((record for record in failed if record["id"] not in held), None)
        if first:
            causes[part.name] = first
        # who waits for a part that waits itself is blocked by what that one waits for
        by = [part.name] if first else [name for record in failed[:1] for name in held[record["id"]]]
        for record in records if by else ():
            matches = any(pattern and re.fullmatch(pattern, record["id"]) for pattern in (part.users, part.tests))
            if matches and _explicable(record) and record is not first:
                names = held.setdefault(record["id"], [])
                names += [name for name in by if name not in names]
    return [_blocked(record, held.get(record["id"], []), causes) for record in records]


def causes_of(names: Collection[str], records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The blamed records that say that one of the parts is broken."""
    parts = [part for part in PARTS if part.name in names]
    return [record for record in records if any(_breaks(record, part) for part in parts)]


def _breaks(record: Mapping[str, Any], part: Part) -> bool:
    """Whether a record says that a part is broken. Brokers that could not be asked do not: it may be the log-in."""
    if record["id"] == "kafka_topics.brokers" and (record["observed"] is None) != (part.name == "kafka_topics"):
        return False
    failed = record["status"] == FAILED and bool(re.fullmatch(part.vital, record["id"]))
    return failed and not _ready(record)


def _ready(record: Mapping[str, Any]) -> bool:
    """Whether what did not meet a criterion is ready all the same: of another release, or more than there should be."""
    observed, expected = record["observed"], record["expected"]
    if record["unit"] in TIMES:
        return False  # more of it is not better
    if isinstance(observed, (int, float)) and isinstance(expected, (int, float)):
        return observed >= expected and observed > 0
    return any(word.strip().lower() in READY_WORDS for word in str(observed).split(","))


def _explicable(record: Mapping[str, Any]) -> bool:
    """Whether a criterion is of those that a broken part may explain."""
    if record["status"] == FAILED and record["observed"] not in UNKNOWN:
        return not _ready(record) and not re.fullmatch(DATA, record["id"])
    return record["status"] in (BLOCKED, FAILED)


def _blocked(record: Mapping[str, Any], by: list[str], causes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found = {**record, "blocked_by": by}
    if not by:
        return found
    reasons = "; ".join(f"blocked by {name} ({causes[name]['title']}: {_observed(causes[name])})" for name in by)
    found["status"] = BLOCKED
    found["detail"] = f"{reasons}. Seen: {record['detail']}" if record["detail"] else reasons
    return found


def _observed(cause: Mapping[str, Any]) -> str:
    """What was seen of a cause, in a few words."""
    wanted = f" instead of {cause['expected']}" if cause["expected"] is not None else ""
    return "not met" if cause["observed"] is None else f"{cause['observed']}{wanted}"
