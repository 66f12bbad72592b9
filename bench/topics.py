# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""1,000 topics checked at once, against the same questions topic by topic, and beside Kafka's own tools.

All of them ask for partitions and configuration of the same topics, by the same port-forward or in a broker's pod. As a
program, `python -m bench.topics make|singly|remove|login KUBECONFIG`, it is the other side of the comparison.
"""

from __future__ import annotations

import base64
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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
#: the time from the log-in to the last answer, without what every process has to load first
ALONE = ", asking alone"
#: what a process says of itself: a task's result as ansible.cfg has it printed
REQUESTS = re.compile(r"^ *requests: (\d+)$", re.MULTILINE)
SECONDS = re.compile(r"^ *seconds: ([\d.]+)$", re.MULTILINE)


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
    login = scratch / "client.properties"
    pairs.run([*program, "login", str(kubeconfig), str(login)], variables, REPOSITORY)
    commands = {
        AT_ONCE: ansible(_playbook(scratch / "topics.yml", kubeconfig)),
        SINGLY: [*program, "singly", str(kubeconfig)],
        OWN_TOOLS: _own_tools(work, kubeconfig, login),
    }
    contest = pairs.Contest(f"{TOPICS} topics", {what: [] for what in [*commands, AT_ONCE + ALONE, SINGLY + ALONE]})
    try:
        pairs.run([*program, "make", str(kubeconfig)], variables, REPOSITORY)
        for number in range(rounds):
            for what in pairs.turns(list(commands), number):
                process = pairs.run(commands[what], variables, REPOSITORY)
                contest.seconds[what].append(process.seconds)
                if what != OWN_TOOLS:
                    contest.requests[what] = int(_said(REQUESTS, process.output))
                    contest.seconds[what + ALONE].append(_said(SECONDS, process.output))
                work.say(f"  {what:<32} {process.seconds:7.2f} s  {contest.requests.get(what, '-'):>5} requests")
    finally:
        pairs.run([*program, "remove", str(kubeconfig)], variables, REPOSITORY)
    return contest


def _said(what: re.Pattern[str], output: str) -> float:
    found = what.search(output)
    if not found:
        raise InvalidMeasurementError(f"{what.pattern} is not in:\n{output[-1500:]}")
    return float(found[1])


def _playbook(path: Path, kubeconfig: Path) -> Path:
    """The check, and its two figures: all that it returns of 1,000 topics takes longer to print than to find out."""
    wanted = [{"name": name, "partitions": 1, "replicas": 3} for name in names()]
    options = {"cluster": KAFKA, "namespace": NAMESPACE, "user": USER, "kubeconfig": str(kubeconfig)}
    check = {
        "name": "Ask the brokers about every topic",
        "synergyflow.platform.kafka_topics_check": {**options, "topics": wanted, "compare_resources": False},
        "register": "asked",
    }
    told = "requests: {{ asked.requests }}\nseconds: {{ asked.seconds }}"
    return playbook(path, check, {"name": "Say how long that took", "ansible.builtin.debug": {"msg": told}})


def _own_tools(work: Workbench, kubeconfig: Path, login: Path) -> list[str]:
    """Both tools in a broker's pod, as an operator would by hand; the log-in goes in by the standard input."""
    both = (
        # by its length: not every way into a pod says where the input ends
        f'export LC_ALL=C; IFS= read -r -N {login.stat().st_size} conf; cd "${{KAFKA_HOME:-/opt/kafka}}" && '
        + " && ".join(
            f'bin/{tool}.sh --bootstrap-server {BOOTSTRAP} --command-config <(printf %s "$conf") --describe {more}'
            for tool, more in (("kafka-topics", ""), ("kafka-configs", "--entity-type topics"))
        )
        + " | wc -l"
    )
    pod = f"{work.kubectl} --kubeconfig={kubeconfig} exec -i -n {NAMESPACE} {KAFKA}-broker-0 -c kafka --"
    return ["/bin/sh", "-c", f"{pod} bash -c '{both}' < {login}"]


# -- what runs in a process of its own


def _write_login(kubeconfig: Path, file: Path) -> None:
    """What Kafka's own tools log in with; Ansible's collections are to be imported here alone."""
    from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_tools

    file.touch(mode=0o600)
    file.write_text(kafka_tools.client_properties(_login(kubeconfig)))


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


def _singly(admin: Any, began: float) -> None:
    """As a loop over topics asks: its partitions, then its configuration."""
    from kafka.admin import ConfigResource, ConfigResourceType

    every = names()
    for name in every:
        (topic,) = admin.describe_topics([name])
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        if len(topic["partitions"]) != 1 or name not in found.get("topic", {}):
            raise InvalidMeasurementError(f"topic {name} was not found whole")
    print(f"requests: {2 * len(every)}\nseconds: {time.monotonic() - began:.3f}")


def _remove(admin: Any) -> None:
    there = set(admin.list_topics())
    every = [name for name in names() if name in there]
    for start in range(0, len(every), AT_A_TIME):
        admin.delete_topics(every[start : start + AT_A_TIME])


def main() -> int:
    """The log-in for Kafka's own tools, or one of the three with an admin client."""
    what, kubeconfig, *file = sys.argv[1:]
    if what == "login":
        _write_login(Path(kubeconfig), Path(*file))
        return 0
    began = time.monotonic()
    with _admin(Path(kubeconfig)) as admin:
        steps: dict[str, Callable[[Any], None]] = {
            "make": _make,
            "singly": partial(_singly, began=began),
            "remove": _remove,
        }
        steps[what](admin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
