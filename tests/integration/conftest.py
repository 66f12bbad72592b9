# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rehearsal the integration tests run on: clusters of their own, brought up once for the session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from canaries import canaries
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# set to keep the clusters after the tests, to look at what a failure left
KEEP = "SYNERGYFLOW_KEEP_REHEARSAL"


# These files have the platform, which takes minutes to deploy and work to keep: one worker has it for all of them. In
# this order: a store that has refused its keys fails PostgreSQL's archiving for minutes.
ON_PLATFORM = (
    "test_kafka_topics_check", "test_site", "test_schema_registry", "test_kafka_proven", "test_backend", "test_report",
    "test_rollback", "test_secrets_stay_secret",
)  # fmt: skip
# in this order, so that no worker is left alone with the longest at the end
FIRST = ("platform", "own_rehearsal", "small_rehearsal")


class Scheduling(LoadScopeScheduling):
    """A file for a worker at a time; those with the platform are one."""

    def _split_scope(self, nodeid: str) -> str:
        stem = Path(nodeid.split("::", 1)[0]).stem
        return "platform" if stem in ON_PLATFORM else stem


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {item.path: len(FIRST) for item in items}
    for item in items:
        item.add_marker(pytest.mark.integration)
        used = [FIRST.index(name) for name in getattr(item, "fixturenames", ()) if name in FIRST]
        rank[item.path] = min([rank[item.path], *used])
    tests = {path.stem for path, number in rank.items() if number == 0 and path.stem.startswith("test_")}
    strays = tests - {*ON_PLATFORM}
    if strays:
        raise pytest.UsageError(f"{', '.join(sorted(strays))} has the platform: name it in ON_PLATFORM")
    items.sort(key=lambda item: (rank[item.path], *(n for n, stem in enumerate(ON_PLATFORM) if stem == item.path.stem)))


@dataclass(frozen=True)
class Rehearsal:
    """One rehearsal under `state`, driven as a user would: by its commands."""

    state: Path
    scratch: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "SYNERGYFLOW_REHEARSAL_DIR": str(self.state),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }

    def command(self, *args: str, timeout: float = 1200, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`python -m rehearsal …`; up on an empty cache builds, hence the long limit (seconds)."""
        done = subprocess.run(
            [sys.executable, "-m", "rehearsal", *args],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"rehearsal {' '.join(args)} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def kubeconfig(self, cluster: str) -> Path:
        return self.state / "clusters" / cluster / "kubeconfig"

    def audit_log(self, cluster: str) -> Path:
        return self.state / "clusters" / cluster / "audit.log"

    def audit_events(self, cluster: str, offset: int = 0) -> list[dict[str, Any]]:
        """Audit events written after byte `offset` of the log (take it from audit_size before)."""
        with self.audit_log(cluster).open("rb") as log:
            log.seek(offset)
            lines = log.read().decode().splitlines()
        events = []
        for line in lines:
            try:
                events.append(json.loads(line))
            except ValueError:
                continue  # the line being written just now
        return events

    def audit_size(self, cluster: str) -> int:
        return self.audit_log(cluster).stat().st_size

    def kubectl(self, cluster: str, *args: str, check: bool = True, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        from rehearsal import programs

        done = subprocess.run(
            [str(programs.binary("kubectl")), "--kubeconfig", str(self.kubeconfig(cluster)), *args],
            capture_output=True,
            text=True,
            timeout=kwargs.pop("timeout", 120),
            check=False,
            **kwargs,
        )
        if check and done.returncode:
            pytest.fail(f"kubectl {' '.join(args)} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def get(self, cluster: str, *args: str) -> dict[str, Any]:
        """`kubectl get … -o json`, parsed."""
        return json.loads(self.kubectl(cluster, "get", *args, "-o", "json").stdout)

    def playbook(
        self, playbook: str | Path, *args: str, timeout: float = 600, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """ansible-playbook on a file of the checkout, or on a playbook given as text (it contains a newline)."""
        if isinstance(playbook, str) and "\n" in playbook:
            path = self.scratch / f"playbook-{uuid.uuid4().hex[:8]}.yml"
            path.write_text(textwrap.dedent(playbook), encoding="utf-8")
            playbook = path
        try:
            return subprocess.run(
                [str(BIN / "ansible-playbook"), str(playbook), *args],
                cwd=ROOT,
                env={**self.environment, **environment},
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode()[-1500:] + (late.stderr or b"").decode()[-1500:]
            status = self.command("status", check=False).stdout
            pytest.fail(f"{playbook} did not end within {timeout:g} s:\n{said}\n{status}", pytrace=False)


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """Two clusters, empty at the start of the session, stopped at its end."""
    state = Path(os.environ.get("SYNERGYFLOW_REHEARSAL_DIR") or ROOT / ".rehearsal" / "test")
    # with `pytest -n` each worker has a rehearsal of its own
    state /= os.environ.get("PYTEST_XDIST_WORKER", "")
    os.environ["SYNERGYFLOW_REHEARSAL_DIR"] = str(state)
    with _running(Rehearsal(state=state, scratch=tmp_path_factory.mktemp("playbooks"))) as it:
        yield it


@pytest.fixture(scope="module")
def own_rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """Two more clusters, empty, for a module whose tests would spoil those of the session."""
    with _running(Rehearsal(ROOT / ".rehearsal" / "own", tmp_path_factory.mktemp("own"))) as it:
        yield it


@pytest.fixture(scope="module")
def small_rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """One more cluster, apps alone, for a module that kills what the others need."""
    made = Rehearsal(ROOT / ".rehearsal" / "small", tmp_path_factory.mktemp("small"))
    with _running(made, "--clusters", "apps") as it:
        yield it


@contextmanager
def _running(it: Rehearsal, *what: str) -> Iterator[Rehearsal]:
    used_before = it.kubeconfig("apps").exists()
    try:
        it.command("up", *what)
        if used_before:
            it.command("reset", *what)
        yield it
    finally:
        if not os.environ.get(KEEP):
            it.command("down")


@pytest.fixture
def namespace(rehearsal: Rehearsal) -> Iterator[str]:
    """The name of a namespace that does not exist yet on `apps`; it is removed afterwards if the test made it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    rehearsal.kubectl("apps", "delete", "namespace", name, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="session")
def platform(rehearsal: Rehearsal) -> Rehearsal:
    """The rehearsal with site.yml applied: Kafka `synergyflow` Ready in `messaging`. Without Flux, as site_runs.run."""
    without = json.dumps({"flux_enabled": False})
    done = rehearsal.playbook("playbooks/site.yml", "-i", "inventories/rehearsal", "-e", without)
    if done.returncode:
        pytest.fail(f"site.yml failed:\n{done.stdout}\n{done.stderr}")
    return rehearsal


@pytest.fixture(scope="module")
def secret_values(platform: Rehearsal) -> dict[str, str]:
    """Where each secret string of the platform comes from, by the string."""
    found = canaries(platform)
    origins = set(found.values())
    # otherwise nothing is proven by finding none
    assert {"apps messaging/platform-check password", "Vault postgresql/synergyflow password"} <= origins
    assert {"apps messaging/synergyflow-cluster-ca ca.key", "S3 secret_key"} <= origins
    return found


@pytest.fixture
def ansible_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Ansible keeps its own log of the runs of a test."""
    monkeypatch.setenv("ANSIBLE_LOG_PATH", str(tmp_path / "ansible.log"))
    return tmp_path / "ansible.log"
