# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role flux makes of its variables."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from rendering import Case, of_kind, one, render

ALL = ("namespace", "git-secret", "instance", "helmrelease-flux-instance", "kustomizations", "images")
SYNC = {
    "flux_git_url": "https://git.example.org/x.git",
    "flux_git_path": "kubernetes/clusters/apps",
    "flux_git_secret": "flux-system",
    "flux_git_username": "platform",
    "flux_git_password": "canary-4711",
}
FIRST = {"instance_by_helm": False, "git_path_to_come": False}
CASES: dict[str, Case] = {
    "bare": ("flux", ALL, FIRST, {}),
    "synced": (
        "flux",
        ALL,
        FIRST,
        SYNC
        | {
            "flux_instance": {"cluster": {"networkPolicy": False}},
            "flux_kustomizations": [{"name": "a", "path": "x", "depends_on": ["b"]}],
            "flux_images": [{"name": "backend", "image": "registry.example.org/backend", "range": "1.x"}],
        },
    ),
    "to_come": ("flux", ALL, FIRST | {"git_path_to_come": True}, SYNC),
    "later": ("flux", ALL, FIRST | {"instance_by_helm": True}, SYNC | {"flux_git_password": ""}),
    "by_hand": ("flux", ALL, FIRST, {"flux_self_managed": False}),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return render(CASES, tmp_path_factory.mktemp("flux"))


def test_the_charts_values_are_the_instances_spec(rendered) -> None:
    for case in ("bare", "synced"):
        spec = one(rendered[case], "FluxInstance")["spec"]
        assert one(rendered[case], "HelmRelease")["spec"]["values"] == {"instance": spec}
    assert "sync" not in one(rendered["bare"], "FluxInstance")["spec"]
    assert one(rendered["synced"], "FluxInstance")["spec"]["sync"] == {
        "kind": "GitRepository",
        "url": "https://git.example.org/x.git",
        "ref": "refs/heads/main",
        "path": "kubernetes/clusters/apps",
        "interval": "1m",
        "pullSecret": "flux-system",
    }
    assert one(rendered["synced"], "FluxInstance")["spec"]["cluster"]["networkPolicy"] is False


def test_an_instance_waits_for_no_folder_that_this_run_is_to_push(rendered) -> None:
    assert "sync" not in one(rendered["to_come"], "FluxInstance")["spec"]
    # which the release brings, and which is waited for when it is pushed
    assert one(rendered["to_come"], "HelmRelease")["spec"]["values"]["instance"]["sync"]["kind"] == "GitRepository"


def test_an_upgrade_that_fails_never_takes_flux_away(rendered) -> None:
    release = one(rendered["bare"], "HelmRelease")["spec"]
    assert release["releaseName"] == "flux"
    assert release["upgrade"]["remediation"] == {"retries": 0}
    assert "uninstall" not in str(release)


def test_the_log_in_is_in_the_secret_alone(rendered) -> None:
    secret = one(rendered["synced"], "Secret")
    found = {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}
    assert found == {"username": "platform", "password": "canary-4711"}
    others = str([each for each in rendered["synced"] if each["kind"] != "Secret"])
    assert "canary" not in others
    assert secret["data"]["password"] not in others
    assert of_kind(rendered["later"], "Secret") == []


def test_an_instance_that_is_the_releases_is_left_to_it(rendered) -> None:
    assert of_kind(rendered["later"], "FluxInstance") == []
    assert one(rendered["later"], "HelmRelease")
    assert of_kind(rendered["by_hand"], "HelmRelease") == []


def test_kustomizations_and_image_automation(rendered) -> None:
    found = one(rendered["synced"], "Kustomization")
    assert (found["metadata"]["namespace"], found["spec"]["dependsOn"]) == ("flux-system", [{"name": "b"}])
    assert found["spec"]["sourceRef"]["name"] == "flux-system"
    assert one(rendered["synced"], "ImagePolicy")["spec"]["policy"] == {"semver": {"range": "1.x"}}
    assert one(rendered["synced"], "ImageUpdateAutomation")["spec"]["update"]["path"] == "./kubernetes/clusters/apps"
    assert of_kind(rendered["bare"], "ImagePolicy") == []
