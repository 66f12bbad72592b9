# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import json

import pytest

from rehearsal import s3, vault
from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.paths import Paths
from rehearsal.sources import store


@pytest.fixture
def started(paths: Paths) -> Paths:
    for name, value in s3.keys(paths)._asdict().items():
        write_atomically(paths.s3 / name, value)
    for name, value in store.login(paths)._asdict().items():
        write_atomically(paths.git / name, value)
    return paths


def test_values_are_made_once_and_are_private(started: Paths) -> None:
    assert vault.write(started)
    first = vault.read(started)
    assert not vault.write(started)
    assert vault.read(started) == first
    assert started.vault.stat().st_mode & 0o077 == 0
    assert first["postgresql/synergyflow"]["username"] == "synergyflow"
    passwords = [keys["password"] for keys in first.values() if "password" in keys]
    assert len(set(passwords)) == len(passwords) == len(vault.VALUES) + 1  # Git's


def test_what_a_user_wrote_stays_and_what_is_missing_is_added(started: Paths) -> None:
    mine = {"postgresql/synergyflow": {"password": "mine"}, "own/path": {"k": "v"}, "s3/backup": {"region": "r"}}
    write_atomically(started.vault, json.dumps(mine))
    assert vault.write(started)
    content = vault.read(started)
    assert content["postgresql/synergyflow"] == {"username": "synergyflow", "password": "mine"}
    assert content["own/path"] == {"k": "v"}
    assert content["s3/backup"]["region"] == "r"


def test_what_logs_in_to_s3_and_git_is_their_own(started: Paths) -> None:
    vault.write(started)
    write_atomically(started.s3 / "access_key", "another")
    write_atomically(started.git / "password", "a new one")
    assert vault.write(started)
    assert vault.read(started)["s3/backup"]["access_key_id"] == "another"
    assert vault.read(started)["flux/git"] == {"username": "flux", "password": "a new one"}


@pytest.mark.parametrize(("content", "words"), [("{", "is no JSON"), ("[]", "is no map"), ('{"a": "b"}', "is no map")])
def test_a_damaged_file_is_said(paths: Paths, content: str, words: str) -> None:
    write_atomically(paths.vault, content)
    with pytest.raises(RehearsalError, match=f"{words}.*remove it"):
        vault.read(paths)
