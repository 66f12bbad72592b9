# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is scraped: jobs of an inventory, as configurations that find pods by the API server.

Upstream: https://docs.victoriametrics.com/sd_configs/#kubernetes_sd_configs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

META = "__meta_kubernetes_pod"
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
#: label of a sample -> where discovery has it
LABELS = {
    "namespace": "__meta_kubernetes_namespace",
    "pod": f"{META}_name",
    "container": f"{META}_container_name",
    "node": f"{META}_node_name",
}
#: job of the defaults -> the role that brings its pods
ROLES = {
    "kafka": "kafka_cluster",
    "strimzi": "strimzi",
    "schema-registry": "schema_registry",
    "postgresql": "cnpg",
    "cloudnative-pg": "cnpg",
    "volsync": "volsync",
    "synergyflow-backend": "synergyflow_backend",
    "flux": "flux",
    "vmagent": "obs_collectors",
    "fluent-bit": "obs_collectors",
}


def expected_jobs(on: Callable[[str], bool]) -> set[str]:
    """The jobs that have to find pods. `on` says whether a variable, such as kafka_cluster_enabled, is true."""
    return {job for job, role in ROLES.items() if on(f"{role}_enabled") and on(f"{role}_metrics")}


def scrape_configs(jobs: Sequence[Mapping[str, Any]], drop: str = "") -> list[dict[str, Any]]:
    """A configuration for each job; metrics whose names fit `drop` are not kept."""
    return [_config(job, drop) for job in jobs]


def _config(job: Mapping[str, Any], drop: str) -> dict[str, Any]:
    discovery: dict[str, Any] = {"role": "pod", "selectors": [{"role": "pod", "label": job["selector"]}]}
    if job.get("namespaces"):
        discovery["namespaces"] = {"names": list(job["namespaces"])}
    config: dict[str, Any] = {
        "job_name": job["name"],
        "kubernetes_sd_configs": [discovery],
        "relabel_configs": [
            {"action": "drop", "source_labels": [f"{META}_phase"], "regex": "Succeeded|Failed"},
            {
                "action": "keep",
                "source_labels": [f"{META}_container_init", f"{META}_container_port_number"],
                "regex": f"false;{int(job['port'])}",
            },
            *({"source_labels": [source], "target_label": label} for label, source in LABELS.items()),
        ],
    }
    if job.get("path"):
        config["metrics_path"] = job["path"]
    if job.get("scheme") == "https":
        # pods sign their certificates themselves, and are reached by address
        config |= {"scheme": "https", "tls_config": {"insecure_skip_verify": True}}
    if job.get("token"):
        config["authorization"] = {"credentials_file": TOKEN}
    if drop:
        config["metric_relabel_configs"] = [{"action": "drop", "source_labels": ["__name__"], "regex": drop}]
    return config
