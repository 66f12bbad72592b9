# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kafka made anew over claims that were kept: its old cluster id first, or its brokers refuse their own logs.

Strimzi's procedure (documentation, "Recovering a deleted Kafka cluster"): the Kafka is created paused, gets
status.clusterId, and goes on. Whoever applies the Kafka afterwards without the annotation ends the pause.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .api import APPLY, MERGE, Api
from .apply_plan import prepare, set_id
from .component_objects import STRIMZI
from .discovery import CLAIMS, Resource
from .errors import ClusterError
from .objects import Manifest, annotations_of, listed
from .ownership import entry_of
from .rollback.plan import CLUSTER_ID

PAUSE = "strimzi.io/pause-reconciliation"
#: seconds in which an operator, if one runs, has seen that the Kafka is paused
PAUSED_WITHIN = 30.0


@dataclass
class Identity:
    """What is to be done about a Kafka: the id that it gets, "" for nothing."""

    cluster_id: str = ""
    claims: int = 0
    #: an earlier run has begun it, and nobody has ended the pause
    paused: bool = False


def selector(cluster: str) -> str:
    """The claims of a Kafka's brokers."""
    return f"strimzi.io/cluster={cluster},strimzi.io/component-type=kafka"


def decide(
    cluster: str, kafka: Mapping[str, Any] | None, claims: Iterable[Mapping[str, Any]], given: str = ""
) -> Identity:
    """From what is there: whether a Kafka needs an old identity, and which. Raises ClusterError when nobody knows."""
    every = list(claims)
    if not every or ((kafka or {}).get("status") or {}).get("clusterId"):
        return Identity()
    if kafka is not None and annotations_of(kafka).get(PAUSE) != "true":
        return Identity()  # it is being made, its operator settles the id
    ids = {annotations_of(claim).get(CLUSTER_ID, "") for claim in every}
    known = sorted(ids - {""})
    names = listed((claim["metadata"]["name"] for claim in every), 4)
    if given and known and [given] != known:
        raise ClusterError(f"kafka_cluster_id is {given}, the claims {names} are of {listed(known)}: leave it empty.")
    if given or len(known) == 1:
        return Identity(given or known[0], len(every))
    if known:
        raise ClusterError(f"The claims {names} are of different Kafkas ({listed(known)}): delete those not meant.")
    raise ClusterError(
        f"There are claims of an earlier Kafka {cluster} ({names}), and nothing says which cluster id they have: a new"
        " Kafka would get another one, and its brokers would refuse the logs on them. Set kafka_cluster_id (cluster.id"
        " in meta.properties on the volume), or delete the claims if their data may go."
    )


def left_paused(kafka: Mapping[str, Any] | None, manager: str) -> bool:
    """Whether a run of this manager has given a Kafka its id, and ended before it was applied as it should be."""
    if kafka is None or annotations_of(kafka).get(PAUSE) != "true":
        return False
    fields = (entry_of(kafka, manager) or {}).get("fieldsV1") or {}
    return f"f:{PAUSE}" in ((fields.get("f:metadata") or {}).get("f:annotations") or {})


@dataclass
class Reattachment:
    """One run over one Kafka."""

    api: Api
    cluster: str
    namespace: str
    #: name of the set that the Kafka will be a member of
    member_of: str
    manager: str = "synergyflow.platform"

    def kafka_resource(self) -> Resource | None:
        return self.api.discover().preferred(STRIMZI, "Kafka")

    def look(self, given: str) -> Identity:
        """What has to be done."""
        resource = self.kafka_resource()
        claims = self.api.list(CLAIMS, self.namespace, selector=selector(self.cluster))
        if resource is None and not claims:
            return Identity()
        kafka = self.api.get(resource, self.namespace, self.cluster) if resource else None
        return replace(decide(self.cluster, kafka, claims, given), paused=left_paused(kafka, self.manager))

    def run(self, manifest: Manifest, cluster_id: str) -> None:
        """Make the Kafka, paused, and give it its id. Safe to run again."""
        [kafka] = prepare([manifest], set_id(self.member_of, self.namespace))
        metadata = kafka["metadata"]
        metadata["annotations"] = {**(metadata.get("annotations") or {}), PAUSE: "true"}
        resource = self.api.discover().find(kafka["apiVersion"], "Kafka")
        if resource is None:
            raise ClusterError(f"The cluster does not serve Kafka ({kafka['apiVersion']}): install Strimzi first.")
        path = resource.path(self.namespace, self.cluster)
        about = f"Kafka {self.namespace}/{self.cluster}"
        query = {"fieldManager": self.manager}
        self.api.call("PATCH", path, query=query, body=kafka, content_type=APPLY, about=about)
        self._wait_paused(resource)
        while True:
            body = {"status": {"clusterId": cluster_id}}
            self.api.call("PATCH", f"{path}/status", query=query, body=body, content_type=MERGE, about=about)
            time.sleep(0.5)
            # an operator that was writing its own status just then may have overwritten it
            live = self.api.get(resource, self.namespace, self.cluster) or {}
            if (live.get("status") or {}).get("clusterId") == cluster_id:
                return
            if self.api.deadline.passed:
                raise ClusterError(
                    f"{about}: status.clusterId does not stay {cluster_id}; is something else writing it?"
                )

    def _wait_paused(self, resource: Resource) -> None:
        """Until the operator says that it is paused: from then on it leaves the status alone."""
        began = self.api.deadline.spent
        while self.api.deadline.spent - began < min(PAUSED_WITHIN, self.api.deadline.seconds / 2):
            live = self.api.get(resource, self.namespace, self.cluster) or {}
            found = (live.get("status") or {}).get("conditions") or []
            if any(each.get("type") == "ReconciliationPaused" for each in found):
                return
            time.sleep(0.3)
