# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a Git tree that Flux reconciles: stable YAML, a kustomization.yaml a folder, no Secret.

Plain data in, text out. The first line of a file says whose it is, so that what is gone is removed and what others
keep beside it is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from .apply_plan import plain
from .errors import ClusterError
from .objects import Manifest, check_identity, key_of, listed

try:
    import yaml

    class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """Writes what every reader of YAML takes for the same, whichever version it speaks."""

        def ignore_aliases(self, data: Any) -> bool:
            return True  # two equal parts stay two parts, and can be changed apart

    LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:  # ansible-core brings it; only documentation tools import this without
    yaml = None  # type: ignore[assignment]

KUSTOMIZATION = "kustomization.yaml"
MARK = "# Kept by synergyflow.platform for "
#: the owner of a folder's kustomization.yaml, which names the files of all owners in it
FOLDER = "this.folder"
#: texts that are texts without quotes, for YAML 1.1 and 1.2 alike: 1e3, 0o7 and 12:30 are not
PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_./-]*$")
WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
FIRST = ("apiVersion", "kind", "metadata")
OWNER = re.compile(r"^[A-Za-z0-9][\w.@/-]*$")


def mark(owner: str) -> str:
    """The first line of a file that is `owner`'s."""
    if not OWNER.match(owner):
        raise ClusterError(f"owner: expected letters, digits and . _ @ / -, found {owner!r}.")
    return f"{MARK}{owner}; changes made here are overwritten."


def owner_of(text: str) -> str | None:
    """Whose file it is; None for one of other people."""
    first = text.partition("\n")[0]
    return first[len(MARK) :].rpartition(";")[0] if first.startswith(MARK) else None


def read_kept(text: str | None, owner: str) -> dict[str, Manifest]:
    """The objects of a file that is kept for `owner`, by name; none of a file that is not there, or of others."""
    if text is None or owner_of(text) != owner:
        return {}
    documents = [each for each in yaml.load_all(text, Loader=LOADER) if isinstance(each, dict)]
    return {str(each["metadata"]["name"]): each for each in documents}


def checked_path(path: str) -> str:
    """A path that stays inside of the tree."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or parts[0] == ".git" or path.endswith("/") or "\\" in path:
        raise ClusterError(f"paths: {path!r} is no path of a file inside of the tree.")
    return str(PurePosixPath(path))


def files(paths: Mapping[str, Any], owner: str) -> dict[str, str]:
    """The text of each file. Refuses Secrets, by name, and what is no Kubernetes object."""
    found: dict[str, str] = {}
    secrets: list[str] = []
    for path, content in paths.items():
        checked = checked_path(path)
        if PurePosixPath(checked).name == KUSTOMIZATION and not isinstance(content, str):
            raise ClusterError(f"paths: {path}: a folder's {KUSTOMIZATION} is made from the files in it.")
        if isinstance(content, str):
            documents = documents_of(content, checked)
            found[checked] = f"{mark(owner)}\n{content.rstrip()}\n"
        else:
            documents = list(content)
            for number, manifest in enumerate(documents, 1):
                check_identity(manifest, f"{checked}, number {number}")
            if not documents:
                continue  # a file without objects would end the build of its folder
            found[checked] = mark(owner) + "\n" + "".join(as_document(manifest) for manifest in documents)
        secrets += [f"{name} in {checked}" for name in secrets_in(documents)]
    if secrets:
        raise ClusterError(
            f"Secrets do not belong in Git, whoever may read it: {listed(secrets)}."
            " Let External Secrets make them in the cluster, or encrypt them (SOPS)."
        )
    return found


def documents_of(text: str, path: str) -> list[Any]:
    """The documents of a file of YAML; none of another file."""
    if not path.endswith((".yaml", ".yml")):
        return []
    try:
        return [document for document in yaml.load_all(text, Loader=LOADER) if document is not None]
    except yaml.YAMLError as error:
        raise ClusterError(f"paths: {path} is no YAML: {' '.join(str(error).split())}.") from error


def secrets_in(value: Any) -> Iterator[str]:
    """The Secrets with content anywhere in `value`, lists of objects included. Encrypted ones (SOPS) may pass."""
    if isinstance(value, Mapping):
        if value.get("kind") == "Secret" and (value.get("data") or value.get("stringData")) and "sops" not in value:
            metadata = value.get("metadata") or {}
            yield f"Secret {metadata.get('namespace') or 'default'}/{metadata.get('name')}"
        for inner in value.values():
            yield from secrets_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from secrets_in(inner)


def as_document(manifest: Mapping[str, Any]) -> str:
    """One object as a YAML document; the same object is the same text, in whatever order its fields came."""
    # ansible-core 2.19 hands over subclasses of JSON's types, which no dumper knows
    manifest = plain(manifest, "trees")
    head = {name: _sorted(manifest[name]) for name in FIRST if name in manifest}
    rest = {name: _sorted(manifest[name]) for name in sorted(manifest) if name not in FIRST and name != "status"}
    _Dumper.add_representer(str, _text)
    return "---\n" + yaml.dump({**head, **rest}, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


def _sorted(value: Any) -> Any:
    """Plain data with its mappings in the order of their names; the name of a thing first."""
    if isinstance(value, Mapping):
        names = sorted(map(str, value), key=lambda name: (name != "name", name))
        return {name: _sorted(value[name]) for name in names}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return value


def _text(dumper: Any, text: str) -> Any:
    if "\n" in text:
        style = "|"
    elif PLAIN.match(text) and text.lower() not in WORDS:
        style = ""
    else:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def folders(paths: Iterable[str]) -> dict[str, list[str]]:
    """The files of objects in each folder, by name."""
    found: dict[str, list[str]] = {}
    for path in paths:
        place = PurePosixPath(path)
        if place.suffix in (".yaml", ".yml") and place.name != KUSTOMIZATION:
            found.setdefault(str(place.parent), []).append(place.name)
    return {folder: sorted(set(names)) for folder, names in sorted(found.items())}


def plain_folder(path: Any) -> str:
    """A folder from the root of the tree, as Git names it; empty for the root itself."""
    return str(path or "").removeprefix("./").strip("/")


def in_folder(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"


def kustomization(names: Iterable[str]) -> str:
    """A folder's kustomization.yaml."""
    lines = [mark(FOLDER), "---", "apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization", "resources:"]
    return "\n".join([*lines, *(f"  - {name}" for name in names), ""])


