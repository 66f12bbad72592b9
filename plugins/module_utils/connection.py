# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to a cluster's API server, from kubernetes.core's connection options.

Logging in is kubernetes.core's business: its options, its environment variables, its client. One case is short-cut:
a kubeconfig (or parameters) with a certificate or a token that stands there in plain, which is what most inventories
have. It needs nothing but the standard library, and importing the Kubernetes client costs more than applying a hundred
objects. Whatever the short cut does not know for certain (exec plugins, OIDC, proxies, several files, in-cluster
accounts …) goes to kubernetes.core's client, whose connection pool and headers are then used.
"""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import tempfile
import threading
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP, AUTH_ARG_SPEC

from .errors import ClusterError, LoginError, UnreachableError

try:
    import yaml

    YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:  # ansible-core brings it; only documentation tools import this without
    yaml = None  # type: ignore[assignment]

USER_AGENT = "synergyflow.platform"
IMPERSONATION = {"impersonate_user": "Impersonate-User", "impersonate_groups": "Impersonate-Group"}
# a proxy of any sort, or credentials that only the Kubernetes client knows how to send
NEEDS_CLIENT = ("proxy", "no_proxy", "proxy_headers", "persist_config", "username", "password")
IN_CLUSTER = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
IN_CLUSTER_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


class Answer(NamedTuple):
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Login:
    """Who logs in where, all of it known without asking anybody."""

    host: str
    #: name of the cluster in the kubeconfig
    cluster: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    verify: bool = True
    ca_file: str | None = None
    ca_data: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    cert_data: bytes | None = None
    key_data: bytes | None = None


def auth_options(params: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The connection options that are set, as parameter or as K8S_AUTH_* variable.

    The order is that of kubernetes.core's `_create_auth_spec`: the parameter, then the variable named after the
    option, then the one named after the client's own attribute.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, Any] = {}
    names = {arg: true for true, arg in AUTH_ARG_MAP.items()} | {name: name for name in IMPERSONATION}
    for arg, true_name in names.items():
        value = params.get(arg)
        if value is None:
            value = environ.get(f"K8S_AUTH_{arg.upper()}") or environ.get(f"K8S_AUTH_{true_name.upper()}")
            kind = AUTH_ARG_SPEC[arg].get("type")
            if value is not None and kind == "bool":
                value = value.lower() not in ("0", "false", "no")
            elif value is not None and kind == "list":
                value = [part for part in value.split(",") if part]
        if value is not None:
            # a token out of a file often ends with a line break, which no header may hold
            found[arg] = value.strip() if arg == "api_key" and isinstance(value, str) else value
    for name in environ:
        if name.startswith("K8S_AUTH_PROXY_HEADERS_"):
            found["proxy_headers"] = True
    return found


def static_login(auth: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Login | None:
    """The login that `auth` means, if it can be had without the Kubernetes client; None if that is not certain."""
    environ = os.environ if environ is None else environ
    if any(auth.get(name) for name in NEEDS_CLIENT):
        return None
    explicit = auth.get("host") and (auth.get("api_key") or (auth.get("client_cert") and auth.get("client_key")))
    if explicit:
        login = Login(host=auth["host"])
    else:
        chosen = auth.get("kubeconfig") or auth.get("context")
        if not chosen and all(environ.get(name) for name in IN_CLUSTER) and os.path.exists(IN_CLUSTER_TOKEN):
            return None
        try:
            found = _from_kubeconfig(auth.get("kubeconfig"), auth.get("context"), environ)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
            return None  # kubernetes.core's client says what is wrong with it
        if found is None:
            return None
        login = found
    _override(login, auth)
    parts = urlsplit(login.host)
    if parts.scheme not in ("http", "https") or not parts.hostname or _proxied(parts.hostname, parts.scheme):
        return None
    return login


def _proxied(hostname: str, scheme: str) -> bool:
    proxies = urllib.request.getproxies_environment()
    return bool(proxies.get(scheme) or proxies.get("all")) and not urllib.request.proxy_bypass_environment(hostname)


def _override(login: Login, auth: Mapping[str, Any]) -> None:
    """Options stand above what the kubeconfig says, as in kubernetes.core's `_create_configuration`."""
    if auth.get("host"):
        login.host = auth["host"]
    login.host = login.host.rstrip("/")
    if auth.get("api_key"):
        login.headers = [("authorization", f"Bearer {auth['api_key']}")]
    if auth.get("validate_certs") is not None:
        login.verify = bool(auth["validate_certs"])
    if auth.get("ca_cert"):
        login.ca_file, login.ca_data = auth["ca_cert"], None
    if auth.get("client_cert"):
        login.cert_file, login.cert_data = auth["client_cert"], None
    if auth.get("client_key"):
        login.key_file, login.key_data = auth["client_key"], None
    for option, header in IMPERSONATION.items():
        values = auth.get(option) or []
        login.headers += [(header, value) for value in ([values] if isinstance(values, str) else values)]


def _entry(entries: list[dict[str, Any]], name: str, part: str) -> dict[str, Any]:
    matches = [entry for entry in entries if entry["name"] == name]
    if len(matches) != 1:
        raise ValueError(f"{part} {name}")
    return matches[0][part] or {}


