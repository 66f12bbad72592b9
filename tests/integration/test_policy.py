# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's policy under the real OPA: well-formed in strict mode, and its own tests pass. Needs no cluster."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from rehearsal import programs

ROOT = Path(__file__).resolve().parents[2]
POLICY = "roles/synergyflow_backend/files/policy.rego"
TESTS = "tests/rego"


def opa(*args: str) -> subprocess.CompletedProcess[str]:
    command = [str(programs.binary("opa")), *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_policy_is_strict_rego_and_formatted():
    done = opa("check", "--strict", POLICY, TESTS)
    assert done.returncode == 0, done.stdout + done.stderr
    done = opa("fmt", "--list", "--fail", POLICY, TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_policys_own_tests_pass_and_reach_all_of_it():
    done = opa("test", "--format=json", POLICY, TESTS)
    results = json.loads(done.stdout)
    failed = [result["name"] for result in results if result.get("fail") or result.get("error")]
    assert done.returncode == 0, f"failed: {failed}\n{done.stderr}"
    assert len(results) >= 15
    covered = json.loads(opa("test", "--coverage", POLICY, TESTS).stdout)["files"][POLICY]
    assert covered["coverage"] == 100, covered.get("not_covered")


def test_a_policy_that_forgets_the_tenant_is_found(tmp_path):
    """The tests would notice: without the comparison of tenants they fail."""
    policy = (ROOT / POLICY).read_text()
    assert policy.count("\tsame_tenant\n") == 1
    weaker = tmp_path / "policy.rego"
    weaker.write_text(policy.replace("\tsame_tenant\n", ""))
    done = opa("test", "--format=json", str(weaker), TESTS)
    failed = {result["name"] for result in json.loads(done.stdout) if result.get("fail")}
    assert done.returncode != 0
    assert "test_another_tenant_is_out_of_reach_for_an_admin_too" in failed
