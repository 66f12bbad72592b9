# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before the role volsync changes anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from ..cron_schedule import five_field_problem
from ..quantity import quantity
from ..topics_and_users import DNS_SUBDOMAIN
from ..volsync_sources import volsync_sources
from .capacity import Demand, Request
from .common import check_flux
from .findings import Findings

KINDS = ("ReplicationSource", "ReplicationDestination")
GROUP = "volsync.backube"
SNAPSHOT_KINDS = ("VolumeSnapshot", "VolumeSnapshotClass", "VolumeSnapshotContent")
SNAPSHOT_GROUP = "snapshot.storage.k8s.io"
SERVICE_MONITOR = "ServiceMonitor.monitoring.coreos.com"
#: what the checks log in to the store with
CHECK_SECRET = "volsync-check-restic"
RETAINED = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
RELEASE = re.compile(r"^\d+\.\d+\.\d+$")
IMAGE = re.compile(r"backube/volsync:v?(?P<version>\d+\.\d+\.\d+)")


@dataclass
class Live:
    """What of it is on the cluster. A part that may not be read is None."""

    namespaces: set[str] | None = None
    #: (namespace, name) of the claims that were asked for and are there
    claims: set[tuple[str, str]] | None = None
    #: (namespace, name) of the repository Secrets that were asked for and are there
    secrets: set[tuple[str, str]] | None = None
    snapshot_classes: set[str] | None = None
    other_sources: list[Mapping[str, Any]] = field(default_factory=list)


def check(
    values: Mapping[str, Any], cluster: Mapping[str, Any], manifests: Iterable[Mapping[str, Any]], live: Live
) -> Findings:
    """Everything that can be known before the first write."""
    findings = Findings()
    version = str(values["volsync_version"])
    if not DNS_SUBDOMAIN.match(str(values["volsync_namespace"])):
        findings.problem(f"volsync_namespace must be a Kubernetes name, it is {values['volsync_namespace']!r}")
    if not RELEASE.match(version):
        findings.problem(f"volsync_version must be a release such as 0.16.0, it is {version}")
    served = cluster["served"]
    check_operator(values, cluster, list(manifests), findings)
    check_store(values, findings)
    sources = volsync_sources(values["volsync_sources"], values)
    check_sources(values, sources, findings)
    check_cluster(values, sources, cluster, live, findings)
    findings.demand = Demand(tuple(caches(sources)))
    own = values["volsync_namespace"]
    used = {each["namespace"] for each in sources} - {own}
    later = sorted(name for name in used if not _known(live.namespaces, name))
    for source in sources:
        if source["to_come"] and source["namespace"] in later:
            findings.skip(
                f"ReplicationSource {source['namespace']}/{source['name']}",
                "its namespace is not there yet (to_come); run the role again when it is",
            )
    expected = [f"{kind}.{GROUP}" for kind in KINDS if not served.get(f"{kind}.{GROUP}")]
    findings.facts |= {
        "api_version": f"{GROUP}/{(served.get(f'ReplicationSource.{GROUP}') or ['v1alpha1'])[0]}",
        "service_monitor": bool(values["volsync_metrics"] and served.get(SERVICE_MONITOR)),
        # sources in these are left out: nothing can be made there
        "namespaces_to_come": later,
        "expected_kinds": expected,
        "expected_namespaces": [] if _known(live.namespaces, values["volsync_namespace"]) else _new(values),
    }
    if values["volsync_metrics"] and not served.get(SERVICE_MONITOR):
        findings.skip("ServiceMonitor", "the cluster does not serve it")
    return findings


def check_operator(
    values: Mapping[str, Any], cluster: Mapping[str, Any], manifests: list[Mapping[str, Any]], findings: Findings
) -> None:
    """The operator can arrive, and can start."""
    served = cluster["served"]
    method = values["volsync_install_method"]
    if method == "helmrelease":
        check_flux("volsync", cluster, findings)
    elif method == "existing" and not served.get(f"ReplicationSource.{GROUP}"):
        findings.problem(
            "volsync_install_method is existing and the cluster does not serve ReplicationSource: install VolSync, or"
            " let the role do it (helmrelease, manifests)"
        )
    elif method == "manifests":
        check_manifests(values, manifests, findings)
    missing = [kind for kind in SNAPSHOT_KINDS if not served.get(f"{kind}.{SNAPSHOT_GROUP}")]
    if missing:
        findings.problem(
            f"the cluster does not serve {', '.join(missing)} ({SNAPSHOT_GROUP}): VolSync's controllers do not start"
            " without them, whatever the copy method; install the CRDs of external-snapshotter"
        )


