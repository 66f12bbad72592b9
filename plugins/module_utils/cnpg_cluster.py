# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes says of a database that CloudNativePG runs: its objects, its Secrets, and where its backups go.

Fields are CloudNativePG's api/v1 and plugin-barman-cloud's api/v1; names of Secrets and Services are the operator's.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .api import Api, ApiError
from .component_objects import stand_ins
from .discovery import PODS, SECRETS, Resource
from .errors import ClusterError
from .objects import Manifest
from .served_kinds import BROUGHT_BY

GROUP, BARMAN_GROUP = "postgresql.cnpg.io", "barmancloud.cnpg.io"
PLUGIN_NAME = "barman-cloud.cloudnative-pg.io"
PLUGIN, IN_TREE = "plugin", "in_tree"


class BlockedError(ClusterError):
    """What was asked cannot be known, and this sentence says why."""


@dataclass(frozen=True)
class BackupStore:
    """Where one Cluster's backups and write-ahead log go, and who takes them."""

    method: str
    #: name of the folder under the destination: the server's, in Barman's words
    server: str
    #: s3://bucket/folder
    destination: str
    endpoint: str = ""
    #: Secret and key of each credential: accessKeyId, secretAccessKey, region
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ca: Mapping[str, str] | None = None
    #: the ObjectStore's name, with the plugin
    object_store: str = ""
    #: as it stands in the Cluster or ObjectStore (barmanObjectStore, configuration)
    configuration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        """The bucket's name; "" if the destination is no S3."""
        scheme, _colon, rest = self.destination.partition("://")
        return rest.partition("/")[0] if scheme == "s3" else ""

    def prefix(self, *parts: str) -> str:
        """The beginning of keys in the bucket: <folder>/<server>/<parts>/."""
        folder = self.destination.partition("://")[2].partition("/")[2].strip("/")
        return "/".join([*filter(None, [folder]), self.server, *parts, ""])


@dataclass
class Database:
    """The objects around one Cluster, as they are now; None or empty where there are none."""

    name: str
    namespace: str
    #: the API server they are on
    host: str
    cluster: Manifest | None = None
    object_store: Manifest | None = None
    backups: list[Manifest] = field(default_factory=list)
    schedules: list[Manifest] = field(default_factory=list)
    pods: list[Manifest] = field(default_factory=list)

    @property
    def status(self) -> Mapping[str, Any]:
        """The Cluster's status."""
        return (self.cluster or {}).get("status") or {}

    @property
    def spec(self) -> Mapping[str, Any]:
        """The Cluster's spec."""
        return (self.cluster or {}).get("spec") or {}

    @property
    def conditions(self) -> dict[str, Mapping[str, Any]]:
        """The Cluster's conditions by type."""
        return {each["type"]: each for each in self.status.get("conditions") or []}

    @property
    def stand_in(self) -> list[str]:
        """What of it is not the real thing, by the labels that stand-ins carry."""
        return stand_ins([*self.pods, *([self.cluster] if self.cluster else [])])

    def present(self) -> Manifest:
        """The Cluster. Raises BlockedError when there is none."""
        if self.cluster is None:
            raise BlockedError(
                f"there is no Cluster {self.name} in namespace {self.namespace} on {self.host}: check cluster,"
                " namespace and the connection options."
            )
        return self.cluster

    def store(self) -> BackupStore | None:
        """Where its backups go; None if it has none."""
        return backup_store(self.name, self.spec, self.object_store)


def archiving_plugin(spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The plugin that archives a Cluster's write-ahead log."""
    return next(
        (
            plugin
            for plugin in spec.get("plugins") or []
            if plugin.get("isWALArchiver") and plugin.get("enabled", True) is not False
        ),
        None,
    )


def backup_store(name: str, spec: Mapping[str, Any], object_store: Mapping[str, Any] | None) -> BackupStore | None:
    """Where the backups of a Cluster go, from its spec and, with the plugin, its ObjectStore; None if it has none."""
    plugin = archiving_plugin(spec)
    if plugin:
        parameters = plugin.get("parameters") or {}
        configuration = ((object_store or {}).get("spec") or {}).get("configuration") or {}
        return _store(
            PLUGIN,
            parameters.get("serverName") or configuration.get("serverName") or name,
            configuration,
            parameters.get("barmanObjectName") or "",
        )
    configuration = (spec.get("backup") or {}).get("barmanObjectStore")
    return _store(IN_TREE, configuration.get("serverName") or name, configuration) if configuration else None


def _store(method: str, server: str, configuration: Mapping[str, Any], object_store: str = "") -> BackupStore:
    return BackupStore(
        method=method,
        server=server,
        destination=configuration.get("destinationPath") or "",
        endpoint=configuration.get("endpointURL") or "",
        keys=configuration.get("s3Credentials") or {},
        ca=configuration.get("endpointCA"),
        object_store=object_store,
        configuration=configuration,
    )


def served(api: Api, kind: str, group: str = GROUP) -> Resource:
    """The resource of a kind. Raises ClusterError with who brings it."""
    resource = api.discover().preferred(group, kind)
    if resource is None:
        raise ClusterError(f"the cluster does not serve {kind} of {group}: install {BROUGHT_BY[group]} first.")
    return resource


def read_database(api: Api, name: str, namespace: str, *, backups: bool = False) -> Database:
    """A Cluster with its pods, its ObjectStore and, if asked for, its backups and schedules."""
    found = Database(name, namespace, api.connection.host)
    found.cluster = api.get(served(api, "Cluster"), namespace, name)
    if found.cluster is None:
        return found
    found.cluster.setdefault("kind", "Cluster")
    plugin = archiving_plugin(found.spec) or {}
    stored = (plugin.get("parameters") or {}).get("barmanObjectName")
    stores = api.discover().preferred(BARMAN_GROUP, "ObjectStore")

    def own(kind: str) -> list[Manifest]:
        listed = api.list(served(api, kind), namespace)
        for each in listed:
            each["apiVersion"], each["kind"] = f"{GROUP}/v1", kind
        return [each for each in listed if each["spec"]["cluster"]["name"] == name]

    found.pods, found.object_store, found.backups, found.schedules = api.all(
        lambda ask: ask(),
        [
            lambda: _pods(api, namespace, name),
            lambda: api.get(stores, namespace, stored) if stored and stores else None,
            lambda: own("Backup") if backups else [],
            lambda: own("ScheduledBackup") if backups else [],
        ],
    )
    return found


def _pods(api: Api, namespace: str, name: str) -> list[Manifest]:
    try:
        found = api.list(PODS, namespace, selector=f"cnpg.io/cluster={name},cnpg.io/podRole=instance")
        return [{"apiVersion": "v1", "kind": "Pod", **each} for each in found]
    except ApiError as error:
        if error.code != 403:
            raise
        return []


def read_secret(api: Api, namespace: str, name: str, *keys: str) -> dict[str, str]:
    """The named keys of a Secret, their values masked from now on. Raises BlockedError for what is not there."""
    try:
        secret = api.get(SECRETS, namespace, name)
    except ApiError as error:
        if error.code != 403:
            raise
        raise BlockedError(f"Secret {namespace}/{name} may not be read with this login: {error}") from error
    if secret is None:
        raise BlockedError(f"there is no Secret {name} in namespace {namespace}.")
    data = secret.get("data") or {}
    missing = [key for key in keys if key not in data]
    if missing:
        raise BlockedError(f"Secret {namespace}/{name} has no {' and no '.join(missing)}.")
    found = {key: base64.b64decode(data[key]).decode() for key in keys}
    api.masker.always(value for key, value in found.items() if key not in ("username", "ca.crt"))
    return found
