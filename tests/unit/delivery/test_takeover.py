# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand-overs that meet other people's Kustomizations, data, refusals and runs that died: first the question."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible_collections.synergyflow.platform.plugins.action.deliver import ActionModule as Deliver
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_plan import PART_OF, parent_of, set_id
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_set import SetRequest
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.handover import (
    FLUX,
    DirectSet,
    FluxSet,
    is_applied_directly,
    is_ours,
    labelled,
    refuse_foreign,
    release,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key, key_of
from ansible_collections.synergyflow.platform.plugins.module_utils.ownership import is_applied_by
from ansible_collections.synergyflow.platform.plugins.plugin_utils import staging
from kept_objects import ObjectStore
from scripted_api import Answer, ScriptedConnection, answer, status

OURS = "synergyflow.platform"
KEY = Key("kustomize.toolkit.fluxcd.io", "Kustomization", "flux-system", "cluster-apps-messaging-kafka")
FOLDER = "platform/messaging/kafka"
SET = {PART_OF: set_id("kafka", "messaging")}
RECORD = "/api/v1/namespaces/messaging/configmaps/kafka"
PATH = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/cluster-apps-messaging-kafka"


def labels(name: str = KEY.name) -> dict[str, str]:
    return {"kustomize.toolkit.fluxcd.io/name": name, "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}


def applied(manifest: dict[str, Any], *managers: str) -> dict[str, Any]:
    entries = [{"manager": each, "operation": "Apply", "apiVersion": "v1", "fieldsV1": {}} for each in managers]
    return {**manifest, "metadata": {**manifest["metadata"], "managedFields": entries}}


def topic(name: str, **more: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "messaging", "labels": {"strimzi.io/cluster": "k", **more}}
    return {"apiVersion": "kafka.strimzi.io/v1", "kind": "KafkaTopic", "metadata": metadata, "spec": {"partitions": 1}}


def config(name: str, **more: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**topic(name, **more)["metadata"]}, "data": {}}


def kustomization(*inventory: dict[str, Any], path: str = f"./w/{FOLDER}", root: str = "flux-system") -> dict[str, Any]:
    keys = map(key_of, inventory)
    entries = [{"id": f"{key.namespace}_{key.name}_{key.group}_{key.kind}", "v": "v1"} for key in keys]
    return applied(
        {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": KEY.name, "namespace": KEY.namespace, "labels": labels(root)},
            "spec": {"path": path},
            "status": {"inventory": {"entries": entries}},
        },
        FLUX,
    )


class Cluster(ObjectStore):
    """Dry runs write nothing; who is in `conflicts` holds a field of every object."""

    def __init__(self, *objects: dict[str, Any], conflicts: str = "", forbidden: str = "") -> None:
        super().__init__(*objects)
        self.conflicts, self.forbidden = conflicts, forbidden

    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        if path == self.forbidden:
            return status(403, "kustomizations is forbidden: User cannot get it", "Forbidden")
        if query.get("dryRun") != "All":
            return super().handle(method, path, query, body)
        if self.conflicts and query["force"] != "true":
            cause = {"reason": "FieldManagerConflict", "message": f'conflict with "{self.conflicts}"', "field": ".spec"}
            return status(409, "conflict", "Conflict", causes=[cause])
        if path not in self.objects:
            return answer(201, body)
        live = copy.deepcopy(self.objects[path])
        return answer(200, {**live, **body, "metadata": {**live["metadata"], "labels": body["metadata"]["labels"]}})

    def api(self) -> Api:
        return Api(ScriptedConnection(self.handle), Deadline(10), concurrency=1)


def request(*objects: dict[str, Any], **more: Any) -> SetRequest:
    return SetRequest("kafka", "messaging", list(objects), data_loss_phrase="kafka@apps", **more)


def predict(cluster: Cluster, *objects: dict[str, Any]) -> FluxSet:
    made = labelled(objects, KEY)
    run = FluxSet(cluster.api(), request(*made, predict=True, force=True, manager=FLUX), cluster.objects.get(PATH))
    run.run()
    return run


def direct(cluster: Cluster, *objects: dict[str, Any]) -> DirectSet:
    run = DirectSet(cluster.api(), request(*objects), KEY, FOLDER, lambda text: None)
    run.run()
    return run


def of_flux(manifest: dict[str, Any], **more: str) -> dict[str, Any]:
    own = {**manifest["metadata"]["labels"], **SET, **labels(), **more}
    return applied({**manifest, "metadata": {**manifest["metadata"], "labels": own}}, FLUX)


# -- whose Kustomization it is


def test_a_kustomization_is_ours_by_who_applies_it_and_by_its_path() -> None:
    assert is_ours(kustomization(), FOLDER)
    assert is_ours(kustomization(path=FOLDER), FOLDER)
    refuse_foreign(None, FOLDER)
    refuse_foreign(kustomization(), FOLDER)
    for theirs in (
        kustomization(path="./theirs"),
        kustomization(path=f"./not-{FOLDER}"),
        kustomization(root="another"),
        applied(kustomization(), "kubectl"),
    ):
        with pytest.raises(ClusterError, match=r"Nothing has been changed\. Kustomization flux-system/cluster-apps"):
            refuse_foreign(theirs, FOLDER)


def test_directly_a_kustomization_of_others_is_left_alone() -> None:
    cluster = Cluster(kustomization(path="./theirs"))
    assert direct(cluster, topic("a")).found is None
    assert not [write for write in cluster.writes if "kustomizations" in write]


def test_who_may_not_read_kustomizations_can_still_apply_directly() -> None:
    cluster = Cluster(forbidden=PATH)
    assert direct(cluster, topic("a")).found is None
    assert cluster.get("KafkaTopic", "a")
    theirs = Cluster(of_flux(topic("a")), forbidden=PATH)
    with pytest.raises(ClusterError, match="not allowed"):
        direct(theirs, topic("a"))
    assert theirs.writes == []


# -- what Flux would prune


def test_what_flux_prunes_is_asked_about_whatever_set_it_is_of() -> None:
    lost = of_flux(topic("lost"))
    cluster = Cluster(kustomization(topic("kept"), lost), of_flux(topic("kept")), lost)
    with pytest.raises(ClusterError, match=r"(?s)destroys data.*KafkaTopic messaging/lost"):
        predict(cluster, topic("kept"))


def test_what_is_of_nobodys_set_is_not_pruned_by_flux_in_silence() -> None:
    theirs = of_flux(config("theirs"))
    del theirs["metadata"]["labels"][PART_OF]
    cluster = Cluster(kustomization(theirs), theirs)
    with pytest.raises(ClusterError, match="has applied ConfigMap messaging/theirs, which this collection has not"):
        predict(cluster, topic("a"))
    theirs["metadata"]["annotations"] = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    cluster.add(theirs)
    assert predict(cluster, topic("a")).report.counts()["pruned"] == 0


def test_what_the_inventory_does_not_have_is_not_pruned() -> None:
    cluster = Cluster(kustomization(), of_flux(topic("other")), of_flux(topic("another"), **labels("another")))
    assert predict(cluster, topic("a")).report.counts() == {"created": 1, "changed": 0, "unchanged": 0, "pruned": 0}


# -- to direct: first the question


def test_a_refusal_leaves_flux_as_it_is() -> None:
    lost = of_flux(topic("lost"))
    cluster = Cluster(kustomization(topic("kept"), lost), of_flux(topic("kept")), lost)
    with pytest.raises(ClusterError, match=r"Nothing has been changed\. "):
        direct(cluster, topic("kept"))
    assert cluster.writes == []
    assert "suspend" not in cluster.objects[PATH]["spec"]


@pytest.mark.parametrize(("manager", "refused"), [(FLUX, False), ("somebody", True)])
def test_only_what_flux_holds_is_no_conflict_in_the_prediction(manager: str, refused: bool) -> None:
    cluster = Cluster(kustomization(topic("a")), of_flux(topic("a")), conflicts=manager)
    predicted = DirectSet(cluster.api(), request(topic("a"), predict=True), KEY, FOLDER, lambda text: None)
    if refused:
        with pytest.raises(ClusterError, match=r"conflict with other field managers over \.spec by somebody"):
            predicted.run()
    else:
        assert predicted.run().changed
    assert cluster.writes == []


def test_the_record_is_there_before_anything_changes_hands() -> None:
    cluster = Cluster(kustomization(topic("a")), of_flux(topic("a")))
    run = direct(cluster, topic("a"))
    assert run.found
    assert cluster.objects[PATH]["spec"]["suspend"] is True
    first = [write.rpartition("/")[2] for write in cluster.writes][:3]
    assert first == ["kafka", KEY.name, "a"]
    assert "KafkaTopic.kafka.strimzi.io" in str(cluster.objects[RECORD]["metadata"]["annotations"])


def test_a_kustomization_that_has_applied_nothing_yet_is_suspended_too() -> None:
    cluster = Cluster(kustomization())
    direct(cluster, topic("a"))
    assert cluster.objects[PATH]["spec"]["suspend"] is True


def test_a_kustomization_that_goes_meanwhile_need_not_be_suspended() -> None:
    class Going(Cluster):
        def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
            if method == "PATCH" and path == RECORD:  # the sync has been taken from the FluxInstance
                self.objects.pop(PATH, None)
            return super().handle(method, path, query, body)

    cluster = Going(kustomization(topic("a")), of_flux(topic("a")))
    assert [key.name for key in direct(cluster, topic("a")).taken] == ["a"]
    live = cluster.get("KafkaTopic", "a")
    assert live
    assert is_applied_by(live, OURS)
    assert PATH not in cluster.objects


def test_what_the_inventory_knows_is_no_record() -> None:
    cluster = Cluster(kustomization(topic("a")))  # somebody has deleted the topic meanwhile
    direct(cluster, topic("a"))
    assert RECORD in cluster.objects


# -- a run that died


def test_what_was_taken_without_a_record_is_found_and_given_up() -> None:
    both = applied(of_flux(topic("a")), FLUX, OURS)
    cluster = Cluster(kustomization(both), both)
    assert is_applied_directly(predict(cluster, topic("a")).live.values(), OURS)
    assert release(cluster.api(), request(), KEY, {key_of(both)}, lambda text: None) == 1
    assert not is_applied_directly([of_flux(topic("a"))], OURS)
    assert is_applied_by(both, FLUX)


# -- staging


@pytest.fixture
def deliver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Stage topics; what is staged is in staging.found()."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    monkeypatch.setattr(staging, "check_published", lambda task: None)

    def go(cluster: Cluster, *objects: dict[str, Any], **more: Any) -> dict[str, Any]:
        action = Deliver.__new__(Deliver)
        action._task = SimpleNamespace(check_mode=False, diff=False)
        action.api = lambda args, timeout, concurrency=1: cluster.api()  # type: ignore[method-assign]
        where = staging.Repository("https://g/x.git", "main", "", "", "", "c/apps", "w", "flux-system")
        args = {"component": "kafka_cluster", "objects": list(objects), "files": ["topics.yaml"] * len(objects)}
        args |= {"timeout": 10, "concurrency": 1, "not_waited": [], "ready_timeout": 10, "strimzi_version": None}
        args |= {"directly_first": more.pop("directly_first", False)}
        return action._gitops(args, request(*objects, **more), where, "apps")

    return go


def record() -> dict[str, Any]:
    made = parent_of([key_of(topic("kept"))], "messaging").manifest("kafka", "messaging")
    return applied(made, OURS)


def test_while_a_hand_over_is_open_what_flux_alone_has_applied_is_asked_about(deliver: Any) -> None:
    added = of_flux(topic("added"))
    cluster = Cluster(kustomization(topic("kept"), added), of_flux(topic("kept")), added, record())
    with pytest.raises(ClusterError, match=r"(?s)destroys data.*KafkaTopic messaging/added"):
        deliver(cluster, topic("kept"))
    assert staging.found("apps", staging.STAGED) == []
    done = deliver(cluster, topic("kept"), confirm_data_loss="kafka@apps")
    assert done["counts"]["pruned"] == 1
    [staged] = staging.found("apps", staging.STAGED)
    assert staged.taken
    assert staged.differs


def test_nothing_is_staged_over_a_kustomization_of_others(deliver: Any) -> None:
    cluster = Cluster(kustomization(path="./theirs"))
    with pytest.raises(ClusterError, match="is not this collection's"):
        deliver(cluster, topic("a"))
    assert staging.found("apps", staging.STAGED) == []
    assert cluster.writes == []


def test_what_flux_alone_would_not_finish_is_applied_first_and_handed_over(deliver: Any) -> None:
    cluster = Cluster()
    assert deliver(cluster, topic("new"), directly_first=True)["changed"]
    [found] = staging.found("apps", staging.STAGED)
    assert found.taken


# -- nothing to deliver any more


def test_what_has_no_objects_any_more_is_taken_away_and_leaves_git(deliver: Any) -> None:
    cluster = Cluster(kustomization(topic("lost")), of_flux(topic("lost")))
    with pytest.raises(ClusterError, match=r"(?s)Nothing has been changed.*destroys data.*KafkaTopic messaging/lost"):
        deliver(cluster)
    assert (cluster.writes, staging.found("apps", staging.STAGED)) == ([], [])
    done = deliver(cluster, confirm_data_loss="kafka@apps")
    assert (done["changed"], done["staged"], done["counts"]["pruned"]) == (True, False, 1)
    assert cluster.get("KafkaTopic", "lost") is None
    assert cluster.objects[PATH]["spec"]["suspend"] is True  # or Flux would bring it back until the commit is there
    first = next(number for number, write in enumerate(cluster.writes) if write.startswith("DELETE"))
    assert f"PATCH {PATH}" in cluster.writes[:first]
    [staged] = staging.found("apps", staging.STAGED)
    assert (staged.component, staged.kustomization, staged.texts) == ("kafka_cluster", None, {})
    assert RECORD not in cluster.objects


def test_what_has_never_had_objects_makes_no_kustomization(deliver: Any) -> None:
    cluster = Cluster()
    assert not deliver(cluster)["changed"]
    assert cluster.writes == []
    assert [each.kustomization for each in staging.found("apps", staging.STAGED)] == [None]


# -- what is suspended


@pytest.mark.parametrize("objects", [[topic("a")], []], ids=["some objects", "none any more"])
def test_what_is_suspended_is_refused_before_another_cluster_may_commit_it(deliver: Any, objects: list[Any]) -> None:
    root = kustomization()
    root["metadata"]["name"], root["spec"]["suspend"] = "flux-system", True
    cluster = Cluster(root, kustomization(topic("a")), of_flux(topic("a")))
    with pytest.raises(ClusterError, match=r"Nothing has been committed\. Suspended.*flux-system/flux-system"):
        deliver(cluster, *objects, confirm_data_loss="kafka@apps")
    assert (cluster.writes, staging.found("apps", staging.STAGED)) == ([], [])