def check_manifests(values: Mapping[str, Any], manifests: list[Mapping[str, Any]], findings: Findings) -> None:
    """The manifests hold the operator that the variables name."""
    if not values["volsync_manifests"]:
        findings.problem("volsync_install_method is manifests: set volsync_manifests to a directory, files or objects")
        return
    releases = [found for manifest in manifests if (found := operator_version(manifest))]
    for found in releases:
        if found != values["volsync_version"]:
            findings.problem(
                f"volsync_manifests hold VolSync {found}, volsync_version is {values['volsync_version']}: give the"
                f" manifests of {values['volsync_version']}"
            )
    if not releases:
        findings.warn("volsync_manifests hold no Deployment of VolSync with a release in its image's tag")


def operator_version(manifest: Mapping[str, Any]) -> str | None:
    """The release of VolSync that a Deployment runs."""
    if manifest.get("kind") != "Deployment":
        return None
    containers = ((manifest.get("spec") or {}).get("template") or {}).get("spec", {}).get("containers") or []
    found = [match["version"] for each in containers if (match := IMAGE.search(str(each.get("image") or "")))]
    return found[0] if found else None


def check_store(values: Mapping[str, Any], findings: Findings) -> None:
    """Where the repositories lie."""
    parts = urlsplit(str(values["volsync_s3_endpoint"]))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        findings.problem(
            "volsync_s3_endpoint must be an address such as https://s3.example.org, without a path, it is"
            f" {values['volsync_s3_endpoint']!r}"
        )
    here = urlsplit(str(values["volsync_s3_endpoint_here"]))
    if values["volsync_s3_endpoint_here"] and (here.scheme not in ("http", "https") or not here.hostname):
        findings.problem(
            "volsync_s3_endpoint_here must be an address such as https://s3.example.org, it is"
            f" {values['volsync_s3_endpoint_here']!r}"
        )
    if not values["volsync_s3_bucket"] or "/" in values["volsync_s3_bucket"]:
        findings.problem(f"volsync_s3_bucket must be the name of a bucket, it is {values['volsync_s3_bucket']!r}")


def check_sources(values: Mapping[str, Any], sources: list[dict[str, Any]], findings: Findings) -> None:
    """What the sources say, by themselves and to one another."""
    for given, source in zip(values["volsync_sources"], sources, strict=True):
        where = f"source {source['namespace']}/{source['name']}"
        findings.problems_from(f"{where}{problem}" for problem in source_problems(given, source))
    names = Counter((source["namespace"], source["name"]) for source in sources)
    findings.problems_from(
        f"{count} sources are named {namespace}/{name}" for (namespace, name), count in names.items() if count > 1
    )
    repositories: dict[str, set[str]] = {}
    for source in sources:
        repositories.setdefault(source["repository"], set()).add(f"{source['namespace']}/{source['name']}")
    findings.problems_from(
        f"{', '.join(sorted(users))} have the same repository {path}: restic would mix and forget one another's"
        " snapshots; one source a claim"
        for path, users in repositories.items()
        if len(users) > 1
    )


def source_problems(given: Mapping[str, Any], source: Mapping[str, Any]) -> list[str]:
    """What is wrong with one source, as the ends of sentences. `given` is as the inventory has it."""
    problems = [
        f": {key} must be a Kubernetes name, it is {source[key]!r}"
        for key in ("name", "namespace", "pvc")
        if not DNS_SUBDOMAIN.match(str(source[key]))
    ]
    if given.get("schedule") and given.get("manual"):
        problems.append(
            " has a schedule and manual: VolSync ignores the schedule while a manual trigger stands there; keep one"
            " of the two (volsync_backup backs up now and lets the schedule go on)"
        )
    elif not (source["schedule"] or source["manual"]):
        problems.append(" has neither a schedule nor manual: VolSync would sync it without end")
    elif source["schedule"] and (problem := five_field_problem(str(source["schedule"]))):
        problems.append(f": schedule {problem}")
    problems += [f": {problem}" for problem in retain_problems(source["retain"])]
    if int(source["prune_interval_days"]) < 1:
        problems.append(f": prune_interval_days must be at least 1, it is {source['prune_interval_days']}")
    try:
        well = quantity(source["cache_size"]) > 0
    except ValueError:
        well = False
    if not well:
        problems.append(f": cache_size must be a size such as 1Gi, it is {source['cache_size']!r}")
    return problems


