# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates rendered by one ansible-playbook for all cases of a test module, without a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]

#: role, templates, facts of the preflight, variables
Case = tuple[str, tuple[str, ...], dict[str, Any], dict[str, Any]]


def task(name: str, case: Case, folder: Path) -> dict[str, Any]:
    """A task file that renders one case and writes the objects; variables live in it, as in a role."""
    role, templates, facts, variables = case
    here = ROOT / "roles" / role
    given = {
        **yaml.safe_load((here / "defaults" / "main.yml").read_text()),
        **yaml.safe_load((here / "vars" / "main.yml").read_text()),
        **variables,
        f"__{role}_preflight": {"facts": facts},
    }
    return {
        "name": name,
        "vars": given,
        "block": [
            {
                "synergyflow.platform.render": {
                    "templates": [str(here / "templates" / f"{template}.yaml.j2") for template in templates]
                },
                "register": f"rendered_{name}",
            },
            {
                "ansible.builtin.copy": {
                    "content": f"{{{{ rendered_{name}.objects | to_json }}}}",
                    "dest": str(folder / f"{name}.json"),
                    "mode": "0600",
                }
            },
        ],
    }


def render(cases: Mapping[str, Case], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The objects of each case."""
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [task(name, cases[name], folder) for name in cases]}]
    (folder / "play.yml").write_text(yaml.safe_dump(play))
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            "ansible_python_interpreter={{ ansible_playbook_python }}",
            "play.yml",
        ],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in cases}


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [found for found in objects if found["kind"] == kind]


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    found = of_kind(objects, kind)
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]
