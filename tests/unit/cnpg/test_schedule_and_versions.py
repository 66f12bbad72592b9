# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Six fields and no fewer; what each release of the operator can do; what the tags of images say."""

from __future__ import annotations

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import cnpg_schedule
from ansible_collections.synergyflow.platform.plugins.module_utils import cnpg_versions as versions


@pytest.mark.parametrize(
    "schedule", ["0 0 2 * * *", "*/30 0-5 1,13 ? JAN-mar MON", "0 15 3 1 */2 *", "59 59 23 31 12 6"]
)
def test_a_schedule_of_six_fields_is_one(schedule):
    assert cnpg_schedule.problem(schedule) is None


def test_five_fields_are_refused_with_the_reason_and_what_was_meant():
    problem = cnpg_schedule.problem("0 2 * * *") or ""
    assert "five fields" in problem
    assert "first as seconds" in problem
    assert "'0 0 2 * * *'" in problem


@pytest.mark.parametrize(
    ("schedule", "word"),
    [
        ("@daily", "six fields"),
        ("0 0 2 * * * *", "it has 7"),
        ("60 0 2 * * *", "'60' is no second"),
        ("0 0 24 * * *", "'24' is no hour"),
        ("0 0 2 0 * *", "day of month from 1"),
        ("0 0 2 * foo *", "'foo' is no month"),
        ("0 0 2 * * 5-1", "day of week"),
        ("0 0 */0 * * *", "hour"),
        ("0 0 2 * * x;y", "day of week"),
    ],
)
def test_what_is_no_schedule_is_named(schedule, word):
    assert word in (cnpg_schedule.problem(schedule) or "")


def test_in_tree_backups_are_deprecated_and_then_gone():
    assert versions.has_in_tree("1.25.3") is True
    assert versions.in_tree_warning("1.25.3") is None
    assert "gone in 1.31" in (versions.in_tree_warning("1.30.0") or "")
    assert versions.has_in_tree("1.31.0") is False
    assert versions.in_tree_warning("1.31.0") is None
    assert versions.has_in_tree("latest") is None


def test_a_database_keeps_extensions_from_1_26_on():
    assert [versions.has_database_extensions(version) for version in ("1.25.0", "1.26.0", "")] == [False, True, None]


def test_a_kubernetes_that_a_release_was_not_tried_on_is_told():
    assert "1.36" in (versions.kubernetes_warning("1.27.1", 1, 36) or "")
    assert versions.kubernetes_warning("1.30.0", 1, 36) is None
    assert versions.kubernetes_warning("1.99.0", 1, 36) is None


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0", "1.30.0"),
        ("registry:5000/cloudnative-pg/cloudnative-pg:v1.27.1@sha256:00", "1.27.1"),
        ("ghcr.io/cloudnative-pg/cloudnative-pg@sha256:00", None),
        ("ghcr.io/cloudnative-pg/cloudnative-pg:latest", None),
        ("example/sidecar:1.2.3", None),
    ],
)
def test_the_operators_release_is_in_its_images_tag(image, version):
    pod = {"spec": {"containers": [{"image": image}]}}
    assert versions.operator_version(pod) == version
    assert versions.operator_version({"spec": {"template": pod}}) == version


@pytest.mark.parametrize(
    ("image", "major"),
    [
        ("ghcr.io/cloudnative-pg/postgresql:16.15-system-trixie", 16),
        ("registry:5000/postgresql:17", 17),
        ("postgresql:15.6_1@sha256:00", 15),
        ("ghcr.io/cloudnative-pg/postgresql:latest", None),
        ("registry:5000/postgresql", None),
        ("postgresql", None),
    ],
)
def test_postgresqls_major_version_is_in_its_images_tag(image, major):
    assert versions.postgresql_major(image) == major
