# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a role's templates into Kubernetes objects."""

from __future__ import annotations

import os
import re
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.manifest_files import files_of
from ansible_collections.synergyflow.platform.plugins.module_utils.manifests import (
    has_secrets,
    objects_of,
    read_text,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Manifest, refuse_duplicates

try:  # ansible-core 2.19: text is a template only when it is marked as one
    from ansible.template import trust_as_template
except ImportError:

    def trust_as_template(value: str) -> str:  # type: ignore[misc]
        return value


#: the file of objects that were given as such
INLINE = "manifests.yaml"
UNDEFINED = re.compile(r"'(\w+)' is undefined")


class ActionModule(ActionBase):
    """See the module of the same name for the documentation."""

    _requires_connection = False
    _supports_check_mode = True

    ARGUMENTS = {  # noqa: RUF012
        "templates": {"type": "list", "elements": "str", "default": []},
        "manifests": {"type": "raw"},
        "namespace": {"type": "str"},
    }

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(self.ARGUMENTS, required_one_of=[["templates", "manifests"]])
        try:
            self._files: list[str] = []
            objects = self._templates(args["templates"], args["namespace"], task_vars or {})
            objects += self._manifests(args["manifests"], args["namespace"])
            refuse_duplicates(objects)
        except ClusterError as error:
            return {"failed": True, "changed": False, "msg": str(error)}
        result: dict[str, Any] = {"changed": False, "objects": objects, "files": self._files}
        if has_secrets(objects):
            # the registered result has everything, the screen and the logs nothing
            result["_ansible_no_log"] = True
        return result

    def _templates(self, names: list[str], namespace: str | None, task_vars: dict[str, Any]) -> list[Manifest]:
        objects: list[Manifest] = []
        for name in names:
            before = len(objects)
            rendered = self._render(name, task_vars)
            where = f"template {name}"
            if isinstance(rendered, str):
                objects += read_text(rendered, where, namespace)
            elif rendered is not None:  # a template that is one expression keeps its type in ansible-core 2.19
                objects += objects_of(rendered, where, namespace)
            self._files += [os.path.basename(name).removesuffix(".j2")] * (len(objects) - before)
        return objects

    def _render(self, name: str, task_vars: dict[str, Any]) -> Any:
        try:
            source = self._find_needle("templates", name)
            with open(source, encoding="utf-8") as stream:
                text = stream.read()
        except (AnsibleError, OSError, UnicodeDecodeError) as error:
            raise ClusterError(f"template {name} cannot be read: {error}") from error
        search_path = [*task_vars.get("ansible_search_path", []), self._loader.get_basedir(), os.path.dirname(source)]
        search_path = [place for path in search_path for place in (os.path.join(path, "templates"), path)]
        variables = {**task_vars, "template_path": source}
        templar = self._templar.copy_with_new_env(searchpath=search_path, available_variables=variables)
        try:
            if hasattr(templar, "evaluate_expression"):  # ansible-core 2.19
                return templar.template(trust_as_template(text), escape_backslashes=False)
            return templar.do_template(text, preserve_trailing_newlines=True, escape_backslashes=False)
        except AnsibleError as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise ClusterError(f"template {name}{_line_of(reason, text)}: {reason}.") from error

    def _manifests(self, source: Any, namespace: str | None) -> list[Manifest]:
        if source is None or source == "":
            return []
        if isinstance(source, str):
            return [manifest for path in files_of(source, self._found) for manifest in self._file(path, namespace)]
        if isinstance(source, dict):
            return self._inline(objects_of(source, "manifests", namespace))
        if not isinstance(source, (list, tuple)):
            raise ClusterError(f"manifests: expected a path or a list of objects, found {type(source).__name__}.")
        objects: list[Manifest] = []
        for number, item in enumerate(source, 1):
            if isinstance(item, str):
                objects += self._manifests(item, namespace)
            else:
                objects += self._inline(objects_of(item, f"manifests, number {number}", namespace))
        return objects

    def _inline(self, objects: list[Manifest]) -> list[Manifest]:
        self._files += [INLINE] * len(objects)
        return objects

    def _found(self, path: str) -> str | None:
        try:
            return str(self._find_needle("files", path))
        except AnsibleError:
            return None

    def _file(self, path: str, namespace: str | None) -> list[Manifest]:
        try:
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
        except (OSError, UnicodeDecodeError) as error:
            raise ClusterError(f"manifests: {path} cannot be read: {error}") from error
        objects = read_text(text, path, namespace)
        self._files += [os.path.basename(path)] * len(objects)
        return objects


def _line_of(reason: str, text: str) -> str:
    """Where an undefined variable is first used: the error itself does not say it."""
    name = UNDEFINED.search(reason)
    if not name:
        return ""
    word = re.compile(rf"(?<![\w.]){re.escape(name.group(1))}\b")
    number = next((number for number, line in enumerate(text.splitlines(), 1) if word.search(line)), 0)
    return f", line {number}" if number else ""
