# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The rehearsal's small operators do without the official client, and who wants it still gets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = ("rehearsal.node.watching", "rehearsal.external_secrets.operator", "rehearsal.flux.operator")


@pytest.mark.parametrize("module", LIGHT)
def test_the_official_client_is_left_out(module: str) -> None:
    code = f"import sys, {module}; print('kubernetes' in sys.modules); import kubernetes.client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
