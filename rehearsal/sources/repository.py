# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The one bare repository, with a first commit on `main`. Nobody's own Git configuration has a say in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from rehearsal.errors import RehearsalError

NAME = "synergyflow.git"
BRANCH = "main"
README = """\
# What Flux brings onto the rehearsal's clusters

This repository is the rehearsal's own: `make rehearsal-reset` makes it anew.
"""
SETTINGS = {
    "http.receivepack": "true",  # whoever logged in may push
    "receive.denyNonFastForwards": "true",
    "receive.autogc": "false",  # would outlive the server
}
IDENTITY = {"NAME": "synergyflow rehearsal", "EMAIL": "rehearsal@synergyflow.invalid"}


def environment() -> dict[str, str]:
    """What git may see of this machine."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in IDENTITY.items()},
    }


def make(folder: Path) -> None:
    """Have the repository below this folder, whole or not at all; one that is there stays as it is."""
    if (folder / NAME).is_dir():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
    try:
        _git(temporary, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}")
        for name, value in SETTINGS.items():
            _git(temporary, "config", name, value)
        blob = _git(temporary, "hash-object", "-w", "--stdin", text=README)
        tree = _git(temporary, "mktree", text=f"100644 blob {blob}\tREADME.md\n")
        commit = _git(temporary, "commit-tree", tree, "-m", "The rehearsal begins")
        _git(temporary, "update-ref", f"refs/heads/{BRANCH}", commit)
        temporary.rename(folder / NAME)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _git(folder: Path, *arguments: str, text: str = "") -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment(),
            input=text,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except FileNotFoundError as error:
        raise RehearsalError("git is missing: install it") from error
    except subprocess.CalledProcessError as error:
        raise RehearsalError(f"git {arguments[0]} failed in {folder}: {error.stderr.strip()}") from error
    return done.stdout.strip()
