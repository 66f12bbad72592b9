# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's small parts: which pods are its own, its queue, logs, what KWOK is told, the question to a broker."""

from __future__ import annotations

import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rehearsal import process_images
from rehearsal.node import containers, hosts, kwok_access, logs
from rehearsal.node.recipes import kafka_tools, kafka_wire
from rehearsal.node.recipes.recipe import Run
from rehearsal.node.work import Queue


@pytest.mark.parametrize(
    ("image", "ours"),
    [
        ("quay.io/strimzi/kafka:1.2.0-kafka-4.3.1", True),
        ("strimzi/operator:0.45.2", True),
        ("mirror.example.org/a/strimzi/kafka:0.45.2-kafka-3.8.1", True),
        ("quay.io/notstrimzi/kafka:1", False),
        ("quay.io/strimzi/kafka-bridge:1", False),
        ("nginx", False),
    ],
)
def test_the_pods_that_are_the_nodes(image, ours):
    other = {"name": "side", "image": "busybox"}
    assert process_images.claimed({"spec": {"containers": [other, {"name": "c", "image": image}]}}) is ours


class TestQueue:
    """Keys, not events."""

    def test_a_key_is_looked_at_once_for_many_events_and_never_twice_at_a_time(self):
        seen, running, overlaps = [], set(), []
        started, gate, done = threading.Event(), threading.Event(), threading.Event()

        def reconcile(key):
            if key in running:
                overlaps.append(key)
            running.add(key)
            seen.append(key)
            started.set()
            gate.wait(60)
            running.discard(key)
            if len(seen) == 2:
                done.set()

        queue = Queue(reconcile, workers=3)
        queue.start()
        queue.add("a")
        assert started.wait(60)
        for _ in range(10):
            queue.add("a")
        gate.set()
        assert done.wait(60)
        assert seen == ["a", "a"]
        assert not overlaps

    def test_a_failure_is_tried_again_and_the_worker_lives(self):
        calls, done = [], threading.Event()

        def reconcile(key):
            calls.append(key)
            if len(calls) == 1:
                raise RuntimeError("the API server is away")
            done.set()

        queue = Queue(reconcile, workers=1)
        queue.start()
        queue.add("a")
        assert done.wait(60)

    def test_the_answer_says_when_to_look_again(self):
        calls, done = [], threading.Event()

        def reconcile(key):
            calls.append(key)
            if len(calls) == 3:
                done.set()
                return None
            return 0.01

        queue = Queue(reconcile, workers=2)
        queue.start()
        queue.add("a")
        assert done.wait(60)


class TestLogs:
    """Lines for KWOK."""

    def test_lines_are_in_the_runtime_interfaces_format(self):
        at = datetime(2026, 11, 21, 1, 2, 3, 4, UTC)
        assert logs.formatted(b"one\n\ntwo", at).decode().splitlines() == [
            "2026-11-21T01:02:03.000004000Z stdout F one",
            "2026-11-21T01:02:03.000004000Z stdout F ",
            "2026-11-21T01:02:03.000004000Z stdout P two",
        ]

    def test_long_lines_are_cut(self):
        lines = logs.formatted(b"x" * (logs.LONGEST_LINE + 5) + b"\n", datetime.now(UTC)).splitlines()
        assert [line.split(b" ")[2] for line in lines] == [b"P", b"F"]
        assert len(lines[1].split(b" ")[3]) == 5

    def test_a_half_line_waits_for_its_end_and_nothing_is_copied_twice(self, tmp_path: Path):
        log = logs.ContainerLog(tmp_path)
        out = log.begin(0)
        out.write_bytes(b"one\ntw")
        log.pump()
        logs.ContainerLog(tmp_path).pump()
        with out.open("ab") as file:
            file.write(b"o\n")
        log.pump()
        assert [line.rpartition(" ")[2] for line in log.current.read_text().splitlines()] == ["one", "two"]

    def test_the_tail_is_the_programs_own_words(self, tmp_path: Path):
        log = logs.ContainerLog(tmp_path)
        log.begin(0).write_text("a\nb\nc\n")
        assert log.tail(2) == "b\nc"


def test_kwok_leads_both_ports_to_the_program():
    run = Run(command=["x"], ports={9093: 20093}, exec_directory="/work", exec_environment={"A": "b"})
    made = kwok_access.objects("n", "p", {"kafka": (run, Path("/l/current.log"), Path("/l/previous.log"))})
    forward, execs, log = made
    assert forward["spec"]["forwards"] == [{"ports": [9093, 20093], "target": {"address": "127.0.0.1", "port": 20093}}]
    assert execs["spec"]["execs"][0]["local"] == {"workDir": "/work", "envs": [{"name": "A", "value": "b"}]}
    assert log["spec"]["logs"][0]["logsFile"] == "/l/current.log"
    for each in made:
        assert each["spec"]["selector"] == {"matchNamespaces": ["n"], "matchNames": ["p"]}


