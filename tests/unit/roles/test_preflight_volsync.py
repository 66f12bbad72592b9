# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight of volsync refuses, each by its own sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils.cron_schedule import five_field_problem
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import volsync
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_sources import (
    repository_parts,
    volsync_sources,
)

ROLES = Path(__file__).resolve().parents[3] / "roles"
SOURCE = {"name": "uploads", "namespace": "app", "pvc": "uploads"}


@pytest.fixture
def values() -> dict[str, Any]:
    defaults = yaml.safe_load((ROLES / "volsync" / "defaults" / "main.yml").read_text())
    return defaults | {"volsync_sources": [dict(SOURCE)]}


@pytest.fixture
def served(cluster) -> dict[str, Any]:
    cluster["served"] |= {
        **{f"{kind}.snapshot.storage.k8s.io": ["v1"] for kind in volsync.SNAPSHOT_KINDS},
        "ServiceMonitor.monitoring.coreos.com": ["v1"],
    }
    return cluster


@pytest.fixture
def live() -> volsync.Live:
    return volsync.Live(
        namespaces={"app", "default"},
        claims={("app", "uploads")},
        snapshot_classes={"csi-rbd"},
    )


def problems(values, cluster, live, manifests=()) -> str:
    return "\n".join(volsync.check(values, cluster, manifests, live).problems)


def test_the_defaults_pass(values, served, live):
    findings = volsync.check(values, served, [], live)
    assert findings.problems == []
    assert findings.facts["api_version"] == "volsync.backube/v1alpha1"
    assert findings.facts["expected_kinds"] == [
        "ReplicationSource.volsync.backube",
        "ReplicationDestination.volsync.backube",
    ]
    assert findings.facts["service_monitor"] is True


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schedule": "0 */30 * * * *"}, "six fields"),
        ({"schedule": "*/30 * * *"}, "4 fields"),
        ({"schedule": "61 * * * *"}, "no minute"),
        ({"schedule": "@sometimes"}, "@hourly"),
        ({"schedule": "@daily", "manual": "now"}, "a schedule and manual"),
        ({"schedule": ""}, "neither a schedule nor manual"),
        ({"retain": {"hourly": 0}}, "hourly must be at least 1"),
        ({"retain": {}}, "retain is empty"),
        ({"retain": {"hourly": None}}, "retain is empty"),
        ({"retain": {"hurly": 3}}, "not hurly"),
        ({"prune_interval_days": 0}, "prune_interval_days"),
        ({"cache_size": "1 Gigabyte"}, "cache_size"),
        ({"pvc": "Uploads_"}, "Kubernetes name"),
        ({"pvc": "elsewhere"}, "no PersistentVolumeClaim app/elsewhere"),
        ({"namespace": "nowhere"}, "no namespace nowhere"),
        ({"storage_class": "fast"}, "no storage class fast"),
        ({"snapshot_class": "other"}, "no VolumeSnapshotClass other"),
    ],
)
def test_a_source_that_cannot_be_backed_up(values, served, live, change, words):
    values["volsync_sources"] = [SOURCE | change]
    assert words in problems(values, served, live)


def test_what_is_to_come_is_not_looked_for(values, served, live):
    values["volsync_sources"] = [SOURCE | {"namespace": "later", "to_come": True}]
    assert problems(values, served, live) == ""


def test_two_sources_of_one_claim_have_the_same_repository(values, served, live):
    values["volsync_sources"] = [SOURCE, SOURCE | {"name": "again"}]
    found = problems(values, served, live)
    assert "app/again, app/uploads have the same repository" in found
    assert "/volsync/app/uploads" in found


def test_two_sources_of_one_name(values, served, live):
    live.claims = {("app", "uploads"), ("app", "other")}
    values["volsync_sources"] = [SOURCE, SOURCE | {"pvc": "other"}]
    assert "2 sources are named app/uploads" in problems(values, served, live)


@pytest.mark.parametrize("endpoint", ["", "s3.example.org", "https://s3.example.org/path"])
def test_an_endpoint_that_is_none(values, served, live, endpoint):
    assert "volsync_s3_endpoint" in problems(values | {"volsync_s3_endpoint": endpoint}, served, live)


