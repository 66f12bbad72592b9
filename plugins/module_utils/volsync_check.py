# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC2 and AC3: data of the check's own is backed up and restored, and is the same to the byte.

Everything happens in a namespace of its own, which goes when it is done, and in a repository of its own. Files are
written and summed up by small pods over the volumes, so that what is compared is what a program would read.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .api import Api, ApiError
from .causes import causes
from .discovery import CLAIMS, NAMESPACES, PODS, SECRETS, Resource
from .errors import ClusterError
from .evidence.records import BLOCKED, SKIPPED, Record, judged, unmeasured, unmeasured_all
from .interruption import InterruptedRunError, interruptible
from .object_store import ObjectStoreError, ca_file
from .volsync_backup import Backup, Outcome, new_tag
from .volsync_client import FIELD_MANAGER, Pauses, VolSync
from .volsync_metrics import DURATION, durations
from .volsync_movers import exit_code, pod_log
from .volsync_reach import CA_KEY
from .volsync_repository import Repository
from .volsync_restore import Restore, Restored, RestoreRequest
from .volsync_status import SOURCE, sync_of

PREFIX = "volsync-check-"
#: of the criteria where no figure of a run is known
TITLES = {
    "AC2-backup": "A volume is backed up in time",
    "AC2-snapshot": "The snapshot is in the bucket",
    "AC2-metrics": f"{DURATION} shows the backup",
    "AC3-restore": "A volume is restored in time",
    "AC3-integrity": "Restored files are the same",
    "AC3-metrics": f"{DURATION} shows the restore",
    "AC3-removed": "The check left nothing behind",
}
#: Secret of the store's authority in the check's namespace
AUTHORITY = "authority"
LABEL = {"synergyflow.platform/check": "volsync"}
#: hours after which a namespace of this check is no running check's
LEFT_BEHIND_AFTER = 3.0
#: seconds for one of the small pods, and for the namespace to be gone, at the end and when the run is interrupted: a
#: mover's shell takes no notice of SIGTERM and is killed after Kubernetes' 30 s
POD_SECONDS, GONE_SECONDS, GONE_SOON_SECONDS = 300.0, 120.0, 60.0
#: nobody: the files are written, backed up and restored by the same user, as `restricted` namespaces want it
USER = 65534
SECURITY = {"runAsUser": USER, "runAsGroup": USER, "fsGroup": USER, "runAsNonRoot": True}
SUM = re.compile(r"^([0-9a-f]{64}) [ *](.+)$")

#: names with what archives stumble over: a folder, a space, an empty file
WRITE = (
    "set -e; umask 022; mkdir -p folder; "
    'dd if=/dev/urandom of=large bs=1048576 count="$MEGABYTES" 2>/dev/null; '
    "date > 'folder/a file'; : > folder/empty; "
)
SUMS = "find . -type f ! -path './lost+found/*' -exec sha256sum {} +; echo done"


@dataclass(frozen=True)
class CheckRequest:
    """What to check with. Targets in seconds."""

    secret: str
    secret_namespace: str
    megabytes: int
    image: str
    copy_method: str
    snapshot_class: str
    storage_class: str
    cache_size: str
    backup_seconds: float
    restore_seconds: float
    metrics: bool = True
    s3_endpoint: str = ""
    ca_secret: str = ""


@dataclass
class Found:
    """What was measured. A step that was not reached is None, and `reason` says why."""

    original: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] | None = None
    restored: dict[str, str] | None = None
    backup: Outcome | None = None
    restore: Restored | None = None
    in_store: str | None = None
    #: seconds by criterion, from VolSync's own metrics; None where they have no such object
    measured: dict[str, float | None] | None = None
    metrics_error: str = ""
    store_error: str = ""
    backup_wall: float = 0.0
    restore_wall: float = 0.0
    capacity: str = ""
    failed_at: str = ""
    reason: str = ""
    remains: str = ""
    #: what killed runs left and could not be taken away
    old: list[str] = field(default_factory=list)
    stand_in: list[Mapping[str, Any]] = field(default_factory=list)


