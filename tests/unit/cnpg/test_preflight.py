# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight of the role cnpg refuses, warns of and decides."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import cnpg_live
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.cnpg import Live, check

STORE = "ObjectStore.barmancloud.cnpg.io"


def operator(version: str = "1.30.0") -> dict[str, Any]:
    image = f"ghcr.io/cloudnative-pg/cloudnative-pg:{version}"
    return {"kind": "Pod", "spec": {"containers": [{"name": "manager", "image": image}]}}


def live(**parts: Any) -> Live:
    return Live(**{"operators": [operator()], **parts})


def existing(**spec: Any) -> dict[str, Any]:
    """A live Cluster as the role makes it."""
    return {
        "spec": {
            "instances": 3,
            "imageName": "ghcr.io/cloudnative-pg/postgresql:16.15-system-trixie",
            "storage": {"size": "50Gi", "storageClass": "rook-ceph-block"},
            "bootstrap": {"initdb": {"database": "synergyflow", "owner": "synergyflow"}},
            "backup": {"barmanObjectStore": {"destinationPath": "s3://x/"}},
            **spec,
        }
    }


def problems(values: dict[str, Any], cluster: dict[str, Any], found: Live | None = None) -> str:
    return "; ".join(check(values, cluster, found or live()).problems)


def test_the_plans_values_pass(values, cluster):
    findings = check(values, cluster, live())
    assert findings.problems == []
    assert findings.facts["backup_method"] == "in_tree"
    assert findings.facts["database_kind"] is True
    assert findings.facts["pod_monitor"] is True
    assert findings.facts["born"] == {}
    assert findings.facts["requests"]["storage"] == 3 * 50 * 1024**3
    assert any("deprecated in CloudNativePG 1.30.0" in warning for warning in findings.warnings)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("cnpg_backup_schedule", "0 2 * * *", "would read the first as seconds"),
        ("cnpg_image", "ghcr.io/cloudnative-pg/postgresql:latest", "begins with PostgreSQL's version"),
        ("cnpg_image", "ghcr.io/cloudnative-pg/postgresql:16.15-standard-trixie", "has no barman-cloud"),
        ("cnpg_instances", 0, "cnpg_instances must be at least 1"),
        ("cnpg_memory", "2 GB", "cnpg_memory: '2 GB' is no Kubernetes quantity"),
        ("cnpg_cpu_limit", "500m", "less than cnpg_cpu"),
        ("cnpg_storage_class", "fast", "there is no storage class fast"),
        ("cnpg_name", "a" * 51, "at most 50 characters"),
        ("cnpg_name", "1db", "DNS label"),
        ("cnpg_database", "postgres", "cnpg_database cannot be postgres"),
        ("cnpg_owner", "streaming_replica", "reserved"),
        ("cnpg_owner", 'x"; DROP', "SQL name"),
        ("cnpg_extensions", ["pg_trgm", "pg_trgm"], "more than once"),
        ("cnpg_schemas", ["flow able"], "'flow able' is no name"),
        ("cnpg_check_user", "synergyflow", "user of their own"),
        ("cnpg_backup_destination", "https://bucket/x", "s3://"),
        ("cnpg_s3_endpoint", "s3.example", "must begin with https://"),
        ("cnpg_cpu", "40", "one instance asks for 40.0 cores"),
        ("cnpg_memory", "60Gi", "the pods ask for 180.0 GiB of memory"),
    ],
)
def test_a_value_that_cannot_work_is_refused(values, cluster, variable, value, words):
    values[variable] = value
    if variable == "cnpg_cpu":
        values["cnpg_cpu_limit"] = value
    if value == "60Gi":
        cluster["requested"]["memory"] = 20 * 1024**3
    assert words in problems(values, cluster)


def test_without_the_operator_it_says_how_to_get_it(values, cluster):
    cluster["served"] = {}
    assert "cnpg_install_method: helmrelease or manifests" in problems(values, cluster, live(operators=[]))


def test_what_the_role_brings_itself_is_expected(values, cluster):
    cluster["served"] = {}
    deployment = {"kind": "Deployment", "spec": {"template": operator()}}
    values |= {"cnpg_install_method": "manifests", "cnpg_manifests": [deployment]}
    findings = check(values, cluster, live(operators=[]), [deployment])
    assert findings.problems == []
    kinds = {"Cluster", "Backup", "ScheduledBackup", "Pooler", "Database"}
    assert set(findings.facts["expected_kinds"]) == {f"{kind}.postgresql.cnpg.io" for kind in kinds}
    assert findings.facts["backup_method"] == "in_tree"


