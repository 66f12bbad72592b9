# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No value of a Secret in anything that is shown."""

from __future__ import annotations

import base64
import json
import time
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


@pytest.mark.parametrize("value", ["it's: 4711-canary", "kanarienvögel-4711", "tab\tcanary-4711", "one-4711\ntwo-0815"])
def test_a_value_that_yaml_writes_in_another_way_is_cut_out_too(value: str) -> None:
    masker = Masker()
    masker.learn([secret(password=value)])
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"url": f"x://u:{value}@h"}}
    assert "url: x://u:<masked>@h\n" in diff("ConfigMap c", None, config, masker)["after"]


@pytest.mark.parametrize("value", ['quote"-4711-canary', "back\\slash-4711"])
def test_a_value_that_a_server_quotes_is_cut_out_too(value: str) -> None:
    masker = Masker()
    masker.always([value])
    quoted = json.dumps(value)
    assert masker.text(f"spec.url: Invalid value: {quoted}: no URL") == 'spec.url: Invalid value: "<masked>": no URL'


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


PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEcanary\nhunter22+/=\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dial pg://app:hunter22@pg-rw:5432/app failed", "dial pg://app:<masked>@pg-rw:5432/app failed"),
        ("redis://:hunter22@h", "redis://:<masked>@h"),
        ("amqp://u:canary/hunter22@h:5672/%2f", "amqp://u:<masked>@h:5672/%2f"),
        ("https://u:12@canary@hunter22@h/x", "https://u:<masked>@h/x"),
        ('{"password":"canary\\"hunter22","user":"x"}', '{"password":<masked>,"user":"x"}'),
        ('{"password":"canary\\\\","user":"x"}', '{"password":<masked>,"user":"x"}'),
        (r'm="{\"password\":\"canary\\\"hunter22\",\"user\":1}"', r'm="{\"password\":<masked>,\"user\":1}"'),
        ("password: 'canary''s hunter22' next", "password: <masked> next"),
        ('password="canary hunter22\nnext line', "password=<masked>\nnext line"),
        ("Authorization: Token hunter22\nHost: h", "Authorization: <masked>\nHost: h"),
        ('Proxy-Authorization: Digest username="canary", response="hunter22"', "Proxy-Authorization: <masked>"),
        ('{"authorization":"AWS4 canary, hunter22","host":"h"}', '{"authorization":<masked>,"host":"h"}'),
        (f"loaded {PEM}\nstarted", "loaded <masked>\nstarted"),
        (json.dumps({"key": PEM, "user": "x"}), '{"key": "<masked>", "user": "x"}'),
        (PEM.partition("-----END")[0], "<masked>"),
        (PEM.partition("KEY-----\n")[2] + "\nstarted", "<masked>\nstarted"),
    ],
)  # fmt: skip
def test_a_credential_goes_whole_and_what_is_around_it_stays(text: str, shown: str) -> None:
    found = Masker().foreign(text)
    assert found == shown
    assert "canary" not in found
    assert "hunter22" not in found


def test_a_long_log_is_masked_in_no_time() -> None:
    text = "\n".join(["a" * 64] * 2000 + ["password" * 50, "://" * 500, '"' * 300, "\\" * 300])
    began = time.monotonic()
    Masker().foreign(text)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "line",
    [
        "java.net.UnknownHostException: broker-0: Name or service not known",
        "GET https://registry.example.org:8081/subjects?owner=me@example.org 200",
        "GET https://registry:8081/users/me@example.org 200",
        "connecting to http://[::1]:9000/bucket as someone@example.org",
        "cloning ssh://git@git.example.org:2222/platform.git",
        "listening on kafka://0.0.0.0:9092, written by a@b",
        "TopicAuthorizationException: Not authorized to access topics: [user-events]",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "the authorization of user x was refused, 3 tokens left",
    ],
)
def test_other_lines_of_a_log_stay(line: str) -> None:
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
