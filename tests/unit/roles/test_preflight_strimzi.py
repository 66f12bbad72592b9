# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight of strimzi refuses, and what it reads of manifests."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.manifest_files import files_of
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import components, strimzi
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.cluster_operator import Operator


def deployment(version: str, *variables: str) -> dict[str, Any]:
    container = {
        "name": "strimzi-cluster-operator",
        "image": f"quay.io/strimzi/operator:{version}",
        "env": [{"name": name, "value": "x"} for name in variables],
    }
    return {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}


def manifests_of(version: str) -> dict[str, Any]:
    return {"strimzi_install_method": "manifests", "strimzi_manifests": ["somewhere"], "strimzi_version": version}


CRD = {"kind": "CustomResourceDefinition"}


def test_the_defaults_pass_where_flux_is(strimzi_values, cluster):
    findings = strimzi.check(strimzi_values, cluster, [], None)
    assert findings.problems == []
    assert findings.facts["flux_api"] == {
        "HelmRelease": "helm.toolkit.fluxcd.io/v2",
        "HelmRepository": "source.toolkit.fluxcd.io/v1",
    }
    assert findings.facts["kubernetes_version"] == ""


def test_helmrelease_without_flux(strimzi_values, cluster):
    del cluster["served"]["HelmRelease.helm.toolkit.fluxcd.io"]
    text = "\n".join(strimzi.check(strimzi_values, cluster, [], None).problems)
    assert "install Flux, or set strimzi_install_method: manifests" in text


def test_releases_before_0_46_are_told_the_version_of_a_new_kubernetes(strimzi_values, cluster):
    findings = strimzi.check(strimzi_values | {"strimzi_version": "0.45.2"}, cluster, [], None)
    assert findings.facts["kubernetes_version"] == "major=1\nminor=36\n"
    cluster["version"]["emulation_major_present"] = False
    findings = strimzi.check(strimzi_values | {"strimzi_version": "0.45.2"}, cluster, [], None)
    assert findings.facts["kubernetes_version"] == ""


def test_manifests_that_could_not_start(strimzi_values, cluster):
    values = strimzi_values | manifests_of("0.45.2")
    without = strimzi.check(values, cluster, [CRD, deployment("0.45.2")], None)
    assert "does not start on this Kubernetes" in "\n".join(without.problems)
    told = strimzi.check(values, cluster, [CRD, deployment("0.45.2", "STRIMZI_KUBERNETES_VERSION")], None)
    assert told.problems == []


def test_manifests_of_another_release(strimzi_values, cluster):
    findings = strimzi.check(strimzi_values | manifests_of("1.2.0"), cluster, [CRD, deployment("1.1.0")], None)
    assert "strimzi_manifests hold Strimzi 1.1.0, strimzi_version is 1.2.0" in "\n".join(findings.problems)


