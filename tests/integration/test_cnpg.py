# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL by the role cnpg, its modules, and each check failing for the right reason, on real instances.

One deployment for all tests, in order: whatever a test breaks it mends.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from site_runs import Watch, changed, output, run
from tls_store import tls_store
from until import until

from rehearsal import s3
from rehearsal.paths import Paths
from rehearsal.strimzi import certificates

CLUSTER, NAMESPACE, NAME = "apps", "synergyflow", "synergyflow-db"
OTHERS = ("strimzi", "kafka_cluster", "schema_registry", "volsync", "synergyflow_backend", "obs_collectors")
ALONE = {f"{role}_enabled": False for role in OTHERS}
WHERE = {"cluster": NAME, "namespace": NAMESPACE}
RESTORED = f"{NAME}-restored"
SECOND = f"{NAME}-2"
OPERATOR = "deployment/cnpg-controller-manager"
WEBHOOKS = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
PATIENCE = 300  # seconds, on a busy machine


class Database:
    """The deployed database, and what tests do with it."""

    def __init__(self, rehearsal: Any) -> None:
        self.rehearsal = rehearsal
        self.paths = Paths.from_environment()

    def kubectl(self, *args: str, **more: Any) -> str:
        return str(self.rehearsal.kubectl(CLUSTER, "-n", NAMESPACE, *args, **more).stdout)

    def sql(self, statement: str, cluster: str = NAME) -> str:
        command = ["psql", "-v", "ON_ERROR_STOP=1", "-Atq", "-d", "synergyflow", "-c", statement]
        pod = self.cluster(cluster)["status"]["currentPrimary"]
        return self.kubectl("exec", pod, "-c", "postgres", "--", *command).strip()

    def playbook(self, name: str, *args: str, **variables: Any) -> Any:
        """One of the collection's playbooks on this database alone."""
        return run(self.rehearsal, name, CLUSTER, *args, **ALONE, **variables)

    def cluster(self, name: str = NAME) -> dict[str, Any]:
        return dict(self.rehearsal.get(CLUSTER, "clusters.postgresql.cnpg.io", name, "-n", NAMESPACE))

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        found = self.rehearsal.get(CLUSTER, kind, "-n", NAMESPACE)["items"]
        return {each["metadata"]["name"]: each for each in found}

    def tasks(self, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
        """The results of modules, one playbook for all; a task that fails does not stop the next."""
        target = self.rehearsal.scratch / f"results-{time.monotonic_ns()}.json"
        steps: list[dict[str, Any]] = []
        for number, task in enumerate(tasks):
            (module, arguments), *_others = [(key, value) for key, value in task.items() if key != "check_mode"]
            steps.append(
                {
                    f"synergyflow.platform.{module}": {**WHERE, **arguments},
                    "register": f"result_{number}",
                    "ignore_errors": True,
                    "check_mode": task.get("check_mode", False),
                }
            )
        names = ", ".join(f"result_{number}" for number in range(len(tasks)))
        copy = {"content": f"{{{{ [{names}] | to_json }}}}", "dest": str(target), "mode": "0600"}
        play = {
            "hosts": "apps",
            "connection": "local",
            "gather_facts": False,
            # the machine's own Python may be none, or none that is usable
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "module_defaults": {"group/synergyflow.platform.k8s": "{{ cluster_connection }}"},
            "tasks": [*steps, {"ansible.builtin.copy": copy}],
        }
        done = self.rehearsal.playbook(f"{yaml.safe_dump([play])}\n", "-i", "inventories/rehearsal")
        assert target.exists(), output(done)
        return list(json.loads(target.read_text()))

    def archived(self) -> str:
        """Close the segment of the log and wait until it is in the store; its name."""
        segment = self.sql("SELECT pg_walfile_name(pg_switch_wal())")
        last = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"
        until(lambda: self.sql(last)[:24] >= segment, f"{segment} archived")
        return segment

    @property
    def bucket(self) -> Any:
        keys = s3.keys(self.paths)
        store = boto3.resource(
            "s3",
            endpoint_url=s3.endpoint(self.paths),
            region_name=s3.REGION,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
        )
        return store.Bucket(s3.BUCKET)


def records(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in result["evidence"]}


def failed(result: dict[str, Any]) -> dict[str, str]:
    return {name: record["detail"] for name, record in records(result).items() if record["status"] == "failed"}


@pytest.fixture(scope="module")
def database(rehearsal: Any) -> Database:
    done = run(rehearsal, "site", CLUSTER, **ALONE)
    assert done.returncode == 0, output(done)
    return Database(rehearsal)


def test_a_second_run_changes_nothing(database: Database):
    with_watch = Watch(database.rehearsal, CLUSTER)
    done = database.playbook("site")
    assert done.returncode == 0, output(done)
    assert changed(done, CLUSTER) == 0
    assert with_watch.writes == []


def test_check_mode_tells_and_writes_nothing(database: Database):
    watch = Watch(database.rehearsal, CLUSTER)
    done = run(database.rehearsal, "site", CLUSTER, "--check", "--diff", cnpg_pooler_instances=3, **ALONE)
    assert done.returncode == 0, output(done)
    assert changed(done, CLUSTER) == 1
    assert re.search(r"^\+ +instances: 3$", done.stdout, re.MULTILINE), output(done)
    assert watch.writes == []


def test_what_cannot_work_is_refused_before_any_write(database: Database):
    watch = Watch(database.rehearsal, CLUSTER)
    wrong = {
        "cnpg_backup_schedule": "0 2 * * *",
        "cnpg_storage_size": "10Gi",
        "cnpg_image": "ghcr.io/cloudnative-pg/postgresql:15.6-system-trixie",
    }
    text = output(run(database.rehearsal, "site", CLUSTER, **wrong, **ALONE))
    assert "would read the first as seconds" in text
    assert "'0 0 2 * * *'" in text
    assert "a volume cannot shrink" in text
    assert "a major version does not go back" in text
    assert watch.writes == []


def test_services_secrets_and_labels_are_those_of_a_cluster(database: Database):
    """The real operator's work, over instances that the process node runs."""
    status, pods = database.cluster()["status"], database.named("pods")
    assert {f"{NAME}-{each}" for each in ("rw", "ro", "r")} <= set(database.named("services"))
    assert {f"{NAME}-{each}" for each in ("ca", "replication", "server")} <= set(database.named("secrets"))
    assert pods[status["currentPrimary"]]["metadata"]["labels"]["cnpg.io/instanceRole"] == "primary"
    assert pods[status["currentPrimary"]]["metadata"]["labels"]["synergyflow.platform/run-by"] == "process-node"
    behind: dict[str, set[str]] = {}
    for each in database.named("endpointslices").values():
        names = {endpoint["targetRef"]["name"] for endpoint in each.get("endpoints") or []}
        behind.setdefault(each["metadata"]["labels"]["kubernetes.io/service-name"], set()).update(names)
    assert behind[f"{NAME}-rw"] == {status["currentPrimary"]}
    assert behind[f"{NAME}-ro"] == set(status["instanceNames"]) - {status["currentPrimary"]}


def test_a_backup_now(database: Database):
    watch = Watch(database.rehearsal, CLUSTER)
    predicted = database.playbook("backup", "--check")
    assert changed(predicted, CLUSTER) == 1, output(predicted)
    assert watch.writes == []
    done = database.playbook("backup", cnpg_backup_timeout=PATIENCE)
    assert done.returncode == 0, output(done)
    info, *_others = database.tasks({"cnpg_backup_info": {"fail": False}})
    assert re.fullmatch(rf"{NAME}-manual-\d{{8}}-\d{{6}}", info["last_backup"])
    assert f"Backup {info['last_backup']} was taken" in output(done)
    assert info["last_backup_size"] > 100_000
    taken = database.named("backups.postgresql.cnpg.io")[info["last_backup"]]["status"]
    prefix = f"postgresql/{NAME}/base/{taken['backupId']}/"
    assert {found.key.removeprefix(prefix) for found in database.bucket.objects.filter(Prefix=prefix)} == {
        "backup.info",
        "data.tar.gz",
    }
    assert failed(info) == {}
    assert info["last_archived_wal"] >= taken["endWal"]
    assert info["age_hours"] < 1


def test_without_backups_there_is_none_to_take(database: Database):
    done = database.playbook("backup", cnpg_backup=False)
    assert done.returncode == 0, output(done)
    assert changed(done, CLUSTER) == 0
    assert "cnpg_backup is false" in output(done)


def test_a_shorter_retention_asks_before_any_write(database: Database):
    watch = Watch(database.rehearsal, CLUSTER)
    done = database.playbook("site", cnpg_backup_retention_days=7)
    assert done.returncode != 0
    assert "backups are kept 7d instead of 30d" in output(done)
    assert "-e confirm_data_loss=cnpg@apps" in output(done)
    assert watch.writes == []


def test_validate_measures_it_all(database: Database):
    evidence = database.rehearsal.scratch / "evidence.json"
    done = run(database.rehearsal, "validate", CLUSTER, evidence_file=str(evidence), **ALONE)
    found = {each["id"]: each["status"] for each in json.loads(evidence.read_text())["clusters"][CLUSTER]}
    assert {name for name, status in found.items() if status == "failed"} == set(), output(done)
    assert {name for name, status in found.items() if name.startswith("DB-") and status == "passed"} == {
        f"DB-{what}"
        for what in (
            "archiving", "archiver", "backup", "backup-stored", "extensions", "lag", "pooler", "primary",
            "recoverable", "replicas", "roles", "schedule", "schemas",
        )
    }  # fmt: skip
    assert done.returncode == 0, output(done)
    vault = json.loads(database.paths.vault.read_text())
    secrets = [vault["postgresql/synergyflow"]["password"], vault["s3/backup"]["secret_access_key"]]
    assert not any(secret in done.stdout + evidence.read_text() for secret in secrets)


def test_a_dropped_extension_and_a_schema_of_another_owner_are_named(database: Database):
    check = {"secret": f"{NAME}-check", "extensions": ["uuid-ossp", "pg_trgm"], "schemas": ["flowable"]}
    database.sql("DROP EXTENSION pg_trgm; ALTER SCHEMA flowable OWNER TO postgres")
    try:
        as_owner = {key: value for key, value in check.items() if key != "secret"}
        checked, blind = database.tasks({"cnpg_database_check": check}, {"cnpg_database_check": as_owner})
    finally:
        database.sql("CREATE EXTENSION pg_trgm; ALTER SCHEMA flowable OWNER TO synergyflow")
    assert checked["failed"]
    assert failed(checked) == {
        "DB-extensions": "missing: pg_trgm",
        "DB-schemas": "flowable belongs to postgres instead of synergyflow",
    }
    assert records(blind)["DB-lag"]["status"] == "blocked", "the owner may not see it, and does not guess"


@pytest.mark.nightly
def test_a_point_between_two_commits_holds_exactly_the_first(database: Database):
    # the first one begins by itself, and the moment is to lie behind it
    kind = "backups.postgresql.cnpg.io"
    until(
        lambda: [each for each in database.named(kind).values() if each.get("status", {}).get("stoppedAt")], "a backup"
    )
    database.sql("CREATE TABLE IF NOT EXISTS orders (name text); GRANT SELECT ON orders TO synergyflow")
    database.sql("TRUNCATE orders; INSERT INTO orders VALUES ('first')")
    between = database.sql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    database.sql("INSERT INTO orders VALUES ('second')")
    database.archived()
    before = database.cluster()
    asked = {"name": RESTORED, "query": "SELECT name FROM orders ORDER BY 1", "expected": ["first"]}
    long_ago, to_come = "2020-01-01T00:00:00Z", datetime.now(UTC).replace(year=2099).isoformat()
    wrong, early, late, predicted = database.tasks(
        {"cnpg_restore": {**asked, "name": NAME}},
        {"cnpg_restore": {**asked, "target_time": long_ago}},
        {"cnpg_restore": {**asked, "target_time": to_come}},
        {"cnpg_restore": {**asked, "target_time": between}, "check_mode": True},
    )
    question = {f"restore_{name}": value for name, value in {**asked, "target_time": between}.items()}
    try:
        assert "never recovered in place" in wrong["msg"]
        assert "the first moment that the backups reach" in early["msg"]
        assert "lies in the future" in late["msg"]
        assert predicted["changed"]
        restored = database.playbook("restore_database", **question, cnpg_restore_timeout=PATIENCE)
        assert restored.returncode == 0, output(restored)
        assert database.sql("SELECT name FROM orders", RESTORED) == "first"
        own = database.cluster(RESTORED)["spec"]["backup"]["barmanObjectStore"]["serverName"]
        assert own.startswith(f"{RESTORED}-"), "its backups do not go over the source's"
        again = database.playbook("restore_database", **question)
        assert again.returncode != 0
        assert "there is a Cluster synergyflow-db-restored" in output(again)
        assert database.sql("SELECT count(*) FROM orders") == "2", "the source is as it was"
        assert database.cluster()["spec"] == before["spec"]
    finally:
        database.kubectl("delete", "clusters.postgresql.cnpg.io", RESTORED, "--ignore-not-found", "--wait=false")
        database.sql("DROP TABLE orders")


def test_a_backup_whose_object_is_deleted_fails(database: Database):
    info, *_others = database.tasks({"cnpg_backup_info": {"fail": False}})
    (backup,) = [each for each in info["backups"] if each["name"] == info["last_backup"]]
    key = f"postgresql/{NAME}/base/{backup['backup_id']}/data.tar.gz"
    found = database.bucket.Object(key)
    content = found.get()["Body"].read()
    found.delete()
    try:
        info, *_others = database.tasks({"cnpg_backup_info": {}})
    finally:
        found.put(Body=content)
    assert info["failed"]
    assert set(failed(info)) == {"DB-backup-stored"}
    assert f"the store has no postgresql/{NAME}/base/{backup['backup_id']}/data.tar*" in info["msg"]


@contextmanager
def wrong_keys(database: Database) -> Iterator[None]:
    """The S3 keys in Vault are wrong: the instances get them by External Secrets, as after a bad rotation."""
    content = database.paths.vault.read_text()
    wrong = json.loads(content)
    wrong["s3/backup"]["secret_access_key"] = "wrong-" + "x" * 20

    def brought(text: str) -> None:
        database.paths.vault.write_text(text)
        stamp = f"force-sync={time.time_ns()}"
        database.kubectl("annotate", "externalsecret", f"{NAME}-s3", "--overwrite", stamp)
        wanted = json.loads(text)["s3/backup"]["secret_access_key"]
        there = "go-template={{ .data.secret_access_key | base64decode }}"
        until(lambda: database.kubectl("get", "secret", f"{NAME}-s3", "-o", there).strip() == wanted, "keys")
        # an instance keeps the keys until something of its Cluster changes
        database.kubectl("annotate", "clusters.postgresql.cnpg.io", NAME, "--overwrite", f"tests/{stamp}")

    brought(json.dumps(wrong))
    try:
        yield
    finally:
        brought(content)


@pytest.mark.nightly
def test_wrong_keys_fail_a_backup_and_the_archiving(database: Database):
    condition = 'jsonpath={.status.conditions[?(@.type=="ContinuousArchiving")].status}'
    state = ("get", "clusters.postgresql.cnpg.io", NAME, "-o", condition)

    def archiving() -> str:
        """After another segment: there is something to archive, and what failed is tried again sooner."""
        database.sql("SELECT pg_logical_emit_message(false, 'test', ''); SELECT pg_switch_wal()")
        return database.kubectl(*state)

    with wrong_keys(database):
        # first: while archiving is known to fail, an instance lets a backup wait for minutes
        taken, *_others = database.tasks({"cnpg_backup": {"timeout": PATIENCE}})
        until(lambda: archiving() == "False", "archiving fails")
        info, checked = database.tasks(
            {"cnpg_backup_info": {}},
            {"cnpg_database_check": {"secret": f"{NAME}-check"}},
        )
    until(lambda: archiving() == "True", "archiving works")
    assert info["failed"]
    assert "DB-archiving" in failed(info)
    assert records(info)["DB-backup-stored"]["status"] == "blocked", "nobody could look into the store"
    assert "DB-archiver" in failed(checked)
    assert taken["failed"]
    assert "was not taken" in taken["msg"]
    newest = max(database.named("backups.postgresql.cnpg.io").values(), key=created)
    assert newest["status"]["phase"] == "failed"
    assert newest["status"]["error"] in " ".join(taken["msg"].split()), "the operator's own reason"


def created(found: dict[str, Any]) -> str:
    return str(found["metadata"]["creationTimestamp"])


@pytest.mark.nightly
def test_a_store_that_only_a_private_authority_vouches_for(database: Database, tmp_path: Path):
    """The log is archived to it and a backup lies in it, over TLS; without the authority nobody looks into it."""
    with tls_store(database.paths, tmp_path) as (endpoint, authority):
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "store-ca"},
            "stringData": {"ca.crt": authority},
        }
        database.kubectl("apply", "-f", "-", input=json.dumps(secret))
        try:
            done = database.playbook("site", cnpg_s3_endpoint=endpoint, cnpg_s3_ca_secret="store-ca")
            assert done.returncode == 0, output(done)
            database.archived()
            taken, info = database.tasks({"cnpg_backup": {"timeout": PATIENCE}}, {"cnpg_backup_info": {}})
            assert not taken.get("failed"), taken
            assert records(info)["DB-backup-stored"]["status"] == "passed", info
            stranger = {"ca.crt": certificates.authority("stranger").certificate}
            patch = json.dumps({"stringData": stranger})
            database.kubectl("patch", "secret", "store-ca", "-p", patch)
            info, *_others = database.tasks({"cnpg_backup_info": {"fail": False}})
            assert records(info)["DB-backup-stored"]["status"] == "blocked"
            assert "certificate" in records(info)["DB-backup-stored"]["detail"].lower()
        finally:
            back = database.playbook("site")
            database.kubectl("delete", "secret", "store-ca")
    assert back.returncode == 0, output(back)
    database.archived()


