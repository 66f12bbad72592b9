# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift is what a dry run of Flux's own apply would change; nothing is written for it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import flux_drift
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.tree_files import as_document, kustomization, mark
from scripted_api import ScriptedConnection, answer

OWNED = [
    {"manager": "kustomize-controller", "operation": "Apply"},
    {"manager": "kubectl", "operation": "Update", "subresource": "scale"},
    {"manager": "kubectl-edit", "operation": "Update"},
    {"manager": "controller", "operation": "Update", "subresource": "status"},
]


def config(name: str, value: str = "git") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": {"a": value}}


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, str]:
    """Two folders: one kept by this collection, one of other people."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "tree")
    tree = tmp_path / "tree"
    for folder in ("ours", "theirs"):
        (tree / folder).mkdir()
    texts = "".join(as_document(config(name)) for name in ("same", "edited", "gone"))
    (tree / "ours" / "config.yaml").write_text(f"{mark('apps/x')}\n{texts}")
    (tree / "ours" / "kustomization.yaml").write_text(kustomization(["config.yaml"]))
    (tree / "theirs" / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    git(tree, "add", "-A")
    git(tree, "commit", "--quiet", "-m", "tree")
    return tree, git(tree, "rev-parse", "HEAD")


def api(writes: list[str]) -> Api:
    live = {name: config(name, value) for name, value in (("same", "git"), ("edited", "by hand"))}
    for each in live.values():
        each["metadata"]["managedFields"] = OWNED

    def handler(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        name = path.rpartition("/")[2]
        if path in ("/api", "/apis"):
            kind = {"responseKind": {"group": "", "version": "v1", "kind": "ConfigMap"}, "resource": "configmaps"}
            resources = [kind | {"scope": "Namespaced", "verbs": ["get"]}] if path == "/api" else []
            groups = [{"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": resources}]}]
            return answer(200, {"kind": "APIGroupDiscoveryList", "items": groups if resources else []})
        if method == "PATCH":
            if query.get("dryRun") != "All" or query["fieldManager"] != "kustomize-controller":
                writes.append(path)
            return answer(200, {**body, "metadata": live[name]["metadata"], "data": body["data"]})
        return answer(200, live[name]) if name in live else answer(404)

    return Api(ScriptedConnection(handler), Deadline(30), concurrency=1)


def of_flux(name: str, revision: str, **spec: Any) -> dict[str, Any]:
    source = {"kind": "GitRepository", "name": "flux-system"}
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"path": f"./{name}", "sourceRef": source, **spec},
        "status": {"lastAppliedRevision": f"main@sha1:{revision}"},
    }


def test_what_differs_is_found_and_nothing_is_written(repository: tuple[Path, str]) -> None:
    tree, commit = repository
    values = {"flux_git_url": str(tree), "flux_git_branch": "main", "flux_namespace": "flux-system"}
    values |= {f"flux_git_{name}": "" for name in ("username", "password", "ca")}
    writes: list[str] = []
    kustomizations = [of_flux("ours", commit), of_flux("theirs", commit), of_flux("asleep", commit, suspend=True)]
    found = flux_drift.measure(api(writes), values, kustomizations)
    assert sorted(key.name for key in found.tried) == ["edited", "gone", "same"]
    assert {key.name: what for key, what in found.differing.items()} == {
        "edited": "changed by kubectl, kubectl-edit",
        "gone": "not there",
    }
    assert (found.not_compared, writes) == (["theirs"], [])
    # on its way to another revision: no drift
    late = flux_drift.measure(api(writes), values, [of_flux("ours", "0" * 40)])
    assert (late.tried, late.not_compared) == ([], ["ours"])
