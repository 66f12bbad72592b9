# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The three ways to apply a set of objects that are compared: each a whole process, as a user starts it.

All read the same JSON file, which is the fastest form for each of them. Both Ansible contenders have the same playbook
but for the one task.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.failures import InvalidMeasurementError
from bench.object_sets import Object
from rehearsal.paths import REPOSITORY

BIN = Path(sys.executable).parent
# no settings of the user's, and no login but the one that is given
DROPPED = re.compile(r"ANSIBLE_|K8S_AUTH_|KUBE|PYTHON|(HTTPS?|NO|ALL)_PROXY$", re.IGNORECASE)


@dataclass(frozen=True)
class Files:
    """Where a contender finds what it applies, and may keep what it caches."""

    objects: Path
    kubeconfig: Path
    scratch: Path


@dataclass(frozen=True)
class Contender:
    """One way to apply a set. `changed` reads the verdict from the output: None when it gives none."""

    name: str
    command: Callable[[Files], list[str]]
    changed: Callable[[str, int], bool | None]

    @property
    def namespaces(self) -> tuple[str, str]:
        """Its own two, so that contenders do not share the ownership of fields."""
        return f"bench-{self.name}-a", f"bench-{self.name}-b"


def environment(scratch: Path) -> dict[str, str]:
    """What measured processes see: the checkout's Ansible configuration and a home for caches, nothing of the user's.

    Python may keep its bytecode, as in every normal installation: with PYTHONDONTWRITEBYTECODE set, and nothing
    compiled at installation, each start of Ansible would compile some 300 modules anew.
    """
    inherited = {name: value for name, value in os.environ.items() if not DROPPED.match(name)}
    return {
        **inherited,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
    }


def write_objects(path: Path, objects: list[Object]) -> Path:
    """The set as a file: a Kubernetes List, which kubectl reads as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return path


def playbook(path: Path, *tasks: dict[str, Any]) -> Path:
    """A play on this machine with these tasks, or with none."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        # without it Ansible would look for an interpreter first, which only kubernetes.core would pay for
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": list(tasks),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump([play], sort_keys=False))
    return path


def ansible(playbook_file: Path, *more: str) -> list[str]:
    """The command that runs a playbook of ours."""
    return [str(BIN / "ansible-playbook"), "-i", "localhost,", str(playbook_file), *more]


def loaded(files: Files) -> str:
    """The expression with which both Ansible contenders read the set."""
    return f"{{{{ (lookup('ansible.builtin.file', '{files.objects}') | from_json)['items'] }}}}"


def _apply_set(files: Files) -> list[str]:
    objects = json.loads(files.objects.read_text())["items"]
    parameters = {
        "name": "bench",
        "namespace": objects[0]["metadata"]["namespace"],
        "objects": loaded(files),
        "kubeconfig": str(files.kubeconfig),
    }
    task = {"name": "Apply the set", "synergyflow.platform.apply_set": parameters}
    return ansible(playbook(files.scratch / "apply_set.yml", task))


def _kubernetes_core(files: Files) -> list[str]:
    parameters = {
        "resource_definition": loaded(files),
        "apply": True,
        "server_side_apply": {"field_manager": "bench"},
        "kubeconfig": str(files.kubeconfig),
    }
    task = {"name": "Apply the set", "kubernetes.core.k8s": parameters}
    return ansible(playbook(files.scratch / "kubernetes_core.yml", task))


def recap_changed(output: str, _size: int) -> bool:
    """Whether Ansible's recap says that a task changed something."""
    found = re.search(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=0", output)
    if not found or int(found[1]) != 1:
        raise InvalidMeasurementError(f"the recap is not one good task:\n{output[-1000:]}")
    return int(found[2]) > 0


def all_applied(output: str, size: int) -> None:
    """Kubectl says "serverside-applied" of each object, whether or not that changed it."""
    applied = output.count(" serverside-applied")
    if applied != size:
        raise InvalidMeasurementError(f"kubectl applied {applied} of {size} objects:\n{output[-1000:]}")


def contenders(kubectl: Path) -> dict[str, Contender]:
    """All three by name; ours first."""

    def kubectl_apply(files: Files) -> list[str]:
        return [
            str(kubectl),
            f"--kubeconfig={files.kubeconfig}",
            f"--cache-dir={files.scratch / 'kubectl-cache'}",
            "apply",
            "--server-side",
            f"--filename={files.objects}",
        ]

    every = (
        Contender("apply-set", _apply_set, recap_changed),
        Contender("kubectl", kubectl_apply, all_applied),
        Contender("kubernetes-core", _kubernetes_core, recap_changed),
    )
    return {contender.name: contender for contender in every}
