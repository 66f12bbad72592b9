# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The cluster's and the clients' certificate authorities, and the certificates they sign."""

from __future__ import annotations

import datetime
import hashlib
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORGANIZATION = "io.strimzi"
VALIDITY = datetime.timedelta(days=365)
PASSWORD_LENGTH = 12  # characters, as Strimzi's PasswordGenerator makes for certificate stores
ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key (PKCS8), both PEM."""

    certificate: str
    key: str

    def pkcs12(self, name: str, password: str) -> bytes:
        """Key and certificate as a PKCS12 store."""
        return pkcs12.serialize_key_and_certificates(
            name.encode(),
            serialization.load_pem_private_key(self.key.encode(), None),  # type: ignore[arg-type]
            x509.load_pem_x509_certificate(self.certificate.encode()),
            None,
            serialization.BestAvailableEncryption(password.encode()),
        )

    def truststore(self, password: str) -> bytes:
        """The certificate alone as a PKCS12 trust store that Java reads."""
        trusted = pkcs12.PKCS12Certificate(x509.load_pem_x509_certificate(self.certificate.encode()), b"ca.crt")
        return pkcs12.serialize_java_truststore([trusted], serialization.BestAvailableEncryption(password.encode()))


def authority(common_name: str) -> Certificate:
    """A new self-signed CA, e.g. `cluster-ca v0`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    builder = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
    )
    return _signed(builder, key, key)


def issued(authority: Certificate, common_name: str, hosts: Iterable[str] = ()) -> Certificate:
    """A certificate of that CA for both ends of a connection, valid for these DNS names."""
    ca = x509.load_pem_x509_certificate(authority.certificate.encode())
    ca_key = serialization.load_pem_private_key(authority.key.encode(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = (
        _builder(_name(common_name), ca.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(usages, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), critical=False)  # type: ignore[arg-type]
    )
    names = [x509.DNSName(host) for host in hosts]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _signed(builder, ca_key, key)


def serves(certificate: str, authority: str, hosts: Iterable[str]) -> bool:
    """Whether the PEM certificate is that CA's, still good, and has exactly these DNS names."""
    try:
        parsed = x509.load_pem_x509_certificate(certificate.encode())
        parsed.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
    except Exception:  # whatever is wrong with it, a new one is due
        return False
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = set(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        found = set()
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)  # Strimzi's default renewalDays
    return found == set(hosts) and parsed.not_valid_after_utc > soon


def password(length: int = PASSWORD_LENGTH) -> str:
    """A random password of letters and digits that starts with a letter."""
    return secrets.choice(string.ascii_letters) + "".join(secrets.choice(ALPHABET) for _ in range(length - 1))


def hash_stub(text: str | bytes) -> str:
    """The short hash that Strimzi puts into annotations: the first 8 hexadecimal digits."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:8]


def _name(common_name: str) -> x509.Name:
    # Kafka's default principal reads this as `CN=…,O=io.strimzi`: the order is part of the name
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(builder: x509.CertificateBuilder, signer: object, key: ec.EllipticCurvePrivateKey) -> Certificate:
    certificate = builder.sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    return Certificate(
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )
