# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backend's templates come to, without a cluster."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from rendering import ROOT, Case, of_kind, one, render

TEMPLATES = (
    "namespace", "serviceaccount", "externalsecrets", "configmap", "deployment", "service", "servicemonitor",
    "networkpolicy", "pdb",
)  # fmt: skip
CA = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
POLICY = ROOT / "roles" / "synergyflow_backend" / "files" / "policy.rego"
# by its path, since nothing is found beside a role that is not run
HERE = {"synergyflow_backend_policy_file": str(POLICY)}


def case(variables: dict[str, Any], monitor: bool = True, ca: str = CA) -> Case:
    return (
        "synergyflow_backend",
        TEMPLATES,
        {"kafka_ca": ca, "service_monitor": monitor, "restart_for": ""},
        {**HERE, **variables},
    )


CASES = {
    "defaults": case({}),
    "other_ca": case({}, ca=CA.replace("QUJD", "REVG")),
    "other_setting": case({"synergyflow_backend_config": {"server": {"port": 9090}, "logging": {"level": "info"}}}),
    "sparse": case(
        {
            "cnpg_enabled": True,
            "synergyflow_backend_external_secrets": False,
            "synergyflow_backend_database_host": "db.example.com",
            "synergyflow_backend_schema_registry_url": "https://registry.example.com",
            "synergyflow_backend_replicas": "5",
        },
        monitor=False,
    ),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return render(CASES, tmp_path_factory.mktemp("rendered"))


def pod(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return one(objects, "Deployment")["spec"]["template"]["spec"]


def container(objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    spec = pod(objects)
    return next(each for each in [*spec["initContainers"], *spec["containers"]] if each["name"] == name)


def environment(found: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in found["env"]}


def application(objects: list[dict[str, Any]]) -> dict[str, Any]:
    maps = {each["metadata"]["name"]: each["data"] for each in of_kind(objects, "ConfigMap")}
    return yaml.safe_load(maps["synergyflow-backend-config"]["application.yaml"])


def test_the_plans_deployment(rendered):
    deployment, backend = one(rendered["defaults"], "Deployment"), container(rendered["defaults"], "backend")
    assert deployment["spec"]["replicas"] == 3
    assert backend["image"] == "monosense/synergyflow-backend:latest"
    assert backend["resources"] == {
        "requests": {"cpu": "500m", "memory": "1536Mi"},
        "limits": {"cpu": "2", "memory": "2Gi"},
    }
    options = environment(backend)["JAVA_TOOL_OPTIONS"].split()
    assert {"-Xms1024m", "-Xmx1024m", "-XX:+UseG1GC"} <= set(options)
    assert backend["livenessProbe"]["httpGet"]["path"] == "/actuator/health/liveness"
    assert backend["readinessProbe"]["httpGet"]["path"] == "/actuator/health/readiness"
    assert backend["startupProbe"]["httpGet"]["path"] == "/actuator/health/liveness"
    opa = container(rendered["defaults"], "opa")
    assert opa["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"cpu": "500m", "memory": "256Mi"},
    }


def test_the_sidecar_decides_for_its_pod_alone_and_until_the_backend_has_ended(rendered):
    spec, opa = pod(rendered["defaults"]), container(rendered["defaults"], "opa")
    assert "--addr=localhost:8181" in opa["args"]
    assert "--diagnostic-addr=0.0.0.0:8282" in opa["args"]
    assert {opa[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} == {
        "opa-health"
    }
    backend = container(rendered["defaults"], "backend")
    drain, decide = (each["lifecycle"]["preStop"]["sleep"]["seconds"] for each in (backend, opa))
    phase = application(rendered["defaults"])["spring"]["lifecycle"]["timeout-per-shutdown-phase"]
    assert drain + int(phase.rstrip("s")) < decide < spec["terminationGracePeriodSeconds"] == 60
    assert application(rendered["defaults"])["server"]["shutdown"] == "graceful"


def test_the_init_containers_wait_and_give_up(rendered):
    for name, host, port, program in (
        ("wait-for-db", "synergyflow-db-rw.synergyflow.svc", "5432", "pg_isready"),
        ("wait-for-kafka", "synergyflow-kafka-bootstrap.messaging.svc", "9093", "nc -z"),
    ):
        found = container(rendered["defaults"], name)
        variables = environment(found)
        assert (variables["WAIT_HOST"], variables["WAIT_PORT"], variables["WAIT_SECONDS"]) == (host, port, "300")
        assert program in found["args"][0]
        assert "exit 1" in found["args"][0]


def test_pods_meet_the_restricted_standard_and_have_no_token(rendered):
    spec = pod(rendered["defaults"])
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for found in [*spec["initContainers"], *spec["containers"]]:
        assert found["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(found["resources"]) == {"requests", "limits"}
    assert spec["automountServiceAccountToken"] is False
    assert one(rendered["defaults"], "ServiceAccount")["automountServiceAccountToken"] is False


def test_pods_keep_apart_where_they_can(rendered):
    rules = pod(rendered["defaults"])["affinity"]["podAntiAffinity"]
    assert list(rules) == ["preferredDuringSchedulingIgnoredDuringExecution"]
    keys = [rule["podAffinityTerm"]["topologyKey"] for rule in next(iter(rules.values()))]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert one(rendered["defaults"], "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_the_application_reaches_everything_over_tls_with_secrets_from_its_environment(rendered):
    found = application(rendered["defaults"])
    assert found["spring"]["datasource"]["url"] == (
        "jdbc:postgresql://synergyflow-db-rw.synergyflow.svc:5432/synergyflow"
        "?sslmode=verify-full&sslrootcert=/etc/synergyflow/database-ca/ca.crt"
    )
    kafka = found["spring"]["kafka"]
    assert kafka["bootstrap-servers"] == "synergyflow-kafka-bootstrap.messaging.svc:9093"
    assert kafka["security"]["protocol"] == "SASL_SSL"
    assert kafka["properties"]["sasl.mechanism"] == "SCRAM-SHA-512"
    assert kafka["properties"]["sasl.jaas.config"].endswith(
        'required username="synergyflow-backend" password="${KAFKA_PASSWORD}";'
    )
    assert kafka["properties"]["schema.registry.url"] == "http://schema-registry.messaging.svc:8081"
    variables = environment(container(rendered["defaults"], "backend"))
    for name, secret in (("DATABASE", "database"), ("KAFKA", "kafka"), ("CACHE", "cache")):
        reference = {"name": f"synergyflow-backend-{secret}", "key": "password"}
        assert variables[f"{name}_PASSWORD"] == {"secretKeyRef": reference}
    mounts = {each["name"]: each["mountPath"] for each in container(rendered["defaults"], "backend")["volumeMounts"]}
    assert kafka["ssl"]["trust-store-location"] == f"file:{mounts['kafka-ca']}/ca.crt"
    volumes = {each["name"]: each for each in pod(rendered["defaults"])["volumes"]}
    assert volumes["database-ca"]["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}], "and no key"


def test_secrets_come_from_the_plans_paths(rendered):
    secrets = {each["metadata"]["name"]: each["spec"] for each in of_kind(rendered["defaults"], "ExternalSecret")}
    # or External Secrets gives them those of whoever delivers
    assert all(each["target"]["template"]["metadata"]["labels"] for each in secrets.values())
    paths = {name: {each["remoteRef"]["key"] for each in spec["data"]} for name, spec in secrets.items()}
    assert paths == {
        "synergyflow-backend-database": {"postgresql/synergyflow"},
        "synergyflow-backend-kafka": {"kafka/users/synergyflow-backend"},
        "synergyflow-backend-cache": {"redis/dragonfly"},
    }
    assert {spec["secretStoreRef"]["name"] for spec in secrets.values()} == {"vault-backend"}
    assert of_kind(rendered["sparse"], "ExternalSecret") == []


def test_what_the_pods_read_at_their_start_makes_new_pods(rendered):
    def stamp(name: str) -> str:
        return one(rendered[name], "Deployment")["spec"]["template"]["metadata"]["annotations"][
            "synergyflow.platform/configuration"
        ]

    assert len({stamp("defaults"), stamp("other_ca"), stamp("other_setting")}) == 3
    maps = {each["metadata"]["name"]: each["data"] for each in of_kind(rendered["defaults"], "ConfigMap")}
    assert maps["synergyflow-backend-policy"]["policy.rego"] == POLICY.read_text()
    assert maps["synergyflow-backend-kafka-ca"]["ca.crt"] == CA


def test_the_users_settings_stand_over_the_roles(rendered):
    found = application(rendered["other_setting"])
    assert found["server"] == {"port": 9090, "shutdown": "graceful"}
    assert found["logging"] == {"level": "info"}


def test_the_service_keeps_a_client_at_its_pod_for_an_hour(rendered):
    spec = one(rendered["defaults"], "Service")["spec"]
    assert (spec["type"], spec["sessionAffinity"]) == ("ClusterIP", "ClientIP")
    assert spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] == 3600
    endpoint = one(rendered["defaults"], "ServiceMonitor")["spec"]["endpoints"][0]
    assert (endpoint["port"], endpoint["path"]) == ("http", "/actuator/prometheus")
    assert of_kind(rendered["sparse"], "ServiceMonitor") == []


def opened(rules: list[dict[str, Any]], side: str) -> set[tuple[str, int]]:
    """(namespace or *, port) that the rules open."""
    return {
        (peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] if peer else "*", port["port"])
        for rule in copy.deepcopy(rules)
        for peer in rule.get(side) or [None]
        for port in rule["ports"]
    }


def test_the_network_policy(rendered):
    spec = one(rendered["defaults"], "NetworkPolicy")["spec"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    assert opened(spec["ingress"], "from") == {("envoy-gateway-system", 8080), ("observability", 8080)}
    assert opened(spec["egress"], "to") == {
        ("synergyflow", 5432), ("messaging", 9093), ("messaging", 8081), ("dragonfly", 6379), ("kube-system", 53),
        ("*", 443),
    }  # fmt: skip
    outside = opened(one(rendered["sparse"], "NetworkPolicy")["spec"]["egress"], "to")
    assert ("*", 5432) in outside, "a host outside of the cluster has no namespace"


def test_the_namespace_is_made_where_no_other_role_does(rendered):
    labels = one(rendered["defaults"], "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert of_kind(rendered["sparse"], "Namespace") == []
    assert one(rendered["sparse"], "Deployment")["spec"]["replicas"] == 5
