# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No value of a Secret in anything that is shown."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.action.component_evidence import plain_masked
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import FAILED, Record
from ansible_collections.synergyflow.platform.plugins.module_utils.masking import Masker, masked, secret_values
from ansible_collections.synergyflow.platform.plugins.module_utils.object_diff import diff

CANARY = "canary-4711-value"
OTHER = "second-canary-0815"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(**data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "s",
            "namespace": "n",
            "uid": "u",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": f'{{"data":{{"password":"{encoded(CANARY)}"}}}}',
                "kept": "yes",
            },
        },
        "data": {name: encoded(value) for name, value in data.items()},
    }


def test_a_diff_shows_which_keys_changed_and_no_value() -> None:
    masker = Masker()
    entry = diff(
        "Secret n/s", secret(password=CANARY, same="1", gone="x"), secret(password=OTHER, same="1", new="y"), masker
    )
    text = str(entry)
    for value in (CANARY, OTHER, encoded(CANARY), encoded(OTHER)):
        assert value not in text
    assert "password: <masked>" in entry["before"]
    assert "password: <masked, changed>" in entry["after"]
    assert "same: <masked>\n" in entry["after"]
    assert "new: <masked>\n" in entry["after"]
    assert "gone" not in entry["after"]
    assert "kept: 'yes'" in entry["after"], "only the annotation with the values is masked"


def test_values_of_different_lengths_look_alike() -> None:
    assert masked(secret(password="a")) == masked(secret(password="a" * 1000))


def test_a_secret_value_is_cut_out_of_other_objects_too() -> None:
    masker = Masker()
    masker.learn([secret(password=CANARY)])
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"url": f"x://u:{CANARY}@h"}}
    entry = diff("ConfigMap c", None, config, masker)
    assert CANARY not in entry["after"]
    assert "x://u:<masked>@h" in entry["after"]


@pytest.mark.parametrize("form", [CANARY, encoded(CANARY)])
def test_errors_lose_every_form_of_a_value(form: str) -> None:
    masker = Masker()
    masker.learn([secret(password=CANARY)])
    assert masker.text(f'admission webhook denied: "{form}" is weak') == 'admission webhook denied: "<masked>" is weak'
    assert masker.clean({"details": [{"message": f"x{form}y"}]}) == {"details": [{"message": "x<masked>y"}]}


def test_lines_of_a_longer_value_are_values_too() -> None:
    values = secret_values(secret(config=f"user=admin\npassword={CANARY}\n"))
    assert f"password={CANARY}" in values


def test_string_data_counts() -> None:
    it = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": CANARY}}
    assert {CANARY, encoded(CANARY)} <= secret_values(it)
    assert masked(it)["stringData"] == {"password": "<masked>"}


def test_short_values_do_not_shred_other_text() -> None:
    masker = Masker()
    masker.learn([secret(enabled="true", user="admin")])
    assert masker.text("enabled is true for admin") == "enabled is true for admin"


@pytest.mark.parametrize(
    "line",
    [
        "password=hunter22",
        'connecting with {"password": "hunter22"}',
        "sasl.password: hunter22",
        "DB_PASSWORD='hunter22' starting",
        "Authorization: Bearer hunter22",
        "api-key=hunter22,user=x",
    ],
)
def test_what_looks_like_a_credential_in_a_log_is_masked(line: str) -> None:
    assert "hunter22" not in Masker().foreign(line)


def test_other_lines_of_a_log_stay() -> None:
    line = "java.net.UnknownHostException: broker-0: Name or service not known"
    assert Masker().foreign(line) == line


def test_evidence_quotes_a_log_without_its_credentials() -> None:
    masker = Masker()
    masker.learn([secret(password=CANARY)])
    record = Record(
        "id", "No errors", FAILED, [f"login with {CANARY}"], 0, detail="ERROR sasl.password=hunter22 is wrong"
    )
    plain = plain_masked(record, masker)
    assert plain["observed"] == ["login with <masked>"]
    assert plain["detail"] == "ERROR sasl.password=<masked> is wrong"
    assert {name: plain[name] for name in ("id", "title", "expected")} == {
        "id": "id",
        "title": "No errors",
        "expected": 0,
    }
