# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The stand-in for External Secrets: `python -m rehearsal.external_secrets.operator`, with KUBECONFIG."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rehearsal import operator_program, vault
from rehearsal.errors import RehearsalError
from rehearsal.external_secrets import NAME, secret_from_store
from rehearsal.external_secrets.secret_from_store import (
    CREATED_BY,
    FINALIZER,
    GROUP,
    MANAGED,
    NO_DATA,
    NO_UPDATE,
    SyncError,
)
from rehearsal.light_kopf import kopf
from rehearsal.node.api import Api, ApiError, ConflictError, core
from rehearsal.node.events import Events
from rehearsal.node.status import now
from rehearsal.paths import Paths
from rehearsal.worklist import Worklist

Object = dict[str, Any]
STORES_AGAIN = 300.0  # seconds, the real one's default
logger = logging.getLogger(NAME)


class Key(NamedTuple):
    """An object to be looked at; stores of the whole cluster have no namespace."""

    plural: str
    namespace: str | None
    name: str


class Reconciler:
    """Brings ExternalSecrets, and the status of their stores, to what they should be."""

    def __init__(self, api: Api, paths: Paths) -> None:
        self._api, self._paths = api, paths
        self._events = Events(api)

    def reconcile(self, key: Key) -> float | None:
        """Seconds until it is to be looked at again; errors are tried again by the caller."""
        resource = self._api.find(_path(key))
        if resource is None:
            return None
        return self._sync(key, resource) if key.plural == "externalsecrets" else self._check_store(key, resource)

    # --- stores

    def _check_store(self, key: Key, store: Object) -> float:
        problem = store_problem(store)
        if problem:
            state = ("False", "InvalidProviderConfig", "unable to create client")
            if key.namespace:  # an event needs a namespace
                self._events.warning(store, "InvalidProviderConfig", problem)
        else:
            state = ("True", "Valid", "store validated")
        status = store.get("status") or {}
        conditions = secret_from_store.ready(status.get("conditions"), *state, now())
        if conditions != status.get("conditions"):
            self._api.patch(f"{_path(key)}/status", {"status": {"capabilities": "ReadWrite", "conditions": conditions}})
            logger.info("%s %s: %s", store["kind"], key.name, problem or state[2])
        return STORES_AGAIN

    def _look(self, namespace: str, reference: Mapping[str, str], key: str) -> dict[str, str] | None:
        """The values under a store's key; None when there are none."""
        kind, name = reference.get("kind") or "SecretStore", reference.get("name", "")
        plural, where = ("clustersecretstores", None) if kind == "ClusterSecretStore" else ("secretstores", namespace)
        store = self._api.find(_path(Key(plural, where, name)))
        if store is None:
            raise SyncError(NO_DATA, f'could not get {kind} "{name}", {plural}.{GROUP} "{name}" not found')
        if problem := store_problem(store):
            raise SyncError(NO_DATA, problem)
        mount = store["spec"]["provider"]["vault"].get("path") or vault.MOUNT
        try:
            content = vault.read(self._paths)
        except RehearsalError as error:
            raise SyncError(NO_DATA, str(error)) from error
        return content.get(key.removeprefix(f"{mount}/").removeprefix("data/"))

    # --- ExternalSecrets

    def _sync(self, key: Key, resource: Object) -> float | None:
        metadata, namespace = resource["metadata"], str(key.namespace)
        if metadata.get("deletionTimestamp"):
            self._end(key, resource)
            return None
        if FINALIZER not in (metadata.get("finalizers") or []):
            finalizers = [*(metadata.get("finalizers") or []), FINALIZER]
            own = {"finalizers": finalizers, "resourceVersion": metadata["resourceVersion"]}
            resource = self._api.patch(_path(key), {"metadata": own})
        name = secret_from_store.target_name(resource)
        existing = self._api.find(core(namespace, "secrets", name))
        due = secret_from_store.refresh_in(resource, datetime.now(UTC))
        if due != 0 and secret_from_store.is_whole(existing, resource):
            return due
        started = now()
        try:
            reason, message = self._make(resource, existing, namespace)
        except SyncError as error:
            self._events.warning(resource, "UpdateFailed", str(error))
            self._report(key, resource, ("False", "SecretSyncedError", error.condition), {})
            raise
        # where it is kept, and that it is as its version says
        kept: Object = {"refreshTime": started, "syncedResourceVersion": secret_from_store.version(resource)}
        if reason == "SecretSynced":
            kept["binding"] = {"name": name}
        resource = self._report(key, resource, ("True", reason, message), kept)
        return secret_from_store.refresh_in(resource, datetime.now(UTC))

    def _make(self, resource: Object, existing: Object | None, namespace: str) -> tuple[str, str]:
        """Have the Secret as it should be; reason and message of the condition."""
        values = secret_from_store.data(resource, lambda store, key: self._look(namespace, store, key))
        wanted = secret_from_store.secret(resource, existing, values)
        if wanted is None:
            policy = resource["spec"]["target"]["creationPolicy"]
            if policy == "Merge":
                return "SecretMissing", "secret will not be created due to CreationPolicy=Merge"
            return "SecretSynced", "secret synced"
        name, manager = wanted["metadata"]["name"], f"externalsecrets.{GROUP}/{resource['metadata']['name']}"[:63]
        try:
            if existing is None:
                self._api.request("POST", core(namespace, "secrets"), wanted, fieldManager=manager)
                self._events.normal(resource, "Created", "secret created")
            elif wanted != existing:
                self._api.request("PUT", core(namespace, "secrets", name), wanted, fieldManager=manager)
                self._events.normal(resource, "Updated", "secret updated")
        except ConflictError:
            raise
        except ApiError as error:
            raise SyncError(NO_UPDATE, f"unable to update secret {name}: {error}") from error
        self._drop_others(wanted, namespace)
        return "SecretSynced", "secret synced"

    def _drop_others(self, secret: Object, namespace: str) -> None:
        """The target may have had another name before."""
        owner = secret["metadata"]["labels"].get(CREATED_BY)
        if owner:
            found = self._api.get(core(namespace, "secrets"), labelSelector=f"{CREATED_BY}={owner}")["items"]
            for each in found:
                if each["metadata"]["name"] != secret["metadata"]["name"]:
                    self._api.delete(core(namespace, "secrets", each["metadata"]["name"]))

    def _end(self, key: Key, resource: Object) -> None:
        metadata, target = resource["metadata"], resource["spec"].get("target") or {}
        if FINALIZER not in (metadata.get("finalizers") or []):
            return
        path = core(key.namespace, "secrets", secret_from_store.target_name(resource))
        if target.get("deletionPolicy") == "Delete" and (found := self._api.find(path)):
            owners = found["metadata"].get("ownerReferences") or []
            if any(each.get("uid") == metadata["uid"] for each in owners):
                self._api.delete(path)
        finalizers = [each for each in metadata["finalizers"] if each != FINALIZER]
        change = {"finalizers": finalizers, "resourceVersion": metadata["resourceVersion"]}
        self._api.patch(_path(key), {"metadata": change})

    def _report(self, key: Key, resource: Object, state: tuple[str, str, str], more: Object) -> Object:
        status = resource.get("status") or {}
        conditions = secret_from_store.ready(status.get("conditions"), *state, now())
        if conditions == status.get("conditions") and more.items() <= status.items():
            return resource
        logger.info("ExternalSecret %s/%s: %s: %s", key.namespace, key.name, state[1], state[2])
        return self._api.patch(f"{_path(key)}/status", {"status": {"conditions": conditions, **more}})


