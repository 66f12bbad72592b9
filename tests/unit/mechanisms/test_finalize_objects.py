# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templating of the objects of a task: as ansible-core does it, without going through what holds no template."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.synergyflow.platform.plugins.action.apply_set import ActionModule
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import is_settled

PLAIN: dict[str, Any] = {"kind": "ConfigMap", "data": {"a": "1", "b": [1, 2.5, True, None], "c": "{ braces } #jinja2:"}}


def trusted(value: Any) -> Any:
    """Texts as a playbook or an inventory has them."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def finalized(value: Any, name: str = "objects", **variables: Any) -> Any:
    templar = Templar(loader=DataLoader(), variables={key: trusted(item) for key, item in variables.items()})
    return ActionModule.finalize_task_arg(name, trusted(value), templar._engine, None)


def test_plain_objects_are_handed_over_as_they_are() -> None:
    assert finalized("{{ them }}", them=[PLAIN, PLAIN]) == [PLAIN, PLAIN]
    assert finalized([PLAIN]) == [PLAIN]
    assert finalized("{{ them }}", them=[]) == []


def test_templates_inside_of_objects_are_resolved() -> None:
    inside = {"kind": "ConfigMap", "data": {"a": "{{ one }}-{{ two }}", "b": ["{% if one %}x{% endif %}"]}}
    wanted = {"kind": "ConfigMap", "data": {"a": "1-2", "b": ["x"]}}
    assert finalized("{{ them }}", them=[PLAIN, inside], one="1", two="{{ 1 + 1 }}") == [PLAIN, wanted]
    assert finalized([PLAIN, inside], one="1", two="2") == [PLAIN, wanted]


def test_a_list_of_templates() -> None:
    assert finalized(["{{ first }}", PLAIN], first=PLAIN) == [PLAIN, PLAIN]
    assert finalized("{{ [first] + more }}", first={"a": "{{ b }}"}, more=[PLAIN], b="c") == [{"a": "c"}, PLAIN]


def test_what_is_omitted_goes() -> None:
    assert finalized([{"a": "1", "b": "{{ omit }}"}, "{{ omit }}"], omit=_omit()) == [{"a": "1"}]


def test_text_that_only_looks_like_a_template_stays() -> None:
    """Data of a plugin or of another host is not trusted to be a template: an alert's text, a dashboard."""
    templar = Templar(loader=DataLoader(), variables={"them": [{"data": {"rule": "{{ $labels.instance }}"}}]})
    found = ActionModule.finalize_task_arg("objects", trust_as_template("{{ them }}"), templar._engine, None)
    assert found == [{"data": {"rule": "{{ $labels.instance }}"}}]


def test_an_unknown_variable_is_an_error_wherever_it_stands() -> None:
    for value in ("{{ nothing }}", [{"a": "{{ nothing }}"}], ["{{ nothing }}"]):
        with pytest.raises(AnsibleError, match="nothing"):
            finalized(value)


def test_other_arguments_are_templated_as_ever() -> None:
    assert finalized("{{ them }}", name="name", them="x") == "x"
    assert finalized("{{ them }}", them="no list") == "no list"


@pytest.mark.parametrize(
    ("value", "settled"),
    [
        (PLAIN, True),
        ("{{ x }}", False),
        ({"a": ["{% x %}"]}, False),
        ("#jinja2: variable_start_string:'[%'\n[% x %]", False),
        ("{# x #}", False),
        (object(), False),
    ],
)
def test_what_needs_no_templating(value: Any, settled: bool) -> None:
    assert is_settled(value) is settled


def _omit() -> Any:
    from ansible._internal._templating._utils import Omit

    return Omit
