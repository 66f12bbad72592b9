# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind a record: how a reader sees the same, and why it is not as it should be."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ..api import Api
from ..causes import causes
from ..errors import ClusterError
from ..objects import Manifest, key_of
from ..readiness import conditions, judge, told

#: objects that a command names; more of a kind are listed all
NAMED = 5
#: types of conditions that are good when they are not True
TROUBLES = ("NotReady", "Stalled", "Warning", "ReplicaFailure")
#: lines of explanation that an object is worth
LINES = 30


def nameable(objects: Iterable[Mapping[str, Any]]) -> list[Manifest]:
    """The objects that say what they are; items of a list may not."""
    return [dict(found) for found in objects if found.get("kind") and found.get("apiVersion")]


def commands_for(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """The kubectl commands that show the objects, one for each kind and namespace."""
    names: dict[tuple[str, str], list[str]] = {}
    for found in nameable(objects):
        key = key_of(found)
        names.setdefault((key.group_kind.lower(), key.namespace or ""), []).append(key.name)
    return [_command(kind, namespace, each) for (kind, namespace), each in names.items()]


def _command(kind: str, namespace: str, names: list[str]) -> str:
    named = sorted(set(names)) if len(set(names)) <= NAMED else []
    words = ["kubectl", "get", kind, *named, *(["-n", namespace] if namespace else []), "-o", "wide"]
    return shlex.join(words)


def explanation(api: Api, found: Manifest) -> list[str]:
    """Conditions, events and the end of a log of an object that is not well; nothing of one that is."""
    if found["kind"] == "Node" or judge(found).done:
        return []
    key = key_of(found)
    lines = [f"{key}: {judge(found).reason or judge(found).state}"]
    lines += [f"{key}, condition: {told(each)}" for each in conditions(found).values() if _speaks_against(each)]
    try:
        lines += [line if line.startswith(str(key)) else f"{key}, {line}" for line in causes(api, found)]
    except ClusterError as error:
        lines.append(f"{key}: nothing more can be read of it: {error}")
    return list(dict.fromkeys(lines))[:LINES]


def _speaks_against(condition: Mapping[str, Any]) -> bool:
    """Whether a condition tells of trouble."""
    return (condition.get("status") == "True") is (condition["type"] in TROUBLES)
