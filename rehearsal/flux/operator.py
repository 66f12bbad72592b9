# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The stand-in for flux-operator: `python -m rehearsal.flux.operator`, with KUBECONFIG."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from rehearsal import artifacts, operator_program, programs
from rehearsal.flux import GROUP, MODULE, NAME, distribution
from rehearsal.flux.conditions import READY, RECONCILING, STALLED, conditions, obstacle, seconds
from rehearsal.flux.distribution import BuildError, Built
from rehearsal.light_kopf import kopf
from rehearsal.node.api import Api, ApiError, ConflictError, NotFoundError
from rehearsal.node.events import Events
from rehearsal.node.status import now
from rehearsal.worklist import Worklist

FINALIZER = f"{GROUP}/finalizer"
REQUESTED = "reconcile.fluxcd.io/requestedAt"
DISABLED = "reconciliation is disabled, remove the 'fluxcd.controlplane.io/reconcile' annotation to resume"
LOOK_AGAIN = 0.3  # seconds, while something is not ready
AFTER_FAILURE = 30.0
EVERY, TIMEOUT = 3600.0, 300.0  # the real one's defaults
DELETION_TIMEOUT, DEFINITIONS_TIMEOUT = 60.0, 15.0

Object = dict[str, Any]
logger = logging.getLogger(NAME)


class Key(NamedTuple):
    """An instance."""

    namespace: str
    name: str


@dataclass
class Attempt:
    """One reconciliation of an instance: what was asked for, what was made of it, since when (monotonic clock)."""

    asked: tuple[str, ...]
    built: Built
    began: float
    done: bool = False


