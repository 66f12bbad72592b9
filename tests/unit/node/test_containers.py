# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's life with a supervisor that does as it is told: starts, ends, back-off, a node that comes back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearsal.node import containers, recipes
from rehearsal.node.logs import Pump
from rehearsal.node.pod_files import PodFiles
from rehearsal.node.recipes.recipe import CannotStartError, Run
from rehearsal.supervise import ABSENT, ProgramState

NAME = "apps.messaging.b-0.kafka"
SPEC = {"name": "kafka", "image": "strimzi/kafka:1-kafka-4.3.1"}


class FakeSupervisor:
    """Remembers the programs it is to run; a test ends them."""

    def __init__(self) -> None:
        self.programs: dict = {}
        self.ended: dict[str, int] = {}
        self.starts: list[str] = []
        self.removed: list[str] = []

    def ensure(self, program) -> bool:
        self.programs[program.name] = program
        self.ended.pop(program.name, None)
        self.starts.append(program.name)
        return True

    def remove(self, name: str) -> None:
        self.programs.pop(name, None)
        self.removed.append(name)

    def state(self, name: str) -> ProgramState:
        if name not in self.programs:
            return ProgramState(ABSENT, None, None, "")
        if name in self.ended:
            return ProgramState("EXITED", None, self.ended[name], "")
        return ProgramState("RUNNING", 4711, None, "")

    def logfile(self, name: str) -> Path:
        return Path(self.programs[name].logfile)


