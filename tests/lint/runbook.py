# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/rollback.md from what the plans are made of, with --write; otherwise says whether it is up to date."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.components import (  # noqa: E402
    COMPONENTS,
    Component,
    allowed,
)

PAGE = ROOT / "docs" / "rollback.md"
INTRODUCTION = """# Rollbacks

Each takes one component off a cluster and leaves everything else as it is. Written from the rollbacks' own data
(`tests/lint/runbook.py --write`), with the namespaces and names that the roles have by default; `--check` says what it
means on the cluster at hand, and each rollback ends with the commands to look with there.

    ansible-playbook synergyflow.platform.rollback_kafka_cluster -i inventory.yml -l apps --check   # the plan, no write
    ansible-playbook synergyflow.platform.rollback_kafka_cluster -i inventory.yml -l apps           # asks first
    ansible-playbook synergyflow.platform.rollback_kafka_cluster -i inventory.yml -l apps \\
      -e rollback_confirm=kafka_cluster@apps                                                         # does not ask

**What always happens.** The plan is made from the cluster: what the sets of the component hold, what operators made of
it, what stays, what breaks, which data dies. It wants the phrase `<component>@<host>`; anything else writes nothing. A
journal (ConfigMap `synergyflow-rollback` in `default`) is the lock against other rollbacks and keeps the plan. Objects
go in order, each group gone before the next, by their UIDs. Before that KafkaTopics get `strimzi.io/managed: "false"`,
so that their messages stay, and suspended HelmReleases are resumed, so that Flux uninstalls them; what has lost that
when it is to be deleted ends the run. At the end every object of the other sets is compared with how it was (the same
object, its spec untouched, ready if it was; of ConfigMaps and the like what they hold and their labels), what Flux
suspends too, and the journal goes. What this collection delivers by Git is compared as well; what other Kustomizations
bring is not.

**After a crash** the same command goes on with the plan in the journal. A run that is alive is left alone: on the same
machine its process is looked at, on another one it is taken for dead after 15 minutes (`-e rollback_take_over=true`
if you know better). Another component's rollback is refused meanwhile. Where something of the component was made since,
as by `site.yml`, the same command makes a new plan, and wants its confirmation again. The same goes for an API server
that dies on the way: the run waits for it, or ends. To give a rollback up as it is:
`kubectl delete configmap -n default synergyflow-rollback`. What it has changed so far is then yours to take back: what
is suspended in Flux; topics that are there still with `strimzi.io/managed: "false"`, whose changes Strimzi ignores;
releases that it has suspended or resumed; that the component has left Git. Its messages name them, with the commands.

**What hangs** is named after 20 seconds, with who should take its finalizer away, and whether that one runs; the run
ends ten seconds later when that one is not there at all, and waits on otherwise. Mend that; or, with
`-e '{"rollback_remove_finalizers": ["strimzi.io/topic-operator"]}'`, let these be taken off after 20 seconds.

**Never deleted**: namespaces, definitions (CRDs), and claims unless `-e rollback_delete_claims=true`. Where data dies,
the plan says what becomes of its last backup: of PostgreSQL one is taken before the deletion, of other data no rollback
takes one. `-e rollback_without_backup=cnpg,kafka_cluster` names those whose data may die without; `true` is enough
where one component is rolled back, and refused by `rollback_all.yml`. When the last backup fails, nothing is deleted
and the rollback stays open: mend the backup and run it again, or name `cnpg` there. While it is taken (up to
`cnpg_backup_timeout`), nobody is taken for dead for saying nothing. Claims that have got an owner since the plan was
made (`deleteClaim: true`) would go with it: nothing more is deleted then, and the same command makes a plan that says
so.

**What is delivered by Git** is found as such on the cluster and in the repository, and the same playbooks undo it:
also what Flux has not brought yet, and what was deleted under it. They need what `site.yml` needs for
[delivery by Git](gitops.md): `flux_git_url`, and a log-in that may push.

1. The component's Kustomizations are suspended, and those that depend on them; what others have suspended stays so.
2. Its files and its Kustomizations leave Git by one commit. Somebody who pushes meanwhile is met by another try on
   top of it, never by force. What is out of Git already takes no commit.
3. The objects are deleted in order, as above. Flux would delete them at once, in no order, and a topic with its
   messages.
4. Every source that follows the branch has to be at that commit, or a later one with it. Flux then takes the
   component's Kustomizations away, the others are resumed in the order of `dependsOn` and waited for; not those that
   the plan calls not ready without it.

With `-e rollback_revert=<commit>`, or `<after>..<up to>`, what people have changed by these commits is reverted as
well, in commits of its own; of a merge the whole of it. Files that the collection keeps are not: `site.yml` commits
all components at once and writes the same files again and again, so that at three in the morning a plain `git revert`
takes others along or conflicts. The component is taken out whoever has changed it last, and comes back by `site.yml`.
A conflict in files of people ends the plan, with their names; nothing has been pushed or suspended by then. One that
people push after the confirmation ends the run before its push; the same command with other commits, or none, then
makes a new plan, and wants its confirmation.

When Git or Flux does not answer, the run ends with what is suspended, and the same command goes on when they are
back. A repository that is not there from the beginning is no way to begin: then nothing is done. HelmReleases of the
collection's own are deleted, and uninstalled by Flux.
"""
ALL = f"""## Everything: `rollback_all.yml`

All of them in the reverse order of their birth: collectors, VolSync, backend, PostgreSQL, Schema Registry, Kafka,
Strimzi, Flux's management of itself. All plans are said first, and what one of them refuses ends the run
before anything is done; then one confirmation is asked for, `all@<host>`, with the names of all that goes. It
stops at the first failure and says what remains; run again, it goes on there. Allowed: {allowed(COMPONENTS)}.

Way back: run `site.yml`, for PostgreSQL with the two variables above. Kafka has its messages again, the registry its
schemas, the database what was archived. `rollback_revert` is refused here: commits are reverted with one component.
"""


