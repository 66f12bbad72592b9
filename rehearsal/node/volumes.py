# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A pod's volumes as folders: ConfigMaps, Secrets and projections written out, claims as they live beside their PVC."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from rehearsal.node.api import Api, core
from rehearsal.node.pod_files import PodFiles, inside
from rehearsal.node.service_account import request_token
from rehearsal.node.values import downward

TOKEN_SECONDS = 3607  # what Kubernetes asks for a pod's own token; more than that only for programs of the rehearsal


class MountError(Exception):
    """A volume cannot be made now; the message is that of the FailedMount event."""


def prepare(api: Api, pod: dict[str, Any], files: PodFiles) -> dict[str, Path]:
    """Have all volumes of the pod in place; returns their folders by name.

    Raises MountError for the first one that cannot be had, as the kubelet does: the pod waits in ContainerCreating.
    """
    return {volume["name"]: _prepare(api, pod, volume, files) for volume in pod["spec"].get("volumes") or []}


def _prepare(api: Api, pod: dict[str, Any], volume: dict[str, Any], files: PodFiles) -> Path:
    name, namespace = volume["name"], pod["metadata"]["namespace"]
    folder = files.volume(name)
    if claim := volume.get("persistentVolumeClaim"):
        return _claim_folder(api, namespace, claim["claimName"], name)
    if "emptyDir" in volume:
        folder.mkdir(parents=True, exist_ok=True)
    elif source := volume.get("configMap"):
        _write(folder, _config_map(api, namespace, name, source, source["name"]), name)
    elif source := volume.get("secret"):
        _write(folder, _secret(api, namespace, name, source, source["secretName"]), name)
    elif source := volume.get("projected"):
        _write(folder, _projected(api, pod, name, source["sources"]), name)
    elif source := volume.get("hostPath"):
        folder = inside(files.host(pod["spec"]["nodeName"]), source["path"])
        folder.mkdir(parents=True, exist_ok=True)
    elif source := volume.get("downwardAPI"):
        _write(folder, _downward(pod, source.get("items") or []), name)
    else:
        kind = next((key for key in volume if key != "name"), "unknown")
        raise MountError(
            f'MountVolume.SetUp failed for volume "{name}": the process node has no volumes of type {kind}'
        )
    return folder


def _projected(api: Api, pod: dict[str, Any], volume: str, sources: list[dict[str, Any]]) -> dict[str, bytes]:
    namespace = pod["metadata"]["namespace"]
    content: dict[str, bytes] = {}
    for each in sources:
        if source := each.get("serviceAccountToken"):
            account = pod["spec"].get("serviceAccountName") or "default"
            seconds = source.get("expirationSeconds", TOKEN_SECONDS)
            token, _ = request_token(api, namespace, account, seconds, source.get("audience"))
            content[source["path"]] = token.encode()
        elif source := each.get("configMap"):
            content |= _config_map(api, namespace, volume, source, source["name"])
        elif source := each.get("secret"):
            content |= _secret(api, namespace, volume, source, source["name"])
        elif source := each.get("downwardAPI"):
            content |= _downward(pod, source.get("items") or [])
    return content


def _config_map(api: Api, namespace: str, volume: str, source: dict[str, Any], name: str) -> dict[str, bytes]:
    found = _find(api, namespace, volume, "configmap", name, optional=source.get("optional", False))
    content = {key: value.encode() for key, value in (found.get("data") or {}).items()}
    content |= {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
    return _chosen(content, source, volume, f'configmap "{name}"')


def _secret(api: Api, namespace: str, volume: str, source: dict[str, Any], name: str) -> dict[str, bytes]:
    found = _find(api, namespace, volume, "secret", name, optional=source.get("optional", False))
    content = {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
    return _chosen(content, source, volume, f'secret "{name}"')


def _find(api: Api, namespace: str, volume: str, kind: str, name: str, *, optional: bool) -> dict[str, Any]:
    found = api.find(core(namespace, f"{kind}s", name))
    if found is None and not optional:
        raise MountError(f'MountVolume.SetUp failed for volume "{volume}" : {kind} "{name}" not found')
    return found or {}


def _chosen(content: dict[str, bytes], source: dict[str, Any], volume: str, what: str) -> dict[str, bytes]:
    """All keys, or those that `items` names, under the paths it gives them."""
    if not (items := source.get("items")):
        return content
    missing = [item["key"] for item in items if item["key"] not in content]
    if missing and not source.get("optional"):
        raise MountError(
            f'MountVolume.SetUp failed for volume "{volume}" : {what} references non-existent key: {missing[0]}'
        )
    return {item["path"]: content[item["key"]] for item in items if item["key"] in content}


def _downward(pod: dict[str, Any], items: list[dict[str, Any]]) -> dict[str, bytes]:
    return {item["path"]: downward(pod, item).encode() for item in items}


def _write(folder: Path, content: dict[str, bytes], volume: str) -> None:
    """Make the folder hold exactly these files, readable by nobody else."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, value in content.items():
        file = Path(os.path.normpath(folder / path))
        if folder not in file.parents:
            raise MountError(f'MountVolume.SetUp failed for volume "{volume}" : path {path} leaves the volume')
        if not file.is_file() or file.read_bytes() != value:
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_name(f".{file.name}.new")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                target.write(value)
            new.replace(file)
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        if str(file.relative_to(folder)) not in {os.path.normpath(path) for path in content}:
            file.unlink()


def _claim_folder(api: Api, namespace: str, claim: str, volume: str) -> Path:
    found = api.find(core(namespace, "persistentvolumeclaims", claim))
    if found is None:
        raise MountError(f'MountVolume.SetUp failed for volume "{volume}" : persistentvolumeclaim "{claim}" not found')
    name = found["spec"].get("volumeName")
    bound = api.find(core(None, "persistentvolumes", name)) if name else None
    if bound is None or (found.get("status") or {}).get("phase") != "Bound":
        raise MountError(f'MountVolume.SetUp failed for volume "{volume}" : claim "{claim}" is not bound')
    path = (bound["spec"].get("hostPath") or bound["spec"].get("local") or {}).get("path")
    if not path or not Path(path).is_dir():
        raise MountError(f'MountVolume.SetUp failed for volume "{volume}" : "{name}" has no folder on this machine')
    return Path(path)
