# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The harness's own view of the cluster: makes clients and namespaces, looks at objects, empties them.

Deliberately without any code of the collection: what is measured does not judge itself.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
import yaml

from bench.failures import InvalidMeasurementError
from bench.object_sets import PART_OF, RESOURCES, SET_NAME, Object

CLIENTS_NAMESPACE = "bench-clients"
TOKEN_SECONDS = 6 * 3600
SETTLE_LIMIT = 120.0  # seconds
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
# what controllers make of the sets: gone before a run may start
MADE_BY_CONTROLLERS = (("/apis/apps/v1", "replicasets"), ("/apis/discovery.k8s.io/v1", "endpointslices"))
# in every namespace, made by controllers, never part of a set
ALWAYS_THERE = {("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")}

Versions = dict[tuple[str, str, str], str]  # (plural, namespace, name) -> resourceVersion


@dataclass(frozen=True)
class Client:
    """A ServiceAccount with every right, so that the audit log tells one contender's requests from all others."""

    name: str
    token: str

    @property
    def user(self) -> str:
        """The user name in the audit log."""
        return f"system:serviceaccount:{CLIENTS_NAMESPACE}:{self.name}"


class Cluster:
    """One cluster, through an admin's kubeconfig with client certificates (as kwokctl writes it)."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = yaml.safe_load(kubeconfig.read_text())
        self._cluster = self.kubeconfig["clusters"][0]["cluster"]
        self.server: str = self._cluster["server"]
        self.tls = self._context(kubeconfig.parent)
        self._pool = urllib3.PoolManager(maxsize=4, ssl_context=self.tls, timeout=30)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the API server."""
        parts = urlsplit(self.server)
        return parts.hostname or "127.0.0.1", parts.port or 443

    def _context(self, folder: Path) -> ssl.SSLContext:
        user = self.kubeconfig["users"][0]["user"]
        with tempfile.TemporaryDirectory() as temporary:
            files = {}
            for holder, name in ((self._cluster, "certificate-authority"), *((user, n) for n in _CREDENTIALS)):
                files[name] = folder / holder[name] if name in holder else Path(temporary) / name
                if f"{name}-data" in holder:
                    files[name].write_bytes(base64.b64decode(holder[f"{name}-data"]))
            context = ssl.create_default_context(cafile=files["certificate-authority"])
            context.load_cert_chain(files["client-certificate"], files["client-key"])
        return context

    def request(self, method: str, path: str, body: Any = None, accept: str = "application/json") -> Any:
        """One request; a 404 gives None, every other refusal is an error."""
        content_type = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        answer = self._pool.request(
            method,
            self.server + path,
            body=None if body is None else json.dumps(body),
            headers={"Accept": accept, "Content-Type": content_type, "User-Agent": "synergyflow-bench"},
        )
        if answer.status == 404:
            return None
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data[:300].decode(errors='replace')}")
        return json.loads(answer.data)

    def apply(self, path: str, content: Object) -> None:
        """Server-side apply of one object."""
        self.request("PATCH", f"{path}?fieldManager=bench&force=true", content)

    # -- clients and kubeconfigs

    def client(self, name: str) -> Client:
        """A ServiceAccount bound to cluster-admin, with a token for some hours."""
        self.namespace(CLIENTS_NAMESPACE)
        where = f"/api/v1/namespaces/{CLIENTS_NAMESPACE}/serviceaccounts/{name}"
        self.apply(where, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
        rbac = "rbac.authorization.k8s.io"
        self.apply(
            f"/apis/{rbac}/v1/clusterrolebindings/bench-{name}",
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"bench-{name}"},
                "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": CLIENTS_NAMESPACE}],
            },
        )
        request = {"spec": {"expirationSeconds": TOKEN_SECONDS}}
        return Client(name, self.request("POST", f"{where}/token", request)["status"]["token"])

    def write_kubeconfig(self, path: Path, client: Client, address: tuple[str, int] | None = None) -> Path:
        """A kubeconfig of this client, for the API server itself or for a proxy at `address` before it."""
        host, port = address or self.address
        cluster = {**self._cluster, "server": f"https://{host}:{port}"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bench", "cluster": cluster}],
            "users": [{"name": client.name, "user": {"token": client.token}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": client.name}}],
            "current-context": "bench",
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            yaml.safe_dump(content, file)
        return path

    def namespace(self, name: str) -> None:
        """Make the namespace, if it is not there, and wait for what the controllers put into it."""
        self.apply(f"/api/v1/namespaces/{name}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        ready = (
            f"/api/v1/namespaces/{name}/serviceaccounts/default",
            f"/api/v1/namespaces/{name}/configmaps/kube-root-ca.crt",
        )
        _until(lambda: all(self.request("GET", path) for path in ready), f"namespace {name} is not served")

    # -- the objects of a set

    def versions(self, namespaces: Iterable[str], resources: Iterable[tuple[str, str]] = RESOURCES) -> Versions:
        """The resourceVersion of everything of these kinds in the namespaces, whoever made it."""
        found: Versions = {}
        resources = tuple(resources)
        for namespace in namespaces:
            for prefix, plural in resources:
                answer = self.request("GET", f"{prefix}/namespaces/{namespace}/{plural}", accept=METADATA_ONLY)
                for metadata in (item["metadata"] for item in answer["items"] or ()):
                    if (plural, metadata["name"]) not in ALWAYS_THERE:
                        found[plural, namespace, metadata["name"]] = metadata["resourceVersion"]
        return found

    def settled(self, namespaces: Iterable[str]) -> Versions:
        """Wait until controllers have nothing more to do with the objects; their resourceVersions then."""
        namespaces = tuple(namespaces)
        last: Versions = {}

        def quiet() -> bool:
            nonlocal last
            before, last = last, self.versions(namespaces, (*RESOURCES, *MADE_BY_CONTROLLERS))
            kinds = [plural for plural, _, _ in last]
            # each Service has its EndpointSlice and each Deployment its ReplicaSet when the controllers are through
            pairs = (("services", "endpointslices"), ("deployments", "replicasets"))
            return last == before and all(kinds.count(one) == kinds.count(made) for one, made in pairs)

        _until(quiet, f"objects in {', '.join(namespaces)} keep changing")
        made = {plural for _, plural in MADE_BY_CONTROLLERS}
        return {key: version for key, version in last.items() if key[0] not in made}

    def empty(self, namespaces: Iterable[str]) -> None:
        """Remove everything that a set or a contender put into the namespaces, and wait until it is gone."""
        namespaces = tuple(namespaces)
        every = (*RESOURCES, *MADE_BY_CONTROLLERS)
        for namespace in namespaces:
            for prefix, plural in RESOURCES:
                collection = f"{prefix}/namespaces/{namespace}/{plural}"
                options = "propagationPolicy=Background&gracePeriodSeconds=0"
                self.request("DELETE", f"{collection}?labelSelector={PART_OF}%3D{SET_NAME}&{options}")
        for (plural, namespace, name), _ in self.versions(namespaces).items():
            # a contender's own record of what it applied
            prefix = next(prefix for prefix, its in RESOURCES if its == plural)
            self.request("DELETE", f"{prefix}/namespaces/{namespace}/{plural}/{name}")
        _until(lambda: not self.versions(namespaces, every), f"{', '.join(namespaces)} cannot be emptied")


_CREDENTIALS = ("client-certificate", "client-key")


def check_unmoved(before: Versions, after: Versions) -> None:
    """Raises InvalidMeasurementError unless both have the same objects with the same resourceVersions."""
    if before == after:
        return
    moved = sorted("/".join(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
    raise InvalidMeasurementError(f"nothing was to change, and yet these moved: {', '.join(moved[:3])}{more}")


def check_present(objects: Iterable[Object], versions: Versions) -> None:
    """Raises InvalidMeasurementError unless every object of the set is there."""
    wanted = {(f"{o['kind'].lower()}s", o["metadata"]["namespace"], o["metadata"]["name"]) for o in objects}
    plurals = {"networkpolicys": "networkpolicies"}
    missing = {(plurals.get(kind, kind), namespace, name) for kind, namespace, name in wanted} - versions.keys()
    if missing:
        raise InvalidMeasurementError(
            f"{len(missing)} of {len(wanted)} objects were not made, {'/'.join(min(missing))} first"
        )


def _until(condition: Any, otherwise: str) -> None:
    end = time.monotonic() + SETTLE_LIMIT
    while not condition():
        if time.monotonic() > end:
            raise InvalidMeasurementError(f"{otherwise}, for {SETTLE_LIMIT:g} s")
        time.sleep(0.3)
