# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks: the plan, the order, what is let go of first, who holds the lock, what a proof finds."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.action import kafka_reattach, rollback
from ansible_collections.synergyflow.platform.plugins.module_utils import api as api_module
from ansible_collections.synergyflow.platform.plugins.module_utils import removal
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_plan import PART_OF, parent_of, set_id
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError, UnreachableError
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_identity import PAUSE, decide, left_paused
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import key_of
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback import (
    deletion,
    journal,
    last_backup,
    look,
    plan,
    proof,
    report,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.components import (
    COMPONENTS,
    allowed,
    keeper,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.journal import Journal, Journals, Owner
from kept_objects import ObjectStore
from scripted_api import Clock, status

VALUES = {
    "kafka_cluster_namespace": "messaging",
    "kafka_cluster_name": "one",
    "schema_registry_namespace": "messaging",
    "flux_namespace": "flux-system",
    "strimzi_namespace": "messaging",
    "cnpg_namespace": "messaging",
    "cnpg_name": "db",
    "cnpg_install_method": "manifests",
    "cnpg_operator_namespace": "cnpg-system",
    "cnpg_backup": True,
    "cnpg_backup_timeout": 14400,
}
KAFKA_SET = ("messaging", "kafka-cluster-one")
REGISTRY_SET = ("messaging", "schema-registry")
MANAGED = [{"manager": "synergyflow.platform", "operation": "Apply"}]
CLUSTER = {"strimzi.io/cluster": "one"}
BROKERS = {**CLUSTER, "strimzi.io/component-type": "kafka"}


def made(kind: str, name: str, where: tuple[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """An object; with `where` a member of that set."""
    groups = {
        "Kafka": "kafka.strimzi.io/v1",
        "KafkaNodePool": "kafka.strimzi.io/v1",
        "KafkaTopic": "kafka.strimzi.io/v1",
        "KafkaUser": "kafka.strimzi.io/v1",
        "Deployment": "apps/v1",
        "Cluster": "postgresql.cnpg.io/v1",
        "ObjectStore": "barmancloud.cnpg.io/v1",
        "ExternalSecret": "external-secrets.io/v1",
        "HelmRelease": "helm.toolkit.fluxcd.io/v2",
        "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
    }
    labels = {**more.pop("labels", {}), **({PART_OF: set_id(where[1], where[0])} if where else {})}
    metadata = {
        "name": name,
        "namespace": more.pop("namespace", "messaging"),
        "uid": f"{kind}-{name}",
        "labels": labels,
    }
    if where:
        metadata["managedFields"] = MANAGED
    if kind == "Namespace":
        del metadata["namespace"]
    metadata |= more.pop("metadata", {})
    return {"apiVersion": groups.get(kind, "v1"), "kind": kind, "metadata": metadata, **more}


def record(where: tuple[str, str], *members: dict[str, Any]) -> dict[str, Any]:
    return parent_of([key_of(each) for each in members], where[0]).manifest(where[1], where[0])


def topic(name: str, **more: Any) -> dict[str, Any]:
    return made("KafkaTopic", name, KAFKA_SET, labels=CLUSTER, **more)


def platform(*more: dict[str, Any], kafka: dict[str, Any] | None = None) -> ObjectStore:
    """A Kafka with a topic, a user and a volume; a registry beside it."""
    members = [
        kafka or made("Kafka", "one", KAFKA_SET, status={"clusterId": "the-id"}),
        made("KafkaNodePool", "brokers", KAFKA_SET, labels=CLUSTER),
        topic("orders"),
        made("KafkaUser", "app", KAFKA_SET, labels=CLUSTER),
    ]
    registry = [
        made("Deployment", "schema-registry", REGISTRY_SET, labels={"app.kubernetes.io/name": "schema-registry"}),
        made("Service", "schema-registry", REGISTRY_SET),
        made("KafkaTopic", "schemas", REGISTRY_SET, labels=CLUSTER),
    ]
    claim = made("PersistentVolumeClaim", "data-0", labels=BROKERS, status={"phase": "Bound"})
    store = ObjectStore(*members, *registry, claim, *more)
    store.add(record(KAFKA_SET, *members))
    store.add(record(REGISTRY_SET, *registry))
    return store


@pytest.fixture
def planned(
    scripted: Callable[..., Api], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Api, plan.Plan]]:
    for module in (api_module, deletion, journal, proof, removal):
        monkeypatch.setattr(module, "time", clock)

    def make(store: ObjectStore, name: str = "kafka_cluster", timeout: float = 20.0, **more: Any) -> Any:
        api = scripted(store.handle, timeout, clock.monotonic)
        seen = look.look(api, name, VALUES, "apps")
        broken = look.dependants(name, seen, {}, "apps")
        return api, plan.build(name, "apps", VALUES, seen, broken=broken, **more)

    return make


# -- the plan


def test_topics_and_users_go_before_their_kafka(planned: Any) -> None:
    _api, found = planned(platform())
    kinds = [sorted(each["kind"] for each in wave) for wave in found.delete]
    assert kinds == [["KafkaTopic", "KafkaUser"], ["Kafka"], ["KafkaNodePool"]]


def test_the_registry_is_gone_before_its_topic(planned: Any) -> None:
    _api, found = planned(platform(), "schema_registry")
    assert [each["kind"] for each in found.delete[-1]] == ["KafkaTopic"]
    assert "Deployment" in [each["kind"] for each in found.delete[0]]


def test_kept_volumes_are_no_data_that_dies_and_deleted_ones_are(planned: Any) -> None:
    _api, keeping = planned(platform())
    assert keeping.destroyed == []
    _api, deleting = planned(platform(), delete_claims=True)
    assert deleting.destroyed == ["the data of PersistentVolumeClaim messaging/data-0"]
    assert "DATA THAT DIES" in plan.text(deleting, "kafka_cluster@apps")


def test_a_volume_that_goes_with_its_pool_is_data_that_dies(planned: Any) -> None:
    store = platform()
    store.get("PersistentVolumeClaim", "data-0")["metadata"]["ownerReferences"] = [{"uid": "KafkaNodePool-brokers"}]
    _api, found = planned(store)
    assert found.destroyed == ["the data of PersistentVolumeClaim messaging/data-0"]


def test_dependants_are_named_with_what_becomes_of_them(planned: Any) -> None:
    _api, found = planned(platform())
    text = plan.text(found, "kafka_cluster@apps")
    assert "schema_registry (messaging/schema-registry): has nowhere to keep its schemas" in text
    assert "KafkaTopic messaging/schemas: stay, and wait for its return" in text
    assert "rollback_confirm=kafka_cluster@apps" in text


def test_namespaces_and_definitions_stay(planned: Any) -> None:
    where = ("messaging", "strimzi")
    members = [made("Namespace", "messaging", where), made("HelmRelease", "strimzi-kafka-operator", where)]
    _api, found = planned(ObjectStore(*members, record(where, *members)), "strimzi")
    assert [each["kind"] for each in found.objects] == ["HelmRelease"]
    assert [each["kind"] for each in found.stay] == ["Namespace"]


def test_a_suspended_release_is_resumed_so_that_it_uninstalls(planned: Any) -> None:
    where = ("messaging", "strimzi")
    release = made("HelmRelease", "strimzi-kafka-operator", where, spec={"suspend": True})
    _api, found = planned(ObjectStore(release, record(where, release)), "strimzi")
    assert [each["do"] for each in found.prepare] == [plan.RESUME]


def test_flux_is_told_to_forget_its_own_release_and_nothing_else_of_it_goes(planned: Any) -> None:
    where = ("flux-system", "flux")
    members = [
        made("HelmRelease", "flux-instance", where, namespace="flux-system"),
        made("Kustomization", "apps", where, namespace="flux-system"),
    ]
    store = ObjectStore(*members, record(where, *members))
    api, found = planned(store, "flux")
    assert [each["name"] for each in found.objects] == ["flux-instance"]
    assert [each["do"] for each in found.prepare] == [plan.SUSPEND]
    deletion.Deletion(api, found).run()
    assert store.get("HelmRelease", "flux-instance") is None
    assert store.get("Kustomization", "apps") is not None


def test_what_flux_applies_is_refused_by_name(planned: Any) -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "kafka", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    kafka = made("Kafka", "one", KAFKA_SET, labels=labels)
    owner = made("Kustomization", "kafka", namespace="flux-system")
    _api, found = planned(platform(owner, kafka=kafka))
    assert found.refused == [
        "Kustomization flux-system/kafka applies Kafka messaging/one and would make them again: have it let go of them"
        " first, without deleting them (kustomize.toolkit.fluxcd.io/prune: disabled, or helm.sh/resource-policy: keep,"
        " on each in its source; then take them out of it)"
    ]


def from_git(name: str, *members: dict[str, Any]) -> list[dict[str, Any]]:
    """A Kustomization and what it has applied, as when the collection delivers by Git: no record of a set."""
    own = {"kustomize.toolkit.fluxcd.io/name": name, "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    for each in members:
        each["metadata"]["labels"] |= own
        each["metadata"]["managedFields"] = [{"manager": "kustomize-controller", "operation": "Apply"}]
    ids = [
        f"{each['metadata']['namespace']}_{each['metadata']['name']}_{each['apiVersion'].rpartition('/')[0]}_{each['kind']}"
        for each in members
    ]
    status = {"inventory": {"entries": [{"id": each, "v": "v1"} for each in ids]}}
    of_root = {f"kustomize.toolkit.fluxcd.io/{each}": "flux-system" for each in ("name", "namespace")}
    applied = {"managedFields": [{"manager": "kustomize-controller", "operation": "Apply"}]}
    kustomization = made(
        "Kustomization", name, namespace="flux-system", labels=of_root, metadata=applied, spec={}, status=status
    )
    return [kustomization, *members]


@pytest.mark.parametrize("delete_claims", [False, True])
@pytest.mark.parametrize(
    ("host", "path"), [("apps", "./of/others"), ("of-another-name", "./kubernetes/workloads/platform/messaging/kafka")]
)
def test_what_git_brings_and_is_not_ours_to_take_out_is_refused(
    planned: Any, delete_claims: bool, host: str, path: str
) -> None:
    kafka = made("Kafka", "one", KAFKA_SET, status={"clusterId": "the-id"})
    claim = made("PersistentVolumeClaim", "data-0", labels=BROKERS)
    kustomization, *members = from_git(f"cluster-{host}-messaging-kafka", kafka)
    kustomization["spec"] = {"path": path}
    store = ObjectStore(kustomization, *members, claim, made("Pod", "one-0", labels=BROKERS))
    _api, found = planned(store, delete_claims=delete_claims)
    [why] = found.refused
    assert f"Kustomization flux-system/cluster-{host}-messaging-kafka brings kafka_cluster from Git" in why
    assert why in plan.text(found, "x")
    assert store.writes == []


def test_what_was_taken_over_from_git_is_rolled_back(planned: Any) -> None:
    """Without flux_git_url its Kustomization stays, suspended."""
    kustomization = from_git("cluster-apps-messaging-kafka", topic("orders"))[0]
    kustomization["spec"] = {"suspend": True}
    _api, found = planned(platform(kustomization))
    assert found.pending
    assert found.refused == []


def test_what_is_delivered_by_git_beside_it_is_compared_and_may_break(planned: Any) -> None:
    registry = made("Deployment", "registry", REGISTRY_SET, status={})
    _api, found = planned(platform(*from_git("cluster-apps-messaging-schema-registry", registry)))
    assert found.refused == []
    assert "apps|Deployment|messaging|registry" in found.others
    assert ("flux-system", "cluster-apps-messaging-schema-registry") in found.broken


def test_what_no_record_names_is_said_and_its_claims_are_not_deleted_under_it(planned: Any) -> None:
    claim, pod = made("PersistentVolumeClaim", "data-0", labels=BROKERS), made("Pod", "one-0", labels=BROKERS)
    _api, found = planned(ObjectStore(claim, pod))
    assert not found.pending
    assert "nothing of it is there" not in plan.text(found, "x")
    assert "Pod messaging/one-0, PersistentVolumeClaim messaging/data-0" in plan.text(found, "x")
    _api, found = planned(ObjectStore(claim))
    assert "only what a rollback keeps: PersistentVolumeClaim messaging/data-0" in plan.text(found, "x")
    _api, found = planned(ObjectStore(claim, pod), delete_claims=True)
    assert "may use the claims" in found.refused[0]
    _api, found = planned(ObjectStore(claim), delete_claims=True)
    assert (found.pending, found.refused) == (True, [])


def test_what_an_operator_made_with_the_sets_label_is_not_ours_to_delete(planned: Any) -> None:
    store = platform()
    copied = made("Secret", "app", labels={PART_OF: set_id("kafka-cluster-one", "messaging")})
    store.add(copied)
    _api, found = planned(store)
    assert "Secret" not in {each["kind"] for each in found.objects}


def test_nothing_there_is_nothing_to_do(planned: Any) -> None:
    _api, found = planned(ObjectStore())
    assert not found.pending
    assert "nothing to do" in plan.text(found, "x")


def test_a_plan_survives_its_journal(planned: Any) -> None:
    _api, found = planned(platform(), delete_claims=True)
    kept = Journal(found, Owner("me", "here", 1), "2026-11-21T10:00:00+00:00", "2026-11-21T10:00:00+00:00", {}, "7")
    live = kept.manifest("default")
    assert Journal.read(live) == kept


@pytest.mark.parametrize(
    ("component", "given", "alone", "expected"),
    [
        ("cnpg", False, True, last_backup.TAKEN),
        ("cnpg", "kafka_cluster", False, last_backup.TAKEN),
        ("cnpg", "kafka_cluster, cnpg", False, last_backup.WAIVED),
        ("cnpg", ["cnpg"], False, last_backup.WAIVED),
        ("cnpg", True, True, last_backup.WAIVED),
        ("cnpg", "true", False, last_backup.UNNAMED),
        ("kafka_cluster", "", True, "impossible (no rollback takes one of it)"),
        ("kafka_cluster", "kafka_cluster", False, last_backup.WAIVED),
    ],
)
def test_a_waiver_is_about_whom_it_names(component: str, given: Any, alone: bool, expected: str) -> None:
    assert last_backup.decide(component, VALUES, given, alone=alone) == expected


def test_what_cannot_be_backed_up_says_why() -> None:
    found = last_backup.decide("cnpg", VALUES | {"cnpg_backup": False}, [], alone=True)
    assert found == "impossible (cnpg_backup is false)"
    with pytest.raises(ClusterError, match="postgres is no component"):
        last_backup.waived("cnpg,postgres")


def test_the_plan_says_what_becomes_of_the_last_backup(planned: Any) -> None:
    _api, found = planned(platform(), delete_claims=True)
    text = plan.text(dataclasses.replace(found, backup=last_backup.WAIVED), "x")
    assert "last backup: waived by rollback_without_backup" in text
    _api, keeping = planned(platform())
    assert "last backup" not in plan.text(dataclasses.replace(keeping, backup=last_backup.WAIVED), "x")


# -- the deletion


def test_volumes_are_kept_with_the_id_of_their_kafka_and_topics_are_let_go_of(planned: Any) -> None:
    store = platform()
    store.get("KafkaTopic", "orders")["metadata"]["finalizers"] = ["strimzi.io/topic-operator"]
    released: list[str] = []
    plain = store.handle

    def handle(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        answered = plain(method, path, query, body)
        found = store.get("KafkaTopic", "orders")
        if found and found["metadata"].get("deletionTimestamp"):  # as the topic operator
            released.append(found["metadata"]["annotations"]["strimzi.io/managed"])
            del store.objects[store.path(found)]
        return answered

    store.handle = handle  # type: ignore[method-assign]
    api, found = planned(store)
    run = deletion.Deletion(api, found)
    run.run()
    assert released == ["false"]
    claim = store.get("PersistentVolumeClaim", "data-0")
    assert claim is not None
    assert claim["metadata"]["annotations"] == {plan.CLUSTER_ID: "the-id"}
    assert store.get("Kafka", "one") is None
    assert store.get("ConfigMap", "kafka-cluster-one") is None
    assert len(run.deleted) == 4
    assert proof.prove(api, found).remains == []


def refuse(api: Any, store: ObjectStore, method: str, times: int, what: str = "kafkatopics/orders") -> list[int]:
    """The topic has been modified, so many times that this is asked of it; returned is how many are left."""
    plain, left = store.handle, [times]

    def handle(asked: str, path: str, query: dict[str, str], body: Any) -> Any:
        if asked == method and path.endswith(f"/{what}") and left[0]:
            left[0] -= 1
            return status(409, "the object has been modified", "Conflict")
        return plain(asked, path, query, body)

    api.connection.handler = handle
    return left


@pytest.mark.parametrize("conflicts", [2, 999])
def test_a_topic_that_could_not_be_let_go_of_is_not_deleted(
    planned: Any, conflicts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "PREPARE_PAUSE", 0.01)
    store = platform()
    api, found = planned(store)
    refuse(api, store, "PATCH", conflicts)
    if conflicts < 10:
        deletion.Deletion(api, found).run()
        assert proof.prove(api, found).remains == []
        return
    with pytest.raises(ClusterError, match=r"KafkaTopic messaging/orders: .* does not stay"):
        deletion.Deletion(api, found).run()
    assert not [each for each in store.writes if each.startswith("DELETE")]


def test_a_topic_that_is_managed_again_since_the_plan_is_let_go_of_again(planned: Any) -> None:
    store = platform()
    mine = store.get("KafkaTopic", "orders")["metadata"]
    mine["annotations"] = {"strimzi.io/managed": "false"}
    api, found = planned(store)
    assert "strimzi.io/managed" not in plan.text(found, "x"), "the plan says what it changes now"
    mine["annotations"]["strimzi.io/managed"] = "true"
    written: list[Any] = []
    plain = store.handle

    def handle(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if method == "DELETE" and path.endswith("/kafkatopics/orders"):
            written.append(store.get("KafkaTopic", "orders")["metadata"]["annotations"])
        return plain(method, path, query, body)

    api.connection.handler = handle
    deletion.Deletion(api, found).run()
    assert written == [{"strimzi.io/managed": "false"}]


def test_fluxs_own_release_that_is_resumed_at_the_last_moment_is_not_deleted(planned: Any) -> None:
    """Its deletion would take the controllers away."""
    where = ("flux-system", "flux")
    release = made("HelmRelease", "flux-instance", where, namespace="flux-system", spec={"suspend": True})
    store = ObjectStore(release, record(where, release))
    api, found = planned(store, "flux")
    plain, looked = store.handle, [0]

    def handle(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        answered = plain(method, path, query, body)
        if method == "GET" and path.endswith("/helmreleases/flux-instance"):
            looked[0] += 1
            if looked[0] == 2:  # the wave has found it suspended
                store.get("HelmRelease", "flux-instance")["spec"]["suspend"] = False
        return answered

    api.connection.handler = handle
    with pytest.raises(ClusterError, match=r"flux-instance is not deleted, .*it is resumed"):
        deletion.Deletion(api, found).run()
    assert store.writes == []


def test_an_object_that_its_operator_writes_meanwhile_is_looked_at_again_before_it_is_deleted(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    left = refuse(api, store, "DELETE", 2)
    deletion.Deletion(api, found).run()
    assert left == [0]
    assert store.get("KafkaTopic", "orders") is None


def test_what_need_not_be_prepared_is_looked_at_once_and_again_after_a_conflict(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    refuse(api, store, "DELETE", 1, "kafkas/one")
    run = deletion.Deletion(api, found)
    run.run()
    asked = {end: [method for method, path in api.connection.seen if path.endswith(end)] for end in ("one", "brokers")}
    assert asked["one"][:4] == ["GET", "DELETE", "GET", "DELETE"]
    assert asked["brokers"] == ["GET", "DELETE", "GET"]  # the last one sees that it is gone
    assert "Kafka messaging/one" in run.deleted


def test_what_others_are_deleting_already_is_not_deleted_once_more(planned: Any) -> None:
    store = platform()
    kafka = store.get("Kafka", "one")["metadata"]
    kafka |= {"deletionTimestamp": "2026-11-21T10:00:00Z", "finalizers": ["foregroundDeletion"]}
    api, found = planned(store)
    with pytest.raises(ClusterError, match="foregroundDeletion"):
        deletion.Deletion(api, found).run()
    assert [each for each in store.writes if each.startswith("DELETE") and each.endswith("/kafkas/one")] == []


def test_a_deletion_whose_answer_was_lost_is_told(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    plain, lost = store.handle, [1]

    def handle(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        done = plain(method, path, query, body)
        if method == "DELETE" and path.endswith("/kafkas/one") and lost[0]:
            lost[0] -= 1
            raise UnreachableError("connection reset")
        return done

    api.connection.handler = handle
    run = deletion.Deletion(api, found)
    run.run()
    assert lost == [0]
    assert "Kafka messaging/one" in run.deleted


def owned(store: ObjectStore) -> None:
    """As Strimzi does it when deleteClaim becomes true."""
    store.get("PersistentVolumeClaim", "data-0")["metadata"]["ownerReferences"] = [{"uid": "KafkaNodePool-brokers"}]


def test_a_claim_that_has_got_an_owner_since_the_plan_ends_the_deletion_before_it(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    assert found.destroyed == []
    owned(store)
    with pytest.raises(ClusterError, match=r"messaging/data-0: has got an owner since the plan was made"):
        deletion.Deletion(api, found).run()
    assert not [each for each in store.writes if each.startswith("DELETE")]


def test_data_that_would_die_by_now_makes_a_new_plan(stepped: Any) -> None:
    store = platform()
    stepped(store, "begin", plan=stepped(store, "plan")["plan"])
    owned(store)
    found = stepped(store, "plan", pid=2)
    assert "no longer holds, as there is now: the data of PersistentVolumeClaim messaging/data-0" in found["text"]
    assert "DATA THAT DIES" in found["text"]
    with pytest.raises(ClusterError, match="Data would die"):
        stepped(store, "begin", pid=2, plan=found["plan"])


def test_with_nothing_left_to_delete_a_claim_with_an_owner_makes_no_new_plan(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    owned(store)
    assert plan.made_anew(found, planned(store)[1])
    del store.get("PersistentVolumeClaim", "data-0")["metadata"]["ownerReferences"]
    deletion.Deletion(api, found).run()
    owned(store)
    assert plan.made_anew(found, planned(store)[1]) == []
    deletion.Deletion(api, found).run()  # as after a crash right before its end
    assert proof.prove(api, found).changed == []


def test_data_that_would_die_since_the_question_was_asked_is_refused(stepped: Any, typed: Any) -> None:
    store = platform()
    found = stepped(store, "plan")["plan"]
    typed.append(lambda: owned(store))
    with pytest.raises(ClusterError, match=r"Nothing has been changed.*data-0, which would die"):
        stepped(store, "begin", plan=found, confirm="")


def test_what_a_dead_run_has_changed_is_named_also_by_the_plan_in_its_place(stepped: Any) -> None:
    store = platform()
    stepped(store, "begin", plan=stepped(store, "plan")["plan"])
    live = store.get("ConfigMap", journal.NAME)
    live["data"]["steps"] = '{"delete": {"seconds": 1, "waited": 0, "done": false}}'
    store.get("KafkaTopic", "orders")["metadata"].setdefault("annotations", {})["strimzi.io/managed"] = "false"
    store.add(topic("new"))
    found = stepped(store, "plan", pid=2)
    stepped(store, "begin", pid=2, plan=found["plan"])
    kept = Journal.read(store.get("ConfigMap", journal.NAME))
    told = journal.giving_up("default", kept.plan, kept.steps)
    assert "of KafkaTopic messaging/orders, where it is left: kubectl annotate kafkatopic -n messaging orders" in told
    assert "messaging/new" not in told  # nobody has touched it yet
    store.add(topic("newer"))
    stepped(store, "begin", pid=3, plan=stepped(store, "plan", pid=3)["plan"])
    kept = Journal.read(store.get("ConfigMap", journal.NAME))
    assert journal.giving_up("default", kept.plan, kept.steps) == told


def test_a_plan_in_place_of_another_has_the_claims_remember_a_kafka_that_is_gone(stepped: Any) -> None:
    store = platform()
    first = stepped(store, "plan")["plan"]
    stepped(store, "begin", plan=first)
    del store.objects[store.path(store.get("Kafka", "one"))]
    store.add(topic("new"))
    assert stepped(store, "plan", pid=2)["plan"]["remember"] == first["remember"] != ""


def test_claims_that_go_are_not_said_to_hold_what_stays(planned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VALUES, "obs_collectors_namespace", "observability")
    where, labels = ("observability", "obs-collectors"), {"app.kubernetes.io/name": "vmagent"}
    member = made("Deployment", "vmagent", where, namespace="observability")
    claim = made("PersistentVolumeClaim", "vmagent-0", namespace="observability", labels=labels)
    for delete_claims, word in ((False, "the volumes of vmagent-0, with samples"), (True, "the data of Persist")):
        store = ObjectStore(member, claim, record(where, member))
        _api, found = planned(store, "obs_collectors", delete_claims=delete_claims)
        told = plan.text(found, "x")
        assert word in told
        assert ("samples that vmagent has not delivered" in told) is not delete_claims


@pytest.mark.parametrize("taken", [True, False])
def test_backups_that_are_not_taken_are_not_said_to_stay(
    planned: Any, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    monkeypatch.setitem(VALUES, "cnpg_backup", taken)
    where = ("messaging", "cnpg-db")
    member = made("Cluster", "db", where)
    _api, found = planned(ObjectStore(member, record(where, member)), "cnpg")
    doubt = "if there are any, as cnpg_backup is false"
    assert (doubt in plan.text(found, "x")) is not taken
    kept = Journal(found, Owner("me", "here", 1), "", "", {}, "7")
    assert ("there may be nothing to recover from" in report.report(kept, proof.Proof(), VALUES)) is not taken


def test_claims_that_are_gone_are_no_other_objects() -> None:
    kept = Journal(plan.Plan("strimzi", "apps"), Owner("me", "here", 1), "", "", {}, "7")
    found = proof.Proof(changed=["PersistentVolumeClaim x should have been kept, and is gone"], compared=3, same=3)
    assert "3 of 3 other objects" in report.report(kept, found, VALUES)


def test_a_journal_of_an_earlier_version_prepares_everything_all_the_same(planned: Any) -> None:
    _api, found = planned(platform())
    [of_topic] = [step for step in found.prepare if step["do"] == plan.UNMANAGE]
    data = found.plain()
    del data["remember"], data["already"]
    old = plan.Plan.read(data | {"prepare": [step for step in found.prepare if step != of_topic]})
    assert old.prepare == found.prepare
    assert old.already == [of_topic["uid"]]
    assert old.remember == "the-id"


def test_a_second_run_finishes_what_the_first_has_begun(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    for each in found.delete[0]:
        del store.objects[store.path(plan.as_manifest(each))]
    run = deletion.Deletion(api, found)
    run.run()
    assert sorted(run.deleted) == ["Kafka messaging/one", "KafkaNodePool messaging/brokers"]


def test_an_object_made_anew_is_not_touched(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    store.add(made("Kafka", "one", KAFKA_SET, metadata={"uid": "another"}))
    deletion.Deletion(api, found).run()
    assert store.get("Kafka", "one") is not None
    assert proof.prove(api, found).remains == ["Kafka messaging/one has been made anew by synergyflow.platform"]


def test_a_stuck_finalizer_is_diagnosed_and_removed_only_when_allowed(planned: Any) -> None:
    store = platform()
    store.get("KafkaTopic", "orders")["metadata"]["finalizers"] = ["strimzi.io/topic-operator", "of.others"]
    api, found = planned(store)
    with pytest.raises(ClusterError) as refused:
        deletion.Deletion(api, found).run()
    assert "Deployment one-entity-operator), which is not there" in str(refused.value)
    assert "rollback_remove_finalizers: [strimzi.io/topic-operator]" in str(refused.value)
    assert store.get("KafkaTopic", "orders")["metadata"]["finalizers"] == ["strimzi.io/topic-operator", "of.others"]

    api.deadline.seconds = api.deadline.spent + deletion.PATIENCE + 10
    with pytest.raises(ClusterError, match=r"of\.others"):  # another one is not what was allowed
        deletion.Deletion(api, found, ["strimzi.io/topic-operator"]).run()
    assert store.get("KafkaTopic", "orders")["metadata"]["finalizers"] == ["of.others"]


@pytest.mark.parametrize(
    ("kind", "controller"),
    [
        ("HelmRelease", "helm-controller"),
        ("GitRepository", "source-controller"),
        ("Kustomization", "kustomize-controller"),
    ],
)
def test_a_finalizer_of_flux_is_its_own_controllers(kind: str, controller: str) -> None:
    assert keeper(kind, "finalizers.fluxcd.io").deployment == controller


@pytest.mark.parametrize("there", [None, 0, 1])
def test_what_hangs_is_told_while_it_is_waited_for_and_ends_when_nobody_is_there(
    planned: Any, there: int | None
) -> None:
    store = platform()
    store.get("KafkaTopic", "orders")["metadata"]["finalizers"] = ["strimzi.io/topic-operator"]
    if there is not None:
        status = {"readyReplicas": there}
        store.add(made("Deployment", "one-entity-operator", spec={"replicas": there}, status=status))
    api, found = planned(store, timeout=deletion.GRACE + 10)
    told: list[str] = []
    run = deletion.Deletion(api, found, tell=told.append)
    with pytest.raises(ClusterError) as refused:
        run.run()
    state = {None: "which is not there", 0: "which is scaled to 0", 1: "which runs"}[there]
    assert state in str(refused.value)
    assert ("nobody is there" in str(refused.value)) is (not there)
    [said] = [each for each in told if each.startswith("still there: KafkaTopic messaging/orders.")]
    assert state in said


def test_a_finalizer_that_nobody_knows_gets_a_hint_too(planned: Any) -> None:
    store = platform()
    store.get("KafkaTopic", "orders")["metadata"]["finalizers"] = ["of.others"]
    api, found = planned(store)
    with pytest.raises(ClusterError, match=r"not known here; .* or allow rollback_remove_finalizers: \[of\.others\]"):
        deletion.Deletion(api, found).run()


def test_what_a_database_archives_with_is_there_until_its_last_pod_is_gone(planned: Any) -> None:
    where = ("messaging", "cnpg-db")
    members = [made(kind, "db", where) for kind in ("Cluster", "ObjectStore", "ExternalSecret", "Secret", "ConfigMap")]
    pod = made("Pod", "db-1", labels={"cnpg.io/cluster": "db"})
    store = ObjectStore(*members, pod, record(where, *members))
    api, found = planned(store, "cnpg")
    assert sorted(each["kind"] for each in found.delete[-1]) == ["ExternalSecret", "ObjectStore", "Secret"]
    with pytest.raises(ClusterError, match="Pod messaging/db-1"):
        deletion.Deletion(api, found).run()
    assert store.get("Cluster", "db") is None
    assert store.get("ObjectStore", "db") is not None
    del store.objects[store.path(pod)]
    api.deadline.seconds = api.deadline.spent + 2
    deletion.Deletion(api, found).run()
    assert store.get("ObjectStore", "db") is None


def test_what_operators_made_is_waited_for_and_named(planned: Any) -> None:
    store = platform()
    store.add(made("Pod", "one-brokers-0", labels=BROKERS))
    api, found = planned(store)
    with pytest.raises(ClusterError, match="Pod messaging/one-brokers-0"):
        deletion.Deletion(api, found).run()


def test_a_users_secret_of_others_is_no_leaving(planned: Any) -> None:
    store = platform()
    labels = {**CLUSTER, "strimzi.io/kind": "KafkaUser"}
    other = made("Secret", "theirs", labels=labels, metadata={"ownerReferences": [{"uid": "KafkaUser-theirs"}]})
    store.add(other)
    api, found = planned(store)
    deletion.Deletion(api, found).run()
    assert proof.prove(api, found).remains == []


def test_claims_go_last_when_they_are_to_go(planned: Any) -> None:
    store = platform()
    api, found = planned(store, delete_claims=True)
    run = deletion.Deletion(api, found)
    run.run()
    assert run.deleted[-1] == "PersistentVolumeClaim messaging/data-0"
    assert store.get("PersistentVolumeClaim", "data-0") is None


# -- the proof


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda live: live["metadata"].update(uid="x"), " was made anew"),
        (lambda live: live["metadata"].update(deletionTimestamp="2026-11-22T18:00:00Z"), " is being deleted"),
        (lambda live: live.update(spec={"selector": {"app": "another"}}), " has been changed"),
        (lambda live: live["metadata"]["labels"].update(app="another"), " has been changed"),
        (lambda live: live["metadata"].update(resourceVersion="999", annotations={"seen": "by a controller"}), ""),
        (lambda live: live.update(status={"loadBalancer": {}}), ""),
    ],
)
def test_others_that_were_touched_are_named(planned: Any, change: Any, told: str) -> None:
    store = platform()
    api, found = planned(store)
    deletion.Deletion(api, found).run()
    change(store.get("Service", "schema-registry"))
    assert proof.prove(api, found).changed == ([f"Service messaging/schema-registry{told}"] if told else [])


def test_a_change_of_what_the_api_server_counts_is_named(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    deletion.Deletion(api, found).run()
    store.get("Deployment", "schema-registry")["metadata"]["generation"] = 2
    assert proof.prove(api, found).changed == ["Deployment messaging/schema-registry has been changed"]


def test_what_was_being_deleted_before_is_no_difference(planned: Any) -> None:
    store = platform()
    store.get("Service", "schema-registry")["metadata"]["deletionTimestamp"] = "2026-11-22T18:00:00Z"
    api, found = planned(store)
    deletion.Deletion(api, found).run()
    assert proof.prove(api, found).changed == []


def test_of_a_definition_the_metadata_are_enough() -> None:
    """A list of them is megabytes; the one that was established stays so."""
    conditions = {"conditions": [{"type": "Established", "status": "True"}]}
    whole = made("CustomResourceDefinition", "x", metadata={"generation": 1}, status=conditions)
    mark = plan.fingerprint(whole)
    metadata = {name: value for name, value in whole.items() if name not in ("spec", "status")}
    assert mark == ["CustomResourceDefinition-x", 1, True]
    assert proof._differs(metadata, mark) == ""
    metadata["metadata"]["generation"] = 2
    assert proof._differs(metadata, mark) == "has been changed"


def test_of_a_secret_nothing_is_kept_that_could_be_guessed_and_of_what_operators_write_nothing() -> None:
    secret = made("Secret", "x", REGISTRY_SET, data={"pin": "MTIzNA=="}, metadata={"resourceVersion": "7"})
    assert plan.fingerprint(secret) == ["Secret-x", None, True, "7"]
    copied = made("ConfigMap", "x", labels={PART_OF: "x"}, data={"a": "b"})
    assert plan.fingerprint(copied) == ["ConfigMap-x", None, True]
    assert proof._differs(copied | {"data": {}}, plan.fingerprint(copied)) == ""


def test_a_suspension_that_was_not_there_is_named(planned: Any) -> None:
    store = platform(made("Kustomization", "apps", namespace="flux-system", spec={}))
    api, found = planned(store)
    deletion.Deletion(api, found).run()
    store.get("Kustomization", "apps")["spec"]["suspend"] = True
    assert proof.prove(api, found).changed == ["Kustomization flux-system/apps is suspended, and was not"]


def test_a_kept_claim_that_is_gone_is_named(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    deletion.Deletion(api, found).run()
    del store.objects[store.path(made("PersistentVolumeClaim", "data-0"))]
    assert proof.prove(api, found).changed == [
        "PersistentVolumeClaim messaging/data-0 should have been kept, and is gone"
    ]


def test_a_claim_that_an_operator_wrote_over_gets_its_id_again_or_is_named(planned: Any) -> None:
    store = platform()
    api, found = planned(store)
    plain = store.handle

    def handle(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if method == "DELETE" and path.endswith("/kafkas/one"):  # the operator's last reconciliation
            store.get("PersistentVolumeClaim", "data-0")["metadata"].pop("annotations")
        return plain(method, path, query, body)

    api.connection.handler = handle
    deletion.Deletion(api, found).run()
    assert proof.prove(api, found).changed == []
    store.get("PersistentVolumeClaim", "data-0")["metadata"].pop("annotations")
    assert proof.prove(api, found).changed == [
        f"PersistentVolumeClaim messaging/data-0 has lost the annotation {plan.CLUSTER_ID}: the-id"
    ]


# -- the journal

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ME = Owner("me", "here", 10)


def journal_of(owner: Owner, minutes: float = 1, component: str = "strimzi") -> Journal:
    then = (NOW - timedelta(minutes=minutes)).isoformat()
    return Journal(plan.Plan(component, "apps"), owner, then, then)


@pytest.mark.parametrize(
    ("owner", "minutes", "is_alive", "free"),
    [
        (ME, 1, True, True),
        (Owner("me", "here", 9), 1, False, True),
        (Owner("me", "here", 9), 999, True, False),
        (Owner("she", "there", 9), 1, False, False),
        (Owner("she", "there", 9), journal.SILENT + 1, False, True),
    ],
    ids=["mine", "dead here", "alive here", "elsewhere and fresh", "elsewhere and silent"],
)
def test_who_may_go_on(owner: Owner, minutes: float, is_alive: bool, free: bool) -> None:
    found = journal.held(journal_of(owner, minutes), "strimzi", ME, NOW, lambda pid: is_alive)
    assert (found == "") is free
    assert free or str(owner) in found


def test_a_run_that_takes_a_last_backup_is_not_taken_for_dead_meanwhile(stepped: Callable[..., Any]) -> None:
    store = platform()
    found = stepped(store, "plan", delete_claims=True)["plan"]
    stepped(store, "begin", plan=found | {"backup": last_backup.TAKEN, "backup_minutes": 240})
    live = store.get("ConfigMap", journal.NAME) or {}
    there = Journal.read(live)
    elsewhere, then = Owner("she", "there", 9), datetime.fromisoformat(there.touched)
    for minutes, free in ((240, False), (256, True)):
        said = journal.held(there, "kafka_cluster", elsewhere, then + timedelta(minutes=minutes))
        assert (said == "") is free
    del live["data"]["silent"]
    assert Journal.read(live).silent == journal.SILENT, "a journal of an earlier version"


def test_another_components_rollback_is_refused_even_if_its_run_is_dead() -> None:
    found = journal.held(journal_of(Owner("she", "there", 9), 600, "volsync"), "strimzi", ME, NOW, lambda pid: False)
    assert "rollback_volsync.yml" in found
    assert "600 minutes ago" in found


def test_giving_up_names_what_is_left_changed_and_how_to_take_it_back(planned: Any) -> None:
    store = platform(topic("people-manage-it", metadata={"annotations": {"strimzi.io/managed": "false"}}))
    _api, found = planned(store)
    assert journal.giving_up("default", found) == "kubectl delete configmap -n default synergyflow-rollback"
    begun = {"git": {"revision": "main@sha1:abc"}, "delete": {"done": False}}
    text = journal.giving_up("default", found, begun)
    assert "it is out of Git since main@sha1:abc" in text
    assert "of KafkaTopic messaging/orders, where" in text
    assert text.endswith("kubectl annotate kafkatopic -n messaging orders strimzi.io/managed-)")

    where = ("flux-system", "flux")
    release = made("HelmRelease", "flux-instance", where, namespace="flux-system")
    _api, found = planned(ObjectStore(release, record(where, release)), "flux")
    text = journal.giving_up("default", found, {"delete": {}})
    patch = """--type=merge -p '{"spec":{"suspend":false}}'"""
    assert f"kubectl patch helmrelease -n flux-system flux-instance {patch}" in text


def test_two_runs_cannot_both_begin(scripted: Callable[..., Api]) -> None:
    journals = Journals(scripted(ObjectStore().handle), "default")
    journals.open(plan.Plan("strimzi", "apps"), ME)
    with pytest.raises(ClusterError, match="Another rollback has begun just now by me on here"):
        journals.open(plan.Plan("strimzi", "apps"), Owner("she", "there", 1))


def test_a_run_that_was_overtaken_stops(scripted: Callable[..., Api]) -> None:
    journals = Journals(scripted(ObjectStore().handle), "default")
    old = journals.open(plan.Plan("strimzi", "apps"), Owner("me", "here", 9))
    last_words = dataclasses.replace(old)
    new = journals.find()
    assert new is not None
    journals.save(last_words)  # the dead run's last task writes between the look and the taking over
    journals.take(new, ME)
    with pytest.raises(journal.OvertakenError):
        journals.save(last_words)
    there = journals.find()
    assert there is not None
    assert there.owner == ME


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_write_whose_reply_was_lost_is_the_runs_own(scripted: Callable[..., Api], method: str) -> None:
    store, lost = ObjectStore(), [method]

    def handle(asked: str, path: str, query: dict[str, str], body: Any) -> Any:
        answered = store.handle(asked, path, query, body)
        if asked in lost:
            lost.clear()
            raise UnreachableError("connection reset")
        return answered

    journals = Journals(scripted(handle), "default")
    mine = journals.open(plan.Plan("strimzi", "apps"), ME)
    journals.save(mine)
    assert mine.version == (store.get("ConfigMap", journal.NAME) or {})["metadata"]["resourceVersion"]
    journals.save(mine)
    assert lost == []


def test_of_two_runs_that_go_on_in_the_place_of_a_dead_one_the_second_stops(scripted: Callable[..., Api]) -> None:
    journals = Journals(scripted(ObjectStore().handle), "default")
    journals.open(plan.Plan("strimzi", "apps"), Owner("me", "here", 9))
    mine, hers = journals.find(), journals.find()
    assert mine
    assert hers
    journals.take(hers, Owner("she", "there", 1))
    with pytest.raises(journal.OvertakenError, match="taken over by she on there"):
        journals.take(mine, ME)


def test_a_step_that_fails_has_its_time_in_the_journal(scripted: Callable[..., Api]) -> None:
    journals = Journals(scripted(ObjectStore().handle), "default")
    mine = journals.open(plan.Plan("strimzi", "apps"), ME)

    def break_off(version: str) -> None:
        with rollback.ActionModule._timed(journals, mine, "delete") as step:
            step["waited"] += 900.0
            mine.version = version or mine.version
            raise ClusterError("stuck")

    with pytest.raises(ClusterError, match="stuck"):
        break_off("")
    there = journals.find()
    assert there
    assert (there.steps["delete"]["waited"], there.is_done("delete")) == (900.0, False)
    with pytest.raises(ClusterError, match="stuck"):
        break_off("of another run")


@pytest.mark.parametrize(("seconds", "told"), [(40.0, ", of 5 minutes"), (301.0, ", more than the 5 minutes")])
def test_the_report_says_when_it_took_longer_than_allowed(seconds: float, told: str) -> None:
    mine = journal_of(ME, minutes=600, component="schema_registry")
    mine.steps = {"delete": {"seconds": seconds, "waited": 0.0, "done": True}}
    assert f"all steps: {seconds:.0f} s{told} allowed" in report.report(mine, proof.Proof(), VALUES)


def test_the_report_says_where_to_look_on_this_cluster() -> None:
    mine = journal_of(ME, component="kafka_cluster")
    said = report.report(mine, proof.Proof(), VALUES | {"kafka_cluster_namespace": "theirs"}, "kubectl --context prod")
    assert "Look: kubectl --context prod get kafka -n theirs" in said


def test_a_list_that_is_cut_says_so(planned: Any) -> None:
    members = [made("Namespace", f"n{number}", KAFKA_SET) for number in range(14)]
    kafka = made("Kafka", "one", KAFKA_SET)
    _api, found = planned(ObjectStore(*members, kafka, record(KAFKA_SET, kafka, *members)))
    assert "and 2 more members of its sets" in plan.text(found, "x")


def test_a_run_that_waits_says_that_it_is_alive_and_stops_when_it_was_overtaken(
    planned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "BEAT", 0.0)
    store = platform(made("Pod", "one-brokers-0", labels=BROKERS))
    api, found = planned(store)
    journals = Journals(api, "default")
    mine = journals.open(found, ME)
    mine.touched = ""
    with pytest.raises(ClusterError, match="one-brokers-0"):
        deletion.Deletion(api, found, beat=lambda: journals.beat(mine)).run()
    there = journals.find()
    assert there is not None
    assert there.touched

    journals.take(there, Owner("she", "there", 1))
    api.deadline.seconds = api.deadline.spent + 5
    with pytest.raises(journal.OvertakenError):
        deletion.Deletion(api, found, beat=lambda: journals.beat(mine)).run()


def test_a_run_that_waits_does_not_write_all_the_time(scripted: Callable[..., Api]) -> None:
    store = ObjectStore()
    journals = Journals(scripted(store.handle), "default")
    mine = journals.open(plan.Plan("strimzi", "apps"), ME)
    journals.save(mine)
    written = len(store.writes)
    journals.beat(mine)
    assert len(store.writes) == written


def test_a_foreign_config_map_is_no_journal(scripted: Callable[..., Api]) -> None:
    store = ObjectStore(made("ConfigMap", journal.NAME, namespace="default", data={"x": "y"}))
    with pytest.raises(ClusterError, match="not the journal of a rollback"):
        Journals(scripted(store.handle), "default").find()


@pytest.fixture
def stepped(scripted: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """One step of the action over a store, as another process than the one before."""
    monkeypatch.setattr(rollback.role_values, "typed_values", lambda *given: VALUES)

    apis: list[Api] = []

    def run(store: ObjectStore, step: str, host: str = "apps", pid: int = 1, **args: Any) -> Any:
        monkeypatch.setattr(rollback.Owner, "of_this_run", lambda: Owner("me", journal.socket.gethostname(), pid))
        monkeypatch.setattr(journal, "alive", lambda other: other == pid)
        action = rollback.ActionModule.__new__(rollback.ActionModule)
        action._task = SimpleNamespace(check_mode=False)
        action._templar = SimpleNamespace(template=lambda value: value)
        apis.append(scripted(store.handle, 2.0))
        journals = Journals(apis[-1], "default")
        given = {
            "phrase": "",
            "revert": "",
            "delete_claims": False,
            "take_over": True,
            "without_backup": False,
        }
        given |= {"confirm": f"kafka_cluster@{host}", "plan": None} | args
        if step == "plan":
            return action._plan(journals, "kafka_cluster", given, {"inventory_hostname": host})
        return action._begin(journals, "kafka_cluster", given, {"inventory_hostname": host})

    run.api = apis  # type: ignore[attr-defined]
    return run


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """Somebody types what is asked for; what happens meanwhile is in the list."""
    meanwhile: list[Callable[[], None]] = []

    def answer(question: str) -> bytes:
        for happens in meanwhile:
            happens()
        return b"kafka_cluster@apps"

    monkeypatch.setattr(rollback, "display", SimpleNamespace(prompt_until=answer, display=lambda text: None))
    return meanwhile


def test_the_confirmation_of_everything_names_it_and_the_time_allowed(typed: Any) -> None:
    action = rollback.ActionModule.__new__(rollback.ActionModule)
    action._task = SimpleNamespace(check_mode=False)
    args = {"phrase": "kafka_cluster@apps", "confirm": "", "components": ["volsync", "cnpg"]}
    text = "Everything that goes: volsync, cnpg. Time allowed for all of it: 5 to 10 minutes."
    assert action._confirm(args)["text"] == text
    assert allowed(COMPONENTS) == "30 to 45 minutes"


def test_who_thinks_for_longer_than_a_step_may_take_can_still_confirm(
    stepped: Any, typed: list[Callable[[], None]]
) -> None:
    store = platform()
    found = stepped(store, "plan")["plan"]
    typed.append(lambda: setattr(stepped.api[-1].deadline, "started", time.monotonic() - 600))
    assert stepped(store, "begin", plan=found, confirm="")["pending"]


@pytest.mark.parametrize("change", ["another run", "a new object"])
def test_what_happened_while_it_was_asked_is_looked_at(
    stepped: Callable[..., Any], typed: list[Callable[[], None]], change: str
) -> None:
    store = platform()
    found = stepped(store, "plan")["plan"]
    if change == "another run":
        typed.append(lambda: store.add(journal_of(ME, component="kafka_cluster").manifest("default")))
    else:
        typed.append(lambda: store.add(topic("new")))
    with pytest.raises(ClusterError, match=r"Nothing has been changed\. .*(run it again|KafkaTopic messaging/new)"):
        stepped(store, "begin", plan=found, confirm="")


def test_what_was_made_since_a_killed_run_gets_a_new_plan(stepped: Callable[..., Any]) -> None:
    store = platform()
    stepped(store, "begin", plan=stepped(store, "plan")["plan"])
    store.add(made("Kafka", "one", KAFKA_SET, metadata={"uid": "another"}, status={"clusterId": "the-id"}))

    found = stepped(store, "plan", pid=2)
    assert "no longer holds, as there is now: Kafka messaging/one" in found["text"]
    assert "kubectl delete configmap -n default synergyflow-rollback" in found["text"]
    assert found["begun"] == []
    with pytest.raises(ClusterError, match="Nothing has been changed"):
        stepped(store, "begin", pid=2, plan=found["plan"], confirm="no")
    before = store.get("ConfigMap", journal.NAME)
    assert before is not None
    assert "another" not in before["data"]["plan"]

    stepped(store, "begin", pid=2, plan=found["plan"])
    kept = Journal.read(store.get("ConfigMap", journal.NAME) or {})
    assert "another" in {each["uid"] for each in kept.plan.objects}
    assert (kept.owner.pid, kept.steps, kept.plan.replaces) == (2, {}, "")
    assert "this run goes on with it" in stepped(store, "plan", pid=3)["text"]


def test_a_plan_that_was_made_before_another_wrote_does_not_replace_its_journal(stepped: Callable[..., Any]) -> None:
    store = platform()
    stepped(store, "begin", plan=stepped(store, "plan")["plan"])
    store.add(made("Kafka", "one", KAFKA_SET, metadata={"uid": "another"}))
    found = stepped(store, "plan", pid=2)
    stepped(store, "begin", pid=3, plan=stepped(store, "plan", pid=3)["plan"])
    with pytest.raises(ClusterError, match="written since this plan was made"):
        stepped(store, "begin", pid=2, plan=found["plan"])


def test_a_killed_run_is_finished_under_another_name_of_the_cluster(stepped: Callable[..., Any]) -> None:
    store = platform()
    stepped(store, "begin", plan=stepped(store, "plan")["plan"])
    found = stepped(store, "plan", host="renamed", pid=2)
    assert stepped(store, "begin", host="renamed", pid=2, plan=found["plan"])["pending"]


def test_what_others_have_brought_by_git_since_a_killed_run_is_refused(stepped: Callable[..., Any]) -> None:
    store = platform()
    stepped(store, "begin", plan=stepped(store, "plan")["plan"])
    for each in from_git("cluster-apps-messaging-kafka", made("Kafka", "one", KAFKA_SET, metadata={"uid": "another"})):
        store.add(each)
    found = stepped(store, "plan", pid=2)
    with pytest.raises(ClusterError, match="brings kafka_cluster from Git"):
        stepped(store, "begin", pid=2, plan=found["plan"])


@pytest.mark.parametrize(("cluster", "left"), [("there", True), ("going", False), ("gone", False)])
def test_a_database_is_backed_up_as_long_as_it_is_there(scripted: Callable[..., Api], cluster: str, left: bool) -> None:
    old = made("Cluster", "db", apiVersion="postgresql.cnpg.io/v1")
    planned_then = plan.Plan("cnpg", "apps", delete=[[plan.entry(old)]], destroyed=["x"])
    if cluster == "going":
        old["metadata"]["deletionTimestamp"] = "2026-11-21T10:00:00Z"
    assert plan.data_left(planned_then, plan.Seen(), [] if cluster == "gone" else [old]) is left


# -- the way back


def claim(cluster_id: str = "") -> dict[str, Any]:
    annotations = {plan.CLUSTER_ID: cluster_id} if cluster_id else {}
    return made("PersistentVolumeClaim", "data-0", labels=BROKERS, metadata={"annotations": annotations})


def test_a_kafka_over_kept_claims_gets_their_id() -> None:
    assert decide("one", None, [claim("the-id"), claim("the-id")]).cluster_id == "the-id"


def test_a_run_that_died_while_the_kafka_was_paused_goes_on() -> None:
    paused = made("Kafka", "one", metadata={"annotations": {PAUSE: "true"}})
    assert decide("one", paused, [claim("the-id")]).cluster_id == "the-id"


@pytest.mark.parametrize(
    ("manager", "pause", "left"),
    [("synergyflow.platform", "true", True), ("kubectl-annotate", "true", False), ("synergyflow.platform", "", False)],
)
def test_a_pause_that_a_run_of_ours_has_left_is_told_from_one_of_people(manager: str, pause: str, left: bool) -> None:
    fields = {"f:metadata": {"f:annotations": {f"f:{PAUSE}": {}}}}
    metadata = {
        "annotations": {PAUSE: pause} if pause else {},
        "managedFields": [{"manager": manager, "operation": "Apply", "fieldsV1": fields}],
    }
    assert left_paused(made("Kafka", "one", metadata=metadata), "synergyflow.platform") is left
    assert not left_paused(None, "synergyflow.platform")


@pytest.mark.parametrize(
    ("kafka", "claims"),
    [
        (None, []),
        (made("Kafka", "one", status={"clusterId": "x"}), [claim("the-id")]),
        (made("Kafka", "one"), [claim()]),
    ],
    ids=["no claims", "it has an id", "it is being made"],
)
def test_otherwise_a_kafka_is_left_alone(kafka: Any, claims: list[Any]) -> None:
    assert decide("one", kafka, claims).cluster_id == ""


@pytest.mark.parametrize(
    ("claims", "given", "told"),
    [
        ([claim()], "", "Set kafka_cluster_id"),
        ([claim("a"), claim("b")], "", "different Kafkas"),
        ([claim("a")], "b", "leave it empty"),
    ],
)
def test_claims_that_nobody_knows_are_refused(claims: list[Any], given: str, told: str) -> None:
    with pytest.raises(ClusterError, match=told):
        decide("one", None, claims, given)


def test_an_id_given_by_hand_counts_for_claims_without_one() -> None:
    assert decide("one", None, [claim()], "given").cluster_id == "given"


@pytest.mark.parametrize("check", [False, True])
def test_a_kafka_over_kept_claims_is_made_with_their_id(scripted: Callable[..., Api], check: bool) -> None:
    store = ObjectStore(claim("the-id"))
    action = kafka_reattach.ActionModule.__new__(kafka_reattach.ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    action._templar = SimpleNamespace(template=lambda value: value)
    action.api = lambda args, timeout: scripted(store.handle, 1.0)  # type: ignore[method-assign]
    kafka = {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "Kafka",
        "metadata": {"name": "one", "namespace": "messaging"},
    }
    args = {
        **{"cluster": "one", "namespace": "messaging", "set_name": "kafka-cluster-one", "objects": [kafka]},
        **{"cluster_id": "", "timeout": 1},
    }
    assert action.act(args, {})["changed"]
    assert bool(store.writes) is not check


@pytest.mark.parametrize(
    ("other", "destroyed", "told"),
    [("", ["the data of x"], "Data would die"), ("volsync", [], ""), ("volsync", ["the data of x"], "Data would die")],
    ids=["data dies", "one before it is unfinished", "both"],
)
def test_check_mode_says_what_a_run_would_refuse(
    scripted: Callable[..., Api], other: str, destroyed: list[str], told: str
) -> None:
    journals = Journals(scripted(ObjectStore().handle), "default")
    if other:
        journals.open(plan.Plan(other, "apps"), Owner("she", "there", 1))
    action = rollback.ActionModule.__new__(rollback.ActionModule)
    action._task = SimpleNamespace(check_mode=True)
    made_so = plan.Plan("cnpg", "apps", delete=[[plan.entry(made("Pod", "x"))]], destroyed=destroyed)
    args = {
        "plan": made_so.plain(),
        "phrase": "",
        "revert": "",
        "take_over": False,
    }
    found = action._begin(journals, "cnpg", args, {"inventory_hostname": "apps"})
    assert found["problem"].startswith(told)
    assert bool(found["problem"]) is bool(told)
    assert bool(found["warnings"])


def test_every_component_says_what_a_runbook_needs() -> None:
    for name, component in COMPONENTS.items():
        assert component.when, name
        assert component.verify, name
        assert component.back, name
        assert set(component.dependants) <= set(COMPONENTS), name
