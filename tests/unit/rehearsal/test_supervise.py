# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import configparser
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from until import until

from rehearsal import processes, supervise
from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths
from rehearsal.supervise import (
    ABSENT,
    SOCKET_PATH_LIMIT,
    Program,
    Supervisor,
    belongs,
    render_configuration,
    render_program,
    socket_path,
)

SLEEP = ["sleep", "600"]


@pytest.fixture
def supervisor(paths: Paths) -> Iterator[Supervisor]:
    """In a folder whose name supervisord's configuration would cut and expand."""
    paths = Paths(state=paths.state / "it's 100% odd ;here", cache=paths.cache)
    it = Supervisor(paths)
    it.start()
    yield it
    it.stop()


def _section(text: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return parser[parser.sections()[0]]


# --- files


def test_a_program_that_is_not_restarted_counts_every_end() -> None:
    lasting = _section(render_program(Program("a.b", SLEEP), Path("/state/a.b.json")))
    once = _section(render_program(Program("a.b", SLEEP, autorestart=False), Path("/state/a.b.json")))
    assert (lasting["autorestart"], lasting["startsecs"]) == ("true", "1")
    assert (once["autorestart"], once["startsecs"]) == ("false", "0")


def test_percent_signs_in_a_path_are_not_expanded() -> None:
    section = _section(render_program(Program("a", SLEEP), Path("/odd %(here)s/a.json")))
    assert section["command"].endswith('"/odd %%(here)s/a.json"')


@pytest.mark.parametrize("name", ["a:b", "a b", "a\n[x]", "a,b"])
def test_names_that_supervisord_would_misread_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="program name"):
        render_program(Program(name, SLEEP), Path("/x"))


def test_an_unknown_signal_is_refused_before_supervisord_sees_it() -> None:
    with pytest.raises(AttributeError, match="SIGNOPE"):
        render_program(Program("a", SLEEP, stopsignal="NOPE"), Path("/x"))


def test_the_socket_of_a_deep_checkout_fits_the_kernels_limit(paths: Paths, tmp_path: Path) -> None:
    deep = Paths(state=tmp_path.joinpath(*["deep-folder"] * 12), cache=paths.cache)
    short = Paths(state=Path("/s"), cache=paths.cache)
    assert socket_path(short) == Path("/s/run/supervisor.sock")
    assert len(os.fsencode(socket_path(deep))) <= SOCKET_PATH_LIMIT
    assert socket_path(deep).parent.stat().st_mode & 0o077 == 0
    assert str(socket_path(deep)) in render_configuration(deep)


def test_programs_belong_to_the_cluster_they_are_named_after() -> None:
    assert belongs("node-apps", "apps")
    assert belongs("apps.messaging.synergyflow-broker-0.kafka", "apps")
    assert not belongs("apps-2.messaging.pod.c", "apps")
    assert not belongs("node-infra", "apps")


# --- a real supervisord


def test_values_reach_the_program_as_they_are(supervisor: Supervisor) -> None:
    value = 'it\'s; 100% "odd" # \n second line'
    supervisor.ensure(Program("echo", ["printenv", "VALUE"], {"VALUE": value}, autorestart=False))
    until(lambda: supervisor.state("echo").state == "EXITED")
    assert supervisor.tail("echo") == value + "\n"