class Node:
    """The node's part under test, with a clock of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files = PodFiles(folder / "b-0-uid")
        self.supervisor = FakeSupervisor()
        self.events: list[tuple[str, str]] = []
        self.clock = 1000.0
        self.answer: str | None = None
        self.policy = "Always"
        self.run = Run(command=["broker"], ports={9091: 20091})
        self.error: CannotStartError | None = None
        monkeypatch.setattr(containers.time, "time", lambda: self.clock)
        monkeypatch.setattr(containers.time, "monotonic", lambda: self.clock)
        recipe = SimpleNamespace(runs=lambda _: True, prepare=self._prepare, answers=lambda _: self.answer)
        monkeypatch.setattr(recipes, "RECIPES", {"test": recipe})
        self.restart()

    def _prepare(self, _):
        if self.error:
            raise self.error
        return self.run

    def restart(self) -> None:
        """A new process of the node: it knows nothing but the files."""
        events = SimpleNamespace(
            warning=lambda _, reason, message: self.events.append((reason, message)),
            normal=lambda _, reason, message: None,
        )
        self.programs = containers.ContainerPrograms("apps", self.supervisor, events, Pump())

    def look(self, after: float = 0):
        self.clock += after
        pod = {
            "metadata": {"namespace": "messaging", "name": "b-0", "uid": "uid"},
            "spec": {"restartPolicy": self.policy, "terminationGracePeriodSeconds": 17},
        }
        return self.programs.look(pod, SPEC, self.files, lambda: None)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def state(looked) -> str:
    return looked.seen.kind


def test_started_once_and_ready_when_it_answers(node):
    node.answer = "refused"
    first = node.look()
    assert (state(first), first.seen.ready) == ("running", False)
    assert node.supervisor.programs[NAME].stopwaitsecs == 17
    assert node.supervisor.programs[NAME].autorestart is False
    node.answer = None
    second = node.look(after=1)
    assert second.seen.ready
    assert node.supervisor.starts == [NAME]


def test_not_ready_any_more_when_it_stops_answering(node):
    node.look()
    node.answer = "refused"
    ready = [node.look(after=containers.ASK_READY).seen.ready for _ in range(containers.GIVEN_UP_AFTER)]
    assert ready == [True] * (containers.GIVEN_UP_AFTER - 1) + [False]


def test_one_answer_that_did_not_come_is_forgiven(node):
    node.look()
    node.answer = "timed out"
    node.look(after=containers.ASK_READY)
    node.answer = None
    assert node.look(after=containers.ASK_DOUBTFUL).seen.ready
    node.answer = "timed out"
    assert node.look(after=containers.ASK_READY).seen.ready


def test_why_it_is_not_ready_becomes_an_event_when_it_takes_long(node):
    node.answer = "port 1 does not answer"
    node.look()
    assert not node.events
    node.look(after=containers.UNHEALTHY_AFTER + 1)
    assert node.events == [("Unhealthy", "Readiness probe failed: port 1 does not answer")]


def test_a_node_that_comes_back_leaves_running_programs_alone(node):
    node.look()
    node.restart()
    looked = node.look(after=30)
    assert state(looked) == "running"
    assert looked.seen.restarts == 0
    assert looked.run.ports == {9091: 20091}
    assert node.supervisor.starts == [NAME]


def test_the_first_end_is_answered_by_a_start_at_once(node):
    node.look()
    node.supervisor.ended[NAME] = 1
    looked = node.look(after=30)
    assert state(looked) == "running"
    assert looked.seen.restarts == 1
    assert looked.seen.last["terminated"]["exitCode"] == 1


def test_repeated_ends_are_a_crash_loop_with_growing_back_off(node):
    node.look()
    waits = []
    for _ in range(4):
        node.supervisor.ended[NAME] = 1
        looked = node.look(after=1)
        if state(looked) == "waiting":
            assert looked.seen.state["waiting"]["reason"] == "CrashLoopBackOff"
            assert looked.seen.last["terminated"]["exitCode"] == 1
            waits.append(looked.again)
            starts = len(node.supervisor.starts)
            node.look(after=looked.again / 2)
            assert len(node.supervisor.starts) == starts
            looked = node.look(after=looked.again)
        assert state(looked) == "running"
    assert waits == [5, 10, 20]
    assert looked.seen.restarts == 4
    assert any(reason == "BackOff" for reason, _ in node.events)


def test_back_off_has_a_limit_and_is_forgiven_after_a_long_run(node):
    assert containers._back_off(50) == containers.BACK_OFF_LONGEST
    node.look()
    for _ in range(3):
        node.supervisor.ended[NAME] = 1
        node.look(after=1)
        node.look(after=containers.BACK_OFF_LONGEST)
    node.supervisor.ended[NAME] = 1
    assert state(node.look(after=containers.FORGIVEN_AFTER + 1)) == "running"


@pytest.mark.parametrize(
    ("policy", "code", "restarts"), [("Never", 1, False), ("OnFailure", 0, False), ("OnFailure", 1, True)]
)
def test_restart_policy(node, policy, code, restarts):
    node.policy = policy
    node.look()
    node.supervisor.ended[NAME] = code
    looked = node.look(after=1)
    assert state(looked) == ("running" if restarts else "terminated")
    assert (len(node.supervisor.starts) == 2) == restarts


def test_a_program_the_supervisor_lost_is_started_again_with_kubernetes_word_for_it(node):
    node.look()
    node.supervisor.programs.clear()
    looked = node.look(after=1)
    assert looked.seen.last["terminated"]["reason"] == "ContainerStatusUnknown"
    assert looked.seen.last["terminated"]["exitCode"] == 137
    assert looked.seen.restarts == 1


def test_a_signal_is_exit_code_137(node):
    node.look()
    node.supervisor.ended[NAME] = -1
    assert node.look(after=1).seen.last["terminated"]["exitCode"] == 137


def test_what_cannot_start_waits_with_its_reason_and_is_tried_again(node):
    node.error = CannotStartError("ErrImagePull", "no Kafka 9.9.9")
    looked = node.look()
    assert looked.seen.state == {"waiting": {"reason": "ErrImagePull", "message": "no Kafka 9.9.9"}}
    assert node.events[0][0] == "Failed"
    assert not node.supervisor.starts
    node.error = None
    assert state(node.look(after=1)) == "waiting"
    looked = node.look(after=containers.RETRY_START)
    assert state(looked) == "running"
    assert looked.seen.restarts == 0


def test_a_container_without_a_program_counts_as_running(node):
    node.run = Run(command=None, stands_in="cruise-control", notes=["nothing runs"])
    looked = node.look()
    assert (state(looked), looked.seen.ready, looked.stands_in) == ("running", True, "cruise-control")
    assert not node.supervisor.starts
    looked.log.pump()
    assert looked.log.current.read_text().endswith(" stdout F nothing runs\n")
    assert state(node.look(after=60)) == "running"


def test_a_program_of_an_earlier_pod_of_the_same_name_is_ended(node, tmp_path):
    node.look()
    newer = PodFiles(tmp_path / "b-0-other")
    node.programs.stop(newer, "messaging", "b-0", "kafka", grace=0)
    assert node.supervisor.removed == []
    node.programs.take_over(newer, "messaging", "b-0", "kafka")
    assert node.supervisor.removed == [NAME]


def test_each_run_has_a_log_and_the_last_two_are_kept(node):
    node.look()
    for run in range(3):
        out = Path(node.supervisor.programs[NAME].logfile)
        with out.open("a") as file:
            file.write(f"run {run}\n")
        node.supervisor.ended[NAME] = 1
        node.look(after=1)
        looked = node.look(after=containers.BACK_OFF_LONGEST)
    assert looked.log.previous.read_text().endswith("run 2\n")
    assert looked.log.current.read_text() == ""
    assert not (looked.log.folder / "0.log").exists()


@pytest.mark.parametrize(
    ("state", "pod", "expected"),
    [("RUNNING", "b-0", True), ("STOPPING", "b-0", True), ("EXITED", "b-0", False), ("RUNNING", "b", False)],
)
def test_a_pod_runs_while_one_of_its_programs_does(tmp_path, state, pod, expected):
    supervisor = SimpleNamespace(states=lambda: {NAME: ProgramState(state, None, None, "")})
    known = containers.ContainerPrograms("apps", supervisor, SimpleNamespace(), Pump())
    assert known.any_runs("messaging", pod) is expected
