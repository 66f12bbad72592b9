# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery by Git on Flux's own controllers, on both clusters: the same objects as direct, and a way there and back
without a restart. The whole platform at night, Strimzi, Kafka and the collectors by day.

The tests stand in an order in which each leaves the clusters fit for the next.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from site_runs import RECAP, Watch, changed, output, run

CLUSTER, INFRA = "apps", "infra"
BOTH = (CLUSTER, INFRA)
KAFKA = "kubernetes/workloads/platform/messaging/kafka"
KUSTOMIZATION = "cluster-apps-messaging-kafka"
KUSTOMIZATIONS = {
    CLUSTER: {
        "flux-system",
        "cluster-apps-infrastructure-strimzi",
        "cluster-apps-infrastructure-cloudnative-pg",
        "cluster-apps-infrastructure-volsync",
        KUSTOMIZATION,
        "cluster-apps-messaging-schema-registry",
        "cluster-apps-synergyflow-database",
        "cluster-apps-synergyflow",
        "cluster-apps-backup",
        "cluster-apps-observability",
    },
    INFRA: {"flux-system", "cluster-infra-observability"},
}
#: at the night alone: their objects come the same way as the others', and take half of the time
AT_NIGHT = {
    "schema_registry": {"cluster-apps-messaging-schema-registry"},
    "cnpg": {"cluster-apps-infrastructure-cloudnative-pg", "cluster-apps-synergyflow-database"},
    "synergyflow_backend": {"cluster-apps-synergyflow"},
    "volsync": {"cluster-apps-infrastructure-volsync", "cluster-apps-backup"},
}
OTHERS = ("strimzi", "kafka_cluster", "schema_registry", "cnpg", "synergyflow_backend", "volsync", "obs_collectors")
CANARY = "canary-4711-in-no-commit"
#: what comes and goes by itself, and what a failed comparison must not print
NOT_COMPARED = ("bindings", "componentstatuses", "endpoints", "endpointslices", "events", "leases", "pods", "secrets")
#: what nobody but its user may know, by the names that the platform's Secrets have for it
CONFIDENTIAL = re.compile(r"password|secret|token|jaas|\.key$", re.IGNORECASE)
SECRET = f"""\
- hosts: {CLUSTER}
  connection: local
  gather_facts: false
  tasks:
    - name: Deliver a Secret
      synergyflow.platform.deliver:
        kubeconfig: "{{{{ cluster_connection.kubeconfig }}}}"
        component: obs_collectors
        name: canary
        namespace: default
        files: [secret.yaml]
        objects:
          - apiVersion: v1
            kind: Secret
            metadata: {{name: canary, namespace: default}}
            stringData: {{key: {CANARY}}}
    - name: Publish
      synergyflow.platform.publish:
"""

pytestmark = pytest.mark.integration


