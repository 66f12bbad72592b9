# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""apply_set on a real API server: what it says, what it writes, what it leaves alone."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from mechanisms import Audit, Mechanisms, config_map, definition, deployment, namespace_object

CANARY = "canary-4711-never-shown"


@pytest.fixture
def run(rehearsal: Any, tmp_path: Path) -> Mechanisms:
    return Mechanisms(rehearsal, tmp_path)


@pytest.fixture
def made(rehearsal: Any, namespace: str) -> str:
    """A namespace that exists already."""
    rehearsal.kubectl("apps", "create", "namespace", namespace)
    return namespace


def component(namespace: str) -> list[dict[str, Any]]:
    """Objects of many shapes: lists by key, sets, defaults, quantities in another form than the server's."""
    meta = {"namespace": namespace}
    return [
        namespace_object(namespace),
        *[config_map(namespace, f"settings-{number}", a=str(number), b="text") for number in range(20)],
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner", **meta}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "login", **meta},
            "stringData": {"password": CANARY},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", **meta},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http", "name": "http"}]},
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "reader", **meta},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "reader", **meta},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "runner", **meta}],
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web", **meta},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        },
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "limits", **meta},
            # the server writes 1Gi: whether this is the same only it can say
            "spec": {"limits": [{"type": "Container", "default": {"memory": "1024Mi"}}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "web", **meta},
            "spec": {
                "podSelector": {"matchLabels": {"app": "web"}},
                "ingress": [{"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}],
            },
        },
        with_defaults_in_atomic_maps(deployment(namespace, "web", replicas=2)),
    ]


def with_defaults_in_atomic_maps(made: dict[str, Any]) -> dict[str, Any]:
    """Parts that the server completes where nobody can own a single field."""
    spec = made["spec"]["template"]["spec"]
    spec["containers"][0]["env"] += [
        {"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
    ]
    sources = [
        {"serviceAccountToken": {"path": "token"}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    spec["volumes"] = [{"name": "about", "projected": {"sources": sources}}]
    return made


def test_second_run_writes_nothing_and_asks_little(run: Mechanisms, rehearsal: Any, namespace: str) -> None:
    objects = component(namespace)
    first = run.apply("one", namespace, objects).ok()
    assert first["changed"] is True
    assert first["counts"] == {"created": len(objects), "changed": 0, "unchanged": 0, "pruned": 0}
    rehearsal.kubectl("apps", "rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    stable = [it for it in objects if it["kind"] != "Deployment"]
    before, audit = run.versions(stable), Audit(rehearsal)
    second = run.apply("one", namespace, objects).ok()
    assert second["changed"] is False
    assert second["counts"] == {"created": 0, "changed": 0, "unchanged": len(objects), "pruned": 0}
    assert run.versions(stable) == before
    assert audit.writes() == []
    assert len(audit.events()) == second["requests"]
    assert second["requests"] <= 1.1 * len(objects)
    # the one whose quantity only the server can compare is tried, and nothing else
    assert len(audit.dry_runs()) == 1
    assert "/limitranges/limits" in audit.dry_runs()[0]


def test_the_server_agrees_on_what_is_unchanged(run: Mechanisms, rehearsal: Any, namespace: str) -> None:
    """The proof from managedFields against the server's own judgement, object by object."""
    objects = component(namespace)
    run.apply("one", namespace, objects).ok()
    rehearsal.kubectl("apps", "rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    before = run.versions([it for it in objects if it["kind"] != "Deployment"])
    from ansible_collections.synergyflow.platform.plugins.module_utils.apply_plan import prepare, set_id

    for it in prepare(objects, set_id("one", namespace)):
        rehearsal.kubectl(
            "apps", "apply", "--server-side", "--field-manager=synergyflow.platform", "-f", "-", input=json.dumps(it)
        )
    assert run.versions([it for it in objects if it["kind"] != "Deployment"]) == before


def test_check_mode_on_an_empty_cluster_writes_nothing(run: Mechanisms, rehearsal: Any, namespace: str) -> None:
    audit = Audit(rehearsal)
    outcome = run.apply("one", namespace, component(namespace), "--check", "--diff")
    result = outcome.ok()
    assert result["counts"]["created"] == len(component(namespace))
    assert audit.writes() == []
    assert audit.events(), "the audit log was looked at, and the run is in it"
    notes = {item["kind"]: item.get("note", "") for item in result["results"]}
    assert "its Namespace does not exist yet" in notes["ConfigMap"]
    assert notes["Namespace"] == ""
    assert f"+++ after: Deployment {namespace}/web" in outcome.output
    assert rehearsal.kubectl("apps", "get", "namespace", namespace, check=False).returncode == 1


def test_check_mode_tells_what_the_run_then_does(run: Mechanisms, rehearsal: Any, made: str) -> None:
    run.apply("one", made, [config_map(made, name, v="1") for name in ("same", "different", "gone")]).ok()
    rehearsal.kubectl("apps", "create", "configmap", "adopted", "-n", made, "--from-literal=x=1")
    objects = [
        config_map(made, "same", v="1"),
        config_map(made, "different", v="2"),
        config_map(made, "new"),
        config_map(made, "adopted", y="2"),
    ]
    audit = Audit(rehearsal)
    checked = run.apply("one", made, objects, "--check", "--diff")
    assert audit.writes() == []
    real = run.apply("one", made, objects, "--diff")
    actions = {(it["name"], it["action"]) for it in checked.ok()["results"]}
    assert actions == {(it["name"], it["action"]) for it in real.ok()["results"]}
    assert actions == {
        ("same", "unchanged"),
        ("different", "changed"),
        ("new", "created"),
        ("adopted", "changed"),
        ("gone", "pruned"),
    }
    assert checked.ok()["diff"] == real.ok()["diff"]
    assert run.apply("one", made, objects).ok()["changed"] is False


def test_the_diff_is_the_servers(run: Mechanisms, made: str) -> None:
    run.apply("one", made, [deployment(made, "web")]).ok()
    (entry,) = run.apply("one", made, [deployment(made, "web", replicas=3)], "--diff").ok()["diff"]
    before, after = yaml.safe_load(entry["before"]), yaml.safe_load(entry["after"])
    assert (before["spec"].pop("replicas"), after["spec"].pop("replicas")) == (1, 3)
    assert before == after
    assert "managedFields" not in entry["after"]
    assert "status" not in after


def test_what_is_no_longer_in_the_set_goes_and_nothing_else(run: Mechanisms, rehearsal: Any, made: str) -> None:
    kept, gone = config_map(made, "kept"), config_map(made, "gone")
    run.apply("one", made, [kept, gone]).ok()
    label = rehearsal.get("apps", "configmap/kept", "-n", made)["metadata"]["labels"]["applyset.kubernetes.io/part-of"]
    # an operator that copies labels to what it makes, as Strimzi does
    rehearsal.kubectl("apps", "create", "configmap", "copied", "-n", made)
    rehearsal.kubectl("apps", "label", "configmap/copied", "-n", made, f"applyset.kubernetes.io/part-of={label}")
    rehearsal.kubectl("apps", "create", "configmap", "stranger", "-n", made)
    run.apply("two", made, [config_map(made, "of-another-set")]).ok()
    result = run.apply("one", made, [kept]).ok()
    assert result["counts"] == {"created": 0, "changed": 0, "unchanged": 1, "pruned": 1}
    assert result["left_alone"] == [
        f"ConfigMap {made}/copied: has the set's label, but synergyflow.platform has not applied it: left alone"
    ]
    names = rehearsal.kubectl("apps", "get", "configmap", "-n", made, "-o", "name").stdout.split()
    assert {f"configmap/{name}" for name in ("kept", "copied", "stranger", "of-another-set")} <= set(names)
    assert "configmap/gone" not in names


def test_definitions_that_leave_a_set_may_be_kept(run: Mechanisms, rehearsal: Any, made: str) -> None:
    """As when an operator is installed by other means: its objects must not go with the old set."""
    group = f"g{uuid.uuid4().hex[:6]}.example.com"
    crd, rest = definition(group, "Thing"), [config_map(made, "a")]
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "x", "namespace": made}}
    try:
        run.apply("one", made, [crd, *rest]).ok()
        rehearsal.kubectl("apps", "apply", "-f", "-", input=json.dumps(thing))
        audit = Audit(rehearsal)
        checked = run.apply("one", made, rest, "--check", keep_definitions=True)
        assert audit.writes() == []
        real = run.apply("one", made, rest, keep_definitions=True)
        for done in (checked, real):
            assert done.ok()["counts"] == {"created": 0, "changed": 1, "unchanged": 1, "pruned": 0}
            assert f"no longer looked after by it: things.{group}" in done.message
        labels = rehearsal.get("apps", f"crd/things.{group}")["metadata"].get("labels") or {}
        assert "applyset.kubernetes.io/part-of" not in labels
        # released for good: a later run that would delete it does not take it for a member
        assert run.apply("one", made, rest).ok()["changed"] is False
        assert rehearsal.get("apps", f"things.{group}/x", "-n", made)["metadata"]["name"] == "x"
    finally:
        rehearsal.kubectl("apps", "delete", "crd", f"things.{group}", "--ignore-not-found")


def test_prune_false_keeps_and_a_later_run_still_finds(run: Mechanisms, made: str) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x", "namespace": made}}
    run.apply("one", made, [config_map(made, "a"), account]).ok()
    assert run.apply("one", made, [config_map(made, "a")], prune=False).ok()["counts"]["pruned"] == 0
    assert run.apply("one", made, [config_map(made, "a")]).ok()["counts"]["pruned"] == 1


def test_an_empty_set_leaves_nothing(run: Mechanisms, rehearsal: Any, made: str) -> None:
    run.apply("one", made, [config_map(made, "a")]).ok()
    assert run.apply("one", made, []).ok()["counts"]["pruned"] == 1
    assert rehearsal.kubectl("apps", "get", "configmap", "one", "-n", made, check=False).returncode == 1
    audit = Audit(rehearsal)
    assert run.apply("one", made, []).ok()["changed"] is False
    assert audit.writes() == []


def test_data_dies_only_when_confirmed(run: Mechanisms, rehearsal: Any, made: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": made},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    run.apply("one", made, [claim, config_map(made, "a")]).ok()
    changed = [config_map(made, "a", v="2")]
    audit = Audit(rehearsal)
    refused = run.apply("one", made, changed, data_loss_phrase="one@apps", confirm_data_loss="yes")
    assert refused.code != 0
    assert f"PersistentVolumeClaim {made}/data" in refused.message
    assert "-e confirm_data_loss=one@apps" in refused.message
    assert audit.writes() == []
    checked = run.apply("one", made, changed, "--check", data_loss_phrase="one@apps")
    assert checked.ok()["counts"]["pruned"] == 1
    assert "Without check mode this would be refused" in checked.message
    done = run.apply("one", made, changed, data_loss_phrase="one@apps", confirm_data_loss="one@apps")
    assert done.ok()["counts"] == {"created": 0, "changed": 1, "unchanged": 0, "pruned": 1}


def test_a_change_that_destroys_data_is_made_only_when_confirmed(rehearsal: Any, tmp_path: Path) -> None:
    """On the cluster without Strimzi, with a stand-in for its CRD: nothing but the API server is needed."""
    run, namespace = Mechanisms(rehearsal, tmp_path, "infra"), f"test-{uuid.uuid4().hex[:8]}"
    confirmed = {"confirm_data_loss": "one@localhost"}

    def objects(days: int) -> list[dict[str, Any]]:
        kafka_topic = {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaTopic",
            "metadata": {"name": "orders", "namespace": namespace},
            "spec": {"config": {"retention.ms": days * 86_400_000}},
        }
        return [namespace_object(namespace), definition("kafka.strimzi.io", "KafkaTopic"), kafka_topic]

    try:
        run.apply("one", namespace, objects(7)).ok()
        assert run.apply("one", namespace, objects(30)).ok()["counts"]["changed"] == 1
        audit = Audit(rehearsal, "infra")
        for how in ({}, {"validate": "none"}, {"confirm_data_loss": "one@apps"}):
            refused = run.apply("one", namespace, objects(1), **how)
            assert refused.code != 0
            assert f"KafkaTopic {namespace}/orders: retention.ms from 30 days to 1 day" in refused.message
            assert "-e confirm_data_loss=one@localhost" in refused.message
        assert audit.writes() == []
        checked = run.apply("one", namespace, objects(1), "--check")
        assert checked.ok()["counts"]["changed"] == 1
        assert "Without check mode this would be refused" in checked.message
        assert run.apply("one", namespace, objects(1), **confirmed).ok()["counts"]["changed"] == 1
    finally:
        assert run.apply("one", namespace, [], **confirmed).code == 0


def test_conflicts_are_gathered_and_nothing_is_written(run: Mechanisms, rehearsal: Any, made: str) -> None:
    run.apply("one", made, [config_map(made, "a", x="1", y="1"), config_map(made, "b", x="1")]).ok()
    for name, data in (("a", {"x": "hand", "y": "hand"}), ("b", {"x": "hand"})):
        rehearsal.kubectl(
            "apps",
            "patch",
            "configmap",
            name,
            "-n",
            made,
            "--field-manager=by-hand",
            "--type=merge",
            "-p",
            json.dumps({"data": data}),
        )
    objects = [config_map(made, "a", x="2", y="2"), config_map(made, "b", x="2"), config_map(made, "new")]
    audit = Audit(rehearsal)
    refused = run.apply("one", made, objects)
    assert refused.code != 0
    for said in (
        f"ConfigMap {made}/a",
        ".data.x, .data.y by by-hand",
        f"ConfigMap {made}/b",
        "force: true",
        "Nothing has been changed",
    ):
        assert said in refused.message, refused.output
    assert audit.writes() == []
    assert rehearsal.kubectl("apps", "get", "configmap", "new", "-n", made, check=False).returncode == 1
    assert run.apply("one", made, objects, force=True).ok()["counts"]["changed"] == 2
    assert run.apply("one", made, objects).ok()["changed"] is False


def test_a_value_changed_by_hand_is_put_back(run: Mechanisms, rehearsal: Any, made: str) -> None:
    run.apply("one", made, [config_map(made, "a", x="1")]).ok()
    rehearsal.kubectl(
        "apps",
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=by-hand",
        "-f",
        "-",
        input=json.dumps(config_map(made, "a", x="hand")),
    )
    result = run.apply("one", made, [config_map(made, "a", x="1")], force=True).ok()
    assert result["counts"]["changed"] == 1
    assert rehearsal.get("apps", "configmap/a", "-n", made)["data"] == {"x": "1"}


def test_an_object_of_another_set_is_not_taken(run: Mechanisms, rehearsal: Any, made: str) -> None:
    run.apply("one", made, [config_map(made, "a")]).ok()
    audit = Audit(rehearsal)
    refused = run.apply("two", made, [config_map(made, "a")])
    assert refused.code != 0
    assert "belongs to another set" in refused.message
    assert audit.writes() == []


def test_invalid_objects_leave_nothing_half_done(run: Mechanisms, rehearsal: Any, made: str) -> None:
    bad = deployment(made, "bad")
    bad["spec"]["template"]["spec"]["containers"][0]["imagePullPolicie"] = "Always"
    worse = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "bad", "namespace": made},
        "spec": {"ports": [{"port": 99999}]},
    }
    audit = Audit(rehearsal)
    refused = run.apply("one", made, [config_map(made, "a"), bad, worse])
    assert refused.code != 0
    assert "imagePullPolicie" in refused.message
    assert "99999" in refused.message
    assert audit.writes() == []


def test_an_immutable_field_is_explained(run: Mechanisms, made: str) -> None:
    run.apply("one", made, [deployment(made, "web")]).ok()
    other = deployment(made, "web")
    other["spec"]["selector"]["matchLabels"] = other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    refused = run.apply("one", made, [other])
    assert refused.code != 0
    assert "cannot change on an existing object" in refused.message


def test_a_definition_and_its_objects_in_one_set(run: Mechanisms, rehearsal: Any, made: str) -> None:
    group = f"g{uuid.uuid4().hex[:6]}.example.com"
    objects = [
        {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "x", "namespace": made}, "spec": {"a": 1}},
        definition(group, "Thing"),
    ]
    audit = Audit(rehearsal)
    checked = run.apply("one", made, objects, "--check").ok()
    notes = {item["kind"]: item.get("note", "") for item in checked["results"]}
    assert "its CRD does not exist yet" in notes["Thing"]
    assert audit.writes() == []
    assert run.apply("one", made, objects).ok()["counts"]["created"] == 2
    assert run.apply("one", made, objects).ok()["changed"] is False
    refused = run.apply("one", made, [])
    assert "every object of its kind" in refused.message
    gone = run.apply("one", made, [], confirm_data_loss="one@localhost").ok()
    assert [item["kind"] for item in gone["results"]] == ["Thing", "CustomResourceDefinition"]


def test_a_kind_that_is_not_served_is_named_with_its_source(run: Mechanisms, rehearsal: Any, made: str) -> None:
    audit = Audit(rehearsal)
    missing = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "x", "namespace": made}}
    refused = run.apply("one", made, [config_map(made, "a"), missing])
    assert refused.code != 0
    assert "Issuer (cert-manager.io/v1)" in refused.message
    assert "install cert-manager's CRDs first" in refused.message
    assert audit.writes() == []


