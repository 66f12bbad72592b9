# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret values of a deployed platform, and looking for them in what is printed, logged or written.

Each of them is random, so each is its own canary: those of the Secrets on the clusters (passwords, private keys,
log-ins), those in the Vault's place, and the keys of the S3 store.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from rehearsal import s3, vault
from rehearsal.paths import Paths

#: shorter ones, and lines of keys shorter than that, are found everywhere by chance
SHORTEST = 12
#: the highest verbosity that users have at hand
VERBOSE = "-vvv"
#: keys of Secrets whose values are an address and a name
PUBLIC = ("RESTIC_REPOSITORY", "AWS_DEFAULT_REGION", "namespace")


def forms(value: str) -> set[str]:
    """The value as it may turn up: plain, as one JSON string, in base64; of a PEM file each line."""
    lines = [line for line in value.splitlines() if not line.startswith("-----")]
    if "PRIVATE KEY-----" in value and len(lines) > 1:
        lines.pop()  # the public half of such a key, which its certificate has too
    plain = {value, *lines} if len(lines) > 1 or value in lines else {*lines}
    found = plain | {json.dumps(each)[1:-1] for each in plain} | {base64.b64encode(value.encode()).decode()}
    return {each for each in found if len(each) >= SHORTEST}


def canaries(rehearsal: Any) -> dict[str, str]:
    """Where each secret string comes from, by the string."""
    paths = Paths(state=rehearsal.state, cache=rehearsal.state)
    found: dict[str, str] = {}
    for cluster in ("apps", "infra"):
        for item in rehearsal.get(cluster, "secrets", "-A")["items"]:
            for key, encoded in (item.get("data") or {}).items():
                if key.endswith((".crt", ".p12")) or "username" in key or key in PUBLIC:
                    continue
                where = f"{cluster} {item['metadata']['namespace']}/{item['metadata']['name']} {key}"
                found |= dict.fromkeys(forms(base64.b64decode(encoded).decode(errors="replace")), where)
    for path, keys in vault.read(paths).items():
        for key, value in keys.items():
            if key != "username":
                found |= dict.fromkeys(forms(value), f"Vault {path} {key}")
    found |= {value: f"S3 {name}" for name, value in s3.keys(paths)._asdict().items()}
    return found


def told(text: str, values: dict[str, str]) -> list[str]:
    """What the text gives away, by where it comes from; also where a terminal's width folded it."""
    folded = re.sub(r"\s+", "", text)
    return sorted({where for value, where in values.items() if value in text or "".join(value.split()) in folded})


def assert_quiet(done: CompletedProcess[str], log: Path, values: dict[str, str]) -> None:
    """Neither the terminal nor Ansible's own log tells a value."""
    assert told(done.stdout, values) == []
    assert told(done.stderr, values) == []
    assert told(log.read_text(), values) == []


def assert_report_quiet(evidence: Path, reports: Path, values: dict[str, str]) -> None:
    """Nor do the evidence and the report in its four forms."""
    written = [evidence, *(file for file in reports.rglob("*") if file.is_file())]
    assert len(written) == 5
    assert {file.name: told(file.read_text(), values) for file in written} == {file.name: [] for file in written}
