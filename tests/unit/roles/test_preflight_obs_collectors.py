# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collectors' preflight refuses, and what it lets pass."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import obs_collectors as preflight
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.obs_collectors import Live


@pytest.fixture
def values(collectors_values: dict[str, Any]) -> dict[str, Any]:
    return collectors_values


def problems(values: dict[str, Any], cluster: dict[str, Any], live: Live | None = None) -> str:
    return "\n".join(preflight.check(values, cluster, live or Live()).problems)


def test_a_sound_deployment_passes(values, cluster):
    cluster["served"] |= {"PrometheusRule.monitoring.coreos.com": ["v1"]}
    findings = preflight.check(values, cluster, Live())
    assert (findings.problems, findings.warnings, findings.skipped) == ([], [], [])
    assert findings.facts["prometheus_rule"] is True
    assert findings.facts["queue_bytes"] == 5 * 1024**3 * 9 // 10
    # one pod of Fluent Bit on each of three nodes, and vmagent
    assert findings.facts["requests"]["cpu"] == pytest.approx(0.25)
    assert findings.facts["requests"]["storage"] == 5 * 1024**3


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("metrics_url", "", "obs_collectors_metrics_url is empty"),
        ("logs_url", "", "obs_collectors_logs_url is empty"),
        ("metrics_url", "metrics.example.org", "http://host:port"),
        ("metrics_url", "http://h:port", "http://host:port"),
        ("logs_url_here", "http://u:p@h", "no log-in"),
        ("namespace", "Obs", "Kubernetes name"),
        ("cluster", "a b", "for a label"),
        ("logs_buffer", "1Gi", "Fluent Bit's units"),
        ("scrape_interval", "often", "such as 30s"),
        ("host_path", "/", "below /var/lib/"),
        ("log_drop", "(", "no regular expression"),
        ("metrics_buffer", "much", "no Kubernetes quantity"),
        ("vmagent_memory", "4Gi", "more than its limit"),
        ("log_rate", -1, "at least 0"),
        ("check_minutes", 0, "at least 1"),
        ("storage_class", "other", "no storage class other"),
    ],
)
def test_a_wrong_value_is_named(values, cluster, variable, value, said):
    values[f"obs_collectors_{variable}"] = value
    found = problems(values, cluster)
    assert said in found
    assert f"obs_collectors_{variable}" in found


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"name": "kafka", "selector": "a=b", "port": 1}, "kafka more than once"),
        ({"name": "x", "selector": " ", "port": 1}, "every pod"),
        ({"name": "x", "selector": "a=b", "port": 0}, "between 1 and 65535"),
        ({"name": "x", "selector": "a=b", "port": 1, "token": True, "scheme": "https"}, "shown the token"),
        ({"name": "x", "selector": "a=b", "port": 1, "token": True, "namespaces": ["n"]}, "shown the token"),
    ],
)
def test_a_wrong_job_is_named(values, cluster, job, said):
    values["obs_collectors_scrape_jobs"].append(job)
    assert said in problems(values, cluster)


def test_secrets_that_are_named_must_be_there_with_their_keys(values, cluster):
    values |= {"obs_collectors_store_secret": "login", "obs_collectors_store_ca_secret": "ca"}
    assert problems(values, cluster, Live(secrets={"login": ["username", "password"], "ca": ["ca.crt"]})) == ""
    found = problems(values, cluster, Live(secrets={"login": ["username"], "ca": None}))
    assert "no Secret login with password" in found
    assert "no Secret ca with ca.crt" in found


def test_a_volume_does_not_become_another(values, cluster):
    template = {"spec": {"resources": {"requests": {"storage": "5120Mi"}}, "storageClassName": "rook-ceph-block"}}
    vmagent = {"spec": {"volumeClaimTemplates": [template]}}
    assert problems(values, cluster, Live(vmagent=vmagent)) == "", "another way to write 5Gi"
    values["obs_collectors_metrics_buffer"] = "10Gi"
    assert "a StatefulSet does not change it" in problems(values, cluster, Live(vmagent=vmagent))


def test_a_cluster_of_dashboards_alone_needs_a_namespace_and_no_stores(values, cluster):
    values |= {"obs_collectors_collect": False, "obs_collectors_metrics_url": "", "obs_collectors_logs_url": ""}
    assert problems(values, cluster) == ""
    assert "no namespace observability" in problems(values, cluster, Live(namespace_exists=False))
    findings = preflight.check(values, cluster, Live())
    assert [each["what"] for each in findings.skipped] == ["PrometheusRules"]
    assert findings.demand.requests == ()
