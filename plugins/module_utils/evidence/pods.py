# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Criteria that are asked of any component's pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..component_objects import stand_ins
from ..objects import Manifest
from ..readiness import judge
from .records import BLOCKED, Record, judged, unmeasured


def restarts(pods: Sequence[Mapping[str, Any]]) -> int:
    """How often containers of the pods were started again."""
    statuses = [status for pod in pods for status in (pod.get("status") or {}).get("containerStatuses") or []]
    return sum(int(status.get("restartCount") or 0) for status in statuses)


def pods_record(identity: str, title: str, pods: Sequence[Manifest], expected: int | None) -> Record:
    """All pods are ready, and as many as there should be (any number but none without an expectation)."""
    verdicts = {pod["metadata"]["name"]: judge(pod) for pod in pods}
    ready = sum(verdict.done for verdict in verdicts.values())
    wanted = max(len(pods), 1) if expected is None else expected
    unready = "; ".join(f"{name}: {verdict.reason}" for name, verdict in verdicts.items() if not verdict.done)
    again = restarts(pods)
    detail = "; ".join(filter(None, [unready, f"{again} restarts" if again else ""]))
    return judged(identity, title, (ready, wanted), ready == wanted, objects=pods, unit="pods", detail=detail)


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
