# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the brokers about all topics at once, from the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_brokers, kafka_evidence, kafka_topics
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import (
    Record,
    all_passed,
    not_looked_at,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import Reading
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_strimzi import BlockedError, Strimzi
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_table import aligned
from ansible_collections.synergyflow.platform.plugins.plugin_utils import kafka_access
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction

COLUMNS = {
    "topic": "topic",
    "key": "key",
    "expected": "expected",
    "broker": "on the broker",
    "cr": "in the KafkaTopic",
}
TOPIC = {
    "name": {"type": "str", "required": True},
    "partitions": {"type": "int"},
    "replicas": {"type": "int"},
    "config": {"type": "dict"},
    "resource": {"type": "str"},
}
#: what the KafkaUser must be allowed
RIGHTS = "the ACL operations Describe and DescribeConfigs on all topics, and Describe on the cluster"


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        **kafka_access.ARGUMENTS,
        "brokers": {"type": "int"},
        "topics": {"type": "list", "elements": "dict", "required": True, "options": TOPIC},
        "unexpected": {"type": "str", "default": "report", "choices": ["report", "ignore", "fail"]},
        "internal_topics": {"type": "list", "elements": "str", "default": list(kafka_topics.INTERNAL)},
        "compare_resources": {"type": "bool", "default": True},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 30},
    }

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        return [Record(**each) for each in kafka_evidence.blocked(reason, [])]

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        kafka_access.importable()
        expected = kafka_topics.expected_topics(args["topics"])
        api = self.api(args, args["timeout"])
        strimzi = kafka_access.read(api, args, compare_resources=args["compare_resources"])
        try:
            reading = self._read(args, strimzi, list(expected))
        except BlockedError as error:
            return self._blocked(args, strimzi, api.masker.text(str(error)))
        return api.masker.clean(_judged(args, strimzi, expected, reading))

    def _read(self, args: dict[str, Any], strimzi: Strimzi, names: list[str]) -> Reading:
        """Log in and ask; over the bridge unless an address was given."""
        with kafka_access.reached(args, strimzi, RIGHTS) as way:
            return kafka_brokers.read_topics(way.login, names, max(self._api.deadline.left, 1.0), way.hopeless)

    def _blocked(self, args: dict[str, Any], strimzi: Strimzi, sentence: str) -> dict[str, Any]:
        return {
            "changed": False,
            "failed": args["fail"],
            "msg": sentence,
            "passed": False,
            "topics": [],
            "drift": [],
            "unexpected": [],
            "table": "",
            "evidence": kafka_evidence.blocked(sentence, strimzi.stand_in),
        }


def _judged(
    args: dict[str, Any], strimzi: Strimzi, expected: dict[str, dict[str, Any]], reading: Reading
) -> dict[str, Any]:
    """The result: compared, as data, as a table, as evidence."""
    brokers = kafka_topics.broker_topics(reading.topics, reading.configs)
    comparison = kafka_topics.compare(
        expected,
        brokers,
        strimzi.topics,
        unexpected=args["unexpected"],
        internal=args["internal_topics"],
        hidden=reading.hidden,
    )
    records = kafka_evidence.evidence(
        kafka_evidence.Look(
            expected=expected,
            brokers=brokers,
            comparison=comparison,
            brokers_there=reading.brokers,
            brokers_expected=strimzi.brokers_expected if args["brokers"] is None else args["brokers"],
            unexpected=args["unexpected"],
            resources_left_out=strimzi.topics_left_out,
            resources_unread=strimzi.topics_unread,
            seconds=reading.seconds,
            stand_in=strimzi.stand_in,
        )
    )
    rows = list(comparison.drift)
    if args["unexpected"] == "report":
        rows += kafka_topics.unexpected_rows(comparison.unexpected, strimzi.topics)
    table = aligned(rows, COLUMNS)
    failed = [record for record in records if record["status"] == kafka_evidence.FAILED]
    result = {
        "changed": False,
        "passed": all_passed(records),
        "topics": comparison.topics,
        "drift": comparison.drift,
        "unexpected": comparison.unexpected,
        "table": table,
        "evidence": records,
        "requests": reading.requests,
        "seconds": round(reading.seconds, 3),
    }
    if failed:
        result |= {"failed": args["fail"], "msg": _verdict(args, comparison.drift, records[0], table)}
    else:
        text = f"{len(expected)} topics of Kafka {args['cluster']} are as expected."
        result["msg"] = f"{text}{not_looked_at(records)}"
    return result


def _verdict(args: dict[str, Any], drift: list[dict[str, Any]], brokers: dict[str, Any], table: str) -> str:
    """What is wrong in a line, and the table below it."""
    found = []
    if brokers["status"] == kafka_evidence.FAILED:
        wanted = f"{brokers['observed']} of {brokers['expected']} brokers" if brokers["expected"] else "no broker"
        found.append(f"{wanted} in service")
    if drift:
        found.append("1 difference" if len(drift) == 1 else f"{len(drift)} differences")
    shown = f"\n{table}" if table else ""
    return f"Kafka {args['cluster']} in namespace {args['namespace']} is not as expected: {', '.join(found)}.{shown}"