@pytest.mark.nightly
def test_a_replica_takes_the_place_of_a_lost_primary(database: Database):
    before = database.cluster()["status"]["currentPrimary"]
    database.kubectl("delete", "pod", before, "--wait=false")
    until(lambda: database.cluster()["status"]["currentPrimary"] != before, "another primary")
    until(lambda: database.cluster()["status"].get("readyInstances") == 3, "three instances")
    streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
    until(lambda: database.sql(streaming) == "2", "both replicas follow the new one")


@contextmanager
def no_operator(database: Database) -> Iterator[None]:
    """The operator does not run, and its webhooks let everything pass."""
    operator = database.rehearsal.kubectl
    kept = [operator(CLUSTER, "get", f"{kind}/cnpg-{kind.partition('webhook')[0]}-webhook-configuration", "-o", "json")
            for kind in WEBHOOKS]  # fmt: skip

    def webhooks(policy: str) -> None:
        for each in kept:
            live = json.loads(each.stdout)
            live["metadata"].pop("resourceVersion")
            for webhook in live["webhooks"]:
                webhook["failurePolicy"] = policy
            operator(CLUSTER, "replace", "-f", "-", input=json.dumps(live))

    webhooks("Ignore")
    operator(CLUSTER, "-n", "cnpg-system", "scale", OPERATOR, "--replicas=0")
    pods = ("get", "pods", "-n", "cnpg-system", "-o", "name")
    try:
        until(lambda: not operator(CLUSTER, *pods).stdout, "the operator is gone")
        yield
    finally:
        operator(CLUSTER, "-n", "cnpg-system", "scale", OPERATOR, "--replicas=1")
        operator(CLUSTER, "-n", "cnpg-system", "rollout", "status", OPERATOR, timeout=PATIENCE)
        webhooks("Fail")
        # replaced by hand they are another's, too: who comes next finds them as the role leaves them
        done = database.playbook("site")
    assert done.returncode == 0, output(done)


