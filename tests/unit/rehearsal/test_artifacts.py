# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import json
import re
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from rehearsal import artifacts, maven, programs
from rehearsal.artifacts import Archive, JarSet
from rehearsal.errors import NotBuiltError, RehearsalError
from rehearsal.maven import digest
from rehearsal.paths import Paths

JAR = "org.example:thing:1.0"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a download yields, instead of a repository."""
    path = tmp_path / "downloaded.jar"
    path.write_text("as locked")
    monkeypatch.setattr(maven, "_context", lambda cache=None: None)
    monkeypatch.setattr(maven, "_jar", lambda context, coordinate: path)
    return path


def _locked(sha256: str) -> JarSet:
    return JarSet("set", (JAR,), (), {JAR: sha256})


def test_a_locked_jar_is_put_in_place(source: Path, tmp_path: Path) -> None:
    maven.fetch(_locked(digest(source)), tmp_path, lambda done, total: None)
    assert (tmp_path / "org.example.thing-1.0.jar").read_text() == "as locked"


def test_a_changed_jar_is_refused(source: Path, tmp_path: Path) -> None:
    jars = _locked(digest(source))
    source.write_text("something else")
    with pytest.raises(RehearsalError, match=r"org\.example:thing:1\.0 is not what maven\.lock\.json has"):
        maven.fetch(jars, tmp_path, lambda done, total: None)


def test_a_broken_jar_in_the_clients_cache_is_fetched_anew(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.jar"
    broken.write_text("as lo")
    monkeypatch.setattr(maven, "_context", lambda cache=None: cache)
    monkeypatch.setattr(maven, "_jar", lambda context, coordinate: source if context else broken)
    maven.fetch(_locked(digest(source)), tmp_path, lambda done, total: None)
    assert (tmp_path / "org.example.thing-1.0.jar").read_text() == "as locked"


def test_an_archive_and_a_tar_in_a_jar_are_unpacked(source: Path, tmp_path: Path) -> None:
    (tmp_path / "program").write_text("runs")
    with tarfile.open(source, "w:gz") as tar:
        tar.add(tmp_path / "program", "bin/program")
    plain = Archive("plain", JAR, {}, {JAR: digest(source)})
    maven.unpack(plain, _made(tmp_path / "plain"))
    assert (tmp_path / "plain" / "bin" / "program").read_text() == "runs"

    inner = tmp_path / "inner.txz"
    with tarfile.open(inner, "w:xz") as tar:
        tar.add(tmp_path / "program", "bin/program")
    with zipfile.ZipFile(source, "w") as jar:
        jar.write(inner, "inner.txz")
    with pytest.raises(RehearsalError, match="is not what"):
        maven.unpack(plain, _made(tmp_path / "changed"))
    maven.unpack(replace(plain, locked={JAR: digest(source)}), _made(tmp_path / "nested"))
    assert (tmp_path / "nested" / "bin" / "program").read_text() == "runs"
    assert [path.name for path in (tmp_path / "nested").iterdir()] == ["bin"]


def test_an_archive_names_the_machines_it_is_published_for() -> None:
    archive = Archive("postgresql", "g:a-{machine}:1", {"vax": "vax11"}, {})
    assert archive.coordinates() == ["g:a-vax11:1"]
    with pytest.raises(RehearsalError, match="is not published for"):
        _ = archive.coordinate


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_module_is_known_by_its_last_name_that_is_no_version() -> None:
    assert artifacts.last_name("sigs.k8s.io/kwok") == "kwok"
    assert artifacts.last_name("github.com/kubernetes-csi/external-snapshotter/client/v8") == "client"


def test_every_declared_set_is_locked_with_what_it_names() -> None:
    locked = json.loads(artifacts.LOCK.read_text())
    assert set(locked) == set(artifacts.jar_sets()) | set(artifacts.archives())
    for archive in artifacts.archives().values():
        assert set(archive.coordinates()) == set(archive.locked), f"{archive.name}: run python -m rehearsal lock"
    for jars in artifacts.jar_sets().values():
        assert set(jars.coordinates) <= set(jars.locked), f"{jars.name}: run python -m rehearsal lock"
        assert all(len(sha256) == 64 for sha256 in jars.locked.values())


@pytest.mark.parametrize("version", artifacts.kafka_versions())
def test_kafkas_own_jars_are_all_of_its_version(version: str) -> None:
    """jgo takes an older kafka-clients when it resolves Kafka together with log4j."""
    own = [c for c in artifacts.jar_sets()[f"kafka-{version}"].locked if c.startswith("org.apache.kafka:")]
    assert len(own) > 10
    assert {coordinate.rsplit(":", 1)[1] for coordinate in own} == {version}


def test_a_set_without_a_lock_says_how_to_make_one(paths: Paths) -> None:
    with pytest.raises(RehearsalError, match="rehearsal lock"):
        JarSet("new", (JAR,), (), {}).folder(paths)


def test_the_cache_key_changes_with_what_it_is_built_from(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    family = artifacts.go_families()["kubernetes"]
    folders = {
        family.folder(paths),
        replace(family, version="1.36.4").folder(paths),
        replace(family, binaries={"kubectl": "k8s.io/kubernetes/cmd/kubectl"}).folder(paths),
        replace(family, version_variables=()).folder(paths),
    }
    monkeypatch.setattr(artifacts, "GO_ENVIRONMENT", {"CGO_ENABLED": "1"})
    folders.add(family.folder(paths))
    assert len(folders) == 5
    assert _locked("0" * 64).folder(paths) != _locked("1" * 64).folder(paths)


def test_a_program_that_is_not_built_says_what_to_run(paths: Paths) -> None:
    with pytest.raises(NotBuiltError, match="kubectl is not built yet: run make rehearsal-up"):
        programs.binary("kubectl", paths)
    with pytest.raises(NotBuiltError, match=r"kafka-4\.3\.1"):
        programs.kafka_classpath("4.3.1", paths)


def test_unknown_programs_and_versions_are_named(paths: Paths) -> None:
    with pytest.raises(RehearsalError, match="no program named kubelet"):
        programs.binary("kubelet", paths)
    with pytest.raises(RehearsalError, match=r"no Kafka 2\.0 .* 4\.3\.1"):
        programs.kafka_classpath("2.0", paths)


def test_what_families_share_is_compiled_once() -> None:
    found: dict[str, dict[str, str]] = {}
    for name in artifacts.TOGETHER:
        for module, version in artifacts.go_families()[name].modules().items():
            found.setdefault(module, {})[name] = version
    shared = {module: versions for module, versions in found.items() if len(versions) > 1}
    assert len(shared) > 50
    assert not {module: versions for module, versions in shared.items() if len(set(versions.values())) > 1}


@pytest.mark.parametrize("module", ["k8s.io/kube-openapi", "sigs.k8s.io/structured-merge-diff/v6"])
def test_what_decides_how_an_api_server_answers_is_everywhere_held_at_one_version(module: str) -> None:
    families = [artifacts.go_families()[name] for name in artifacts.TOGETHER]
    having = [family for family in families if module in family.modules()]
    assert len(having) > 3
    held = [
        re.search(rf"^\s+{module} => {module} (\S+)$", (each.module / "go.mod").read_text(), re.M) for each in having
    ]
    assert all(held)
    assert len({each[1] for each in held if each}) == 1
