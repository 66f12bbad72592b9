# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""External Secrets' stand-in on a real control plane, seen as the collection sees it: by `ready` and by the Secrets."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mechanisms import Mechanisms
from until import until

from rehearsal import vault
from rehearsal.files import write_atomically
from rehearsal.paths import Paths

NAMESPACE = "external-secrets-test"
STORE = {"kind": "ClusterSecretStore", "name": "vault-backend"}
PATH = "test/login"
API = "external-secrets.io/v1"


def _external_secret(name: str, **spec: Any) -> dict[str, Any]:
    spec = {"secretStoreRef": STORE, "refreshInterval": "1h", **spec}
    return {
        "apiVersion": API,
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }


def _value(key: str, name: str) -> dict[str, Any]:
    return {"secretKey": name, "remoteRef": {"key": key, "property": name}}


LOGIN = _external_secret(
    "login",
    data=[_value(PATH, "user"), _value(PATH, "password")],
    target={
        "name": "login-of-nobody",
        "template": {
            "type": "kubernetes.io/basic-auth",
            "data": {"username": "{{ .user }}", "password": "{{ .password }}", "uri": "x://{{ .user }}@h"},
        },
    },
)
S3 = _external_secret("s3", dataFrom=[{"extract": {"key": "s3/backup"}}])
NO_PATH = _external_secret("no-path", dataFrom=[{"extract": {"key": "test/nowhere"}}])
NO_PROPERTY = _external_secret("no-property", data=[_value(PATH, "nothing")])


def _named(*objects: dict[str, Any]) -> list[dict[str, Any]]:
    """Without what else they say: Ansible would take Go's templates for its own."""
    return [{name: each[name] for name in ("apiVersion", "kind", "metadata")} for each in objects]


class Vault:
    """The file, with one path more for these tests."""

    def __init__(self, rehearsal: Any) -> None:
        self._paths = Paths(state=rehearsal.state, cache=rehearsal.state)

    @property
    def content(self) -> vault.Content:
        return vault.read(self._paths)

    def put(self, path: str, values: dict[str, str] | None) -> None:
        content = {key: value for key, value in self.content.items() if key != path}
        write_atomically(self._paths.vault, json.dumps(content | ({path: values} if values else {})))


@pytest.fixture(scope="module")
def store(rehearsal: Any) -> Iterator[Vault]:
    """The ExternalSecrets of this file, made once."""
    made = Vault(rehearsal)
    made.put(PATH, {"user": "nobody", "password": secrets.token_urlsafe(12)})
    rehearsal.kubectl("apps", "create", "namespace", NAMESPACE)
    text = "\n---\n".join(map(json.dumps, (LOGIN, S3, NO_PATH, NO_PROPERTY)))
    rehearsal.kubectl("apps", "apply", "--server-side", "-f", "-", input=text)
    yield made
    for path in (PATH, "test/nowhere"):
        made.put(path, None)
    # ends only when the stand-in takes its finalizers off
    rehearsal.kubectl("apps", "delete", "externalsecrets", "--all", "-n", NAMESPACE, "--timeout=60s")
    rehearsal.kubectl("apps", "delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def run(rehearsal: Any, tmp_path: Path) -> Mechanisms:
    return Mechanisms(rehearsal, tmp_path)


def _secret(rehearsal: Any, name: str) -> dict[str, str]:
    data = rehearsal.get("apps", "secret", name, "-n", NAMESPACE)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def _force(rehearsal: Any, name: str) -> None:
    mark = f"force-sync={time.time_ns()}"
    rehearsal.kubectl("apps", "annotate", "externalsecret", name, "-n", NAMESPACE, mark, "--overwrite")


def test_secrets_are_made_and_waited_for(run: Mechanisms, rehearsal: Any, store: Vault) -> None:
    vault_backend = {"apiVersion": API, "kind": "ClusterSecretStore", "metadata": {"name": "vault-backend"}}
    result = run.run("ready", objects=_named(vault_backend, LOGIN, S3), timeout=60).ok()
    assert {item["verdict"] for item in result["objects"]} == {"ready"}
    login = store.content[PATH]
    expected = {"username": "nobody", "password": login["password"], "uri": "x://nobody@h"}
    assert _secret(rehearsal, "login-of-nobody") == expected
    assert _secret(rehearsal, "s3") == store.content["s3/backup"]
    live = rehearsal.get("apps", "externalsecret", "login", "-n", NAMESPACE)
    assert live["status"]["binding"] == {"name": "login-of-nobody"}
    made = rehearsal.get("apps", "secret", "login-of-nobody", "-n", NAMESPACE)
    assert made["type"] == "kubernetes.io/basic-auth"
    assert [owner["uid"] for owner in made["metadata"]["ownerReferences"]] == [live["metadata"]["uid"]]


def test_a_missing_path_and_a_missing_property_fail_with_their_events(run: Mechanisms, store: Vault) -> None:
    outcome = run.run("ready", objects=_named(NO_PATH, NO_PROPERTY), timeout=8)
    assert outcome.code != 0
    assert "could not get secret data from provider" in outcome.message
    assert "err: Secret does not exist" in outcome.message
    assert "spec.data[0] (key: test/login), err: cannot find secret data for key" in outcome.message
    assert store.content[PATH]["password"] not in outcome.output


def test_what_was_missing_is_taken_once_it_is_there(rehearsal: Any, store: Vault) -> None:
    store.put("test/nowhere", {"now": "there"})
    _force(rehearsal, "no-path")
    wait = ("wait", "--for=condition=Ready", "externalsecret/no-path", "-n", NAMESPACE, "--timeout=60s")
    rehearsal.kubectl("apps", *wait)
    assert _secret(rehearsal, "no-path") == {"now": "there"}


def test_a_rotated_value_arrives_when_asked_for(run: Mechanisms, rehearsal: Any, store: Vault) -> None:
    new = secrets.token_urlsafe(12)
    store.put(PATH, {"user": "nobody", "password": new})
    _force(rehearsal, "login")
    until(lambda: _secret(rehearsal, "login-of-nobody")["password"] == new)


def test_a_secret_deleted_by_hand_comes_back_and_goes_with_its_owner(rehearsal: Any, store: Vault) -> None:
    before = rehearsal.get("apps", "secret", "s3", "-n", NAMESPACE)["metadata"]["uid"]
    rehearsal.kubectl("apps", "delete", "secret", "s3", "-n", NAMESPACE)

    def again() -> list[str]:
        found = rehearsal.get("apps", "secrets", "-n", NAMESPACE, "--field-selector", "metadata.name=s3")["items"]
        return [item["metadata"]["uid"] for item in found]

    until(lambda: bool(again()) and again() != [before])
    rehearsal.kubectl("apps", "delete", "externalsecret", "s3", "-n", NAMESPACE, "--timeout=60s")
    until(lambda: again() == [])
