# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the last backup of data that dies: plain data in, words for the plan out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..errors import ClusterError
from .components import COMPONENTS, Values

TAKEN, WAIVED = "taken before the deletion", "waived by rollback_without_backup"
UNNAMED = "not waived, as rollback_without_backup=true does not say whose backup is meant"
#: in the place of names, for the one component that is rolled back
IT = "true"
NOBODY = ("", "false", "no", "off", "0", "none")
YES = ("true", "yes", "on", "1")


def waived(given: Any) -> Collection[str]:
    """The components that rollback_without_backup names: one, several with commas, a list; IT for a plain yes."""
    words = given if isinstance(given, (list, tuple)) else str(given).split(",")
    names = {str(word).strip() for word in words}
    found = {IT if name.lower() in YES else name for name in names if name.lower() not in NOBODY}
    if unknown := sorted(found - {IT} - COMPONENTS.keys()):
        raise ClusterError(
            f"rollback_without_backup: {', '.join(unknown)} is no component; there are {', '.join(COMPONENTS)}."
        )
    return found


def decide(component: str, values: Values, given: Any, *, alone: bool) -> str:
    """What the plan says of it. `alone`: whether no other component is confirmed with this one."""
    names = waived(given)
    if component in names or (IT in names and alone):
        return WAIVED
    if IT in names:
        return UNNAMED
    switch = COMPONENTS[component].last_backup
    if not switch:
        return "impossible (no rollback takes one of it)"
    return TAKEN if values[switch] else f"impossible ({switch} is false)"


def minutes(component: str, values: Values) -> int:
    """How long it may take."""
    switch = COMPONENTS[component].last_backup
    return -(-int(values[f"{switch}_timeout"]) // 60) if switch else 0