def foreign_problem(folder: str, names: list[str], text: str | None, others: list[str]) -> str:
    """Why files cannot be put beside those of other people; "" if they can.

    `text`: a kustomization.yaml of others in the folder. Without any, Flux takes in every file below the folder, and
    one of ours would shut theirs out.
    """
    if text is not None:
        try:
            named = (yaml.load(text, Loader=LOADER) or {}).get("resources") or []
        except (yaml.YAMLError, AttributeError):
            named = []
        absent = [name for name in names if name not in [str(each).removeprefix("./") for each in named]]
        return f"{folder}/{KUSTOMIZATION} is not ours: add {', '.join(absent)} to its resources" if absent else ""
    if others:
        return (
            f"{folder} has files of others ({listed(others, 3)}) and no {KUSTOMIZATION}: write one there that"
            f" has in its resources what is there, and {', '.join(names)}"
        )
    return ""


# -- what has changed


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """The objects that were added, changed and removed, as a reader knows them."""
    old, new = _objects(before), _objects(after)
    return {
        "added": sorted(name for name in new if name not in old),
        "changed": sorted(name for name in new if name in old and new[name] != old[name]),
        "removed": sorted(name for name in old if name not in new),
    }


def _objects(texts: Mapping[str, str]) -> dict[str, Manifest]:
    found: dict[str, Manifest] = {}
    for path, text in texts.items():
        try:
            documents = documents_of(text, path)
        except ClusterError:
            documents = []
        for document in documents:
            if isinstance(document, dict) and (document.get("metadata") or {}).get("name"):
                folder = str(PurePosixPath(path).parent)
                found[f"{key_of(document)} ({folder})"] = document
    return found


def message(subject: str, found: Mapping[str, list[str]], paths: Mapping[str, list[str]]) -> str:
    """A commit's message: how much in its first line, what in the others."""
    counts = [f"{len(found[what])} {what}" for what in ("added", "changed", "removed") if found[what]]
    files_only = [f"{sum(map(len, paths.values()))} files"] if not counts else []
    lines = [f"{subject}: {', '.join(counts or files_only)}", ""]
    for what in ("removed", "changed", "added"):
        lines += [f"{what}: {name}" for name in found[what]]
    if not counts:
        lines += [f"{what}: {name}" for what, names in paths.items() for name in names]
    return "\n".join(lines) + "\n"
