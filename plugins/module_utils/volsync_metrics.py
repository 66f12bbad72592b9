# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VolSync's metrics: a page that wants a bearer token, over a certificate that VolSync signs itself.

Upstream: internal/controller/metrics.go and cmd/main.go (metrics-secure, metrics-require-rbac) of backube/volsync.
"""

from __future__ import annotations

import http.client
import re
import ssl
from dataclasses import dataclass

from .errors import ClusterError

SERVICE, PORT = "volsync-metrics", 8443
DURATION = "volsync_sync_duration_seconds"
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Durations:
    """The syncs of one object since the operator started: how many, and how long all of them took, in seconds."""

    count: int
    seconds: float


def scrape(address: tuple[str, int], token: str, timeout: float) -> str:
    """The page; raises ClusterError with what stands in the way. The address leads to the Service."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # signed by itself at each start: there is nothing to check it against
    connection = http.client.HTTPSConnection(*address, timeout=timeout, context=context)
    try:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise ClusterError(f"VolSync's metrics cannot be read: {error or type(error).__name__}.") from error
    finally:
        connection.close()
    if answer.status in (401, 403):
        raise ClusterError(
            f"VolSync's metrics want a log-in (HTTP {answer.status}): the account needs the ClusterRole"
            " volsync-metrics-reader (volsync_metrics: true makes one)."
        )
    if answer.status != 200:
        raise ClusterError(f"VolSync's metrics answer with HTTP {answer.status}.")
    return text


def durations(page: str, namespace: str, name: str) -> Durations | None:
    """The syncs of one ReplicationSource or ReplicationDestination; None when the page has none."""
    found: dict[str, float] = {}
    for line in page.splitlines():
        if not line.startswith((f"{DURATION}_sum{{", f"{DURATION}_count{{")):
            continue
        labels = dict(_LABEL.findall(line))
        if (labels.get("obj_namespace"), labels.get("obj_name")) == (namespace, name):
            found[line.partition("{")[0].rpartition("_")[2]] = float(line.rpartition(" ")[2])
    if not found.get("count"):
        return None
    return Durations(int(found["count"]), found.get("sum", 0.0))