def _from_kubeconfig(source: Any, context: str | None, environ: Mapping[str, str]) -> Login | None:
    """A login from one kubeconfig with a plain certificate or token; None for every other sort."""
    folder = ""
    if isinstance(source, Mapping):
        config: Any = source
    else:
        path = os.path.expanduser(str(source or environ.get("KUBECONFIG") or "~/.kube/config"))
        if os.pathsep in path:
            return None
        folder = os.path.dirname(os.path.abspath(path))
        with open(path, "rb") as stream:
            config = yaml.load(stream, Loader=YAML_LOADER)
    chosen = _entry(config["contexts"], context or config["current-context"], "context")
    cluster = _entry(config["clusters"], chosen["cluster"], "cluster")
    user = _entry(config["users"], chosen["user"], "user")
    if {"proxy-url", "tls-server-name"} & set(cluster):
        return None
    if set(user) - {
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
        "token",
        "tokenFile",
    }:
        return None

    def beside(name: str | None) -> str | None:
        return os.path.join(folder, os.path.expanduser(name)) if name else None

    def plain(holder: dict[str, Any], name: str) -> bytes | None:
        return base64.b64decode(holder[name]) if holder.get(name) else None

    login = Login(host=cluster["server"], cluster=chosen["cluster"])
    if login.host.startswith("https"):
        ca_data = plain(cluster, "certificate-authority-data")
        login.ca_data = ca_data.decode() if ca_data else None
        login.ca_file = None if ca_data else beside(cluster.get("certificate-authority"))
        login.cert_data, login.key_data = plain(user, "client-certificate-data"), plain(user, "client-key-data")
        login.cert_file = None if login.cert_data else beside(user.get("client-certificate"))
        login.key_file = None if login.key_data else beside(user.get("client-key"))
    login.verify = not cluster.get("insecure-skip-tls-verify", False)
    token = user.get("token")
    if not token and user.get("tokenFile"):  # in this order, as the Kubernetes client for Python has it
        with open(str(beside(user["tokenFile"])), encoding="utf-8") as stream:
            token = stream.read()
    token = token.strip() if token else None
    if token:
        login.headers.append(("authorization", f"Bearer {token}"))
    return login


class Connection:
    """Requests to one API server, from any number of threads, over connections that stay open."""

    host: str
    #: name of the cluster in the kubeconfig, where that is known
    cluster: str | None = None
    #: values that must never be shown: tokens, passwords
    secrets: list[str]

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> Answer:
        """One request, no retry. `timeout` in seconds. Raises UnreachableError when no answer came."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what is open."""


class DirectConnection(Connection):
    """A connection with a plain login, by the standard library; sockets stay open and go from hand to hand."""

    def __init__(self, login: Login) -> None:
        self.host = login.host
        self.cluster = login.cluster
        self.login = login
        self.secrets = [value.split(" ", 1)[-1] for name, value in login.headers if name == "authorization"]
        parts = urlsplit(login.host)
        self._hostname, self._port, self._prefix = parts.hostname or "", parts.port, parts.path
        self._tls = _tls_context(login) if parts.scheme == "https" else None
        #: open and idle, the one used last on top
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def _take(self, timeout: float) -> http.client.HTTPConnection:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            if self._tls is None:
                connection = http.client.HTTPConnection(self._hostname, self._port, timeout=timeout)
            else:
                connection = http.client.HTTPSConnection(self._hostname, self._port, timeout=timeout, context=self._tls)
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        return connection

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> Answer:
        connection = self._take(timeout)
        try:
            connection.putrequest(method, self._prefix + path, skip_accept_encoding=True)
            connection.putheader("User-Agent", USER_AGENT)
            for name, value in (*self.login.headers, *headers.items()):
                try:
                    connection.putheader(name, value)
                except ValueError:  # its text quotes the value, which may be a token
                    raise LoginError(_no_header(name)) from None
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            # headers and body in one segment: two would wait for each other's acknowledgement
            connection.endheaders(body)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise UnreachableError(_network_reason(error)) from error
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)
        return Answer(response.status, response.headers, content)

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()


def _tls_context(login: Login) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=login.ca_file, cadata=login.ca_data)
        if hasattr(ssl, "VERIFY_X509_STRICT"):
            # Python 3.13 made it the default; cluster CAs made by older tools lack a key usage that it wants
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not login.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if login.cert_data or login.cert_file:
            _load_certificate(context, login)
    except (OSError, ssl.SSLError) as error:
        raise LoginError(f"the certificates for {login.host} cannot be read: {error}") from error
    return context


