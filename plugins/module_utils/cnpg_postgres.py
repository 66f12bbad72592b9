# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a PostgreSQL that CloudNativePG runs: what is in it, how its replicas follow, whether it takes a write.

Views and functions: https://www.postgresql.org/docs/16/monitoring-stats.html. Who has not pg_monitor sees the rows of
pg_stat_replication without their content.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .api import Api
from .bridge import Bridge
from .cnpg_cluster import BlockedError, Database, read_secret
from .errors import ClusterError

try:
    import psycopg

    PSYCOPG_IMPORT_ERROR: ImportError | None = None
except ImportError as error:
    PSYCOPG_IMPORT_ERROR = error

PORT = 5432
#: seconds for one statement, and to connect
STATEMENT_SECONDS, CONNECT_SECONDS = 15, 10
#: the name of the connection in the server's statistics
APPLICATION = "synergyflow.platform"


class PostgresError(ClusterError):
    """PostgreSQL was not reached, or refused."""


@dataclass(frozen=True)
class Login:
    """As whom, to which database, trusting which certificates."""

    database: str
    user: str
    password: str = field(repr=False)
    ca: str = field(repr=False)


def login(api: Api, database: Database, secret: str, name: str) -> Login:
    """From a Secret of type basic-auth and the Cluster's own CA."""
    found = read_secret(api, database.namespace, secret, "username", "password")
    certificates = (database.status.get("certificates") or {}).get("serverCASecret") or f"{database.name}-ca"
    ca = read_secret(api, database.namespace, certificates, "ca.crt")["ca.crt"]
    return Login(name, found["username"], found["password"], ca)


@contextmanager
def connected(
    bridge: Bridge, service: str, namespace: str, who: Login, *, verify: str = "verify-full"
) -> Iterator[Any]:
    """A connection to a Service through the API server, in autocommit. Raises PostgresError with the reason.

    `verify`: verify-full also compares the certificate's names with the Service's; the pool's certificate has only
    the instances' names, so it is verify-ca there.
    """
    host = f"{service}.{namespace}.svc"
    with _file(who.ca) as ca, bridge.forward(host, PORT) as (address, port):
        try:
            connection = psycopg.connect(
                host=host,
                hostaddr=address,
                port=port,
                dbname=who.database,
                user=who.user,
                password=who.password,
                sslmode=verify,
                sslrootcert=ca,
                connect_timeout=CONNECT_SECONDS,
                application_name=APPLICATION,
                autocommit=True,
                # a pool in transaction mode hands each transaction to another server
                prepare_threshold=None,
            )
        except psycopg.Error as error:
            raise PostgresError(refusal(str(error), [each.sentence for each in bridge.errors], host, who)) from error
        try:
            yield connection
        finally:
            connection.close()


def refusal(text: str, failures: list[str], host: str, who: Login) -> str:
    """Why there is no connection, and what to do."""
    words = " ".join(text.split()).rstrip(".")
    if failures:
        return f"PostgreSQL behind Service {host} cannot be reached: {failures[-1]}"
    if "password authentication failed" in words:
        return (
            f"PostgreSQL behind Service {host} refuses the password of {who.user}: check that the Secret is the one"
            " that the operator uses, and that nobody changed the role by hand"
        )
    if "certificate" in words:
        return f"the certificate of PostgreSQL behind Service {host} does not fit the Cluster's CA: {words}"
    return f"PostgreSQL behind Service {host} does not let {who.user} into {who.database}: {words}"


@contextmanager
def _file(text: str) -> Iterator[str]:
    handle, name = tempfile.mkstemp(suffix=".crt")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        yield name
    finally:
        os.unlink(name)


def rows(connection: Any, statement: str, *parameters: Any) -> list[dict[str, Any]]:
    """The rows of a statement, by column. Raises PostgresError with the server's words."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
            cursor.execute(statement, parameters or None)
            if cursor.description is None:
                return []
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except psycopg.Error as error:
        raise PostgresError(" ".join(str(error).split())) from error


EXTENSIONS = "SELECT extname AS name, extversion AS version FROM pg_extension ORDER BY 1"
SCHEMAS = "SELECT nspname AS name, pg_get_userbyid(nspowner) AS owner FROM pg_namespace ORDER BY 1"
DATABASE = """
SELECT current_database() AS name, pg_get_userbyid(datdba) AS owner, pg_is_in_recovery() AS in_recovery,
       current_setting('server_version') AS version, current_setting('transaction_read_only') AS read_only
FROM pg_database WHERE datname = current_database()"""
ROLES = """
SELECT rolname AS name, rolcanlogin AS can_login, rolsuper AS superuser, rolcreaterole AS creates_roles,
       rolreplication AS replicates, rolbypassrls AS bypasses_row_security
FROM pg_roles WHERE rolname = ANY(%s) ORDER BY 1"""
REPLICAS = """
SELECT application_name AS name, state, sync_state, EXTRACT(epoch FROM replay_lag)::float AS lag_seconds,
       pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint AS lag_bytes
FROM pg_stat_replication ORDER BY 1"""
ARCHIVER = """
SELECT archived_count, last_archived_wal, last_archived_time, failed_count, last_failed_wal, last_failed_time,
       current_setting('archive_mode') AS mode
FROM pg_stat_archiver"""


@dataclass
class Answers:
    """What a database says of itself. A question that was refused stands in `refused`."""

    database: Mapping[str, Any] = field(default_factory=dict)
    extensions: list[dict[str, Any]] = field(default_factory=list)
    schemas: list[dict[str, Any]] = field(default_factory=list)
    roles: list[dict[str, Any]] = field(default_factory=list)
    replicas: list[dict[str, Any]] = field(default_factory=list)
    archiver: Mapping[str, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def ask(connection: Any, roles: list[str]) -> Answers:
    """All questions; those that need the primary are left out where this is none."""
    found = Answers()

    def put(name: str, question: Callable[[], Any]) -> None:
        try:
            setattr(found, name, question())
        except PostgresError as error:
            found.refused[name] = str(error)

    put("database", lambda: rows(connection, DATABASE)[0])
    put("extensions", lambda: rows(connection, EXTENSIONS))
    put("schemas", lambda: rows(connection, SCHEMAS))
    put("roles", lambda: rows(connection, ROLES, roles))
    if not found.database.get("in_recovery"):
        put("replicas", lambda: rows(connection, REPLICAS))
        put("archiver", lambda: rows(connection, ARCHIVER)[0])
    return found


def write(connection: Any) -> None:
    """One transaction that writes and leaves nothing: a table of the session, gone with the commit.

    Raises PostgresError with the server's words.
    """
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            cursor.execute("CREATE TEMPORARY TABLE synergyflow_platform_check (written timestamptz) ON COMMIT DROP")
            cursor.execute("INSERT INTO synergyflow_platform_check VALUES (now())")
    except psycopg.Error as error:
        raise PostgresError(" ".join(str(error).split())) from error


def keep(connection: Any, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of one transaction, in a table of the session that is gone with the commit; what is in it before that.

    Raises PostgresError with the server's words.
    """
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            cursor.execute("CREATE TEMPORARY TABLE synergyflow_platform_events (event jsonb) ON COMMIT DROP")
            rows = [(json.dumps(document),) for document in documents]
            cursor.executemany("INSERT INTO synergyflow_platform_events VALUES (%s::jsonb)", rows)
            cursor.execute("SELECT event FROM synergyflow_platform_events ORDER BY (event->>'number')::bigint")
            return [row[0] for row in cursor.fetchall()]
    except psycopg.Error as error:
        raise PostgresError(" ".join(str(error).split())) from error


def importable() -> None:
    """Raises BlockedError with what to install, where psycopg is not there."""
    if PSYCOPG_IMPORT_ERROR is not None:
        raise BlockedError(
            "asking PostgreSQL needs the Python package psycopg[binary] in the environment that runs Ansible: "
            f"pip install 'psycopg[binary]' ({PSYCOPG_IMPORT_ERROR})."
        )
