# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a rollback: a ConfigMap on the cluster that is its lock, its memory and its clock.

One for the whole cluster, so that two rollbacks never meet. Who finds it after a crash goes on with its plan.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..api import Api, ApiError
from ..discovery import CONFIG_MAPS
from ..errors import ClusterError
from ..objects import Manifest, listed
from .from_git import key_from
from .plan import MANAGER, RESUME, SUSPEND, UNMANAGE, Plan, key_of_entry

NAME = "synergyflow-rollback"
#: minutes after which a rollback that runs elsewhere is taken for dead
SILENT = 15
TAKE_ATTEMPTS = 5
#: seconds after which a run that waits says again that it is alive
BEAT = 30.0


#: steps: the commit that takes the component out of Git; the deletion, with what prepares it
PUSHED, DELETED = "git", "delete"
#: preparation -> what takes it back, of a namespace and a name
TAKING_BACK = {
    UNMANAGE: "kubectl annotate kafkatopic -n %s %s strimzi.io/managed-",
    SUSPEND: """kubectl patch helmrelease -n %s %s --type=merge -p '{"spec":{"suspend":false}}'""",
    RESUME: """kubectl patch helmrelease -n %s %s --type=merge -p '{"spec":{"suspend":true}}'""",
}


class OvertakenError(ClusterError):
    """Another run has written the journal meanwhile."""


@dataclass(frozen=True)
class Owner:
    """Who does the rollback: a person on a machine, and the process of the run."""

    user: str
    host: str
    pid: int

    @classmethod
    def of_this_run(cls) -> Owner:
        """Actions run in children of ansible-playbook, one for each task."""
        return cls(getpass.getuser(), socket.gethostname(), os.getppid())

    def __str__(self) -> str:
        return f"{self.user} on {self.host} (process {self.pid})"


@dataclass
class Journal:
    """What is known of a rollback under way."""

    plan: Plan
    owner: Owner
    started: str
    touched: str
    #: step -> seconds it took, seconds of them that were waiting for the cluster, whether it is done
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: str = ""
    #: minutes for which it may say nothing and not be taken for dead: a last backup is taken by another task
    silent: float = SILENT
    #: seconds on this machine's clock at which this process has written it last
    written: float = field(default=0.0, compare=False)

    def manifest(self, namespace: str) -> Manifest:
        """The ConfigMap; readable with kubectl."""
        metadata: dict[str, Any] = {
            "name": NAME,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": MANAGER},
        }
        if self.version:
            metadata["resourceVersion"] = self.version
        data = {
            "component": self.plan.component,
            "owner": json.dumps(asdict(self.owner)),
            "started": self.started,
            "touched": self.touched,
            "silent": f"{self.silent:g}",
            "steps": json.dumps(self.steps),
            "plan": json.dumps(self.plan.plain(), separators=(",", ":")),
        }
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}

    @classmethod
    def read(cls, live: Mapping[str, Any]) -> Journal:
        """From the ConfigMap. One that cannot be read is nobody's to overwrite."""
        data = live.get("data") or {}
        try:
            plan = Plan.read(json.loads(data["plan"]))
            owner = Owner(**json.loads(data["owner"]))
            steps = json.loads(data["steps"])
            started, touched = data["started"], data["touched"]
            silent = float(data.get("silent", SILENT))
        except (KeyError, TypeError, ValueError) as error:
            where = f"{live['metadata']['namespace']}/{live['metadata']['name']}"
            raise ClusterError(
                f"ConfigMap {where} is not the journal of a rollback ({error}): look at it, and delete it if it is not"
                " needed."
            ) from error
        return cls(plan, owner, started, touched, steps, live["metadata"]["resourceVersion"], silent)

    def age(self, now: datetime) -> float:
        """Minutes since its rollback has said anything."""
        return (now - datetime.fromisoformat(self.touched)).total_seconds() / 60

    def is_done(self, step: str) -> bool:
        return bool((self.steps.get(step) or {}).get("done"))


def alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def giving_up(namespace: str, plan: Plan | None = None, steps: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """What takes the lock away and leaves everything as it is; what of it is then for people to take back."""
    left = left_behind(plan, steps or {}) if plan else []
    return f"kubectl delete configmap -n {namespace} {NAME}" + (f" (and then: {'; '.join(left)})" if left else "")


def left_behind(plan: Plan, steps: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a rollback has changed so far beside deleting, each with what takes it back."""
    held = [str(key_from(each)) for each in plan.from_git.held] if plan.from_git else []
    found = [*plan.before, *([f"resume {listed(held)}, where it is suspended"] if held else [])]
    if revision := (steps.get(PUSHED) or {}).get("revision"):
        found.append(f"it is out of Git since {revision}: site.yml brings it again")
    already = set(plan.already)
    for do, words in TAKING_BACK.items():
        changed = [step for step in plan.prepare if step["do"] == do and step["uid"] not in already]
        if changed and DELETED in steps:
            names = listed((str(key_of_entry(step)) for step in changed), 4)
            command = words % (changed[0]["namespace"], changed[0]["name"])
            more = ", and so on" if len(changed) > 1 else ""
            found.append(f"of {names}, where it is left: {command}{more}")
    return list(dict.fromkeys(found))


def held(
    journal: Journal,
    component: str,
    me: Owner,
    now: datetime,
    is_alive: Callable[[int], bool] = alive,
    *,
    namespace: str = "default",
) -> str:
    """Why this run must not go on with a journal; "" if it may."""
    other = journal.plan.component != component
    owner, minutes = journal.owner, journal.age(now)
    who = f"{owner}, started {journal.started}, last heard of {minutes:.0f} minutes ago"
    if other:
        give_up = giving_up(namespace, journal.plan, journal.steps)
        return (
            f"A rollback of {journal.plan.component} is not finished: {who}. Finish it first, by running"
            f" rollback_{journal.plan.component}.yml again; to give it up as it is: {give_up}"
        )
    if owner == me:
        return ""
    running = is_alive(owner.pid) if owner.host == me.host else minutes < journal.silent
    if not running:
        return ""
    return (
        f"A rollback of {component} runs already: {who}. Wait for it; if it is certain that it is dead,"
        " -e rollback_take_over=true goes on in its place."
    )


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Journals:
    """The way to the journal of a cluster."""

    api: Api
    namespace: str

    def find(self) -> Journal | None:
        live = self.api.get(CONFIG_MAPS, self.namespace, NAME)
        return None if live is None else Journal.read(live)

    def open(self, plan: Plan, owner: Owner, silent: float = SILENT) -> Journal:
        """Begin one. Who comes second is told who was first."""
        journal = Journal(plan, owner, now_text(), now_text(), silent=silent)
        try:
            self._write("POST", CONFIG_MAPS.path(self.namespace), journal)
        except ApiError as error:
            if error.code != 409:
                raise
            there = self.find()
            who = f" by {there.owner}" if there else ""
            raise ClusterError(f"Nothing has been changed. Another rollback has begun just now{who}.") from error
        return journal

    def _write(self, method: str, path: str, journal: Journal) -> None:
        """Send it. A refusal of what is there already is the answer to a second try, the first one's being lost."""
        sent = journal.manifest(self.namespace)
        about = f"the journal, ConfigMap {self.namespace}/{NAME}"
        try:
            live = self.api.json(method, path, query={"fieldManager": MANAGER}, body=sent, about=about)
        except ApiError as error:
            there = self.api.get(CONFIG_MAPS, self.namespace, NAME) if error.code == 409 else None
            if there is None or there.get("data") != sent["data"]:
                raise
            live = there
        journal.version = live["metadata"]["resourceVersion"]

    def beat(self, journal: Journal) -> None:
        """Say now and then that this run is alive; a run that was overtaken learns so, and stops."""
        if time.monotonic() - journal.written >= BEAT:
            self.save(journal)

    def save(self, journal: Journal) -> None:
        """Write what has been done; refused when another run has taken over."""
        journal.touched, journal.written = now_text(), time.monotonic()
        try:
            self._write("PUT", CONFIG_MAPS.path(self.namespace, NAME), journal)
        except ApiError as error:
            if error.code not in (404, 409):
                raise
            raise OvertakenError(
                "The journal of this rollback has been changed by another run, or is gone: this one stops."
            ) from error

    def take(self, journal: Journal, me: Owner, silent: float = SILENT) -> None:
        """Go on in the place of a run that is dead. Its last task may outlive it for a moment, and write once more."""
        dead = journal.owner
        for __ in range(TAKE_ATTEMPTS):
            journal.owner, journal.silent = me, silent
            try:
                return self.save(journal)
            except OvertakenError:
                there = self.find()
                if there is None or there.plan != journal.plan:
                    raise
                if there.owner != dead:
                    raise OvertakenError(
                        f"The rollback has been taken over by {there.owner} just now: this run stops."
                    ) from None
                journal = there
        raise ClusterError("The journal of this rollback is written by another run again and again: this one stops.")

    def replace(self, journal: Journal, plan: Plan, me: Owner, silent: float = SILENT) -> None:
        """Begin anew in the place of a rollback whose plan no longer holds."""
        journal.silent = silent
        journal.plan, journal.owner, journal.started, journal.steps = plan, me, now_text(), {}
        self.save(journal)

    def close(self, journal: Journal) -> None:
        """The rollback is over."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"resourceVersion": journal.version}}
        self.api.call("DELETE", CONFIG_MAPS.path(self.namespace, NAME), body=body, expect=(404,))
