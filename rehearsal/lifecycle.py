# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Up, down and reset. Each may be interrupted at any point: the next `up` goes on from what it finds."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from rehearsal import build, processes, status, wanted
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


def up(names: list[str], paths: Paths) -> status.Report:
    """Build what is missing, start what does not run, make what is not there."""
    with _alone(paths):
        build.build(paths)
        _write_manifests(paths)
        report = status.collect(paths)
        if set(names) <= set(wanted.clusters(paths)) and report.healthy:
            print("The rehearsal is up already.")
            return report
        return _bring_up(names, paths)


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
        build.build(paths)
        _write_manifests(paths)
        wanted.want({*wanted.clusters(paths), *names}, paths)
        supervisor = Supervisor(paths)
        if supervisor.running():
            # The node goes first, or it would start its pods' programs again.
            for name in names:
                supervisor.kill(name)
        progress = Progress(1)
        with progress.step(f"emptying {' and '.join(names)}"):
            _for_each(names, lambda name: Cluster(name, paths).empty())
        return _bring_up(names, paths)


def _bring_up(names: list[str], paths: Paths) -> status.Report:
    wanted.want({*wanted.clusters(paths), *names}, paths)
    supervisor = Supervisor(paths)
    if supervisor.start():
        print("[up] supervisord started")
    started = time.monotonic()
    changed = _for_each(names, lambda name: Cluster(name, paths).start())
    if any(changed):
        print(f"[up] {' and '.join(names)} started in {time.monotonic() - started:.0f} s")
    if wanted.node_exists():
        for name in names:
            if supervisor.ensure(_node_program(name, paths)):
                print(f"[up] {wanted.node_program(name)} started")
    else:
        print("[up] there is no process node yet: claims stay unbound, pods with a program stay Pending")
    return _settled(paths)


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
        environment={"KUBECONFIG": str(paths.kubeconfig(cluster)), "PYTHONUNBUFFERED": "1"},
        directory=REPOSITORY,
    )


def _write_manifests(paths: Paths) -> None:
    if importlib.util.find_spec("rehearsal.strimzi.manifests") is None:
        print("[up] no Strimzi manifests: rehearsal.strimzi.manifests is not there yet")
        return
    from rehearsal.strimzi import manifests  # pulls in Java and YAML that the rest does without

    for version in STRIMZI_VERSIONS:
        folder = paths.manifests / f"strimzi-{version}"
        if (folder / "crds.yaml").is_file() and (folder / "operator.yaml").is_file():
            continue
        print(f"[up] manifests of Strimzi {version}")
        manifests.write(version, STRIMZI_NAMESPACE, folder)


def _on_disk(paths: Paths) -> list[Cluster]:
    return [Cluster(folder.name, paths) for folder in sorted(paths.clusters.glob("*")) if folder.is_dir()]


def _for_each(names: Iterable[str], act: Callable[[str], object]) -> list[object]:
    names = list(names)
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        return list(pool.map(act, names))


@contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    paths.run.mkdir(parents=True, exist_ok=True)
    with locked(
        paths.run / "rehearsal.lock", waiting=lambda: print("another command works on this rehearsal: waiting")
    ):
        yield
