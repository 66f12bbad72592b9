# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backend takes from Kafka, compared with what Kafka has: the authority it trusts, the password it sends.

Secrets cannot be mounted from another namespace. The authority's certificate is public and is copied into a ConfigMap;
the password reaches both sides from Vault. Whether the two agree is found out here, and no value leaves this module.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .api import Api, ApiError
from .discovery import SECRETS, Resource
from .objects import Manifest

KAFKA = "kafka.strimzi.io"


@dataclass(frozen=True)
class KafkaLogin:
    """Both sides as they are now. None stands for what is not there or may not be read."""

    #: certificates of the authority that signs the brokers', in PEM; several while it is being renewed
    ca: str | None = None
    user: Manifest | None = None
    #: whether the backend's Secret has the password that the KafkaUser has
    same_password: bool | None = None
    #: why one of them could not be read
    unread: str = ""

    @property
    def makes_own_password(self) -> bool:
        """Whether the operator makes the KafkaUser's password, so that Vault cannot have it."""
        if self.user is None:
            return False
        authentication = (self.user.get("spec") or {}).get("authentication") or {}
        return "password" not in authentication


def read(api: Api, values: Mapping[str, Any]) -> KafkaLogin:
    """Ask for everything at once."""
    namespace, name = values["synergyflow_backend_kafka_namespace"], values["synergyflow_backend_kafka_user"]
    authority = f"{values['synergyflow_backend_kafka_cluster']}-cluster-ca-cert"
    own = f"{values['synergyflow_backend_name']}-kafka"
    users = api.discover().preferred(KAFKA, "KafkaUser")
    unread: list[str] = []

    def one(resource: Resource | None, where: str, called: str) -> Manifest | None:
        if resource is None:
            return None
        try:
            return api.get(resource, where, called)
        except ApiError as error:
            if error.code != 403:
                raise
            unread.append(str(error))
            return None

    ca, user, mine, theirs = api.all(
        lambda ask: one(*ask),
        [
            (SECRETS, namespace, authority),
            (users, namespace, name),
            (SECRETS, values["synergyflow_backend_namespace"], own),
            (SECRETS, namespace, name),
        ],
    )
    return KafkaLogin(certificates(ca), user, same(mine, theirs, "password"), "; ".join(unread))


def certificates(secret: Mapping[str, Any] | None) -> str | None:
    """All certificates of Strimzi's Secret, the old ones of a renewal too, in a fixed order."""
    data = (secret or {}).get("data") or {}
    found = [base64.b64decode(data[key]).decode().strip() for key in sorted(data) if key.endswith(".crt")]
    return "".join(f"{pem}\n" for pem in found) or None


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, key: str) -> bool | None:
    """Whether two Secrets have the same value; None when one of them has none."""
    values = [((secret or {}).get("data") or {}).get(key) for secret in (one, other)]
    if None in values:
        return None
    first, second = (base64.b64decode(str(value)) for value in values)
    return hmac.compare_digest(first, second)
