# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broker pod as the real operator makes it becomes a plain server.properties, for both generations."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import strimzi_broker_objects as strimzi

from rehearsal import programs
from rehearsal.errors import RehearsalError
from rehearsal.node import recipes
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes import kafka, kafka_config, kafka_storage, properties
from rehearsal.node.recipes.recipe import CannotStartError

RELEASES = [strimzi.CURRENT, strimzi.SEED]


@pytest.fixture(autouse=True)
def jars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Class paths without jars: nothing is started here."""

    def class_path(version: str, paths: object = None) -> str:
        if version not in ("3.8.1", "4.3.1"):
            raise RehearsalError(f"no Kafka {version} for the rehearsal: there are 3.8.1, 4.3.1")
        return f"/jars/kafka-{version}.jar"

    monkeypatch.setattr(programs, "kafka_classpath", class_path)
    monkeypatch.setattr(programs, "java", lambda: Path("/java/bin/java"))
    monkeypatch.setattr(kafka_storage, "checkpoint", lambda *_: None)


@pytest.fixture(params=RELEASES, ids=lambda release: release.kafka)
def brokers(request: pytest.FixtureRequest) -> strimzi.Brokers:
    return strimzi.Brokers(request.param, "messaging")


def settings(container) -> dict[str, str]:
    return properties.parse((container.folder / "server.properties").read_text())


def prepared(brokers: strimzi.Brokers, container, number: int = 1):
    objects = brokers.objects()
    made = container(objects, number)
    init = next(each for each in objects if each["kind"] == "Pod")["spec"]["initContainers"][0]
    rack = container(objects, number, init)
    assert recipes.find(rack) == "strimzi_init"
    recipes.RECIPES["strimzi_init"].prepare(rack)
    assert recipes.find(made) == "kafka"
    return made, kafka.prepare(made)


def test_listeners_are_on_loopback_and_advertised_by_name_with_the_port_that_is_listened_on(brokers, container):
    made, run = prepared(brokers, container)
    got = settings(made)
    assert got["listeners"] == (
        "CONTROLPLANE-9090://127.0.0.1:20190,REPLICATION-9091://127.0.0.1:20191,TLS-9093://127.0.0.1:20193"
    )
    advertised = got["advertised.listeners"].split(",")
    host = "synergyflow-broker-1.synergyflow-kafka-brokers.messaging.svc"
    assert f"REPLICATION-9091://{host}:20191" in advertised
    assert f"TLS-9093://{host}:20193" in advertised
    assert run.ports == {9090: 20190, 9091: 20191, 9093: 20193}


def test_voters_are_reached_where_they_listen(brokers, container):
    made, run = prepared(brokers, container)
    voters = settings(made)["controller.quorum.voters"].split(",")
    assert voters == [
        f"{n}@synergyflow-broker-{n}.synergyflow-kafka-brokers.messaging.svc.cluster.local:{20090 + 100 * n}"
        for n in range(3)
    ]
    for n in range(3):
        assert f"synergyflow-broker-{n}.synergyflow-kafka-brokers.messaging.svc" in run.hosts


def test_stores_are_pem_with_the_brokers_own_key_and_the_cluster_authority(brokers, container):
    made, _ = prepared(brokers, container)
    got = settings(made)
    certificate, key = brokers.certificates["synergyflow-broker-1"]
    for listener in ("controlplane-9090", "replication-9091", "tls-9093"):
        prefix = f"listener.name.{listener}.ssl.keystore."
        assert got[f"{prefix}type"] == "PEM"
        assert got[f"{prefix}key"].strip() == key.strip()
        assert got[f"{prefix}certificate.chain"].strip() == certificate.strip()
    prefix = "listener.name.replication-9091.ssl.truststore."
    assert got[f"{prefix}certificates"].strip() == brokers.cluster_ca.pem.strip()
    assert got[f"{prefix}type"] == "PEM"
    assert "listener.name.tls-9093.ssl.truststore.type" not in got


def test_nothing_of_the_image_is_left(brokers, container):
    made, _ = prepared(brokers, container)
    text = (made.folder / "server.properties").read_text()
    for trace in (
        "strimzienv",
        "strimzisecrets",
        "strimzidir",
        ".p12",
        "cruise",
        "0.0.0.0",
        "${",
        "/opt/kafka",
        "/var",
    ):
        assert trace not in text.replace(str(made.root), "")


def test_reporters_of_the_image_go_and_others_stay(brokers, container):
    made, run = prepared(brokers, container)
    assert settings(made)["metric.reporters"] == "org.apache.kafka.common.metrics.JmxReporter"
    assert any("cruise.control.metrics.*" in note and "part of metric.reporters" in note for note in run.notes)


def test_the_rack_is_the_zone_of_the_node(brokers, container):
    made, _ = prepared(brokers, container)
    assert settings(made)["broker.rack"] == "apps-a"


def test_logs_are_in_the_claims_folder(brokers, container, tmp_path):
    made, _ = prepared(brokers, container)
    folder = tmp_path / "volumes" / "data-0-synergyflow-broker-1" / "kafka-log1"
    assert settings(made)["log.dirs"] == str(folder)
    assert settings(made)["metadata.log.dir"] == str(folder)


def test_what_the_operator_says_is_kept_and_quick_settings_only_fill_gaps(brokers, container):
    objects = brokers.objects()
    config_map = next(e for e in objects if e["kind"] == "ConfigMap" and e["metadata"]["name"].endswith("-1"))
    config_map["data"]["server.config"] += "num.io.threads=8\noffsets.topic.num.partitions=50\n"
    objects_of = type("Changed", (), {"objects": lambda self: objects})()
    made, run = prepared(objects_of, container)
    got = settings(made)
    assert got["num.io.threads"] == "8"
    assert got["offsets.topic.num.partitions"] == "50"
    assert got["min.insync.replicas"] == "2"
    added = next(note for note in run.notes if note.startswith("settings added"))
    assert "num.io.threads" not in added
    assert f"group.initial.rebalance.delay.ms={got['group.initial.rebalance.delay.ms']}" in added


def test_share_groups_are_for_kafka_4_only(brokers, container):
    made, _ = prepared(brokers, container)
    knows = "share.coordinator.state.topic.num.partitions" in settings(made)
    assert knows == brokers.release.kafka.startswith("4.")


def test_quick_settings_are_no_defaults_that_topics_inherit():
    inherited = {"num.partitions", "default.replication.factor", "min.insync.replicas", "log.segment.bytes"}
    assert not inherited & set(kafka_config.QUICK_SETTINGS)
    assert not any(key.startswith("log.retention") for key in kafka_config.QUICK_SETTINGS)


def test_a_new_log_directory_is_formatted_and_a_formatted_one_is_not(brokers, container):
    made, _ = prepared(brokers, container)
    start = made.folder / "start.sh"
    assert f"-t={strimzi.CLUSTER_ID} -r={brokers.release.metadata_version}" in start.read_text()
    folder = Path(settings(made)["log.dirs"])
    folder.mkdir()
    (folder / "meta.properties").write_text(f"version=1\ncluster.id={strimzi.CLUSTER_ID}\nnode.id=1\n")
    kafka.prepare(made)
    assert "StorageTool" not in start.read_text()


def test_where_the_release_is_known_formatting_needs_no_java(brokers, container, monkeypatch, tmp_path):
    kept = tmp_path / "checkpoint"
    kept.write_bytes(b"features of the release")
    asked = []
    monkeypatch.setattr(kafka_storage, "checkpoint", lambda *arguments: asked.append(arguments) or kept)
    made, _ = prepared(brokers, container)
    assert asked[0][1:3] == (brokers.release.kafka, brokers.release.metadata_version)
    folder = Path(settings(made)["log.dirs"])
    assert (folder / "bootstrap.checkpoint").read_bytes() == b"features of the release"
    meta = properties.parse((folder / "meta.properties").read_text())
    assert (meta["version"], meta["cluster.id"], meta["node.id"]) == ("1", strimzi.CLUSTER_ID, "1")
    assert len(meta["directory.id"]) == 22
    assert "StorageTool" not in (made.folder / "start.sh").read_text()


def test_several_log_directories_are_left_to_the_tool(brokers, container, monkeypatch, tmp_path):
    monkeypatch.setattr(kafka_storage, "checkpoint", lambda *_: tmp_path)
    storage = kafka_storage.Storage([str(tmp_path / "a"), str(tmp_path / "b")], str(tmp_path / "a"), 0, "id", "4.3-IV0")
    assert not storage.simple()
    assert not storage.formatted()


def test_another_clusters_log_directory_is_given_to_format_which_refuses_it(brokers, container):
    made, _ = prepared(brokers, container)
    folder = Path(settings(made)["log.dirs"])
    folder.mkdir()
    (folder / "meta.properties").write_text("version=1\ncluster.id=another\nnode.id=1\n")
    kafka.prepare(made)
    assert "StorageTool" in (made.folder / "start.sh").read_text()


def test_the_config_maps_logging_is_used(brokers, container):
    made, _ = prepared(brokers, container)
    name = "log4j.properties" if brokers.release.kafka.startswith("3.") else "log4j2.properties"
    assert str(inside(made.root, f"/opt/kafka/custom-config/{name}")) in (made.folder / "start.sh").read_text()


def test_files_with_keys_are_for_their_owner_only(brokers, container):
    made, _ = prepared(brokers, container)
    for name in ("server.properties", "identity.pem"):
        assert (made.folder / name).stat().st_mode & 0o077 == 0


def test_tools_are_where_the_image_has_them(brokers, container):
    _, run = prepared(brokers, container)
    home = Path(run.exec_directory)
    for tool in ("kafka-topics", "kafka-configs", "kafka-producer-perf-test", "kafka-console-consumer"):
        assert (home / "bin" / f"{tool}.sh").stat().st_mode & 0o100
    assert "127.0.0.1" not in (home / "client.properties").read_text()


def test_an_image_whose_kafka_is_not_there_cannot_be_pulled(container):
    made = container(strimzi.Brokers(strimzi.Release("1.2.0", "4.2.0", "4.2-IV0"), "messaging").objects(), 0)
    with pytest.raises(
        CannotStartError, match=r"no Kafka 4\.2\.0 for the rehearsal: there are 3\.8\.1, 4\.3\.1"
    ) as error:
        kafka.prepare(made)
    assert error.value.reason == "ErrImagePull"


def test_a_missing_secret_is_named(container):
    objects = strimzi.Brokers(strimzi.CURRENT, "messaging", rack=False).objects()
    kept = [e for e in objects if (e["kind"], e["metadata"]["name"]) != ("Secret", "synergyflow-broker-0")]
    with pytest.raises(CannotStartError, match='secret "synergyflow-broker-0" not found') as error:
        kafka.prepare(container(kept, 0))
    assert error.value.reason == "CreateContainerConfigError"


def test_a_node_without_the_rack_label_is_refused(container):
    objects = strimzi.Brokers(strimzi.CURRENT, "messaging").objects()
    init = next(each for each in objects if each["kind"] == "Pod")["spec"]["initContainers"][0]
    made = container(objects, 0, {**init, "env": [{"name": "RACK_TOPOLOGY_KEY", "value": "example.org/rack"}]})
    with pytest.raises(CannotStartError, match=r"node apps-node-a has no label example\.org/rack"):
        recipes.RECIPES["strimzi_init"].prepare(made)


def test_several_authorities_are_all_trusted(container):
    brokers = strimzi.Brokers(strimzi.CURRENT, "messaging", rack=False)
    objects = brokers.objects()
    old = strimzi.Authority("cluster-ca v1")
    secret = next(e for e in objects if e["metadata"]["name"] == "synergyflow-cluster-ca-cert")
    secret["data"]["ca-2026.crt"] = base64.b64encode(old.pem.encode()).decode()
    secret["data"]["ca.password"] = base64.b64encode(b"secret").decode()
    made = container(objects, 0)
    kafka.prepare(made)
    trusted = settings(made)["listener.name.replication-9091.ssl.truststore.certificates"]
    assert trusted.count("BEGIN CERTIFICATE") == 2
    assert "secret" not in trusted


def test_config_providers_of_the_user_stay():
    text = (
        "node.id=0\nprocess.roles=controller\ncontroller.listener.names=C\nlisteners=C://0.0.0.0:9090\n"
        "config.providers=env,strimzienv\nconfig.providers.env.class=Env\nconfig.providers.strimzienv.class=E\n"
        "password=${env:PASSWORD}\n"
    )
    broker = kafka_config.translate(text, "c-0", 4, None, lambda number, pod: number + 10000)
    assert broker.settings["config.providers"] == "env"
    assert broker.settings["config.providers.env.class"] == "Env"
    assert broker.settings["password"] == "${env:PASSWORD}"
    assert "config.providers.strimzienv.class" not in broker.settings


def test_an_address_outside_the_cluster_becomes_this_machines():
    text = (
        "listeners=EXTERNAL-9094://0.0.0.0:9094\nadvertised.listeners=EXTERNAL-9094://broker-0.example.org:443\n"
        "controller.listener.names=C\n"
    )
    broker = kafka_config.translate(text, "c-0", 4, None, lambda number, pod: number + 10000)
    assert broker.settings["advertised.listeners"] == "EXTERNAL-9094://127.0.0.1:19094"


def test_cruise_control_has_the_brokers_image_and_is_not_a_broker(container):
    objects = strimzi.Brokers(strimzi.CURRENT, "messaging").objects()
    spec = next(each for each in objects if each["kind"] == "Pod")["spec"]["containers"][0]
    made = container(objects, 0, {**spec, "command": ["/opt/cruise-control/cruise_control_run.sh"]})
    assert recipes.find(made) == "cruise_control"
    run = recipes.RECIPES["cruise_control"].prepare(made)
    assert run.command is None
    assert run.stands_in == "cruise-control"


def test_a_script_nobody_knows_has_no_recipe(container):
    objects = strimzi.Brokers(strimzi.CURRENT, "messaging").objects()
    spec = next(each for each in objects if each["kind"] == "Pod")["spec"]["containers"][0]
    assert (
        recipes.find(container(objects, 0, {**spec, "command": ["/opt/kafka-exporter/kafka_exporter_run.sh"]})) is None
    )
