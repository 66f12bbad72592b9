# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks of what Git brings: what is suspended, what leaves the branch, what goes on, at whichever point it died."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.action import rollback
from ansible_collections.synergyflow.platform.plugins.module_utils import delivery_layout as layout
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_plan import PART_OF, parent_of, set_id
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.git_program import Git
from ansible_collections.synergyflow.platform.plugins.module_utils.handover import suspend
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key, key_of
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback import held_back, plan
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.from_git import FromGit, identity
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.journal import (
    Journal,
    Journals,
    Owner,
    giving_up,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.tree_files import files
from ansible_collections.synergyflow.platform.plugins.plugin_utils import rollback_git
from ansible_collections.synergyflow.platform.plugins.plugin_utils.staging import Repository
from kept_objects import ObjectStore

FLUX, KUSTOMIZE = "flux-system", "kustomize.toolkit.fluxcd.io"
KAFKA, REGISTRY, BACKEND = (
    layout.kustomization_name("apps", each) for each in ("kafka_cluster", "schema_registry", "synergyflow_backend")
)
URL, FOLDER = "http://git.example/platform.git", "kubernetes/clusters/apps"
HASH = "a" * 40
REVISION, OLDER = f"main@sha1:{HASH}", f"main@sha1:{'b' * 40}"


def kustomization(name: str, *needs: str, ready: bool = True, **spec: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False", "reason": "x", "observedGeneration": 1}
    return {
        "apiVersion": f"{KUSTOMIZE}/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": FLUX, "uid": f"uid-{name}", "generation": 1},
        "spec": {"dependsOn": [{"name": each} for each in needs], **spec},
        "status": {"conditions": [condition], "lastAppliedRevision": REVISION, "observedGeneration": 1},
    }


def source(**spec: Any) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True", "reason": "x", "observedGeneration": 1}
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": FLUX, "namespace": FLUX, "uid": "uid-source", "generation": 1},
        "spec": {"url": URL, "ref": {"branch": "main"}, **spec},
        "status": {"conditions": [ready], "artifact": {"revision": REVISION}, "observedGeneration": 1},
    }


def key(name: str) -> Key:
    return Key(KUSTOMIZE, "Kustomization", FLUX, name)


def blank(url: str = URL) -> FromGit:
    return FromGit("apps", ["kafka_cluster"], url, "main", FOLDER, FLUX, [], [], [])


def planned(*live: dict[str, Any], component: str = "kafka_cluster", **more: Any) -> FromGit:
    seen = plan.Seen(flux=list(live), by_git={key(KAFKA): "kafka_cluster"})
    made = plan.with_git(plan.Plan(component, "apps", **more), seen, blank())
    assert made.from_git is not None
    return made.from_git


# -- the plan


def test_it_and_what_depends_on_it_at_any_distance_is_suspended_and_nothing_else() -> None:
    live = [kustomization(KAFKA, "x"), kustomization(REGISTRY, KAFKA), kustomization(BACKEND, REGISTRY)]
    found = planned(kustomization(FLUX), kustomization("x"), *live)
    assert found.held == [identity(key(each)) for each in (KAFKA, REGISTRY, BACKEND)]
    assert found.unready == sorted(identity(key(each)) for each in (REGISTRY, BACKEND))


def test_what_was_suspended_before_is_not_ours_to_resume() -> None:
    live = [kustomization(KAFKA), kustomization(REGISTRY, KAFKA, suspend=True), kustomization(BACKEND, KAFKA)]
    found = planned(*live, suspended=[identity(key(REGISTRY))])
    assert found.held == [identity(key(KAFKA)), identity(key(BACKEND))]


def test_what_a_run_that_died_has_suspended_is_resumed_by_its_new_plan() -> None:
    live = [kustomization(KAFKA, suspend=True), kustomization(BACKEND, suspend=True)]
    held = frozenset(identity(key(each)) for each in (KAFKA, BACKEND, "gone"))
    seen = plan.Seen(flux=live, by_git={key(KAFKA): "kafka_cluster"}, held=held)
    made = plan.build("kafka_cluster", "apps", {"kafka_cluster_namespace": "x", "kafka_cluster_name": "y"}, seen)
    found = plan.with_git(made, seen, blank()).from_git
    assert found is not None
    assert (made.suspended, found.held) == ([], [identity(key(each)) for each in (KAFKA, BACKEND)])


