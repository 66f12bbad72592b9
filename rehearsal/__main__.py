# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""`python -m rehearsal build|up|down|reset|status|lock`."""

from __future__ import annotations

import argparse
import errno
import json
import shlex
import signal
import sys
from collections.abc import Callable

try:
    from rehearsal import artifacts, build, lifecycle, maven, status
    from rehearsal.clusters import NAMES
    from rehearsal.errors import RehearsalError
    from rehearsal.files import write_atomically
    from rehearsal.paths import Paths
except ModuleNotFoundError as error:
    sys.exit(f"error: the Python package {error.name} is missing: run make venv, and use .venv/bin/python")


def _build(arguments: argparse.Namespace, paths: Paths) -> int:
    if not build.build(paths):
        print("Everything is built already.")
    return 0


def _up(arguments: argparse.Namespace, paths: Paths) -> int:
    return _summary(lifecycle.up(arguments.clusters, paths), paths)


def _reset(arguments: argparse.Namespace, paths: Paths) -> int:
    return _summary(lifecycle.reset(arguments.clusters, paths), paths)


def _down(arguments: argparse.Namespace, paths: Paths) -> int:
    lifecycle.down(paths)
    print("The rehearsal is down; its data stays.")
    return 0


def _status(arguments: argparse.Namespace, paths: Paths) -> int:
    report = status.collect(paths)
    print(status.render(report, paths))
    return 0 if report.healthy else 1


def _lock(arguments: argparse.Namespace, paths: Paths) -> int:
    locked = {jars.name: maven.lock(jars) for jars in artifacts.jar_sets().values()}
    locked |= {archive.name: maven.lock_archive(archive) for archive in artifacts.archives().values()}
    write_atomically(artifacts.LOCK, json.dumps(locked, indent=1) + "\n", mode=0o644)
    print(f"{artifacts.LOCK.name}: " + ", ".join(f"{name} {len(jars)} jars" for name, jars in locked.items()))
    return 0


def _summary(report: status.Report, paths: Paths) -> int:
    if not report.healthy:
        print(status.render(report, paths))
        return 1
    for name, address in report.addresses.items():
        print(f"{name}: {address}  export KUBECONFIG={shlex.quote(str(paths.kubeconfig(name)))}")
    print(f"kubectl: {paths.state / 'bin' / 'kubectl'}")
    print(status.STAND_INS)
    return 0


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace, Paths], int], str]] = {
    "build": (_build, "build and download the programs into the shared cache"),
    "up": (_up, "start the clusters; builds first what is missing"),
    "down": (_down, "stop every process; the clusters' data stays"),
    "reset": (_reset, "make the clusters empty again"),
    "status": (_status, "what runs, what crashed and why; exit status 1 when something that should run does not"),
    "lock": (_lock, "write maven.lock.json anew after a change of artifacts.toml"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    # Killed politely is interrupted: what is half made is cleared away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return COMMANDS[arguments.command][0](arguments, Paths.from_environment())
    except RehearsalError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ninterrupted: run make rehearsal-up to go on, make rehearsal-down to stop", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        print(f"error: {error.filename or 'a file'} cannot be written: {error.strerror}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        if name in ("up", "reset"):
            command.add_argument(
                "--clusters", type=_clusters, default=list(NAMES), help="comma-separated, default: %(default)s"
            )
    return parser


def _clusters(value: str) -> list[str]:
    names = value.split(",")
    if unknown := [name for name in names if name not in NAMES]:
        raise argparse.ArgumentTypeError(f"no cluster named {unknown[0]!r}: there are {', '.join(NAMES)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