def test_hosts_lead_to_this_machine(paths):
    hosts.write(paths, "apps", ["b-1.svc", "b-0.svc"])
    lines = hosts.file(paths, "apps").read_text().splitlines()
    assert "127.0.0.1 localhost" in lines
    assert lines[-2:] == ["127.0.0.1 b-0.svc", "127.0.0.1 b-1.svc"]


class TestHosts:
    """The hosts file of many pods."""

    @staticmethod
    def _names(paths):
        return {line.split()[1] for line in hosts.file(paths, "apps").read_text().splitlines() if ".svc" in line}

    def test_workers_at_once_lose_no_name(self, paths, monkeypatch):
        writing, at_once = threading.Semaphore(1), []
        write = hosts.write

        def slow(*arguments):
            at_once.append(not writing.acquire(blocking=False))
            time.sleep(0.01)
            write(*arguments)
            writing.release()

        monkeypatch.setattr(hosts, "write", slow)
        known = hosts.Hosts(paths, "apps")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: known.publish(paths.pods / "apps" / "n" / f"b-{n}", [f"b-{n}.svc"]), range(8)))
        assert not any(at_once)
        assert self._names(paths) == {f"b-{n}.svc" for n in range(8)}

    def test_a_pod_that_is_gone_takes_its_names_along(self, paths):
        known = hosts.Hosts(paths, "apps")
        for n in (0, 1):
            known.publish(paths.pods / f"b-{n}", [f"b-{n}.svc"])
        known.forget(paths.pods / "b-0")
        assert self._names(paths) == {"b-1.svc"}

    def test_a_node_that_comes_back_knows_the_names_of_running_programs(self, paths):
        for n in (0, 1):
            container = paths.pods / "apps" / "n" / f"b-{n}-uid" / "containers" / "kafka"
            container.mkdir(parents=True)
            run = Run(command=["x"], hosts=[f"b-{n}.svc"])
            containers.Record(run=run.to_json()).write(container / "state.json")
        known = hosts.Hosts(paths, "apps")
        known.publish(paths.pods / "apps" / "n" / "b-2-uid", ["b-2.svc"])
        assert self._names(paths) == {"b-0.svc", "b-1.svc", "b-2.svc"}


class TestWire:
    """The Metadata request and its answer."""

    def test_request(self):
        length, key, version = struct.unpack_from(">ihh", kafka_wire.request())
        assert (key, version) == (3, 4)
        assert length == len(kafka_wire.request()) - 4

    def test_answer(self):
        def text(value):
            return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value

        brokers = struct.pack(">i", 0) + text(b"b-0.svc") + struct.pack(">i", 20091) + text(None)
        brokers += struct.pack(">i", 2) + text(b"b-2.svc") + struct.pack(">i", 20291) + text(b"apps-a")
        answer = struct.pack(">iii", 1, 0, 2) + brokers + text(b"id") + struct.pack(">ii", 0, 0)
        assert kafka_wire.parse(answer) == {0: "b-0.svc:20091", 2: "b-2.svc:20291"}

    def test_an_answer_to_something_else(self):
        with pytest.raises(ValueError, match="another question"):
            kafka_wire.parse(struct.pack(">iii", 7, 0, 0))


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("localhost:9091", "b-0.svc:20091"),
        ("bootstrap.servers=localhost:9091", "bootstrap.servers=b-0.svc:20091"),
        ("localhost:9091,b-1.svc:9091,localhost:9091", "b-0.svc:20091,b-1.svc:20191,b-0.svc:20091"),
        ("notlocalhost:9091", "notlocalhost:9091"),
        ("localhost:90911", "localhost:90911"),
        ("b-1xsvc:9091", "b-1xsvc:9091"),
    ],
)
def test_tools_get_the_ports_of_this_machine(tmp_path, argument, expected):
    script = tmp_path / "addresses.sed"
    script.write_text(kafka_tools.substitutions({"localhost:9091": "b-0.svc:20091", "b-1.svc:9091": "b-1.svc:20191"}))
    done = subprocess.run(["sed", "-E", "-f", str(script)], input=argument, capture_output=True, text=True, check=True)
    assert done.stdout == expected