def test_what_goes_on_without_it_is_waited_for_unless_it_was_not_ready_or_others_still_name_it() -> None:
    live = [kustomization(KAFKA), kustomization(REGISTRY, KAFKA), kustomization("of-people", KAFKA)]
    found = planned(*live, kustomization(BACKEND, KAFKA, ready=False), component="strimzi")
    assert found.unready == [identity(key(each)) for each in sorted((BACKEND, "of-people"))]


def test_the_plan_names_what_is_suspended_taken_out_and_resumed_and_survives_its_journal() -> None:
    found = planned(kustomization(KAFKA), kustomization(REGISTRY, KAFKA))
    found.removed, found.subjects = ["w/kafka/a.yaml", "w/kafka/b.yaml"], ["0123456789 as it was"]
    whole = plan.Plan("kafka_cluster", "apps", from_git=found)
    text = plan.text(whole, "kafka_cluster@apps")
    assert whole.pending
    for words in ("2 files in w/kafka", "0123456789 as it was", f"Kustomization {FLUX}/{REGISTRY}, not ready without"):
        assert words in text
    kept = Journal(whole, Owner("me", "here", 1), "2026-11-21T10:00:00+00:00", "2026-11-21T10:00:00+00:00")
    assert Journal.read(kept.manifest("default") | {"metadata": {"resourceVersion": ""}}).plan == whole
    assert f"resume Kustomization {FLUX}/{KAFKA}, Kustomization {FLUX}/{REGISTRY}" in giving_up("default", whole)


# -- Flux


class Controllers:
    """An API server whose Flux answers at once, and takes away what Git has no more."""

    def __init__(self, *objects: dict[str, Any], gone: tuple[str, ...] = ()) -> None:
        self.store, self.gone = ObjectStore(*objects), gone

    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        answered = self.store.handle(method, path, query, body)
        for live in list(self.store.objects.values()):
            asked = (live["metadata"].get("annotations") or {}).get("reconcile.fluxcd.io/requestedAt")
            if asked and not live["spec"].get("suspend"):
                live["status"] |= {"lastHandledReconcileAt": asked, "lastAppliedRevision": REVISION}
                if live["metadata"]["name"] == FLUX and live["kind"] == "Kustomization":
                    for name in self.gone:
                        self.store.objects.pop(self.store.path(kustomization(name)), None)
        return answered

    def suspended(self) -> list[str]:
        every = self.store.objects.values()
        return sorted(each["metadata"]["name"] for each in every if (each.get("spec") or {}).get("suspend"))


@pytest.fixture
def platform() -> Controllers:
    live = [kustomization(KAFKA), kustomization(REGISTRY, KAFKA), kustomization(BACKEND, REGISTRY)]
    root = kustomization(FLUX)
    root["status"]["lastAppliedRevision"] = OLDER
    return Controllers(source(), root, *live, gone=(KAFKA,))


def test_flux_goes_on_in_order_at_the_revision_and_a_second_time(
    platform: Controllers, scripted: Callable[..., Api]
) -> None:
    api = scripted(platform.handle, 5.0)
    found = planned(*platform.store.objects.values())
    assert held_back.hold(api, found) == [f"Kustomization {FLUX}/{each}" for each in (KAFKA, REGISTRY, BACKEND)]
    assert platform.suspended() == sorted((KAFKA, REGISTRY, BACKEND))
    assert held_back.hold(api, found) == []
    platform.store.writes.clear()
    resumed = held_back.let_go_on(api, found, REVISION, lambda other: False, lambda text: None)
    assert resumed == [f"Kustomization {FLUX}/{each}" for each in (REGISTRY, BACKEND)]
    assert [each.rpartition("/")[2] for each in platform.store.writes] == [FLUX, REGISTRY, BACKEND]
    assert platform.suspended() == []
    assert held_back.remaining(api, found) == []
    assert held_back.let_go_on(api, found, REVISION, lambda other: False, lambda text: None) == []


