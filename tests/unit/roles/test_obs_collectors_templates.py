# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collectors' templates come to, without a cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils.grafana_dashboard import expressions
from rendering import Case, of_kind, one, render

TEMPLATES = ("namespace", "fluent-bit", "vmagent", "networkpolicy", "prometheusrules", "dashboards")
HERE = {
    "obs_collectors_cluster": "apps",
    "obs_collectors_metrics_url": "http://metrics.example.org:8428/",
    "obs_collectors_logs_url": "http://logs.example.org:9428",
}


def case(variables: dict[str, Any], rules: bool = True) -> Case:
    facts = {"prometheus_rule": rules, "queue_bytes": 4831838208}
    return ("obs_collectors", TEMPLATES, facts, {**HERE, **variables})


CASES = {
    "defaults": case({}),
    "login": case(
        {
            "obs_collectors_views": False,
            "obs_collectors_logs_url": "https://logs.example.org/x",
            "obs_collectors_store_secret": "login",
            "obs_collectors_store_ca_secret": "authority",
            "obs_collectors_log_drop": " DEBUG ",
            "obs_collectors_log_rate": "0",
            "obs_collectors_log_exclude_namespaces": ["kube-system", "noise"],
            "obs_collectors_storage_class": "fast",
        }
    ),
    "views": case({"obs_collectors_collect": False, "obs_collectors_flux_seconds": 300}),
    "no_rules": case({"obs_collectors_collect": "false"}, rules=False),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return render(CASES, tmp_path_factory.mktemp("rendered"))


def configuration(objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    found = next(each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"] == name)
    return yaml.safe_load(next(iter(found["data"].values())))


def test_fluent_bit_reads_every_nodes_logs_and_nothing_else(rendered):
    spec = one(rendered["defaults"], "DaemonSet")["spec"]["template"]["spec"]
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["automountServiceAccountToken"] is False
    mounts = {each["name"]: each for each in spec["containers"][0]["volumeMounts"]}
    assert mounts["logs"] == {"name": "logs", "mountPath": "/var/log", "readOnly": True}
    context = spec["containers"][0]["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert "privileged" not in context
    labels = one(rendered["defaults"], "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"


def test_fluent_bit_sends_json_lines_with_the_clusters_name_and_keeps_them_on_disk(rendered):
    found = configuration(rendered["defaults"], "fluent-bit")
    (output,) = found["pipeline"]["outputs"]
    assert (output["host"], output["port"], output["format"]) == ("logs.example.org", 9428, "json_lines")
    assert output["uri"].startswith("/insert/jsonline?_stream_fields=cluster,namespace,pod,container&")
    assert (output["retry_limit"], output["storage.total_limit_size"]) == ("no_limits", "1G")
    assert "tls" not in output
    (source,) = found["pipeline"]["inputs"]
    assert source["storage.type"] == "filesystem"
    for path in (source["db"], found["service"]["storage.path"]):
        assert path.startswith("/var/lib/fluent-bit/")
    names = [each["name"] for each in found["pipeline"]["filters"]]
    assert names == ["parser", "throttle", "record_modifier"]
    assert found["pipeline"]["filters"][-1]["record"] == ["cluster apps", "node ${NODE_NAME}"]


def test_what_is_not_sent(rendered):
    found = configuration(rendered["login"], "fluent-bit")["pipeline"]
    assert [each["name"] for each in found["filters"]] == ["parser", "grep", "record_modifier"]
    assert found["filters"][1]["exclude"] == "log  DEBUG "
    assert found["inputs"][0]["exclude_path"] == (
        "/var/log/containers/*_kube-system_*.log,/var/log/containers/*_noise_*.log"
    )


def test_a_log_in_is_never_in_a_manifest(rendered):
    output = configuration(rendered["login"], "fluent-bit")["pipeline"]["outputs"][0]
    assert (output["http_user"], output["http_passwd"]) == ("${STORE_USERNAME}", "${STORE_PASSWORD}")
    assert (output["port"], output["tls"], output["tls.ca_file"]) == (443, True, "/etc/store-ca/ca.crt")
    assert output["uri"].startswith("/x/insert/jsonline?")
    arguments = one(rendered["login"], "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "-remoteWrite.basicAuth.username=%{STORE_USERNAME}" in arguments
    assert "-remoteWrite.basicAuth.passwordFile=/etc/store/password" in arguments
    assert "-remoteWrite.tlsCAFile=/etc/store-ca/ca.crt" in arguments


def test_vmagent_labels_limits_and_keeps(rendered):
    spec = one(rendered["defaults"], "StatefulSet")["spec"]
    arguments = spec["template"]["spec"]["containers"][0]["args"]
    assert {
        "-remoteWrite.url=http://metrics.example.org:8428/api/v1/write",
        "-remoteWrite.label=cluster=apps",
        "-remoteWrite.maxDiskUsagePerURL=4831838208",
        "-remoteWrite.maxDailySeries=200000",
        "-promscrape.seriesLimitPerTarget=20000",
    } <= set(arguments)
    assert not any("basicAuth" in each or "tls" in each for each in arguments)
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"
    assert "storageClassName" not in claim["spec"]
    (claim,) = one(rendered["login"], "StatefulSet")["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast"


def test_vmagent_may_list_pods_and_read_metrics(rendered):
    assert one(rendered["defaults"], "ClusterRole")["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]


def test_jobs_find_their_pods_by_the_api_server(rendered):
    found = configuration(rendered["defaults"], "vmagent")
    jobs = {each["job_name"]: each for each in found["scrape_configs"]}
    assert {"kafka", "schema-registry", "postgresql", "volsync", "flux", "vmagent", "fluent-bit"} <= set(jobs)
    (discovery,) = jobs["postgresql"]["kubernetes_sd_configs"]
    assert discovery == {"role": "pod", "selectors": [{"role": "pod", "label": "cnpg.io/podRole=instance"}]}
    keep = next(each for each in jobs["postgresql"]["relabel_configs"] if each.get("action") == "keep")
    assert keep["regex"] == "false;9187"
    assert jobs["volsync"]["authorization"] == {
        "credentials_file": "/var/run/secrets/kubernetes.io/serviceaccount/token"
    }
    assert jobs["volsync"]["kubernetes_sd_configs"][0]["namespaces"] == {"names": ["volsync-system"]}
    assert [name for name, job in jobs.items() if "authorization" in job] == ["volsync"]


def test_another_configuration_makes_other_pods(rendered):
    def mark(name: str, kind: str) -> str:
        return one(rendered[name], kind)["spec"]["template"]["metadata"]["annotations"][
            "synergyflow.platform/configuration"
        ]

    assert mark("defaults", "DaemonSet") != mark("login", "DaemonSet")
    assert mark("defaults", "StatefulSet") == mark("login", "StatefulSet"), "what is scraped is the same"


def test_views_alone(rendered):
    kinds = {each["kind"] for each in rendered["views"]}
    assert kinds == {"ConfigMap", "PrometheusRule"}
    assert {each["kind"] for each in rendered["no_rules"]} == {"ConfigMap"}
    assert not of_kind(rendered["login"], "PrometheusRule")


def test_alerts_have_the_plans_baselines(rendered):
    rules = {
        rule["alert"]: rule
        for each in of_kind(rendered["views"], "PrometheusRule")
        for group in each["spec"]["groups"]
        for rule in group["rules"]
    }
    assert rules["KafkaProduceSlow"]["expr"].endswith("> 50")
    assert rules["SchemaRegistrySlow"]["expr"].endswith("> 100")
    assert rules["VolSyncBackupSlow"]["expr"].endswith("> 300")
    assert rules["VolSyncRestoreSlow"]["expr"].endswith("> 600")
    assert rules["FluxReconciliationSlow"]["expr"].endswith("> 300"), "the variable"
    assert all(rule["labels"]["severity"] in ("warning", "critical") for rule in rules.values())
    assert all(rule["annotations"]["summary"] for rule in rules.values())


def test_dashboards_are_found_and_ask_for_the_chosen_cluster(rendered):
    found = of_kind(rendered["views"], "ConfigMap")
    names = {each["metadata"]["name"].removeprefix("platform-dashboard-") for each in found}
    assert names == {"kafka", "schema-registry", "volsync", "flux", "postgresql", "collectors"}
    for each in found:
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        (text,) = each["data"].values()
        dashboard = json.loads(text)
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
        assert len(set(places)) == len(places)
        for panel in dashboard["panels"]:
            assert 'cluster="$cluster"' in panel["targets"][0]["expr"], panel["title"]
        assert not any("$" in expression for expression in expressions(text).values())
