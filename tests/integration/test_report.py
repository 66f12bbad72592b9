# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run on the platform: a part of the criteria, a broken component, what it shows beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from site_runs import Watch, output, run

pytestmark = pytest.mark.integration
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"


def report_of(folder: Path) -> dict[str, Any]:
    """The one report in a folder, which has all its forms."""
    (run_folder,) = folder.iterdir()
    assert {each.name for each in run_folder.iterdir()} == {"report.html", "report.json", "report.md", "junit.xml"}
    document = json.loads((run_folder / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    return document


def test_a_name_that_is_no_criterion_is_refused_before_anything_is_asked(platform, tmp_path):
    watch = Watch(platform, "apps")
    done = run(platform, "validate", "apps", "--tags", "ac14", report_dir=str(tmp_path))
    assert done.returncode == 2
    assert "--tags: ac14 is no criterion; there are" in output(done)
    assert watch.requests == 0
    assert list(tmp_path.iterdir()) == []


def test_one_criterion_is_measured_alone(platform, tmp_path):
    done = run(platform, "validate", "apps", "--tags", "ac5", report_dir=str(tmp_path))
    assert done.returncode == 0, output(done)
    document = report_of(tmp_path)
    assert [each["id"] for each in document["criteria"]] == ["AC5"]
    records = document["clusters"]["apps"]
    assert {each["role"] for each in records} == {"kafka_cluster"}
    brokers = next(each for each in records if each["id"] == "kafka_cluster.brokers")
    assert any(each.startswith("kubectl get pod synergyflow-broker-0") for each in brokers["commands"])
    topics = {each["name"]: each["partitions"] for each in document["facts"]["apps"]["topics"]}
    assert topics["incident-events"] == 12


@pytest.fixture
def without_registry(platform: Any) -> Iterator[Any]:
    """Somebody has deleted the registry's Deployment; the role brings it back."""
    platform.kubectl("apps", "delete", "deployment", "schema-registry", "-n", "messaging", "--cascade=foreground")
    yield platform
    done = run(platform, "site", "apps", "--tags", "schema_registry")
    assert done.returncode == 0, output(done)


def test_a_broken_component_is_blamed_and_not_what_needs_it(without_registry, tmp_path):
    only = json.dumps({"validate_only": ["ac5", "ac8", "ac9"]})
    done = run(without_registry, "validate", "apps", "-e", only, report_dir=str(tmp_path))
    assert done.returncode == 2
    records = report_of(tmp_path)["clusters"]["apps"]
    failed = {each["id"].partition(".")[0] for each in records if each["status"] == "failed"}
    assert failed == {"schema_registry"}, "Kafka is well, and the registry's tests have not failed themselves"
    asked = [each for each in records if each["id"].startswith("schema_registry_check.")]
    assert asked
    assert {each["status"] for each in asked} == {"blocked"}
    assert {tuple(each["blocked_by"]) for each in asked} == {("schema_registry",)}
    assert "blocked by schema_registry (Schema Registry is available: nothing" in asked[0]["detail"]
