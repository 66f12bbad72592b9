# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not as in the run before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .criteria import groups_of
from .records import BLOCKED, FAILED, PASSED, SKIPPED

Records = Mapping[str, Iterable[Mapping[str, Any]]]
#: the higher, the better
RANK = {FAILED: 0, BLOCKED: 1, SKIPPED: 1, PASSED: 2}
BETTER, WORSE, NEW, GONE, OTHER = "better", "worse", "new", "gone", "other"
#: it was looked at, and now it was not: what it is like is not known
UNMEASURED = "no longer measured"
ORDER = (WORSE, GONE, UNMEASURED, BETTER, OTHER, NEW)
#: what of an earlier record is shown and compared
COMPARED = {"id", "title", "status", "observed", "unit"}


def by_place(clusters: Records) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The records by cluster and id."""
    return {(cluster, record["id"]): record for cluster, records in clusters.items() for record in records}


def comparable(previous: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether an earlier document looked at all that the document of this run looks at, on the same clusters.

    Clusters are told apart where both documents know which they are.
    """
    before, after = previous.get("platforms") or {}, now["platforms"]
    uids = [((before.get(host) or {}).get("uid"), found["uid"]) for host, found in after.items()]
    if any(one and other and one != other for one, other in uids):
        return False
    return all(set(now[part]) <= set(previous[part]) for part in ("clusters", "selected"))


def is_whole(document: Mapping[str, Any]) -> bool:
    """Whether an earlier document has all that is compared, in words that are known."""
    every = [record for records in document["clusters"].values() for record in records]
    counts = document["counts"]
    return (
        all(
            record.keys() >= COMPARED and record["status"] in RANK and isinstance(record["unit"], str)
            for record in every
        )
        and all(isinstance(document.get(name), str) for name in ("measured_at", "verdict"))
        and counts.keys() == RANK.keys()
        and all(isinstance(count, int) for count in counts.values())
    )


def changes(previous: Records, now: Records, selected: Iterable[str]) -> list[dict[str, Any]]:
    """A row for each criterion whose status changed, that is new, or that is gone though it was to be measured."""
    before, after = by_place(previous), by_place(now)
    wanted = set(selected)
    rows = []
    for place in [*after, *(place for place in before if place not in after)]:
        old, new = before.get(place), after.get(place)
        if old and new and old["status"] == new["status"]:
            continue
        if place[0] not in now or (old and not new and not _asked(place[1], wanted)):
            continue
        shown = new or old or {}
        rows.append(
            {
                "cluster": place[0],
                "id": place[1],
                "title": shown["title"],
                "before": old["status"] if old else None,
                "now": new["status"] if new else None,
                "change": _change(old, new),
            }
        )
    return sorted(rows, key=lambda row: ORDER.index(row["change"]))


def _asked(identity: str, wanted: set[str]) -> bool:
    return any(group.lower() in wanted for group in groups_of(identity))


def _change(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str:
    if old is None or new is None:
        return NEW if old is None else GONE
    earlier, later = RANK[old["status"]], RANK[new["status"]]
    if old["status"] in (PASSED, FAILED) and new["status"] in (BLOCKED, SKIPPED):
        return UNMEASURED
    if earlier == later:
        return OTHER
    return BETTER if later > earlier else WORSE
