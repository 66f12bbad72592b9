# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Up, down and reset. Each may be interrupted at any point: the next `up` goes on from what it finds."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rehearsal import build, processes, programs, status, wanted
from rehearsal.clusters import Cluster
from rehearsal.errors import RehearsalError
from rehearsal.files import locked
from rehearsal.paths import REPOSITORY, Paths
from rehearsal.progress import Progress
from rehearsal.supervise import Program, Supervisor

# the Strimzi generations whose operator can be installed, newest first
STRIMZI_VERSIONS = ("1.2.0", "0.45.2")
STRIMZI_NAMESPACE = "messaging"
SECONDS_TO_COME_UP = 20

Result = TypeVar("Result")


def up(names: list[str], paths: Paths) -> status.Report:
    """Build what is missing, start what does not run, make what is not there."""
    with _alone(paths):
        _prepare(paths)
        if not _bring_up(names, paths):
            print("The rehearsal is up already.")
        return _settled(paths)


def down(paths: Paths) -> None:
    """Stop every process. What the clusters and volumes hold stays."""
    with _alone(paths):
        wanted.want([], paths)
        Supervisor(paths).stop()
        _for_each([cluster.name for cluster in _on_disk(paths)], lambda name: Cluster(name, paths).stop())
        left = processes.end(processes.find(paths), grace=3)
        if left:
            raise RehearsalError(f"cannot end process {left[0].pid}: end it by hand")


def reset(names: list[str], paths: Paths) -> status.Report:
    """These clusters empty again, at the same kubeconfig path: objects, programs and volumes are gone."""
    with _alone(paths):
        _prepare(paths)
        wanted.want({*wanted.clusters(paths), *names}, paths)
        supervisor = Supervisor(paths)
        supervisor.start()  # ends what a crashed one left running: volumes must not go under a living broker
        # The node goes first, or it would start its pods' programs again.
        for name in names:
            supervisor.kill(name)
        progress = Progress(1)
        with progress.step(f"emptying {' and '.join(names)}"):
            _for_each(names, lambda name: Cluster(name, paths).empty())
        _bring_up(names, paths)
        return _settled(paths)


def _prepare(paths: Paths) -> None:
    build.build(paths)
    _write_manifests(paths)
    _link_kubectl(paths)


def _bring_up(names: list[str], paths: Paths) -> bool:
    """Start what does not run; whether anything had to be."""
    wanted.want({*wanted.clusters(paths), *names}, paths)
    supervisor = Supervisor(paths)
    changes = [supervisor.start()]
    if changes[0]:
        print("[up] supervisord started")
    began = time.monotonic()
    changed = _for_each(names, lambda name: Cluster(name, paths).start())
    changes += changed
    if any(changed):
        print(f"[up] {' and '.join(names)} started in {time.monotonic() - began:.0f} s")
    if not wanted.node_exists():
        print("[up] there is no process node: claims stay unbound, pods with a program stay Pending")
        return any(changes)
    for name in names:
        changes.append(supervisor.ensure(_node_program(name, paths)))
        if changes[-1]:
            print(f"[up] {wanted.node_program(name)} started")
    return any(changes)


def _settled(paths: Paths) -> status.Report:
    """The report once nothing is starting any more, or after a while."""
    deadline = time.monotonic() + SECONDS_TO_COME_UP
    supervisor = Supervisor(paths)
    while time.monotonic() < deadline:
        states = [state.state for state in supervisor.states().values()]
        if not {"STARTING", "BACKOFF"} & set(states):
            break
        time.sleep(0.1)
    return status.collect(paths)


def _node_program(cluster: str, paths: Paths) -> Program:
    return Program(
        name=wanted.node_program(cluster),
        command=[sys.executable, "-m", "rehearsal.node", "--cluster", cluster],
        environment={
            "KUBECONFIG": str(paths.kubeconfig(cluster)),
            "PYTHONUNBUFFERED": "1",
            # another code is another program, which replaces the one that runs
            "SYNERGYFLOW_REHEARSAL_CODE": _code_digest(),
        },
        directory=REPOSITORY,
    )


def _code_digest() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _link_kubectl(paths: Paths) -> None:
    """`bin/kubectl` in the state folder: the clusters' own version, for who has none."""
    link, target = paths.state / "bin" / "kubectl", programs.binary("kubectl", paths)
    if not link.is_symlink() or link.readlink() != target:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _write_manifests(paths: Paths) -> None:
    if importlib.util.find_spec("rehearsal.strimzi.manifests") is None:
        print("[up] no Strimzi manifests: rehearsal.strimzi.manifests is not there yet")
        return
    from rehearsal.strimzi import manifests  # pulls in Java and YAML that the rest does without

    for version in STRIMZI_VERSIONS:
        folder = paths.manifests / f"strimzi-{version}"
        if not folder.is_dir():
            print(f"[up] manifests of Strimzi {version}")
        manifests.write(version, STRIMZI_NAMESPACE, folder)


def _on_disk(paths: Paths) -> list[Cluster]:
    return [Cluster(folder.name, paths) for folder in sorted(paths.clusters.glob("*")) if folder.is_dir()]


def _for_each(names: Iterable[str], act: Callable[[str], Result]) -> list[Result]:
    names = list(names)
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        try:
            return list(pool.map(act, names))
        except KeyboardInterrupt:
            print("\ninterrupted: waiting for the step that is under way", file=sys.stderr)
            raise


@contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    paths.run.mkdir(parents=True, exist_ok=True)
    with locked(
        paths.run / "rehearsal.lock", waiting=lambda: print("another command works on this rehearsal: waiting")
    ):
        yield
