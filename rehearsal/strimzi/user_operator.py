# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The stand-in for Strimzi's user operator: `python -m rehearsal.strimzi.user_operator`.

Environment: STRIMZI_NAMESPACE, STRIMZI_LABELS=strimzi.io/cluster=…, KUBECONFIG, STRIMZI_OPERATOR_VERSION. Every pass
compares all KafkaUsers with all users that the brokers know; one without a KafkaUser is removed, as the real one does.

As the real one (ScramCredentialsOperator) it tells the brokers every password in every pass, known or not. That heals
what Kafka up to 4.3.1 forgets: where a SCRAM user was removed, a broker that starts may read its log so that all
others are gone as well (org.apache.kafka.image.ScramDelta.apply drops the mechanism when the removal comes first).
"""

from __future__ import annotations

import base64
import logging
import os
import re
import sys
from typing import Any

from kafka import errors as kafka_errors
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from kafka.protocol.admin import AlterClientQuotasRequest, DescribeClientQuotasRequest

from rehearsal import operator_program
from rehearsal.light_kopf import kopf
from rehearsal.strimzi import certificates, names, status, users
from rehearsal.strimzi.api import Api, ApiError
from rehearsal.strimzi.brokers import Brokers
from rehearsal.strimzi.certificates import Certificate
from rehearsal.strimzi.names import Cluster
from rehearsal.strimzi.topic_operator import cluster_name
from rehearsal.strimzi.users import Rule
from rehearsal.strimzi.versions import generation
from rehearsal.worklist import Worklist

FIELD_MANAGER = users.USER_OPERATOR
LINGER = 0.1  # seconds that events are gathered before a pass begins
KEY = "users"
PRINCIPAL = "User:"
RETRY_REFUSED = 10.0  # seconds

logger = logging.getLogger("users")


class UserReconciler:
    """All KafkaUsers of one cluster."""

    def __init__(self, api: Api, cluster: Cluster, brokers: Brokers, interval: float, environment: Any) -> None:
        """`interval`: seconds between two full reconciliations."""
        self._api, self._cluster, self._brokers, self._interval = api, cluster, brokers, interval
        self._prefix = environment.get("STRIMZI_SECRET_PREFIX", "")
        pattern = environment.get("STRIMZI_IGNORED_USERS_PATTERN")
        self._ignored = re.compile(pattern) if pattern else None
        # one salt for all time, as the real one: the same password again is no change
        self._salt = base64.b64encode(os.urandom(18))

    def reconcile(self, _key: object = None) -> float:
        """One pass; seconds until the next."""
        found = self._api.list("KafkaUser", self._cluster.namespace, **{names.CLUSTER: self._cluster.name})
        try:
            refused = self._reconcile([user for user in found if not user["metadata"].get("deletionTimestamp")])
        except (kafka_errors.KafkaError, OSError, LookupError):
            self._brokers.close()
            raise
        return RETRY_REFUSED if refused else self._interval

    def _reconcile(self, found: list[dict]) -> bool:
        admin = self._brokers.admin()
        credentials = admin.describe_user_scram_credentials()
        known = {name for name, each in credentials.items() if each["credential_infos"]}
        acls = _acls(admin)
        quotas = _quotas(admin)
        wanted_acls: dict[str, set[Rule]] = {}
        wanted_quotas: dict[str, dict[str, float]] = {}
        upserts, left_alone, statuses, refused = [], set(), [], False
        for user in found:
            name = users.username(user)
            if names.is_true(user, names.PAUSE):
                left_alone.add(name)
                statuses.append((user, users.paused_status(user)))
                continue
            try:
                rules = users.rules(user)
                secret_name, password = self._credentials(user)
            except status.Refused as error:
                refused = True
                left_alone.add(name)
                logger.warning("reconcile KafkaUser %s: %s: %s", user["metadata"]["name"], error.reason, error)
                statuses.append((user, users.refused_status(user, error.reason, str(error))))
                continue
            wanted_acls[name], wanted_quotas[name] = rules, users.quotas(user)
            if password is not None:
                upserts.append((name, password))
            statuses.append((user, users.ready_status(user, secret_name)))
        scram_users = {users.username(user) for user in found if users.authentication(user) == "scram-sha-512"}
        removed = {name for name in known - scram_users - left_alone if not self._is_ignored(name)}
        failed = self._scram(admin, upserts, removed)
        every = {
            name for name in acls.keys() | wanted_acls.keys() if name not in left_alone and not self._is_ignored(name)
        }
        failed |= _change_acls(admin, every, acls, wanted_acls)
        every = {name for name in quotas.keys() | wanted_quotas.keys() if name not in left_alone}
        failed |= _change_quotas(admin, {name for name in every if not self._is_ignored(name)}, quotas, wanted_quotas)
        for user, new in statuses:
            name = users.username(user)
            if name in failed:
                self._put_status(user, users.refused_status(user, "KafkaException", failed[name]))
            else:
                self._put_status(user, new)
        return refused or bool(failed)

    def _credentials(self, user: dict) -> tuple[str | None, str | None]:
        """Write the user's Secret; its name, and the password to tell the brokers. Refused when it cannot be made."""
        kind = users.authentication(user)
        name, namespace = f"{self._prefix}{user['metadata']['name']}", user["metadata"]["namespace"]
        if kind == "scram-sha-512":
            stored = self._secret_data(name, namespace) or {}
            reference = users.password_reference(user)
            if reference:
                given = self._secret_data(reference[0], namespace)
                if given is None or reference[1] not in given:
                    what = f"Secret {reference[0]} with requested user password does not exist."
                    if given is not None:
                        what = f"Secret {reference[0]} does not contain the key {reference[1]}."
                    raise status.InvalidResourceException(what)
                password = given[reference[1]].decode()
            else:
                password = stored.get("password", b"").decode() or certificates.password(users.PASSWORD_LENGTH)
            data = users.scram_data(user, password)
            if stored != data:
                self._api.apply(users.secret(user, self._prefix, data))
            return name, password
        if kind == "tls":
            self._certificate(user, name, namespace)
            return name, None
        return None, None

    def _certificate(self, user: dict, name: str, namespace: str) -> None:
        cluster = self._cluster
        ca = (self._secret_data(cluster.ca_cert_secret("clients"), namespace) or {}).get("ca.crt", b"").decode()
        key = (self._secret_data(cluster.ca_secret("clients"), namespace) or {}).get("ca.key", b"").decode()
        stored = self._secret_data(name, namespace) or {}
        if certificates.serves(stored.get("user.crt", b"").decode(), ca, ()):
            return
        made = certificates.issued(Certificate(ca, key), user["metadata"]["name"])
        password = certificates.password()
        data = {
            "ca.crt": ca.encode(),
            "user.crt": made.certificate.encode(),
            "user.key": made.key.encode(),
            "user.p12": made.pkcs12(user["metadata"]["name"], password),
            "user.password": password.encode(),
        }
        self._api.apply(users.secret(user, self._prefix, data))

    def _scram(self, admin: Any, upserts: list[tuple[str, str]], removed: set[str]) -> dict[str, str]:
        mechanism = ScramMechanism.SCRAM_SHA_512
        changes: list[Any] = [UserScramCredentialDeletion(name, mechanism) for name in sorted(removed)]
        changes += [
            UserScramCredentialUpsertion(name, mechanism, password, iterations=users.SCRAM_ITERATIONS, salt=self._salt)
            for name, password in upserts
        ]
        if not changes:
            return {}
        logger.info("SCRAM credentials: set %s, remove %s", sorted(name for name, _ in upserts), sorted(removed))
        answer = admin.alter_user_scram_credentials(changes)
        return {name: message for name, message in answer.items() if message}

    def _secret_data(self, name: str, namespace: str) -> dict[str, bytes] | None:
        secret = self._api.get("Secret", name, namespace)
        if secret is None:
            return None
        return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}

    def _is_ignored(self, name: str) -> bool:
        return bool(self._ignored and self._ignored.fullmatch(name))

    def _put_status(self, user: dict, new: dict) -> None:
        changed = status.settled(user.get("status"), new)
        if changed is None:
            return
        try:
            self._api.replace_status(user, changed)
        except ApiError as error:
            if error.status != 404:
                raise


