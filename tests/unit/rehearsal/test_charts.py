# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Charts that stand in for the operators' own; Helm itself renders them in the integration tests."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import pytest
import yaml

from rehearsal import lifecycle
from rehearsal.files import write_atomically
from rehearsal.labels import STAND_IN
from rehearsal.paths import Paths
from rehearsal.sources import charts
from rehearsal.sources.charts import Chart

CRDS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec: {description: "written as {{ .This }}"}
"""
OPERATOR = """
apiVersion: v1
kind: Namespace
metadata: {name: things-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator, namespace: things-system}
---
kind: ClusterRoleBinding
metadata: {name: operator, labels: {synergyflow.platform/stand-in: things}}
subjects: [{kind: ServiceAccount, name: operator, namespace: things-system}, {kind: User, name: things-system}]
"""
CHART = Chart("things-operator", "1.2.3", "things-1.2.3", "things-system")


@pytest.fixture
def manifests(paths: Paths) -> Paths:
    write_atomically(paths.manifests / CHART.folder / "crds.yaml", CRDS)
    write_atomically(paths.manifests / CHART.folder / "operator.yaml", OPERATOR)
    return paths


def unpacked(paths: Paths, chart: Chart) -> dict[str, str]:
    with tarfile.open(paths.charts / chart.file) as tar:
        return {each.name: io.TextIOWrapper(tar.extractfile(each)).read() for each in tar.getmembers()}  # type: ignore


def test_a_chart_has_what_the_manifests_have_in_the_releases_namespace(manifests: Paths) -> None:
    charts.write([CHART], manifests)
    files = unpacked(manifests, CHART)
    definition, deployment, binding = json.loads(files["things-operator/objects.json"])
    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert definition["spec"]["description"] == "written as {{ .This }}"  # read as it is, never rendered
    assert deployment["metadata"] == {
        "name": "operator",
        "namespace": "@namespace@",
        "labels": {STAND_IN: "things-operator-chart"},
    }
    assert [each.get("namespace") for each in binding["subjects"]] == ["@namespace@", None]
    assert binding["metadata"]["labels"] == {STAND_IN: "things"}
    assert "things-operator/crds/crds.yaml" not in files


def test_definitions_are_apart_where_the_real_chart_has_them_so(manifests: Paths) -> None:
    apart = Chart("things-operator", "1.2.3", CHART.folder, CHART.namespace, definitions_apart=True)
    charts.write([apart], manifests)
    files = unpacked(manifests, apart)
    assert files["things-operator/crds/crds.yaml"] == CRDS
    kinds = [each["kind"] for each in json.loads(files["things-operator/objects.json"])]
    assert kinds == ["Deployment", "ClusterRoleBinding"]


def test_a_chart_and_the_index_say_that_it_stands_in(manifests: Paths) -> None:
    charts.write([CHART], manifests)
    metadata = yaml.safe_load(unpacked(manifests, CHART)["things-operator/Chart.yaml"])
    assert metadata["annotations"] == {STAND_IN: "things-operator-chart"}
    assert "stand-in" in metadata["description"]
    (entry,) = yaml.safe_load((manifests.charts / "index.yaml").read_text())["entries"]["things-operator"]
    assert entry["annotations"] == metadata["annotations"]
    content = (manifests.charts / entry["urls"][0]).read_bytes()
    assert entry["digest"] == hashlib.sha256(content).hexdigest()


def test_charts_change_only_with_their_manifests(manifests: Paths) -> None:
    charts.write([CHART], manifests)
    before = (manifests.charts / CHART.file).stat()
    charts.write([CHART], manifests)
    assert (manifests.charts / CHART.file).stat().st_mtime_ns == before.st_mtime_ns
    first = (manifests.charts / CHART.file).read_bytes()
    (manifests.charts / "made-from").unlink()
    charts.write([CHART], manifests)
    assert (manifests.charts / CHART.file).read_bytes() == first
    write_atomically(manifests.manifests / CHART.folder / "operator.yaml", OPERATOR.replace("operator", "other"))
    charts.write([CHART], manifests)
    assert (manifests.charts / CHART.file).read_bytes() != first


def test_a_chart_of_before_is_no_longer_served(manifests: Paths) -> None:
    charts.write([CHART, Chart("old", "1.0.0", CHART.folder)], manifests)
    charts.write([CHART], manifests)
    assert [file.name for file in manifests.charts.glob("*.tgz")] == [CHART.file]


def test_values_that_nothing_would_come_of_are_refused() -> None:
    known = charts.schema(charts.OPERATOR_VALUES)
    assert known["additionalProperties"] is False
    assert set(known["properties"]) == {"extraEnvs", "securityContext", "image", "global"}
    assert "additionalProperties" not in known["properties"]["securityContext"]
    assert known["properties"]["image"]["additionalProperties"] is False
    instance = charts.schema(charts.INSTANCE_VALUES)["properties"]["instance"]
    assert instance["additionalProperties"] is False
    assert "additionalProperties" not in instance["properties"]["sync"]


def test_every_operator_of_the_manifests_has_a_chart() -> None:
    assert {chart.folder for chart in lifecycle._charts() if chart.folder} == set(lifecycle._manifests())
