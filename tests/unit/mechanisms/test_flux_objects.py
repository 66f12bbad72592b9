# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux objects: their order, when one is where it should be, and what a failure tells.

Conditions and messages are those of kustomize-controller 1.9 and source-controller 1.9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import flux_objects as module
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer
from ansible_collections.synergyflow.platform.plugins.module_utils.discovery import Resource, Served
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_graph import cycles, missing, waves
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_objects import (
    FluxObjects,
    FluxReport,
    FluxRequest,
    keys_from,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_status import (
    REQUESTED,
    checked_revision,
    progress,
    same_revision,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.readiness import judge
from scripted_api import answer, status

OLD, NEW = "a" * 40, "b" * 40
PLURALS = {"Kustomization": "kustomizations", "GitRepository": "gitrepositories", "HelmRelease": "helmreleases"}
GROUPS = {
    "Kustomization": "kustomize.toolkit.fluxcd.io",
    "GitRepository": "source.toolkit.fluxcd.io",
    "HelmRelease": "helm.toolkit.fluxcd.io",
}
VERSIONS = {"HelmRelease": "v2"}


def main_at(commit: str) -> str:
    return f"main@sha1:{commit}"


def condition(kind: str, value: str, reason: str, message: str, generation: int = 1) -> dict[str, Any]:
    return {
        "type": kind,
        "status": value,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": "2026-11-21T10:00:00Z",
    }


def flux_object(kind: str, name: str, spec: dict[str, Any], state: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUPS[kind]}/{VERSIONS.get(kind, 'v1')}",
        "kind": kind,
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1, "uid": f"uid-{name}", **metadata},
        "spec": spec,
        "status": state,
    }


def repository(commit: str = NEW, **more: Any) -> dict[str, Any]:
    state = {
        "observedGeneration": 1,
        "artifact": {"revision": main_at(commit)},
        "conditions": [condition("Ready", "True", "Succeeded", f"stored artifact for revision '{main_at(commit)}'")],
    }
    return flux_object("GitRepository", "flux-system", {"url": "https://git.example/x.git"}, state | more)


def kustomization(
    name: str, *needed: str, commit: str = NEW, spec: dict[str, Any] | None = None, **state: Any
) -> dict[str, Any]:
    applied = {
        "observedGeneration": 1,
        "lastAppliedRevision": main_at(commit),
        "lastAttemptedRevision": main_at(commit),
        "conditions": [condition("Ready", "True", "ReconciliationSucceeded", f"Applied revision: {main_at(commit)}")],
    }
    wanted = {
        "path": f"./{name}",
        "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
        "dependsOn": [{"name": each} for each in needed],
    }
    return flux_object("Kustomization", name, wanted | (spec or {}), applied | state)


def failing(name: str, reason: str, message: str, *needed: str, **state: Any) -> dict[str, Any]:
    """As after an attempt that failed: the next one is announced, observedGeneration has not moved."""
    conditions = [
        condition("Reconciling", "True", "ProgressingWithRetry", "Detecting drift for revision"),
        condition("Ready", "False", reason, message),
    ]
    found = kustomization(name, *needed, commit=OLD, conditions=conditions, observedGeneration=-1, **state)
    found["metadata"]["generation"] = 1
    return found


