# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in a bucket of an S3 store: looked at, never written.

boto3 is imported when a store is opened, not before: it takes longer than most modules' whole work.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import ClusterError

#: seconds to connect, and between two pieces of an answer
CONNECT_SECONDS, READ_SECONDS = 5, 20
ATTEMPTS = 2
#: objects that a listing may have; a page has 1,000
LISTING_LIMIT = 10_000
DEFAULT_REGION = "us-east-1"
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden", "403")


@contextmanager
def ca_file(text: str) -> Iterator[str | None]:
    """Certificates in a file of this user's alone, as long as the block; None where there are none."""
    if not text:
        yield None
        return
    handle, name = tempfile.mkstemp(suffix=".crt")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        yield name
    finally:
        os.unlink(name)


class ObjectStoreError(ClusterError):
    """The store was not reached, or refused. The sentence names bucket and store, and never a key's value."""


class NoBucketError(ObjectStoreError):
    """The store has no such bucket."""


@dataclass(frozen=True)
class StoredObject:
    """One object: `size` in bytes, `modified` in UTC."""

    key: str
    size: int
    modified: datetime


class ObjectStore:
    """One bucket, opened with an access key of its own; no profile or environment variable of AWS lends one.

    `endpoint` None is Amazon's own; any other is asked with the bucket in the path, as most stores want it. `ca` is a
    file of PEM certificates. `keys_from` says in errors where the keys come from (`Secret synergyflow/s3-backup`).
    """

    def __init__(
        self,
        bucket: str,
        access_key: str,
        secret_key: str,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        ca: str | None = None,
        keys_from: str = "",
    ) -> None:
        self.bucket = bucket
        self._store = endpoint or "Amazon S3"
        self._keys = f"the keys in {keys_from}" if keys_from else "the access key and the secret key"
        with self._sentences():
            self.client = _client(endpoint, region, access_key, secret_key, ca)

    def list(self, prefix: str = "", *, start_after: str = "", limit: int = LISTING_LIMIT) -> list[StoredObject]:
        """All objects whose key begins with the prefix, by key; those up to `start_after` are left out.

        More than `limit` is an error: a part of a listing proves nothing.
        """
        found: list[StoredObject] = []
        asked = {"Bucket": self.bucket, "Prefix": prefix}
        if start_after:
            asked["StartAfter"] = start_after
        with self._sentences():
            for page in self.client.get_paginator("list_objects_v2").paginate(**asked):
                found += [_stored(each) for each in page.get("Contents") or []]
                if len(found) > limit:
                    raise ObjectStoreError(
                        f"bucket {self.bucket} of {self._store} has more than {limit} objects under {prefix!r}:"
                        " ask with a longer prefix."
                    )
        return found

    def head(self, key: str) -> StoredObject | None:
        """The object of exactly this key, or None. That there is no such bucket is an error, not an absence."""
        with self._sentences():
            try:
                answer = self.client.head_object(Bucket=self.bucket, Key=key)
            except self.client.exceptions.ClientError as error:
                if _status(error) != 404:
                    raise
                self.client.head_bucket(Bucket=self.bucket)  # a HEAD has no body that would tell the two apart
                return None
        return StoredObject(key, answer["ContentLength"], answer["LastModified"].astimezone(UTC))

    def exists(self, key: str) -> bool:
        """Whether there is an object of exactly this key."""
        return self.head(key) is not None

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """boto's errors as sentences of ours."""
        exceptions = _exceptions()
        try:
            yield
        except exceptions.ClientError as error:
            raise self._refusal(error) from error
        except exceptions.SSLError as error:
            raise ObjectStoreError(
                f"the certificate of the object store {self._store} does not fit ({error}): give its CA, or an address"
                " that its certificate names."
            ) from error
        except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
            raise ObjectStoreError(
                f"the object store {self._store} of bucket {self.bucket} cannot be reached: {error}. Check the endpoint"
                " and that it can be reached from where Ansible runs."
            ) from error
        except (exceptions.BotoCoreError, ValueError, OSError) as error:
            raise ObjectStoreError(
                f"bucket {self.bucket} of {self._store} cannot be opened: {error}. Check endpoint, region and CA."
            ) from error

    def _refusal(self, error: Any) -> ObjectStoreError:
        answer = error.response.get("Error") or {}
        code, status = str(answer.get("Code") or ""), _status(error)
        if code in _REFUSED or status == 403:
            return ObjectStoreError(
                f"the object store {self._store} refuses access to bucket {self.bucket} ({code or status}): check"
                f" {self._keys}, and that they may list and read this bucket."
            )
        if code == "NoSuchBucket" or status == 404:
            return NoBucketError(
                f"there is no bucket {self.bucket} in {self._store}: create it, or correct its name or the endpoint."
            )
        if status in (301, 307, 400) and "region" in f"{code} {answer.get('Message')}".lower():
            return ObjectStoreError(
                f"bucket {self.bucket} of {self._store} is in another region ({code}): set the region it is in."
            )
        return ObjectStoreError(
            f"the object store {self._store} did not answer for bucket {self.bucket}: HTTP {status} {code}"
            f" {answer.get('Message') or ''}".rstrip(". ")
            + "."
        )


def _client(endpoint: str | None, region: str | None, access_key: str, secret_key: str, ca: str | None) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise _missing() from error
    if ca:
        Path(ca).open("rb").close()  # boto says that it is missing only once it speaks TLS, and not by name
    own = endpoint is not None and not (urlsplit(endpoint).hostname or "").endswith(_AMAZON)
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=region or DEFAULT_REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        verify=ca,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            s3={"addressing_style": "path"} if own else None,
            # other stores than Amazon's do not know its newer checksums
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _exceptions() -> Any:
    try:
        from botocore import exceptions
    except ImportError as error:
        raise _missing() from error
    return exceptions


def _missing() -> ObjectStoreError:
    return ObjectStoreError(
        "looking into an object store needs the Python package boto3 in the environment that runs Ansible:"
        " pip install boto3."
    )


def _stored(entry: dict[str, Any]) -> StoredObject:
    return StoredObject(entry["Key"], entry["Size"], entry["LastModified"].astimezone(UTC))


def _status(error: Any) -> int:
    return int((error.response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0)
