# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undoes a component, step by step, from the controller."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ansible.errors import AnsibleError, AnsiblePromptNoninteractive
from ansible.module_utils.common.text.converters import to_text
from ansible_collections.synergyflow.platform.plugins.action.publish import Later
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import listed
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback import (
    held_back,
    last_backup,
    look,
    plan,
    proof,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.components import COMPONENTS, allowed
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.deletion import Deletion
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.from_git import (
    FromGit,
    key_from,
    parts_of,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.journal import (
    PUSHED,
    SILENT,
    Journal,
    Journals,
    Owner,
    giving_up,
    held,
    left_behind,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.report import report
from ansible_collections.synergyflow.platform.plugins.plugin_utils import role_values, rollback_git, staging
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display

PLAN, CONFIRM, BEGIN, PROVE = "plan", "confirm", "begin", "prove"
WITHDRAW, DELETE, RESUME = "withdraw", "delete", "resume"
#: in the journal, the first half of `withdraw`; PUSHED is the other
SUSPENDED = "suspend"
NO_LONGER = "The plan that was confirmed no longer holds, as there is now"


def tell(text: str) -> None:
    display.display(f"  {text}")


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "step": {
            "type": "str",
            "choices": [PLAN, CONFIRM, BEGIN, WITHDRAW, DELETE, RESUME, PROVE],
            "required": True,
        },
        "component": {"type": "str", "choices": sorted(COMPONENTS)},
        "plan": {"type": "dict"},
        "confirm": {"type": "str", "default": ""},
        "components": {"type": "list", "elements": "str", "choices": sorted(COMPONENTS), "default": []},
        "phrase": {"type": "str", "default": ""},
        "delete_claims": {"type": "bool", "default": False},
        "without_backup": {"type": "raw", "default": False},
        "revert": {"type": "str", "default": ""},
        "take_over": {"type": "bool", "default": False},
        "remove_finalizers": {"type": "list", "elements": "str", "default": []},
        "journal_namespace": {"type": "str", "default": "default"},
        "timeout": {"type": "int", "default": 600},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if args["step"] == CONFIRM:
            return self._confirm(args)
        role = self._task._role
        name = args["component"] or (role.get_name(include_role_fqcn=False) if role else "")
        if name not in COMPONENTS:
            raise ClusterError(f"component: outside of a role, name one of {', '.join(COMPONENTS)}.")
        api = self.api(args, args["timeout"])
        api.wait_ready()
        journals = Journals(api, args["journal_namespace"])
        steps: dict[str, Callable[..., dict[str, Any]]] = {
            PLAN: lambda: self._plan(journals, name, args, task_vars),
            BEGIN: lambda: self._begin(journals, name, args, task_vars),
            WITHDRAW: lambda: self._by_git(
                partial(self._withdraw, task_vars), "suspended or pushed", journals, name, task_vars
            ),
            DELETE: lambda: self._delete(api, journals, name, args),
            RESUME: lambda: self._by_git(self._resume, "resumed", journals, name, task_vars),
            PROVE: lambda: self._prove(api, journals, name, args, task_vars),
        }
        return steps[args["step"]]()

    @staticmethod
    def _host(task_vars: Mapping[str, Any]) -> str:
        return str(task_vars.get("inventory_hostname", "localhost"))

    # -- plan

    def _plan(self, journals: Journals, name: str, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What would be done, or what is left of what has begun."""
        api, host = journals.api, self._host(task_vars)
        phrase = args["phrase"] or f"{name}@{host}"
        revert = rollback_git.checked_revert(args["revert"])
        journal = journals.find()
        mine = journal.plan if journal and journal.plan.component == name else None
        replaces = ""
        give_up = giving_up(journals.namespace, mine, journal.steps if journal else {})
        other_commits = journal is not None and mine is not None and self._other_commits(journal, revert)
        if mine:
            self._same_as_confirmed(mine, args, give_up, revert_too=not other_commits)
        values = role_values.typed_values(name, task_vars, self._templar)
        backup = {
            "backup": last_backup.decide(name, values, args["without_backup"], alone=not args["phrase"]),
            "backup_minutes": last_backup.minutes(name, values),
        }
        seen = look.look(api, name, values, host)
        seen.held = frozenset(mine.from_git.held if mine and mine.from_git else [])
        broken = look.dependants(name, seen, task_vars, host)

        def build() -> plan.Plan:
            return plan.build(name, host, values, seen, broken=broken, delete_claims=args["delete_claims"])

        words = self._held(journals, journal, name) + "\n" if journal else ""
        if journal and mine:
            anew = plan.made_anew(mine, build())
            anew += [str(key) for key in seen.by_git if mine.from_git is None]
            anew += [f"rollback_revert={revert or 'empty'}"] if other_commits else []
            since = f"since {journal.started}, begun by {journal.owner}"
            if not anew:
                still = look.still(api, mine.objects)
                old = replace(plan.goes_on(mine, name, host, seen, still), **backup)
                words = f"Under way {since}; this run goes on with it.\n"
                return self._planned(old, phrase, words, sorted(journal.steps), plan.data_left(mine, seen, still))
            replaces = journal.version
            words = (
                f"Under way {since}. Its plan no longer holds, as there is now: {listed(anew, 5)}. This is a new plan"
                f" in its place. To keep what is there instead: {give_up}\n"
            )
        where = partial(staging.repository, task_vars, self._templar)
        by_git = staging.delivery(task_vars, self._templar) == staging.GITOPS
        parts = parts_of(name, values, host).values()
        unknown = rollback_git.look(where, name, host, seen, parts, expected=by_git)
        made = replace(build(), replaces=replaces, unknown=unknown, **backup)
        if journal and mine:
            made.before = left_behind(mine, journal.steps)
            # the Kafka may be gone by now, and its claims are still to remember it
            made.remember = made.remember or ("" if made.delete_claims else mine.remember)
        # what an earlier plan has suspended goes on again by this one
        if (seen.by_git or seen.held) and not made.refused:
            made = self._with_git(api, made, seen, task_vars, revert)
        elif revert and not made.refused:
            rollback_git.refuse_revert(where, made, revert)
        return self._planned(made, phrase, words, [], bool(made.destroyed))

    @staticmethod
    def _other_commits(journal: Journal, revert: str) -> bool:
        """Whether other commits are to be reverted than was confirmed, and nothing has been pushed yet.

        Then there is a new plan: those that were confirmed may conflict by now, and nothing else would end that.
        """
        there = journal.plan.from_git
        return there is not None and there.asked != revert and not journal.is_done(PUSHED)

    @staticmethod
    def _same_as_confirmed(old: plan.Plan, args: dict[str, Any], give_up: str, revert_too: bool) -> None:
        """What was confirmed is what is finished."""
        asked = old.from_git.asked if old.from_git else ""
        for name, was, now in (
            ("rollback_delete_claims", str(old.delete_claims).lower(), str(args["delete_claims"]).lower()),
            *([("rollback_revert", asked or "''", args["revert"] or "''")] if revert_too else []),
        ):
            if was != now:
                raise ClusterError(
                    f"The rollback of {old.component} was begun with {name}={was}, and is finished as it was"
                    " confirmed: say the same, and run it once more for the rest. To give it up as it is instead:"
                    f" {give_up}"
                )

    def _with_git(
        self, api: Api, made: plan.Plan, seen: plan.Seen, task_vars: dict[str, Any], revert: str
    ) -> plan.Plan:
        """The plan with what becomes of Git, tried there without a push."""
        where = staging.repository(task_vars, self._templar)
        blank = rollback_git.nothing_yet(where, self._host(task_vars))
        if not where.url:
            names = ", ".join(map(str, seen.by_git or map(key_from, sorted(seen.held))))
            raise ClusterError(
                f"{made.component} has to do with {names}, and flux_git_url is empty: name the repository."
            )
        if problems := held_back.asleep(api, blank):
            raise ClusterError(f"Nothing has been changed. {'. '.join(problems)}.")
        found = plan.with_git(made, seen, blank)
        if found.from_git is not None:
            found.from_git = rollback_git.tried(where, found.from_git, revert)
        return found

    @staticmethod
    def _held(journals: Journals, journal: Journal, name: str) -> str:
        return held(journal, name, Owner.of_this_run(), datetime.now(UTC), namespace=journals.namespace)

    def _planned(
        self, made: plan.Plan, phrase: str, words: str, begun: list[str], destroys_data: bool
    ) -> dict[str, Any]:
        return {
            "changed": False,
            "plan": made.plain(),
            "pending": made.pending,
            "destroys_data": destroys_data,
            "last_backup": destroys_data and made.takes_backup,
            "unnamed": bool(made.destroyed) and made.backup == last_backup.UNNAMED,
            "begun": begun,
            "phrase": phrase,
            "text": words + plan.text(made, phrase),
        }

    # -- begin

    def _confirm(self, args: dict[str, Any]) -> dict[str, Any]:
        """One confirmation for several rollbacks: it is handed on to the beginning of each."""
        if not args["phrase"]:
            raise ClusterError("phrase: say what has to be typed.")
        time_allowed = allowed(args["components"])
        text = f"Everything that goes: {', '.join(args['components']) or 'nothing'}." + (
            f" Time allowed for all of it: {time_allowed}." if time_allowed else ""
        )
        tell(text)
        if not self._task.check_mode:
            self._confirmed(args["confirm"], args["phrase"], text)
        return {"changed": False, "confirmed": args["phrase"], "text": text}

    def _begin(self, journals: Journals, name: str, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Everything that could refuse, then the confirmation, then the lock."""
        host = self._host(task_vars)
        if args["plan"] is None:
            raise ClusterError("plan: give the plan that the step before has returned.")
        made = plan.Plan.read(role_values.plain(args["plan"]))
        if made.component != name or made.cluster != host:
            raise ClusterError(f"plan: it is for {made.component} on {made.cluster}, not for {name} on {host}.")
        phrase = args["phrase"] or f"{name}@{host}"
        if not made.pending and not made.refused:
            return {"changed": False, "pending": False, "begun": []}
        me, journal = Owner.of_this_run(), journals.find()
        problem = self._refuse(made, journals, journal, args)
        begun = sorted(journal.steps) if journal and not made.replaces else []
        if self._task.check_mode:
            told = {"warnings": [f"Without check mode this would be refused. {problem}"]} if problem else {}
            # another component's rollback, that was killed, is finished by then if it stands before this one
            own = problem if not journal or journal.plan.component == name else self._dies_or_comes_back(made)
            return {"changed": made.pending, "pending": made.pending, "begun": begun, "problem": own, **told}
        if problem:
            raise ClusterError(f"Nothing has been changed. {problem}")
        if self._confirmed(args["confirm"], phrase):
            journal = self._looked_again(journals, journal, made, args, task_vars)
        new = replace(made, replaces="")
        silent = SILENT + (made.backup_minutes if made.takes_backup else 0)
        if journal is None:
            journals.open(new, me, silent)
        elif made.replaces:
            journals.replace(journal, new, me, silent)
        elif journal.owner != me or journal.silent != silent:
            journals.take(journal, me, silent)
        return {"changed": True, "pending": True, "begun": begun}

    def _looked_again(
        self, journals: Journals, before: Journal | None, made: plan.Plan, args: dict[str, Any], task_vars: Any
    ) -> Journal | None:
        """The journal after somebody was asked, who may have thought for long; and whether the plan still holds."""
        journals.api.deadline = Deadline(journals.api.deadline.seconds)
        now = journals.find()
        same = (now and (now.owner, now.plan)) == (before and (before.owner, before.plan))
        problem = self._refuse(made, journals, now, args)
        if not same:
            problem = problem or "Its journal has been written meanwhile: run it again."
        if problem:
            raise ClusterError(f"Nothing has been changed. {problem}")
        words = "Nothing has been changed. Run it again for a new plan, as there is now"
        self._refuse_new(journals.api, made, task_vars, words)
        return now

    @staticmethod
    def _refuse(made: plan.Plan, journals: Journals, journal: Journal | None, args: dict[str, Any]) -> str:
        """What refuses, whatever is typed; "" if nothing does."""
        problem = ActionModule._held(journals, journal, made.component) if journal else ""
        if problem and not (args["take_over"] and journal and journal.plan.component == made.component):
            return problem
        if journal and made.replaces and made.replaces != journal.version:
            return "Its journal has been written since this plan was made: run it again."
        return ActionModule._dies_or_comes_back(made)

    @staticmethod
    def _dies_or_comes_back(made: plan.Plan) -> str:
        """What of the plan itself refuses."""
        if made.refused:
            return f"{'. '.join(made.refused)}."
        if made.destroyed and made.backup not in (last_backup.TAKEN, last_backup.WAIVED):
            return (
                f"Data would die, and there is no backup of it by this run: {'; '.join(made.destroyed)}."
                f" The last backup is {made.backup}."
                f" To let it die, name it: -e rollback_without_backup={made.component}."
            )
        return ""

    def _confirmed(self, given: str, phrase: str, text: str = "") -> bool:
        """The phrase that was given, or is typed now. Whether it was asked for."""
        asked = not given
        if asked:
            try:
                answer = display.prompt_until(f"{text} Type {phrase} to go on, anything else to stop: ".lstrip())
            except AnsiblePromptNoninteractive:
                raise ClusterError(
                    f"Nothing has been changed. Confirm with -e rollback_confirm={phrase}, or run this at a terminal."
                ) from None
            except AnsibleError as error:
                raise ClusterError(f"Nothing has been changed. Not confirmed: {error}") from error
            given = to_text(answer or b"").strip()
        if given != phrase:
            raise ClusterError(f"Nothing has been changed. rollback_confirm is {given!r}, it must be {phrase}.")
        return asked

    # -- do

    def _journal(self, journals: Journals, name: str) -> Journal:
        journal = journals.find()
        if journal is None or journal.plan.component != name:
            raise ClusterError(f"No rollback of {name} is under way: begin it first (step: begin).")
        if journal.owner != Owner.of_this_run():
            raise ClusterError(f"The rollback of {name} has been taken over by {journal.owner}: this run stops.")
        return journal

    @staticmethod
    @contextmanager
    def _timed(journals: Journals, journal: Journal, name: str) -> Iterator[dict[str, Any]]:
        """A step in the journal. `waited`: seconds of it that the cluster takes, added by the block."""
        step = journal.steps.setdefault(name, {"seconds": 0.0, "waited": 0.0, "done": False})
        journals.save(journal)
        began = time.monotonic()

        def save() -> None:
            step["seconds"] = round(step["seconds"] + time.monotonic() - began, 2)
            step["waited"] = round(step["waited"], 2)
            journals.save(journal)

        try:
            yield step
        except BaseException:
            with suppress(Exception):  # what went wrong is to be told, not that this could not be written
                save()
            raise
        step["done"] = True
        save()

    def _by_git(
        self, act: Callable[..., dict[str, Any]], done: str, journals: Journals, name: str, task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """A step that has to do with Git, with the journal, what it says of Git, and the repository; or none of it."""
        if self._task.check_mode:
            return {"changed": False, "msg": f"Check mode: nothing is {done}. The plan says what would be."}
        journal = self._journal(journals, name)
        there = journal.plan.from_git
        if there is None:
            give_up = giving_up(journals.namespace, journal.plan, journal.steps)
            msg = f"{name} is not delivered by Git here."
            return {"changed": False, "skipped": True, "msg": msg, "give_up": give_up}
        where = staging.repository(task_vars, self._templar)
        if (where.url, where.branch) != (there.url, there.branch):
            raise ClusterError(
                f"The rollback of {name} was begun with {there.branch} of {there.url}, and flux_git_url is"
                f" {where.url or 'empty'} now: say the same."
            )
        result = act(journals, journal, there, where)
        return {**result, "give_up": giving_up(journals.namespace, journal.plan, journal.steps)}

    @staticmethod
    def _telling(journals: Journals, journal: Journal) -> Callable[[str], None]:
        """Who waits long says so, to the user and in the journal."""

        def say(text: str) -> None:
            tell(text)
            journals.beat(journal)

        return say

    def _withdraw(
        self,
        task_vars: dict[str, Any],
        journals: Journals,
        journal: Journal,
        there: FromGit,
        where: staging.Repository,
    ) -> dict[str, Any]:
        """Flux is held back, then the component leaves Git. Nothing is deleted before."""
        name, beat = journal.plan.component, partial(journals.beat, journal)
        try:
            with self._timed(journals, journal, SUSPENDED) as step:
                began = time.monotonic()
                suspended = held_back.hold(journals.api, there, tell, beat)
                step["waited"] += time.monotonic() - began
            # out of Git, it would be in Flux' inventory no more
            self._refuse_new(journals.api, journal.plan, task_vars, NO_LONGER)
            with self._timed(journals, journal, PUSHED) as step:
                report = rollback_git.done(where, there, name, tell)
                step["revision"] = f"{where.branch}@sha1:{report.commit}"
            # a reconciliation that was beginning when it was suspended has said so by now
            held_back.hold(journals.api, there, tell, beat)
            self._refuse_new(journals.api, journal.plan, task_vars, NO_LONGER)
        except ClusterError as error:
            names = ", ".join(str(key_from(each)) for each in there.held)
            held = f" Suspended meanwhile, if it had come to that: {names}." if names else ""
            raise ClusterError(f"{error}{held} The rollback stays open: run it again to go on.") from error
        return {
            "changed": report.changed or bool(suspended),
            "suspended": suspended,
            "revision": step["revision"],
            "files": report.files,
        }

    def _refuse_new(self, api: Api, old: plan.Plan, task_vars: dict[str, Any], words: str) -> None:
        """What has come since the plan was made is not in it, and would stay."""
        values = role_values.typed_values(old.component, task_vars, self._templar)
        seen = look.look(api, old.component, values, old.cluster)
        now = plan.build(old.component, old.cluster, values, seen, delete_claims=old.delete_claims)
        if new := plan.made_anew(old, now):
            raise ClusterError(f"{words}: {listed(new, 5)}.")

    def _resume(
        self, journals: Journals, journal: Journal, there: FromGit, where: staging.Repository
    ) -> dict[str, Any]:
        """Flux at the revision, without the component; then it goes on."""
        name, beat = journal.plan.component, partial(journals.beat, journal)
        revision = (journal.steps.get(PUSHED) or {}).get("revision")
        if not revision:
            raise ClusterError(f"{name} has not left Git yet (step: withdraw).")
        try:
            with self._timed(journals, journal, RESUME) as step:
                began = time.monotonic()
                resumed = held_back.let_go_on(
                    *(journals.api, there, revision, Later(where, revision), self._telling(journals, journal)),
                    beat=beat,
                )
                step["waited"] += time.monotonic() - began
        except ClusterError as error:
            raise ClusterError(
                f"{name} is out of Git ({revision}) and deleted, and Flux does not go on yet. {error}"
                " The rollback stays open: run it again to go on."
            ) from error
        return {"changed": True, "resumed": resumed, "revision": revision}

    def _delete(self, api: Api, journals: Journals, name: str, args: dict[str, Any]) -> dict[str, Any]:
        if self._task.check_mode:
            return {"changed": True, "msg": "Check mode: nothing is deleted. The plan says what would be."}
        journal = self._journal(journals, name)
        if journal.plan.from_git and not journal.is_done(PUSHED):
            raise ClusterError(f"{name} is in Git still, and Flux would make it again (step: withdraw).")
        journal.silent = SILENT
        run = Deletion(api, journal.plan, args["remove_finalizers"], tell=tell, beat=lambda: journals.beat(journal))
        with self._timed(journals, journal, DELETE) as step:
            try:
                run.run()
            finally:
                step["waited"] += run.waited
        return {"changed": bool(run.deleted), "deleted": run.deleted, "forced": run.forced, **step}

    def _prove(
        self, api: Api, journals: Journals, name: str, args: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """The comparison; the lock goes when the component is gone, whatever else was found."""
        if self._task.check_mode:
            return {"changed": False, "msg": "Check mode: there is nothing to prove yet."}
        journal = self._journal(journals, name)
        began = time.monotonic()
        found = proof.prove(api, journal.plan)
        took, waited = round(time.monotonic() - began, 2), round(found.waited, 2)
        journal.steps[PROVE] = {"seconds": took, "waited": waited, "done": True}
        if found.remains:
            raise ClusterError(
                f"Not rolled back: {'; '.join(found.remains)}. The rollback stays open: run it again to go on."
                f" To give it up as it is: {giving_up(journals.namespace, journal.plan, journal.steps)}"
            )
        values = role_values.typed_values(name, task_vars, self._templar)
        given = {option: args.get(option) for option in ("kubeconfig", "context")}
        where = [f"--{option} {value}" for option, value in given.items() if value and isinstance(value, str)]
        journals.close(journal)
        result = {
            "changed": False,
            "steps": journal.steps,
            "report": report(journal, found, values, " ".join(["kubectl", *where])),
            "others": found.compared,
            "differences": found.changed,
        }
        if not found.changed:
            return result
        return {
            **result,
            "failed": True,
            "msg": f"{name} is rolled back, but not everything else is as it was: {'; '.join(found.changed)}.",
        }
