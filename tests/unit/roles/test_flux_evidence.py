# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC11: what counts as Flux being well, and that nothing else does."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.action.evidence_report import shortcomings
from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import NOT_SERVED, Seen
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import flux
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_drift import Drift
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key
from failing import fails

GIT = "https://git.example.org/x.git"
NEW, OLD = f"main@sha1:{'b' * 40}", f"main@sha1:{'a' * 40}"
READY = [{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "observedGeneration": 1}]


def found(kind: str, name: str, api: str, state: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": 1, "conditions": READY, **(state or {})},
    }


def kustomization(revision: str = NEW, **spec: Any) -> dict[str, Any]:
    state = {"lastAppliedRevision": revision, "history": [{"lastReconciledDuration": "1m2.5s"}]}
    source = {"sourceRef": {"kind": "GitRepository", "name": "flux-system"}}
    return found("Kustomization", "kafka", "kustomize.toolkit.fluxcd.io/v1", state, **source, **spec)


def deployment(name: str) -> dict[str, Any]:
    state = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    return found("Deployment", name, "apps/v1", state, replicas=1)


def instance(version: str) -> dict[str, Any]:
    state = {"lastAppliedRevision": f"v2.9.4@sha256:{'c' * 64}"}
    distribution = {"version": version, "registry": "ghcr.io/fluxcd"}
    return found("FluxInstance", "flux", "fluxcd.controlplane.io/v1", state, distribution=distribution)


def away(name: str) -> dict[str, Any]:
    """A Deployment that was scaled to nothing."""
    return {**deployment(name), "spec": {"replicas": 0}, "status": {"observedGeneration": 1}}


@pytest.fixture
def synced(flux_values) -> dict[str, Any]:
    return flux_values | {"flux_git_url": GIT}


@pytest.fixture
def seen(flux_values) -> Seen:
    return Seen(
        {
            "instances": [instance(flux_values["flux_version"])],
            "helm_releases": [found("HelmRelease", "flux-instance", "helm.toolkit.fluxcd.io/v2")],
            "deployments": [deployment(name) for name in flux_values["flux_components"]],
            "git_repositories": [
                found("GitRepository", "flux-system", "source.toolkit.fluxcd.io/v1", {"artifact": {"revision": NEW}})
            ],
            "kustomizations": [kustomization()],
        }
    )


def by_id(values: dict[str, Any], seen: Seen) -> dict[str, Any]:
    return {record.id: record for record in flux.records(values, seen, {}, Drift())}


def test_all_is_well(synced, seen):
    records = by_id(synced, seen)
    good = ("instance", "self", "controllers", "source", "kustomizations", "helmreleases")
    assert {records[f"AC11-{name}"].status for name in good} == {"passed"}
    assert records["AC11-images"].status == "skipped"
    assert (records["AC13-flux"].status, records["AC13-flux"].observed) == ("passed", 62.5)


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": {"phase": "Pending"}}


@pytest.mark.parametrize(
    ("broken", "record", "said"),
    [
        ({"kustomizations": [kustomization(OLD)]}, "AC11-kustomizations", "its source is at main@sha1:bbb"),
        ({"kustomizations": [kustomization(suspend=True)]}, "AC11-kustomizations", "nobody corrects what is changed"),
        ({"deployments": [deployment("source-controller")]}, "AC11-controllers", "kustomize-controller: not there"),
        ({"deployments": [away("source-controller")]}, "AC11-controllers", "source-controller: it is scaled to 0"),
        ({"helm_releases": []}, "AC11-self", "there is no HelmRelease flux-instance"),
        ({"instances": []}, "AC11-instance", "there is no FluxInstance flux"),
        ({"instances": [instance("2.8.x")]}, "AC11-instance", "Flux 2.8.x, ready instead of Flux 2.9.x, ready"),
        ({"kustomizations": []}, "AC11-kustomizations", "there is no Kustomization: nobody brings what Git says"),
        ({"kustomizations": []}, "AC11-drift", "there is no Kustomization"),
        ({"kustomizations": []}, "AC13-flux", "there is no Kustomization"),
        ({"git_repositories": []}, "AC11-source", "there is no GitRepository"),
        ({"pods": [POD]}, "AC11-pods", "0 instead of 1: p: "),
        (
            {"helm_releases": [found("HelmRelease", "flux-instance", "helm.toolkit.fluxcd.io/v2", suspend=True)]},
            "AC11-helmreleases",
            "suspended",
        ),
    ],
)
def test_what_is_not_well_fails_with_its_reason(synced, seen, broken, record, said):
    seen.objects |= broken
    fails(by_id(synced, seen), record, said)