def caches(sources: Iterable[Mapping[str, Any]]) -> Iterator[Request]:
    """The claim of each source's cache; movers ask for neither cores nor memory."""
    for source in sources:
        try:
            size = quantity(source["cache_size"])
        except ValueError:
            continue  # said by source_problems
        yield Request("cache of a source", 1, Decimal(0), Decimal(0), size)


def retain_problems(retain: Mapping[str, Any]) -> list[str]:
    """What restic would make of it: nothing kept, or not what was meant."""
    unknown = sorted(set(retain) - {*RETAINED, "within"})
    problems = [f"retain knows {', '.join(RETAINED)} and within, not {name}" for name in unknown]
    for name in RETAINED:
        if name in retain and (not str(retain[name]).isdigit() or int(retain[name]) < 1):
            problems.append(
                f"retain {name} must be at least 1, it is {retain[name]}; leave it out to keep none of these"
            )
    if not retain:
        problems.append("retain is empty: VolSync would keep the last snapshot alone; say last: 1 if that is meant")
    return problems


def check_cluster(
    values: Mapping[str, Any],
    sources: list[dict[str, Any]],
    cluster: Mapping[str, Any],
    live: Live,
    findings: Findings,
) -> None:
    """What the sources want is there."""
    classes = {each["name"] for each in cluster["storage_classes"]}
    known_classes = "storageclasses" not in cluster.get("unreadable", ())
    check_own_secrets(values, live, findings)
    for source in sources:
        where, namespace = f"source {source['namespace']}/{source['name']}", source["namespace"]
        if source["storage_class"] and known_classes and source["storage_class"] not in classes:
            findings.problem(f"{where}: there is no storage class {source['storage_class']}")
        if source["copy_method"] == "Snapshot" and live.snapshot_classes is not None:
            wanted = source["snapshot_class"]
            if wanted and wanted not in live.snapshot_classes:
                findings.problem(f"{where}: there is no VolumeSnapshotClass {wanted}")
            if not live.snapshot_classes:
                findings.problem(
                    f"{where}: copy_method Snapshot, and the cluster has no VolumeSnapshotClass: make one, or choose"
                    " Clone or Direct"
                )
        if source["to_come"]:
            continue
        if not _known(live.namespaces, namespace):
            findings.problem(f"{where}: there is no namespace {namespace}; set to_come if a later step makes it")
        elif live.claims is not None and (namespace, source["pvc"]) not in live.claims:
            findings.problem(
                f"{where}: there is no PersistentVolumeClaim {namespace}/{source['pvc']}; set to_come if a later step"
                " makes it"
            )
        elif (
            not values["volsync_external_secrets"]
            and live.secrets is not None
            and (namespace, source["secret"]) not in live.secrets
        ):
            findings.problem(
                f"{where}: there is no Secret {namespace}/{source['secret']} with RESTIC_REPOSITORY"
                f" ({source['repository']}), RESTIC_PASSWORD, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: make it, or"
                " set volsync_external_secrets"
            )
        authority = values["volsync_s3_ca_secret"]
        if authority and live.secrets is not None and (namespace, authority) not in live.secrets:
            findings.problem(
                f"{where}: there is no Secret {namespace}/{authority} (volsync_s3_ca_secret): make it with ca.crt"
            )


def check_own_secrets(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """What validate.yml needs beside the sources' Secrets, and nobody makes. The deployment does without."""
    wanted = [] if values["volsync_external_secrets"] else [CHECK_SECRET]
    wanted += [values["volsync_s3_ca_secret"]] if values["volsync_s3_ca_secret"] else []
    namespace = values["volsync_namespace"]
    missing = [name for name in wanted if live.secrets is not None and (namespace, name) not in live.secrets]
    if missing:
        findings.warn(
            f"there is no Secret {' and no Secret '.join(missing)} in {namespace}: without it validate.yml cannot look"
            " into the bucket, nor back up and restore (AC1-bucket, AC2, AC3)"
        )


def _known(namespaces: set[str] | None, name: str) -> bool:
    return namespaces is None or name in namespaces


def _new(values: Mapping[str, Any]) -> list[str]:
    return [str(values["volsync_namespace"])]
