"""An S3 bucket and the key to it."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Store:
    """Where a bucket is; `settings` are Greenroom's for it."""

    endpoint: str
    bucket: str
    key: str
    secret: str
    region: str = DEFAULT_REGION

    @classmethod
    def from_url(cls, url: str) -> Self:
        """From `TEST_S3_URL`: `http://key:secret@host:9000/bucket`, with `?region=` where it matters."""
        parts = urlsplit(url)
        endpoint = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        region = parts.query.removeprefix("region=") or DEFAULT_REGION
        return cls(
            endpoint, parts.path.strip("/"), unquote(parts.username or ""), unquote(parts.password or ""), region
        )

    def settings(self) -> dict[str, str]:
        """As environment variables."""
        return {
            "S3_ENDPOINT": self.endpoint,
            "S3_BUCKET": self.bucket,
            "S3_ACCESS_KEY_ID": self.key,
            "S3_SECRET_ACCESS_KEY": self.secret,
            "S3_REGION": self.region,
        }

    def make_bucket(self) -> bool:
        """Whether the bucket is there, made if needed; false while the server is not up to it."""
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name=self.region,
            config=Config(connect_timeout=1, read_timeout=5, retries={"max_attempts": 0}),
        )
        try:
            client.create_bucket(Bucket=self.bucket)
        except (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            return True
        except (BotoCoreError, ClientError):
            return False
        finally:
            client.close()
        return True
