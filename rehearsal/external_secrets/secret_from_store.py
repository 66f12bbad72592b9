# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What Secret an ExternalSecret asks for, and when it is to be made anew. Plain data in and out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from rehearsal.external_secrets import NAME
from rehearsal.external_secrets.templates import TemplateError, rendered
from rehearsal.labels import STAND_IN

GROUP = "external-secrets.io"
MANAGED = "reconcile.external-secrets.io/managed"
CREATED_BY = "reconcile.external-secrets.io/created-by"
DATA_HASH = "reconcile.external-secrets.io/data-hash"
FINALIZER = "externalsecrets.external-secrets.io/externalsecret-cleanup"

NO_DATA = "could not get secret data from provider"
NO_UPDATE = "could not update secret"
IS_OWNED = "target is owned by another ExternalSecret"

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}

Object = dict[str, Any]
#: a store's values under a path; raises SyncError
Look = Callable[[Mapping[str, str], str], dict[str, str] | None]


class SyncError(Exception):
    """Why an ExternalSecret could not be synced: the condition's message, and in str() the event's."""

    def __init__(self, condition: str, detail: str) -> None:
        super().__init__(detail)
        self.condition = condition


def target_name(resource: Object) -> str:
    """The Secret's name."""
    return (resource["spec"].get("target") or {}).get("name") or resource["metadata"]["name"]


def data(resource: Object, look: Look) -> dict[str, str]:
    """The values that `data` and `dataFrom` name, by key of the Secret."""
    spec = resource["spec"]
    default = spec.get("secretStoreRef") or {}
    found: dict[str, str] = {}
    for number, each in enumerate(spec.get("dataFrom") or []):
        if not each.get("extract") or each.get("rewrite"):
            raise SyncError(NO_DATA, f"error processing spec.dataFrom[{number}]: the stand-in knows extract alone")
        where = f"spec.dataFrom[{number}].extract"
        store = (each.get("sourceRef") or {}).get("storeRef") or default
        found |= _under(each["extract"], look, store, where)
    for number, each in enumerate(spec.get("data") or []):
        reference = each["remoteRef"]
        where = f"spec.data[{number}] (key: {reference['key']})"
        store = (each.get("sourceRef") or {}).get("storeRef") or default
        values = _under(reference, look, store, where)
        name = reference.get("property")
        if name and name not in values:
            raise SyncError(NO_DATA, f'error processing {where}, err: cannot find secret data for key: "{name}"')
        found[each["secretKey"]] = values[name] if name else json.dumps(values, separators=(",", ":"))
    return found


def _under(reference: Mapping[str, str], look: Look, store: Mapping[str, str], where: str) -> dict[str, str]:
    try:
        values = look(store, reference["key"])
    except SyncError as error:
        raise SyncError(error.condition, f"error processing {where}, err: {error}") from error
    if values is None:
        raise SyncError(NO_DATA, f"error processing {where}, err: Secret does not exist")
    return values


def secret(resource: Object, existing: Object | None, values: dict[str, str]) -> Object | None:
    """The Secret as it should be; None where the creation policy wants none."""
    metadata, target = resource["metadata"], resource["spec"].get("target") or {}
    policy = target.get("creationPolicy") or "Owner"
    if policy == "None" or (policy == "Merge" and not existing):
        return None
    before = existing or {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": target_name(resource), "namespace": metadata["namespace"]},
    }
    owners = before["metadata"].get("ownerReferences") or []
    owner = next((each for each in owners if each.get("controller")), None)
    if owner and owner["kind"] == "ExternalSecret" and owner["name"] != metadata["name"]:
        raise SyncError(IS_OWNED, f"secret is owned by another ExternalSecret: {owner['name']}")
    template = target.get("template")
    meta = (template or {}).get("metadata") or {}
    # without a template the real one copies them too, labels of whoever applied the ExternalSecret included
    labels = (meta if template else metadata).get("labels") or {}
    annotations = (meta if template else metadata).get("annotations") or {}
    made = _templated(template, values)
    old = before.get("data") or {} if policy == "Merge" else {}
    content = old | {key: base64.b64encode(value.encode()).decode() for key, value in made.items()}
    after = {
        **before,
        "type": (template or {}).get("type") or before.get("type") or "Opaque",
        "data": content,
        "metadata": {
            **before["metadata"],
            "labels": {**(before["metadata"].get("labels") or {}), **labels, MANAGED: "true"},
            "annotations": {
                **(before["metadata"].get("annotations") or {}),
                **annotations,
                DATA_HASH: data_hash(content),
            },
        },
    }
    if policy != "Merge":  # the Secret is of our making
        after["metadata"]["labels"][STAND_IN] = NAME
    if target.get("immutable"):
        after["immutable"] = True
    if policy == "Owner":
        after["metadata"]["labels"][CREATED_BY] = _hash(f"{metadata['namespace']}/{metadata['name']}")
        others = [each for each in owners if each.get("uid") != metadata["uid"]]
        after["metadata"]["ownerReferences"] = [*others, _owner(resource)]
    return after