@pytest.mark.nightly
def test_a_backup_that_nobody_takes_up_is_taken_back(database: Database):
    there = set(database.named("backups.postgresql.cnpg.io"))
    with no_operator(database):
        taken, *_others = database.tasks({"cnpg_backup": {"operator_timeout": 3}})
        assert set(database.named("backups.postgresql.cnpg.io")) == there
    assert taken["failed"]
    assert "nobody has taken up Backup" in taken["msg"]
    assert "No pod of CloudNativePG's operator is there" in taken["msg"]


@pytest.fixture
def born_anew(database: Database) -> Iterator[None]:
    """Whatever becomes of the database, the next test finds an empty one under its own name, as on an empty cluster."""
    yield
    database.playbook("rollback_cnpg", rollback_confirm="cnpg@apps", rollback_without_backup=True)
    for folder in (NAME, SECOND):
        database.bucket.objects.filter(Prefix=f"postgresql/{folder}/").delete()
    done = database.playbook("site")
    assert done.returncode == 0, output(done)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("born_anew")
def test_a_database_that_was_rolled_back_comes_back_from_its_backup(database: Database):
    database.sql("CREATE TABLE orders (name text); INSERT INTO orders VALUES ('kept')")
    first = database.cluster()["metadata"]["uid"]
    again = {"cnpg_recover_from": NAME, "cnpg_server_name": SECOND}

    watch = Watch(database.rehearsal, CLUSTER)
    early = database.playbook("site", **again)
    assert early.returncode != 0
    assert "a database is never recovered in place" in output(early)
    assert watch.writes == []

    gone = database.playbook("rollback_cnpg", rollback_confirm="cnpg@apps", cnpg_backup_timeout=PATIENCE)
    assert gone.returncode == 0, output(gone)
    assert database.named("persistentvolumeclaims").keys() == set()
    assert database.named("clusters.postgresql.cnpg.io") == {}

    watch = Watch(database.rehearsal, CLUSTER)
    same = database.playbook("site", cnpg_recover_from=NAME)
    assert same.returncode != 0
    assert "Set cnpg_server_name to a folder that nobody has used" in output(same)
    assert watch.writes == []

    back = database.playbook("site", **again)
    assert back.returncode == 0, output(back)
    assert database.cluster()["metadata"]["uid"] != first
    assert database.sql("SELECT name FROM orders") == "kept"
    database.archived()
    assert list(database.bucket.objects.filter(Prefix=f"postgresql/{SECOND}/wals/"))
    validated = database.playbook("validate")
    assert validated.returncode == 0, output(validated)

    # afterwards: the same again changes nothing; what would archive into the old folder is refused
    second = database.playbook("site", **again)
    assert (second.returncode, changed(second, CLUSTER)) == (0, 0), output(second)
    forgotten = database.playbook("site")
    assert forgotten.returncode != 0
    assert f"was recovered from the folder {NAME}" in output(forgotten)
