# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The part of Go's templates that Secrets are mostly made with: values, and a few functions applied to them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping

_ACTION = re.compile(r"(\s*\{\{-|\{\{)\s*(.*?)\s*(-\}\}\s*|\}\})", re.DOTALL)
_VALUE = re.compile(r"\.(?P<name>\w+)$|index\s+\.\s+\"(?P<key>[^\"]+)\"$")

FUNCTIONS: dict[str, Callable[[str], str]] = {
    "toString": lambda value: value,
    "b64enc": lambda value: base64.b64encode(value.encode()).decode(),
    "b64dec": lambda value: base64.b64decode(value, validate=True).decode(),
    "quote": lambda value: json.dumps(value, ensure_ascii=False),
    "trim": str.strip,
    "upper": str.upper,
    "lower": str.lower,
}


class TemplateError(Exception):
    """A template that cannot be executed. Names what it asks for, never a value."""


def rendered(name: str, text: str, values: Mapping[str, str]) -> str:
    """The template with its values. `name` is the key it makes, for the error."""
    return _ACTION.sub(lambda action: _evaluated(name, action[2], values), text)


def _evaluated(name: str, action: str, values: Mapping[str, str]) -> str:
    source, *functions = (part.strip() for part in action.split("|"))
    found = _VALUE.match(source)
    if not found:
        raise TemplateError(f"unable to parse template at key {name}: the stand-in does not know {{{{ {action} }}}}")
    key = found["name"] or found["key"]
    if key not in values:
        raise TemplateError(
            f"unable to execute template at key {name}: template: {name}: executing {name!r} at <{source}>:"
            f" map has no entry for key {key!r}"
        )
    value = values[key]
    for function in functions:
        if function not in FUNCTIONS:
            raise TemplateError(f"unable to parse template at key {name}: function {function!r} not defined")
        try:
            value = FUNCTIONS[function](value)
        except (binascii.Error, UnicodeDecodeError) as error:
            raise TemplateError(f"unable to execute template at key {name}: error calling {function}") from error
    return value
