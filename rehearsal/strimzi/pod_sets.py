# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The StrimziPodSet part of the cluster operator: the pods that a set names exist, others of its do not.

Source: StrimziPodSetController. A pod that differs from its entry is left alone: rolling it is the Kafka part's work.
"""

from __future__ import annotations

import logging

from rehearsal.strimzi import names
from rehearsal.strimzi.api import Api, ApiError
from rehearsal.strimzi.broker_pods import REVISION
from rehearsal.strimzi.names import owner

logger = logging.getLogger("pod_sets")


def reconcile(api: Api, namespace: str, name: str) -> None:
    """Bring the pods of one StrimziPodSet in line with it, and say so in its status."""
    pod_set = api.get("StrimziPodSet", name, namespace)
    if pod_set is None or pod_set["metadata"].get("deletionTimestamp"):
        return
    pods = api.list("Pod", namespace, **{names.CONTROLLER_NAME: name})
    there = {pod["metadata"]["name"]: pod for pod in pods}
    wanted = {pod["metadata"]["name"]: pod for pod in pod_set["spec"]["pods"]}
    for pod_name, pod in wanted.items():
        if pod_name not in there:
            _create(api, pod_set, pod)
        elif is_terminal(there[pod_name]) and not there[pod_name]["metadata"].get("deletionTimestamp"):
            logger.info("pod %s/%s has ended: deleted to be made anew", namespace, pod_name)
            api.delete("Pod", pod_name, namespace, there[pod_name]["metadata"]["uid"])
    for pod_name, pod in there.items():
        if pod_name not in wanted and not pod["metadata"].get("deletionTimestamp"):
            logger.info("pod %s/%s is no longer in its set: deleted", namespace, pod_name)
            api.delete("Pod", pod_name, namespace, pod["metadata"]["uid"])
    live = [pod for pod_name, pod in there.items() if pod_name in wanted]
    status = {
        "observedGeneration": pod_set["metadata"]["generation"],
        "pods": len(wanted),
        "readyPods": sum(is_ready(pod) for pod in live),
        "currentPods": sum(is_current(pod, wanted[pod["metadata"]["name"]]) for pod in live),
        "conditions": [],
    }
    if status != pod_set.get("status"):
        api.replace_status(pod_set, status)


def is_ready(pod: dict) -> bool:
    """Whether the pod's Ready condition is true and it is not on its way out."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    going = pod["metadata"].get("deletionTimestamp")
    return not going and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def is_terminal(pod: dict) -> bool:
    """Whether the pod has ended for good."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def is_current(pod: dict, wanted: dict) -> bool:
    """Whether the pod was made from this revision of its entry."""
    return names.annotation(pod, REVISION) == names.annotation(wanted, REVISION)


def _create(api: Api, pod_set: dict, pod: dict) -> None:
    metadata = pod["metadata"]
    logger.info("pod %s/%s is missing: created", metadata["namespace"], metadata["name"])
    reference = {**owner(pod_set)[0], "controller": True}
    try:
        api.create({**pod, "metadata": {**metadata, "ownerReferences": [reference]}})
    except ApiError as error:
        if error.status != 409:  # made or still going meanwhile: its event brings us back
            raise
