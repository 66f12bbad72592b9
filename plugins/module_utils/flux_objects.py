# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suspends, resumes and reconciles Flux objects: look, refuse, then wave by wave.

Written by merge patches: an apply of one field would give up every other field that the same manager has applied.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .api import MERGE, Api
from .causes import as_text, causes
from .discovery import Resource
from .errors import ClusterError
from .flux_graph import GROUPS, OPERATOR, cycles, dependencies, missing, source_of, waves
from .flux_status import (
    REQUESTED,
    checked_revision,
    has_revision,
    is_at,
    is_static,
    is_suspended,
    progress,
    revision_of,
    same_revision,
    suspended_by,
)
from .object_diff import diff
from .objects import Key, Manifest, key_of, listed
from .readiness import FAILED, FAILING, PROGRESSING, Verdict

SUSPENDED, RESUMED, RECONCILED = "suspended", "resumed", "reconciled"
FIELD_MANAGER = "synergyflow.platform"
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
#: seconds between two lines of progress
PROGRESS_EVERY = 10.0


@dataclass
class FluxRequest:
    """What a task asks for."""

    state: str
    keys: list[Key]
    revision: str = ""
    #: other revisions that do as well
    accepts: Callable[[str], bool] = lambda found: False
    with_source: bool = True
    wait: bool = True
    force: bool = False
    failure_grace: float = 30.0
    check_mode: bool = False
    want_diff: bool = False


@dataclass
class FluxReport:
    """What happened, or in check mode what would."""

    results: dict[Key, dict[str, Any]] = field(default_factory=dict)
    diffs: list[dict[str, str]] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(result["action"] != "unchanged" for result in self.results.values())


def keys_from(objects: Iterable[Mapping[str, Any]], namespace: str) -> list[Key]:
    """The objects that a task names, each once."""
    return list(
        dict.fromkeys(
            Key(GROUPS[each["kind"]], each["kind"], each.get("namespace") or namespace, each["name"])
            for each in objects
        )
    )


