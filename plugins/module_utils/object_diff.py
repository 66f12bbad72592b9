# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference between what is there and what would be, fit to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .masking import Masker, masked
from .objects import Manifest

try:
    import yaml

    DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
except ImportError:  # ansible-core brings it; only documentation tools import this without
    yaml = None  # type: ignore[assignment]

#: what the server keeps about an object: it moves by itself and is no part of what anybody applied
SERVER_KEPT = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")


def shown(manifest: Mapping[str, Any] | None, before: Mapping[str, Any] | None = None) -> Any:
    """An object as a diff shows it: no status, nothing that the server keeps, no Secret value."""
    if manifest is None:
        return None
    return masked(content(manifest), before)


def as_yaml(manifest: Any) -> str:
    return "" if manifest is None else yaml.dump(manifest, Dumper=DUMPER, sort_keys=True, width=10_000)


def diff(
    name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, masker: Masker
) -> dict[str, str]:
    """One entry of Ansible's diff; before or after is None for an object that is created or deleted."""
    old = None if before is None else shown(before)
    new = None if after is None else shown(after, before)
    return {
        # before it is YAML, which writes quotes and letters beyond ASCII in another way
        "before": masker.text(as_yaml(masker.clean(old))),
        "after": masker.text(as_yaml(masker.clean(new))),
        "before_header": name if before is not None else f"{name} (does not exist)",
        "after_header": name if after is not None else f"{name} (deleted)",
    }


def content(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What an object says, whoever said it: without its status and what the server keeps."""
    found = {name: value for name, value in manifest.items() if name != "status"}
    metadata = {name: value for name, value in (manifest.get("metadata") or {}).items() if name not in SERVER_KEPT}
    return {**found, "metadata": metadata}


def without_times(manifest: Manifest) -> Manifest:
    """An object without what differs between two looks at the same thing: the times in managedFields."""
    metadata = dict(manifest.get("metadata") or {})
    metadata["managedFields"] = [
        {name: value for name, value in entry.items() if name != "time"}
        for entry in metadata.get("managedFields") or []
    ]
    return {**manifest, "metadata": metadata}