def test_a_missing_namespace_is_told(run: Mechanisms, rehearsal: Any, made: str, namespace: str) -> None:
    audit = Audit(rehearsal)
    refused = run.apply("one", made, [config_map(made, "a"), config_map("nowhere-at-all", "b")])
    assert refused.code != 0
    assert "ConfigMap nowhere-at-all/b: its namespace does not exist" in refused.message
    assert audit.writes() == []


def test_a_stuck_namespace_is_told(run: Mechanisms, rehearsal: Any, namespace: str) -> None:
    objects = [namespace_object(namespace), config_map(namespace, "a")]
    run.apply("one", namespace, objects).ok()
    held = config_map(namespace, "held")
    held["metadata"]["finalizers"] = ["example.com/never"]
    rehearsal.kubectl("apps", "apply", "-f", "-", input=json.dumps(held))
    rehearsal.kubectl("apps", "delete", "namespace", namespace, "--wait=false")
    try:
        refused = run.apply("one", namespace, objects, timeout=8)
        assert refused.code != 0
        assert f"Namespace {namespace} is being deleted since" in refused.message
        assert "example.com/never" in refused.message
    finally:
        rehearsal.kubectl(
            "apps",
            "patch",
            "configmap",
            "held",
            "-n",
            namespace,
            "--type=merge",
            "-p",
            '{"metadata":{"finalizers":null}}',
        )


