# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A file in the place of a Vault: the platform's secret values by path and key, random, for nothing but this rehearsal.

Edit it to see a rotation: External Secrets' stand-in reads it at every refresh.
"""

from __future__ import annotations

import json
import secrets

from rehearsal import s3
from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.paths import Paths
from rehearsal.sources import store

#: what a ClusterSecretStore says of this Vault; nobody listens there
SERVER, MOUNT = "http://vault.vault.svc:8200", "secret"
# paths and keys as the platform's roles ask for them; None is a value made up once
VALUES: dict[str, dict[str, str | None]] = {
    "postgresql/synergyflow": {"username": "synergyflow", "password": None},
    "postgresql/platform-check": {"username": "platform-check", "password": None},
    "kafka/users/schema-registry": {"username": "schema-registry", "password": None},
    "kafka/users/synergyflow-backend": {"username": "synergyflow-backend", "password": None},
    "redis/dragonfly": {"password": None},
    "volsync/restic": {"password": None},
}
S3_PATH, GIT_PATH = "s3/backup", "flux/git"

Content = dict[str, dict[str, str]]


def write(paths: Paths) -> bool:
    """Add what is missing, leave what is there; whether anything was. Log-ins to S3 and Git are always their own."""
    content = read(paths) if paths.vault.exists() else {}
    wanted = {
        path: {key: value or secrets.token_urlsafe(24) for key, value in keys.items()} | content.get(path, {})
        for path, keys in VALUES.items()
    }
    account = s3.keys(paths)
    own = {
        S3_PATH: {"access_key_id": account.access_key, "secret_access_key": account.secret_key},
        GIT_PATH: store.login(paths)._asdict(),
    }
    wanted |= {path: {**content.get(path, {}), **values} for path, values in own.items()}
    if content | wanted == content:
        return False
    write_atomically(paths.vault, json.dumps(content | wanted, indent=1) + "\n")
    return True


def read(paths: Paths) -> Content:
    """All values. RehearsalError when it is not there or is not what it should be."""
    try:
        content = json.loads(paths.vault.read_text())
    except FileNotFoundError as error:
        raise RehearsalError(f"{paths.vault} is missing: make rehearsal-up makes it anew") from error
    except ValueError as error:
        raise RehearsalError(f"{paths.vault} is no JSON ({error}): correct it, or remove it") from error
    if not isinstance(content, dict) or not all(isinstance(keys, dict) for keys in content.values()):
        raise RehearsalError(f"{paths.vault} is no map of paths to keys and values: correct it, or remove it")
    return content