def test_nothing_is_resumed_before_every_source_has_the_revision(
    platform: Controllers, scripted: Callable[..., Api]
) -> None:
    api = scripted(platform.handle, 5.0)
    found = planned(*platform.store.objects.values())
    held_back.hold(api, found)
    platform.store.get("GitRepository", FLUX)["status"]["artifact"]["revision"] = OLDER
    with pytest.raises(ClusterError, match="somebody pushed after it, or elsewhere"):
        held_back.let_go_on(api, found, REVISION, lambda other: False, lambda text: None)
    assert platform.suspended() == sorted((KAFKA, REGISTRY, BACKEND))


@pytest.mark.parametrize(
    ("spec", "root", "told"),
    [
        ({}, {}, ""),
        ({"suspend": True}, {}, "GitRepository flux-system/flux-system is suspended"),
        ({}, {"suspend": True}, "Kustomization flux-system/flux-system is suspended"),
        ({"url": "http://elsewhere"}, {}, "follows http://elsewhere, and flux_git_url is"),
        ({"ref": {"name": "refs/heads/main"}}, {}, ""),
        ({"ref": {"branch": "production"}}, {}, "follows production, and flux_git_branch is main"),
        ({"ref": {"tag": "v1"}}, {}, "follows no branch, and flux_git_branch is main"),
        ({}, {"path": "./kubernetes/clusters/other"}, "other, and flux_git_path is"),
    ],
)
def test_what_would_keep_flux_from_following_is_told_first(
    scripted: Callable[..., Api], spec: Any, root: Any, told: str
) -> None:
    store = ObjectStore(source(**spec), kustomization(FLUX, **{"path": f"./{FOLDER}/", **root}))
    assert told in ". ".join(held_back.asleep(scripted(store.handle), blank()))
    assert bool(held_back.asleep(scripted(store.handle), blank())) is bool(told)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("Progressing", f"Running health checks for revision {REVISION}"),
        ("ProgressingWithRetry", "kustomization path not found"),
    ],
)
def test_a_kustomization_that_only_looks_at_health_or_has_failed_is_not_waited_for(
    scripted: Callable[..., Api], reason: str, message: str
) -> None:
    """A component that fails keeps its Kustomization looking for ten minutes, and is what is rolled back."""
    live = kustomization(KAFKA)
    live["status"]["conditions"] = [{"type": "Reconciling", "status": "True", "reason": reason, "message": message}]
    store = ObjectStore(live)
    suspend(scripted(store.handle, 0.3), key(KAFKA))
    live["status"]["conditions"][0] |= {"reason": "Progressing", "message": "Detecting drift"}
    store.add(live)
    with pytest.raises(ClusterError, match="still reconciling"):
        suspend(scripted(store.handle, 0.3), key(KAFKA))