class Site:
    """Runs of site.yml with Flux, and the repository as it is."""

    def __init__(self, rehearsal: Any, *, whole: bool = True) -> None:
        self.rehearsal = rehearsal
        without = {} if whole else AT_NIGHT
        self.off = {f"{role}_enabled": False for role in without}
        self.expected = KUSTOMIZATIONS | {CLUSTER: KUSTOMIZATIONS[CLUSTER].difference(*without.values())}
        self.bare = rehearsal.state / "git" / "synergyflow.git"

    def run(
        self, delivery: str, *args: str, hosts: str = "clusters", **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        # the same repository both ways: with it the instance of Flux stays as it is
        read = (self.rehearsal.state / "git" / "url").read_text().strip()
        given = {"flux_enabled": True, "flux_git_url": read, "platform_delivery": delivery, **self.off, **variables}
        return run(self.rehearsal, "site", hosts, *args, **given)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.bare, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def head(self) -> str:
        return self.git("rev-parse", "main")

    def files(self) -> dict[str, str]:
        return {
            path: self.git("show", f"main:{path}") for path in self.git("ls-tree", "-r", "--name-only", "main").split()
        }

    def objects(self) -> dict[str, Any]:
        """What was delivered, with what the two ways have in common."""
        found = {}
        for cluster in BOTH:
            names = self.rehearsal.kubectl(cluster, "api-resources", "--verbs=list", "-o", "name").stdout.split()
            kinds = ",".join(name for name in names if name.partition(".")[0] not in NOT_COMPARED)
            # the records of sets have another label
            for each in self.rehearsal.get(cluster, kinds, "-A", "-l", "applyset.kubernetes.io/part-of")["items"]:
                metadata = each["metadata"]
                own = {name: value for name, value in metadata["labels"].items() if "kustomize.toolkit" not in name}
                content = {name: value for name, value in each.items() if name not in ("metadata", "status")}
                name = f"{cluster} {each['kind']} {metadata.get('namespace', '')}/{metadata['name']}"
                found[name] = [metadata["uid"], own, content]
        return found

    def pods(self) -> dict[str, Any]:
        """Each pod by what a restart would change; those of Jobs come and go."""
        found = {}
        for cluster in BOTH:
            for each in self.rehearsal.get(cluster, "pods", "-A")["items"]:
                metadata = each["metadata"]
                if any(owner["kind"] == "Job" for owner in metadata.get("ownerReferences", [])):
                    continue
                restarts = [status["restartCount"] for status in each["status"].get("containerStatuses", [])]
                found[f"{cluster} {metadata['namespace']}/{metadata['name']}"] = [metadata["uid"], restarts]
        return found

    def kustomizations(self, cluster: str = CLUSTER) -> dict[str, Any]:
        items = self.rehearsal.get(cluster, "kustomizations.kustomize.toolkit.fluxcd.io", "-n", "flux-system")["items"]
        return {each["metadata"]["name"]: each for each in items}

    def managers(self, kind: str, name: str) -> set[str]:
        live = self.rehearsal.get(CLUSTER, f"{kind}/{name}", "-n", "messaging", "--show-managed-fields")
        fields = live["metadata"]["managedFields"]
        return {each["manager"] for each in fields if each["operation"] == "Apply"}


def nothing_changed(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether a run ended well on every host of it, and changed nothing."""
    hosts = [found[0] for found in RECAP.findall(done.stdout)]
    return done.returncode == 0 and bool(hosts) and not any(changed(done, host) for host in hosts)


@pytest.fixture(scope="module")
def site(own_rehearsal: Any, request: pytest.FixtureRequest) -> Site:
    """Clusters of its own: those of the session have the platform without Flux, and what other tests left in Git."""
    return Site(own_rehearsal, whole="not nightly" not in request.config.getoption("-m"))


def test_a_secret_is_refused_before_anything_is_committed(site: Site, tmp_path: Path) -> None:
    playbook = tmp_path / "secret.yml"
    playbook.write_text(SECRET)
    before = site.head()
    extra = json.dumps({"platform_delivery": "gitops"})
    done = site.rehearsal.playbook(playbook, "-i", "inventories/rehearsal", "-l", CLUSTER, "-e", extra, "--diff")
    assert done.returncode != 0
    assert "Secrets do not belong in Git, whoever may read it: Secret default/canary" in output(done)
    assert CANARY not in done.stdout + done.stderr
    assert site.head() == before


def test_check_mode_shows_the_commit_and_makes_none(site: Site) -> None:
    before, watches = site.head(), [Watch(site.rehearsal, cluster) for cluster in BOTH]
    done = site.run("gitops", "--check", "--diff")
    assert done.returncode == 0, output(done)
    assert f"+++ b/{KAFKA}/kafka-cluster.yaml" in done.stdout
    assert "+++ b/kubernetes/clusters/infra/observability.yaml" in done.stdout
    assert (site.head(), [watch.writes for watch in watches]) == (before, [[], []])


def test_the_first_run_brings_everything_to_both_clusters(site: Site) -> None:
    before = site.head()
    done = site.run("gitops")
    assert done.returncode == 0, output(done)
    head = site.head()
    # what Strimzi makes with the Kafka goes into the registry and what comes after it, by a commit before
    subjects = site.git("log", "--format=%s", f"{before}..main").splitlines()
    assert [subject.partition(":")[0] for subject in subjects] == ["apps, infra", "apps"][: 1 if site.off else 2]
    for cluster, names in site.expected.items():
        found = site.kustomizations(cluster)
        assert set(found) == names
        for each in found.values():
            assert each["status"]["lastAppliedRevision"] == f"refs/heads/main@sha1:{head}"
            assert {"Ready": "True"}.items() <= {c["type"]: c["status"] for c in each["status"]["conditions"]}.items()


def test_nothing_confidential_is_in_git(site: Site) -> None:
    files = site.files()
    texts = [text for path, text in files.items() if path.endswith(".yaml")]
    objects = [each for text in texts for each in yaml.safe_load_all(text) if isinstance(each, dict)]
    assert f"{KAFKA}/kafka-cluster.yaml" in files
    assert not [each for each in objects if each["kind"] == "Secret" and (each.get("data") or each.get("stringData"))]
    secrets = [each for cluster in BOTH for each in site.rehearsal.get(cluster, "secrets", "-A")["items"]]
    confidential = {
        f"{each['metadata']['name']}/{key}": base64.b64decode(value).decode(errors="replace").strip()
        for each in secrets
        for key, value in (each.get("data") or {}).items()
        if CONFIDENTIAL.search(key)
    }
    assert {"synergyflow-backend/password", "flux-system/password"} <= set(confidential)
    history = site.git("log", "-p", "main")
    assert not [name for name, value in confidential.items() if len(value) > 7 and value in history]


def test_a_second_run_changes_nothing_and_commits_nothing(site: Site) -> None:
    before = site.head()
    done = site.run("gitops")
    assert nothing_changed(done), output(done)
    assert site.head() == before


def test_what_would_die_by_a_commit_is_asked_about(site: Site) -> None:
    before = site.head()
    topics = [{"name": "user-events", "partitions": 6, "retention_days": 1}]
    done = site.run("gitops", "--tags", "kafka_cluster", hosts=CLUSTER, kafka_cluster_topics=topics)
    assert done.returncode != 0
    assert "deleting them destroys data: " in output(done)
    assert "KafkaTopic messaging/cmdb-events" in output(done)
    assert "KafkaTopic messaging/user-events: retention.ms from 7 days to 1 day" in output(done)
    assert "-e confirm_data_loss=kafka_cluster@apps" in output(done)
    assert site.head() == before


def drift(site: Site, file: Path) -> dict[str, Any]:
    """The record about what differs from Git."""
    given = {"flux_enabled": True, "platform_delivery": "gitops", **{f"{role}_enabled": False for role in OTHERS}}
    run(site.rehearsal, "validate", CLUSTER, **given, evidence_file=str(file))
    records = json.loads(file.read_text())["clusters"][CLUSTER]
    return next(each for each in records if each["id"] == "AC11-drift")


@pytest.mark.nightly
def test_drift_is_reported_and_corrected_without_a_commit(site: Site, tmp_path: Path) -> None:
    before = site.head()
    clean = drift(site, tmp_path / "before.json")
    assert (clean["status"], clean["observed"]) == ("passed", clean["expected"])
    patch = json.dumps({"spec": {"config": {"retention.ms": "1234567"}}})
    topic = ["kafkatopic/user-events", "-n", "messaging"]
    site.rehearsal.kubectl(CLUSTER, "patch", *topic, "--type=merge", "-p", patch, "--field-manager=somebody")
    found = drift(site, tmp_path / "found.json")
    assert found["status"] == "failed"
    assert found["detail"].startswith("KafkaTopic messaging/user-events: changed by ")
    assert "somebody" in found["detail"]
    done = site.run("gitops", "--tags", "kafka_cluster", hosts=CLUSTER)
    assert done.returncode == 0, output(done)
    assert changed(done, CLUSTER) == 1
    assert site.head() == before
    assert site.rehearsal.get(CLUSTER, *topic)["spec"]["config"]["retention.ms"] == 604800000


@pytest.fixture
def delivered(site: Site) -> Site:
    """Everything is delivered by Git, by a test before or now."""
    if not any(path.startswith("kubernetes/workloads/") for path in site.files()):
        done = site.run("gitops")
        assert done.returncode == 0, output(done)
    return site


@pytest.mark.nightly
def test_everything_is_taken_over_from_flux_and_by_flux_again_and_nothing_restarts(delivered: Site) -> None:
    site = delivered
    objects, pods = site.objects(), site.pods()
    done = site.run("direct")
    assert done.returncode == 0, output(done)
    assert (site.objects(), site.pods()) == (objects, pods)
    assert site.managers("kafka", "synergyflow") == {"synergyflow.platform"}
    assert not [path for path in site.files() if path.startswith("kubernetes/workloads/")]
    for cluster in BOTH:
        assert set(site.kustomizations(cluster)) == {"flux-system"}
        assert site.kustomizations(cluster)["flux-system"]["status"]["lastAppliedRevision"].endswith(site.head())
    again = site.run("direct", "--tags", "kafka_cluster,synergyflow_backend")
    assert nothing_changed(again), output(again)

    done = site.run("gitops")
    assert done.returncode == 0, output(done)
    assert (site.objects(), site.pods()) == (objects, pods)
    assert site.managers("kafka", "synergyflow") == {"kustomize-controller"}
    for cluster, names in site.expected.items():
        found = site.kustomizations(cluster)
        assert set(found) == names
        assert all(each["status"]["lastAppliedRevision"].endswith(site.head()) for each in found.values())


def test_a_component_that_has_no_objects_any_more_leaves_cluster_and_git(site: Site) -> None:
    rules = (INFRA, "prometheusrules", "-A", "-l", "applyset.kubernetes.io/part-of")
    assert site.rehearsal.get(*rules)["items"]
    done = site.run("gitops", "--tags", "obs_collectors", hosts=INFRA, obs_collectors_views=False)
    assert done.returncode == 0, output(done)
    assert site.rehearsal.get(*rules)["items"] == []
    assert set(site.kustomizations(INFRA)) == {"flux-system"}
    assert site.kustomizations(INFRA)["flux-system"]["status"]["lastAppliedRevision"].endswith(site.head())
    assert not [path for path in site.files() if path.startswith("kubernetes/workloads/infra/")]
    assert set(site.kustomizations()) == site.expected[CLUSTER]
