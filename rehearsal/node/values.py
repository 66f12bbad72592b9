# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Values that a container takes from elsewhere: fields of its pod, ConfigMaps, Secrets, its own resources."""

from __future__ import annotations

import base64
import re
from typing import Any

from rehearsal.node.api import Api, core

_SUBSCRIPT = re.compile(r"^metadata\.(labels|annotations)\['(.+)'\]$")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


class ValueFromError(Exception):
    """A value cannot be had; the message is that of the container's CreateContainerConfigError."""


def environment(api: Api, pod: dict[str, Any], container: dict[str, Any]) -> dict[str, str]:
    """The container's environment: envFrom, then env, with $(NAME) replaced by what was set before."""
    namespace = pod["metadata"]["namespace"]
    values: dict[str, str] = {}
    for each in container.get("envFrom") or []:
        for kind, key in (("configmaps", "configMapRef"), ("secrets", "secretRef")):
            if reference := each.get(key):
                found = _source(api, namespace, kind, reference)
                values |= {f"{each.get('prefix', '')}{name}": value for name, value in found.items()}
    for each in container.get("env") or []:
        if (source := each.get("valueFrom")) is not None:
            value = _value_from(api, pod, container, source)
            if value is not None:
                values[each["name"]] = value
        else:
            values[each["name"]] = _expanded(each.get("value") or "", values)
    return values


def downward(pod: dict[str, Any], item: dict[str, Any]) -> str:
    """A value of the downward API, by `fieldRef` or `resourceFieldRef`."""
    if reference := item.get("fieldRef"):
        return field(pod, reference["fieldPath"])
    reference = item["resourceFieldRef"]
    containers = pod["spec"]["containers"]
    container = next((each for each in containers if each["name"] == reference.get("containerName")), containers[0])
    return resource(container, reference)


def field(pod: dict[str, Any], path: str) -> str:
    """A field of the pod by its path; empty when it is not set."""
    if match := _SUBSCRIPT.match(path):
        return (pod["metadata"].get(match[1]) or {}).get(match[2], "")
    value: Any = pod
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, dict):
        return "\n".join(f'{key}="{each}"' for key, each in sorted(value.items()))
    return "" if value is None else str(value)


def resource(container: dict[str, Any], reference: dict[str, Any]) -> str:
    """`limits.memory` and the like in multiples of the divisor, rounded up; 0 without a limit."""
    kind, _, name = reference["resource"].partition(".")
    amount = ((container.get("resources") or {}).get(kind) or {}).get(name, "0")
    divisor = quantity(str(reference.get("divisor") or "1")) or 1
    return str(-int(-quantity(str(amount)) // divisor))


def quantity(text: str) -> float:
    """A Kubernetes quantity as a number: cores or bytes."""
    if text.endswith("m"):
        return float(text[:-1]) / 1000
    number = text.rstrip("kMGTi")
    return float(number) * _UNITS[text[len(number) :]]


def _value_from(api: Api, pod: dict[str, Any], container: dict[str, Any], source: dict[str, Any]) -> str | None:
    namespace = pod["metadata"]["namespace"]
    if reference := source.get("fieldRef"):
        return field(pod, reference["fieldPath"])
    if reference := source.get("resourceFieldRef"):
        return resource(container, reference)
    kind, reference = (
        ("configmaps", source["configMapKeyRef"])
        if "configMapKeyRef" in source
        else ("secrets", source["secretKeyRef"])
    )
    found = _source(api, namespace, kind, reference)
    if reference["key"] not in found:
        if reference.get("optional"):
            return None
        raise ValueFromError(f"couldn't find key {reference['key']} in {kind[:-1]} {namespace}/{reference['name']}")
    return found[reference["key"]]


def _source(api: Api, namespace: str, kind: str, reference: dict[str, Any]) -> dict[str, str]:
    found = api.find(core(namespace, kind, reference["name"]))
    if found is None:
        if reference.get("optional"):
            return {}
        raise ValueFromError(f'{kind[:-1]} "{reference["name"]}" not found')
    content = found.get("data") or {}
    if kind == "secrets":
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in content.items()}
    return content


def _expanded(text: str, values: dict[str, str]) -> str:
    """Kubernetes' $(NAME); $$ is a dollar sign, an unknown name stays as it is."""
    return re.sub(
        r"\$(\$|\(([A-Za-z_][A-Za-z0-9_.-]*)\))",
        lambda match: "$" if match[1] == "$" else values.get(match[2], match[0]),
        text,
    )
