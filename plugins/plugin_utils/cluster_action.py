# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection's action plugins share: options, connection, errors as sentences.

They run in the controller: no Python is copied anywhere, and a cluster needs no Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import open_connection
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError

display = Display()


class ClusterAction(ActionBase):
    """An action that talks to the API server with kubernetes.core's connection options."""

    _requires_connection = False
    _supports_check_mode = True
    #: the options beside the connection's
    ARGUMENTS: ClassVar[dict[str, dict[str, Any]]] = {}
    #: options that hold many objects: kept out of the validation, which copies its input several times
    OBJECTS: ClassVar[str | None] = None

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The work; returns the result of the task. Raises ClusterError."""
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        self._api: Api | None = None
        try:
            return self.act(self._validated(), task_vars or {})
        except ClusterError as error:
            masker = self._api.masker if self._api else None
            return {"failed": True, "changed": False, "msg": masker.text(str(error)) if masker else str(error)}
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
