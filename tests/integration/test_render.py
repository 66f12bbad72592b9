# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""render inside a role, as the roles of the collection use it. Needs no cluster."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CANARY = "canary-4711-never-shown"
OUTCOME = re.compile(r"OUTCOME:([A-Za-z0-9+/=]+):")

TASKS = """\
- synergyflow.platform.render:
    {options}
  register: rendered
- ansible.builtin.debug:
    msg: "OUTCOME:{{{{ rendered.objects | to_json | b64encode }}}}:"
"""


class Role:
    """A role in a folder of its own, used by a playbook beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.role = folder / "roles" / "thing"
        for name in ("tasks", "templates", "files", "defaults"):
            (self.role / name).mkdir(parents=True)
        (self.role / "defaults" / "main.yml").write_text("thing_name: from-defaults\n")
        (folder / "play.yml").write_text("- hosts: localhost\n  gather_facts: false\n  roles: [thing]\n")

    def template(self, name: str, text: str) -> None:
        (self.role / "templates" / name).write_text(text)

    def run(self, *args: str, **options: Any) -> tuple[int, str, list[dict[str, Any]]]:
        (self.role / "tasks" / "main.yml").write_text(TASKS.format(options=json.dumps(options)))
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "play.yml", "-i", "localhost,", *args],
            cwd=self.folder,
            env={
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = done.stdout + done.stderr
        returned = OUTCOME.search(output)
        objects = json.loads(base64.b64decode(returned.group(1))) if returned else []
        return done.returncode, OUTCOME.sub("", output), objects


@pytest.fixture
def role(tmp_path: Path) -> Role:
    return Role(tmp_path)


def config_map(name: str = "{{ thing_name | to_json }}", **data: str) -> str:
    lines = "".join(f"  {key}: {value}\n" for key, value in (data or {"a": "b"}).items())
    return f"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{lines}"


def test_templates_of_a_role(role: Role) -> None:
    role.template("one.yaml", config_map(value="{{ thing_value | to_json }}") + "---\n# nothing here\n")
    role.template("two.yaml", "{% for n in range(2) %}\n" + config_map("{{ 'n-%d' | format(n) }}") + "{% endfor %}\n")
    role.template("plain.yaml", config_map("no-expression"))
    code, output, objects = role.run(
        "-e", json.dumps({"thing_value": "yes"}), templates=["one.yaml", "two.yaml", "plain.yaml"], namespace="here"
    )
    assert code == 0, output
    assert [it["metadata"]["name"] for it in objects] == ["from-defaults", "n-0", "n-1", "no-expression"]
    assert {it["metadata"]["namespace"] for it in objects} == {"here"}
    assert objects[0]["data"] == {"value": "yes"}


def test_braces_in_a_value_stay(role: Role) -> None:
    role.template("one.yaml", config_map(alert="{{ thing_alert | to_json }}"))
    role.template("raw.yaml", config_map("raw", alert="\"{{ '{{' }} $labels.pod }}\""))
    alert = {"thing_alert": "{% raw %}{{ $labels.pod }}{% endraw %}"}
    code, output, objects = role.run("-e", json.dumps(alert), templates=["one.yaml", "raw.yaml"])
    assert code == 0, output
    assert [it["data"]["alert"] for it in objects] == ["{{ $labels.pod }}"] * 2


def test_an_include_is_found(role: Role) -> None:
    role.template("labels.j2", "  labels: {shared: yes-it-is}\n")
    role.template("one.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n{% include 'labels.j2' %}")
    code, output, objects = role.run(templates=["one.yaml"])
    assert code == 0, output
    assert objects[0]["metadata"]["labels"] == {"shared": "yes-it-is"}


def test_manifests_from_files_and_objects(role: Role) -> None:
    folder = role.role / "files" / "operator"
    folder.mkdir()
    (folder / "b.yaml").write_text(config_map("b"))
    (folder / "a.yml").write_text(config_map("a", raw='"{{ not rendered }}"'))
    (folder / "readme.txt").write_text("no manifest")
    inline = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    code, output, objects = role.run(manifests=["operator", inline])
    assert code == 0, output
    assert [it["metadata"]["name"] for it in objects] == ["a", "b", "c"]
    assert objects[0]["data"]["raw"] == "{{ not rendered }}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "kind: x\nname: {{ not_defined_anywhere }}\n",
            "template bad.yaml, line 2: 'not_defined_anywhere' is undefined",
        ),
        (config_map("a", b="c: d"), "template bad.yaml, line 7 of the rendered text: not valid YAML"),
        (config_map("{{ true | to_json }}"), "expected metadata.name of ConfigMap to be a string, found bool True"),
        ("{{ 1 +", "template bad.yaml"),
        (config_map("a") + config_map("a"), "ConfigMap a (2 times)"),
    ],
)
def test_an_error_names_the_place(role: Role, text: str, said: str) -> None:
    role.template("bad.yaml", text)
    code, output, _objects = role.run(templates=["bad.yaml"])
    assert code != 0
    assert said in " ".join(output.split())


def test_missing_files(role: Role) -> None:
    assert "template absent.yaml cannot be read" in role.run(templates=["absent.yaml"])[1]
    assert "absent is neither a file nor a folder" in " ".join(role.run(manifests="absent")[1].split())
    assert "/no/such/folder does not exist" in " ".join(role.run(manifests="/no/such/folder")[1].split())


@pytest.mark.parametrize("broken", [False, True])
def test_a_secret_never_shows(role: Role, broken: bool) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  password: {{ thing_password | to_json }}"
    role.template("secret.yaml", text + (": x: y\n" if broken else "\n"))
    (role.role / "vars").mkdir()
    (role.role / "vars" / "main.yml").write_text(f"thing_password: {CANARY}\n")
    code, output, objects = role.run("-vvv", "--diff", templates=["secret.yaml"])
    assert (code != 0) is broken
    assert CANARY not in output
    assert base64.b64encode(CANARY.encode()).decode() not in output
    if not broken:
        assert objects[0]["data"]["password"] == base64.b64encode(CANARY.encode()).decode()