class FluxObjects:
    """One run over several objects."""

    def __init__(self, api: Api, request: FluxRequest, tell: Callable[[str], None] = lambda text: None) -> None:
        self.api = api
        self.request = request
        self.tell = tell
        self.report = FluxReport()
        self.live: dict[Key, Manifest] = {}
        #: what the objects depend on or are made from, without being among them
        self.around: dict[Key, Manifest] = {}
        self.resources: dict[Key, Resource] = {}
        self._told = 0.0

    def run(self) -> FluxReport:
        checked_revision(self.request.revision)
        self._look()
        self._refuse()
        every = list(self.live.values())
        for wave in waves(every) if self.request.state != SUSPENDED else [every]:
            tokens = dict(zip(map(key_of, wave), self.api.all(self._write, wave), strict=True))
            if self.request.wait and self.request.state != SUSPENDED and not self.request.check_mode:
                self._wait(tokens)
        return self.report

    # -- look

    def _look(self) -> None:
        keys = list(self.request.keys)
        self.live = self._read(keys, strict=True)
        if self.request.state == RECONCILED and self.request.with_source:
            sources = {source_of(live) for live in self.live.values()} - {None}
            found = self._read([key for key in sources if key and key not in self.live], strict=False)
            self.live = {**{key: live for key, live in found.items() if not is_static(live)}, **self.live}
        needed = {key for live in self.live.values() for key in dependencies(live)}
        self.around = self._read([key for key in needed if key not in self.live], strict=False)

    def _read(self, keys: list[Key], strict: bool) -> dict[Key, Manifest]:
        """The objects that exist. `strict`: those that do not are told, with the ones that do."""
        served = self.api.discover()
        for key in keys:
            resource = served.preferred(key.group, key.kind)
            if resource is None and strict:
                raise ClusterError(f"The cluster does not serve {key.kind}: Flux is not installed here (role flux).")
            if resource:
                self.resources[key] = resource
        asked = [key for key in keys if key in self.resources]
        found = dict(zip(asked, self.api.all(self._get, asked), strict=True))
        absent = [key for key, live in found.items() if live is None]
        if absent and strict:
            raise ClusterError(f"Nothing has been changed. {' '.join(self._absent(key) for key in absent)}")
        return {key: live for key, live in found.items() if live is not None}

    def _get(self, key: Key) -> Manifest | None:
        resource = self.resources[key]
        live = self.api.get(resource, key.namespace, key.name)
        return None if live is None else {**live, "apiVersion": resource.api_version, "kind": key.kind}

    def _absent(self, key: Key) -> str:
        there = sorted(item["metadata"]["name"] for item in self.api.list(self.resources[key], key.namespace))
        others = f"there are {listed(there)}" if there else "there is none"
        return f"There is no {key.kind} {key.name} in namespace {key.namespace}: {others}."

    # -- refuse

    def _refuse(self) -> None:
        """What would be a silent no-op, or a wait without an end."""
        found: list[str] = []
        revised = any(has_revision(live) for live in self.live.values())
        if self.request.revision and (self.request.state != RECONCILED or not revised):
            found.append("revision: none of what is asked for is brought to a revision of a source")
        for key, live in self.live.items():
            found += self._problems(key, live)
        if self.request.state == RECONCILED:
            found += missing(self.live.values(), self.around)
        if self.request.state != SUSPENDED:
            found += cycles([*self.live.values(), *self.around.values()])
        if found:
            raise ClusterError(f"Nothing has been changed. {'. '.join(found)}.")

    def _problems(self, key: Key, live: Manifest) -> list[str]:
        state = self.request.state
        if state != RECONCILED and key.group == OPERATOR:
            return [
                f"{key} has no spec.suspend; what pauses flux-operator is the annotation"
                " fluxcd.controlplane.io/reconcile: disabled"
            ]
        if state == RECONCILED and is_static(live):
            return [f"{key} is of type oci: nothing reconciles it, those who use it look at the registry themselves"]
        if state == RESUMED and is_suspended(live):
            manager = suspended_by(live)
            return [f"{key} is suspended by {manager}, which would do so again: resume it there"] if manager else []
        if state != RECONCILED:
            return []
        if is_suspended(live):
            return [f"{key} is suspended, so nothing would reconcile it: resume it first (state: resumed)"]
        return [
            f"{key} depends on {needed}, which is suspended{'' if self._late(needed) is None else self._late(needed)}"
            for needed in dependencies(live)
            if self._late(needed) is not None
        ]

    def _late(self, needed: Key) -> str | None:
        """What keeps a suspended dependency from ever letting others on; None where it does not."""
        live, revision = self.around.get(needed), self.request.revision
        if live is None or not is_suspended(live) or not revision or not has_revision(live):
            return None
        at = revision_of(live)
        return None if same_revision(at, revision) else f" at {at or 'no revision'}: resume it too"

    # -- write

    def _write(self, live: Manifest) -> str:
        """Change one object; the token that its controller has to answer, "" if nothing was asked of it."""
        key, state = key_of(live), self.request.state
        body: dict[str, Any] = {}
        token = ""
        if state == SUSPENDED and not is_suspended(live):
            body = {"spec": {"suspend": True}}
        elif state == RESUMED and is_suspended(live):
            token = datetime.now(UTC).isoformat()
            # in one patch: who answers the request has seen the object resumed
            body = {"spec": {"suspend": None}, "metadata": {"annotations": {REQUESTED: token}}}
        elif state == RECONCILED and (self.request.force or not is_at(live, self.request.revision)):
            token = datetime.now(UTC).isoformat()
            body = {"metadata": {"annotations": {REQUESTED: token}}}
        self._remember(key, live, state if body else "unchanged")
        if not body:
            return ""
        # this very object, and no other that has taken its name
        body["metadata"] = {**body.get("metadata", {}), "uid": live["metadata"]["uid"]}
        query = {"fieldManager": FIELD_MANAGER, "dryRun": "All" if self.request.check_mode else ""}
        path = self.resources[key].path(key.namespace, key.name)
        answer = self.api.call("PATCH", path, query=query, body=body, content_type=MERGE, about=str(key))
        after = {**self.api.document(answer), "apiVersion": live["apiVersion"], "kind": key.kind}
        if self.request.want_diff:
            self.report.diffs.append(diff(str(key), live, after, self.api.masker))
        return token

    def _remember(self, key: Key, live: Manifest, action: str, seconds: float = 0.0) -> None:
        self.report.results[key] = {
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "action": action,
            "revision": revision_of(live) or None,
            "seconds": round(seconds, 1),
        }

    # -- wait

    def _wait(self, tokens: Mapping[Key, str]) -> None:
        """Until each object of a wave has done what was asked; the next wave depends on them."""
        began = self.api.deadline.spent
        waiting = list(tokens)
        failing_since: dict[Key, float] = {}
        pause = FIRST_PAUSE
        while True:
            now = self.api.deadline.spent
            found = dict(zip(waiting, self.api.all(self._get, waiting), strict=True))
            request = self.request
            verdicts = {
                key: progress(live, tokens[key], request.revision, request.accepts) for key, live in found.items()
            }
            for key, live in found.items():
                if live is not None:
                    self.live[key] = live
                    self._remember(key, live, self.report.results[key]["action"], now - began)
                if verdicts[key].state == FAILING:
                    failing_since.setdefault(key, now)
                else:
                    failing_since.pop(key, None)
            waiting = [key for key in waiting if not verdicts[key].done]
            if not waiting:
                return
            grace = self.request.failure_grace
            lost = [key for key in waiting if verdicts[key].state == FAILED]
            lost += [key for key, since in failing_since.items() if now - since >= grace]
            if lost or self.api.deadline.passed:
                raise self._failure(lost or waiting, verdicts, bool(lost))
            self._tell(waiting, verdicts, now)
            time.sleep(min(pause, max(self.api.deadline.left, 0.05)))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _tell(self, waiting: list[Key], verdicts: Mapping[Key, Verdict], now: float) -> None:
        if now - self._told < PROGRESS_EVERY:
            return
        self._told = now
        more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
        self.tell(self.api.masker.text(f"waiting for {waiting[0]}{more}: {verdicts[waiting[0]].reason}"))

    def _failure(self, lost: list[Key], verdicts: Mapping[Key, Verdict], early: bool) -> ClusterError:
        seconds = self.api.deadline.seconds
        head = f"{listed(map(str, lost))} failed" if early else f"Not {self.request.state} after {seconds:g} s"
        self.api.deadline.seconds = self.api.deadline.spent + 10  # what explains the failure may take a little more
        lines = []
        for key in lost:
            reason = verdicts[key].reason or verdicts[key].state
            unanswered = verdicts[key].state == PROGRESSING and "not answered" in reason
            lines.append(f"\n  {key}: {reason}" + (": does Flux run?" if unanswered else ""))
            if key in self.live:
                lines.append(as_text(causes(self.api, self.live[key])))
        return ClusterError(self.api.masker.text(f"{head}:{''.join(lines)}"))
