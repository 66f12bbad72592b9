# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of backups by which kept ones are removed: a shorter retention lets them go with the next run.

Sources: retentionPolicy of CloudNativePG's Cluster and plugin-barman-cloud's ObjectStore (without one, all are kept);
spec.restic.retain of VolSync's ReplicationSource, which is `restic forget --keep-…` (without one, the last is kept).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

COUNTED = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
POLICY = re.compile(r"^(\d+)([dwm])$")
DAYS = {"d": 1, "w": 7, "m": 30}
SPAN = re.compile(r"(\d+)([ymdh])")
HOURS = {"y": 365 * 24, "m": 30 * 24, "d": 24, "h": 1}


def barman(was: Any, becomes: Any) -> list[str]:
    """What a change of a retention policy of Barman's lets go."""
    old, new = _days(was), _days(becomes)
    shorter = new is not None and (old is None or new < old)
    return [f"backups are kept {_kept(becomes)} instead of {_kept(was)}"] if shorter else []


def _days(policy: Any) -> int | None:
    found = POLICY.match(str(policy or ""))
    return int(found[1]) * DAYS[found[2]] if found else None


def _kept(policy: Any) -> str:
    return str(policy) if _days(policy) is not None else "for ever"


def restic(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> list[str]:
    """What a change of `retain` lets go."""
    old, new = was or {"last": "1"}, becomes or {"last": "1"}
    lost = [
        f"{name} snapshots kept from {old[name]} to {new.get(name) or 'none'}"
        for name in COUNTED
        if old.get(name) and int(new.get(name) or 0) < int(old[name])
    ]
    if _hours(new.get("within")) < _hours(old.get("within")):
        lost.append(f"snapshots are kept within {new.get('within') or 'no time'} instead of {old['within']}")
    return lost


def _hours(span: Any) -> int:
    return sum(int(count) * HOURS[unit] for count, unit in SPAN.findall(str(span or "")))
