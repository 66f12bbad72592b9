# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of Flux waits for what: sources first, then by dependsOn. Plain data in, plain data out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .objects import Key, Manifest, key_of

SOURCE, KUSTOMIZE, HELM = "source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
IMAGE = "image.toolkit.fluxcd.io"
OPERATOR = "fluxcd.controlplane.io"
#: the kinds that Flux reconciles when it is asked to, and their API groups
GROUPS = {
    "Bucket": SOURCE,
    "GitRepository": SOURCE,
    "HelmChart": SOURCE,
    "HelmRepository": SOURCE,
    "OCIRepository": SOURCE,
    "Kustomization": KUSTOMIZE,
    "HelmRelease": HELM,
    "ImagePolicy": IMAGE,
    "ImageRepository": IMAGE,
    "ImageUpdateAutomation": IMAGE,
    "Receiver": "notification.toolkit.fluxcd.io",
    "FluxInstance": OPERATOR,
}
#: kinds whose artifact is of a revision
ARTIFACTS = ("Bucket", "GitRepository", "OCIRepository")


def _spec(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    return manifest.get("spec") or {}


def _referred(reference: Mapping[str, Any], kind: str, manifest: Mapping[str, Any]) -> Key:
    """The object that a reference names; without a namespace it is in that of the object itself."""
    own = manifest["metadata"].get("namespace") or ""
    return Key(GROUPS.get(kind, ""), kind, reference.get("namespace") or own, reference.get("name") or "")


def dependencies(manifest: Mapping[str, Any]) -> list[Key]:
    """What spec.dependsOn names; always of the object's own kind."""
    if manifest["kind"] not in ("Kustomization", "HelmRelease"):
        return []
    return [_referred(each, manifest["kind"], manifest) for each in _spec(manifest).get("dependsOn") or []]


def first_kustomization(namespace: str) -> Key:
    """The one that brings a cluster's others: it has the name of Flux's namespace."""
    return Key(KUSTOMIZE, "Kustomization", namespace, namespace)


def first_source(namespace: str) -> Key:
    """What a cluster's first Kustomization is made from."""
    return Key(SOURCE, "GitRepository", namespace, namespace)


def source_of(manifest: Mapping[str, Any]) -> Key | None:
    """The source that an object is made from."""
    spec = _spec(manifest)
    reference = spec.get("sourceRef") or spec.get("chartRef")
    if manifest["kind"] == "HelmRelease" and not reference:
        reference = ((spec.get("chart") or {}).get("spec") or {}).get("sourceRef")
    if not isinstance(reference, Mapping) or reference.get("kind") not in GROUPS:
        return None
    return _referred(reference, reference["kind"], manifest)


def missing(manifests: Iterable[Manifest], known: Collection[Key] = ()) -> list[str]:
    """A sentence for each dependency that neither the objects nor `known` have."""
    every = list(manifests)
    there = {key_of(manifest) for manifest in every} | set(known)
    return [
        f"{key_of(manifest)} depends on {needed}, which does not exist"
        for manifest in every
        for needed in dependencies(manifest)
        if needed not in there
    ]


def cycles(manifests: Iterable[Manifest]) -> list[str]:
    """A sentence for each circle of dependencies: Flux would wait for ever, and say only that it waits."""
    graph = {key_of(manifest): dependencies(manifest) for manifest in manifests}
    found: list[str] = []
    done: set[Key] = set()

    def walk(key: Key, path: list[Key]) -> None:
        if key in path:
            circle = path[path.index(key) :]
            done.update(circle)
            found.append(" -> ".join(str(each) for each in [*circle, key]))
            return
        if key in done or key not in graph:
            return
        for needed in graph[key]:
            walk(needed, [*path, key])
        done.add(key)

    for key in graph:
        walk(key, [])
    return [f"these depend on each other in a circle: {circle}" for circle in found]


def waves(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """The objects in waves: each after its source and its dependencies, as far as they are among the objects."""
    waiting = {key_of(manifest): manifest for manifest in manifests}
    result: list[list[Manifest]] = []
    while waiting:
        wave = []
        for manifest in waiting.values():
            needed = [*dependencies(manifest), source_of(manifest)]
            if not any(key in waiting and key != key_of(manifest) for key in needed if key):
                wave.append(manifest)
        if not wave:  # a circle: cycles() says so; all at once is as good as any order
            wave = list(waiting.values())
        result.append(wave)
        for manifest in wave:
            del waiting[key_of(manifest)]
    return result
