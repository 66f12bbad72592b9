# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a Flux object is with what was asked of it. Plain data in, a verdict out.

Ready alone proves little: it may be of the revision before, and stays True while an object is suspended.
`lastHandledReconcileAt` says that a request was seen, not that anything came of it. What counts is both, with the
revision of the artifact, or the one last applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ClusterError
from .flux_graph import ARTIFACTS
from .objects import Manifest, annotations_of
from .readiness import FAILING, READY, Verdict, conditions, failed, failing, judge, progressing, ready

#: what no further attempt at the same revision mends
FINAL_REASONS, FINAL_MESSAGES = ("BuildFailed",), ("kustomization path not found",)
REQUESTED = "reconcile.fluxcd.io/requestedAt"
#: `main@sha1:…`, `sha256:…`, or the bare hash of a commit
REVISION = re.compile(r"^(?:[^@\s]+@)?(?:sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64})$|^[0-9a-f]{40}$|^[0-9a-f]{64}$")


def checked_revision(text: str) -> str:
    """The revision as it was given; refuses what could never be one, such as a branch or a short hash."""
    if text and not REVISION.match(text):
        raise ClusterError(
            f"revision: expected a full commit hash, or a revision such as main@sha1:<hash>, found {text!r}."
        )
    return text


def same_revision(found: str, wanted: str) -> bool:
    """Whether two revisions are one. A wanted one without a branch fits every branch."""
    if "@" in wanted and "@" in found and _branch(wanted) != _branch(found):
        return False
    return bool(found) and _hash(found) == _hash(wanted)


def _branch(revision: str) -> str:
    """Of a source that follows a reference by its name (spec.ref.name), Flux writes refs/heads/main."""
    return revision.rpartition("@")[0].removeprefix("refs/heads/")


def _hash(revision: str) -> str:
    return revision.rpartition("@")[2].rpartition(":")[2]


def has_revision(live: Mapping[str, Any]) -> bool:
    """Whether objects of this kind say which revision of a source they are at."""
    return live.get("kind") in (*ARTIFACTS, "Kustomization")


def revision_of(live: Mapping[str, Any]) -> str:
    """What an object is at: a source's artifact, what a Kustomization applied last, a HelmRelease's chart."""
    status = live.get("status") or {}
    if live.get("kind") == "Kustomization":
        return str(status.get("lastAppliedRevision") or "")
    if live.get("kind") == "HelmRelease":
        history = status.get("history") or []
        return str(history[0].get("chartVersion") or "") if history else ""
    return str((status.get("artifact") or {}).get("revision") or "")


def is_suspended(live: Mapping[str, Any]) -> bool:
    return bool((live.get("spec") or {}).get("suspend"))


def is_static(live: Mapping[str, Any]) -> bool:
    """Whether nobody reconciles it: an OCI HelmRepository is looked at by those who use it."""
    return live.get("kind") == "HelmRepository" and (live.get("spec") or {}).get("type") == "oci"


def suspended_by(live: Mapping[str, Any]) -> str:
    """The field manager that applies spec.suspend, and would suspend the object again after a resume; "" if none.

    What a merge patch has set is an Update, which nobody repeats.
    """
    for entry in (live.get("metadata") or {}).get("managedFields") or []:
        fields = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        if entry.get("operation") == "Apply" and "f:suspend" in fields:
            return str(entry.get("manager") or "another field manager")
    return ""


def is_at(live: Manifest, revision: str) -> bool:
    """Whether nothing is left to ask for: ready, not suspended, and at the revision."""
    if is_suspended(live) or judge(live).state != READY:
        return False
    return bool(revision) and has_revision(live) and same_revision(revision_of(live), revision)


def progress(  # noqa: PLR0911
    live: Manifest | None, token: str, revision: str, accepts: Callable[[str], bool] = lambda found: False
) -> Verdict:
    """How far an object is. `token`: what its annotation requestedAt was set to; "" if it was not asked.

    `accepts`: which other revisions do as well, such as a later one.
    """
    if live is None:
        return failed("it has been deleted meanwhile")
    if is_suspended(live):
        return failed("it has been suspended meanwhile (spec.suspend)")
    verdict = judge(live)
    # a later request of somebody else takes ours in
    asked, seen = annotations_of(live).get(REQUESTED), (live.get("status") or {}).get("lastHandledReconcileAt")
    if token and seen not in (token, asked):
        about = f"; {verdict.reason}" if verdict.reason else ""
        return progressing(f"its controller has not answered the request yet{about}")
    if not verdict.done:
        final = token and verdict.state == FAILING and _is_final(conditions(live).get("Ready") or {})
        return failed(verdict.reason) if final else verdict
    if not revision or not has_revision(live):
        return verdict
    at = revision_of(live)
    if same_revision(at, revision) or accepts(at):
        return ready(f"at {at}")
    if live["kind"] in ARTIFACTS and token:
        return failed(f"it is at {at or 'no revision'}, expected {revision}: somebody pushed after it, or elsewhere")
    return failing(f"it is at {at or 'no revision'}, expected {revision}")


def _is_final(good: Mapping[str, Any]) -> bool:
    message = str(good.get("message") or "")
    return good.get("reason") in FINAL_REASONS or any(text in message for text in FINAL_MESSAGES)