class Reconciler:
    """Brings what a FluxInstance asks for onto the cluster, and says in its status how that went."""

    def __init__(self, api: Api, files: dict[str, list[Object]], version: str) -> None:
        self._api, self._files, self._version = api, files, version
        self._events = Events(api)
        self._attempts: dict[Key, Attempt] = {}

    def reconcile(self, key: Key) -> float | None:
        """Seconds until it is to be looked at again; errors are tried again by the caller."""
        instance = self._api.find(_instance_path(key))
        if instance is None:
            self._attempts.pop(key, None)
            return None
        annotations = instance["metadata"].get("annotations") or {}
        disabled = annotations.get(f"{GROUP}/reconcile") == "disabled"
        if instance["metadata"].get("deletionTimestamp"):
            self._uninstall(key, instance, disabled)
            return None
        instance = self._with_finalizer(key, instance)
        if disabled:
            self._attempts.pop(key, None)
            self._events.warning(instance, "ReconciliationDisabled", DISABLED)
            return None
        attempt = self._attempts.get(key)
        if attempt is None or attempt.done or attempt.asked != _asked(instance):
            try:
                attempt = self._begin(key, instance)
            except BuildError as error:
                failed = ("BuildFailed", f"build failed: {error}")
                self._report(key, instance, Ready=("False", *failed), Stalled=("True", *failed))
                return None
        return self._finish(key, instance, attempt, annotations)

    # --- steps

    def _begin(self, key: Key, instance: Object) -> Attempt:
        """Build and apply."""
        built = distribution.build(instance, self._files, self._version)
        began = time.monotonic()
        progress = ("Progressing", "Reconciliation in progress")
        attempted = {"lastAttemptedRevision": built.revision}
        self._report(key, instance, attempted, Ready=("Unknown", *progress), Reconciling=("True", *progress))
        try:
            self._apply(built.objects)
            self._drop(instance, built)
        except ApiError as error:
            self._failed(key, instance, str(error))
            raise
        made = {"components": built.components, "inventory": {"entries": [_entry(each) for each in built.objects]}}
        self._api.patch(f"{_instance_path(key)}/status", {"status": made})
        attempt = self._attempts[key] = Attempt(_asked(instance), built, began)
        return attempt

    def _finish(self, key: Key, instance: Object, attempt: Attempt, annotations: dict[str, str]) -> float:
        """Wait for what was applied; then it is ready until its time comes again."""
        waits = instance["spec"].get("wait", True)
        obstacles = self._obstacles(attempt.built.objects) if waits else []
        if obstacles:
            if time.monotonic() - attempt.began < seconds(annotations.get(f"{GROUP}/reconcileTimeout"), TIMEOUT):
                return LOOK_AGAIN
            attempt.done = True
            self._failed(key, instance, "timeout waiting for: [" + ", ".join(obstacles) + "]")
            return AFTER_FAILURE
        attempt.done = True
        message = f"Reconciliation finished in {time.monotonic() - attempt.began:.1f}s"
        applied: Object = {"lastAppliedRevision": attempt.built.revision}
        if requested := annotations.get(REQUESTED):
            applied["lastHandledReconcileAt"] = requested
        self._report(key, instance, applied, Ready=("True", "ReconciliationSucceeded", message))
        self._events.normal(instance, "ReconciliationSucceeded", message)
        return seconds(annotations.get(f"{GROUP}/reconcileEvery"), EVERY)

    def _apply(self, objects: list[Object]) -> None:
        definitions = [each for each in objects if each["kind"] == "CustomResourceDefinition"]
        for each in definitions:
            self._api.apply(_path(each), each)
        deadline = time.monotonic() + TIMEOUT
        while waiting := self._obstacles(definitions):
            if time.monotonic() > deadline:
                raise ApiError(504, f"timeout waiting for: [{', '.join(waiting)}]")
            time.sleep(0.1)
        for each in objects:
            if each not in definitions:
                self._api.apply(_path(each), each)

    def _drop(self, instance: Object, built: Built) -> None:
        """Delete what an earlier revision had and this one does not."""
        have = {_entry(each)["id"] for each in built.objects}
        for each in _inventory(instance):
            if _entry(each)["id"] not in have:
                logger.info("%s %s is no longer part of the instance", each["kind"], each["metadata"]["name"])
                self._api.delete(_path(each))

    def _obstacles(self, objects: Iterable[Object]) -> list[str]:
        found = (obstacle(self._api.find(_path(each)), each) for each in objects)
        return [each for each in found if each]

    # --- the end

    def _uninstall(self, key: Key, instance: Object, disabled: bool) -> None:
        """Controllers first, then what they would have finalized, then the rest; workloads stay."""
        finalizers = instance["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            return
        objects = [] if disabled else _inventory(instance)
        definitions = [each for each in objects if each["kind"] == "CustomResourceDefinition"]
        deployments = [each for each in objects if each["kind"] == "Deployment"]
        for each in deployments:
            self._api.delete(
                _path(each), {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
            )
        self._wait_gone(deployments)
        for each in definitions:
            self._drop_finalizers(each["metadata"]["name"])
        for each in reversed(objects):
            if not each["apiVersion"].partition("/")[0].endswith("toolkit.fluxcd.io"):  # they go with their definitions
                self._api.delete(_path(each))
        self._wait_gone(definitions)
        rest = [each for each in finalizers if each != FINALIZER]
        change = {
            "finalizers": rest,
            "resourceVersion": self._api.get(_instance_path(key))["metadata"]["resourceVersion"],
        }
        self._api.patch(_instance_path(key), {"metadata": change})
        self._attempts.pop(key, None)
        logger.info("FluxInstance %s/%s uninstalled%s", *key, ": nothing was deleted" if not objects else "")

    def _drop_finalizers(self, definition: str) -> None:
        plural, _, group = definition.partition(".")
        live = self._api.find(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition}")
        if live is None:
            return
        version = next(each["name"] for each in live["spec"]["versions"] if each["served"])
        for each in self._api.get(f"/apis/{group}/{version}/{plural}")["items"]:
            if each["metadata"].get("finalizers"):
                path = f"/apis/{group}/{version}/namespaces/{each['metadata']['namespace']}/{plural}"
                try:
                    self._api.patch(f"{path}/{each['metadata']['name']}", {"metadata": {"finalizers": None}})
                except NotFoundError:
                    continue  # it ended meanwhile

    def _wait_gone(self, objects: list[Object]) -> None:
        deadline = time.monotonic() + DELETION_TIMEOUT
        while left := [each for each in objects if self._api.find(_path(each))]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{left[0]['kind']} {left[0]['metadata']['name']} does not end")
            time.sleep(0.1)

    # --- status

    def _with_finalizer(self, key: Key, instance: Object) -> Object:
        metadata = instance["metadata"]
        finalizers = metadata.get("finalizers") or []
        if FINALIZER in finalizers:
            return instance
        change = {"finalizers": [*finalizers, FINALIZER], "resourceVersion": metadata["resourceVersion"]}
        return self._api.patch(_instance_path(key), {"metadata": change})

    def _failed(self, key: Key, instance: Object, message: str) -> None:
        message = f"reconciliation failed: {message}"
        again = ("True", "ProgressingWithRetry", message)
        self._report(key, instance, Ready=("False", "ReconciliationFailed", message), Reconciling=again)
        self._events.warning(instance, "ReconciliationFailed", message)

    def _report(self, key: Key, instance: Object, more: Object | None = None, **states: tuple[str, str, str]) -> None:
        assert states.keys() <= {READY, RECONCILING, STALLED}
        live = self._api.get(_instance_path(key))
        generation = instance["metadata"]["generation"]  # what was acted on, whatever it is by now
        live["metadata"]["generation"] = generation
        status = {"conditions": conditions(live, now(), **states), **(more or {})}
        self._api.patch(f"{_instance_path(key)}/status", {"status": status})
        logger.info("FluxInstance %s/%s: %s: %s", *key, *states[READY][1:])


def _asked(instance: Object) -> tuple[str, ...]:
    metadata = instance["metadata"]
    requested = (metadata.get("annotations") or {}).get(REQUESTED, "")
    return metadata["uid"], str(metadata["generation"]), requested


def _instance_path(key: Key) -> str:
    return f"/apis/{GROUP}/v1/namespaces/{key.namespace}/fluxinstances/{key.name}"


def _path(each: Object) -> str:
    kind, api_version, metadata = each["kind"].lower(), each["apiVersion"], each["metadata"]
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    scope = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{root}{scope}/{plural}/{metadata['name']}"


def _entry(each: Object) -> dict[str, str]:
    """An object in an inventory, as Flux writes it."""
    group, _, version = each["apiVersion"].rpartition("/")
    metadata = each["metadata"]
    return {"id": f"{metadata.get('namespace', '')}_{metadata['name']}_{group}_{each['kind']}", "v": version}


def _inventory(instance: Object) -> list[Object]:
    """The objects of an instance's inventory, by name alone."""
    found = []
    for entry in ((instance.get("status") or {}).get("inventory") or {}).get("entries") or []:
        namespace, name, group, kind = entry["id"].split("_")
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        found.append(
            {"apiVersion": f"{group}/{entry['v']}" if group else entry["v"], "kind": kind, "metadata": metadata}
        )
    return found


def registry(reconciler: Reconciler) -> kopf.OperatorRegistry:
    """Events in, keys to be reconciled out."""

    def reconcile(key: object) -> float | None:
        try:
            return reconciler.reconcile(key)  # type: ignore[arg-type]
        except ConflictError:
            return 0.1  # it changed meanwhile

    work = Worklist(NAME, reconcile)
    memory: dict = {}
    made = kopf.OperatorRegistry()

    @kopf.on.event(GROUP, "v1", "fluxinstances", registry=made)
    def changed(event: dict, namespace: str, name: str, **_: object) -> None:
        if operator_program.seen_change(memory, event):
            work.add(Key(namespace, name))

    work.start()
    return made


def distribution_files() -> dict[str, list[Object]]:
    """The documents of upstream's distribution, by file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    wanted = {"rbac.yaml", "policies.yaml", *(f"{each}.yaml" for each in distribution.COMPONENTS)}
    files = {file.name: file for file in programs.module_files("flux-operator", MODULE) if file.name in wanted}
    return {name: [each for each in yaml.load_all(file.read_text(), loader) if each] for name, file in files.items()}


def main() -> int:
    """Run until SIGTERM; exit status 1 with a sentence when it cannot start."""
    api = Api(Path(os.environ["KUBECONFIG"]), NAME)
    deadline = time.monotonic() + DEFINITIONS_TIMEOUT
    while api.find(f"/apis/{GROUP}/v1/fluxinstances") is None:  # made with this Deployment, they are served a bit later
        if time.monotonic() > deadline:
            print(f"the custom resource definitions are missing: {GROUP}/v1 is not served", file=sys.stderr)
            return 1
        time.sleep(0.2)
    version = artifacts.go_families()["flux"].version
    operator_program.run(registry(Reconciler(api, distribution_files(), version)), "flux-operator", None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