def test_image_automation_that_is_not_well_fails(synced, seen):
    failing = {"conditions": [{"type": "Ready", "status": "False", "reason": "AuthFailed", "message": "401"}]}
    seen.objects["image_repositories"] = [
        found("ImageRepository", "backend", "image.toolkit.fluxcd.io/v1", failing),
    ]
    values = synced | {"flux_images": [{"name": "backend"}]}
    fails(by_id(values, seen), "AC11-images", "0 instead of 3: ")
    fails(by_id(values, seen), "AC11-images", "401")


def test_a_slow_reconciliation_fails(synced, seen):
    fails(by_id(synced | {"flux_reconcile_seconds": 60}, seen), "AC13-flux", "62.5 instead of at most 60 s")


def test_what_is_switched_off_is_skipped(synced, seen):
    records = by_id(synced | {"flux_self_managed": False, "flux_git_url": ""}, seen)
    assert {records["AC11-self"].status, records["AC11-source"].status} == {"skipped"}


def test_metrics_that_the_rehearsals_pods_do_not_answer_are_no_shortcoming(flux_values, seen):
    pod = {"metadata": {"name": "p", "labels": {"synergyflow.platform/run-by": "process-node"}}, "status": {}}
    pods = Seen({**seen.objects, "pods": [pod]})
    metrics = flux.records(flux_values, pods, {"p": TimeoutError("no answer")})[-1]
    assert metrics.status == "blocked"
    assert shortcomings({"apps": [metrics.plain()]}, {}) == []
    real = Seen({**seen.objects, "pods": [POD]})
    fails(flux.records(flux_values, real, {"p": TimeoutError("no answer")}), "flux.metrics", "p: no answer")


def test_what_differs_from_git_is_named(synced, seen) -> None:
    topic = Key("kafka.strimzi.io", "KafkaTopic", "messaging", "events")
    drift = Drift(tried=[topic, topic._replace(name="other")], differing={topic: "changed by kubectl-edit"})
    words = "1 instead of 2: KafkaTopic messaging/events: changed by kubectl-edit"
    fails([flux.without_drift(synced, seen, drift)], "AC11-drift", words)
    assert flux.without_drift(synced, seen, Drift(tried=[topic])).status == "passed"


def test_what_could_not_be_compared_has_not_passed(flux_values, synced, seen) -> None:
    assert flux.without_drift(synced, seen, ClusterError("git fetch failed")).status == "blocked"
    assert flux.without_drift(synced, seen, Drift()).status == "skipped"
    assert flux.without_drift(flux_values, seen, None).status == "skipped"
    partly = flux.without_drift(synced, seen, Drift(tried=[Key("", "ConfigMap", "a", "b")], not_compared=["theirs"]))
    assert (partly.status, "theirs" in partly.detail) == ("passed", True)


OF_KUSTOMIZATIONS = ("AC11-kustomizations", "AC11-drift", "AC13-flux")


@pytest.mark.parametrize(
    ("git", "reason", "status"),
    [
        (GIT, "not allowed: User x cannot list resource kustomizations", "blocked"),
        ("", "not allowed: User x cannot list resource kustomizations", "blocked"),
        (GIT, f"{NOT_SERVED} Kustomization", "failed"),
        ("", f"{NOT_SERVED} Kustomization", "skipped"),
    ],
)
def test_kustomizations_that_cannot_be_read(flux_values, seen, git, reason, status) -> None:
    seen.objects["kustomizations"], seen.unread["kustomizations"] = [], reason
    records = by_id(flux_values | {"flux_git_url": git}, seen)
    # without a repository there is nothing to compare with, whatever may be read
    asked = [name for name in OF_KUSTOMIZATIONS if git or name != "AC11-drift"]
    assert {records[name].status for name in asked} == {status}
    assert all(reason in records[name].detail for name in asked)


def test_without_a_repository_there_may_be_no_kustomization(flux_values, seen) -> None:
    seen.objects["kustomizations"] = []
    records = by_id(flux_values, seen)
    assert {records[name].status for name in OF_KUSTOMIZATIONS} == {"skipped"}


def test_a_kustomization_that_was_not_reconciled_has_no_time(synced, seen) -> None:
    del seen["kustomizations"][0]["status"]["history"]
    assert by_id(synced, seen)["AC13-flux"].status == "blocked"
