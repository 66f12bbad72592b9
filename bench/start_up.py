# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Ansible's own start-up: what a process costs before and beside the work that it is there for."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from bench import pairs
from bench.contenders import Files, ansible, environment, loaded, playbook, write_objects
from bench.object_sets import object_set
from bench.workbench import Workbench
from rehearsal.paths import REPOSITORY

EMPTY_PLAY = "an empty play"


@dataclass(frozen=True)
class StartUp:
    """One thing that costs time without doing anything."""

    what: str
    seconds: pairs.Spread


def measure(work: Workbench, rounds: int) -> list[StartUp]:
    """Time each in turns. None of them talks to a cluster."""
    folder = work.scratch / "start-up"
    commands = {
        "Python": [sys.executable, "-c", "pass"],
        "import of the Kubernetes client": [sys.executable, "-c", "import kubernetes.dynamic"],
        EMPTY_PLAY: ansible(playbook(folder / "empty.yml")),
        "a play with one task (debug)": ansible(playbook(folder / "debug.yml", _debug("nothing"))),
    }
    for size in (100, 1000):
        files = Files(write_objects(folder / f"{size}.json", object_set(size, ("a", "b"))), Path(), folder)
        task = _debug("{{ given | length }}") | {"vars": {"given": loaded(files)}}
        commands[f"the same, {size} objects read"] = ansible(playbook(folder / f"read-{size}.yml", task))
    seconds: dict[str, list[float]] = {what: [] for what in commands}
    for number in range(rounds + 1):
        for what in pairs.turns(list(commands), number):
            taken = pairs.run(commands[what], environment(folder), REPOSITORY).seconds
            if number:  # the first round is the warm-up
                seconds[what].append(taken)
    found = [StartUp(what, pairs.Spread.of(values)) for what, values in seconds.items()]
    for item in found:
        work.say(f"  {item.seconds.median:6.2f} s  {item.what}")
    return found


def _debug(message: str) -> dict[str, object]:
    return {"name": "Say", "ansible.builtin.debug": {"msg": message}}
