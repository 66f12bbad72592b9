# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The rehearsal's small operators do without the official client, and who wants it still gets it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LIGHT = ("rehearsal.node.watching", "rehearsal.external_secrets.operator", "rehearsal.flux.operator")


@pytest.mark.parametrize("module", LIGHT)
def test_the_official_client_is_left_out(module: str) -> None:
    code = f"import sys, {module}; print('kubernetes' in sys.modules); import kubernetes.client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr


@pytest.mark.parametrize("set_before", ["", "/somewhere/authorities.pem"])
def test_the_machines_authorities_are_not_read_and_stay_known(set_before: str) -> None:
    code = (
        "import os, rehearsal.light_kopf, aiohttp.connector;"
        "print(len(aiohttp.connector._SSL_CONTEXT_VERIFIED.get_ca_certs()), os.environ.get('SSL_CERT_FILE', ''))"
    )
    told = {"SSL_CERT_FILE": set_before} if set_before else {}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SSL_")} | told
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout.strip()) == (0, f"0 {set_before}".strip()), done.stderr