def _acls(admin: Any) -> dict[str, set[Rule]]:
    """All ACLs by the name of their user."""
    every = ACLFilter(
        principal=None,
        host=None,
        operation=ACLOperation.ANY,
        permission_type=ACLPermissionType.ANY,
        resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
    )
    found, _error = admin.describe_acls(every)
    made: dict[str, set[Rule]] = {}
    for acl in found:
        if acl.principal.startswith(PRINCIPAL):
            pattern = acl.resource_pattern
            rule = Rule(
                pattern.resource_type.name,
                pattern.resource_name,
                pattern.pattern_type.name,
                acl.operation.name,
                acl.host,
                acl.permission_type.name,
            )
            made.setdefault(acl.principal.removeprefix(PRINCIPAL), set()).add(rule)
    return made


def _change_acls(
    admin: Any, every: set[str], there: dict[str, set[Rule]], wanted: dict[str, set[Rule]]
) -> dict[str, str]:
    missing = [
        (name, rule) for name in sorted(every) for rule in sorted(wanted.get(name, set()) - there.get(name, set()))
    ]
    extra = [
        (name, rule) for name in sorted(every) for rule in sorted(there.get(name, set()) - wanted.get(name, set()))
    ]
    failed: dict[str, str] = {}
    if missing:
        logger.info("ACLs: add %d for %s", len(missing), sorted({name for name, _ in missing}))
        errors = admin.create_acls([_acl(name, rule) for name, rule in missing])["failed"]
        if errors:  # the client does not say whose
            failed = dict.fromkeys((name for name, _ in missing), f"{errors[0].__name__}: {len(errors)} ACLs refused")
    if extra:
        logger.info("ACLs: remove %d of %s", len(extra), sorted({name for name, _ in extra}))
        admin.delete_acls([_acl(name, rule) for name, rule in extra])
    return failed


