# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Strimzi goes with which Kafka, API version and Kubernetes."""

from __future__ import annotations

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import strimzi_versions as versions


def test_the_pair_of_the_first_plan_is_refused_with_the_pairs_that_work():
    problem = versions.pair_problem("0.43.0", "3.8.1")
    assert problem is not None
    assert "Kafka 3.8.1 does not run under Strimzi 0.43.0" in problem
    assert "Strimzi 0.43.0 runs Kafka 3.7.0, 3.7.1, 3.8.0" in problem
    assert "Kafka 3.8.1 runs under Strimzi 0.45.0, 0.45.1, 0.45.2" in problem


@pytest.mark.parametrize(
    ("strimzi", "kafka"), [("1.2.0", "4.3.1"), ("0.45.2", "3.8.1"), ("0.45.2", "3.9.2"), ("0.49.1", "4.1.1")]
)
def test_pairs_that_work(strimzi: str, kafka: str):
    assert versions.pair_problem(strimzi, kafka) is None


def test_a_kafka_that_nobody_runs():
    assert "no listed Strimzi runs 9.9.9" in str(versions.pair_problem("1.2.0", "9.9.9"))


def test_patch_releases_differ_where_the_table_says_so():
    assert versions.pair_problem("0.45.0", "3.9.2") is not None
    assert versions.release_of("0.45.9") is None
    assert versions.release_of("0.47.3") is versions.RELEASES["0.47"]


def test_unlisted():
    assert "1.9.0" in str(versions.unlisted("1.9.0"))
    assert versions.unlisted("1.2.5") is None


@pytest.mark.parametrize(
    ("strimzi", "served", "expected"),
    [
        ("1.2.0", [], "v1"),
        ("0.45.2", [], "v1beta2"),
        ("0.49.0", ["v1", "v1beta2"], "v1"),
        ("0.49.0", ["v1beta2"], "v1beta2"),
        ("1.9.0", ["v1"], "v1"),
    ],
)
def test_the_api_version_to_write(strimzi: str, served: list[str], expected: str):
    assert versions.api_version(strimzi, served) == expected


def test_served_api_that_does_not_fit():
    assert "v1beta2" in str(versions.api_problem("1.2.0", ["v1beta2"]))
    assert versions.api_problem("1.2.0", ["v1"]) is None


@pytest.mark.parametrize(
    ("strimzi", "minor", "bad"),
    [("1.2.0", 29, True), ("1.2.0", 30, False), ("0.45.2", 24, True), ("0.43.0", 23, False)],
)
def test_oldest_kubernetes(strimzi: str, minor: int, bad: bool):
    assert (versions.kubernetes_problem(strimzi, 1, minor) is not None) is bad


def test_strict_readers_of_the_version_are_those_before_0_46():
    assert versions.reads_version_strictly("0.45.2")
    assert not versions.reads_version_strictly("0.46.0")
    assert not versions.reads_version_strictly("1.2.0")


@pytest.mark.parametrize(
    ("text", "good"), [("1.2.0", True), ("1.2", False), ("latest", False), ("v1.2.0", False), (1.2, False)]
)
def test_what_a_version_looks_like(text: object, good: bool):
    assert versions.is_version(text) is good
