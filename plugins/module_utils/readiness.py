# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an object is ready: one small predicate a kind, in one table, over plain dicts.

A predicate tells three things apart: ready; progressing, and towards what; failing, and why. A failure is final when
waiting cannot mend it, otherwise it counts only once it has lasted (the task's failure_grace).
Each rule names its source; "generation-aware" means that a status older than the spec proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .objects import annotations_of, group_of

READY = "ready"
PROGRESSING = "progressing"
#: not ready and not moving; counts as failed when it lasts
FAILING = "failing"
FAILED = "failed"
#: there, and of a kind that has no health to tell
EXISTS = "exists"


class Verdict(NamedTuple):
    state: str
    reason: str = ""
    #: when a failure was first told, where one from before the wait may have been mended since; RFC 3339
    since: str = ""

    @property
    def done(self) -> bool:
        return self.state in (READY, EXISTS)


Predicate = Callable[[Mapping[str, Any]], Verdict]


def ready(reason: str = "") -> Verdict:
    return Verdict(READY, reason)


def progressing(reason: str) -> Verdict:
    return Verdict(PROGRESSING, reason)


def failing(reason: str) -> Verdict:
    return Verdict(FAILING, reason)


def failed(reason: str, since: str = "") -> Verdict:
    return Verdict(FAILED, reason, since)


# -- reading status


def _status(live: Mapping[str, Any]) -> Mapping[str, Any]:
    return live.get("status") or {}


def _spec(live: Mapping[str, Any]) -> Mapping[str, Any]:
    return live.get("spec") or {}


def conditions(live: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {condition["type"]: condition for condition in _status(live).get("conditions") or [] if "type" in condition}


def is_true(condition: Mapping[str, Any] | None) -> bool:
    return (condition or {}).get("status") == "True"


def is_false(condition: Mapping[str, Any] | None) -> bool:
    return (condition or {}).get("status") == "False"


def told(condition: Mapping[str, Any]) -> str:
    """A condition in one line: type, reason, message."""
    head = " ".join(part for part in (condition.get("type"), condition.get("reason")) if part)
    message = " ".join(str(condition.get("message") or "").split())
    return f"{head}: {message}" if message else head


def outdated(live: Mapping[str, Any]) -> Verdict | None:
    """progressing while the status speaks of an older spec; None when it speaks of this one."""
    generation = (live.get("metadata") or {}).get("generation")
    seen = _status(live).get("observedGeneration")
    if generation is None or (seen is not None and seen >= generation):
        return None
    return progressing(f"waiting for generation {generation}, seen {'none' if seen is None else seen}")


def _count(live: Mapping[str, Any], name: str) -> int:
    return _status(live).get(name) or 0


def _replicas(live: Mapping[str, Any]) -> int:
    wanted = _spec(live).get("replicas")
    return 1 if wanted is None else wanted


# -- Kubernetes' own kinds. Rules as `kubectl rollout status` (k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go)


def deployment(live: Mapping[str, Any]) -> Verdict:
    found = conditions(live)
    wanted = _replicas(live)
    if (found.get("Progressing") or {}).get("reason") == "ProgressDeadlineExceeded":
        # not final as for kubectl: after the cause was mended it stands there until the next pod is available
        return failing(told(found["Progressing"]))
    if is_true(found.get("ReplicaFailure")):
        return failing(told(found["ReplicaFailure"]))
    if _count(live, "updatedReplicas") < wanted:
        return progressing(f"{_count(live, 'updatedReplicas')} of {wanted} replicas are up to date")
    if _count(live, "replicas") > _count(live, "updatedReplicas"):
        old = _count(live, "replicas") - _count(live, "updatedReplicas")
        return progressing(f"{old} old replicas are still there")
    if _count(live, "availableReplicas") < wanted:
        return progressing(f"{_count(live, 'availableReplicas')} of {wanted} replicas are available")
    return ready(f"{wanted} of {wanted} replicas are available")


def replica_set(live: Mapping[str, Any]) -> Verdict:
    wanted, there = _replicas(live), _count(live, "availableReplicas")
    return ready() if there >= wanted else progressing(f"{there} of {wanted} replicas are available")


def stateful_set(live: Mapping[str, Any]) -> Verdict:
    wanted, there = _replicas(live), _count(live, "readyReplicas")
    strategy = _spec(live).get("updateStrategy") or {}
    if there < wanted:
        return progressing(f"{there} of {wanted} replicas are ready")
    if strategy.get("type") != "OnDelete":
        kept = (strategy.get("rollingUpdate") or {}).get("partition") or 0
        updated = _count(live, "updatedReplicas")
        if _status(live).get("updateRevision") != _status(live).get("currentRevision") and updated < wanted - kept:
            return progressing(f"{updated} of {wanted - kept} replicas are up to date")
    return ready(f"{there} of {wanted} replicas are ready")


def daemon_set(live: Mapping[str, Any]) -> Verdict:
    wanted = _count(live, "desiredNumberScheduled")
    for name, what in (("updatedNumberScheduled", "up to date"), ("numberAvailable", "available")):
        if _count(live, name) < wanted:
            return progressing(f"{_count(live, name)} of {wanted} pods are {what}")
    return ready(f"{wanted} of {wanted} pods are available")


def job(live: Mapping[str, Any]) -> Verdict:
    found = conditions(live)
    if is_true(found.get("Failed")):
        return failed(told(found["Failed"]))
    if is_true(found.get("Complete")) or is_true(found.get("SuccessCriteriaMet")):
        return ready("complete")
    if is_true(found.get("Suspended")):
        return failing("the job is suspended")
    return progressing(f"{_count(live, 'active')} active, {_count(live, 'succeeded')} succeeded")


#: waiting reasons that only a change of the pod mends
HOPELESS = ("InvalidImageName", "ErrImageNeverPull")
STRUGGLING = (
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImagePull",
    "ImagePullBackOff",
    "RunContainerError",
)


def pod(live: Mapping[str, Any]) -> Verdict:  # noqa: PLR0911
    status, found = _status(live), conditions(live)
    phase = status.get("phase")
    if phase == "Succeeded":
        return ready("completed")
    if phase == "Failed":
        return failed(f"{status.get('reason') or 'Failed'}: {status.get('message') or 'its containers failed'}")
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        text = f"container {container.get('name')} {waiting.get('reason')}: {waiting.get('message') or ''}".rstrip(": ")
        if waiting.get("reason") in HOPELESS:
            return failed(text)
        if waiting.get("reason") in STRUGGLING:
            return failing(text)
    if is_true(found.get("Ready")):
        return ready()
    if is_false(found.get("PodScheduled")):
        return progressing(told(found["PodScheduled"]))
    return progressing(told(found["Ready"]) if "Ready" in found else f"phase {phase or 'unknown'}")


def claim(live: Mapping[str, Any]) -> Verdict:
    phase = _status(live).get("phase")
    if phase == "Bound":
        return ready("bound")
    return failed("the claim has lost its volume") if phase == "Lost" else progressing("not bound to a volume yet")


def namespace(live: Mapping[str, Any]) -> Verdict:
    phase = _status(live).get("phase")
    return ready("active") if phase == "Active" else progressing(f"phase {phase or 'unknown'}")


def definition(live: Mapping[str, Any]) -> Verdict:
    found = conditions(live)
    if is_false(found.get("NamesAccepted")):
        return failed(told(found["NamesAccepted"]))
    return ready("established") if is_true(found.get("Established")) else progressing("not established yet")


def service(live: Mapping[str, Any]) -> Verdict:
    if _spec(live).get("type") != "LoadBalancer":
        return Verdict(EXISTS)
    ingress = (_status(live).get("loadBalancer") or {}).get("ingress")
    return ready() if ingress else progressing("the load balancer has no address yet")


def api_service(live: Mapping[str, Any]) -> Verdict:
    available = conditions(live).get("Available") or {}
    if is_true(available):
        return ready("available")
    return failing(told(available)) if available else progressing("not checked by the API server yet")


# -- Strimzi. Status is NotReady=True rather than Ready=False for most kinds; Ready may come before status.listeners

#: io.strimzi.operator.common.model.InvalidResourceException and its like: the resource itself is wrong, or the operator
#: the wrong one for it. Another operator, pool or Secret may have mended that without a new generation.
STRIMZI_FINAL = (
    "InvalidConfigurationException",
    "InvalidResourceException",
    "KafkaUpgradeException",
    "UnsupportedKafkaVersionException",
    "UnsupportedVersionException",
)
#: the first thing a reconciliation says about a new resource
STRIMZI_CREATING = "Creating"
TOPIC_FINAL = ("NotSupported", "ResourceConflict")


def strimzi(live: Mapping[str, Any]) -> Verdict:
    found = conditions(live)
    if is_true(found.get("ReconciliationPaused")):
        return failing("its reconciliation is paused (annotation strimzi.io/pause-reconciliation)")
    bad = found.get("NotReady")
    if is_true(bad):
        text = told(bad or {})
        if (bad or {}).get("reason") == STRIMZI_CREATING:
            return progressing(text)
        if (bad or {}).get("reason") in STRIMZI_FINAL:
            return failed(text, (bad or {}).get("lastTransitionTime") or "")
        return failing(text)
    good = found.get("Ready") or {}
    if is_true(good):
        return ready()
    return failing(told(good)) if is_false(good) else progressing("the operator has not said Ready yet")


def kafka(live: Mapping[str, Any]) -> Verdict:
    verdict = strimzi(live)
    if verdict.state == READY and not _status(live).get("listeners"):
        return progressing("Ready, but status.listeners is still empty")
    return verdict


def kafka_topic(live: Mapping[str, Any]) -> Verdict:
    found = conditions(live)
    if is_true(found.get("Unmanaged")) or annotations_of(live).get("strimzi.io/managed") == "false":
        return ready("not managed (strimzi.io/managed)")
    bad = found.get("Ready") or {}
    if is_false(bad) and bad.get("reason") in TOPIC_FINAL:
        return failed(told(bad), bad.get("lastTransitionTime") or "")
    return strimzi(live)


def kafka_node_pool(live: Mapping[str, Any]) -> Verdict:
    """Its conditions are empty when all is well; the node ids tell that the operator has taken it up."""
    bad = conditions(live).get("NotReady")
    if is_true(bad):
        creating = (bad or {}).get("reason") == STRIMZI_CREATING
        return (progressing if creating else failing)(told(bad or {}))
    wanted, there = _replicas(live), len(_status(live).get("nodeIds") or [])
    return ready() if there == wanted else progressing(f"{there} of {wanted} nodes have their id")


def strimzi_pod_set(live: Mapping[str, Any]) -> Verdict:
    wanted = len(_spec(live).get("pods") or [])
    for name, what in (("currentPods", "up to date"), ("readyPods", "ready")):
        if _count(live, name) < wanted:
            return progressing(f"{_count(live, name)} of {wanted} pods are {what}")
    return ready(f"{wanted} of {wanted} pods are ready")


# -- CloudNativePG (api/v1/cluster_types.go, backup_types.go): a Cluster's status has no observedGeneration

CNPG_HEALTHY = "Cluster in healthy state"
CNPG_STUCK = (
    "Cluster cannot execute instance online upgrade due to missing architecture binary",
    "Cluster cannot proceed to reconciliation due to an error while interacting with plugins",
    "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
    "Cluster has incomplete or invalid image catalog",
    "Invalid cluster definition",
    "Not enough disk space",
    "Unable to create required cluster objects",
)


def cnpg_cluster(live: Mapping[str, Any]) -> Verdict:  # noqa: PLR0911
    spec, status, found = _spec(live), _status(live), conditions(live)
    phase = status.get("phase") or ""
    if is_true(found.get("cnpg.io/hibernation")):
        return ready("hibernated")
    if "unrecoverable" in phase:
        return failed(f"{phase} {status.get('phaseReason') or ''}".strip())
    if phase.startswith(CNPG_STUCK):
        return failing(f"{phase} {status.get('phaseReason') or ''}".strip())
    wanted, there = spec.get("instances") or 1, _count(live, "readyInstances")
    if there != wanted:
        return progressing(f"{there} of {wanted} instances are ready; {phase or 'no phase yet'}")
    if phase != CNPG_HEALTHY or not is_true(found.get("Ready")):
        return progressing(phase or "no phase yet")
    if status.get("currentPrimary") != status.get("targetPrimary"):
        return progressing(f"the primary moves from {status.get('currentPrimary')} to {status.get('targetPrimary')}")
    image = status.get("image")
    if spec.get("imageName") and image and image != spec["imageName"]:
        return progressing(f"runs {image}, wanted {spec['imageName']}")
    return ready(f"{there} of {wanted} instances are ready")


def cnpg_backup(live: Mapping[str, Any]) -> Verdict:
    phase, error = _status(live).get("phase") or "", _status(live).get("error") or ""
    if phase == "completed":
        return ready("completed")
    if phase in ("failed", "invalid backup definition"):
        return failed(f"{phase}: {error}".rstrip(": "))
    if phase == "walArchivingFailing":
        return failing(f"{phase}: {error}".rstrip(": "))
    return progressing(phase or "not started")


def cnpg_scheduled_backup(live: Mapping[str, Any]) -> Verdict:
    if _status(live).get("error"):
        return failing(str(_status(live)["error"]))
    return ready("suspended") if _spec(live).get("suspend") else Verdict(EXISTS)


def cnpg_pooler(live: Mapping[str, Any]) -> Verdict:
    """From 1.30 on it has a phase: inactive while its Cluster or a Secret is not there yet."""
    phase, reason = _status(live).get("phase"), _status(live).get("phaseReason") or ""
    if phase == "failed":
        return failing(f"failed: {reason}".rstrip(": "))
    if phase == "inactive":
        return progressing(f"inactive: {reason}".rstrip(": "))
    if phase == "paused":
        return ready("paused")
    wanted, there = _spec(live).get("instances") or 1, _count(live, "instances")
    return ready() if there >= wanted else progressing(f"{there} of {wanted} instances are there")


def cnpg_database(live: Mapping[str, Any]) -> Verdict:
    status = _status(live)
    if status.get("applied") is True:
        return ready("applied")
    if status.get("applied") is False:
        return failing(status.get("message") or "not applied")
    return progressing("not applied yet")


# -- VolSync (api/v1alpha1): the only condition is Synchronizing, and there is no observedGeneration


def volsync(live: Mapping[str, Any]) -> Verdict:  # noqa: PLR0911
    spec, status = _spec(live), _status(live)
    if spec.get("paused"):
        return ready("paused")
    synchronizing = conditions(live).get("Synchronizing") or {}
    if synchronizing.get("reason") == "Error":
        return failing(told(synchronizing))
    wanted = (spec.get("trigger") or {}).get("manual")
    mover = status.get("latestMoverStatus") or {}
    if wanted and status.get("lastManualSync") != wanted:
        if mover.get("result") == "Failed":
            return failing(f"the mover failed: {_last_lines(mover.get('logs'))}")
        return progressing(f"the manual sync {wanted} is not done")
    if not synchronizing:
        return progressing("VolSync has not taken it up yet")
    if mover.get("result") == "Failed":
        return failing(f"the last sync failed: {_last_lines(mover.get('logs'))}")
    return ready(synchronizing.get("reason") or "")


def _last_lines(text: str | None, count: int = 3) -> str:
    return " | ".join((text or "no log").strip().splitlines()[-count:])


# -- Flux (fluxcd.io/flux/components: conditions Ready, Reconciling, Stalled)

FLUX_WAITS = ("DependencyNotReady", "HealthCheckCanceled", "Progressing", "ProgressingWithRetry")


def flux(live: Mapping[str, Any]) -> Verdict:  # noqa: PLR0911
    found = conditions(live)
    suspended = _spec(live).get("suspend")
    good = found.get("Ready") or {}
    if _spec(live).get("type") == "oci" and live.get("kind") == "HelmRepository":
        return Verdict(EXISTS)  # static: source-controller keeps no status for it
    late = outdated(live)
    if suspended:
        if late is None and is_true(good):
            return ready("suspended; it was Ready before")
        return failing("it is suspended, so nothing reconciles it (spec.suspend)")
    if is_true(found.get("Stalled")) and not (late and _older(found["Stalled"], live)):
        return failed(told(found["Stalled"]))
    # status.observedGeneration follows a success only: what has failed from the start says so in its condition
    reconciling = found.get("Reconciling") or {}
    if late and (not is_false(good) or _older(good, live)):
        busy = is_true(reconciling) and not _older(reconciling, live)
        return progressing(told(reconciling)) if busy else late
    if is_true(good):
        return ready(str(good.get("message") or ""))
    return _flux_not_ready(good, reconciling)


def _flux_not_ready(good: Mapping[str, Any], reconciling: Mapping[str, Any]) -> Verdict:
    reason, message = good.get("reason") or "", good.get("message") or ""
    if not is_false(good):
        return progressing(told(reconciling or good or {"type": "no condition yet"}))
    if reason in FLUX_WAITS:
        return (failing if "not found" in message else progressing)(told(good))
    # a failure stays in Ready while the next attempt is under way; ProgressingWithRetry is the pause before it
    if is_true(reconciling) and reconciling.get("reason") != "ProgressingWithRetry":
        return progressing(told(good))
    return failing(told(good))


def _older(condition: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether a condition speaks of an older spec, or does not say of which."""
    generation = (live.get("metadata") or {}).get("generation") or 0
    return int(condition.get("observedGeneration") or 0) < generation


def flux_instance(live: Mapping[str, Any]) -> Verdict:
    """flux-operator (api/v1/fluxinstance_types.go): no status.observedGeneration, but each condition has one."""
    good = conditions(live).get("Ready") or {}
    if annotations_of(live).get("fluxcd.controlplane.io/reconcile") == "disabled":
        return ready("paused (fluxcd.controlplane.io/reconcile: disabled)") if is_true(good) else failing("paused")
    if not good or _older(good, live):
        return progressing("flux-operator has not taken it up yet")
    if is_true(good):
        return ready(str(good.get("message") or ""))
    return failing(told(good)) if is_false(good) else progressing(told(good))


# -- External Secrets (apis/externalsecrets/v1): syncedResourceVersion starts with the generation it was made from


def external_secret(live: Mapping[str, Any]) -> Verdict:
    good = conditions(live).get("Ready") or {}
    if is_false(good):
        return failing(told(good))
    synced = _status(live).get("syncedResourceVersion")
    generation = (live.get("metadata") or {}).get("generation")
    if live.get("kind") == "ExternalSecret" and synced and generation and not synced.startswith(f"{generation}-"):
        return progressing(f"waiting for generation {generation}, synced {synced.partition('-')[0]}")
    return ready() if is_true(good) else progressing("not synced yet")


# -- everything else


def volume_snapshot(live: Mapping[str, Any]) -> Verdict:
    """external-snapshotter, client/apis/volumesnapshot/v1: no conditions; an error is tried again and may pass."""
    status = _status(live)
    if status.get("readyToUse"):
        return ready()
    error = (status.get("error") or {}).get("message")
    return failing(f"not ready to use: {error}") if error else progressing("not ready to use yet")


def general(live: Mapping[str, Any]) -> Verdict:
    """Any kind that follows the conventions: https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus"""
    found = conditions(live)
    if is_true(found.get("Stalled")):
        return failed(told(found["Stalled"]))
    if "observedGeneration" in _status(live):
        late = outdated(live)
        if late:
            return late
    # the last two: https://gateway-api.sigs.k8s.io/geps/gep-1364/
    for name in ("Ready", "Available", "Programmed", "Accepted"):
        if name in found:
            return ready() if is_true(found[name]) else progressing(told(found[name]))
    if is_true(found.get("NotReady")):
        return failing(told(found["NotReady"]))
    return Verdict(EXISTS)


def exists(live: Mapping[str, Any]) -> Verdict:
    return Verdict(EXISTS)


FLUX_KINDS = {
    "source.toolkit.fluxcd.io": ("Bucket", "GitRepository", "HelmChart", "HelmRepository", "OCIRepository"),
    "kustomize.toolkit.fluxcd.io": ("Kustomization",),
    "helm.toolkit.fluxcd.io": ("HelmRelease",),
    "image.toolkit.fluxcd.io": ("ImagePolicy", "ImageRepository", "ImageUpdateAutomation"),
    "notification.toolkit.fluxcd.io": ("Receiver",),
}
STRIMZI_KINDS = ("KafkaBridge", "KafkaConnect", "KafkaConnector", "KafkaMirrorMaker2", "KafkaRebalance", "KafkaUser")

#: (group, kind) -> (predicate, whether a status of an older generation proves nothing)
TABLE: dict[tuple[str, str], tuple[Predicate, bool]] = {
    ("", "Namespace"): (namespace, False),
    ("", "PersistentVolumeClaim"): (claim, False),
    ("", "Pod"): (pod, False),
    ("", "Service"): (service, False),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (definition, False),
    ("apiregistration.k8s.io", "APIService"): (api_service, False),
    ("apps", "DaemonSet"): (daemon_set, True),
    ("apps", "Deployment"): (deployment, True),
    ("apps", "ReplicaSet"): (replica_set, True),
    ("apps", "StatefulSet"): (stateful_set, True),
    ("batch", "Job"): (job, False),
    ("core.strimzi.io", "StrimziPodSet"): (strimzi_pod_set, True),
    ("kafka.strimzi.io", "Kafka"): (kafka, True),
    ("kafka.strimzi.io", "KafkaNodePool"): (kafka_node_pool, True),
    ("kafka.strimzi.io", "KafkaTopic"): (kafka_topic, True),
    ("postgresql.cnpg.io", "Backup"): (cnpg_backup, False),
    ("postgresql.cnpg.io", "Cluster"): (cnpg_cluster, False),
    ("postgresql.cnpg.io", "Database"): (cnpg_database, True),
    ("postgresql.cnpg.io", "Pooler"): (cnpg_pooler, False),
    ("postgresql.cnpg.io", "ScheduledBackup"): (cnpg_scheduled_backup, False),
    ("volsync.backube", "ReplicationDestination"): (volsync, False),
    ("volsync.backube", "ReplicationSource"): (volsync, False),
    ("snapshot.storage.k8s.io", "VolumeSnapshot"): (volume_snapshot, False),
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent"): (volume_snapshot, False),
    ("external-secrets.io", "ClusterSecretStore"): (external_secret, False),
    ("external-secrets.io", "ExternalSecret"): (external_secret, False),
    ("external-secrets.io", "PushSecret"): (external_secret, False),
    ("external-secrets.io", "SecretStore"): (external_secret, False),
    ("fluxcd.controlplane.io", "FluxInstance"): (flux_instance, False),
    **{("kafka.strimzi.io", kind): (strimzi, True) for kind in STRIMZI_KINDS},
    **{(group, kind): (flux, False) for group, kinds in FLUX_KINDS.items() for kind in kinds},
}


#: seconds a failure may last that could still pass by itself
FAILURE_GRACE = 30.0
#: Strimzi writes a status at the end of a reconciliation: a passing failure stands in it until the next periodic one,
#: 120 s later
FAILURE_GRACE_OF = {"kafka.strimzi.io": 150.0}


def failure_grace(group: str) -> float:
    """How long a failing object of an API group may be so, where the user has not said it."""
    return FAILURE_GRACE_OF.get(group, FAILURE_GRACE)


#: Kubernetes' own groups with a dot. Other groups under k8s.io, such as the Gateway API's, are of custom resources.
BUILT_IN = tuple(
    f"{group}.k8s.io"
    for group in (
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "storage",
        "storagemigration",
    )
)


def has_health(group: str, kind: str) -> bool:
    """False for built-in kinds that are ready as soon as they exist: their content need not be read."""
    if (group, kind) in TABLE:
        return True
    return "." in group and group not in BUILT_IN


def worse(verdict: Verdict, pods: Verdict | None) -> Verdict:
    """An object's verdict with what its pods add. Their failure counts only where no restart can mend it."""
    if pods is None or verdict.state != PROGRESSING:
        return verdict
    reason = f"{verdict.reason}; {pods.reason}" if verdict.reason else pods.reason
    return Verdict(pods.state, reason)


def judge(live: Mapping[str, Any], predicate: Predicate | None = None) -> Verdict:
    """The verdict on a live object, by its kind's predicate or by another one."""
    metadata = live.get("metadata") or {}
    if metadata.get("deletionTimestamp"):
        held = ", ".join(metadata.get("finalizers") or [])
        return progressing("it is being deleted" + (f", held by {held}" if held else ""))
    default, by_generation = TABLE.get((group_of(live), live.get("kind") or ""), (general, False))
    if not has_health(group_of(live), live.get("kind") or "") and predicate is None:
        return Verdict(EXISTS)
    late = outdated(live) if by_generation else None
    return late or (predicate or default)(live)
