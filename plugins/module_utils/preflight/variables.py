# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a role against its argument_specs: unknown names, wrong types, missing values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

# "argument 'x' is of type str and we were unable to convert to int: …", and the same "Elements value for option 'x'"
WRONG_TYPE = re.compile(
    r"(?:argument|Elements value for option) '(?P<name>[^']+)' is of type (?P<given>.+?) "
    r"(?:found in '(?P<parent>[^']+)'\. )?and we were unable to convert to (?P<wanted>\w+)"
)
UNSUPPORTED = re.compile(r"^(?P<names>[\w.]+(?:, [\w.]+)*)\. Supported parameters include: (?P<known>.+?)\.?$")
# said in addition to the sentence that names the option
SECONDARY = "dictionary requested, could not parse JSON or key=value"
CLASS_NAME = re.compile(r"<class '(?:\w+\.)*_?(?:AnsibleTagged)?(\w+)'>")


def unknown_names(role: str, names: Iterable[str], known: Iterable[str], roles: Iterable[str]) -> list[str]:
    """A sentence for every variable that has the role's prefix and is not the role's, with the nearest that is.

    Ansible itself ignores such names, so that a typing error would silently leave the default in force.
    """
    known = sorted(known)
    longer = tuple(f"{other}_" for other in roles if other.startswith(f"{role}_"))
    sentences = []
    for name in sorted(set(names) - set(known)):
        if not name.startswith(f"{role}_") or (longer and name.startswith(longer)):
            continue
        # the prefix is alike in all of them and says nothing
        near = difflib.get_close_matches(name[len(role) :], [option[len(role) :] for option in known], n=1, cutoff=0.6)
        hint = f"did you mean {role}{near[0]}" if near else "the role's variables stand in docs/variables.md"
        sentences.append(f"{name} is no variable of the role {role}: {hint}")
    return sentences


def validated(values: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values as their declared types, and a sentence for every one that has another type or is missing."""
    result = ArgumentSpecValidator(dict(options)).validate(dict(values))
    return result.validated_parameters, [readable(text) for text in result.error_messages if text != SECONDARY]


def readable(text: str) -> str:
    """A validation message of ansible-core, said in terms of the variable."""
    text = CLASS_NAME.sub(lambda found: found.group(1).lower(), text)
    unsupported = UNSUPPORTED.match(text)
    if unsupported:
        return f"{unsupported.group('names')} is not known; known there are {unsupported.group('known')}"
    found = WRONG_TYPE.search(text)
    if not found:
        return text.rstrip(".")
    where = f" in {found.group('parent')}" if found.group("parent") else ""
    return f"{found.group('name')}{where} must be of type {found.group('wanted')}, it is of type {found.group('given')}"