def test_no_cluster_wrong_context_no_credentials_no_rights(run: Mechanisms, rehearsal: Any, made: str) -> None:
    objects = [config_map(made, "a")]
    assert (
        "cannot be reached: connection refused" in run.apply("one", made, objects, host="https://127.0.0.1:1").message
    )
    assert "has no context nowhere" in run.apply("one", made, objects, context="nowhere").message
    assert "does not exist" in run.apply("one", made, objects, kubeconfig="/no/such/file").message
    config = yaml.safe_load(rehearsal.kubeconfig("apps").read_text())
    server = config["clusters"][0]["cluster"]["server"]
    anonymous = {"host": server, "validate_certs": False, "kubeconfig": None}
    wrong = run.apply("one", made, objects, api_key=CANARY, **anonymous)
    assert "does not accept the credentials" in wrong.message
    assert CANARY not in wrong.output
    rehearsal.kubectl("apps", "create", "serviceaccount", "weak", "-n", made)
    token = rehearsal.kubectl("apps", "create", "token", "weak", "-n", made).stdout.strip()
    audit = Audit(rehearsal)
    weak = run.apply("one", made, objects, "-vvv", api_key=token, **anonymous)
    assert f'not allowed: User "system:serviceaccount:{made}:weak" cannot get resource "configmaps"' in weak.message
    assert token not in weak.output
    assert audit.writes() == []