def test_memory_is_spared_unless_the_user_says_otherwise(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOGC", raising=False)
    assert processes.environment(paths, "supervised")["GOGC"] == "50"
    monkeypatch.setenv("GOGC", "100")
    assert processes.environment(paths, "supervised")["GOGC"] == "100"


def test_the_users_own_environment_is_not_handed_down(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/production")
    supervisor = Supervisor(paths)
    supervisor.start()
    try:
        supervisor.ensure(Program("env", ["env"], autorestart=False))
        until(lambda: supervisor.state("env").state == "EXITED")
        assert "KUBECONFIG" not in supervisor.tail("env", 100_000)
    finally:
        supervisor.stop()


def test_ensure_leaves_what_runs_alone_and_replaces_what_changed(supervisor: Supervisor) -> None:
    other, one = Program("other", SLEEP), Program("one", SLEEP)
    assert supervisor.ensure(other)
    assert supervisor.ensure(one)
    before = supervisor.states()
    assert not supervisor.ensure(one)
    assert supervisor.ensure(Program("one", ["sleep", "601"]))
    after = supervisor.states()
    assert after["other"].pid == before["other"].pid
    assert after["one"].pid != before["one"].pid
    until(lambda: psutil.Process(after["one"].pid).cmdline() == ["sleep", "601"])


def test_an_end_is_reported_with_its_status_and_ensure_starts_again(supervisor: Supervisor) -> None:
    program = Program("fails", ["sh", "-c", "echo why; exit 3"], autorestart=False)
    supervisor.ensure(program)
    until(lambda: supervisor.state("fails").state == "EXITED")
    assert supervisor.state("fails").exitstatus == 3
    assert supervisor.tail("fails") == "why\n"
    assert supervisor.ensure(program)
    until(lambda: supervisor.tail("fails") == "why\nwhy\n")


def test_a_program_that_is_not_there_says_so_in_its_log(supervisor: Supervisor) -> None:
    supervisor.ensure(Program("missing", ["/nowhere/program"], autorestart=False))
    until(lambda: supervisor.state("missing").state == "EXITED")
    assert supervisor.state("missing").exitstatus == 127
    assert "cannot start /nowhere/program" in supervisor.tail("missing")


def test_a_killed_program_is_restarted_or_not_as_told(supervisor: Supervisor) -> None:
    supervisor.ensure(Program("lasting", SLEEP))
    supervisor.ensure(Program("once", SLEEP, autorestart=False))
    until(lambda: all(state.state == "RUNNING" for state in supervisor.states().values()))
    first = supervisor.state("lasting").pid
    for name in ("lasting", "once"):
        os.kill(supervisor.state(name).pid or 0, signal.SIGKILL)
    until(lambda: supervisor.state("lasting").pid not in (None, first))
    until(lambda: supervisor.state("once").state == "EXITED")


def test_remove_waits_for_the_end_and_kills_what_ignores_the_signal(supervisor: Supervisor) -> None:
    stubborn = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    supervisor.ensure(Program("stubborn", stubborn, stopwaitsecs=1))
    until(lambda: supervisor.tail("stubborn") == "ready\n")
    pid = supervisor.state("stubborn").pid
    supervisor.remove("stubborn")
    assert not psutil.pid_exists(pid or 0)
    assert supervisor.state("stubborn").state == ABSENT
    supervisor.remove("stubborn")


def test_kill_takes_one_clusters_programs_with_their_children(supervisor: Supervisor) -> None:
    supervisor.ensure(Program("apps.ns.pod.c", ["sh", "-c", "trap '' TERM; sleep 600 & wait; wait"]))
    supervisor.ensure(Program("infra.ns.pod.c", SLEEP))
    until(lambda: len(psutil.Process(supervisor.state("apps.ns.pod.c").pid).children()) == 1)
    family = [psutil.Process(supervisor.state("apps.ns.pod.c").pid)]
    family += family[0].children()
    supervisor.kill("apps")
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
    assert list(supervisor.states()) == ["infra.ns.pod.c"]


def test_what_cannot_be_stopped_is_named_of_many_asked_in_one(supervisor: Supervisor) -> None:
    supervisor.ensure(Program("one", SLEEP))
    until(lambda: processes.command_line(psutil.Process(supervisor.state("one").pid)) == SLEEP)
    with pytest.raises(RehearsalError, match="refuses stopProcess nobody False: BAD_NAME"):
        supervisor._call_each("stopProcess", ["nobody", "one"], False)
    until(lambda: not supervisor.state("one").runs)  # was asked all the same


def test_who_has_ended_counts_as_ended_before_anybody_takes_notice() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; exec sleep 600"], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        assert processes.end([child], grace=0) == []
        assert child.status() == psutil.STATUS_ZOMBIE
        assert processes.end([psutil.Process(parent.pid)], grace=0) == []


def test_what_a_killed_process_has_started_ends_with_it_also_without_a_mark(paths: Paths) -> None:
    """As PostgreSQL's: a session of its own, and nothing of the environment."""
    script = "setsid env -i sleep 600 & echo $!; exec sleep 600"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        until(lambda: processes.command_line(child) == SLEEP)
        assert processes.end([psutil.Process(parent.pid)], grace=0) == []
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_who_is_just_becoming_another_program_is_found(paths: Paths, tmp_path: Path) -> None:
    """Between the old program and the new one it has no environment (execve(2))."""
    script = tmp_path / "again"
    script.write_text('exec sh "$0"\n')
    with subprocess.Popen(["sh", str(script)], env=processes.environment(paths, "supervised")) as program:
        try:
            looks = [[each.pid for each in processes.find(paths)] for _ in range(60)]
        finally:
            program.kill()
    assert looks == [[program.pid]] * 60


def test_who_does_not_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SECONDS_TO_DIE", 0.1)
    monkeypatch.setattr(processes, "_signal", lambda send: None)
    with subprocess.Popen(SLEEP) as program:
        assert [each.pid for each in processes.end([psutil.Process(program.pid)], grace=0)] == [program.pid]
        program.kill()


def test_start_again_and_stop_clear_up_after_a_crash_of_supervisord(paths: Paths) -> None:
    supervisor = Supervisor(paths)
    assert supervisor.start()
    assert not supervisor.start()
    supervisor.ensure(Program("one", SLEEP))
    orphan = supervisor.state("one").pid or 0
    psutil.Process(supervisor.pid()).kill()
    until(lambda: not supervisor.running())
    assert supervisor.start()
    assert not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE
    assert supervisor.states() == {}
    supervisor.ensure(Program("one", SLEEP))
    psutil.Process(supervisor.pid()).kill()
    supervisor.stop()
    assert processes.find(paths) == []
    assert not socket_path(paths).exists()


def test_pods_that_do_not_end_are_killed_together(paths: Paths) -> None:
    supervisor = Supervisor(paths)
    supervisor.start()
    ready = "echo ready; while true; do sleep 0.1; done"
    names = [f"apps.ns.broker-{number}.kafka" for number in range(3)]
    for name in names:
        supervisor.ensure(Program(name, ["sh", "-c", f"trap '' TERM; {ready}"], stopwaitsecs=300))
    until(lambda: all("ready" in supervisor.tail(name) for name in names))
    supervisor.stop(grace=0.2)  # one after the other they would outlast this test's limit
    assert processes.find(paths) == []


def test_without_supervisord_the_error_says_what_to_do(paths: Paths) -> None:
    with pytest.raises(RehearsalError, match="make rehearsal-up"):
        Supervisor(paths).states()


def test_a_supervisord_that_hangs_counts_as_one_that_does_not_answer(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "SECONDS_TO_ANSWER", 0.1)
    paths.run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(socket_path(paths)))
        server.listen()
        assert not Supervisor(paths).running()
        with pytest.raises(RehearsalError, match="does not answer"):
            Supervisor(paths).states()


def test_the_specification_is_private(supervisor: Supervisor) -> None:
    supervisor.ensure(Program("one", SLEEP, {"PASSWORD": "secret"}))
    file = supervisor.paths.run / "programs" / "one.json"
    assert json.loads(file.read_text())["environment"] == {"PASSWORD": "secret"}
    assert file.stat().st_mode & 0o077 == 0
    assert "secret" not in file.with_suffix(".ini").read_text()
