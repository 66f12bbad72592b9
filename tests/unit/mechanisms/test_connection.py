# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The short cut of logging in says what kubernetes.core's own client would say, or nothing."""

from __future__ import annotations

import base64
import socket
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils import connection
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import (
    Login,
    auth_options,
    static_login,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import LoginError

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nbm90IGEgcmVhbCBvbmU=\n-----END CERTIFICATE-----\n"
OTHER = CERTIFICATE.replace("bm90", "b3Ro")
KEY = "-----BEGIN PRIVATE KEY-----\nbm90IGEgcmVhbCBvbmU=\n-----END PRIVATE KEY-----\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(connection.os.environ):
        if name.startswith(("K8S_AUTH_", "KUBE")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    # the client remembers the kubeconfig it read last as its default
    kubernetes.client.Configuration.set_default(None)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Contexts of many sorts in one file."""
    (tmp_path / "ca.crt").write_text(CERTIFICATE)
    (tmp_path / "client.crt").write_text(OTHER)
    (tmp_path / "client.key").write_text(KEY)
    (tmp_path / "token").write_text("token-from-file")
    clusters = {
        "data": {"server": "https://one.example:6443/", "certificate-authority-data": encoded(CERTIFICATE)},
        "file": {"server": "https://two.example/prefix", "certificate-authority": "ca.crt"},
        "insecure": {"server": "https://three.example:1", "insecure-skip-tls-verify": True},
        "plain": {"server": "http://127.0.0.1:8001"},
    }
    users = {
        "data": {"client-certificate-data": encoded(OTHER), "client-key-data": encoded(KEY)},
        "file": {"client-certificate": "client.crt", "client-key": "client.key"},
        "token": {"token": "token-in-place"},
        "both": {"token": "old", "tokenFile": "token"},
        "nothing": {},
    }
    contexts = [
        {"name": f"{cluster}-{user}", "context": {"cluster": cluster, "user": user}}
        for cluster in clusters
        for user in users
    ]
    path = tmp_path / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "data-token",
                "clusters": [{"name": name, "cluster": value} for name, value in clusters.items()],
                "users": [{"name": name, "user": value} for name, value in users.items()],
                "contexts": contexts,
            }
        )
    )
    return path


def content(path: str | None) -> str | None:
    return Path(path).read_text() if path else None


def as_the_client_sees_it(params: dict[str, Any]) -> dict[str, Any]:
    """Read before its first request: then a hook of kubernetes 37 sets host and token from the kubeconfig again."""
    client = connection.kubernetes_client(params)
    configuration = client.configuration
    keys = configuration.api_key
    return {
        "host": configuration.host,
        "verify": configuration.verify_ssl,
        "ca": content(configuration.ssl_ca_cert),
        "certificate": content(configuration.cert_file),
        "key": content(configuration.key_file),
        "token": keys.get("authorization") or keys.get("BearerToken"),
        "user": client.default_headers.get("Impersonate-User"),
    }


def as_we_see_it(params: dict[str, Any]) -> dict[str, Any]:
    login = static_login(auth_options(params))
    assert login is not None
    headers = dict(login.headers)
    return {
        "host": login.host,
        "verify": login.verify,
        "ca": login.ca_data or content(login.ca_file),
        "certificate": login.cert_data.decode() if login.cert_data else content(login.cert_file),
        "key": login.key_data.decode() if login.key_data else content(login.key_file),
        "token": headers.get("authorization"),
        "user": headers.get("Impersonate-User"),
    }


CONTEXTS = [
    f"{cluster}-{user}"
    for cluster in ("data", "file", "insecure", "plain")
    for user in ("data", "file", "token", "both")
    # the client takes no certificate over plain http, and neither do we; nothing to compare beyond a token
]


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_context_means_what_it_means_to_kubernetes_core(context: str, kubeconfig: Path) -> None:
    params = {"kubeconfig": str(kubeconfig), "context": context}
    assert as_we_see_it(params) == as_the_client_sees_it(params)


@pytest.mark.parametrize(
    "more",
    [
        {"host": "https://elsewhere:6443/"},
        {"api_key": "another"},
        {"validate_certs": False},
        {"impersonate_user": "jane"},
        {"host": "https://elsewhere", "api_key": "alone"},
    ],
)
def test_options_stand_above_the_kubeconfig(more: dict[str, Any], kubeconfig: Path) -> None:
    params = {"kubeconfig": str(kubeconfig), **more}
    assert as_we_see_it(params) == as_the_client_sees_it(params)


@pytest.mark.parametrize(
    "environment",
    [
        {"K8S_AUTH_KUBECONFIG": "{path}"},
        {"K8S_AUTH_KUBECONFIG": "{path}", "K8S_AUTH_CONTEXT": "file-file"},
        {"K8S_AUTH_KUBECONFIG": "{path}", "K8S_AUTH_VERIFY_SSL": "no"},
        {"K8S_AUTH_HOST": "https://h", "K8S_AUTH_API_KEY": "t"},
        {"K8S_AUTH_KUBECONFIG": "{path}", "K8S_AUTH_SSL_CA_CERT": "{folder}/client.crt"},
    ],
)
def test_environment_variables(environment: dict[str, str], kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(path=kubeconfig, folder=kubeconfig.parent))
    assert as_we_see_it({}) == as_the_client_sees_it({})


def test_a_kubeconfig_as_a_dictionary(kubeconfig: Path) -> None:
    params = {"kubeconfig": yaml.safe_load(kubeconfig.read_text()), "context": "data-data"}
    assert as_we_see_it(params) == as_the_client_sees_it(params)


@pytest.mark.parametrize(
    "user",
    [
        {"exec": {"command": "aws", "apiVersion": "client.authentication.k8s.io/v1"}},
        {"auth-provider": {"name": "oidc"}},
        {"username": "u", "password": "p"},
    ],
)
def test_other_ways_of_logging_in_are_left_to_the_client(user: dict[str, Any], kubeconfig: Path) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    config["users"][2]["user"] = user
    kubeconfig.write_text(yaml.safe_dump(config))
    assert static_login(auth_options({"kubeconfig": str(kubeconfig)})) is None


@pytest.mark.parametrize(
    "params",
    [
        {"proxy": "http://proxy:3128"},
        {"username": "u", "password": "p"},
        {"kubeconfig": "one:two"},
        {"kubeconfig": "/does/not/exist"},
        {"context": "unknown"},
    ],
)
def test_what_is_not_certain_is_left_to_the_client(params: dict[str, Any], kubeconfig: Path) -> None:
    assert static_login(auth_options({"kubeconfig": str(kubeconfig), **params})) is None


def test_a_proxy_in_the_environment_is_left_to_the_client(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert static_login(auth_options({"kubeconfig": str(kubeconfig)})) is None
    monkeypatch.setenv("no_proxy", ".example")
    assert static_login(auth_options({"kubeconfig": str(kubeconfig)})) is not None


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"kubeconfig": "/does/not/exist"}, "/does/not/exist does not exist"),
        ({"context": "nowhere"}, "has no context nowhere"),
    ],
)
def test_a_login_that_cannot_be_made_says_why(params: dict[str, Any], said: str, kubeconfig: Path) -> None:
    with pytest.raises(LoginError) as failed:
        connection.open_connection({"kubeconfig": str(kubeconfig), **params})
    assert said in str(failed.value)


def test_a_token_counts_as_secret(kubeconfig: Path) -> None:
    it = connection.open_connection({"kubeconfig": str(kubeconfig), "context": "plain-token"})
    assert it.secrets == ["token-in-place"]


def test_the_clients_headers_are_sent_as_they_are(kubeconfig: Path) -> None:
    params = {"kubeconfig": str(kubeconfig), "impersonate_user": "jane", "impersonate_groups": ["a", "b"]}
    it = connection.ClientConnection(connection.kubernetes_client(params))
    headers = it._headers({"Accept": "application/json"})
    assert headers.getlist("Impersonate-Group") == ["a", "b"]
    assert headers["authorization"] == "Bearer token-in-place"
    assert it.secrets == ["token-in-place"]
    given = connection.ClientConnection(connection.kubernetes_client(params), token="given")
    assert given._headers({})["authorization"] == "Bearer given"


def test_basic_authentication_is_sent(kubeconfig: Path) -> None:
    params = {"host": "https://h", "username": "u", "password": "p" * 8}
    headers = connection.open_connection(params)._headers({})  # type: ignore[attr-defined]
    assert headers["authorization"] == "Basic " + encoded("u:" + "p" * 8)


@pytest.mark.parametrize("where", ["tokenFile", "token", "api_key", "environment"])
def test_a_line_break_after_a_token_does_no_harm(where: str, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params: dict[str, Any] = {"kubeconfig": str(kubeconfig)}
    if where == "api_key":
        params[where] = "the-token\n"
    elif where == "environment":
        monkeypatch.setenv("K8S_AUTH_API_KEY", "the-token\n")
    else:
        config = yaml.safe_load(kubeconfig.read_text())
        (kubeconfig.parent / "ends-with-a-break").write_text("the-token\n")
        config["users"][2]["user"] = {where: "the-token\n" if where == "token" else "ends-with-a-break"}
        kubeconfig.write_text(yaml.safe_dump(config))
    auth = auth_options(params)
    login = static_login(auth)
    assert login is not None
    assert login.headers == [("authorization", "Bearer the-token")]
    through_client = connection.ClientConnection(connection.kubernetes_client(params), auth.get("api_key"))
    assert through_client._headers({})["authorization"] == "Bearer the-token"


@pytest.mark.parametrize("direct", [True, False])
def test_a_token_that_no_header_can_hold_is_not_quoted(direct: bool, kubeconfig: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"http://127.0.0.1:{server.getsockname()[1]}"
        if direct:
            it: Any = connection.DirectConnection(Login(host, headers=[("authorization", "Bearer the\ntoken")]))
        else:
            it = connection.ClientConnection(connection.kubernetes_client({"host": host, "api_key": "the\ntoken"}))
        with pytest.raises(LoginError, match="authorization") as failed:
            it.request("GET", "/api", None, {}, 2.0)
        it.close()
    assert "token" not in str(failed.value)
