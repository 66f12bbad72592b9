# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes, values and mounts of a pod."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from rehearsal.node.pod_files import PodFiles, inside, link_mounts
from rehearsal.node.values import ValueFromError, environment, field, quantity, resource
from rehearsal.node.volumes import MountError, prepare


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config_map(**data):
    return {"kind": "ConfigMap", "metadata": {"namespace": "n", "name": "settings"}, "data": data}


def secret(**data):
    content = {key: encoded(value) for key, value in data.items()}
    return {"kind": "Secret", "metadata": {"namespace": "n", "name": "keys"}, "data": content}


def pod(*volumes, **spec):
    metadata = {"namespace": "n", "name": "p", "uid": "u", "labels": {"app": "kafka"}, "annotations": {"a/b": "c"}}
    return {"metadata": metadata, "spec": {"volumes": list(volumes), "containers": [{"name": "c"}], **spec}}


@pytest.fixture
def files(tmp_path: Path) -> PodFiles:
    return PodFiles(tmp_path / "p-u")


def test_files_are_written_for_their_owner_only_and_follow_their_source(fake_api, files):
    volume = {"name": "v", "secret": {"secretName": "keys"}}
    folder = prepare(fake_api([secret(a="1", b="2")]), pod(volume), files)["v"]
    assert (folder / "a").read_text() == "1"
    assert (folder / "a").stat().st_mode & 0o777 == 0o600
    prepare(fake_api([secret(a="3")]), pod(volume), files)
    assert sorted(each.name for each in folder.iterdir()) == ["a"]
    assert (folder / "a").read_text() == "3"


def test_binary_content_stays_as_it_is(fake_api, files):
    content = bytes(range(256))
    binary = {**config_map(), "binaryData": {"store": base64.b64encode(content).decode()}}
    folder = prepare(fake_api([binary]), pod({"name": "v", "configMap": {"name": "settings"}}), files)["v"]
    assert (folder / "store").read_bytes() == content


def test_items_choose_and_rename(fake_api, files):
    volume = {"name": "v", "configMap": {"name": "settings", "items": [{"key": "a", "path": "deep/x"}]}}
    folder = prepare(fake_api([config_map(a="1", b="2")]), pod(volume), files)["v"]
    assert (folder / "deep" / "x").read_text() == "1"
    assert not (folder / "b").exists()


def test_projected_sources_share_a_folder(fake_api, files):
    sources = [
        {"configMap": {"name": "settings"}},
        {"secret": {"name": "keys"}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    api = fake_api([config_map(a="1"), secret(b="2")])
    folder = prepare(api, pod({"name": "v", "projected": {"sources": sources}}), files)["v"]
    assert {each.name: each.read_text() for each in folder.iterdir()} == {"a": "1", "b": "2", "labels": 'app="kafka"'}


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"secret": {"secretName": "gone"}}, 'secret "gone" not found'),
        ({"configMap": {"name": "gone"}}, 'configmap "gone" not found'),
        ({"secret": {"secretName": "keys", "items": [{"key": "z", "path": "z"}]}}, "non-existent key: z"),
        ({"persistentVolumeClaim": {"claimName": "gone"}}, 'persistentvolumeclaim "gone" not found'),
        ({"nfs": {"server": "s"}}, "no volumes of type nfs"),
        ({"configMap": {"name": "settings", "items": [{"key": "a", "path": "../../x"}]}}, "leaves the volume"),
    ],
)
def test_a_volume_that_cannot_be_had_is_named(fake_api, files, volume, message):
    with pytest.raises(MountError, match=message) as error:
        prepare(fake_api([secret(a="1"), config_map(a="1")]), pod({"name": "v", **volume}), files)
    assert 'volume "v"' in str(error.value)


def test_optional_sources_may_be_missing(fake_api, files):
    volume = {"name": "v", "secret": {"secretName": "gone", "optional": True}}
    assert list(prepare(fake_api([]), pod(volume), files)["v"].iterdir()) == []


def test_an_unbound_claim_is_waited_for(fake_api, files):
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"namespace": "n", "name": "data"}, "spec": {}}
    with pytest.raises(MountError, match='claim "data" is not bound'):
        prepare(fake_api([claim]), pod({"name": "v", "persistentVolumeClaim": {"claimName": "data"}}), files)


def test_an_empty_directory_survives_and_is_the_pods(fake_api, files):
    volume = {"name": "v", "emptyDir": {}}
    folder = prepare(fake_api([]), pod(volume), files)["v"]
    (folder / "kept").touch()
    assert (prepare(fake_api([]), pod(volume), files)["v"] / "kept").exists()
    files.remove()
    assert not folder.exists()


def test_removing_a_pods_folder_leaves_its_claims_folder(files, tmp_path):
    claim = tmp_path / "claim"
    claim.mkdir()
    (claim / "data").touch()
    root = files.root("c")
    link_mounts(root, [{"name": "v", "mountPath": "/var/lib/data/"}], {"v": claim})
    assert inside(root, "/var/lib/data/data").exists()
    files.remove()
    assert (claim / "data").exists()


def test_mounts_have_links_at_their_paths(files, tmp_path):
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    for folder in (outer, inner, inner / "sub"):
        folder.mkdir()
    mounts = [
        {"name": "inner", "mountPath": "/opt/kafka/init", "subPath": "sub"},
        {"name": "outer", "mountPath": "/opt/kafka/config"},
        {"name": "inner", "mountPath": "/opt/kafka/config/nested"},
    ]
    root = files.root("c")
    for _ in range(2):
        link_mounts(root, mounts, {"inner": inner, "outer": outer})
    assert (root / "opt/kafka/init").resolve() == inner / "sub"
    assert list(outer.iterdir()) == []


def test_environment_from_everywhere(fake_api):
    container = {
        "name": "c",
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "settings"}}],
        "env": [
            {"name": "PLAIN", "value": "x"},
            {"name": "COMPOSED", "value": "$(PLAIN)-$(P_a)-$$(PLAIN)-$(NOBODY)"},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b"}}},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "z", "optional": True}}},
            {"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        ],
        "resources": {"limits": {"memory": "4Gi"}},
    }
    assert environment(fake_api([config_map(a="1"), secret(b="2")]), pod(), container) == {
        "P_a": "1",
        "PLAIN": "x",
        "COMPOSED": "x-1-$(PLAIN)-$(NOBODY)",
        "SECRET": "2",
        "NAMESPACE": "n",
        "LABEL": "kafka",
        "LIMIT": "4096",
    }


@pytest.mark.parametrize("reference", [{"name": "gone", "key": "a"}, {"name": "keys", "key": "z"}])
def test_a_value_that_cannot_be_had_is_an_error(fake_api, reference):
    container = {"name": "c", "env": [{"name": "X", "valueFrom": {"secretKeyRef": reference}}]}
    with pytest.raises(ValueFromError, match=r"gone|couldn't find key z"):
        environment(fake_api([secret(b="2")]), pod(), container)


def test_fields_and_quantities():
    assert field(pod(), "metadata.annotations['a/b']") == "c"
    assert field(pod(nodeName="node-a"), "spec.nodeName") == "node-a"
    assert field(pod(), "status.podIP") == ""
    assert [quantity(text) for text in ("250m", "2", "1Gi", "3k")] == [0.25, 2, 2**30, 3000]
    assert resource({"resources": {"requests": {"cpu": "250m"}}}, {"resource": "requests.cpu"}) == "1"
