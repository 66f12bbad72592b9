# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The second `site.yml` against `kubectl apply --server-side` and `kubectl wait` of the same objects."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from bench import pairs
from bench.cluster import Cluster, check_unmoved
from bench.contenders import BIN, ansible, environment, playbook
from bench.failures import InvalidMeasurementError
from bench.object_sets import Object
from bench.owned_fields import applied_by
from bench.workbench import Workbench
from rehearsal.paths import REPOSITORY

MANAGER = "synergyflow.platform"
SET_ID = "applyset.kubernetes.io/id"
PART_OF = "applyset.kubernetes.io/part-of"
GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# what `kubectl wait` can wait for; other kinds have no condition that says they are ready
CONDITIONS = {
    "CustomResourceDefinition": "Established",
    "Deployment": "Available",
    "Kafka": "Ready",
    "KafkaTopic": "Ready",
    "KafkaUser": "Ready",
}
SITE, KUBECTL, LOADING, EMPTY = "site.yml", "kubectl apply and wait", "site.yml, loaded and not run", "an empty play"


@dataclass(frozen=True)
class Member:
    """One object of a set, with what kubectl needs to name it."""

    live: Object
    resource: str  # plural.group

    @property
    def key(self) -> tuple[str, str, str]:
        """Names it among all."""
        metadata = self.live["metadata"]
        return self.resource, metadata.get("namespace", ""), metadata["name"]


@dataclass
class SiteOutcome:
    """Seconds of each command by round, in rounds, and the requests of the last one."""

    objects: int
    seconds: dict[str, list[float]]
    requests: dict[str, int]

    def ratio(self, less: str | None = None) -> pairs.Spread:
        """`site.yml` by kubectl within rounds; `less` names a start-up that is taken off first."""
        off = self.seconds[less] if less else [0.0] * len(self.seconds[SITE])
        net = [site - start_up for site, start_up in zip(self.seconds[SITE], off, strict=True)]
        return pairs.Spread.of(pairs.ratios(net, self.seconds[KUBECTL]))


def members(cluster: Cluster) -> list[Member]:
    """Everything that the collection's sets consist of, and the sets' own records."""
    plurals = _plurals(cluster)
    parents = cluster.request("GET", f"/api/v1/configmaps?labelSelector={SET_ID}")["items"]
    found = [Member({"apiVersion": "v1", "kind": "ConfigMap", **parent}, "configmaps") for parent in parents]
    for parent in parents:
        of_set = f"{PART_OF}%3D{parent['metadata']['labels'][SET_ID]}"
        for group_kind in parent["metadata"]["annotations"][GROUP_KINDS].split(","):
            version, plural = plurals[group_kind]
            kind, _, group = group_kind.partition(".")
            root = f"/apis/{group}" if group else "/api"
            for item in cluster.request("GET", f"{root}/{version}/{plural}?labelSelector={of_set}")["items"]:
                live = {**item, "apiVersion": f"{group}/{version}".lstrip("/"), "kind": kind}
                found.append(Member(live, f"{plural}.{group}".rstrip(".")))
    return found


def playbook_of(name: str, kubeconfig: Path) -> list[str]:
    """A playbook of the collection on one cluster, without Flux, whose controllers work beside what is timed."""
    connection = json.dumps({"flux_enabled": False, "cluster_connection": {"kubeconfig": str(kubeconfig)}})
    command = [str(BIN / "ansible-playbook"), f"playbooks/{name}.yml", "-i", "inventories/rehearsal", "--limit", "apps"]
    return [*command, "--extra-vars", connection]


def deploy(work: Workbench, kubeconfig: Path, *more: str) -> None:
    """`site.yml`, uncounted."""
    variables = environment(work.scratch / "site") | work.paths.environment()
    pairs.run([*playbook_of("site", kubeconfig), *more], variables, REPOSITORY)


