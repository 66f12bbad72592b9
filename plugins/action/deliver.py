# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivers a component from the controller: applied at once, or staged for the commit at the end of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from ansible_collections.synergyflow.platform.plugins.action.apply_set import ActionModule as ApplySetAction
from ansible_collections.synergyflow.platform.plugins.module_utils import delivery_layout as layout
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_plan import prepare, set_id
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_set import ApplySet, SetRequest
from ansible_collections.synergyflow.platform.plugins.module_utils.discovery import CONFIG_MAPS
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_graph import KUSTOMIZE
from ansible_collections.synergyflow.platform.plugins.module_utils.handover import (
    FLUX,
    DirectSet,
    FluxSet,
    find_kustomization,
    inventory,
    is_applied_directly,
    labelled,
    refuse_foreign,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key, Manifest, key_of
from ansible_collections.synergyflow.platform.plugins.module_utils.tree_files import files
from ansible_collections.synergyflow.platform.plugins.plugin_utils import staging
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import display
from ansible_collections.synergyflow.platform.plugins.plugin_utils.suspended import refuse_suspended


class ActionModule(ApplySetAction):
    """See the module of the same name for the documentation."""

    OWN: ClassVar[dict[str, dict[str, Any]]] = {
        "component": {"type": "str", "choices": sorted(layout.PLACES), "required": True},
        "files": {"type": "list", "elements": "str", "default": []},
        "ready_timeout": {"type": "int", "default": 600},
        "strimzi_version": {"type": "str"},
        "not_waited": {"type": "list", "elements": "dict", "default": []},
        "directly_first": {"type": "bool", "default": False},
    }
    ARGUMENTS: ClassVar[dict[str, dict[str, Any]]] = {
        **{name: spec for name, spec in ApplySetAction.ARGUMENTS.items() if name not in ("field_manager", "force")},
        **OWN,
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        request = self.request({**args, "field_manager": "synergyflow.platform", "force": False}, task_vars)
        by_git = staging.delivery(task_vars, self._templar) == staging.GITOPS
        repository = staging.repository(task_vars, self._templar, with_login=by_git)
        host = str(task_vars.get("inventory_hostname", "localhost"))
        if not by_git:
            return self._direct(args, request, repository, host)
        return self._gitops(args, request, repository, host)

    def _key(self, args: dict[str, Any], repository: staging.Repository, host: str) -> Key:
        name = layout.kustomization_name(host, args["component"])
        return Key(KUSTOMIZE, "Kustomization", repository.namespace, name)

    # -- applied at once

    def _direct(
        self, args: dict[str, Any], request: SetRequest, repository: staging.Repository, host: str
    ) -> dict[str, Any]:
        api = self.api(args, args["timeout"], args["concurrency"])
        if not layout.LABEL.match(host):  # no Kustomization can be named after it, so Flux has never had it
            return {**self.result(ApplySet(api, request, display.v).run(), api), "staged": False}
        run = self._direct_set(args, request, repository, host, api)
        result = self.result(run.run(), api)
        if run.found is None and not run.taken:
            return {**result, "staged": False}
        if repository.url:  # Git must not bring back what is applied directly from now on
            self._leave_git(args, repository, host)
        else:
            left = "is suspended" if run.found else "is gone"
            result.setdefault("warnings", []).append(
                f"{run.kustomization} {left}, as its component is delivered directly now: take its files out of Git,"
                " what they say no longer holds."
            )
        return {**result, "staged": False}

    def _direct_set(
        self, args: dict[str, Any], request: SetRequest, repository: staging.Repository, host: str, api: Api
    ) -> DirectSet:
        folder = layout.PLACES[args["component"]].folder
        return DirectSet(api, request, self._key(args, repository, host), folder, display.v)

    def _leave_git(self, args: dict[str, Any], repository: staging.Repository, host: str) -> None:
        component, namespace = args["component"], repository.namespace
        staging.stage(staging.Staged(host, component, repository.place, repository.folder, namespace=namespace))

    # -- staged for the commit

    def _gitops(
        self, args: dict[str, Any], request: SetRequest, repository: staging.Repository, host: str
    ) -> dict[str, Any]:
        if len(args["files"]) != len(args["objects"]):
            raise ClusterError(
                f"files: expected one for each of the {len(args['objects'])} objects, found {len(args['files'])}."
            )
        if not repository.url:
            raise ClusterError("platform_delivery is gitops and flux_git_url is empty: name the repository.")
        staging.check_published(self._task)
        component, key = args["component"], self._key(args, repository, host)
        objects = prepare(args["objects"], set_id(request.name, request.namespace))
        paths = layout.component_files(
            component, objects, args["files"], repository.workloads, request.keep_definitions
        )
        texts = files(paths, layout.owner(host, component))  # refuses Secrets, before anything is asked or written
        for path, text in texts.items():
            if repository.password and repository.password in text:
                raise ClusterError(f"{path} would hold the password of the repository.")
        api = self.api(args, args["timeout"], args["concurrency"])
        kustomization = find_kustomization(api, key)
        refuse_foreign(kustomization, layout.PLACES[component].folder)
        if not objects:
            return self._nothing(args, request, repository, host, api)
        applied = False
        if args["directly_first"] and not self._task.check_mode:
            # recorded as a set by this, it is handed over to Flux like any other
            applied = ApplySet(api, request, display.v).run().changed
        record = api.get(CONFIG_MAPS, request.namespace, request.name)
        dry = replace(request, predict=not request.check_mode, force=True, want_diff=False)
        flux_objects = labelled([each for content in paths.values() for each in content], key)
        flux = FluxSet(api, replace(dry, objects=flux_objects, manager=FLUX), kustomization)
        run: ApplySet = ApplySet(api, dry, display.v) if record else flux  # with a record it has been applied directly
        report = run.run()
        if record and inventory(kustomization):  # and by Flux too, in a hand-over that has not ended: both would prune
            report.add(flux.run())
        unwaited = {(str(each.get("namespace") or ""), str(each.get("name"))) for each in args["not_waited"]}
        left_out = [each for each in map(key_of, objects) if (each.namespace, each.name) in unwaited]
        staged = staging.Staged(
            host=host,
            component=component,
            place=repository.place,
            folder=repository.folder,
            namespace=repository.namespace,
            texts=texts,
            kustomization=layout.kustomization(
                host,
                component,
                objects,
                repository.workloads,
                namespace=repository.namespace,
                left_out=left_out,
            ),
            of_set={
                "name": request.name,
                "namespace": request.namespace,
                "keep_definitions": request.keep_definitions,
                "confirm_data_loss": request.confirm_data_loss,
                "data_loss_phrase": request.data_loss_phrase,
            },
            objects=[_identity(each) for each in objects],
            waited=[_identity(each) for each in objects if key_of(each) not in left_out],
            timeout=args["ready_timeout"],
            strimzi_version=args["strimzi_version"],
            differs=report.changed,
            taken=bool(record) or is_applied_directly(run.live.values(), request.manager),
        )
        if not request.check_mode:  # another cluster of the run may be the one that commits: told here, before that
            of_the_run = [each for state in (staging.STAGED, staging.PUSHED) for each in staging.found(host, state)]
            refuse_suspended(api, repository.namespace, [staged], [staged, *of_the_run])
        staging.stage(staged)
        result = {**self.result(report, api), "changed": applied, "staged": True}
        result.pop("diff", None)  # the commit's is shown when it is made
        return result

    def _nothing(
        self, args: dict[str, Any], request: SetRequest, repository: staging.Repository, host: str, api: Api
    ) -> dict[str, Any]:
        """Take away a component that has no objects any more, as with direct delivery, and its files out of Git.

        Flux cannot: a Kustomization without objects fails for ever, and one that goes leaves what it has applied.
        """
        if not request.check_mode:
            refuse_suspended(api, repository.namespace, [], [])
        run = self._direct_set(args, request, repository, host, api)
        result = self.result(run.run(), api)
        self._leave_git(args, repository, host)
        return {**result, "staged": False}


def _identity(manifest: Manifest) -> dict[str, Any]:
    key = key_of(manifest)
    metadata = {"name": key.name, **({"namespace": key.namespace} if key.namespace else {})}
    return {"apiVersion": manifest["apiVersion"], "kind": key.kind, "metadata": metadata}