def store_problem(store: Object) -> str | None:
    """Why nothing can be read from this store; None when it can."""
    provider = store["spec"].get("provider") or {}
    if "vault" not in provider:
        return f"the stand-in for External Secrets knows the provider vault alone, not {', '.join(provider)}"
    server = provider["vault"].get("server")
    if server != vault.SERVER:
        return f"unable to log in to Vault: {server} cannot be reached; this rehearsal's is {vault.SERVER}"
    return None


def _path(key: Key) -> str:
    scope = f"/namespaces/{key.namespace}" if key.namespace else ""
    return f"/apis/{GROUP}/v1{scope}/{key.plural}/{key.name}"


def _called(key: Key) -> str:
    return "/".join(part for part in key if part)


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

    def changed(event: dict, resource: Any, namespace: str | None, name: str, **_: object) -> None:
        if operator_program.seen_change(memory, event):
            work.add(Key(resource.plural, namespace, name))

    for plural in ("externalsecrets", "secretstores", "clustersecretstores"):
        kopf.on.event(GROUP, "v1", plural, id=plural, registry=made)(changed)

    @kopf.on.event("v1", "secrets", labels={MANAGED: "true"}, registry=made)
    def secret_changed(namespace: str, body: Mapping, **_: object) -> None:
        """One that was deleted or changed by hand is made again."""
        for owner in body["metadata"].get("ownerReferences") or []:
            if owner["kind"] == "ExternalSecret":
                work.add(Key("externalsecrets", namespace, owner["name"]), delay=0.1)

    work.start()
    return made


def main() -> int:
    """Run until SIGTERM."""
    api = Api(Path(os.environ["KUBECONFIG"]), NAME)
    operator_program.run(registry(Reconciler(api, Paths.from_environment())), "External Secrets", None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
