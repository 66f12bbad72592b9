# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From rendered text to Kubernetes objects, with errors that name the place.

YAML is read as kubectl reads it: timestamps and times of day stay strings (PyYAML alone makes dates and numbers in
base 60 of them), a key that stands twice is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .apply_plan import encode_string_data
from .errors import ClusterError
from .masking import is_secret
from .objects import Manifest, check_identity

try:
    import yaml
    from yaml.constructor import ConstructorError

    _BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:  # ansible-core brings it; only documentation tools import this without
    yaml = None  # type: ignore[assignment]
    _BASE = object

#: YAML 1.1's numbers without those in base 60
INTEGER = re.compile(r"^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$")
FLOAT = re.compile(
    r"^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
SECRET_LINE = re.compile(r"""^\s*["']?kind["']?\s*:\s*["']?Secret\b""", re.MULTILINE)
DOCUMENT_MARK = re.compile(r"^---(?:\s|$)")

#: built-in kinds without a namespace; of all other kinds only the cluster knows
CLUSTER_WIDE = {
    "APIService",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CSIDriver",
    "CSINode",
    "CustomResourceDefinition",
    "FlowSchema",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
}


class ManifestLoader(_BASE):  # type: ignore[misc]
    """Reads one stream of YAML documents as kubectl does."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen and isinstance(key.value, str):
                raise ConstructorError(None, None, f"the key {key.value} stands twice", key.start_mark)
            if key.tag != "tag:yaml.org,2002:str":
                raise ConstructorError(
                    None, None, f"the key {key.value} is not a string; put it in quotes", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


if yaml is not None:
    ManifestLoader.yaml_implicit_resolvers = {
        first: [
            (tag, INTEGER if tag.endswith(":int") else FLOAT if tag.endswith(":float") else pattern)
            for tag, pattern in resolvers
            if not tag.endswith(":timestamp")
        ]
        for first, resolvers in _BASE.yaml_implicit_resolvers.items()
    }


def read_documents(text: str, where: str) -> list[tuple[int, Any]]:
    """The documents of a text, each with the number of its first line. Empty ones are left out."""
    loader = ManifestLoader(str(text))  # libyaml takes no subclass of str, and ansible-core 2.19 has one
    documents = []
    try:
        while loader.check_node():
            node = loader.get_node()
            document = loader.construct_document(node)
            if document is not None:
                documents.append((node.start_mark.line + 1, document))
    except yaml.YAMLError as error:
        raise ClusterError(_yaml_failure(error, text, where)) from None
    finally:
        loader.dispose()
    return documents


def _yaml_failure(error: Any, text: str, where: str) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    if mark is None:
        return f"{where}: not valid YAML: {problem}."
    lines = text.splitlines()
    number = min(mark.line, max(len(lines) - 1, 0))
    shown = lines[number].strip() if lines else ""
    if SECRET_LINE.search(_document_around(lines, number)):
        return f"{where}, line {number + 1} of the rendered text (a Secret, not shown): not valid YAML: {problem}."
    return f"{where}, line {number + 1} of the rendered text: not valid YAML: {problem}: {shown}"


def _document_around(lines: list[str], number: int) -> str:
    start = next((n for n in range(number, -1, -1) if DOCUMENT_MARK.match(lines[n])), 0)
    end = next((n for n in range(number + 1, len(lines)) if DOCUMENT_MARK.match(lines[n])), len(lines))
    return "\n".join(lines[start:end])


def objects_of(document: Any, where: str, namespace: str | None) -> list[Manifest]:
    """The objects of one document: itself, or the items of a List. Checked, and completed with the namespace."""
    if isinstance(document, list):
        return [manifest for item in document for manifest in objects_of(item, where, namespace)]
    if isinstance(document, dict) and str(document.get("kind", "")).endswith("List") and "items" in document:
        items = document["items"] or []
        return [manifest for item in items for manifest in objects_of(item, f"{where}, in a List", namespace)]
    check_identity(document, where)
    manifest = dict(document)
    manifest["metadata"] = dict(manifest["metadata"])
    if namespace and not manifest["metadata"].get("namespace") and manifest["kind"] not in CLUSTER_WIDE:
        manifest["metadata"]["namespace"] = namespace
    _refuse_what_json_lacks(manifest, where)
    if is_secret(manifest):
        encode_string_data(manifest, where)
    return [manifest]


def _refuse_what_json_lacks(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for inner in value.values():
            _refuse_what_json_lacks(inner, where)
    elif isinstance(value, list):
        for inner in value:
            _refuse_what_json_lacks(inner, where)
    elif value is not None and not isinstance(value, (str, int, float)):
        raise ClusterError(f"{where}: a value of type {type(value).__name__} cannot be sent; put it in quotes.")


def read_text(text: str, where: str, namespace: str | None = None) -> list[Manifest]:
    """All objects of a text with one or several YAML documents."""
    found = []
    for line, document in read_documents(text, where):
        found += objects_of(document, f"{where}, line {line} of the rendered text", namespace)
    return found


def has_secrets(manifests: Iterable[Manifest]) -> bool:
    """Whether showing these objects would show a Secret's values."""
    return any(is_secret(manifest) and manifest.get("data") for manifest in manifests)
