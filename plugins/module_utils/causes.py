# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an object is not ready: its last events, its pods, the tail of a failing container's log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .api import Api
from .discovery import PODS, SECRETS, Resource
from .errors import ClusterError
from .flux_causes import flux_causes
from .objects import Key, Manifest, key_of, labels_of
from .readiness import FAILED, FAILING, PROGRESSING, Verdict, judge

EVENTS = Resource("", "v1", "Event", "events", True)

LAST_EVENTS = 5
LAST_LINES = 10
MOST_PODS = 3


def _by_selector(live: Mapping[str, Any]) -> str:
    labels = ((live.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return ",".join(f"{name}={value}" for name, value in labels.items())


def _by_label(label: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda live: f"{label}={live['metadata']['name']}"


def _of_pool(live: Mapping[str, Any]) -> str:
    """Pools of two Kafkas in a namespace may have one name."""
    cluster = labels_of(live).get("strimzi.io/cluster")
    return f"strimzi.io/cluster={cluster},strimzi.io/pool-name={live['metadata']['name']}" if cluster else ""


#: (group, kind) -> the label selector of the pods behind an object
PODS_OF: dict[tuple[str, str], Callable[[Mapping[str, Any]], str]] = {
    ("apps", "DaemonSet"): _by_selector,
    ("apps", "Deployment"): _by_selector,
    ("apps", "ReplicaSet"): _by_selector,
    ("apps", "StatefulSet"): _by_selector,
    ("batch", "Job"): _by_selector,
    ("core.strimzi.io", "StrimziPodSet"): _by_label("strimzi.io/controller-name"),
    ("kafka.strimzi.io", "Kafka"): _by_label("strimzi.io/cluster"),
    ("kafka.strimzi.io", "KafkaConnect"): _by_label("strimzi.io/cluster"),
    ("kafka.strimzi.io", "KafkaNodePool"): _of_pool,
    ("postgresql.cnpg.io", "Cluster"): _by_label("cnpg.io/cluster"),
    ("postgresql.cnpg.io", "Pooler"): _by_label("cnpg.io/poolerName"),
}


def causes(api: Api, live: Mapping[str, Any]) -> list[str]:
    """Lines about an object that is not ready. What may not be read is left out: this must not hide the failure."""
    key = key_of(live)
    lines = [f"event: {text}" for text in _events(api, key)]
    if key.group.endswith(".toolkit.fluxcd.io"):
        lines = flux_causes(api, live) + lines
    for pod in _pods(api, live)[:MOST_PODS]:
        lines += _about_pod(api, pod)
    return [api.masker.text(line) for line in lines]


def _events(api: Api, key: Key) -> list[str]:
    fields = f"involvedObject.kind={key.kind},involvedObject.name={key.name}"
    try:
        events = api.list(EVENTS, key.namespace or "default", fields=fields)
    except ClusterError:
        return []
    events.sort(key=_time_of_event)
    return [_event_line(event) for event in events[-LAST_EVENTS:]]


def _time_of_event(event: Mapping[str, Any]) -> str:
    series = event.get("series") or {}
    return (
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


def _event_line(event: Mapping[str, Any]) -> str:
    count = event.get("count") or (event.get("series") or {}).get("count") or 1
    times = f" ({count} times)" if count > 1 else ""
    return f"{event.get('type')} {event.get('reason')}: {' '.join(str(event.get('message') or '').split())}{times}"


def _pods(api: Api, live: Mapping[str, Any]) -> list[Manifest]:
    """The pods behind an object that are not ready themselves, the failing ones first."""
    key = key_of(live)
    if (key.group, key.kind) == ("", "Pod"):
        return [dict(live)]
    selector = PODS_OF.get((key.group, key.kind), lambda live: "")(live)
    if not selector:
        return []
    try:
        pods = api.list(PODS, key.namespace, selector=selector)
    except ClusterError:
        return []
    for pod in pods:
        pod["apiVersion"], pod["kind"] = "v1", "Pod"
    waiting = [pod for pod in pods if not judge(pod).done]
    return sorted(waiting, key=lambda pod: judge(pod).state == "progressing")


def pods_verdict(api: Api, live: Mapping[str, Any]) -> Verdict | None:
    """What the pods behind an object say against it, the worst first; None when they say nothing.

    A container that crashes may be waiting for something else to come up, and a missing Secret may still be made: both
    are told, but only an image that cannot be had counts as failing.
    """
    for pod in _pods(api, live):
        verdict = judge(pod)
        reason = f"{key_of(pod)}: {verdict.reason}"
        if verdict.state == FAILED and (pod.get("status") or {}).get("phase") != "Failed":
            return Verdict(FAILED, reason)
        if any(sign in verdict.reason for sign in ("ErrImagePull", "ImagePullBackOff")):
            return Verdict(FAILING, reason)
        return Verdict(PROGRESSING, reason)
    return None


def _about_pod(api: Api, pod: Manifest) -> list[str]:
    key = key_of(pod)
    verdict = judge(pod)
    lines = [f"{key}: {verdict.reason or verdict.state}"]
    lines += [f"{key}, event: {text}" for text in _events(api, key)]
    container = _failing_container(pod)
    return lines + (_log(api, pod, container) if container else [])


def _failing_container(pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
    status = pod.get("status") or {}
    statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    for container in statuses:
        state = container.get("state") or {}
        ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
        if ended.get("exitCode") or (state.get("running") and not container.get("ready")):
            return container
    return None


def _log(api: Api, pod: Manifest, container: Mapping[str, Any]) -> list[str]:
    key, name = key_of(pod), container.get("name")
    if not _learn_secrets(api, pod):
        return [
            f"{key}, container {name}: its log is not shown, as the Secrets it uses cannot be read to mask them;"
            f" see `kubectl logs -n {key.namespace} {key.name} -c {name}`"
        ]
    previous = not (container.get("state") or {}).get("running") and not (container.get("state") or {}).get(
        "terminated"
    )
    query = {"container": name, "tailLines": LAST_LINES, "previous": "true" if previous else ""}
    try:
        answer = api.call("GET", f"{PODS.path(key.namespace, key.name)}/log", query=query, accept="*/*")
    except ClusterError:
        return []
    # masked before it is taken apart: a private key has several lines
    text = api.masker.foreign(answer.body.decode(errors="replace"))
    shown = [line for line in text.splitlines()[-LAST_LINES:] if line.strip()]
    return [f"{key}, container {name}, log: {line}" for line in shown]


def _learn_secrets(api: Api, pod: Manifest) -> bool:
    """Read the Secrets a pod uses, so that their values can be masked. False when that is not possible."""
    names: set[str] = set()

    def walk(value: Any, parent: str = "") -> None:
        if isinstance(value, Mapping):
            if parent in ("secretKeyRef", "secretRef", "secret"):
                names.update(str(value[part]) for part in ("name", "secretName") if value.get(part))
            for name, inner in value.items():
                walk(inner, name)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, parent)

    walk(pod.get("spec") or {})
    for name in sorted(names):
        try:
            secret = api.get(SECRETS, pod["metadata"]["namespace"], name)
        except ClusterError:
            return False
        if secret:
            api.masker.learn([secret])
    return True


def as_text(lines: list[str]) -> str:
    return "".join(f"\n    {line}" for line in lines)


__all__ = ["as_text", "causes"]
