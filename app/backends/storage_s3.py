"""Files in an S3-compatible bucket: clients send to it and read from it directly.

Cooperative: boto3 is imported after gevent has patched sockets, so a slow bucket delays only who waits for it. Timeouts are
short, there is one retry, and each call as a whole has a limit that a bucket which sends a byte now and then reaches as well;
what still fails is `storage_unavailable`. Buckets are addressed by path, so that pages need to allow a single origin.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import gevent
import structlog
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session

from app.backends.offload import offload
from app.backends.storage import Serving, Stored, Ticket, replaced, unavailable
from app.core.clock import Clock
from app.core.failures import told
from app.settings import Settings

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 5
CALL_LIMIT_S = 8.0
TRANSFER_LIMIT_S = 15.0  # of a whole file; completing a picture has three of them, and nginx waits for a minute
CHUNK_BYTES = 256 * 1024
PUT_LIFE_S = 60
KEPT_URLS = 10_000
REUSE_MS = 60_000
_GONE = {"404", "NoSuchKey", "NotFound"}
_REPLACED = {"412", "PreconditionFailed", *_GONE}

log = structlog.get_logger(__name__)


class S3Storage:
    """The bucket that the settings name."""

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self._bucket = settings.s3_bucket
        self._method = settings.s3_upload_method
        self._client = _client(settings)
        self._http = URLLib3Session(timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S))
        self._addresses = Addresses(clock)

    def ticket(self, key: str, *, mime: str, size: int, life_ms: int) -> Ticket:
        if self._method == "put":
            what = {"Bucket": self._bucket, "Key": key, "ContentType": mime, "ContentLength": size}
            url = self._client.generate_presigned_url("put_object", Params=what, ExpiresIn=life_ms // 1000)
            return Ticket("PUT", url, headers={"Content-Type": mime})
        kind = {"Content-Type": mime}
        conditions = [kind, ["content-length-range", size, size]]
        post = self._client.generate_presigned_post(
            self._bucket, key, Fields=dict(kind), Conditions=conditions, ExpiresIn=life_ms // 1000
        )
        return Ticket("POST", post["url"], fields=post["fields"])

    def url(self, key: str, *, serving: Serving, life_ms: int) -> str:
        known = self._addresses.get(key, serving)
        if known is not None:
            return known
        what = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": serving.mime,
            "ResponseContentDisposition": serving.disposition,
        }
        url: str = self._client.generate_presigned_url("get_object", Params=what, ExpiresIn=life_ms // 1000)
        self._addresses.put(key, serving, url, life_ms)
        return url

    def head(self, key: str) -> Stored | None:
        try:
            with _honest():
                found = self._client.head_object(Bucket=self._bucket, Key=key)
        except KeyError:
            return None
        etag = found["ETag"]
        return Stored(found["ContentLength"], etag, f"etag:{etag.strip(chr(34))}")

    def read(self, key: str, *, version: str, start: int, length: int) -> bytes:
        with _same():
            some = f"bytes={start}-{start + length - 1}"
            found = self._client.get_object(Bucket=self._bucket, Key=key, IfMatch=version, Range=some)
            with closing(found["Body"]) as body:
                content: bytes = body.read()
                return content

    def fetch(self, key: str, path: Path, *, version: str) -> None:
        with _same(TRANSFER_LIMIT_S), path.open("wb") as file:
            found = self._client.get_object(Bucket=self._bucket, Key=key, IfMatch=version)
            with closing(found["Body"]) as body:
                for chunk in body.iter_chunks(CHUNK_BYTES):
                    offload(file.write, chunk)

    def keep(self, source: str, key: str, *, version: str, serving: Serving) -> None:
        with _same(TRANSFER_LIMIT_S):
            self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource={"Bucket": self._bucket, "Key": source},
                CopySourceIfMatch=version,
                MetadataDirective="REPLACE",
                ContentType=serving.mime,
                ContentDisposition=serving.disposition,
            )

    def put(self, key: str, path: Path, *, serving: Serving) -> None:
        # By a signed address: `put_object` would hash the whole file on the loop to sign it.
        what = {
            "Bucket": self._bucket,
            "Key": key,
            "ContentType": serving.mime,
            "ContentDisposition": serving.disposition,
        }
        headers = {"Content-Type": serving.mime, "Content-Disposition": serving.disposition}
        url = self._client.generate_presigned_url("put_object", Params=what, ExpiresIn=PUT_LIFE_S)
        with _honest(TRANSFER_LIMIT_S), path.open("rb") as file:
            answer = self._http.send(AWSRequest("PUT", url, headers=headers, data=file).prepare())
        if not 200 <= answer.status_code < 300:  # noqa: PLR2004
            log.warning("storage_failed", status=answer.status_code)
            raise unavailable()

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            try:
                with _honest():
                    self._client.delete_object(Bucket=self._bucket, Key=key)
            except KeyError:
                continue

    def probe(self) -> None:
        try:
            with _honest():
                self._client.head_bucket(Bucket=self._bucket)
        except KeyError:
            raise unavailable() from None


class Addresses:
    """Signed addresses of the last minute: signing costs a millisecond, and a page of history has many pictures."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, Serving], tuple[str, float]] = OrderedDict()

    def get(self, key: str, serving: Serving) -> str | None:
        """An address that was signed not long ago."""
        url, until_ms = self._known.get((key, serving), (None, 0.0))
        return url if self._clock.monotonic_ms() < until_ms else None

    def put(self, key: str, serving: Serving, url: str, life_ms: int) -> None:
        """Remember `url` for a small part of its life."""
        self._known[key, serving] = (url, self._clock.monotonic_ms() + min(REUSE_MS, life_ms / 10))
        self._known.move_to_end((key, serving))
        if len(self._known) > KEPT_URLS:
            self._known.popitem(last=False)


def _client(settings: Settings) -> Any:
    config = Config(
        signature_version="s3v4",
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": 2},
        s3={"addressing_style": "path"},
        # Checksum trailers are AWS's own: most other stores refuse them.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=settings.s3_secret_access_key,
        config=config,
    )


@contextmanager
def _honest(limit_s: float | None = None) -> Iterator[None]:
    """A bucket that fails or takes longer is a storage that is away; KeyError: there is no such object."""
    limit = gevent.Timeout(limit_s or CALL_LIMIT_S)
    limit.start()
    try:
        yield
    except gevent.Timeout as why:
        if why is not limit:
            raise
        log.warning("storage_failed", reason="too slow")
        raise unavailable() from None
    except ClientError as why:
        code = str(why.response.get("Error", {}).get("Code"))
        if code in _REPLACED:
            raise KeyError(code) from None
        log.warning("storage_failed", reason=f"{why.operation_name}: {code}")
        raise unavailable() from why
    except (BotoCoreError, OSError) as why:
        log.warning("storage_failed", reason=told(why))
        raise unavailable() from why
    finally:
        limit.close()


@contextmanager
def _same(limit_s: float | None = None) -> Iterator[None]:
    """For what acts on one version of an object."""
    try:
        with _honest(limit_s):
            yield
    except KeyError:
        raise replaced() from None