def test_other_ways_of_logging_in(run: Mechanisms, rehearsal: Any, made: str, tmp_path: Path) -> None:
    """An exec plugin, which kubernetes.core's client has to run, and impersonation with several groups."""
    rehearsal.kubectl("apps", "create", "serviceaccount", "worker", "-n", made)
    rehearsal.kubectl(
        "apps", "create", "rolebinding", "worker", "-n", made, "--clusterrole=edit", f"--serviceaccount={made}:worker"
    )
    token = rehearsal.kubectl("apps", "create", "token", "worker", "-n", made).stdout.strip()
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token},
    }
    (tmp_path / "credential.json").write_text(json.dumps(credential))
    config = yaml.safe_load(rehearsal.kubeconfig("apps").read_text())
    config["users"][0]["user"] = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "cat",
            "args": [str(tmp_path / "credential.json")],
            "interactiveMode": "Never",
        }
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    audit = Audit(rehearsal)
    plugin = run.apply("one", made, [config_map(made, "a")], kubeconfig=str(tmp_path / "kubeconfig"))
    assert plugin.ok()["counts"]["created"] == 1
    assert {event["user"]["username"] for event in audit.events()} == {f"system:serviceaccount:{made}:worker"}
    groups = ["nobody-knows-it", "system:masters"]
    jane = run.apply("one", made, [config_map(made, "a")], impersonate_user="jane", impersonate_groups=groups)
    assert jane.ok()["counts"]["unchanged"] == 1
    seen = [event["impersonatedUser"] for event in audit.events() if "impersonatedUser" in event]
    assert seen
    assert all(user["username"] == "jane" and set(groups) <= set(user["groups"]) for user in seen)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_dies_is_picked_up(run: Mechanisms, rehearsal: Any, namespace: str, how: int) -> None:
    """Killed in the middle of writing; the next run writes the rest, and prunes what the dead one had begun."""
    first = [namespace_object(namespace), *[config_map(namespace, f"a-{n}") for n in range(400)]]
    command = run.command("apply_set", {"name": "one", "namespace": namespace, "objects": first, "concurrency": 1})
    audit = Audit(rehearsal)
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "ansible-playbook"), *command],
        cwd=Path(__file__).resolve().parents[2],
        env=rehearsal.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    family = [psutil.Process(process.pid)]
    try:
        limit = time.monotonic() + 120
        while len(audit.writes()) < 20 and time.monotonic() < limit:
            time.sleep(0.02)
        family += family[0].children(recursive=True)
        # Ctrl-C reaches Ansible, which ends its worker; a machine that dies takes both
        for member in family[:1] if how == signal.SIGINT else family:
            member.send_signal(how)
        psutil.wait_procs(family, timeout=60)
    finally:
        for member in family:
            if member.is_running():
                member.kill()
        process.wait(timeout=60)
    assert len(audit.writes()) < 400, "it was stopped in the middle"
    _until_quiet(audit)
    there = rehearsal.kubectl("apps", "get", "configmap", "-n", namespace, "-o", "name").stdout.split()
    assert 1 <= len([name for name in there if "/a-" in name]) <= 400
    second = [namespace_object(namespace), *[config_map(namespace, f"b-{n}") for n in range(10)]]
    result = run.apply("one", namespace, second).ok()
    assert result["counts"]["created"] == 10
    left = rehearsal.kubectl("apps", "get", "configmap", "-n", namespace, "-o", "name").stdout.split()
    assert [name for name in left if "/a-" in name] == []
    assert run.apply("one", namespace, second).ok()["changed"] is False