def _load_certificate(context: ssl.SSLContext, login: Login) -> None:
    """The ssl module reads certificates from files only: data goes through a file nobody else can read."""
    temporary: list[str] = []

    def as_file(path: str | None, content: bytes | None) -> str | None:
        if content is None:
            return path
        handle, name = tempfile.mkstemp(prefix="synergyflow-")
        temporary.append(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        return name

    try:
        certificate = as_file(login.cert_file, login.cert_data)
        context.load_cert_chain(str(certificate), as_file(login.key_file, login.key_data))
    finally:
        for name in temporary:
            os.unlink(name)


class ClientConnection(Connection):
    """A connection over the pool of a Kubernetes client that kubernetes.core has logged in."""

    def __init__(self, api_client: Any, token: str | None = None) -> None:
        self.api_client = api_client
        # the client's hook that refreshes a token puts the kubeconfig's in the place of the one that was given
        self.token = token
        self.configuration = api_client.configuration
        self.host = self.configuration.host
        self.secrets = _client_secrets(self.configuration)

    def _headers(self, headers: Mapping[str, str]) -> Any:
        from urllib3 import HTTPHeaderDict

        merged = HTTPHeaderDict()
        for name, value in self.api_client.default_headers.items():
            merged.add(str(name), value)  # impersonated groups: the same name several times
        merged["User-Agent"] = USER_AGENT
        settings = self.configuration.auth_settings()  # runs the hook that refreshes a token
        for setting in settings.values():
            if setting.get("in") == "header" and setting.get("value"):
                merged[setting["key"]] = setting["value"]
        if self.token:
            merged["authorization"] = f"Bearer {self.token}"
        if "authorization" in merged:
            merged["authorization"] = merged["authorization"].strip()
        if "authorization" not in merged and self.configuration.username and self.configuration.password:
            merged["authorization"] = self.configuration.get_basic_auth_token()
        for name, value in headers.items():
            merged[name] = value
        return merged

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> Answer:
        from urllib3.exceptions import HTTPError

        try:
            response = self.api_client.rest_client.pool_manager.request(
                method,
                self.host.rstrip("/") + path,
                body=body,
                headers=self._headers(headers),
                timeout=timeout,
                retries=False,
            )
        except (HTTPError, OSError) as error:
            raise UnreachableError(_network_reason(error)) from error
        except ValueError:  # its text quotes the header's value, which may be a token
            raise LoginError(_no_header("authorization or another one")) from None
        return Answer(response.status, response.headers, response.data)


def _client_secrets(configuration: Any) -> list[str]:
    values: Iterable[Any] = [getattr(configuration, "password", None), *(configuration.api_key or {}).values()]
    return [str(value).strip().split(" ", 1)[-1] for value in values if value]


def _no_header(name: str) -> str:
    return f"the value of the header {name} has a line break or another character that HTTP does not allow; correct it."


def _network_reason(error: BaseException) -> str:
    """What went wrong below HTTP, in a few words."""
    inner = getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    text = str(getattr(error, "strerror", None) or error)
    return text or type(error).__name__


def kubernetes_client(params: Mapping[str, Any]) -> Any:
    """The `kubernetes.client.ApiClient` that kubernetes.core makes of the connection options in `params`."""
    try:
        import kubernetes
        from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core
    except ImportError as error:
        raise LoginError(
            f"this way of logging in needs the Python package kubernetes and the collection kubernetes.core: {error}"
        ) from error
    options = {name: value for name, value in params.items() if name in AUTH_ARG_SPEC and value is not None}
    try:
        # the parts of its get_api_client(), without the dynamic client: that one would discover the whole API first
        configuration = core._create_configuration(core._create_auth_spec(**options))
        client = kubernetes.client.ApiClient(configuration)
        for header, value in core._create_headers(**options).items():
            core._set_header(client, header, value)
    except Exception as error:  # config files break in many ways, and each loader has its own exceptions
        raise LoginError(_login_failure(options, error)) from error
    return client


def _login_failure(options: Mapping[str, Any], error: Exception) -> str:
    source = options.get("kubeconfig") or os.environ.get("K8S_AUTH_KUBECONFIG") or os.environ.get("KUBECONFIG")
    where = source if isinstance(source, str) else "given in the variable kubeconfig" if source else "~/.kube/config"
    context = options.get("context") or os.environ.get("K8S_AUTH_CONTEXT")
    reason = " ".join(str(error).split())
    if isinstance(source, str) and not all(os.path.exists(os.path.expanduser(p)) for p in source.split(os.pathsep)):
        return f"the kubeconfig {where} does not exist; set kubeconfig (or K8S_AUTH_KUBECONFIG) to one that does."
    if context and "contexts" in reason:
        return f"the kubeconfig {where} has no context {context}; `kubectl config get-contexts` lists those it has."
    return f"no login could be made from the kubeconfig {where}: {reason}. Check the options kubeconfig and context."


def open_connection(params: Mapping[str, Any]) -> Connection:
    """A connection from validated module parameters. Nothing is sent yet. Raises LoginError."""
    auth = auth_options(params)
    login = static_login(auth)
    if login:
        return DirectConnection(login)
    connection = ClientConnection(kubernetes_client(params), auth.get("api_key"))
    connection.secrets += [auth[name] for name in ("password", "api_key") if auth.get(name)]
    return connection


__all__ = [
    "Answer",
    "ClientConnection",
    "ClusterError",
    "Connection",
    "DirectConnection",
    "Login",
    "auth_options",
    "kubernetes_client",
    "open_connection",
    "static_login",
]