def test_snapshots_without_a_class(values, served, live):
    live.snapshot_classes = set()
    assert "has no VolumeSnapshotClass" in problems(values, served, live)
    assert problems(values | {"volsync_copy_method": "Direct"}, served, live) == ""


def test_the_operator_does_not_start_without_the_snapshot_kinds(values, served, live):
    del served["served"]["VolumeSnapshot.snapshot.storage.k8s.io"]
    assert "controllers do not start" in problems(values, served, live)


class TestSecrets:
    def test_own_secrets_must_be_there(self, values, served, live):
        values["volsync_external_secrets"] = False
        live.secrets = set()
        assert "no Secret app/uploads-restic" in problems(values, served, live)
        live.secrets = {("app", "uploads-restic")}
        assert problems(values, served, live) == ""


class TestOperator:
    def test_without_flux(self, values, served, live):
        del served["served"]["HelmRelease.helm.toolkit.fluxcd.io"]
        assert "install Flux" in problems(values, served, live)

    def test_existing_that_does_not_exist(self, values, served, live):
        assert "existing" in problems(values | {"volsync_install_method": "existing"}, served, live)

    def test_manifests_of_another_release(self, values, served, live):
        values |= {"volsync_install_method": "manifests", "volsync_manifests": ["x"]}
        container = {"image": "quay.io/backube/volsync:0.15.0"}
        other = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}
        assert "hold VolSync 0.15.0" in problems(values, served, live, [other])


def test_what_may_not_be_read_is_not_held_against_it(values, served):
    assert problems(values, served, volsync.Live()) == ""


@pytest.mark.parametrize(
    "schedule", ["*/30 * * * *", "0 3 * * mon-fri", "5,35 0-6/2 1 jan,jul ?", "@every 6h", "@weekly"]
)
def test_schedules_that_volsync_takes(schedule):
    assert five_field_problem(schedule) is None


@pytest.mark.parametrize(
    "schedule", ["*/0 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * fri-mon", "a * * * *"]
)
def test_schedules_that_it_does_not(schedule):
    assert five_field_problem(schedule) is not None


def test_a_manual_source_gets_no_schedule_of_the_role(values):
    (full,) = volsync_sources([SOURCE | {"manual": "one"}], values)
    assert (full["manual"], full["schedule"]) == ("one", "")


def test_what_is_left_out_comes_from_the_role(values):
    (full,) = volsync_sources([SOURCE | {"retain": {"last": 3, "hourly": None}}], values)
    assert full["repository"] == "s3:https://s3.amazonaws.com/synergyflow-backups/volsync/app/uploads"
    assert full["secret"] == "uploads-restic"
    assert full["retain"] == {"last": "3"}
    assert full["prune_interval_days"] == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3:http://127.0.0.1:9000/bucket/volsync/a/b", ("http://127.0.0.1:9000", "bucket", "volsync/a/b")),
        ("s3:s3.amazonaws.com/bucket/x", ("https://s3.amazonaws.com", "bucket", "x")),
        ("rest:https://host/x", None),
    ],
)
def test_where_a_repository_lies(text, expected):
    assert repository_parts(text) == expected


def test_a_source_in_a_namespace_to_come_is_left_out_and_told(values, served, live):
    values["volsync_sources"] = [SOURCE | {"namespace": "later", "to_come": True}]
    findings = volsync.check(values, served, [], live)
    assert findings.problems == []
    assert findings.facts["namespaces_to_come"] == ["later"]
    assert [each["what"] for each in findings.skipped] == ["ReplicationSource later/uploads"]


def test_secrets_that_nobody_makes_are_asked_for(values, served, live):
    values |= {"volsync_external_secrets": False, "volsync_s3_ca_secret": "store-ca"}
    live.secrets = {("app", "uploads-restic")}
    findings = volsync.check(values, served, [], live)
    assert ["app/store-ca" in each for each in findings.problems] == [True]
    assert any("volsync-check-restic and no Secret store-ca in volsync-system" in each for each in findings.warnings)
    own = {("volsync-system", name) for name in ("volsync-check-restic", "store-ca")}
    live.secrets |= own | {("app", "store-ca")}
    again = volsync.check(values, served, [], live)
    assert again.problems == []
    assert not any("volsync-check-restic" in each for each in again.warnings)