def test_manifests_of_another_release_are_refused(values, cluster):
    deployment = {"kind": "Deployment", "spec": {"template": operator("1.27.0")}}
    values |= {"cnpg_install_method": "manifests", "cnpg_manifests": [deployment]}
    text = "; ".join(check(values, cluster, live(), [deployment]).problems)
    assert "hold CloudNativePG 1.27.0" in text


def test_an_operator_does_not_go_back(values, cluster):
    values |= {"cnpg_install_method": "manifests", "cnpg_operator_version": "1.27.0", "cnpg_manifests": ["x"]}
    assert "an operator does not go back" in problems(values, cluster)


def test_a_helm_release_needs_flux_and_a_chart_version(values, cluster):
    values["cnpg_install_method"] = "helmrelease"
    text = problems(values, cluster)
    assert "does not serve HelmRelease" in text
    assert "cnpg_chart_version" in text


def test_the_plugin_is_taken_where_it_is_served(values, cluster):
    cluster["served"][STORE] = ["v1"]
    values["cnpg_image"] = "ghcr.io/cloudnative-pg/postgresql:16.15-standard-trixie"
    findings = check(values, cluster, live())
    assert findings.facts["backup_method"] == "plugin"
    assert findings.problems == []
    assert not any("deprecated" in warning for warning in findings.warnings)


def test_a_cluster_keeps_its_way_of_backing_up_until_told_otherwise(values, cluster):
    cluster["served"][STORE] = ["v1"]
    assert check(values, cluster, live(cluster=existing())).facts["backup_method"] == "in_tree"
    values["cnpg_backup_method"] = "plugin"
    findings = check(values, cluster, live(cluster=existing()))
    assert findings.facts["backup_method"] == "plugin"
    assert any("backups move from in_tree to plugin" in warning for warning in findings.warnings)


def test_in_tree_is_refused_where_it_is_gone(values, cluster):
    values["cnpg_backup_method"] = "in_tree"
    text = problems(values, cluster, live(operators=[operator("1.31.0")]))
    assert "gone since 1.31" in text
    assert "install plugin-barman-cloud and set cnpg_backup_method: plugin" in text
    assert "takes no backups by itself" in problems(values, cluster, live(has_in_tree=False))


def test_the_plugin_is_refused_where_it_is_not(values, cluster):
    values["cnpg_backup_method"] = "plugin"
    assert "install the plugin, or set cnpg_backup_method: in_tree" in problems(values, cluster)


def test_without_backups_nothing_of_them_is_checked(values, cluster):
    values |= {"cnpg_backup": False, "cnpg_backup_schedule": "0 2 * * *"}
    findings = check(values, cluster, live(cluster=existing()))
    assert findings.problems == []
    assert findings.facts["backup_method"] == ""
    assert any("no longer be recoverable" in warning for warning in findings.warnings)


