# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as others get it: built, installed from the tarball, used by its full names from anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
#: folders that are the collection; the rest of the checkout is for those who work on it
CONTENT = ("meta", "plugins", "playbooks", "roles")
#: folders that never leave the checkout
OURS = ("rehearsal", "bench", "collections", ".venv", ".rehearsal", ".ci")

Command = Callable[..., str]


def tracked(*folders: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "--", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def names(plugins: str) -> list[str]:
    """Full names of the plugins or playbooks of a folder; what lies deeper is included by them."""
    files = [Path(name) for name in tracked(plugins) if Path(name).parent == Path(plugins)]
    return sorted(f"synergyflow.platform.{file.stem}" for file in files if file.suffix in (".py", ".yml"))


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Ansible's own programs, in a folder and with a home that know nothing of the checkout."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment.pop("PYTHONPATH", None)
    environment |= {"ANSIBLE_HOME": str(elsewhere / "home"), "ANSIBLE_NOCOLOR": "1"}

    def run(program: str, *args: str, collections: Path | None = None, cwd: Path = elsewhere) -> str:
        path = {"ANSIBLE_COLLECTIONS_PATH": str(collections)} if collections else {}
        done = subprocess.run(
            [str(BIN / program), *args],
            cwd=cwd,
            env=environment | path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{program} {' '.join(args)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="module")
def installed(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections with ours in it, from the tarball."""
    folder = tmp_path_factory.mktemp("collections")
    command("ansible-galaxy", "collection", "build", "--output-path", str(folder), cwd=ROOT)
    (tarball,) = folder.glob("synergyflow-platform-*.tar.gz")
    install = ("collection", "install", str(tarball), "-p", str(folder), "--no-deps", "--offline")
    command("ansible-galaxy", *install, collections=folder)
    return folder


def test_it_has_all_that_belongs_to_it_and_nothing_else(installed: Path) -> None:
    home = installed / "ansible_collections" / "synergyflow" / "platform"
    assert [name for name in tracked(*CONTENT) if not (home / name).is_file()] == []
    assert [name for name in OURS if (home / name).exists()] == []


@pytest.mark.parametrize(("kind", "folder"), [("module", "plugins/modules"), ("filter", "plugins/filter")])
def test_every_plugin_is_documented(command: Command, installed: Path, kind: str, folder: str) -> None:
    wanted = names(folder)
    assert wanted
    told = json.loads(command("ansible-doc", "--json", "-t", kind, *wanted, collections=installed))
    assert sorted(told) == wanted
    for name, each in told.items():
        assert each["doc"]["short_description"], name
        assert each["doc"]["filename"].startswith(str(installed)), "not the one from the tarball"


def test_every_role_is_documented(command: Command, installed: Path) -> None:
    roles = sorted({name.split("/")[1] for name in tracked("roles")})
    wanted = [f"synergyflow.platform.{role}" for role in roles]
    told = json.loads(command("ansible-doc", "--json", "-t", "role", *wanted, collections=installed))
    assert sorted(told) == wanted
    for name, role in told.items():
        assert {"main", "validate", "status"} <= set(role["entry_points"]), name


def test_every_playbook_is_found_by_its_name(command: Command, installed: Path, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"clusters": {"hosts": {"apps": {}}}}))
    wanted = names("playbooks")
    told = command("ansible-playbook", "-i", str(inventory), "--syntax-check", *wanted, collections=installed)
    home = installed / "ansible_collections" / "synergyflow" / "platform"
    assert told.count(f"playbook: {home}") == len(wanted) > 0
