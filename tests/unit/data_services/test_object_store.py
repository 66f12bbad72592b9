# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of an S3 store, and what is made of its answers and refusals."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.object_store import (
    NoBucketError,
    ObjectStore,
    ObjectStoreError,
    StoredObject,
)
from botocore.stub import Stubber

ENDPOINT = "http://s3.example.test:7070"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
BUCKET = "synergyflow-backups"
SECRET = "canary-secret-key"


def _store(**options: Any) -> ObjectStore:
    return ObjectStore(
        BUCKET, "canary-access-key", SECRET, **{"endpoint": ENDPOINT, "keys_from": "Secret db/s3-backup"} | options
    )


@pytest.fixture
def stubbed() -> Iterator[tuple[ObjectStore, Stubber]]:
    store = _store()
    with Stubber(store.client) as stubber:
        yield store, stubber
        stubber.assert_no_pending_responses()


def _entry(key: str) -> dict[str, Any]:
    return {"Key": key, "Size": 3, "LastModified": NOW}


def test_a_listing_takes_all_pages(stubbed: tuple[ObjectStore, Stubber]) -> None:
    store, stubber = stubbed
    first = {"Contents": [_entry("wal/1")], "IsTruncated": True, "NextContinuationToken": "t"}
    asked = {"Bucket": BUCKET, "Prefix": "wal/", "StartAfter": "wal/0"}
    stubber.add_response("list_objects_v2", first, asked)
    last = {"Contents": [_entry("wal/2")], "IsTruncated": False}
    stubber.add_response("list_objects_v2", last, {**asked, "ContinuationToken": "t"})
    assert store.list("wal/", start_after="wal/0") == [StoredObject("wal/1", 3, NOW), StoredObject("wal/2", 3, NOW)]


def test_nothing_under_a_prefix_is_an_empty_listing(stubbed: tuple[ObjectStore, Stubber]) -> None:
    store, stubber = stubbed
    stubber.add_response("list_objects_v2", {"IsTruncated": False}, {"Bucket": BUCKET, "Prefix": "wal/"})
    assert store.list("wal/") == []


def test_a_listing_is_never_cut_in_silence(stubbed: tuple[ObjectStore, Stubber]) -> None:
    store, stubber = stubbed
    stubber.add_response("list_objects_v2", {"Contents": [_entry("1"), _entry("2")], "IsTruncated": True})
    with pytest.raises(ObjectStoreError, match="more than 1 objects under ''"):
        store.list(limit=1)


def test_head_tells_size_and_time(stubbed: tuple[ObjectStore, Stubber]) -> None:
    store, stubber = stubbed
    stubber.add_response("head_object", {"ContentLength": 5, "LastModified": NOW}, {"Bucket": BUCKET, "Key": "k"})
    assert store.head("k") == StoredObject("k", 5, NOW)


def test_an_absent_object_is_none_in_a_bucket_that_is_there(stubbed: tuple[ObjectStore, Stubber]) -> None:
    store, stubber = stubbed
    stubber.add_client_error("head_object", "404", http_status_code=404)
    stubber.add_response("head_bucket", {}, {"Bucket": BUCKET})
    assert not store.exists("k")


def test_an_absent_bucket_is_not_an_absent_object(stubbed: tuple[ObjectStore, Stubber]) -> None:
    store, stubber = stubbed
    stubber.add_client_error("head_object", "404", http_status_code=404)
    stubber.add_client_error("head_bucket", "404", http_status_code=404)
    with pytest.raises(NoBucketError, match=f"there is no bucket {BUCKET} in {ENDPOINT}: create it"):
        store.exists("k")


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        (
            "SignatureDoesNotMatch",
            403,
            r"refuses access to bucket .* \(SignatureDoesNotMatch\): check the keys in Secret",
        ),
        ("InvalidAccessKeyId", 403, "check the keys in Secret db/s3-backup"),
        ("AccessDenied", 403, "they may list and read this bucket"),
        ("NoSuchBucket", 404, f"there is no bucket {BUCKET}"),
        ("AuthorizationHeaderMalformed", 400, "is in another region"),
        ("PermanentRedirect", 301, "did not answer|another region"),
        ("InternalError", 500, "did not answer .* HTTP 500 InternalError"),
    ],
)
def test_a_refusal_is_a_sentence(stubbed: tuple[ObjectStore, Stubber], code: str, status: int, words: str) -> None:
    store, stubber = stubbed
    message = "the region 'us-east-1' is wrong" if status == 400 else "m"
    stubber.add_client_error("list_objects_v2", code, message, http_status_code=status)
    with pytest.raises(ObjectStoreError, match=words) as caught:
        store.list()
    assert "canary" not in str(caught.value)


def test_a_store_that_is_not_there_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listened on: refuses
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ObjectStoreError, match=f"{endpoint} of bucket {BUCKET} cannot be reached"):
            _store(endpoint=endpoint).list()


def test_an_address_that_is_none() -> None:
    with pytest.raises(ObjectStoreError, match=r"cannot be opened.*Check endpoint"):
        _store(endpoint="s3.example.test")


def test_a_missing_ca_file_is_said(tmp_path: Any) -> None:
    with pytest.raises(ObjectStoreError, match=r"no-ca\.pem"):
        _store(endpoint="https://127.0.0.1:1", ca=str(tmp_path / "no-ca.pem"))


@pytest.mark.parametrize(
    ("endpoint", "style"),
    [(ENDPOINT, "path"), (None, None), ("https://s3.eu-central-1.amazonaws.com", None)],
)
def test_the_bucket_is_in_the_path_except_at_amazon(endpoint: str | None, style: str | None) -> None:
    options = _store(endpoint=endpoint, region="eu-central-1").client.meta.config.s3 or {}
    assert options.get("addressing_style") == style


def test_without_boto3_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ObjectStoreError, match="pip install boto3"):
        _store()
