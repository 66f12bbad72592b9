# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users get wrong: a clear message each time, and not one write.

On `infra`, which is empty; the roles are switched on there for these runs.
"""

from __future__ import annotations

from typing import Any

import pytest
from site_runs import Watch, output, run

# of the collectors infra has dashboards: not what is tried here
ON = {"strimzi_enabled": True, "kafka_cluster_enabled": True, "obs_collectors_enabled": False}


def refused(rehearsal: Any, *said: str, asked: bool = True, args: tuple[str, ...] = (), **variables: Any) -> str:
    """Run site.yml, which must fail with these words and must not write; `asked`: it came as far as the cluster."""
    watch = Watch(rehearsal, "infra")
    done = run(rehearsal, "site", "infra", *args, **{**ON, **variables})
    text = output(done)
    assert done.returncode != 0, text
    for words in said:
        assert words in text
    assert watch.writes == []
    # without this the test would pass for a run that never came near the cluster
    assert (watch.requests > 0) is asked, text
    return text


def test_unknown_variable_names_the_nearest(rehearsal):
    refused(
        rehearsal,
        "kafka_cluster_topic is no variable of the role kafka_cluster: did you mean kafka_cluster_topics",
        "nothing was changed",
        # the other role's variables are in order, so the cluster is asked for its sake
        kafka_cluster_topic=[],
    )


def test_wrong_type(rehearsal):
    refused(rehearsal, "kafka_cluster_brokers must be of type int", kafka_cluster_brokers="three")


def test_wrong_type_inside_of_a_topic(rehearsal):
    topics = [{"name": "user-events", "partitions": "many", "retention": 7}]
    refused(
        rehearsal,
        "partitions in kafka_cluster_topics must be of type int",
        "kafka_cluster_topics.retention is not known",
        kafka_cluster_topics=topics,
    )


def test_version_pair_of_the_first_plan(rehearsal):
    refused(
        rehearsal,
        "Kafka 3.8.1 does not run under Strimzi 0.43.0",
        "Strimzi 0.45.0, 0.45.1, 0.45.2",
        kafka_cluster_strimzi_version="0.43.0",
        kafka_cluster_kafka_version="3.8.1",
    )


def test_all_problems_in_one_message(rehearsal):
    text = refused(
        rehearsal,
        "there is no storage class gold",
        "kafka_cluster_min_insync_replicas must be between 1 and",
        "stands 2 times in kafka_cluster_topics",
        kafka_cluster_storage_class="gold",
        kafka_cluster_min_insync_replicas=5,
        kafka_cluster_topics=[{"name": "a", "partitions": 1}, {"name": "a", "partitions": 1}],
    )
    assert "problems on infra; nothing was changed" in text


def test_more_than_the_nodes_have(rehearsal):
    refused(rehearsal, "of cpu, the largest node has", "lower the request", kafka_cluster_cpu="500")


def test_missing_crds(rehearsal):
    refused(
        rehearsal,
        "does not serve Kafka, KafkaNodePool, KafkaTopic, KafkaUser of kafka.strimzi.io: install Strimzi first",
        strimzi_enabled=False,
    )


@pytest.mark.parametrize("tags", [("--tags", "kafka_cluster"), ("--skip-tags", "strimzi")])
def test_missing_crds_that_this_run_does_not_bring(rehearsal, tags):
    refused(rehearsal, "install Strimzi first", args=("--check", *tags))


def test_what_a_role_outside_of_the_run_lacks_stops_nobody(rehearsal):
    backend = {"synergyflow_backend_enabled": True, "synergyflow_backend_allow_latest": False}
    done = run(rehearsal, "site", "infra", "--check", "--tags", "strimzi", **ON, **backend)
    assert done.returncode == 0, output(done)
    refused(
        rehearsal, "synergyflow_backend_image is monosense/synergyflow-backend:latest", args=("--check",), **backend
    )


def test_a_namespace_that_no_operator_will_watch(rehearsal):
    refused(
        rehearsal,
        "nobody watches kafka_cluster_namespace kafka: the cluster operator in messaging watches messaging",
        kafka_cluster_namespace="kafka",
    )


def test_helmrelease_without_flux(rehearsal):
    refused(rehearsal, "install Flux, or set strimzi_install_method: manifests", strimzi_install_method="helmrelease")


def test_manifests_of_another_release(rehearsal):
    manifests = str(rehearsal.state / "manifests" / "strimzi-0.45.2")
    refused(rehearsal, "strimzi_manifests hold Strimzi 0.45.2, strimzi_version is 1.2.0", strimzi_manifests=manifests)


def test_unreachable_cluster(rehearsal):
    text = refused(
        rehearsal,
        "The API server https://127.0.0.1:1 cannot be reached",
        asked=False,
        cluster_connection={"host": "https://127.0.0.1:1", "api_key": "not-a-real-token", "validate_certs": False},
    )
    assert "not-a-real-token" not in text


def test_wrong_context(rehearsal):
    kubeconfig = str(rehearsal.kubeconfig("infra"))
    refused(rehearsal, "nowhere", asked=False, cluster_connection={"kubeconfig": kubeconfig, "context": "nowhere"})


def test_kubeconfig_that_is_not_there(rehearsal):
    refused(rehearsal, "/nowhere/kubeconfig", asked=False, cluster_connection={"kubeconfig": "/nowhere/kubeconfig"})


def test_validate_fails_when_nothing_could_be_measured(rehearsal):
    done = run(rehearsal, "validate", "infra", **ON, cluster_connection={"host": "https://127.0.0.1:1", "api_key": "x"})
    assert done.returncode != 0
    assert "cannot be reached" in output(done)
    for role in ("strimzi", "kafka_cluster"):
        assert f"Everything of {role} was measured:" in output(done), "what is switched on has failed"
    assert "switched off: cnpg_enabled is false" in output(done)


def test_validate_fails_when_a_variable_is_wrong(rehearsal):
    done = run(rehearsal, "validate", "infra", **ON, kafka_cluster_brokers="three")
    assert done.returncode != 0
    assert "kafka_cluster_brokers" in output(done)


@pytest.mark.parametrize("playbook", ["site", "status"])
def test_a_cluster_with_nothing_enabled(rehearsal, playbook):
    watch = Watch(rehearsal, "infra")
    done = run(rehearsal, playbook, "infra", obs_collectors_enabled=False)
    assert done.returncode == 0, output(done)
    assert watch.writes == []


def test_a_proof_that_measured_nothing_is_none(rehearsal):
    watch = Watch(rehearsal, "infra")
    done = run(rehearsal, "validate", "infra", obs_collectors_enabled=False)
    assert done.returncode != 0
    assert "nothing was measured: 0 criteria on all hosts" in output(done)
    assert watch.writes == []
