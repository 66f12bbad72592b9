# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From rendered text to objects."""

from __future__ import annotations

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.manifests import has_secrets, read_text

TWO = """---
# a comment and nothing else
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {at: 12:30, day: 2024-01-01, quoted: "yes"}
---
apiVersion: v1
kind: Namespace
metadata: {name: two}
---
"""


def test_several_documents_and_empty_ones() -> None:
    one, two = read_text(TWO, "template x.yaml", "messaging")
    assert one["metadata"] == {"name": "one", "namespace": "messaging"}
    assert one["data"] == {"at": "12:30", "day": "2024-01-01", "quoted": "yes"}
    assert two["metadata"] == {"name": "two"}, "a kind without namespace gets none"


def test_a_list_is_opened() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
    assert [it["metadata"]["name"] for it in read_text(text, "x")] == ["a"]


def test_string_data_is_encoded_and_told_as_secret() -> None:
    (it,) = read_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {x: y}\n", "x")
    assert it["data"] == {"x": "eQ=="}
    assert has_secrets([it])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: b: c\n",
            "line 5 of the rendered text: not valid",
        ),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: b: c\n", "a: b: c"),
        ("a: 1\na: 2\n", "line 2 of the rendered text: not valid YAML: the key a stands twice"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {1: a}\n", "the key 1 is not a string"),
        ("---\n---\nkind: ConfigMap\nmetadata: {name: x}\n", "line 3 of the rendered text: expected apiVersion"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yes}\n", "bool True (put it in quotes)"),
        ("just text\n", "expected a Kubernetes object"),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {port: 5432}\n",
            "stringData.port to be a string",
        ),
    ],
)
def test_an_error_names_the_place(text: str, said: str) -> None:
    with pytest.raises(ClusterError) as refused:
        read_text(text, "template x.yaml")
    assert "template x.yaml" in str(refused.value)
    assert said in str(refused.value)


def test_an_error_in_a_secret_shows_no_line_of_it() -> None:
    text = "a: 1\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  password: canary: x\n"
    with pytest.raises(ClusterError) as refused:
        read_text(text, "template x.yaml")
    assert "line 7" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_an_error_beside_a_secret_shows_its_line() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n---\na: b: c\n"
    with pytest.raises(ClusterError, match="a: b: c"):
        read_text(text, "template x.yaml")
