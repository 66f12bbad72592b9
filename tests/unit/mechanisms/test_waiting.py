# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait itself: one clock, early failures, and what a failure tells."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import waiting as waiting_module
from ansible_collections.synergyflow.platform.plugins.module_utils.causes import PODS_OF
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer
from ansible_collections.synergyflow.platform.plugins.module_utils.discovery import Resource, Served
from ansible_collections.synergyflow.platform.plugins.module_utils.waiting import NotReadyError, Wait
from scripted_api import answer, status

RESOURCES = [
    Resource("apps", "v1", "Deployment", "deployments", True),
    Resource("", "v1", "ConfigMap", "configmaps", True),
    Resource("kafka.strimzi.io", "v1", "Kafka", "kafkas", True),
    Resource("kafka.strimzi.io", "v1", "KafkaNodePool", "kafkanodepools", True),
    Resource("core.strimzi.io", "v1", "StrimziPodSet", "strimzipodsets", True),
    Resource("batch", "v1", "Job", "jobs", True),
    Resource("postgresql.cnpg.io", "v1", "Pooler", "poolers", True),
]
CANARY = "canary-4711-value"


class World:
    """Objects and time of a small cluster; `changes` happen at their second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.objects: dict[str, Any] = {}
        self.changes: dict[float, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.refuse: set[str] = set()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for second in sorted(self.changes):
            if second <= self.now:
                self.objects |= self.changes.pop(second)

    def handler(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        self.asked.append(path)
        assert method == "GET"
        if path in self.refuse:
            return status(403, 'secrets is forbidden: User "x" cannot get resource', "Forbidden")
        if path.endswith("/log"):
            return Answer(200, {}, self.objects[path].encode())
        if self.objects.get(path):
            return answer(200, self.objects[path])
        if path.rpartition("/")[2] in ("deployments", "configmaps", "kafkas", "pods", "events", "strimzipodsets"):
            items = [
                it for key, it in sorted(self.objects.items()) if key.startswith(f"{path}/") and isinstance(it, dict)
            ]
            return answer(200, {"items": items})
        return status(404, "not found", "NotFound")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    it = World()
    monkeypatch.setattr(waiting_module.time, "sleep", it.sleep)
    return it


@pytest.fixture
def wait(world: World, scripted: Any) -> Callable[..., Wait]:
    def make(objects: list[Any], timeout: float = 60, grace: float | None = 30, said: list[str] | None = None) -> Wait:
        api = scripted(world.handler, timeout)
        api.deadline._clock = lambda: world.now
        api.deadline.started = 0.0
        served = Served()
        for resource in RESOURCES:
            served.add(resource)
        api._served = served
        it = Wait(api, grace, progress=(said if said is not None else []).append)
        it.prepare(objects)
        return it

    return make


def deployment(available: int = 0, name: str = "web") -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "n", "generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": available},
    }


def kafka(**condition: str) -> dict[str, Any]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "Kafka",
        "metadata": {"name": "k", "namespace": "n", "generation": 1},
        "status": {"observedGeneration": 1, "conditions": [condition], "listeners": [{"name": "tls"}]},
    }


WEB = "/apis/apps/v1/namespaces/n/deployments/web"
KAFKA = "/apis/kafka.strimzi.io/v1/namespaces/n/kafkas/k"
PODS = "/api/v1/namespaces/n/pods"


def test_it_ends_when_all_are_ready(world: World, wait: Any) -> None:
    world.objects[WEB] = deployment()
    world.changes[7.0] = {WEB: deployment(available=1)}
    said: list[str] = []
    (result,) = wait([deployment()], said=said).run()
    assert (result["verdict"], result["reason"]) == ("ready", "1 of 1 replicas are available")
    assert 7 <= result["seconds"] <= 9
    assert said == ["0 of 1 ready after 6 s, waiting for Deployment n/web: 0 of 1 replicas are available"]


def test_the_same_is_said_again_after_a_while_only(world: World, wait: Any) -> None:
    world.objects[WEB] = deployment()
    world.changes[70.0] = {WEB: deployment(available=1)}
    said: list[str] = []
    wait([deployment()], timeout=90, grace=90, said=said).run()
    assert [line.split(" ready after ")[1].split(" ")[0] for line in said] == ["6", "36", "66"]


def test_what_was_ready_is_judged_again(world: World, wait: Any) -> None:
    world.objects |= {WEB: deployment(), KAFKA: kafka(type="Ready", status="True")}
    world.changes[10.0] = {KAFKA: kafka(type="NotReady", status="True", reason="Other", message="rolling")}
    world.changes[20.0] = {WEB: deployment(available=1)}
    world.changes[30.0] = {KAFKA: kafka(type="Ready", status="True")}
    web, cluster = wait([deployment(), kafka()]).run()
    assert (web["verdict"], cluster["verdict"]) == ("ready", "ready")
    assert 20 <= web["seconds"] <= 22, "when it became ready, not when it was seen last"
    assert 30 <= cluster["seconds"] <= 32, "when it became ready for the last time"


def test_a_job_that_is_removed_after_its_end_stays_done(world: World, wait: Any) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "n"}}
    path = "/apis/batch/v1/namespaces/n/jobs/j"
    world.objects |= {WEB: deployment()}
    world.objects[path] = job | {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    world.changes[10.0] = {WEB: deployment(), path: None}
    world.changes[20.0] = {WEB: deployment(available=1)}
    assert [it["verdict"] for it in wait([deployment(), job]).run()] == ["ready", "ready"]


def test_many_objects_of_a_kind_are_one_list_a_look(world: World, wait: Any) -> None:
    maps = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c-{n}", "namespace": "n"}} for n in range(9)
    ]
    for it in maps:
        world.objects[f"/api/v1/namespaces/n/configmaps/{it['metadata']['name']}"] = it
    world.objects[WEB] = deployment()
    world.changes[20.0] = {WEB: deployment(available=1)}
    wait([*maps, deployment()]).run()
    assert world.asked.count("/api/v1/namespaces/n/configmaps") == world.asked.count(WEB)
    assert not [path for path in world.asked if "/configmaps/" in path]


def test_a_final_failure_ends_it_at_once(world: World, wait: Any) -> None:
    world.objects[KAFKA] = kafka(
        type="NotReady",
        status="True",
        reason="UnsupportedKafkaVersionException",
        message="Unsupported Kafka.spec version",
    )
    with pytest.raises(NotReadyError) as failed:
        wait([kafka()], timeout=900).run()
    assert world.now == 0
    assert "Kafka n/k: NotReady UnsupportedKafkaVersionException: Unsupported Kafka.spec version" in str(failed.value)
    assert failed.value.objects[0]["verdict"] == "failed"


def told_at(when: float, reason: str = "UnsupportedKafkaVersionException") -> dict[str, Any]:
    moment = datetime.fromtimestamp(when, UTC).isoformat().replace("+00:00", "000Z")
    return kafka(type="NotReady", status="True", reason=reason, message="3.8.1", lastTransitionTime=moment)


def test_a_final_failure_of_before_may_be_mended(world: World, wait: Any) -> None:
    """As after an upgrade of the operator: the Kafka itself did not change."""
    world.objects[KAFKA] = told_at(time.time() - 3600)
    world.changes[40.0] = {KAFKA: kafka(type="Ready", status="True")}
    (result,) = wait([kafka()], timeout=900, grace=None).run()
    assert result["verdict"] == "ready"


def test_a_final_failure_of_before_that_stays_ends_it_after_the_grace(world: World, wait: Any) -> None:
    world.objects[KAFKA] = told_at(time.time() - 3600)
    with pytest.raises(NotReadyError, match="UnsupportedKafkaVersionException") as lost:
        wait([kafka()], timeout=900, grace=60).run()
    assert 60 <= world.now <= 63
    assert lost.value.objects[0]["verdict"] == "failed"


def test_a_final_failure_of_what_was_just_written_ends_it_at_once(world: World, wait: Any) -> None:
    world.objects[KAFKA] = told_at(time.time() - 5)
    with pytest.raises(NotReadyError, match="UnsupportedKafkaVersionException"):
        wait([kafka()], timeout=900).run()
    assert world.now == 0


POOL = "/apis/kafka.strimzi.io/v1/namespaces/n/kafkanodepools/broker"
POD_SETS = "/apis/core.strimzi.io/v1/namespaces/n/strimzipodsets"


def pool() -> dict[str, Any]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaNodePool",
        "metadata": {"name": "broker", "namespace": "n", "generation": 2, "labels": {"strimzi.io/cluster": "k"}},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 2, "nodeIds": [0]},
    }


def pod_set(current: int) -> dict[str, Any]:
    labels = {"strimzi.io/cluster": "k", "strimzi.io/kind": "Kafka", "strimzi.io/pool-name": "broker"}
    return {
        "metadata": {"name": "k-broker", "namespace": "n", "generation": 4, "labels": labels},
        "spec": {"pods": [{}]},
        "status": {"observedGeneration": 4, "readyPods": 1, "currentPods": current},
    }


def test_a_kafka_and_its_pool_are_ready_when_the_pods_are_rolled(world: World, wait: Any) -> None:
    ready = kafka(type="Ready", status="True")
    world.objects |= {KAFKA: ready, POOL: pool(), f"{POD_SETS}/k-broker": pod_set(current=0)}
    world.changes[20.0] = {f"{POD_SETS}/k-broker": pod_set(current=1)}
    results = wait([kafka(), pool()]).run()
    assert [it["verdict"] for it in results] == ["ready", "ready"]
    assert all(20 <= it["seconds"] <= 22 for it in results)
    assert world.asked.count(POD_SETS) == world.asked.count(KAFKA), "one list a look, whatever the number of pools"


def test_pod_sets_that_may_not_be_read_do_not_count(world: World, wait: Any) -> None:
    world.objects |= {KAFKA: kafka(type="Ready", status="True"), POOL: pool()}
    world.refuse.add(POD_SETS)
    assert [it["verdict"] for it in wait([kafka(), pool()]).run()] == ["ready", "ready"]


POOLER = "/apis/postgresql.cnpg.io/v1/namespaces/n/poolers/web"


def pooler() -> dict[str, Any]:
    """As the operator writes it when the pods have been made, whether or not they run."""
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Pooler",
        "metadata": {"name": "web", "namespace": "n", "generation": 1},
        "spec": {"instances": 1},
        "status": {"phase": "active", "instances": 1},
    }


def test_a_pooler_is_ready_when_its_pods_are(world: World, wait: Any) -> None:
    world.objects |= {POOLER: pooler(), WEB: deployment(available=0)}
    world.changes[20.0] = {WEB: deployment(available=1)}
    (result,) = wait([pooler()]).run()
    assert result["verdict"] == "ready"
    assert 20 <= result["seconds"] <= 22


def test_a_pooler_whose_pods_never_run_is_not_ready(world: World, wait: Any) -> None:
    world.objects |= {POOLER: pooler(), WEB: deployment(available=0)}
    with pytest.raises(NotReadyError, match=r"Pooler n/web: 0 of 1 replicas are available"):
        wait([pooler()]).run()


def test_a_poolers_deployment_that_may_not_be_read_does_not_count(world: World, wait: Any) -> None:
    world.objects[POOLER] = pooler()
    world.refuse.add(WEB)
    assert [it["verdict"] for it in wait([pooler()]).run()] == ["ready"]


def test_after_an_upgrade_the_new_operator_must_have_been_through(world: World, wait: Any) -> None:
    old, new = (kafka(type="Ready", status="True") for _ in range(2))
    old["status"]["operatorLastSuccessfulVersion"] = "1.1.0"
    new["status"]["operatorLastSuccessfulVersion"] = "1.2.0"
    world.objects[KAFKA] = old
    world.changes[20.0] = {KAFKA: new}
    it = wait([kafka()])
    it.strimzi_version = "1.2.0"
    it.look()
    assert it.results()[0]["reason"] == "reconciled by Strimzi 1.1.0, not yet by 1.2.0"
    (result,) = it.run()
    assert 20 <= result["seconds"] <= 22


def test_the_pods_of_a_pool_are_those_of_its_own_kafka() -> None:
    selects = PODS_OF[("kafka.strimzi.io", "KafkaNodePool")]
    assert selects(pool()) == "strimzi.io/cluster=k,strimzi.io/pool-name=broker"


def test_a_failure_that_may_pass_gets_its_grace(world: World, wait: Any) -> None:
    world.objects[KAFKA] = kafka(type="NotReady", status="True", reason="FatalProblem", message="Pod is not starting")
    with pytest.raises(NotReadyError, match="FatalProblem"):
        wait([kafka()], timeout=900, grace=30).run()
    assert 30 <= world.now <= 33


@pytest.mark.parametrize(
    ("path", "live", "seconds"),
    [
        (KAFKA, kafka(type="NotReady", status="True", reason="FatalProblem", message="x"), 150),
        (WEB, deployment() | {"status": {"conditions": [{"type": "ReplicaFailure", "status": "True"}]}}, 30),
    ],
)
def test_without_a_grace_of_the_users_a_kind_has_its_own(
    path: str, live: dict[str, Any], seconds: int, world: World, wait: Any
) -> None:
    live["status"]["observedGeneration"] = 1
    world.objects[path] = live
    with pytest.raises(NotReadyError, match="failed"):
        wait([live], timeout=900, grace=None).run()
    assert seconds <= world.now <= seconds + 3


def test_a_failure_that_passes_does_not_count(world: World, wait: Any) -> None:
    bad = kafka(type="NotReady", status="True", reason="FatalProblem", message="x")
    world.objects[KAFKA] = bad
    world.changes = {20.0: {KAFKA: kafka(type="Other", status="True")}, 25.0: {KAFKA: bad}}
    world.changes[50.0] = {KAFKA: kafka(type="Ready", status="True")}
    (result,) = wait([kafka()], timeout=900, grace=30).run()
    assert result["verdict"] == "ready"


def test_an_image_that_cannot_be_had_fails_before_the_deadline(world: World, wait: Any) -> None:
    world.objects[WEB] = deployment()
    world.objects[f"{PODS}/web-1"] = pod({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})
    with pytest.raises(NotReadyError, match="container main ImagePullBackOff: no such image"):
        wait([deployment()], timeout=900, grace=30).run()
    assert world.now < 60


def pod(state: dict[str, Any], **last: Any) -> dict[str, Any]:
    container = {"name": "main", "ready": False, "state": state, "lastState": last}
    return {
        "metadata": {"name": "web-1", "namespace": "n", "labels": {"app": "web"}},
        "spec": {
            "containers": [{"name": "main", "env": [{"valueFrom": {"secretKeyRef": {"name": "login", "key": "p"}}}]}]
        },
        "status": {"phase": "Running", "containerStatuses": [container]},
    }


def failure(world: World, wait: Any) -> str:
    crash = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    world.objects |= {
        WEB: deployment(),
        f"{PODS}/web-1": pod(crash, terminated={"exitCode": 1}),
        f"{PODS}/web-1/log": f"starting\nlogin with {CANARY} refused\npassword=hunter22 is wrong\n",
        "/api/v1/namespaces/n/secrets/login": {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "login", "namespace": "n"},
            "data": {"p": base64.b64encode(CANARY.encode()).decode()},
        },
        "/api/v1/namespaces/n/events/1": {
            "metadata": {"name": "1"},
            "type": "Warning",
            "reason": "BackOff",
            "message": "Back-off restarting failed container",
            "count": 4,
            "lastTimestamp": "2026-01-01T00:00:00Z",
        },
    }
    with pytest.raises(NotReadyError) as failed:
        wait([deployment()], timeout=20).run()
    return str(failed.value)


def test_a_failure_tells_events_and_the_end_of_the_log(world: World, wait: Any) -> None:
    text = failure(world, wait)
    assert text.startswith("1 of 1 objects are not ready after 20 s:")
    assert "Deployment n/web: 0 of 1 replicas are available; Pod n/web-1: container main CrashLoopBackOff" in text
    assert "event: Warning BackOff: Back-off restarting failed container (4 times)" in text
    assert "Pod n/web-1, container main, log: starting" in text


def test_no_secret_in_the_log_that_is_shown(world: World, wait: Any) -> None:
    text = failure(world, wait)
    assert "login with <masked> refused" in text
    assert "password=<masked> is wrong" in text
    assert CANARY not in text
    assert "hunter22" not in text


def test_no_secret_in_the_reasons_that_are_returned(world: World, wait: Any) -> None:
    world.objects[KAFKA] = kafka(
        type="NotReady", status="True", reason="InvalidResourceException", message=f"{CANARY} is no user"
    )
    it = wait([kafka()])
    it.api.masker.always([CANARY])
    with pytest.raises(NotReadyError) as failed:
        it.run()
    assert failed.value.objects[0]["reason"] == "NotReady InvalidResourceException: <masked> is no user"


def test_a_log_whose_secrets_cannot_be_masked_is_not_shown(world: World, wait: Any) -> None:
    world.refuse.add("/api/v1/namespaces/n/secrets/login")
    text = failure(world, wait)
    assert CANARY not in text
    assert "starting" not in text.replace("restarting", "")
    assert "kubectl logs -n n web-1 -c main" in text
