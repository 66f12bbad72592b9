# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Criteria that are asked of any component's pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..cluster_facts import node_facts
from ..component_objects import Seen, stand_ins
from ..objects import Manifest
from ..readiness import Verdict, judge, progressing
from .records import BLOCKED, Record, judged, unmeasured

ZONE = "topology.kubernetes.io/zone"


def restarts(pods: Sequence[Mapping[str, Any]]) -> int:
    """How often containers of the pods were started again."""
    statuses = [status for pod in pods for status in (pod.get("status") or {}).get("containerStatuses") or []]
    return sum(int(status.get("restartCount") or 0) for status in statuses)


def serving(workload: Mapping[str, Any]) -> Verdict:
    """As judge() says, but for one that was scaled to nothing: it has all it asks for, and nobody does its work."""
    verdict = judge(workload)
    nobody = verdict.done and workload["spec"].get("replicas") == 0
    return progressing("it is scaled to 0 replicas") if nobody else verdict


def pods_record(identity: str, title: str, pods: Sequence[Manifest], expected: int | None) -> Record:
    """All pods are ready, and as many as there should be (any number but none without an expectation)."""
    verdicts = {pod["metadata"]["name"]: judge(pod) for pod in pods}
    ready = sum(verdict.done for verdict in verdicts.values())
    wanted = max(len(pods), 1) if expected is None else expected
    unready = "; ".join(f"{name}: {verdict.reason}" for name, verdict in verdicts.items() if not verdict.done)
    again = restarts(pods)
    detail = "; ".join(filter(None, [unready, f"{again} restarts" if again else ""]))
    return judged(identity, title, (ready, wanted), ready == wanted, objects=pods, unit="pods", detail=detail)


def zones_record(identity: str, title: str, key: str, count: int, seen: Seen) -> Record:
    """So many pods stand in as many zones as they can; a zone is a value of the nodes' label `key`."""
    if not seen["nodes"]:
        return unmeasured(identity, title, BLOCKED, seen.unread.get("nodes") or "no node to be seen")
    zone_of = {node["metadata"]["name"]: (node["metadata"].get("labels") or {}).get(key) for node in seen["nodes"]}
    takes_pods = {node["name"] for node in map(node_facts, seen["nodes"]) if node["ready"] and node["schedulable"]}
    used = {zone_of.get(pod["spec"].get("nodeName")) for pod in seen["pods"] if judge(pod).done} - {None}
    # a zone whose nodes are all down or cordoned is none to spread to, unless a pod still runs there
    there = {zone for name, zone in zone_of.items() if zone and name in takes_pods} | used
    wanted = min(len(there), count)
    return judged(
        identity,
        title,
        (len(used), wanted),
        len(used) == wanted > 0,
        objects=[*seen["pods"], *seen["nodes"]],
        unit="zones" if key == ZONE else key,
        detail=", ".join(sorted(map(str, used))),
    )


def metrics_record(
    identity: str, title: str, pods: Sequence[Manifest], answers: Mapping[str, str | BaseException]
) -> Record:
    """Each pod's metrics endpoint answers in Prometheus' format.

    A pod that a stand-in runs may have no such endpoint: that says nothing of the platform, and is no failure.
    """
    if not answers:
        return unmeasured(identity, title, BLOCKED, "there is no pod to ask")
    good = [pod for pod, answer in answers.items() if isinstance(answer, str) and "# TYPE " in answer]
    silent = "; ".join(f"{pod}: {_words(answer)}" for pod, answer in answers.items() if pod not in good)
    if not good and stand_ins(pods):
        who = ", ".join(stand_ins(pods))
        return unmeasured(identity, title, BLOCKED, f"run by stand-ins ({who}), which do not answer: {silent}", pods)
    return judged(identity, title, (len(good), len(answers)), not silent, objects=pods, unit="endpoints", detail=silent)


def _words(answer: str | BaseException) -> str:
    return str(answer) if isinstance(answer, BaseException) else "answers, but not with metrics"
