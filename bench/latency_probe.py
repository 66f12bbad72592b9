# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What the slow way really adds to one request, for a client that speaks HTTP/1.1 and for one that speaks HTTP/2."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3

from bench import pairs
from bench.cluster import Client
from bench.contenders import environment, write_objects
from bench.failures import InvalidMeasurementError
from bench.object_sets import object_set
from bench.workbench import Workbench
from rehearsal.paths import REPOSITORY

ROUNDS = 3
REQUESTS = 100  # of each client in each round: enough to stand out from the noise of starting a process


@dataclass(frozen=True)
class Added:
    """Milliseconds added to each request, by protocol."""

    http1: float
    http2: float

    def __str__(self) -> str:
        return f"{self.http1:.1f} ms by HTTP/1.1, {self.http2:.1f} ms by HTTP/2"


def probe(
    work: Workbench, client: Client, kubeconfigs: Mapping[int, Path], addresses: Mapping[int, tuple[str, int]]
) -> Added:
    """The median over rounds of the difference between the ways: loopback is the one of 0 ms."""
    slow = max(addresses)
    for kubeconfig in kubeconfigs.values():
        kubectl_apply(work, kubeconfig, 1)  # fills the discovery cache
    by_http1, by_http2 = [], []
    for _ in range(ROUNDS):
        one = {way: http1(work, client, addresses[way], REQUESTS) for way in (0, slow)}
        two = {way: http2(work, client, kubeconfigs[way], REQUESTS) for way in (0, slow)}
        by_http1.append(one[slow] - one[0])
        by_http2.append(two[slow] - two[0])
    return Added(statistics.median(by_http1) * 1000, statistics.median(by_http2) * 1000)


def http1(work: Workbench, client: Client, address: tuple[str, int], requests: int) -> float:
    """Median seconds of a request on a connection that is open already."""
    pool = urllib3.HTTPSConnectionPool(*address, maxsize=1, ssl_context=work.cluster.tls)
    headers = {"Authorization": f"Bearer {client.token}"}
    seconds = []
    for _ in range(requests + 1):
        began = time.perf_counter()
        pool.request("GET", "/version", headers=headers)
        seconds.append(time.perf_counter() - began)
    pool.close()
    return statistics.median(seconds[1:])


def http2(work: Workbench, client: Client, kubeconfig: Path, count: int) -> float:
    """Seconds a request costs kubectl: a process with many, less a process with one, by the requests they differ in."""
    seconds, requests = [], []
    for objects in (1, count + 1):
        start = work.audit.end()
        seconds.append(kubectl_apply(work, kubeconfig, objects))
        requests.append(work.audit.requests(client.user, start).total)
    more = requests[1] - requests[0]
    if more < count:
        raise InvalidMeasurementError(
            f"kubectl asked {more} times more for {count} objects more: its latency is unknown"
        )
    return (seconds[1] - seconds[0]) / more


def kubectl_apply(work: Workbench, kubeconfig: Path, count: int) -> float:
    """Seconds of a process that sends `count` dry-run applies, one after the other (kubectl get would ask at once)."""
    objects = object_set(count, ("default", "default"))
    file = write_objects(kubeconfig.parent / f"probe-{count}.json", objects)
    command = [str(work.kubectl), f"--kubeconfig={kubeconfig}", f"--cache-dir={kubeconfig.parent}/kubectl-cache"]
    command += ["apply", "--server-side", "--dry-run=server", f"--filename={file}"]
    return pairs.run(command, environment(kubeconfig.parent), REPOSITORY).seconds
