# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares each role's defaults with its argument_specs: same names, same values, everything described.

Users read the one, `ansible-doc` shows the other, and Ansible checks neither against the other.
docs/variables.md is written from them by `--write`, and compared otherwise.
Exits with 1 and a line for each difference.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ENTRY_POINTS = ("main", "validate", "status", "rollback")
REFERENCE = ROOT / "docs" / "variables.md"
INTRODUCTION = """# Variables

Every variable of every role, from their argument specs (`ansible-doc -t role synergyflow.platform.kafka_cluster`).
A name that begins like a role's and is not here is refused, with the nearest one that is.

Beside these, a host may have:

| Variable | Meaning |
|---|---|
| `cluster_connection` | how to log in to the cluster: a dictionary of any connection options of \
`kubernetes.core.k8s` by their own names (`kubeconfig`, `context`, `host`, `api_key`, `ca_cert` …). What is left out \
comes from the `K8S_AUTH_*` variables of the environment, `KUBECONFIG` and `~/.kube/config`, as with kubernetes.core |
| `confirm_data_loss` | the phrase that confirms the deletion of data; see [check mode](check-mode.md). \
Give it with `-e`, never in an inventory |
| `platform_delivery` | `direct` (the default) or `gitops`; see [delivery by Git](gitops.md) |
| `platform_git_username`, `platform_git_password` | a log-in to the repository that may push, where Flux's own \
(`flux_git_username`, `flux_git_password`) may only read; give the password from Ansible Vault |
| `platform_git_workloads` | folder of the objects in the repository, by default `kubernetes/workloads`; clusters with \
values of their own each need another one |
| `report_dir` | folder in which each run of `validate.yml` puts [its report](report.md); `evidence` in the working \
directory. Empty: none is written |
| `validate_only` | the criteria to measure, such as `[ac6, ac9]`; all by default. [Others](report.md#a-part-of-it) |
| `evidence_file` | a file for `validate.yml` to write the report to as JSON alone |
| `restore_name`, `restore_target_time`, `restore_query`, `restore_expected` | for `restore_database.yml`: the new \
Cluster, the moment to recover to, what to ask it and what it should answer |
| `restore_namespace`, `restore_source`, `restore_claim`, `restore_previous`, `restore_as_of`, `restore_confirm` | for \
`restore_volume.yml`: the ReplicationSource whose snapshots count, the claim to restore to; how many snapshots to go \
back, or the moment until which they count; the phrase that confirms an existing claim |
| `rollback_confirm` | for `rollback_*.yml`: the phrase that confirms it, `<component>@<host>`; for `rollback_all.yml` \
`all@<host>` |
| `rollback_revert` | commits whose changes by people are reverted with a component that Git delivers; see \
[rollbacks](rollback.md) |
| `rollback_delete_claims`, `rollback_without_backup` | whether the data on the claims goes as well; the components \
whose data may die without a last backup, such as `cnpg,kafka_cluster` (`true` where one is rolled back alone) |
| `rollback_remove_finalizers`, `rollback_take_over`, `rollback_timeout` | finalizers that may be taken off what is \
being deleted, when their controller does not; whether to go on in the place of a run that seems to be alive; seconds \
for the deletion |"""
VARIABLE = re.compile(r"^([a-z_][a-z0-9_]*):")


def differences(role: Path) -> list[str]:
    """What does not agree in one role."""
    text = (role / "defaults" / "main.yml").read_text(encoding="utf-8")
    defaults = yaml.safe_load(text) or {}
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    options = specs["main"]["options"]
    found = [f"no entry point {name} in argument_specs" for name in ENTRY_POINTS if name not in specs]
    found += [
        f"tasks/{name}.yml and its entry point do not stand together"
        for name in ENTRY_POINTS
        if (name in specs) != (role / "tasks" / f"{name}.yml").exists()
    ]
    found += [
        f"{name} is in argument_specs and not in defaults"
        for name in options
        if needs_default(options[name], name, defaults)
    ]
    found += [f"{name} is in defaults and not in argument_specs" for name in defaults if name not in options]
    found += [f"{name} does not begin with {role.name}_" for name in options if not name.startswith(f"{role.name}_")]
    for name in defaults.keys() & options.keys():
        if options[name].get("default") != defaults[name]:
            found.append(
                f"{name}: the default is {defaults[name]!r}, argument_specs say {options[name].get('default')!r}"
            )
    found += [f"{path} has no description" for path in undescribed(options)]
    found += [f"{name} has no comment in defaults" for name in uncommented(text)]
    return sorted(found)


def needs_default(option: dict[str, Any], name: str, defaults: dict[str, Any]) -> bool:
    """An option without a default must be required."""
    return name not in defaults and not option.get("required")


def undescribed(options: dict[str, Any], path: str = "") -> list[str]:
    """Options and their parts that say nothing about themselves, or have no type."""
    found = []
    for name, option in options.items():
        if not option.get("description") or not option.get("type"):
            found.append(f"{path}{name}")
        found += undescribed(option.get("options") or {}, f"{path}{name}.")
    return found


def uncommented(text: str) -> list[str]:
    """Variables without a comment right above them."""
    lines = text.splitlines()
    return [
        match.group(1)
        for number, line in enumerate(lines)
        if (match := VARIABLE.match(line)) and not (number and lines[number - 1].startswith("# "))
    ]


def cell(text: str) -> str:
    """Text for a Markdown table: Ansible's markup as code."""
    return re.sub(r"[COVP]\(([^)]*)\)", r"`\1`", text).replace("|", "\\|")


def shown(value: Any) -> str:
    """A default, short enough for a table."""
    if isinstance(value, list) and value:
        return f"{len(value)}, see the role's defaults"
    return f"`{json.dumps(value)}`" if value not in ("", [], {}) else "empty"


def rows(options: dict[str, Any], prefix: str = "") -> list[str]:
    """A line for each option, its parts below it."""
    found = []
    for name, option in options.items():
        description = option["description"]
        text = " ".join(description) if isinstance(description, list) else description
        if option.get("choices"):
            text += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}."
        default = shown(option["default"]) if "default" in option else "required" if option.get("required") else "-"
        found.append(f"| `{prefix}{name}` | {option['type']} | {default} | {cell(text)} |")
        found += rows(option.get("options") or {}, f"{prefix}{name}.")
    return found


def reference(roles: list[Path]) -> str:
    """docs/variables.md."""
    parts = [INTRODUCTION]
    for role in roles:
        specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
        parts.append(f"\n## {role.name}\n\n{specs['main']['short_description']}.\n")
        parts.append("| Variable | Type | Default | Meaning |\n|---|---|---|---|")
        parts += rows(specs["main"]["options"])
    return "\n".join(parts) + "\n"


def main() -> int:
    """Look at every role; 1 if one has a difference."""
    roles = sorted(path.parent.parent for path in ROOT.glob("roles/*/defaults/main.yml"))
    found = [f"{role.name}: {difference}" for role in roles for difference in differences(role)]
    if "--write" in sys.argv:
        REFERENCE.write_text(reference(roles), encoding="utf-8")
    elif not REFERENCE.exists() or REFERENCE.read_text(encoding="utf-8") != reference(roles):
        found.append(
            "docs/variables.md is not what the argument specs say: python tests/lint/role_arguments.py --write"
        )
    print("\n".join(found) if found else f"{len(roles)} roles: defaults and argument_specs agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