def test_extensions_are_made_at_the_birth_alone_where_a_database_cannot_keep_them(values, cluster):
    del cluster["served"]["Database.postgresql.cnpg.io"]
    findings = check(values, cluster, live(operators=[operator("1.24.0")], cluster=existing()))
    assert findings.facts["database_kind"] is False
    assert any("changes of cnpg_extensions" in warning for warning in findings.warnings)
    assert check(values, cluster, live(has_database_extensions=True)).facts["database_kind"] is True


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"storage": {"size": "100Gi", "storageClass": "rook-ceph-block"}}, "a volume cannot shrink"),
        ({"storage": {"size": "50Gi", "storageClass": "slow"}}, "existing volumes keep theirs"),
        ({"imageName": "ghcr.io/cloudnative-pg/postgresql:17.2"}, "a major version does not go back"),
        ({"bootstrap": {"initdb": {"database": "app", "owner": "synergyflow"}}}, "Put app back"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(values, cluster, spec, words):
    assert words in problems(values, cluster, live(cluster=existing(**spec)))


def test_the_majors_in_the_status_count_more_than_the_images_name(values, cluster):
    found = existing() | {"status": {"pgDataImageInfo": {"image": "x", "majorVersion": 18}}}
    assert "the data is of 18" in problems(values, cluster, live(cluster=found))


def test_a_major_upgrade_and_fewer_instances_are_warned_of(values, cluster):
    found = existing(imageName="ghcr.io/cloudnative-pg/postgresql:15.6", instances=5)
    warnings = "; ".join(check(values, cluster, live(cluster=found)).warnings)
    assert "pg_upgrade" in warnings
    assert "removes the last replicas" in warnings


def test_a_restored_cluster_keeps_how_it_was_made(values, cluster):
    spec = recovered("x")
    findings = check(values, cluster, live(cluster=existing(**spec)))
    assert findings.facts["born"] == spec
    assert findings.problems == []


def recovered(folder: str, **external: Any) -> dict[str, Any]:
    """How a Cluster's spec says that it was made from a folder of the store."""
    other = external or {"barmanObjectStore": {"destinationPath": "s3://x/", "serverName": folder}}
    return {"bootstrap": {"recovery": {"source": "it"}}, "externalClusters": [{"name": "it", **other}]}


PLUGGED = {"plugin": {"name": "barman-cloud.cloudnative-pg.io", "parameters": {"serverName": "synergyflow-db"}}}


@pytest.mark.parametrize(
    ("given", "there", "words"),
    [
        ({"cnpg_recover_from": "synergyflow-db", "cnpg_server_name": "second"}, None, ""),
        ({"cnpg_recover_from": "synergyflow-db"}, None, "is to be recovered from the folder synergyflow-db"),
        ({"cnpg_recover_from": "old", "cnpg_server_name": "old"}, None, "Set cnpg_server_name to a folder that nobody"),
        ({"cnpg_recover_from": "old", "cnpg_backup": False}, None, "cnpg_backup is false"),
        # afterwards: the same again, without the variable, without the folder
        (
            {"cnpg_recover_from": "synergyflow-db", "cnpg_server_name": "second"},
            existing(**recovered("synergyflow-db")),
            "",
        ),
        ({"cnpg_server_name": "second"}, existing(**recovered("synergyflow-db")), ""),
        ({}, existing(**recovered("synergyflow-db")), "was recovered from the folder synergyflow-db"),
        ({}, existing(**recovered("", **PLUGGED)), "was recovered from the folder synergyflow-db"),
        # what is there is not what was asked for
        ({"cnpg_recover_from": "old", "cnpg_server_name": "second"}, existing(), "did not begin with a recovery"),
        (
            {"cnpg_recover_from": "old", "cnpg_server_name": "second"},
            existing(**recovered("older")),
            "was recovered from older: a database is never recovered in place",
        ),
    ],
)
def test_a_database_is_recovered_once_and_archives_elsewhere(values, cluster, given, there, words):
    found = problems(values | given, cluster, live(cluster=there))
    assert words in found
    assert bool(found) is bool(words)


def test_secrets_that_are_to_exist_must(values, cluster):
    values["cnpg_external_secrets"] = False
    found = {
        "synergyflow-db-app": None,
        "synergyflow-db-check": {"username": "platform-check"},
        "synergyflow-db-s3": {"access_key_id": "", "secret_access_key": ""},
    }
    text = problems(values, cluster, live(secrets=found))
    assert "there is no Secret synergyflow-db-app (cnpg_owner_secret)" in text
    assert "no password in Secret synergyflow-db-check" in text
    assert "s3" not in text


def test_the_authority_of_the_store_is_nobody_elses_to_make(values, cluster):
    values["cnpg_s3_ca_secret"] = "store-ca"
    text = problems(values, cluster, live(secrets={"store-ca": None}))
    assert "there is no Secret store-ca (cnpg_s3_ca_secret) in synergyflow: make it with ca.crt" in text
    assert "cnpg_external_secrets" not in text
    assert problems(values, cluster, live(secrets={"store-ca": {"ca.crt": ""}})) == ""


def test_a_secret_of_another_user_is_refused(values, cluster):
    found = {"synergyflow-db-app": {"username": "app", "password": ""}}
    text = problems(values, cluster, live(secrets=found))
    assert "is app, it must be synergyflow" in text


def test_too_few_zones_stop_only_instances_that_must_be_apart(values, cluster):
    cluster["nodes"][2]["zone"] = "zone-a"
    assert problems(values, cluster) == ""
    values["cnpg_anti_affinity"] = "required"
    assert "are in 2 zones" in problems(values, cluster)


def test_what_may_not_be_read_is_no_problem(values, cluster):
    cluster |= {"unreadable": ["nodes", "pods", "storageclasses"], "nodes": []}
    findings = check(values, cluster, live())
    assert findings.problems == []
    assert any("free capacity is not checked" in warning for warning in findings.warnings)


def test_a_secret_is_read_without_what_is_secret():
    data = {"username": base64.b64encode(b"app").decode(), "password": base64.b64encode(b"hush").decode()}
    assert cnpg_live.secret_content({"data": data}) == {"username": "app", "password": ""}
    assert cnpg_live.secret_content({"data": {"username": "%"}}) == {"username": ""}
    assert cnpg_live.secret_content(None) is None


def test_a_definition_is_asked_for_a_property():
    schema = {"properties": {"spec": {"properties": {"extensions": {"type": "array"}}}}}
    assert cnpg_live.schema_has(schema, ("spec", "extensions"))
    assert not cnpg_live.schema_has(schema, ("spec", "extensions", "name"))
    assert not cnpg_live.schema_has({}, ("spec",))
