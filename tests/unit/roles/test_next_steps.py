# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that a summary suggests where the inventory names none: they work as they stand."""

from __future__ import annotations

from ansible_collections.synergyflow.platform.plugins.action.component_status import next_steps


def test_the_inventory_and_the_login_of_the_run_are_in_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = {"kubeconfig": "there/../kubeconfig", "context": "apps"}
    steps = next_steps(args, ["kafka_cluster"], {"ansible_inventory_sources": ["/i/hosts.yml"]})
    assert steps == [
        "ansible-playbook synergyflow.platform.validate -i /i/hosts.yml   # prove it",
        f"kubectl --kubeconfig {tmp_path}/kubeconfig --context apps get kafka,kafkatopic,kafkauser -n messaging",
    ]


def test_without_a_kubeconfig_kubectl_finds_its_own():
    (step,) = next_steps({"kubeconfig": None, "context": None}, ["strimzi"], {})
    assert step == "ansible-playbook synergyflow.platform.validate   # prove it"
    assert next_steps({}, ["kafka_cluster"], {})[1].startswith("kubectl get kafka,")