def _until_quiet(audit: Audit) -> None:
    seen = -1
    limit = time.monotonic() + 60
    while len(audit.events()) != seen and time.monotonic() < limit:
        seen = len(audit.events())
        time.sleep(1)


@pytest.mark.parametrize("mode", [[], ["--check"], ["--check", "--diff"], ["--diff"]])
def test_no_secret_in_any_output(run: Mechanisms, made: str, mode: list[str]) -> None:
    def secret(value: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s", "namespace": made},
            "stringData": {"password": value, "same": CANARY},
        }

    user = config_map(made, "user", url=f"postgres://u:{CANARY}@db")
    outputs = [run.apply("one", made, [secret(CANARY), user], "-vvv", *mode)]
    run.apply("one", made, [secret(CANARY), user]).ok()
    changed = f"{CANARY}-and-more"
    outputs.append(run.apply("one", made, [secret(changed), user], "-vvv", *mode))
    broken = secret(changed) | {"type": f"{CANARY}\n"}
    outputs.append(run.apply("one", made, [broken, user], "-vvv", *mode))
    outputs.append(run.apply("one", made, [secret(changed) | {CANARY: "x"}, user], "-vvv", *mode))
    assert [outcome.code == 0 for outcome in outputs] == [True, True, False, False], outputs[-1].output
    for outcome in outputs:
        for form in (CANARY, base64.b64encode(CANARY.encode()).decode(), base64.b64encode(changed.encode()).decode()):
            assert form not in outcome.output + json.dumps(outcome.result)
    if "--diff" in mode:
        assert "<masked>" in outputs[0].output