# -- Git


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Repo:
    """A bare repository with two components that one commit has brought, and people who push to it."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "bare.git", folder / "somebody"
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        git(self.bare, "config", "receive.denyNonFastForwards", "true")
        git(folder, "clone", "--quiet", str(self.bare), str(self.work))
        git(self.work, "checkout", "--quiet", "-B", "main")
        self.push("begin", {"README.md": "of people\n"})
        self.site = self.push("apps: everything", self.delivered("kafka_cluster", "schema_registry"))

    def delivered(self, *components: str) -> dict[str, str]:
        texts, changes = {}, []
        for each in components:
            topic = {"apiVersion": "kafka.strimzi.io/v1", "kind": "KafkaTopic", "metadata": {"name": each}}
            path = f"kubernetes/workloads/{layout.PLACES[each].folder}/topic.yaml"
            texts |= files({path: [topic]}, layout.owner("apps", each))
            made = layout.kustomization("apps", each, [topic], layout.WORKLOADS, namespace=FLUX, left_out=[])
            changes.append(layout.Change("apps", each, FOLDER, FLUX, made))
        return texts | layout.compose(changes, lambda path: None)[0]

    def push(self, subject: str, texts: dict[str, str]) -> str:
        git(self.work, "pull", "--quiet", "--rebase", "origin", "main") if self.heads() else None
        for path, text in texts.items():
            (self.work / path).parent.mkdir(parents=True, exist_ok=True)
            (self.work / path).write_text(text)
        git(self.work, "add", "-A")
        git(self.work, "commit", "--quiet", "-m", subject)
        git(self.work, "push", "--quiet", "origin", "HEAD:main")
        return git(self.work, "rev-parse", "HEAD")

    def heads(self) -> str:
        return git(self.bare, "for-each-ref")

    def paths(self) -> list[str]:
        return git(self.bare, "ls-tree", "-r", "--name-only", "main").splitlines()

    def show(self, path: str) -> str:
        return git(self.bare, "show", f"main:{path}")

    @property
    def count(self) -> int:
        return int(git(self.bare, "rev-list", "--count", "main"))

    @property
    def where(self) -> Repository:
        return Repository(str(self.bare), "main", "", "", "", FOLDER, layout.WORKLOADS, FLUX)

    def tried(self, revert: str = "") -> FromGit:
        return rollback_git.tried(self.where, blank(str(self.bare)), revert)

    def roll_back(self, found: FromGit | None = None) -> Any:
        return rollback_git.done(self.where, found or self.tried(), "kafka_cluster", lambda text: None)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


TOPIC = "kubernetes/workloads/platform/messaging/{}/topic.yaml"
MESSAGING = f"{FOLDER}/messaging.yaml"


def test_the_component_leaves_git_alone_and_a_second_time_nothing_is_pushed(repo: Repo) -> None:
    before = repo.show(TOPIC.format("schema-registry"))
    found = repo.tried()
    assert (found.removed, repo.count) == ([TOPIC.format("kafka")], 2)
    report = repo.roll_back(found)
    assert TOPIC.format("kafka") not in repo.paths()
    assert repo.show(TOPIC.format("schema-registry")) == before
    assert KAFKA not in repo.show(MESSAGING)
    assert "dependsOn" not in repo.show(MESSAGING)
    assert git(repo.bare, "log", "-1", "--format=%s").startswith("apps: roll back kafka_cluster: ")
    again = repo.roll_back(found)
    assert (again.changed, again.commit, repo.count) == (False, report.commit, 3)


def test_people_who_push_meanwhile_lose_nothing(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = repo.push("theirs", {"alerts.yaml": "on: true\n"})
    found = repo.tried(theirs)
    real, pushed = Git.push, []

    def push(self: Git) -> None:
        if not pushed:
            repo.push("and more", {"notes.md": "x\n"})
        pushed.append(1)
        real(self)

    monkeypatch.setattr(Git, "push", push)
    report = repo.roll_back(found)
    assert (report.attempts, repo.show("notes.md")) == (2, "x")
    assert "alerts.yaml" not in repo.paths()


def test_a_commit_of_people_is_reverted_with_it_and_what_is_so_already_is_not(repo: Repo) -> None:
    repo.push("their alert", {"alerts.yaml": "a: 1\n"})
    theirs = repo.push("their change", {"alerts.yaml": "a: 2\n"})
    found = repo.tried(theirs[:9])
    assert (found.commits, found.subjects) == ([theirs], [f"{theirs[:10]} their change"])
    repo.roll_back(found)
    assert repo.show("alerts.yaml") == "a: 1"
    log = git(repo.bare, "log", "--format=%s", "main").splitlines()
    assert log[0].startswith("apps: roll back")
    assert log[1] == 'Revert "their change"'
    count = repo.count
    again = repo.tried(theirs)
    assert again.subjects == []
    assert "nothing, it is so already" in plan.text(plan.Plan("kafka_cluster", "apps", from_git=again), "x")
    assert (repo.roll_back(again).changed, repo.count) == (False, count)


def test_reverting_the_commit_that_brought_everything_takes_nothing_of_others(repo: Repo) -> None:
    repo.push("apps: more", repo.delivered("kafka_cluster", "schema_registry", "strimzi"))  # in the same files
    before = repo.show(TOPIC.format("schema-registry"))
    found = repo.tried(repo.site)
    assert found.subjects == []
    repo.roll_back(found)
    assert TOPIC.format("kafka") not in repo.paths()
    assert repo.show(TOPIC.format("schema-registry")) == before
    assert REGISTRY in repo.show(MESSAGING)


def test_a_range_that_was_reverted_is_not_reverted_again_by_the_run_that_finishes_it(repo: Repo) -> None:
    begin = repo.push("one", {"alerts.yaml": "a: 1\n"})
    repo.push("two", {"alerts.yaml": "a: 2\n"})
    found = repo.tried(f"{begin}..{repo.push('three', {'alerts.yaml': 'a: 3', 'b.md': 'x'})}")
    repo.roll_back(found)
    assert repo.show("alerts.yaml") == "a: 1"
    fixed = repo.push("people go on", {"alerts.yaml": "a: 7\n"})
    again = repo.roll_back(found)
    assert (again.changed, repo.show("alerts.yaml"), git(repo.bare, "rev-parse", "main")) == (False, "a: 7", fixed)


def test_what_was_reverted_and_brought_back_is_reverted_again(repo: Repo) -> None:
    repo.push("one", {"alerts.yaml": "a: 1\n"})
    theirs = repo.push("two", {"alerts.yaml": "a: 2\n"})
    for undone in (theirs, "HEAD"):
        git(repo.work, "revert", "--no-edit", undone)
    git(repo.work, "push", "--quiet", "origin", "HEAD:main")
    assert repo.show("alerts.yaml") == "a: 2"
    repo.roll_back(repo.tried(theirs))
    assert repo.show("alerts.yaml") == "a: 1"


def test_a_file_that_the_commit_gave_another_name_stays_as_it_is(repo: Repo) -> None:
    """Git takes one file that goes and a like one that comes for one that was renamed."""
    old, new = TOPIC.format("schema-registry"), TOPIC.format("schema-registry").replace("topic", "other")
    git(repo.work, "mv", old, new)
    git(repo.work, "commit", "--quiet", "-m", "apps: another name")
    git(repo.work, "push", "--quiet", "origin", "HEAD:main")
    moved = git(repo.work, "rev-parse", "HEAD")
    before = repo.show(new)
    found = repo.tried(moved)
    assert found.subjects == []
    repo.roll_back(found)
    assert repo.show(new) == before
    assert old not in repo.paths()


def test_a_conflict_ends_before_anything_is_pushed_and_its_range_does_not(repo: Repo) -> None:
    first = repo.push("one", {"alerts.yaml": "a: 1\n"})
    second = repo.push("two", {"alerts.yaml": "a: 2\n"})
    head = git(repo.bare, "rev-parse", "main")
    with pytest.raises(
        ClusterError, match=rf"Reverting {first[:10]} \(one\) conflicts in alerts.yaml.*Nothing has been"
    ):
        repo.tried(first)
    assert git(repo.bare, "rev-parse", "main") == head
    found = repo.tried(f"{repo.site}..{second}")
    assert found.commits == [second, first]
    repo.roll_back(found)
    assert "alerts.yaml" not in repo.paths()


def test_of_what_was_merged_the_merge_is_reverted(repo: Repo) -> None:
    git(repo.work, "checkout", "--quiet", "-b", "feature")
    (repo.work / "one.md").write_text("1\n")
    git(repo.work, "add", "-A")
    git(repo.work, "commit", "--quiet", "-m", "one")
    git(repo.work, "checkout", "--quiet", "main")
    git(repo.work, "merge", "--quiet", "--no-ff", "-m", "merged", "feature")
    git(repo.work, "push", "--quiet", "origin", "HEAD:main")
    merge = git(repo.work, "rev-parse", "HEAD")
    found = repo.tried(f"{repo.site}..{merge}")
    assert found.commits == [merge]
    repo.roll_back(found)
    assert "one.md" not in repo.paths()


@pytest.mark.parametrize(
    ("given", "told"),
    [("0" * 40, "is no commit of the branch main"), ("HEAD~1", "rollback_revert: expected"), ("", "")],
)
def test_what_is_no_commit_is_refused(repo: Repo, given: str, told: str) -> None:
    if not told:
        assert repo.tried(given).commits == []
        return
    with pytest.raises(ClusterError, match=told):
        repo.tried(rollback_git.checked_revert(given))


def test_a_repository_that_is_not_there_is_told_by_git_itself(repo: Repo) -> None:
    found = repo.tried()
    repo.bare.rename(repo.bare.with_name("away"))
    with pytest.raises(ClusterError, match=r"git .* failed"):
        repo.roll_back(found)


# -- what Git has and Flux has not brought, or was deleted under it

VALUES = {"kafka_cluster_namespace": "messaging", "kafka_cluster_name": "one"}
NOTHING = "nothing to do, nothing of it is there"


@pytest.fixture
def asked(scripted: Callable[..., Api], monkeypatch: pytest.MonkeyPatch, repo: Repo) -> Callable[..., Any]:
    """The plan over what is on the cluster, and the repository."""
    monkeypatch.setattr(rollback.role_values, "typed_values", lambda *given: VALUES)

    def ask(*live: dict[str, Any], revert: str = "", **variables: Any) -> Any:
        action = rollback.ActionModule.__new__(rollback.ActionModule)
        action._templar = SimpleNamespace(template=lambda value: value)
        journals = Journals(scripted(ObjectStore(*live).handle, 2.0), "default")
        known = {"inventory_hostname": "apps", "flux_git_url": str(repo.bare), "flux_git_path": FOLDER, **variables}
        given = {"phrase": "", "revert": revert, "delete_claims": False, "without_backup": False}
        return action._plan(journals, "kafka_cluster", given, known)

    return ask


def follows(repo: Repo, **root: Any) -> list[dict[str, Any]]:
    """Flux follows the repository, and has brought nothing of the component."""
    return [source(url=str(repo.bare)), kustomization(FLUX, path=f"./{FOLDER}", **root)]


def kafka(*more: dict[str, Any]) -> list[dict[str, Any]]:
    """A Kafka that is delivered directly."""
    where = ("messaging", "kafka-cluster-one")
    metadata = {"name": "one", "namespace": "messaging", "uid": "u", "labels": {PART_OF: set_id(where[1], where[0])}}
    metadata["managedFields"] = [{"manager": "synergyflow.platform", "operation": "Apply"}]
    live = {"apiVersion": "kafka.strimzi.io/v1", "kind": "Kafka", "metadata": metadata}
    return [live, parent_of([key_of(live)], where[0]).manifest(where[1], where[0]), *more]


def test_what_git_has_and_flux_has_not_brought_leaves_git(repo: Repo, asked: Callable[..., Any]) -> None:
    found = asked(*follows(repo))
    there = found["plan"]["from_git"]
    assert found["pending"]
    assert (there["parts"], there["going"], there["removed"]) == (["kafka_cluster"], [KAFKA], [TOPIC.format("kafka")])
    assert there["held"] == [identity(key(KAFKA))], "it may come before Git is without it"
    repo.roll_back(plan.Plan.read(found["plan"]).from_git)
    assert NOTHING in asked(*follows(repo))["text"]


@pytest.mark.parametrize("left", ["files", "Kustomization"])
def test_half_of_it_in_git_is_something_to_do(repo: Repo, asked: Callable[..., Any], left: str) -> None:
    there = repo.show(MESSAGING)
    repo.roll_back()
    if left == "files":
        repo.push("again", repo.delivered("kafka_cluster"))
        repo.push("not all of it", {MESSAGING: "# of people\n"})
    else:
        repo.push("not all of it", {MESSAGING: f"{there}\n"})
    assert asked(*follows(repo))["pending"] is True


def test_what_is_there_directly_and_in_git_goes_from_both(repo: Repo, asked: Callable[..., Any]) -> None:
    """A run died between the commit and what Flux makes of it."""
    found = asked(*kafka(*follows(repo)))["plan"]
    assert [each["kind"] for wave in found["delete"] for each in wave] == ["Kafka"]
    assert found["from_git"]["going"] == [KAFKA]


@pytest.mark.parametrize("why", ["Flux is suspended", "no Flux", "of others"])
def test_what_git_brings_and_cannot_be_withdrawn_is_refused(repo: Repo, asked: Callable[..., Any], why: str) -> None:
    if why == "Flux is suspended":
        with pytest.raises(ClusterError, match="Kustomization flux-system/flux-system is suspended"):
            asked(*follows(repo, suspend=True))
    elif why == "no Flux":
        assert NOTHING in asked()["text"], "nobody reads that repository here"
        with pytest.raises(ClusterError, match="there is no GitRepository"):
            asked(platform_delivery="gitops")
    else:
        found = asked(*follows(repo), kustomization(KAFKA, suspend=True, path="./of/others"))
        assert "is not what this collection keeps for this host" in found["plan"]["refused"][0]
        assert not found["pending"]


def test_a_repository_that_does_not_answer_is_no_empty_one(repo: Repo, asked: Callable[..., Any]) -> None:
    flux = follows(repo)
    repo.bare.rename(repo.bare.with_name("away"))
    with pytest.raises(ClusterError, match=r"Nothing has been changed\. Not known is whether Git has kafka_cluster"):
        asked(*flux, platform_delivery="gitops")
    for there in (flux, kafka(*flux)):
        found = asked(*there)
        assert found["pending"] is (there is not flux), "what is delivered directly is undone without Git"
        assert "Not known:\n  whether Git has kafka_cluster and brings it again: git" in found["text"]
    unnamed = asked(*flux, flux_git_url="")["text"]
    assert NOTHING in unnamed
    assert "flux_git_url is empty" in unnamed


def test_commits_are_not_reverted_by_a_rollback_with_nothing_to_do(repo: Repo, asked: Callable[..., Any]) -> None:
    theirs = repo.push("their alert", {"alerts.yaml": "a: 1\n"})
    repo.roll_back()
    with pytest.raises(ClusterError, match=r"not reverted are .* their alert: revert them by hand"):
        asked(*follows(repo), revert=theirs)
    repo.roll_back(repo.tried(theirs))
    assert NOTHING in asked(*follows(repo), revert=theirs)["text"]
    with pytest.raises(ClusterError, match="is not delivered by Git here"):
        asked(*kafka(*follows(repo)), revert=theirs)


def test_as_long_as_nothing_is_pushed_other_commits_make_a_new_plan(repo: Repo, asked: Callable[..., Any]) -> None:
    """What was confirmed may conflict since, and nobody could finish that."""
    first = repo.push("one", {"alerts.yaml": "a: 1\n"})
    confirmed = plan.Plan.read(asked(*follows(repo), revert=first)["plan"])
    repo.push("two", {"alerts.yaml": "a: 2\n"})
    then = "2026-11-21T10:00:00+00:00"
    kept = Journal(confirmed, Owner("me", "elsewhere", 1), then, then)
    for other in ("", f"{repo.site}..{git(repo.bare, 'rev-parse', 'main')}"):
        found = asked(*follows(repo), kept.manifest("default"), revert=other)
        assert "Its plan no longer holds, as there is now: rollback_revert=" in found["text"]
        assert found["plan"]["from_git"]["asked"] == other
        assert found["plan"]["replaces"]
    same = asked(*follows(repo), kept.manifest("default"), revert=first)
    assert "this run goes on with it" in same["text"]
    kept.steps = {"git": {"done": True}}
    with pytest.raises(ClusterError, match="begun with rollback_revert="):
        asked(*follows(repo), kept.manifest("default"), revert="")


def test_what_flux_has_brought_is_seen_before_it_leaves_git(
    platform: Controllers, scripted: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of Git, Flux' inventory does not name it any more."""
    monkeypatch.setattr(rollback.role_values, "typed_values", lambda *given: VALUES)
    monkeypatch.setattr(rollback_git, "done", lambda *given: pytest.fail("it was pushed"))
    for each in kafka():
        platform.store.add(each)
    journals = Journals(scripted(platform.handle), "default")
    there = planned(*[each for each in platform.store.objects.values() if each["kind"] == "Kustomization"])
    mine = journals.open(plan.Plan("kafka_cluster", "apps", from_git=there), Owner("me", "here", 1))
    action = rollback.ActionModule.__new__(rollback.ActionModule)
    action._templar = SimpleNamespace(template=lambda value: value)
    where = Repository("", "main", "", "", "", FOLDER, layout.WORKLOADS, FLUX)
    with pytest.raises(ClusterError, match=r"no longer holds.*: Kafka messaging/one.*Suspended"):
        action._withdraw({}, journals, mine, there, where)


def test_what_flux_brings_before_it_is_held_back_wants_a_new_plan(
    asked: Callable[..., Any], scripted: Callable[..., Api]
) -> None:
    action = rollback.ActionModule.__new__(rollback.ActionModule)
    action._templar = SimpleNamespace(template=lambda value: value)
    old = plan.Plan("kafka_cluster", "apps")
    action._refuse_new(scripted(ObjectStore().handle), old, {}, rollback.NO_LONGER)
    with pytest.raises(ClusterError, match=r"no longer holds, as there is now: Kafka messaging/one"):
        action._refuse_new(scripted(ObjectStore(*kafka()).handle), old, {}, rollback.NO_LONGER)
