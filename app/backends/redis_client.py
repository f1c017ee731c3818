"""Commands to Redis in batches: one server or a cluster, short timeouts, no retries of its own.

Who sends a batch decides what a failure means; a batch that failed may have happened in part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

TIMEOUT_S = 1.0

Command = Sequence[Any]


class RedisClient:
    """Connects at the first batch, and anew after a failure; learns by itself whether the server is part of a cluster."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._options: dict[str, Any] = {
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "retry": Retry(NoBackoff(), 0),
            "client_name": "greenroom",
        }
        self._client: Redis | RedisCluster | None = None

    def run(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to `commands`, in order; each touches one key only, or such as `together` gave (a cluster spreads keys).

        Raises:
            RedisError: out of reach, silent for the timeout, or a command that it refused.
        """
        if not commands:
            return []
        try:
            pipeline: Any = self._connected().pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            answers: list[Any] = pipeline.execute()
        except OSError as why:
            raise RedisError(str(why)) from why
        return answers

    def together(self, keys: list[str]) -> list[list[str]]:
        """The keys in groups that one command may name: all of them on one server, each by itself in a cluster.

        Raises:
            RedisError: out of reach.
        """
        try:
            is_cluster = isinstance(self._connected(), RedisCluster)
        except OSError as why:
            raise RedisError(str(why)) from why
        return [[key] for key in keys] if is_cluster else [keys]

    def close(self) -> None:
        """Let go of all connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> Redis | RedisCluster:
        if self._client is None:
            single = Redis.from_url(self._url, **self._options)
            if not single.info("cluster").get("cluster_enabled"):
                self._client = single
            else:
                single.close()
                self._client = RedisCluster.from_url(self._url, **self._options)
        return self._client
