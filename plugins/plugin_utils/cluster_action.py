# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection's action plugins share: options, connection, errors as sentences.

They run in the controller: no Python is copied anywhere, and a cluster needs no Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import open_connection
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record
from ansible_collections.synergyflow.platform.plugins.plugin_utils import job

display = Display()
#: what a template begins with; `#jinja2:` at the beginning of a text may give it marks of its own
TEMPLATE_MARKS = ("{{", "{%", "{#")


def is_settled(value: Any) -> bool:
    """Whether templating would leave a value as it is: plain data, and no text in it looks like a template.

    The contents are looked at as they are kept: reading them through ansible-core's own containers would template them.
    """
    if isinstance(value, str):
        # the first look is there for speed: most texts have no brace at all
        return not ("{" in value and any(mark in value for mark in TEMPLATE_MARKS)) and not value.startswith("#jinja2:")
    if isinstance(value, dict):
        return all(is_settled(item) for item in dict.values(value))
    if isinstance(value, list):
        return all(is_settled(item) for item in list.__iter__(value))
    return value is None or isinstance(value, (int, float))


class ClusterAction(ActionBase):
    """An action that talks to the API server with kubernetes.core's connection options."""

    _requires_connection = False
    _supports_check_mode = True
    #: the options beside the connection's
    ARGUMENTS: ClassVar[dict[str, dict[str, Any]]] = {}
    #: options that hold many objects: kept out of the validation, which copies its input several times
    OBJECTS: ClassVar[str | None] = None

    @classmethod
    def finalize_task_arg(cls, name: str, value: Any, templar: Any, *context: Any) -> Any:
        """Template an argument; of many objects only those that hold a template.

        ansible-core 2.19 asks for this (an experimental interface; older ones never do), and its own way goes through
        every value of every object, which takes half a millisecond an object.
        """
        template = partial(super().finalize_task_arg, name, templar=templar, context=context[0] if context else None)
        if name != cls.OBJECTS or not hasattr(templar, "resolve_to_container"):
            return template(value)
        objects = templar.resolve_to_container(value) if isinstance(value, str) else value
        if not isinstance(objects, list):
            return template(value)
        items = list(list.__iter__(objects))
        if not all(isinstance(item, dict) for item in items):
            return template(value)  # an item may be a template itself, and stand for an object or for none
        return [item if is_settled(item) else template(item) for item in items]

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The work; returns the result of the task. Raises ClusterError."""
        raise NotImplementedError

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        """What a task that is not to fail tells of its criteria when an error breaks it off; [] where it has none."""
        return []

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        work = partial(self._acted, task_vars or {})
        if self._task.async_val:
            return job.begin(work, self._task.async_val, job.folder_of(self))
        return work()

    def _acted(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        self._api: Api | None = None
        args: dict[str, Any] = {}
        try:
            args = self._validated()
            return self.act(args, task_vars)
        except ClusterError as error:
            if not self._api:  # options are judged before the cluster is asked: a wrong one always fails the task
                return {"failed": True, "changed": False, "msg": str(error)}
            masker = self._api.masker
            result = {"changed": False, "msg": masker.text(str(error))}
            records = [] if args.get("fail", True) else self.unmeasured(args, result["msg"])
            if not records:
                return result | {"failed": True}
            return result | {"passed": False, "evidence": [masker.clean_foreign(each.plain()) for each in records]}
        finally:
            if self._api:
                self._api.connection.close()

    def _validated(self) -> dict[str, Any]:
        arguments = dict(self.ARGUMENTS)
        objects: Any = None
        given = self._task.args
        if self.OBJECTS and self.OBJECTS in given:
            objects = given[self.OBJECTS]
            if not isinstance(objects, (list, tuple)):
                found = type(objects).__name__
                raise ClusterError(f"{self.OBJECTS}: expected a list of Kubernetes objects, found {found}.")
            self._task.args = {name: value for name, value in given.items() if name != self.OBJECTS}
            arguments.pop(self.OBJECTS, None)
        try:
            _result, args = self.validate_argument_spec({**AUTH_ARG_SPEC, **arguments})
        finally:
            self._task.args = given
        if objects is not None and self.OBJECTS:
            args[self.OBJECTS] = objects
        return args

    def api(self, args: Mapping[str, Any], timeout: float, concurrency: int = 8) -> Api:
        """Opens the connection; every request of the task shares the one deadline (seconds)."""
        self._api = Api(open_connection(args), Deadline(timeout), max(1, concurrency))
        return self._api