def section(name: str, component: Component) -> str:
    """One rollback."""
    time = f" Allowed: {allowed([name])}." if allowed([name]) else ""
    values = defaults(name)
    lines = [f"## {component.number + ': ' if component.number else ''}{component.title} (`rollback_{name}.yml`)\n"]
    lines.append(f"**When:** {component.when}{time}\n")
    lines += _part("Deleted, in this order", _deleted(name, component, values))
    lines += _part("Breaks", [f"`{role}`: {word}" for role, word in component.dependants.items()])
    lines += _part("Lost", [*component.lost, *(["the data, but for its backups"] if component.always_loses else [])])
    backups = [component.backups] if component.backups else []
    lines += _part("Stays", [*component.kept, *backups, *_claims(name)])
    lines += _part("Look", [f"`{command.format_map(values)}`" for command in component.verify])
    lines.append(f"**Way back:** {component.back}\n")
    return "\n".join(lines)


def defaults(name: str) -> dict[str, Any]:
    """The variables of a role without an inventory; one that follows another role's has what that one has."""
    found = yaml.safe_load((ROOT / "roles" / name / "defaults" / "main.yml").read_text(encoding="utf-8"))
    return {key: _alone(value) for key, value in found.items()}


def _alone(value: Any) -> Any:
    default = re.fullmatch(r"\{\{ \w+ \| default\('([^']*)'\) \}\}", value) if isinstance(value, str) else None
    return default.group(1) if default else value


def _deleted(name: str, component: Component, values: dict[str, Any]) -> list[str]:
    """The sets, what goes last of them, and what is waited for."""
    method = f"{name}_install_method"
    always = component.sets(values | {method: "existing"})
    whole = values | {method: "its own"}
    found = [
        f"what the set `{where}/{each}` holds" + ("" if (where, each) in always else f", unless `{method}: existing`")
        for where, each in component.sets(whole)
    ]
    if component.forget_releases:
        found = [f"of {found[0]} the HelmRelease of Flux alone; suspended before, so that nothing is uninstalled"]
    if component.last:
        kinds = ", ".join(kind.partition(".")[0] for kind in component.last)
        found.append(f"of them last, when no pod is left: {kinds}")
    if made := ", ".join(dict.fromkeys(each.kind for each in component.made(whole))):
        found.append(f"waited for until they are gone: what operators and controllers have made of it ({made})")
    if claims := component.claims(values):
        found.append(
            f"only with `rollback_delete_claims`: claims in `{claims[0].namespace}` with `{claims[0].selector}`"
        )
    return found


def _claims(name: str) -> list[str]:
    in_claims = COMPONENTS[name].in_claims
    return {
        "obs_collectors": [f"{in_claims}, in its volume, unless `rollback_delete_claims`"],
        "kafka_cluster": [
            "the brokers' volumes with every message, unless `rollback_delete_claims`; they remember their cluster id",
            "KafkaTopics and KafkaUsers that are not of the role's own set, which wait for the Kafka's return",
        ],
    }.get(name, [])


def _part(title: str, points: list[str]) -> list[str]:
    return [f"**{title}:**\n", *(f"- {point}" for point in points), ""] if points else []


def page() -> str:
    """docs/rollback.md."""
    numbered = sorted(COMPONENTS.items(), key=lambda item: (not item[1].number, item[1].number))
    return "\n".join([INTRODUCTION, *(section(name, component) for name, component in numbered), ALL])


def main() -> int:
    """Write it, or 1 when it is out of date."""
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        print("docs/rollback.md is not what the rollbacks say: python tests/lint/runbook.py --write")
        return 1
    print(f"{len(COMPONENTS)} rollbacks: docs/rollback.md says what they say")
    return 0


if __name__ == "__main__":
    sys.exit(main())
