# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Git tree, on bare repositories of this machine: one commit or none, others' work kept, no secret anywhere."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils import git_program, git_tree
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.git_program import Git, Login
from ansible_collections.synergyflow.platform.plugins.module_utils.git_tree import Tree, TreeReport
from ansible_collections.synergyflow.platform.plugins.module_utils.tree_files import as_document, files

CANARY = "canary-4711-token"
FOLDER = "kubernetes/workloads/messaging"
TOPICS, USERS = f"{FOLDER}/topics.yaml", f"{FOLDER}/users.yaml"


def topic(name: str, partitions: int = 6) -> dict[str, Any]:
    return {
        "kind": "KafkaTopic",
        "apiVersion": "kafka.strimzi.io/v1",
        "spec": {"partitions": partitions, "config": {"retention.ms": "604800000"}},
        "metadata": {"namespace": "messaging", "name": name},
    }


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A repository with one commit of somebody else."""
    place, work = tmp_path / "bare.git", tmp_path / "somebody"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(place))
    git(place, "config", "receive.denyNonFastForwards", "true")
    git(tmp_path, "clone", "--quiet", str(place), str(work))
    (work / "README.md").write_text("of people\n")
    git(work, "checkout", "--quiet", "-B", "main")
    git(work, "add", "-A")
    git(work, "commit", "--quiet", "-m", "begin")
    git(work, "push", "--quiet", "origin", "HEAD:main")
    return place


@pytest.fixture
def deliver(bare: Path, tmp_path: Path) -> Callable[..., TreeReport]:
    def go(trees: dict[str, dict[str, Any]], check: bool = False, url: str = "", **more: Any) -> TreeReport:
        folder = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        text: dict[str, str] = {}
        for owner, paths in trees.items():
            text |= files(paths, owner)
        login = Login(url or str(bare), "platform", CANARY)
        at = Git(login, "main", folder, Deadline(30), ("platform", "platform@example.org"))
        return Tree(at, text, frozenset(trees), "apps", **more).deliver(check, True)

    return go


def at_main(bare: Path, path: str) -> str:
    return git(bare, "show", f"main:{path}")


def commits(bare: Path) -> int:
    return int(git(bare, "rev-list", "--count", "main"))


def somebody_pushes(bare: Path, path: str, text: str) -> None:
    work = bare.parent / "somebody"
    git(work, "pull", "--quiet", "--rebase", "origin", "main")
    place = work / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    git(work, "add", "-A")
    git(work, "commit", "--quiet", "-m", "of people")
    git(work, "push", "--quiet", "origin", "HEAD:main")


def test_one_commit_that_says_what_changed_and_then_none(bare: Path, deliver: Any) -> None:
    report = deliver({"kafka": {TOPICS: [topic("a"), topic("b")]}})
    assert (report.changed, commits(bare)) == (True, 2)
    assert report.commit == git(bare, "rev-parse", "main").strip()
    assert [each["metadata"]["name"] for each in yaml.safe_load_all(at_main(bare, TOPICS))] == ["a", "b"]
    assert yaml.safe_load(at_main(bare, f"{FOLDER}/kustomization.yaml"))["resources"] == ["topics.yaml"]
    assert git(bare, "log", "-1", "--format=%B", "main").startswith(
        f"apps: 2 added\n\nadded: KafkaTopic messaging/a ({FOLDER})\n"
    )
    again = deliver({"kafka": {TOPICS: [topic("a"), topic("b")]}})
    assert (again.changed, again.commit, commits(bare)) == (False, report.commit, 2)


def test_the_message_names_what_was_removed_and_changed(deliver: Any) -> None:
    deliver({"kafka": {TOPICS: [topic("a"), topic("b")]}})
    report = deliver({"kafka": {TOPICS: [topic("b", 12)]}})
    assert report.message.splitlines()[0] == "apps: 1 changed, 1 removed"
    assert '-  name: "a"' in report.diff or "-  name: a" in report.diff


def test_a_file_that_is_gone_is_removed_and_its_folder_with_it(bare: Path, deliver: Any) -> None:
    deliver({"kafka": {TOPICS: [topic("a")], USERS: [topic("u")]}})
    deliver({"kafka": {TOPICS: [topic("a")]}})
    assert yaml.safe_load(at_main(bare, f"{FOLDER}/kustomization.yaml"))["resources"] == ["topics.yaml"]
    deliver({"kafka": {}})
    assert git(bare, "ls-tree", "-r", "--name-only", "main").split() == ["README.md"]


def test_an_owner_that_is_not_named_keeps_its_files_in_a_shared_folder(bare: Path, deliver: Any) -> None:
    deliver({"topics": {TOPICS: [topic("a")]}, "users": {USERS: [topic("u")]}})
    deliver({"topics": {}})
    assert yaml.safe_load(at_main(bare, f"{FOLDER}/kustomization.yaml"))["resources"] == ["users.yaml"]
    with pytest.raises(ClusterError, match=r"users.yaml exists and is kept for users"):
        deliver({"topics": {USERS: [topic("u")]}})


def test_check_mode_shows_the_diff_and_pushes_nothing(bare: Path, deliver: Any) -> None:
    report = deliver({"kafka": {TOPICS: [topic("a")]}}, check=True)
    assert (report.changed, commits(bare)) == (True, 1)
    assert f"+++ b/{TOPICS}" in report.diff
    assert "+kind: KafkaTopic" in report.diff


def test_a_concurrent_push_is_met_by_fetch_and_retry(bare: Path, deliver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[int] = []
    real = Git.push

    def push(self: Git) -> None:
        if len(pushed) < 2:
            somebody_pushes(bare, f"other/{len(pushed)}.txt", "theirs\n")
        pushed.append(1)
        real(self)

    monkeypatch.setattr(Git, "push", push)
    monkeypatch.setattr(git_tree.time, "sleep", lambda seconds: None)
    report = deliver({"kafka": {TOPICS: [topic("a")]}})
    assert (report.attempts, commits(bare)) == (3, 4)
    assert at_main(bare, "other/1.txt") == "theirs\n"
    assert git(bare, "rev-list", "--merges", "main") == ""


def test_a_race_that_is_never_won_is_no_success(deliver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def push(self: Git) -> None:
        raise git_program.PushRejectedError("[rejected] fetch first")

    monkeypatch.setattr(Git, "push", push)
    monkeypatch.setattr(git_tree.time, "sleep", lambda seconds: None)
    with pytest.raises(ClusterError, match="6 times in a row somebody else had pushed"):
        deliver({"kafka": {TOPICS: [topic("a")]}})


def test_a_push_that_a_hook_declines_is_told_and_not_tried_again(bare: Path, deliver: Any) -> None:
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho only reviewed commits >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ClusterError, match="only reviewed commits"):
        deliver({"kafka": {TOPICS: [topic("a")]}})
    assert commits(bare) == 1


def test_an_empty_repository_gets_its_first_commit_and_another_branch_is_refused(tmp_path: Path, deliver: Any) -> None:
    empty = tmp_path / "empty.git"
    git(tmp_path, "init", "--quiet", "--bare", str(empty))
    assert deliver({"kafka": {TOPICS: [topic("a")]}}, url=str(empty)).changed
    assert commits(empty) == 1
    git(empty, "branch", "-m", "main", "trunk")
    with pytest.raises(ClusterError, match="has no branch main; it has trunk"):
        deliver({"kafka": {}}, url=str(empty))


@pytest.mark.parametrize(
    "content",
    [
        [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "stringData": {"a": "b"}}],
        [
            {
                "apiVersion": "v1",
                "kind": "List",
                "metadata": {"name": "l"},
                "items": [
                    {
                        "apiVersion": "v1",
                        "kind": "Secret",
                        "metadata": {"name": "s", "namespace": "n"},
                        "data": {"a": "Yg=="},
                    }
                ],
            }
        ],
        "kind: Secret\napiVersion: v1\nmetadata: {name: s, namespace: n}\ndata: {a: Yg==}\n",
    ],
)
def test_secrets_are_refused_by_name(bare: Path, deliver: Any, content: Any) -> None:
    with pytest.raises(ClusterError, match=rf"Secret n/s in {TOPICS}") as error:
        deliver({"kafka": {TOPICS: content}})
    assert "Yg==" not in str(error.value)
    assert commits(bare) == 1


def test_an_encrypted_secret_and_an_empty_one_may_pass() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    assert files({"a.yaml": [secret]}, "x")
    assert files({"a.yaml": [{**secret, "data": {"a": "ENC[…]"}, "sops": {"mac": "…"}}]}, "x")


def test_files_of_other_people_are_neither_overwritten_nor_shut_out(bare: Path, deliver: Any) -> None:
    somebody_pushes(bare, TOPICS, "kind: KafkaTopic\n")
    with pytest.raises(ClusterError, match=r"topics.yaml exists and is not ours"):
        deliver({"kafka": {TOPICS: [topic("a")]}})
    with pytest.raises(ClusterError, match=r"has files of others \(topics.yaml\) and no kustomization.yaml"):
        deliver({"kafka": {USERS: [topic("u")]}})
    somebody_pushes(bare, f"{FOLDER}/kustomization.yaml", "resources: [topics.yaml]\n")
    with pytest.raises(ClusterError, match=r"kustomization.yaml is not ours: add users.yaml to its resources"):
        deliver({"kafka": {USERS: [topic("u")]}})
    somebody_pushes(bare, f"{FOLDER}/kustomization.yaml", "resources: [topics.yaml, ./users.yaml]\n")
    assert deliver({"kafka": {USERS: [topic("u")]}}).files["added"] == [USERS]
    assert at_main(bare, f"{FOLDER}/kustomization.yaml") == "resources: [topics.yaml, ./users.yaml]\n"
    assert deliver({"kafka": {TOPICS: [topic("a")], USERS: [topic("u")]}}, take_over=True).changed


def test_a_link_that_leads_out_of_the_tree_is_not_followed(bare: Path, tmp_path: Path, deliver: Any) -> None:
    work = tmp_path / "somebody"
    (work / "kubernetes").symlink_to(tmp_path)
    git(work, "add", "-A")
    git(work, "commit", "--quiet", "-m", "link")
    git(work, "push", "--quiet", "origin", "HEAD:main")
    with pytest.raises(ClusterError, match="symbolic link"):
        deliver({"kafka": {TOPICS: [topic("a")]}})


@pytest.mark.parametrize("path", ["/etc/x.yaml", "../x.yaml", ".git/config", "a/../../x.yaml", "a/"])
def test_paths_stay_inside_of_the_tree(path: str) -> None:
    with pytest.raises(ClusterError, match="no path of a file inside"):
        files({path: [topic("a")]}, "kafka")


class Tagged(int):
    """As ansible-core 2.19 hands numbers over."""


def test_numbers_that_ansible_has_tagged_are_numbers() -> None:
    assert as_document(topic("a", Tagged(6))) == as_document(topic("a", 6))


def test_the_same_object_is_the_same_text_and_reads_back(tmp_path: Path) -> None:
    texts = [
        "1e3",
        "0o7",
        "12:30",
        "yes",
        "~",
        "",
        " a",
        "a ",
        "1_000",
        "=",
        "a: b",
        "# a",
        "é",
        "a\nb\n",
        "a \nb",
        "0x1f",
    ]
    manifest = {**topic("a"), "data": {f"k{number}": text for number, text in enumerate(texts)}}
    text = as_document(manifest)
    assert yaml.safe_load(text) == manifest
    assert as_document(dict(reversed(manifest.items()))) == text
    for plain in ("1e3", "0o7", "12:30", "0x1f", "1_000"):
        assert f'"{plain}"' in text, "a reader of YAML 1.2 would take it for a number"


# -- credentials


class Guard(http.server.BaseHTTPRequestHandler):
    """A server that asks for a log-in and never accepts one; remembers what it was given."""

    given: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.given.append(self.headers.get("Authorization") or "")
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def guarded() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guard)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/x.git"
    server.shutdown()


def test_credentials_reach_the_server_and_nothing_else(
    deliver: Any, guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: list[str] = []
    real = subprocess.Popen

    def spy(command: list[str], **more: Any) -> Any:
        arguments.extend(command)
        return real(command, **more)

    monkeypatch.setattr(git_program.subprocess, "Popen", spy)
    Guard.given.clear()
    with pytest.raises(ClusterError, match="refuses the log-in") as error:
        deliver({"kafka": {TOPICS: [topic("a")]}}, url=guarded)
    assert any(given.startswith("Basic ") for given in Guard.given), "the helper was asked"
    assert CANARY not in str(error.value)
    assert CANARY not in " ".join(arguments)
    written = [place for place in tmp_path.rglob("*") if place.is_file() and CANARY.encode() in place.read_bytes()]
    assert written == []


def test_credentials_in_the_address_are_refused() -> None:
    with pytest.raises(ClusterError, match="it holds credentials") as error:
        Login(f"https://me:{CANARY}@git.example.org/x.git").check()
    assert CANARY not in str(error.value)
