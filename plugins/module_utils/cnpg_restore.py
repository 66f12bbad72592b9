# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new Cluster from the backups of another one. Plain data in, a manifest out.

CloudNativePG never recovers in place: a Cluster is made with bootstrap.recovery from the other's store. Its own backups
must go under another server name, or its archive refuses to begin ("Expected empty archive").
https://cloudnative-pg.io/docs/1.30/recovery
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .cnpg_cluster import GROUP, PLUGIN, PLUGIN_NAME, BackupStore, Database
from .errors import ClusterError
from .evidence.records import FAILED, PASSED, Record
from .objects import Manifest
from .preflight.cnpg import CLUSTER_NAME

#: parts of a Cluster's spec that say how its instances are, and nothing of how it came to be or where it backs up to
KEPT = (
    "affinity", "enableSuperuserAccess", "env", "envFrom", "ephemeralVolumesSizeLimit", "imageCatalogRef",
    "imageName", "imagePullPolicy", "imagePullSecrets", "inheritedMetadata", "managed", "monitoring", "postgresGID",
    "postgresUID", "postgresql", "priorityClassName", "resources", "schedulerName", "storage", "superuserSecret",
    "tablespaces", "topologySpreadConstraints", "walStorage",
)  # fmt: skip
RESTORED_FROM = "synergyflow.platform/restored-from"
#: how a query begins that may be asked, over several lines too
QUESTION = re.compile(r"[\s(]*(SELECT|SHOW|TABLE|VALUES|WITH)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """What is to be restored, under which name, to which moment (None: as far as the log reaches)."""

    name: str
    instances: int
    target: datetime | None
    backs_up: bool
    now: datetime


def server_name(name: str, now: datetime) -> str:
    """A name for the new Cluster's own backups that nobody has used: its own, and the time of its making."""
    return f"{name}-{now.astimezone(UTC):%Y%m%d%H%M%S}"


def target_text(target: datetime) -> str:
    """A moment as the operator takes it."""
    return target.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def name_problem(request: Request, source: Database) -> str | None:
    """Why the new Cluster cannot have this name."""
    if request.name == source.name:
        return (
            f"name is that of the source, {source.name}: a database is never recovered in place. Give the new one"
            " another name, and move its users there when it is proven"
        )
    if not CLUSTER_NAME.match(request.name):
        return f"name must be a DNS label of at most 50 characters (a-z, 0-9, -), it is {request.name!r}"
    return None


def cluster_manifest(source: Database, store: BackupStore, request: Request) -> Manifest:
    """The new Cluster."""
    spec: dict[str, Any] = {name: copy.deepcopy(source.spec[name]) for name in KEPT if name in source.spec}
    spec["instances"] = request.instances
    plugins = [each for each in source.spec.get("plugins") or [] if each.get("name") != PLUGIN_NAME]
    own = server_name(request.name, request.now)
    if request.backs_up and store.method == PLUGIN:
        parameters = {"barmanObjectName": store.object_store, "serverName": own}
        plugins = [*plugins, {"name": PLUGIN_NAME, "enabled": True, "isWALArchiver": True, "parameters": parameters}]
    elif request.backs_up:
        backup = copy.deepcopy(source.spec["backup"])
        backup["barmanObjectStore"]["serverName"] = own
        spec["backup"] = backup
    if plugins:
        spec["plugins"] = plugins
    spec["bootstrap"] = {"recovery": recovery(source, store, request)}
    spec["externalClusters"] = [external(store)]
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Cluster",
        "metadata": {
            "name": request.name,
            "namespace": source.namespace,
            "annotations": {RESTORED_FROM: store.server},
        },
        "spec": spec,
    }


def recovery(source: Database, store: BackupStore, request: Request) -> dict[str, Any]:
    """How it is made: from whose backups, to which moment, and whose database it holds."""
    bootstrap = source.spec.get("bootstrap") or {}
    birth: Mapping[str, Any] = bootstrap.get("initdb") or bootstrap.get("recovery") or {}
    found: dict[str, Any] = {"source": store.server}
    found |= {name: copy.deepcopy(birth[name]) for name in ("database", "owner", "secret") if birth.get(name)}
    if request.target:
        found["recoveryTarget"] = {"targetTime": target_text(request.target)}
    return found


def external(store: BackupStore) -> dict[str, Any]:
    """The source's store, under the source's server name."""
    if store.method == PLUGIN:
        parameters = {"barmanObjectName": store.object_store, "serverName": store.server}
        return {"name": store.server, "plugin": {"name": PLUGIN_NAME, "parameters": parameters}}
    return {
        "name": store.server,
        "barmanObjectStore": {**copy.deepcopy(store.configuration), "serverName": store.server},
    }


def same(rows: list[dict[str, Any]], expected: Any) -> bool:
    """Whether the answer of a query is what was expected.

    `expected` is one value for an answer of one row and column, a list of values for an answer of one column, else a
    list of rows, each a list of values or a dictionary. Values are compared as text, so that 2 is "2".
    """
    return plain(rows) == _text(expected)


def proof(asked: Mapping[str, Any], rows: list[dict[str, Any]], seconds: float, stand_in: list[str]) -> Record:
    """What the restored database answered, beside what was expected, if anything was; `asked` has the options."""
    expected = asked["expected"]
    good = expected is None or same(rows, expected)
    detail = f"{asked['name']}: {asked['query']}"
    return Record(
        "DB-restore",
        "Restored database holds what it should",
        PASSED if good else FAILED,
        plain(rows),
        expected,
        seconds=seconds,
        detail=detail,
        stand_in=stand_in,
    )


def plain(rows: list[dict[str, Any]]) -> Any:
    """An answer in its shortest form, as `expected` is written."""
    values = [[_text(value) for value in row.values()] for row in rows]
    if all(len(row) == 1 for row in values):
        column = [row[0] for row in values]
        return column[0] if len(column) == 1 else column
    return values


def _text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return [_text(each) for each in value.values()]
    if isinstance(value, (list, tuple)):
        found = [_text(each) for each in value]
        # a list of one value in one row is that value
        return found[0] if len(found) == 1 and not isinstance(found[0], list) else found
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def read_only(query: str) -> str:
    """The query, if it is one that may be asked. Raises ClusterError for what would write."""
    if not QUESTION.match(query):
        raise ClusterError("query must be a question (SELECT, TABLE, VALUES, WITH or SHOW), as it only proves.")
    return query
