# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""CAs and what they sign: real X.509, checked by the ssl module itself."""

from __future__ import annotations

import ssl

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from rehearsal.strimzi import certificates

HOSTS = ["b-0.brokers.messaging.svc", "bootstrap.messaging.svc"]


def test_a_broker_is_trusted_under_its_names_only(tmp_path):
    authority = certificates.authority("cluster-ca v0")
    issued = certificates.issued(authority, "c-kafka", HOSTS)
    assert certificates.serves(issued.certificate, authority.certificate, HOSTS)
    assert not certificates.serves(issued.certificate, authority.certificate, [*HOSTS, "other"])
    assert not certificates.serves(issued.certificate, certificates.authority("cluster-ca v0").certificate, HOSTS)
    assert not certificates.serves("no certificate", authority.certificate, HOSTS)
    (tmp_path / "pem").write_text(issued.certificate + issued.key)
    _handshake(authority.certificate, str(tmp_path / "pem"), HOSTS[1])


def test_the_subject_is_the_principal_that_brokers_know():
    issued = certificates.issued(certificates.authority("cluster-ca v0"), "c-entity-topic-operator")
    subject = x509.load_pem_x509_certificate(issued.certificate.encode()).subject
    assert subject.rfc4514_string() == "CN=c-entity-topic-operator,O=io.strimzi"


def test_stores_open_with_their_password():
    authority = certificates.authority("clients-ca v0")
    trusted = pkcs12.load_pkcs12(authority.truststore("secret"), b"secret")
    assert [each.friendly_name for each in trusted.additional_certs] == [b"ca.crt"]
    issued = certificates.issued(authority, "me")
    opened = pkcs12.load_pkcs12(issued.pkcs12("me", "secret"), b"secret")
    assert opened.key is not None
    assert opened.cert is not None


def test_passwords_differ_and_start_with_a_letter():
    made = {certificates.password(32) for _ in range(100)}
    assert len(made) == 100
    assert all(len(each) == 32 and each[0].isalpha() and each.isalnum() for each in made)


def _handshake(trusted: str, own: str, host: str) -> None:
    """A mutual handshake in memory."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(own)
    server_context.load_verify_locations(cadata=trusted)
    server_context.verify_mode = ssl.CERT_REQUIRED
    client_context = ssl.create_default_context(cadata=trusted)
    client_context.load_cert_chain(own)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    unfinished = [client, server]
    for _ in range(10):
        for side in list(unfinished):
            try:
                side.do_handshake()
                unfinished.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert not unfinished