class VolSyncCheck:
    """One run of the check."""

    def __init__(
        self,
        api: Api,
        request: CheckRequest,
        values: Mapping[str, str],
        *,
        metrics: Callable[[], str],
        progress: Callable[[str], None],
        ca: str = "",
    ) -> None:
        self._api = api
        self._metrics = metrics
        self._request = request
        self._values = values
        self._progress = progress
        self._ca = ca
        self.name = f"{PREFIX}{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(2)}"
        if not values.get("RESTIC_REPOSITORY"):
            raise ClusterError(f"Secret {request.secret_namespace}/{request.secret} lacks RESTIC_REPOSITORY.")
        self._address = self._address_of(self.name)
        #: the namespace may be there: without an answer, too
        self._asked = False
        self._made: dict[str, Any] | None = None
        #: namespaces of killed runs that were taken away
        self._swept: list[str] = []

    def run(self) -> Found:
        """Measure, and take away what was made, whatever happens."""
        found = Found()
        with interruptible() as signals:
            try:
                found.old = self._sweep()
                self._measure(found)
            except InterruptedRunError:
                with signals.hold():
                    self._take_away(found, GONE_SOON_SECONDS)
                raise
            except ClusterError as error:
                found.reason = self._api.masker.text(str(error)).rstrip(".")
            with signals.hold():
                self._take_away(found, GONE_SECONDS)
        return found

    # --- steps

    def _sweep(self) -> list[str]:
        """Take away what runs left that were killed; why some of it remains."""
        remains = []
        hours = max(LEFT_BEHIND_AFTER, self._api.deadline.seconds / 3600)
        for namespace in left_behind(self._api, datetime.now(UTC), hours):
            self._progress(f"{namespace['metadata']['name']}, left by a check that was killed, is taken away")
            remains += self._delete(VolSync(self._api), namespace)
            self._swept.append(namespace["metadata"]["name"])
        return remains

    def _measure(self, found: Found) -> None:
        found.failed_at = "prepare"
        self._prepare()
        claim = self._create(CLAIMS, self._claim())
        found.capacity = claim["spec"]["resources"]["requests"]["storage"]
        self._start("data", "write", WRITE)
        found.original = self._sums("write", found)
        found.failed_at = "backup"
        self._progress(f"{self.name}: {len(found.original)} files of {self._request.megabytes} MiB are written")
        began = time.monotonic()
        found.backup = self._back_up()
        found.backup_wall = time.monotonic() - began
        found.failed_at = "restore"
        try:
            with self._repository() as repository:
                stored = repository.snapshot(found.backup.snapshot)
            found.in_store = stored.key if stored else ""
        except ObjectStoreError as error:
            found.store_error = str(error)
        began = time.monotonic()
        found.restore = self._restore()
        found.restore_wall = time.monotonic() - began
        found.failed_at = "compare"
        self._look_at_metrics(found, found.restore.destination)
        for volume, pod in (("restored", "look"), ("data", "look-again")):
            self._start(volume, pod)
        found.restored, found.after = self._sums("look", found), self._sums("look-again", found)
        found.failed_at = ""

    def _prepare(self) -> None:
        """The namespace and the repository's Secret."""
        labels = {**LABEL, "pod-security.kubernetes.io/enforce": "baseline"}
        self._asked = True
        try:
            self._made = self._create(NAMESPACES, {"metadata": {"name": self.name, "labels": labels}}, namespaced=False)
        except ApiError as error:
            # refused is not made; there already: by an attempt whose answer was lost
            self._asked = error.code == 409
            raise
        values = {key: value for key, value in self._values.items() if key.startswith("AWS_")}
        password = secrets.token_urlsafe(24)
        self._api.masker.always([password])
        values |= {"RESTIC_REPOSITORY": self._address, "RESTIC_PASSWORD": password}
        self._create(SECRETS, {"metadata": {"name": "repository"}, "stringData": values})
        if self._ca:
            self._create(SECRETS, {"metadata": {"name": AUTHORITY}, "stringData": {CA_KEY: self._ca}})

    def _claim(self) -> dict[str, Any]:
        # room for the files, and for what a file system needs of its own
        mebibytes = max(64, self._request.megabytes * 5 // 4 + 32)
        spec: dict[str, Any] = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": f"{mebibytes}Mi"}},
        }
        if self._request.storage_class:
            spec["storageClassName"] = self._request.storage_class
        return {"metadata": {"name": "data"}, "spec": spec}

    def _back_up(self) -> Outcome:
        request, tag = self._request, new_tag()
        restic: dict[str, Any] = {
            "repository": "repository",
            "copyMethod": request.copy_method,
            "cacheCapacity": request.cache_size,
            "moverSecurityContext": SECURITY,
            "retain": {"last": "1"},
        }
        if request.storage_class:
            restic |= {"storageClassName": request.storage_class, "cacheStorageClassName": request.storage_class}
        if request.copy_method == "Snapshot" and request.snapshot_class:
            restic["volumeSnapshotClassName"] = request.snapshot_class
        if self._ca:
            restic["customCA"] = {"secretName": AUTHORITY, "key": CA_KEY}
        volsync = VolSync(self._within(request.backup_seconds))
        spec = {"sourcePVC": "data", "trigger": {"manual": tag}, "restic": restic}
        resource = volsync.kind(SOURCE)
        body = {"metadata": {"name": "data", "namespace": self.name}, "spec": spec}
        live = volsync.create(resource, body, manager=FIELD_MANAGER)
        return Backup(volsync, self.name, "data").wait(live, tag, sync_of(live))

    def _restore(self) -> Restored:
        request = RestoreRequest(namespace=self.name, claim="restored", source="data", mover_security_context=SECURITY)
        restore = Restore(VolSync(self._within(self._request.restore_seconds)), request)
        return restore.run(restore.plan())

    def _start(self, claim: str, name: str, script: str = "") -> None:
        """A pod over the volume, that prints its checksums."""
        self._create(PODS, self._pod(claim, name, script + SUMS))

    def _sums(self, name: str, found: Found) -> dict[str, str]:
        """What such a pod has printed, once it has ended."""
        pauses = Pauses(self._within(POD_SECONDS).deadline)
        while True:
            live = self._api.get(PODS, self.name, name) or {"metadata": {"namespace": self.name, "name": name}}
            phase = (live.get("status") or {}).get("phase")
            if phase in ("Succeeded", "Failed"):
                break
            if not pauses.wait():
                why = " | ".join(causes(self._api, {**live, "apiVersion": "v1", "kind": "Pod"})) or f"phase {phase}"
                raise ClusterError(f"pod {self.name}/{name} did not end within {POD_SECONDS:g} s: {why}.")
        found.stand_in.append(live)
        log = pod_log(self._api, self.name, name)
        if phase == "Failed" or not log.rstrip().endswith("done"):
            raise ClusterError(f"pod {self.name}/{name} ended with exit code {exit_code(live)}: {log.strip()[-300:]}.")
        return checksums(log)

    def _pod(self, claim: str, name: str, script: str) -> dict[str, Any]:
        container = {
            "name": "check",
            "image": self._request.image,
            "command": ["sh", "-c", script],
            "workingDir": "/data",
            "env": [{"name": "MEGABYTES", "value": str(self._request.megabytes)}],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        return {
            "metadata": {"name": name, "labels": LABEL},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "securityContext": {**SECURITY, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [container],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
            },
        }

    def _address_of(self, name: str) -> str:
        """Where the repository of the check with this name is."""
        return f"{self._values['RESTIC_REPOSITORY'].rstrip('/')}/{name}"

    @contextmanager
    def _repository(self, address: str = "") -> Iterator[Repository]:
        """A check's repository as it is seen from here; this one's where none is named."""
        with ca_file(self._ca) as ca:
            endpoint = self._request.s3_endpoint
            yield Repository(self._values, "the repository Secret", address or self._address, endpoint=endpoint, ca=ca)

    def _look_at_metrics(self, found: Found, destination: str) -> None:
        if not self._request.metrics:
            return
        try:
            page = self._metrics()
        except ClusterError as error:
            found.metrics_error = str(error)
            return
        seen = {"AC2": durations(page, self.name, "data"), "AC3": durations(page, self.name, destination)}
        found.measured = {criterion: each.seconds if each else None for criterion, each in seen.items()}

    # --- afterwards

    def _take_away(self, found: Found, seconds: float) -> None:
        """Delete the namespace with all that is in it, and the repository's objects; note what remains.

        Repositories are emptied at once, as this process may not live for long, and again when the namespace is gone,
        for which it waits so long: until then a mover may write.
        """
        remains = [*found.old]
        tidy = VolSync(self._api).tidying_up()
        emptied = [*self._swept]
        try:
            made = self._made or (tidy.api.get(NAMESPACES, "", self.name) if self._asked else None)
            if made:
                self._delete(tidy, made)
                remains += self._waited_for(tidy, made, seconds)
                emptied.append(self.name)
        except ClusterError as error:
            remains.append(f"namespace {self.name}, if it was made ({error})")
        again = [why for name in emptied for why in self._empty(name)]
        remains += [why for why in again if why not in remains]
        found.remains = self._api.masker.text("; ".join(remains))

    def _delete(self, volsync: VolSync, namespace: Mapping[str, Any]) -> list[str]:
        """Delete a check's namespace and its repository's objects; why some of it remains."""
        name, remains = namespace["metadata"]["name"], []
        try:
            volsync.delete(NAMESPACES, namespace)
        except ClusterError as error:
            remains.append(f"namespace {name} ({error})")
        return remains + self._empty(name)

    def _waited_for(self, volsync: VolSync, namespace: Mapping[str, Any], seconds: float) -> list[str]:
        """Until this namespace is gone; why it is not."""
        name, uid = namespace["metadata"]["name"], namespace["metadata"]["uid"]
        api = volsync.api.within(seconds)
        pauses = Pauses(api.deadline)
        try:
            while (live := api.get(NAMESPACES, "", name)) and live["metadata"]["uid"] == uid:
                if "deletionTimestamp" not in live["metadata"]:
                    volsync.delete(NAMESPACES, namespace)
                if not pauses.wait():
                    return [f"namespace {name} is still being deleted, and a mover in it may write to its repository"]
        except ClusterError as error:
            return [f"namespace {name} ({error})"]
        return []

    def _empty(self, name: str) -> list[str]:
        """Delete the objects of a check's repository; why some remain."""
        address = self._address_of(name)
        try:
            with self._repository(address) as repository:
                left = repository.delete()
        except ClusterError as error:
            return [f"the repository {address} ({error})"]
        return [f"{left} objects of the repository {address}"] if left else []

    def _create(self, resource: Resource, body: dict[str, Any], namespaced: bool = True) -> dict[str, Any]:
        if namespaced:
            body = {**body, "metadata": {**body["metadata"], "namespace": self.name}}
        return VolSync(self._api).create(resource, body)

    def _within(self, seconds: float) -> Api:
        """The same connection with a deadline of its own."""
        self._api.discover()  # once, for all of them
        return self._api.within(seconds)


def left_behind(api: Api, now: datetime, hours: float = LEFT_BEHIND_AFTER) -> list[dict[str, Any]]:
    """Namespaces of checks that are older than any running one; none where they may not be listed."""
    try:
        found = api.list(NAMESPACES, selector=",".join(f"{key}={value}" for key, value in LABEL.items()))
    except ApiError as error:
        if error.code != 403:
            raise
        return []
    return [each for each in found if _is_old(each["metadata"], now - timedelta(hours=hours))]


def _is_old(metadata: Mapping[str, Any], oldest: datetime) -> bool:
    """Whether a check's namespace was made before, and nobody deletes it yet."""
    made = datetime.fromisoformat(metadata["creationTimestamp"])
    return metadata["name"].startswith(PREFIX) and made < oldest and "deletionTimestamp" not in metadata


def checksums(log: str) -> dict[str, str]:
    """File -> checksum, from what sha256sum prints."""
    return {match[2]: match[1] for line in log.splitlines() if (match := SUM.match(line))}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Which files are not the same, in words."""
    words = [f"{name} is missing" for name in sorted(set(before) - set(now))]
    words += [f"{name} has come" for name in sorted(set(now) - set(before))]
    words += [f"{name} differs" for name in sorted(before) if name in now and now[name] != before[name]]
    return words


def records(request: CheckRequest, found: Found) -> list[Record]:
    """The criteria in the order a reader asks."""
    return [*backup_records(request, found), *restore_records(request, found), removed_record(found)]


def backup_records(request: CheckRequest, found: Found) -> list[Record]:
    """AC2."""
    title = f"{request.megabytes} MiB are backed up in time"
    if found.backup is None:
        failed = found.failed_at == "backup"
        detail = found.reason
        first = judged("AC2-backup", title, ("no backup", f"{request.backup_seconds:g} s"), False, detail=detail)
        if not failed:
            first = unmeasured("AC2-backup", title, BLOCKED, detail)
        second = unmeasured("AC2-snapshot", TITLES["AC2-snapshot"], BLOCKED, "there is none")
        return [first, second, metrics_record("AC2-metrics", request, found, request.backup_seconds)]
    seconds = round(found.backup_wall, 1)
    first = judged(
        "AC2-backup",
        title,
        (seconds, f"under {request.backup_seconds:g} s"),
        seconds < request.backup_seconds,
        unit="s",
        objects=found.stand_in,
        detail=f"VolSync measured {found.backup.seconds:g} s; added {found.backup.stored}",
    )
    first.seconds = seconds
    title = TITLES["AC2-snapshot"]
    if found.in_store is None:
        second = unmeasured("AC2-snapshot", title, BLOCKED, found.store_error)
        return [first, second, metrics_record("AC2-metrics", request, found, request.backup_seconds)]
    observed = f"snapshot {found.backup.snapshot}" if found.in_store else "no such object"
    expected = f"snapshot {found.backup.snapshot}"
    second = judged("AC2-snapshot", title, (observed, expected), bool(found.in_store), detail=found.in_store)
    return [first, second, metrics_record("AC2-metrics", request, found, request.backup_seconds)]


def restore_records(request: CheckRequest, found: Found) -> list[Record]:
    """AC3."""
    title = f"{request.megabytes} MiB are restored in time"
    if found.restore is None:
        if found.failed_at == "restore":
            measured = ("nothing restored", f"{request.restore_seconds:g} s")
            first = judged("AC3-restore", title, measured, False, detail=found.reason)
        else:
            first = unmeasured("AC3-restore", title, BLOCKED, "there is no backup to restore")
        second = unmeasured("AC3-integrity", TITLES["AC3-integrity"], BLOCKED, "there are none")
        return [first, second, metrics_record("AC3-metrics", request, found, request.restore_seconds)]
    seconds = round(found.restore_wall, 1)
    first = judged(
        "AC3-restore",
        title,
        (seconds, f"under {request.restore_seconds:g} s"),
        seconds < request.restore_seconds,
        unit="s",
        objects=found.stand_in,
        detail=f"VolSync measured {found.restore.seconds:g} s; a new claim of {found.restore.capacity}",
    )
    first.seconds = seconds
    return [first, integrity(found), metrics_record("AC3-metrics", request, found, request.restore_seconds)]


def metrics_record(identity: str, request: CheckRequest, found: Found, target: float) -> Record:
    """VolSync's own metrics say so too."""
    criterion = identity.partition("-")[0]
    title = TITLES[identity]
    if not request.metrics:
        return unmeasured(identity, title, SKIPPED, "switched off (volsync_metrics)")
    if found.measured is None:
        return unmeasured(identity, title, BLOCKED, found.metrics_error or "not reached")
    seconds = found.measured[criterion]
    observed = "no such object" if seconds is None else round(seconds, 1)
    good = seconds is not None and seconds < target
    return judged(identity, title, (observed, f"under {target:g} s"), good, unit="s", objects=found.stand_in)


def integrity(found: Found) -> Record:
    """The restored files are those that were written, and the original has not changed meanwhile."""
    title = TITLES["AC3-integrity"]
    if found.restored is None or found.after is None:
        return judged("AC3-integrity", title, ("not known", "the same"), False, detail=found.reason)
    wrong = [f"restored: {word}" for word in differences(found.original, found.restored)]
    wrong += [f"original since the backup: {word}" for word in differences(found.original, found.after)]
    same = sum(found.restored.get(name) == value == found.after.get(name) for name, value in found.original.items())
    return judged(
        "AC3-integrity",
        title,
        (same, len(found.original)),
        not wrong and bool(found.original),
        unit="files",
        objects=found.stand_in,
        detail="; ".join(wrong),
    )


def removed_record(found: Found) -> Record:
    """Nothing of the check stays."""
    title = TITLES["AC3-removed"]
    return judged(
        "AC3-removed",
        title,
        ("something" if found.remains else "nothing", "nothing"),
        not found.remains,
        detail=found.remains and f"remains: {found.remains}",
    )


def not_run(status: str, reason: str) -> list[Record]:
    """The criteria when the check is switched off (skipped), or cannot begin (blocked): the first says why."""
    return unmeasured_all(TITLES, status, reason, "nothing was backed up")
