# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before the role cnpg changes anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import cnpg_schedule
from .. import cnpg_versions as versions
from ..quantity import quantity
from ..topics_and_users import DNS_SUBDOMAIN
from . import capacity
from .common import check_flux, check_storage_class
from .findings import Findings

GROUP = "postgresql.cnpg.io"
KINDS = ("Cluster", "Backup", "ScheduledBackup", "Pooler")
OBJECT_STORE = "ObjectStore.barmancloud.cnpg.io"
POD_MONITOR = "PodMonitor.monitoring.coreos.com"
ZONE = "topology.kubernetes.io/zone"
PLUGIN, IN_TREE, AUTO = "plugin", "in_tree", "auto"
#: the operator's webhook: a DNS label of at most so many characters
CLUSTER_NAME = re.compile(r"^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$")
#: what an SQL name may be here; anything else would have to be quoted by every client
SQL_NAME = re.compile(r"^[a-z_][a-z0-9_]{0,62}$")
EXTENSION_NAME = re.compile(r"^[a-z_][a-z0-9_-]{0,62}$")
RESERVED_DATABASES = ("postgres", "template0", "template1")
RESERVED_ROLES = ("postgres", "streaming_replica", "cnpg_pooler_pgbouncer")
S3 = re.compile(r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")
#: images without the programs that in-tree backups run
WITHOUT_BARMAN = re.compile(r"-(standard|minimal)(-|$)")


@dataclass(frozen=True)
class Live:
    """What of this database exists already; every object as the API server gives it."""

    cluster: Mapping[str, Any] | None = None
    # pods of CloudNativePG's operators, in any namespace
    operators: list[Mapping[str, Any]] = field(default_factory=list)
    # Secret -> its keys and, where it has one, the user name in it; None: there is none. Unreadable ones are left out
    secrets: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    # what the definitions on the cluster have: Cluster with barmanObjectStore, Database with extensions; None: unknown
    has_in_tree: bool | None = None
    has_database_extensions: bool | None = None
    # what this cluster's own pods request now: cores, bytes
    requested: Mapping[str, float] = field(default_factory=dict)


def check(
    values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, manifests: Iterable[Mapping[str, Any]] = ()
) -> Findings:
    """Everything that can be known before the first write."""
    findings = Findings()
    version = check_operator(values, cluster, live, findings)
    if values["cnpg_install_method"] == "helmrelease":
        check_flux("cnpg", cluster, findings)
        check_chart(values, findings)
    elif values["cnpg_install_method"] == "manifests":
        check_manifests(values, list(manifests), findings)
    check_names(values, findings)
    check_settings(values, findings)
    check_image(values, live, findings)
    check_existing(values, live, findings)
    check_recovery(values, live, findings)
    check_database_kind(values, cluster, live, version, findings)
    check_backup(values, cluster, live, version, findings)
    check_secrets(values, live, findings)
    check_storage_class("cnpg", values, cluster, findings)
    check_zones(values, cluster, findings)
    check_capacity(values, cluster, live, findings)
    check_pod_monitor(values, cluster, findings)
    return findings


def check_operator(values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, findings: Findings) -> str:
    """The operator is there or comes with this role; its release, or "" if none can be told."""
    comes, wanted = values["cnpg_install_method"] != "existing", str(values["cnpg_operator_version"])
    missing = [kind for kind in KINDS if not cluster["served"].get(f"{kind}.{GROUP}")]
    findings.facts["expected_kinds"] = [f"{kind}.{GROUP}" for kind in missing] if comes else []
    findings.facts["expected_namespaces"] = []
    if missing and not comes:
        findings.problem(
            f"the cluster does not serve {', '.join(missing)} of {GROUP}: install CloudNativePG, or let this role do it"
            " (cnpg_install_method: helmrelease or manifests)"
        )
    running = sorted({version for version in map(versions.operator_version, live.operators) if version})
    findings.facts["operator_versions"] = running
    if comes and not versions.numbers(wanted):
        findings.problem(f"cnpg_operator_version must be a release such as 1.30.0, it is {wanted}")
    version = wanted if comes else (running[-1] if running else "")
    if not comes and not missing and not running:
        findings.warn("no pod of CloudNativePG's operator is to be seen: if none runs, nothing will become ready")
    if comes and running and any(newer(found, wanted) for found in running):
        findings.problem(
            f"the cluster runs CloudNativePG {', '.join(running)}, cnpg_operator_version is {wanted}: an operator does"
            " not go back. Set the release that runs, or cnpg_install_method: existing"
        )
    kubernetes = cluster["version"]
    findings.warn(
        versions.kubernetes_warning(version, int(kubernetes["major"]), int(str(kubernetes["minor"]).rstrip("+")))
    )
    return version


def newer(one: str, other: str) -> bool:
    """Whether a release is of a newer minor than another; False for what is no release."""
    first, second = versions.numbers(one), versions.numbers(other)
    return bool(first and second and first[:2] > second[:2])


def check_chart(values: Mapping[str, Any], findings: Findings) -> None:
    """The chart's version is given: it is not the operator's."""
    if not values["cnpg_chart_version"]:
        findings.problem(
            "cnpg_install_method is helmrelease: set cnpg_chart_version to the version of the chart that is for"
            f" CloudNativePG {values['cnpg_operator_version']} (the two are numbered differently)"
        )


def check_manifests(values: Mapping[str, Any], manifests: list[Mapping[str, Any]], findings: Findings) -> None:
    """The manifests hold the operator that the variables name."""
    if not values["cnpg_manifests"]:
        findings.problem("cnpg_install_method is manifests: set cnpg_manifests to a directory, files or objects")
        return
    found = {versions.operator_version(each) for each in manifests if each.get("kind") == "Deployment"} - {None}
    wanted = str(values["cnpg_operator_version"])
    if found and found != {wanted}:
        findings.problem(
            f"cnpg_manifests hold CloudNativePG {', '.join(sorted(map(str, found)))}, cnpg_operator_version is"
            f" {wanted}: give the manifests of {wanted}"
        )
    if not found:
        findings.warn("cnpg_manifests hold no Deployment of an operator with a release in its image's tag")


def check_names(values: Mapping[str, Any], findings: Findings) -> None:
    """Names by Kubernetes', the operator's and PostgreSQL's rules."""
    if not CLUSTER_NAME.match(str(values["cnpg_name"])):
        findings.problem(
            f"cnpg_name must be a DNS label of at most 50 characters (a-z, 0-9, -), it is {values['cnpg_name']!r}"
        )
    if not DNS_SUBDOMAIN.match(str(values["cnpg_namespace"])):
        findings.problem(f"cnpg_namespace must be a Kubernetes name, it is {values['cnpg_namespace']!r}")
    for name in ("cnpg_database", "cnpg_owner", "cnpg_check_user"):
        found = str(values[name])
        if name == "cnpg_check_user" and (not found or EXTENSION_NAME.match(found)):
            continue
        if not SQL_NAME.match(found):
            findings.problem(f"{name} must be an SQL name (a-z, 0-9, _, not beginning with a digit), it is {found!r}")
    if values["cnpg_database"] in RESERVED_DATABASES:
        findings.problem(f"cnpg_database cannot be {values['cnpg_database']}, which is PostgreSQL's own")
    for name in ("cnpg_owner", "cnpg_check_user"):
        if values[name] in RESERVED_ROLES or str(values[name]).startswith("pg_"):
            findings.problem(f"{name} cannot be {values[name]}, which is reserved")
    if values["cnpg_check_user"] == values["cnpg_owner"]:
        findings.problem("cnpg_check_user is cnpg_owner: give the checks a user of their own, or '' for none")
    for name, rule in (("cnpg_extensions", EXTENSION_NAME), ("cnpg_schemas", SQL_NAME)):
        findings.problems_from(f"{name}: {each!r} is no name" for each in values[name] if not rule.match(str(each)))
        twice = sorted({str(each) for each in values[name] if values[name].count(each) > 1})
        findings.problems_from(f"{each} stands more than once in {name}: keep one" for each in twice)


def check_settings(values: Mapping[str, Any], findings: Findings) -> None:
    """Numbers and quantities on their own and against each other."""
    for name in ("cnpg_instances", "cnpg_backup_retention_days", "cnpg_pooler_instances", "cnpg_backup_max_age_hours"):
        if values[name] < 1:
            findings.problem(f"{name} must be at least 1, it is {values[name]}")
    if values["cnpg_instances"] == 1:
        findings.warn("with one instance there is no replica: a lost node is a lost database until it is restored")
    for name in ("cnpg_cpu", "cnpg_cpu_limit", "cnpg_memory", "cnpg_storage_size"):
        try:
            if quantity(values[name]) <= 0:
                findings.problem(f"{name} must be more than 0, it is {values[name]}")
        except ValueError as error:
            findings.problem(f"{name}: {error}")
    try:
        if quantity(values["cnpg_cpu_limit"]) < quantity(values["cnpg_cpu"]):
            findings.problem(
                f"cnpg_cpu_limit ({values['cnpg_cpu_limit']}) is less than cnpg_cpu ({values['cnpg_cpu']})"
            )
    except ValueError:
        pass  # said above


def check_image(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """The image's tag tells a version, and not an older one than the data is of."""
    image = str(values["cnpg_image"])
    major = versions.postgresql_major(image)
    if major is None:
        findings.problem(
            f"cnpg_image must have a tag that begins with PostgreSQL's version, such as …:16.15, it is {image}:"
            " CloudNativePG reads the version from it"
        )
        return
    now = (((live.cluster or {}).get("status") or {}).get("pgDataImageInfo") or {}).get("majorVersion")
    if now is None and live.cluster:
        now = versions.postgresql_major(live.cluster["spec"].get("imageName") or "")
    if now and major < now:
        findings.problem(
            f"cnpg_image is PostgreSQL {major}, the data is of {now}: a major version does not go back. Restore a"
            " backup of the older version to a new cluster instead"
        )
    elif now and major > now:
        findings.warn(
            f"cnpg_image goes from PostgreSQL {now} to {major}: the operator stops the database for pg_upgrade; take a"
            " backup first and one afterwards: an older one cannot be recovered beyond the upgrade"
        )


def check_existing(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """Changes that the operator ignores or refuses on a Cluster that exists already."""
    if not live.cluster:
        return
    spec = live.cluster["spec"]
    storage = spec.get("storage") or {}
    size, wanted = storage.get("size"), values["cnpg_storage_size"]
    try:
        if size and quantity(wanted) < quantity(size):
            findings.problem(f"cnpg_storage_size is {wanted}, the volumes have {size}: a volume cannot shrink")
    except ValueError:
        pass  # said by check_settings
    if (storage.get("storageClass") or "") != values["cnpg_storage_class"]:
        findings.problem(
            f"cnpg_storage_class is {values['cnpg_storage_class'] or '(the default class)'}, the volumes have"
            f" {storage.get('storageClass') or '(the default class)'}: existing volumes keep theirs. Restore a backup"
            " to a new cluster to change it"
        )
    born = (spec.get("bootstrap") or {}).get("initdb") or {}
    for variable, name in (("cnpg_database", "database"), ("cnpg_owner", "owner")):
        if born.get(name) and born[name] != values[variable]:
            findings.problem(
                f"{variable} is {values[variable]}, the cluster was made with {born[name]}: that is read at its birth"
                f" alone. Put {born[name]} back"
            )
    instances = spec.get("instances") or 1
    if values["cnpg_instances"] < instances:
        findings.warn(
            f"cnpg_instances goes from {instances} to {values['cnpg_instances']}: the operator removes the last"
            " replicas with their volumes"
        )


def check_recovery(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """Whose backups the database is made from, or was. Sets the fact `born`: what a recovered Cluster's spec keeps."""
    spec = (live.cluster or {}).get("spec") or {}
    recovery = (spec.get("bootstrap") or {}).get("recovery") or {}
    others = spec.get("externalClusters") or []
    parts = ("bootstrap", "externalClusters") if recovery else ()
    findings.facts["born"] = {part: spec[part] for part in parts if spec.get(part)}
    wanted, was = values["cnpg_recover_from"], recovered_from(recovery, others)
    if live.cluster and wanted and wanted != was:
        how = f"was recovered from {was or 'elsewhere'}" if recovery else "did not begin with a recovery"
        findings.problem(
            f"cnpg_recover_from is {wanted}, and the Cluster {values['cnpg_name']} is there and {how}: a database is"
            " never recovered in place. Take it away first (rollback_cnpg.yml), restore to another beside it"
            f" (restore_database.yml), or set cnpg_recover_from: {was or repr('')}"
        )
        return
    if wanted and not values["cnpg_backup"]:
        findings.problem(f"cnpg_recover_from is {wanted}, and cnpg_backup is false: nothing says where the store is")
    own = values["cnpg_server_name"] or values["cnpg_name"]
    if values["cnpg_backup"] and (wanted or was) == own:
        findings.problem(
            f"the database {'was' if live.cluster else 'is to be'} recovered from the folder {own}, and would archive"
            " into it: PostgreSQL archives nothing into a folder with another database's log. Set cnpg_server_name to"
            " a folder that nobody has used, in the inventory, as every later run needs it too"
        )


def recovered_from(recovery: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> str:
    """The folder of the store that a Cluster was recovered from; "" if it was another way."""
    source = recovery.get("source") or ""
    found: Mapping[str, Any] = next((each for each in others if each.get("name") == source), {})
    store = found.get("barmanObjectStore") or (found.get("plugin") or {}).get("parameters") or {}
    return str(store.get("serverName") or source)


def check_database_kind(
    values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, version: str, findings: Findings
) -> None:
    """Whether a Database can keep the extensions and schemas, or they are made once at the birth."""
    served, comes = bool(cluster["served"].get(f"Database.{GROUP}")), values["cnpg_install_method"] != "existing"
    able = live.has_database_extensions if live.has_database_extensions is not None else served or comes
    if live.has_database_extensions is None and versions.has_database_extensions(version) is not None:
        able = able and bool(versions.has_database_extensions(version))
    findings.facts["database_kind"] = able
    if able and not served:
        findings.facts["expected_kinds"].append(f"Database.{GROUP}")
    if not able and live.cluster:
        findings.warn(
            "this CloudNativePG has no Database with extensions (1.26 and newer do): changes of cnpg_extensions and"
            " cnpg_schemas are not made on a database that exists"
        )


def check_backup(
    values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, version: str, findings: Findings
) -> None:
    """Who takes the backups here, and that the settings suit it. Sets the fact `backup_method`, "" for none."""
    findings.facts["backup_method"] = ""
    if not values["cnpg_backup"]:
        if backs_up(live.cluster):
            findings.warn("cnpg_backup is false and the cluster archives: it will no longer be recoverable to a moment")
        return
    problem = cnpg_schedule.problem(values["cnpg_backup_schedule"])
    findings.problem(problem and f"cnpg_backup_schedule: {problem}")
    if not S3.match(str(values["cnpg_backup_destination"])):
        findings.problem(
            "cnpg_backup_destination must be a bucket and a folder such as s3://backups/postgresql/, it is"
            f" {values['cnpg_backup_destination']!r}"
        )
    for name in ("cnpg_s3_endpoint", "cnpg_s3_endpoint_here"):
        if values[name] and not str(values[name]).startswith(("http://", "https://")):
            findings.problem(f"{name} must begin with https:// or http://, it is {values[name]!r}")
    method = backup_method(values, cluster, live, version, findings)
    findings.facts["backup_method"] = method
    if method == IN_TREE:
        findings.warn(versions.in_tree_warning(version))
        if WITHOUT_BARMAN.search(str(values["cnpg_image"])):
            findings.problem(
                f"the image {values['cnpg_image']} has no barman-cloud, which backups by the operator itself run: take"
                " the one named system, or plugin-barman-cloud (cnpg_backup_method: plugin)"
            )
    now = backs_up(live.cluster)
    if now and method and now != method:
        findings.warn(f"backups move from {now} to {method}: take one as soon as the cluster is ready")


def backs_up(cluster: Mapping[str, Any] | None) -> str:
    """How a live Cluster is backed up now; "" if it is not, or does not exist."""
    spec = (cluster or {}).get("spec") or {}
    if any(plugin.get("isWALArchiver") and plugin.get("enabled", True) for plugin in spec.get("plugins") or []):
        return PLUGIN
    return IN_TREE if (spec.get("backup") or {}).get("barmanObjectStore") else ""


def backup_method(
    values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, version: str, findings: Findings
) -> str:
    """The method that was asked for, or the one that `auto` means here; "" (and a problem) if it cannot be had."""
    plugin = bool(cluster["served"].get(OBJECT_STORE))
    in_tree = live.has_in_tree
    if in_tree is None:
        in_tree = versions.has_in_tree(version)
    in_tree = in_tree is not False and versions.has_in_tree(version) is not False
    asked = values["cnpg_backup_method"]
    chosen = asked if asked != AUTO else backs_up(live.cluster) or (PLUGIN if plugin else IN_TREE)
    if chosen == PLUGIN and not plugin:
        findings.problem(
            "backups are to be taken by plugin-barman-cloud, and the cluster does not serve ObjectStore of"
            " barmancloud.cnpg.io: install the plugin" + (", or set cnpg_backup_method: in_tree" if in_tree else "")
        )
        return ""
    if chosen == IN_TREE and not in_tree:
        who = f"CloudNativePG {version}" if version else "this CloudNativePG"
        findings.problem(
            f"{who} takes no backups by itself any more (barmanObjectStore is gone since 1.31): install"
            " plugin-barman-cloud"
            + (" and set cnpg_backup_method: plugin" if asked == IN_TREE or backs_up(live.cluster) == IN_TREE else "")
        )
        return ""
    return str(chosen)


#: the one Secret that is always made by others
AUTHORITY = "cnpg_s3_ca_secret"


def needed_secrets(values: Mapping[str, Any]) -> dict[str, tuple[str, tuple[str, ...], str]]:
    """Secret -> (the variable that names it, the keys it needs, the user it must be of)."""
    login = ("username", "password")
    found = {values["cnpg_owner_secret"]: ("cnpg_owner_secret", login, values["cnpg_owner"])}
    if values["cnpg_check_user"]:
        found[values["cnpg_check_secret"]] = ("cnpg_check_secret", login, values["cnpg_check_user"])
    if values["cnpg_backup"]:
        found[values["cnpg_s3_secret"]] = ("cnpg_s3_secret", ("access_key_id", "secret_access_key"), "")
    if values["cnpg_backup"] and values["cnpg_s3_ca_secret"]:
        found[values["cnpg_s3_ca_secret"]] = (AUTHORITY, ("ca.crt",), "")
    return found


def check_secrets(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """The Secrets are there, or somebody is there to make them."""
    namespace = values["cnpg_namespace"]
    for name, (variable, keys, user) in needed_secrets(values).items():
        if name not in live.secrets:
            continue
        found = live.secrets[name]
        missing = [key for key in keys if key not in (found or {})]
        if missing and (variable == AUTHORITY or not values["cnpg_external_secrets"]):
            what = f"no Secret {name}" if found is None else f"no {' and no '.join(missing)} in Secret {name}"
            instead = "" if variable == AUTHORITY else ", or set cnpg_external_secrets: true"
            findings.problem(f"there is {what} ({variable}) in {namespace}: make it with {' and '.join(keys)}{instead}")
        there = (found or {}).get("username")
        if user and there and there != user:
            findings.problem(
                f"the user name in Secret {namespace}/{name} is {there}, it must be {user}: the operator takes no other"
            )


def check_zones(values: Mapping[str, Any], cluster: Mapping[str, Any], findings: Findings) -> None:
    """Enough zones to spread over. Only the well-known zone label can be seen here."""
    if values["cnpg_topology_key"] != ZONE or "nodes" in (cluster.get("unreadable") or []):
        return
    zones = sorted({node["zone"] for node in capacity.usable_nodes(cluster) if node["zone"]})
    if len(zones) >= values["cnpg_instances"]:
        return
    text = f"{values['cnpg_instances']} instances, and the ready nodes are in {len(zones)} zones ({', '.join(zones)})"
    if values["cnpg_anti_affinity"] == "required":
        findings.problem(f"{text}: label the nodes with {ZONE}, or set cnpg_anti_affinity: preferred")
    else:
        findings.warn(f"{text}: the loss of one takes several of them with it")


def check_capacity(values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """The sums of requests against what the nodes have left."""
    try:
        asked = [
            capacity.Request(
                "instance",
                values["cnpg_instances"],
                quantity(values["cnpg_cpu"]),
                quantity(values["cnpg_memory"]),
                quantity(values["cnpg_storage_size"]),
            )
        ]
    except ValueError:
        return  # said by check_settings
    capacity.check(capacity.Demand(tuple(asked), live.requested), cluster, findings)


def check_pod_monitor(values: Mapping[str, Any], cluster: Mapping[str, Any], findings: Findings) -> None:
    """A PodMonitor is made where somebody reads it."""
    served = bool(cluster["served"].get(POD_MONITOR))
    findings.facts["pod_monitor"] = served and values["cnpg_metrics"]
    if values["cnpg_metrics"] and not served:
        findings.skip(
            "PodMonitor",
            "the cluster does not serve monitoring.coreos.com; the instances' metrics stand ready on port 9187",
        )
