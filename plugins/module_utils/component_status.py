# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How components are: a line for each kind of object, and one for each that is not well. Plain data in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .component_objects import NOT_SERVED, Seen, stand_ins
from .kafka_table import aligned
from .objects import Manifest
from .readiness import judge

COLUMNS = {"component": "component", "kind": "kind", "name": "name", "state": "state", "reason": "reason"}
#: lists that are looked at for other purposes: nodes are nobody's, a Kafka is not Strimzi's
NOT_SHOWN = {
    "strimzi": ("kafkas",),
    "kafka_cluster": ("nodes",),
    "schema_registry": ("nodes", "users"),
    "cnpg": ("nodes",),
    "synergyflow_backend": ("nodes",),
    "obs_collectors": ("nodes",),
}
#: what a reader should know of a label that says little
MEANING = {
    "strimzi-cluster-operator": "Strimzi's operators",
    "flux-operator": "flux-operator; the controllers that it installs are Flux's own",
    "process-node": "the node: programs of pods run as processes of this machine",
    "apicurio-registry": "Confluent's Schema Registry: Apicurio, which speaks the same API",
    "synergyflow-backend": "the backend: its image is nowhere to be had, nothing runs; its policy sidecar is real",
    "fluent-bit": "Fluent Bit: a small program that reads the same configuration",
    "kwok-node": "the nodes: pods run because KWOK says so",
}


def rows(component: str, seen: Seen) -> list[dict[str, Any]]:
    """One row for all objects of a kind that are well, one for each that is not."""
    found: list[dict[str, Any]] = []
    for name, objects in seen.objects.items():
        if name in NOT_SHOWN.get(component, ()) or not objects:
            continue
        verdicts = [(item, judge(item)) for item in objects]
        well = [item for item, verdict in verdicts if verdict.done]
        if well:
            reason = verdicts[0][1].reason if len(objects) == 1 else None
            found.append(_row(component, well, f"{len(well)} of {len(objects)} ready", reason))
        found += [
            _row(component, [item], verdict.state, verdict.reason) for item, verdict in verdicts if not verdict.done
        ]
    # not served is not there; what may not be read may well be
    found += [
        {"component": component, "kind": "-", "name": name, "state": "unknown", "reason": reason}
        for name, reason in seen.unread.items()
        if name not in NOT_SHOWN.get(component, ()) and not reason.startswith(NOT_SERVED)
    ]
    return found or [{"component": component, "kind": "-", "name": "-", "state": "not there", "reason": None}]


def _row(component: str, objects: Sequence[Manifest], state: str, reason: str | None) -> dict[str, Any]:
    name = objects[0]["metadata"]["name"] if len(objects) == 1 else f"{len(objects)} objects"
    return {"component": component, "kind": objects[0]["kind"], "name": name, "state": state, "reason": reason or None}


def table(all_rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows, aligned."""
    return aligned(list(all_rows), COLUMNS)


def all_stand_ins(seen: Iterable[Seen]) -> list[str]:
    """The stand-ins among everything that was read."""
    return stand_ins(item for each in seen for objects in each.objects.values() for item in objects)


def summary(heading: str, body: str, standing_in: Sequence[str], next_steps: Sequence[str]) -> str:
    """What runs, what is not the real thing, what to try next."""
    parts = [heading, body]
    if standing_in:
        names = "\n".join(f"  {name}" + (f" ({MEANING[name]})" if name in MEANING else "") for name in standing_in)
        parts.append(f"Not the real thing, but stand-ins:\n{names}")
    if next_steps:
        parts.append("Try next:\n" + "\n".join(f"  {step}" for step in next_steps))
    return "\n\n".join(part for part in parts if part)