def binding(namespace: str, kind: str = "RoleBinding", name: str = "strimzi-cluster-operator") -> dict[str, Any]:
    return {"kind": kind, "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]}


@pytest.mark.parametrize("kind", ["RoleBinding", "ClusterRoleBinding"])
def test_rights_for_an_operator_of_another_namespace(strimzi_values, cluster, kind):
    values = strimzi_values | manifests_of("1.2.0")
    some = [CRD, deployment("1.2.0"), binding("messaging"), binding("elsewhere", name="somebody")]
    assert strimzi.check(values, cluster, some, None).problems == []
    text = "\n".join(strimzi.check(values, cluster, [*some, binding("myproject", kind)], None).problems)
    assert "rights to strimzi-cluster-operator of myproject, and it will run in messaging" in text
    assert "sed -i 's/namespace: .*/namespace: messaging/' *RoleBinding*.yaml" in text
    fixed = deployment("1.2.0") | {"metadata": {"namespace": "myproject"}}
    assert strimzi.check(values, cluster, [CRD, fixed, binding("myproject", kind)], None).problems == []


def test_what_the_operator_to_come_will_watch(strimzi_values):
    def watches(**changes: Any) -> Operator:
        return components.operator_to_come(strimzi_values | changes, lambda path: None)

    assert watches() == Operator("messaging", frozenset({"messaging"}))
    assert watches(strimzi_chart_values={"watchNamespaces": ["a"]}).watches == {"a", "messaging"}
    assert watches(strimzi_chart_values={"watchAnyNamespace": True}).watches == {"*"}
    operator = deployment("1.2.0")
    operator["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "STRIMZI_NAMESPACE", "value": "a,b"}]
    some = manifests_of("1.2.0") | {"strimzi_manifests": [CRD, operator]}
    assert watches(**some) == Operator("messaging", frozenset({"a", "b"}))
    assert watches(**some | {"strimzi_manifests": [CRD]}) == Operator("messaging", None)


def test_manifests_that_hold_nothing_of_use(strimzi_values, cluster):
    values = strimzi_values | manifests_of("1.2.0")
    findings = strimzi.check(values, cluster, [], None)
    assert findings.problems == []
    assert len(findings.warnings) == 2
    findings = strimzi.check(values | {"strimzi_manifests": []}, cluster, [], None)
    assert "set strimzi_manifests" in "\n".join(findings.problems)


def test_old_kubernetes_and_odd_versions(strimzi_values, cluster):
    cluster["version"]["minor"] = "29+"
    text = "\n".join(strimzi.check(strimzi_values, cluster, [], None).problems)
    assert "needs Kubernetes 1.30 or newer, the cluster is 1.29" in text
    text = "\n".join(strimzi.check(strimzi_values | {"strimzi_version": "latest"}, cluster, [], None).problems)
    assert "strimzi_version must be a release" in text


def test_an_upgrade_across_the_end_of_v1beta2_is_refused(strimzi_values, cluster):
    crd = {"status": {"storedVersions": ["v1beta2"]}}
    text = "\n".join(strimzi.check(strimzi_values, cluster, [], crd).problems)
    assert "stores Strimzi's objects as v1beta2, which Strimzi 1.2.0 no longer has" in text
    assert strimzi.check(strimzi_values | {"strimzi_version": "0.51.0"}, cluster, [], crd).problems == []


def test_manifests_are_skimmed(tmp_path):
    (tmp_path / "crds.yaml").write_text("---\nkind: CustomResourceDefinition\nspec: {\n", encoding="utf-8")
    (tmp_path / "operator.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n"
        "---\nkind: ClusterRoleBinding\nsubjects: []\n",
        encoding="utf-8",
    )
    found = list(components.skimmed(str(tmp_path)))
    assert [document["kind"] for document in found] == ["CustomResourceDefinition", "Deployment", "ClusterRoleBinding"]
    assert found[1]["metadata"] == {"name": "x"}
    assert len(list(components.skimmed([{"kind": "Deployment"}, str(tmp_path / "operator.yaml")]))) == 3


def test_manifests_that_are_not_there(tmp_path):
    with pytest.raises(ClusterError, match="does not exist"):
        list(components.skimmed(str(tmp_path / "nowhere")))
    with pytest.raises(ClusterError, match=r"has no file that ends in \.yaml"):
        list(components.skimmed(str(tmp_path)))


def test_the_preflight_looks_at_what_is_rendered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here" / "deeper").mkdir(parents=True)
    for name in ("here/b.json", "here/a.yml", "here/notes.txt", "here/deeper/c.yaml"):
        (tmp_path / name).write_text('{"kind": "Deployment"}', encoding="utf-8")
    there = tmp_path / "there"
    there.mkdir()
    (there / "operator.yaml").write_text("kind: Deployment\n", encoding="utf-8")
    asked = []

    def find(path):
        asked.append(path)
        return str(there) if path == "elsewhere" else None

    assert files_of("here", find) == [str(tmp_path / "here" / name) for name in ("a.yml", "b.json")]
    assert asked == [], "the working directory comes first"
    assert files_of("elsewhere", find) == [str(there / "operator.yaml")]
    assert list(components.skimmed("elsewhere", find)) == [{"kind": "Deployment"}]
    assert list(components.skimmed("here/b.json")) == [{"kind": "Deployment"}]
    with pytest.raises(ClusterError, match="nowhere is neither a file nor a folder in"):
        files_of("nowhere", find)