def _templated(template: Mapping[str, Any] | None, values: dict[str, str]) -> dict[str, str]:
    if not template:
        return values
    if template.get("templateFrom"):
        raise SyncError(NO_UPDATE, "could not apply template: the stand-in does not know templateFrom")
    texts = template.get("data") or {}
    made = dict(values) if not texts or template.get("mergePolicy") == "Merge" else {}
    try:
        return made | {key: rendered(key, text, values) for key, text in texts.items()}
    except TemplateError as error:
        raise SyncError(NO_UPDATE, f"could not apply template: could not execute template: {error}") from error


def _owner(resource: Object) -> Object:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ExternalSecret",
        "name": resource["metadata"]["name"],
        "uid": resource["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_whole(existing: Object | None, resource: Object) -> bool:
    """Whether the Secret is as it was left: there, and not changed by somebody else."""
    policy = (resource["spec"].get("target") or {}).get("creationPolicy")
    if policy in ("Orphan", "None"):
        return True
    if existing is None:
        return False
    metadata = existing["metadata"]
    return (metadata.get("labels") or {}).get(MANAGED) == "true" and (metadata.get("annotations") or {}).get(
        DATA_HASH
    ) == data_hash(existing.get("data") or {})


def refresh_in(resource: Object, now: datetime) -> float | None:
    """Seconds until the values are to be read again: 0 for now, None for never."""
    spec, status = resource["spec"], resource.get("status") or {}
    refreshed = status.get("refreshTime")
    synced = status.get("syncedResourceVersion")
    policy = spec.get("refreshPolicy") or "Periodic"
    if not synced or not refreshed:
        return 0
    if policy == "CreatedOnce":
        return None
    changed = synced != version(resource)
    interval = seconds(spec.get("refreshInterval", "1h0m0s"))
    if policy == "OnChange" or interval <= 0:
        return 0 if changed and policy == "OnChange" else None
    if changed:
        return 0
    due = datetime.fromisoformat(refreshed.replace("Z", "+00:00")) + timedelta(seconds=interval)
    return max(0.0, (due - now).total_seconds())


def version(resource: Object) -> str:
    """What `syncedResourceVersion` says: the generation, and a hash of labels and annotations."""
    metadata = resource["metadata"]
    marks = {"annotations": metadata.get("annotations") or {}, "labels": metadata.get("labels") or {}}
    return f"{metadata.get('generation', 0)}-{_hash(json.dumps(marks, sort_keys=True))}"


def seconds(duration: str) -> float:
    """Go's way of writing a duration, `1h30m`."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(str(duration)))


def data_hash(content: Mapping[str, str]) -> str:
    """Of a Secret's data, to see that somebody else changed it."""
    return _hash(json.dumps(content, sort_keys=True))


def ready(conditions: list[Object] | None, status: str, reason: str, message: str, now: str) -> list[Object]:
    """The conditions with this Ready one; its time is that of the last change between True and False."""
    old = next((each for each in conditions or [] if each["type"] == "Ready"), {})
    since = old.get("lastTransitionTime", now) if old.get("status") == status else now
    made = {"type": "Ready", "status": status, "reason": reason, "message": message, "lastTransitionTime": since}
    return [*(each for each in conditions or [] if each["type"] != "Ready"), made]


def _hash(text: str) -> str:
    return hashlib.sha3_224(text.encode()).hexdigest()
