# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the mechanisms as a user does, by ansible-playbook, and looks at what the API server was asked."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = {"create", "update", "patch", "delete", "deletecollection"}

OUTCOME = re.compile(r"OUTCOME:([A-Za-z0-9+/=]+):")
PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: The task under test
      synergyflow.platform.{module}: "{{{{ options }}}}"
      register: outcome
    # as one word, so that no callback folds it
    - name: What it returned
      ansible.builtin.debug:
        msg: "OUTCOME:{{{{ outcome | to_json | b64encode }}}}:"
"""


@dataclass
class Outcome:
    """What a run said, and what it returned when it went well."""

    code: int
    output: str
    result: dict[str, Any]

    @property
    def message(self) -> str:
        """The error as one line: the output folds it."""
        return " ".join(self.output.split())

    def ok(self) -> dict[str, Any]:
        assert self.code == 0, self.output
        return self.result


class Mechanisms:
    """The modules against one cluster of a rehearsal."""

    def __init__(self, rehearsal: Any, folder: Path, cluster: str = "apps") -> None:
        self.rehearsal, self.folder, self.cluster = rehearsal, folder, cluster

    def command(self, module: str, options: dict[str, Any]) -> list[str]:
        """Arguments of ansible-playbook for one task."""
        name = uuid.uuid4().hex[:8]
        playbook = self.folder / f"{name}.yml"
        playbook.write_text(PLAYBOOK.format(module=module), encoding="utf-8")
        options = {"kubeconfig": str(self.rehearsal.kubeconfig(self.cluster)), **options}
        variables = self.folder / f"{name}.json"
        variables.write_text(json.dumps({"options": {k: v for k, v in options.items() if v is not None}}))
        return [str(playbook), "-i", "localhost,", "-e", f"@{variables}"]

    def run(self, module: str, *args: str, environment: dict[str, str] | None = None, **options: Any) -> Outcome:
        playbook, *rest = self.command(module, options)
        done: subprocess.CompletedProcess[str] = self.rehearsal.playbook(playbook, *rest, *args, **(environment or {}))
        output = done.stdout + done.stderr
        returned = OUTCOME.search(output)
        result = json.loads(base64.b64decode(returned.group(1))) if returned else {}
        return Outcome(done.returncode, OUTCOME.sub("", output), result)

    def apply(self, name: str, namespace: str, objects: list[Any], *args: str, **options: Any) -> Outcome:
        return self.run("apply_set", *args, name=name, namespace=namespace, objects=objects, **options)

    def versions(self, objects: list[dict[str, Any]]) -> dict[str, str]:
        """resourceVersion of every object, by kind and name."""
        found = {}
        for it in objects:
            metadata = it["metadata"]
            where = ["-n", metadata["namespace"]] if "namespace" in metadata else []
            live = self.rehearsal.get(self.cluster, f"{it['kind'].lower()}/{metadata['name']}", *where)
            found[f"{it['kind']}/{metadata['name']}"] = live["metadata"]["resourceVersion"]
        return found


class Audit:
    """What the collection asked of the API server since this was made."""

    def __init__(self, rehearsal: Any, cluster: str = "apps") -> None:
        self.rehearsal, self.cluster = rehearsal, cluster
        self.offset = rehearsal.audit_size(cluster)

    def events(self) -> list[dict[str, Any]]:
        return [
            event
            for event in self.rehearsal.audit_events(self.cluster, self.offset)
            if event.get("userAgent") == "synergyflow.platform" and event.get("stage") == "ResponseComplete"
        ]

    def writes(self) -> list[str]:
        """Requests that have written: not those that only look, and no dry runs."""
        return [
            f"{event['verb']} {event['requestURI']}"
            for event in self.events()
            if event["verb"] in WRITES and not re.search(r"[?&]dryRun=All(&|$)", event["requestURI"])
        ]

    def dry_runs(self) -> list[str]:
        return [event["requestURI"] for event in self.events() if "dryRun=All" in event["requestURI"]]


def config_map(namespace: str, name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data or {"a": "1"},
    }


def namespace_object(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def deployment(
    namespace: str, name: str, image: str = "registry.k8s.io/pause:3.10", replicas: int = 1
) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [
                        {
                            "name": "main",
                            "image": image,
                            "ports": [
                                {"containerPort": 8080, "name": "http"},
                                {"containerPort": 53, "protocol": "UDP"},
                            ],
                            "env": [{"name": "A", "value": "1"}],
                            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
                        }
                    ]
                },
            },
        },
    }


def definition(group: str, kind: str, status: bool = True) -> dict[str, Any]:
    """A CRD for objects with any content."""
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                            },
                        }
                    },
                    **({"subresources": {"status": {}}} if status else {}),
                }
            ],
        },
    }