def measure(work: Workbench, rounds: int) -> SiteOutcome:
    """Deploy once, uncounted; then all commands in turns, and look after each that nothing moved."""
    cluster, scratch = work.cluster, work.scratch / "site"
    clients = {what: cluster.client(name) for what, name in ((SITE, "site"), (KUBECTL, "site-kubectl"))}
    kubeconfigs = {
        what: cluster.write_kubeconfig(scratch / f"kubeconfig-{i}", c) for i, (what, c) in enumerate(clients.items())
    }
    variables = environment(scratch) | work.paths.environment()
    site = playbook_of("site", kubeconfigs[SITE])
    work.say("  the first site.yml, not counted")
    deploy(work, kubeconfigs[SITE])

    every = members(cluster)
    objects = [applied for member in every if (applied := applied_by(MANAGER, member.live))]
    if len(objects) < 2:
        raise InvalidMeasurementError("site.yml applied no set: nothing to compare")
    applied_set = scratch / "site.json"
    applied_set.touch(mode=0o600)  # it may hold Secrets
    applied_set.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    shell = " && ".join(
        shlex.join(c) for c in _kubectl(work.kubectl, kubeconfigs[KUBECTL], scratch, applied_set, every)
    )
    commands = {
        SITE: site,
        KUBECTL: ["/bin/sh", "-c", shell],
        LOADING: [*site, "--list-tasks"],
        EMPTY: ansible(playbook(scratch / "empty.yml")),
    }
    for command in commands.values():
        pairs.run(command, variables, REPOSITORY)

    outcome = SiteOutcome(len(objects), {what: [] for what in commands}, {})
    for number in range(rounds):
        for what in pairs.turns(list(commands), number):
            before, start = _versions(cluster), work.audit.end()
            process = pairs.run(commands[what], variables, REPOSITORY)
            if what == SITE and not re.search(r"changed=0\s+unreachable=0\s+failed=0", process.output):
                raise InvalidMeasurementError(f"the second site.yml changed something:\n{process.output[-1500:]}")
            check_unmoved(before, _versions(cluster))
            if what in clients:
                outcome.requests[what] = work.audit.requests(clients[what].user, start).total
            outcome.seconds[what].append(process.seconds)
            work.say(f"  {what:<30} {process.seconds:7.2f} s  {outcome.requests.get(what, 0):5} requests")
    return outcome


def _kubectl(kubectl: Path, kubeconfig: Path, scratch: Path, applied_set: Path, every: list[Member]) -> list[list[str]]:
    """One apply, and one wait for each condition and namespace."""
    base = [str(kubectl), f"--kubeconfig={kubeconfig}", f"--cache-dir={scratch / 'kubectl-cache'}"]
    waits: dict[tuple[str, str], list[str]] = {}
    for member in every:
        condition = CONDITIONS.get(member.live["kind"])
        if condition:
            resource, namespace, name = member.key
            waits.setdefault((condition, namespace), []).append(f"{resource}/{name}")
    # under the same name: what is read back has the server's defaults in lists that are owned whole, and a second
    # manager of those would stand in the way of the next site.yml
    commands = [[*base, "apply", "--server-side", f"--field-manager={MANAGER}", f"--filename={applied_set}"]]
    for (condition, namespace), names in waits.items():
        where = [f"--namespace={namespace}"] if namespace else []
        commands.append([*base, "wait", f"--for=condition={condition}", "--timeout=600s", *where, *names])
    return commands


def _versions(cluster: Cluster) -> dict[tuple[str, str, str], str]:
    return {member.key: member.live["metadata"]["resourceVersion"] for member in members(cluster)}


def _plurals(cluster: Cluster) -> dict[str, tuple[str, str]]:
    """`Kind.group` -> (preferred version, plural)."""
    found: dict[str, tuple[str, str]] = {}
    for path in ("/api", "/apis"):
        for group in cluster.request("GET", path, accept=DISCOVERY)["items"]:
            for version in group["versions"]:
                for resource in version["resources"]:
                    kind = resource.get("responseKind", {}).get("kind", "")
                    name = f"{kind}.{group['metadata'].get('name', '')}".rstrip(".")
                    found.setdefault(name, (version["version"], resource["resource"]))
    return found
