# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that install CloudNativePG: upstream's, with webhooks that the API server reaches."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from cryptography import x509

from rehearsal import programs
from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths
from rehearsal.postgres import manifests

RELEASE = """
kind: Namespace
metadata: {name: cnpg-system}
---
kind: CustomResourceDefinition
metadata: {name: clusters.postgresql.cnpg.io}
---
kind: Service
metadata: {name: cnpg-webhook-service}
---
kind: Deployment
metadata: {name: cnpg-controller-manager}
spec:
  template:
    spec:
      containers:
        - args: [controller, --leader-elect, --webhook-port=9443]
          env: []
          ports: [{containerPort: 8080}, {containerPort: 9443}]
          livenessProbe: {httpGet: {port: 9443}}
          readinessProbe: {httpGet: {port: 9443}}
          startupProbe: {httpGet: {port: 9443}}
          volumeMounts: [{name: webhook-certificates, mountPath: /certs}]
---
kind: ValidatingWebhookConfiguration
metadata: {name: cnpg-validating-webhook-configuration}
webhooks: [{name: v, clientConfig: {service: {name: cnpg-webhook-service, path: /validate}}}]
"""


@pytest.fixture
def release(tmp_path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "cnpg-1.30.0.yaml"
    file.write_text(RELEASE)
    monkeypatch.setattr(programs, "module_files", lambda *_: [file])
    return file


@pytest.fixture
def written(paths: Paths, release) -> dict[str, dict[str, Any]]:
    folder = paths.manifests / "cloudnative-pg-1.30.0"
    manifests.write(folder, paths)
    assert [each["kind"] for each in yaml.safe_load_all((folder / "crds.yaml").read_text())] == [
        "CustomResourceDefinition"
    ]
    return {each["kind"]: each for each in yaml.safe_load_all((folder / "operator.yaml").read_text())}


def test_the_webhooks_are_reached_where_the_operator_listens(written):
    container = written["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    port = container["ports"][1]["containerPort"]
    assert container["args"] == ["controller", f"--webhook-port={port}"]
    assert {container[f"{name}Probe"]["httpGet"]["port"] for name in ("liveness", "readiness", "startup")} == {port}
    assert container["env"] == [{"name": "WEBHOOK_CERT_DIR", "value": "/certs"}]
    client = written["ValidatingWebhookConfiguration"]["webhooks"][0]["clientConfig"]
    assert client["url"] == f"https://127.0.0.1:{port}/validate"
    assert "Service" not in written


def test_the_certificate_is_for_that_address_and_trusted(written):
    client = written["ValidatingWebhookConfiguration"]["webhooks"][0]["clientConfig"]
    secret = written["Secret"]["data"]
    assert client["caBundle"] == secret["tls.crt"] == secret["apiserver.crt"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(client["caBundle"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_written_again_they_are_the_same(written, paths):
    folder = paths.manifests / "cloudnative-pg-1.30.0"
    before = (folder / "operator.yaml").read_text()
    manifests.write(folder, paths)
    assert (folder / "operator.yaml").read_text() == before


def test_a_module_without_the_release_is_said(paths, release, monkeypatch):
    monkeypatch.setattr(programs, "module_files", lambda *_: [])
    with pytest.raises(RehearsalError, match=r"cnpg-1\.30\.0\.yaml"):
        manifests.write(paths.manifests / "x", paths)
