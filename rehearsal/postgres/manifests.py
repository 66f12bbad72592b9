# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The manifests that install CloudNativePG's operator: upstream's own of that release, with reachable webhooks.

What differs: the API server reaches the webhooks by URL on this machine instead of through a Service, with a
certificate made here (the operator takes one that others make, as under OLM), and the only replica elects no leader.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rehearsal import ports, programs
from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.paths import Paths

VERSION = "1.30.0"
MODULE = "github.com/cloudnative-pg/cloudnative-pg"
NAMESPACE = "cnpg-system"
WEBHOOK_ADDRESS = "127.0.0.1"
WEBHOOK_PORT = "cloudnative-pg.webhook"  # as reserved on this machine
UPSTREAM_WEBHOOK_PORT = 9443
CERTIFICATE_SECRET = "cnpg-webhook-cert"
CERTIFICATE_DAYS = 3650
NOT_OURS = ("cnpg-webhook-service",)  # the Service that nothing goes through here

Object = dict[str, Any]


def write(folder: Path, paths: Paths) -> None:
    """Write `crds.yaml` and `operator.yaml`. The certificate of the webhooks is made once and kept."""
    name = f"cnpg-{VERSION}.yaml"
    release = next((file for file in programs.module_files("cloudnative-pg", MODULE, paths) if file.name == name), None)
    if release is None:
        raise RehearsalError(f"{MODULE} has no {name}: correct artifacts.toml")
    port = ports.reserve(WEBHOOK_PORT, paths)
    certificate, key = _certificate(paths.run / "cnpg-webhook")
    documents = [document for document in yaml.load_all(release.read_text(), _Loader) if document]
    crds = [each for each in documents if each["kind"] == "CustomResourceDefinition"]
    others = [each for each in documents if each not in crds]
    _write(folder / "crds.yaml", crds)
    _write(folder / "operator.yaml", operator(others, port=port, certificate=certificate, key=key))


def operator(documents: list[Object], *, port: int, certificate: str, key: str) -> list[Object]:
    """Upstream's objects other than definitions, changed so that the webhooks are reached at the port."""
    kept = [each for each in documents if each["metadata"]["name"] not in NOT_OURS]
    for each in kept:
        if each["kind"] in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            for webhook in each["webhooks"]:
                path = webhook["clientConfig"]["service"]["path"]
                url = f"https://{WEBHOOK_ADDRESS}:{port}{path}"
                webhook["clientConfig"] = {"url": url, "caBundle": _encoded(certificate)}
        elif each["kind"] == "Deployment":
            _listen(each["spec"]["template"]["spec"], port)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": CERTIFICATE_SECRET, "namespace": NAMESPACE},
        "data": {
            "tls.crt": _encoded(certificate),
            "tls.key": _encoded(key),
            # the names that the operator reads a certificate by that is not its own
            "apiserver.crt": _encoded(certificate),
            "apiserver.key": _encoded(key),
        },
    }
    first = next(number for number, each in enumerate(kept) if each["kind"] == "Deployment")
    return [*kept[:first], secret, *kept[first:]]


def _listen(pod: Object, port: int) -> None:
    """Have the operator's pod serve webhooks at the port."""
    container = pod["containers"][0]
    container["args"] = [
        f"--webhook-port={port}" if argument.startswith("--webhook-port=") else argument
        for argument in container["args"]
        if argument != "--leader-elect"
    ]
    for each in container["ports"]:
        if each["containerPort"] == UPSTREAM_WEBHOOK_PORT:
            each["containerPort"] = port
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        container[probe]["httpGet"]["port"] = port
    certificates = next(each for each in container["volumeMounts"] if each["name"] == "webhook-certificates")
    container["env"].append({"name": "WEBHOOK_CERT_DIR", "value": certificates["mountPath"]})


def _certificate(folder: Path) -> tuple[str, str]:
    """Certificate and key of the webhooks in PEM, signed by itself."""
    certificate_file, key_file = folder / "tls.crt", folder / "tls.key"
    if not (certificate_file.is_file() and key_file.is_file()):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cnpg-webhook")])
        began = datetime.now(UTC) - timedelta(hours=1)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(began)
            .not_valid_after(began + timedelta(days=CERTIFICATE_DAYS))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(WEBHOOK_ADDRESS))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_atomically(key_file, private.decode())
        write_atomically(certificate_file, made.public_bytes(serialization.Encoding.PEM).decode())
    return certificate_file.read_text(), key_file.read_text()


def _write(file: Path, documents: list[Object]) -> None:
    text = "".join(f"---\n{yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=120)}" for each in documents)
    if not file.is_file() or file.read_text() != text:
        write_atomically(file, text, mode=0o600)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# a megabyte of definitions: the C implementation takes a tenth of the time
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
