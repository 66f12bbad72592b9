# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""1,000 topics checked at once, against the same questions topic by topic, and beside Kafka's own tools.

All of them ask for partitions and configuration of the same topics, by the same port-forward or in a broker's pod. As a
program, `python -m bench.topics make|singly|remove KUBECONFIG`, it is the other side of the comparison.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import pairs
from bench.contenders import ansible, environment, playbook
from bench.failures import InvalidMeasurementError
from bench.site import deploy
from bench.workbench import Workbench
from rehearsal.paths import REPOSITORY

TOPICS, AT_A_TIME = 1000, 200
KAFKA, NAMESPACE, USER = "synergyflow", "messaging", "platform-check"
PREFIX = "platform-check-bench"
BOOTSTRAP = f"{KAFKA}-kafka-bootstrap.{NAMESPACE}.svc:9093"
AT_ONCE, SINGLY, OWN_TOOLS = "kafka_topics_check", "topic by topic", "kafka-topics and kafka-configs"
REQUESTS = re.compile(r"REQUESTS=(\d+)")


def names() -> list[str]:
    """The topics of the comparison, beside those of the platform."""
    return [f"{PREFIX}-{number:04}" for number in range(TOPICS)]


def measure(work: Workbench, rounds: int) -> pairs.Contest:
    """Deploy Kafka, make the topics, ask in turns, take the topics away."""
    scratch = work.scratch / "topics"
    client = work.cluster.client("topics")
    kubeconfig = work.cluster.write_kubeconfig(scratch / "kubeconfig", client)
    variables = environment(scratch) | work.paths.environment()
    variables["PYTHONPATH"] = str(REPOSITORY / "collections")
    work.say("  Kafka is deployed, not counted")
    deploy(work, kubeconfig, "--tags", "strimzi,kafka_cluster")
    program = [sys.executable, "-m", "bench.topics"]
    commands = {
        AT_ONCE: ansible(playbook(scratch / "topics.yml", _task(kubeconfig)), "-v"),
        SINGLY: [*program, "singly", str(kubeconfig)],
        OWN_TOOLS: _own_tools(work, kubeconfig, scratch),
    }
    contest = pairs.Contest(f"{TOPICS} topics", {what: [] for what in commands})
    try:
        pairs.run([*program, "make", str(kubeconfig)], variables, REPOSITORY)
        for number in range(rounds):
            for what in pairs.turns(list(commands), number):
                process = pairs.run(commands[what], variables, REPOSITORY)
                found = REQUESTS.search(process.output) or re.search(r'"requests": (\d+)', process.output)
                if found:
                    contest.requests[what] = int(found[1])
                contest.seconds[what].append(process.seconds)
                work.say(f"  {what:<32} {process.seconds:7.2f} s  {contest.requests.get(what, '-'):>5} requests")
    finally:
        pairs.run([*program, "remove", str(kubeconfig)], variables, REPOSITORY)
    return contest


def _task(kubeconfig: Path) -> dict[str, Any]:
    wanted = [{"name": name, "partitions": 1, "replicas": 3} for name in names()]
    options = {"cluster": KAFKA, "namespace": NAMESPACE, "user": USER, "kubeconfig": str(kubeconfig)}
    return {
        "name": "Ask the brokers about every topic",
        "synergyflow.platform.kafka_topics_check": {**options, "topics": wanted, "compare_resources": False},
    }


def _own_tools(work: Workbench, kubeconfig: Path, scratch: Path) -> list[str]:
    """Both tools in a broker's pod, as an operator would by hand; the log-in goes in by the standard input."""
    login = scratch / "client.properties"
    login.touch(mode=0o600)
    login.write_text(_properties(kubeconfig))
    both = (
        'read -r -d "" conf; cd "${KAFKA_HOME:-/opt/kafka}" && '
        + " && ".join(
            f'bin/{tool}.sh --bootstrap-server {BOOTSTRAP} --command-config <(printf %s "$conf") --describe {more}'
            for tool, more in (("kafka-topics", ""), ("kafka-configs", "--entity-type topics"))
        )
        + " | wc -l"
    )
    pod = f"{work.kubectl} --kubeconfig={kubeconfig} exec -i -n {NAMESPACE} {KAFKA}-broker-0 -c kafka --"
    return ["/bin/sh", "-c", f"{pod} bash -c '{both}' < {login}"]


# -- what runs in a process of its own


def _properties(kubeconfig: Path) -> str:
    from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_tools

    return kafka_tools.client_properties(_login(kubeconfig))


def _login(kubeconfig: Path) -> Any:
    from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import KafkaLogin

    def value(secret: str, key: str) -> str:
        found = _core(kubeconfig).read_namespaced_secret(secret, NAMESPACE)
        return base64.b64decode(found.data[key]).decode()

    return KafkaLogin([BOOTSTRAP], USER, value(USER, "password"), value(f"{KAFKA}-cluster-ca-cert", "ca.crt"))


def _core(kubeconfig: Path) -> Any:
    from kubernetes import client

    return client.CoreV1Api(client.ApiClient(_configuration(kubeconfig)))


def _configuration(kubeconfig: Path) -> Any:
    from kubernetes import client, config

    configuration = client.Configuration()
    config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    return configuration


@contextmanager
def _admin(kubeconfig: Path) -> Iterator[Any]:
    from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_brokers
    from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge

    with Bridge(_configuration(kubeconfig)) as bridge:
        login = _login(kubeconfig)
        login.proxy_url = bridge.proxy_url
        with kafka_brokers.session(login, 120) as admin:
            yield admin


def _make(admin: Any) -> None:
    every = names()
    for start in range(0, len(every), AT_A_TIME):
        some = every[start : start + AT_A_TIME]
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": 3} for name in some})


def _singly(admin: Any) -> None:
    """As a loop over topics asks: its partitions, then its configuration."""
    from kafka.admin import ConfigResource, ConfigResourceType

    every = names()
    for name in every:
        (topic,) = admin.describe_topics([name])
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        if len(topic["partitions"]) != 1 or name not in found.get("topic", {}):
            raise InvalidMeasurementError(f"topic {name} was not found whole")
    print(f"REQUESTS={2 * len(every)}")


def _remove(admin: Any) -> None:
    there = set(admin.list_topics())
    every = [name for name in names() if name in there]
    for start in range(0, len(every), AT_A_TIME):
        admin.delete_topics(every[start : start + AT_A_TIME])


def main() -> int:
    """One of the three with an admin client."""
    what, kubeconfig = sys.argv[1:]
    with _admin(Path(kubeconfig)) as admin:
        {"make": _make, "singly": _singly, "remove": _remove}[what](admin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