class Cluster:
    """Flux objects, time, and controllers as functions that answer a request."""

    def __init__(self, *objects: dict[str, Any]) -> None:
        self.now = 0.0
        self.objects = {(each["kind"], each["metadata"]["name"]): each for each in objects}
        self.written: list[tuple[str, dict[str, Any]]] = []
        self.controller: Callable[[dict[str, Any]], dict[str, Any]] = lambda live: live
        self.answers_after = 1.0
        self.due: list[tuple[float, tuple[str, str]]] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for when, key in [each for each in self.due if each[0] <= self.now]:
            self.due.remove((when, key))
            live = self.controller(self.objects[key])
            asked = live["metadata"].get("annotations", {}).get(REQUESTED)
            live["status"] = {**live["status"], "lastHandledReconcileAt": asked}
            self.objects[key] = live

    def handler(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        parts = path.strip("/").split("/")
        if parts[-1] == "events" or "/api/v1/" in path:
            return answer(200, {"items": []})
        kinds = {plural: kind for kind, plural in PLURALS.items()}
        if parts[-1] in kinds:
            return answer(
                200, {"items": [each for (kind, _n), each in self.objects.items() if kind == kinds[parts[-1]]]}
            )
        key = (kinds.get(parts[-2], ""), parts[-1])
        if key not in self.objects:
            return status(404, "not found", "NotFound")
        live = self.objects[key]
        if method != "PATCH":
            return answer(200, live)
        assert query["fieldManager"] == "synergyflow.platform"
        assert body["metadata"]["uid"] == live["metadata"]["uid"]
        merged = {**live, "metadata": {**live["metadata"]}, "spec": dict(live["spec"])}
        for name, value in (body.get("spec") or {}).items():
            merged["spec"] = {key: old for key, old in merged["spec"].items() if key != name}
            if value is not None:
                merged["spec"][name] = value
        merged["metadata"]["annotations"] = {
            **live["metadata"].get("annotations", {}),
            **body["metadata"].get("annotations", {}),
        }
        if not query.get("dryRun"):
            self.written.append((key[1], body))
            self.objects[key] = merged
            self.due.append((self.now + self.answers_after, key))
        return answer(200, merged)


@pytest.fixture
def run(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FluxReport]:
    def go(cluster: Cluster, state: str, *names: str, kind: str = "Kustomization", **more: Any) -> FluxReport:
        monkeypatch.setattr(module.time, "sleep", cluster.sleep)
        api = scripted(cluster.handler, 60)
        api.deadline._clock = lambda: cluster.now
        api.deadline.started = 0.0
        served = Served()
        for each, plural in PLURALS.items():
            served.add(Resource(GROUPS[each], VERSIONS.get(each, "v1"), each, plural, True))
        api._served = served
        keys = keys_from([{"kind": kind, "name": name} for name in names], "flux-system")
        return FluxObjects(api, FluxRequest(state, keys, **more)).run()

    return go


def applies(commit: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Controllers that bring everything to a commit."""

    def controller(live: dict[str, Any]) -> dict[str, Any]:
        name = live["metadata"]["name"]
        fresh = repository(commit) if live["kind"] == "GitRepository" else kustomization(name, commit=commit)
        return {**live, "status": fresh["status"]}

    return controller


# -- order


def test_sources_come_first_and_dependencies_before_those_that_need_them() -> None:
    objects = [kustomization("app", "registry", "database"), kustomization("registry", "kafka")]
    objects += [kustomization("kafka"), kustomization("database"), repository()]
    found = [[each["metadata"]["name"] for each in wave] for wave in waves(objects)]
    assert found == [["flux-system"], ["kafka", "database"], ["registry"], ["app"]]


def test_a_missing_dependency_and_a_circle_are_named() -> None:
    assert missing([kustomization("a", "b")]) == [
        "Kustomization flux-system/a depends on Kustomization flux-system/b, which does not exist"
    ]
    (circle,) = cycles([kustomization("a", "b"), kustomization("b", "c"), kustomization("c", "a"), kustomization("d")])
    assert "flux-system/a -> Kustomization flux-system/b -> Kustomization flux-system/c" in circle


# -- revisions


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        (main_at(NEW), NEW, True),
        (main_at(NEW), f"sha1:{NEW}", True),
        (main_at(NEW), main_at(NEW), True),
        (f"refs/heads/{main_at(NEW)}", main_at(NEW), True),
        (main_at(NEW), f"dev@sha1:{NEW}", False),
        (main_at(OLD), NEW, False),
        ("", NEW, False),
    ],
)
def test_one_revision_has_several_names(found: str, wanted: str, same: bool) -> None:
    assert same_revision(found, wanted) is same


@pytest.mark.parametrize("text", ["main", "bbbbbbb", "main@sha1:bbb", "HEAD"])
def test_what_can_be_no_revision_is_refused(text: str) -> None:
    with pytest.raises(ClusterError, match="full commit hash"):
        checked_revision(text)


# -- verdicts


def test_an_answer_to_another_request_and_ready_from_before_prove_nothing() -> None:
    live = kustomization("a", commit=OLD, lastHandledReconcileAt="earlier")
    live["metadata"]["annotations"] = {REQUESTED: "now"}
    assert progress(live, "now", NEW).state == "progressing"
    live["status"]["lastHandledReconcileAt"] = "now"
    verdict = progress(live, "now", NEW)
    assert (verdict.state, OLD in verdict.reason, NEW in verdict.reason) == ("failing", True, True)


@pytest.mark.parametrize(
    ("reason", "message", "state"),
    [
        ("ArtifactFailed", "kustomization path not found: stat /tmp/x: no such file or directory", "failed"),
        ("BuildFailed", "kustomize build failed: accumulating resources", "failed"),
        ("ReconciliationFailed", "Deployment/n/x dry-run failed", "failing"),
        ("HealthCheckFailed", "timeout waiting for: [Kafka/messaging/synergyflow status: 'InProgress']", "failing"),
        ("DependencyNotReady", "dependency 'flux-system/b' is not ready", "progressing"),
        ("DependencyNotReady", "dependency 'flux-system/b' not found: ...", "failing"),
    ],
)
def test_a_failure_that_no_attempt_mends_is_final(reason: str, message: str, state: str) -> None:
    live = failing("a", reason, message, lastHandledReconcileAt="now")
    live["metadata"]["annotations"] = {REQUESTED: "now"}
    assert progress(live, "now", NEW).state == state


def test_a_failure_from_the_start_is_told_although_nothing_was_observed_yet() -> None:
    verdict = judge(failing("a", "ReconciliationFailed", "no matches for kind"))
    assert (verdict.state, "no matches for kind" in verdict.reason) == ("failing", True)
    of_an_older_spec = failing("a", "ReconciliationFailed", "no matches for kind")
    of_an_older_spec["metadata"]["generation"] = 2
    assert judge(of_an_older_spec).state == "progressing"


def test_a_flux_instance_counts_when_its_condition_is_of_this_generation() -> None:
    live = {
        "apiVersion": "fluxcd.controlplane.io/v1",
        "kind": "FluxInstance",
        "metadata": {"name": "flux", "namespace": "flux-system", "generation": 2},
        "status": {"conditions": [condition("Ready", "True", "ReconciliationSucceeded", "done", generation=1)]},
    }
    assert judge(live).state == "progressing"
    live["metadata"]["generation"] = 1
    assert judge(live).state == "ready"


# -- runs


def test_a_revision_is_reached_wave_by_wave(run: Any) -> None:
    cluster = Cluster(repository(OLD), kustomization("kafka", commit=OLD), kustomization("app", "kafka", commit=OLD))
    cluster.controller = applies(NEW)
    report = run(cluster, "reconciled", "app", "kafka", revision=NEW)
    assert [name for name, _body in cluster.written] == ["flux-system", "kafka", "app"]
    assert {result["revision"] for result in report.results.values()} == {main_at(NEW)}
    assert report.changed


def test_what_is_there_already_is_not_asked_again(run: Any) -> None:
    cluster = Cluster(repository(), kustomization("kafka"), kustomization("app", "kafka"))
    report = run(cluster, "reconciled", "app", "kafka", revision=NEW)
    assert (report.changed, cluster.written) == (False, [])
    cluster.controller = applies(NEW)
    assert run(cluster, "reconciled", "kafka", revision=NEW, force=True).changed


def test_check_mode_sends_dry_runs_and_predicts(run: Any) -> None:
    cluster = Cluster(repository(OLD), kustomization("kafka", commit=OLD))
    report = run(cluster, "reconciled", "kafka", revision=NEW, check_mode=True)
    assert (report.changed, cluster.written) == (True, [])


def test_the_wrong_revision_fails_at_once_and_names_both(run: Any) -> None:
    cluster = Cluster(repository(OLD), kustomization("kafka", commit=OLD))
    cluster.controller = applies(OLD)
    with pytest.raises(ClusterError) as error:
        run(cluster, "reconciled", "kafka", revision=NEW)
    assert f"GitRepository flux-system/flux-system: it is at {main_at(OLD)}, expected {NEW}" in str(error.value)
    assert cluster.now < 5


def test_a_bad_path_fails_with_the_controllers_message(run: Any) -> None:
    cluster = Cluster(repository(), kustomization("kafka", commit=OLD))
    message = "kustomization path not found: stat /tmp/kustomization-1/kafka: no such file or directory"
    cluster.controller = lambda live: {**live, "status": failing("kafka", "ArtifactFailed", message)["status"]}
    with pytest.raises(ClusterError) as error:
        run(cluster, "reconciled", "kafka", revision=NEW)
    assert f"Kustomization flux-system/kafka: Ready ArtifactFailed: {message}" in str(error.value)
    assert cluster.now < 5


def test_a_dependency_that_fails_is_named_with_its_own_reason(run: Any) -> None:
    kafka = failing("kafka", "HealthCheckFailed", "timeout waiting for: [Kafka/messaging/k status: 'InProgress']")
    cluster = Cluster(repository(), kafka, kustomization("app", "kafka", commit=OLD))
    waits = [condition("Ready", "False", "DependencyNotReady", "dependency 'flux-system/kafka' is not ready")]
    cluster.controller = lambda live: {**live, "status": {**live["status"], "conditions": waits}}
    with pytest.raises(ClusterError) as error:
        run(cluster, "reconciled", "app", revision=NEW)
    assert "waits for Kustomization flux-system/kafka (failing: Ready HealthCheckFailed" in str(error.value)
    assert "Not reconciled after 60 s" in str(error.value)


def test_a_failed_health_check_says_what_the_checked_object_says(run: Any) -> None:
    release = flux_object(
        "HelmRelease", "k", {}, {"observedGeneration": 1, "conditions": [condition("Stalled", "True", "X", "no chart")]}
    )
    check = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "name": "k", "namespace": "flux-system"}
    message = "timeout waiting for: [HelmRelease/flux-system/k status: 'InProgress']"
    cluster = Cluster(repository(), release, kustomization("kafka", commit=OLD, spec={"healthChecks": [check]}))
    cluster.controller = lambda live: {**live, "status": failing("kafka", "HealthCheckFailed", message)["status"]}
    with pytest.raises(ClusterError) as error:
        run(cluster, "reconciled", "kafka", revision=NEW)
    assert "HelmRelease flux-system/k (InProgress for Flux): failed: Stalled X: no chart" in str(error.value)
    assert cluster.now >= 30, "a failure that may pass has its time"


def test_a_controller_that_does_not_answer_is_no_success(run: Any) -> None:
    cluster = Cluster(repository(), kustomization("kafka"))
    cluster.answers_after = 10_000.0
    with pytest.raises(ClusterError, match=r"has not answered the request yet.*does Flux run"):
        run(cluster, "reconciled", "kafka")


def test_suspending_waits_for_nothing_and_twice_changes_nothing(run: Any) -> None:
    cluster = Cluster(kustomization("kafka"), kustomization("app", "kafka"))
    assert run(cluster, "suspended", "app", "kafka").changed
    assert cluster.objects["Kustomization", "kafka"]["spec"]["suspend"] is True
    assert not run(cluster, "suspended", "app", "kafka").changed


def test_resuming_goes_in_order_and_waits_for_each(run: Any) -> None:
    cluster = Cluster(
        kustomization("app", "kafka", spec={"suspend": True}), kustomization("kafka", spec={"suspend": True})
    )
    cluster.controller = applies(NEW)
    report = run(cluster, "resumed", "app", "kafka")
    assert [name for name, _body in cluster.written] == ["kafka", "app"]
    assert "suspend" not in cluster.objects["Kustomization", "app"]["spec"]
    assert report.changed
    assert not run(cluster, "resumed", "app", "kafka").changed


@pytest.mark.parametrize(
    ("objects", "state", "more", "said"),
    [
        ([kustomization("other")], "reconciled", {}, "There is no Kustomization kafka .*: there are other"),
        ([kustomization("kafka", spec={"suspend": True})], "reconciled", {}, "kafka is suspended.*resume it first"),
        (
            [kustomization("kafka", "gone")],
            "reconciled",
            {},
            "depends on Kustomization flux-system/gone, which does not",
        ),
        ([kustomization("kafka")], "suspended", {"revision": NEW}, "revision: none of what is asked for"),
        (
            [
                kustomization("kafka", "held"),
                kustomization("held", commit=OLD, spec={"suspend": True}),
                repository(),
            ],
            "reconciled",
            {"revision": NEW},
            "depends on Kustomization flux-system/held, which is suspended at main@sha1:aaa.*resume it too",
        ),
    ],
)
def test_what_would_silently_do_nothing_is_refused(run: Any, objects: Any, state: str, more: Any, said: str) -> None:
    cluster = Cluster(*objects)
    with pytest.raises(ClusterError, match=said) as error:
        run(cluster, state, "kafka", **more)
    assert "Nothing has been changed" in str(error.value)
    assert cluster.written == []


def test_what_git_suspends_is_not_resumed_for_a_moment(run: Any) -> None:
    held = kustomization("kafka", spec={"suspend": True})
    held["metadata"]["managedFields"] = [
        {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:suspend": {}}}}
    ]
    with pytest.raises(ClusterError, match="suspended by kustomize-controller, which would do so again"):
        run(Cluster(held), "resumed", "kafka")