def _acl(name: str, rule: Rule) -> ACL:
    return ACL(
        principal=PRINCIPAL + name,
        host=rule.host,
        operation=ACLOperation[rule.operation],
        permission_type=ACLPermissionType[rule.permission],
        resource_pattern=ResourcePattern(ResourceType[rule.resource], rule.name, ACLResourcePatternType[rule.pattern]),
    )


def _quotas(admin: Any) -> dict[str, dict[str, float]]:
    """All users' quotas. kafka-python's admin client has no call for them, but its protocol has the messages."""
    component = DescribeClientQuotasRequest.ComponentData(entity_type="user", match_type=2, match=None)
    response = admin._manager.run(admin._manager.send, DescribeClientQuotasRequest(components=[component], strict=True))
    if response.error_code:
        raise kafka_errors.for_code(response.error_code)(response.error_message)
    return {
        entry.entity[0].entity_name: {value.key: value.value for value in entry.values}
        for entry in response.entries or []
    }


def _change_quotas(
    admin: Any, every: set[str], there: dict[str, dict[str, float]], wanted: dict[str, dict[str, float]]
) -> dict[str, str]:
    request = AlterClientQuotasRequest
    entries = []
    for name in sorted(every):
        old, new = there.get(name, {}), wanted.get(name, {})
        if old == new:
            continue
        data = request.EntryData
        operations = [data.OpData(key=key, value=value, remove=False) for key, value in sorted(new.items())]
        operations += [data.OpData(key=key, value=0.0, remove=True) for key in sorted(old.keys() - new.keys())]
        entries.append(data(entity=[data.EntityData(entity_type="user", entity_name=name)], ops=operations))
    if not entries:
        return {}
    logger.info("quotas: set for %s", [entry.entity[0].entity_name for entry in entries])
    response = admin._manager.run(admin._manager.send, request(entries=entries, validate_only=False))
    return {
        entry.entity[0].entity_name: entry.error_message or str(entry.error_code)
        for entry in response.entries
        if entry.error_code
    }


def main() -> int:
    """Run until SIGTERM."""
    chosen = generation(os.environ["STRIMZI_OPERATOR_VERSION"])
    selector = os.environ.get("STRIMZI_LABELS") or os.environ.get("STRIMZI_RESOURCE_LABELS", "")
    cluster = Cluster(cluster_name(selector), os.environ["STRIMZI_NAMESPACE"])
    api = Api(FIELD_MANAGER, chosen.api)
    brokers = Brokers(api, cluster, f"{cluster.name}-entity-user-operator-certs", "entity-operator")
    interval = int(os.environ.get("STRIMZI_FULL_RECONCILIATION_INTERVAL_MS", "120000")) / 1000
    work = Worklist("users", UserReconciler(api, cluster, brokers, interval, os.environ).reconcile)
    registry = kopf.OperatorRegistry()
    memory: dict = {}

    @kopf.on.event(
        "kafka.strimzi.io", chosen.api, "kafkausers", labels={names.CLUSTER: cluster.name}, registry=registry
    )
    def user_changed(event: dict, name: str, **_: object) -> None:
        if operator_program.seen_change(memory, event):
            logger.info("reconcile KafkaUser %s/%s: %s", cluster.namespace, name, event["type"] or "found")
            work.add(KEY, LINGER)

    work.add(KEY)
    work.start()
    operator_program.run(registry, f"the user operator of Strimzi {chosen.version}", cluster.namespace)
    return 0


if __name__ == "__main__":
    sys.exit(main())
