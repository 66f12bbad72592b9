# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Up, down and reset. Each may be interrupted at any point: the next `up` goes on from what it finds."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from rehearsal import artifacts, build, ports, processes, programs, s3, status, stores, vault, wanted
from rehearsal.clusters import Cluster
from rehearsal.errors import RehearsalError
from rehearsal.files import locked, write_atomically
from rehearsal.paths import REPOSITORY, Paths
from rehearsal.progress import Progress
from rehearsal.sources import charts, store
from rehearsal.supervise import Program, Supervisor

# the generations whose operator can be installed, newest first
STRIMZI_VERSIONS = ("1.2.0", "0.45.2")
SECONDS_TO_COME_UP = 20

Item = TypeVar("Item")
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
        # Each cluster's programs and its control plane at once: nothing is to be kept.
        ending: list[Callable[[], None]] = [partial(supervisor.kill, name) for name in names]
        ending += [Cluster(name, paths).stop for name in names]
        _for_each(ending, lambda end: end())
        if set(names) >= set(wanted.clusters(paths)):  # what a cluster that stays has put there does too
            s3.empty(paths, supervisor)
            store.empty(paths, supervisor)
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
    changes.append(s3.start(paths, supervisor))
    if changes[-1]:
        print(f"[up] S3 store started at {s3.endpoint(paths)}")
    changes.append(store.start(paths, supervisor))
    if changes[-1]:
        print(f"[up] Git server started at {store.url(paths)}")
    changes += [vault.write(paths), stores.write(paths)]
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
    _for_each(names, lambda name: Cluster(name, paths).wait_for_secrets())
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


@cache  # asked for by the manifests and by each node
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


def _manifests() -> dict[str, tuple[str, dict[str, str]]]:
    """Folder of an operator's manifests -> the module whose `write(folder, paths, **options)` fills it."""
    return {
        **{
            f"strimzi-{version}": ("rehearsal.strimzi.manifests", {"version": version, "namespace": "messaging"})
            for version in STRIMZI_VERSIONS
        },
        f"volsync-{artifacts.go_families()['volsync'].version}": ("rehearsal.volsync.manifests", {}),
        f"cloudnative-pg-{artifacts.go_families()['cloudnative-pg'].version}": ("rehearsal.postgres.manifests", {}),
        f"flux-operator-{artifacts.go_families()['flux-operator'].version}": ("rehearsal.flux.manifests", {}),
    }


def _charts() -> list[charts.Chart]:
    """What stands in for the operators' charts, made of the manifests."""
    volsync, postgres, flux = (
        artifacts.go_families()[n].version for n in ("volsync", "cloudnative-pg", "flux-operator")
    )
    return [
        *(
            charts.Chart("strimzi-kafka-operator", version, f"strimzi-{version}", "messaging", definitions_apart=True)
            for version in STRIMZI_VERSIONS
        ),
        charts.Chart("cloudnative-pg", postgres, f"cloudnative-pg-{postgres}", "cnpg-system"),
        charts.Chart("volsync", volsync, f"volsync-{volsync}", "volsync-system"),
        charts.Chart("flux-operator", flux, f"flux-operator-{flux}", "flux-system"),
        charts.Chart("flux-instance", flux, values=charts.INSTANCE_VALUES),
    ]


def _write_manifests(paths: Paths) -> None:
    made_from = paths.manifests / "made-from"
    if not made_from.is_file() or made_from.read_text() != _made_from(paths):
        made_from.unlink(missing_ok=True)  # not whole while it is written
        for folder, (module, options) in _manifests().items():
            if not (paths.manifests / folder).is_dir():
                print(f"[up] manifests of {folder}")
            # imported only now: Java and YAML that the rest does without
            importlib.import_module(module).write(paths.manifests / folder, paths, **options)
        write_atomically(made_from, _made_from(paths))
    charts.write(_charts(), paths)


def _made_from(paths: Paths) -> str:
    """The manifests as they are, and what they are made from: this code, programs' modules, and the webhook's port."""
    digest = hashlib.sha256(_code_digest().encode())
    folders = [family.folder(paths).name for family in artifacts.go_families().values()]
    webhooks = {name: port for name, port in ports.reserved(paths).items() if name.endswith(".webhook")}
    digest.update(json.dumps([folders, webhooks], sort_keys=True).encode())
    digest.update(artifacts.LOCK.read_bytes())
    for file in sorted(paths.manifests.glob("*/*.yaml")):
        digest.update(f"{file.relative_to(paths.manifests)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _on_disk(paths: Paths) -> list[Cluster]:
    return [Cluster(folder.name, paths) for folder in sorted(paths.clusters.glob("*")) if folder.is_dir()]


def _for_each(items: Iterable[Item], act: Callable[[Item], Result]) -> list[Result]:
    items = list(items)
    with ThreadPoolExecutor(max(1, len(items))) as pool:
        try:
            return list(pool.map(act, items))
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
