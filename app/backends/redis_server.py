"""Where Redis is and how to reach it: one server, or a cluster whose slots say which node serves a channel.

Everything has short timeouts and no retries of its own: who uses a connection decides what a failure means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.crc import key_slot
from redis.exceptions import RedisError
from redis.retry import Retry

CONNECT_TIMEOUT_S = 1.0
#: Also while this worker is so busy that it comes to read an answer late.
TIMEOUT_S = 2.0
CLIENT_NAME = "greenroom"

Channel = str


@dataclass(frozen=True, slots=True)
class Node:
    """One server of the deployment."""

    host: str
    port: int


class RedisServer:
    """What a URL points at. `rediss://` means TLS, `user:password@` signs in; for a cluster any of its nodes will do."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = dict(parse_url(url))
        self._kind: type[Connection] = options.pop("connection_class", Connection)
        self._seed = Node(options.pop("host", "localhost"), int(options.pop("port", 6379)))
        self._options = {
            "socket_timeout": TIMEOUT_S,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "client_name": CLIENT_NAME,
            **options,
        }
        self.is_cluster = False
        self._slots: list[tuple[int, int, Node]] = []

    def connect(self, node: Node) -> Connection:
        """A connection of its own.

        Raises:
            RedisError: unreachable, refused, or silent for `TIMEOUT_S`.
        """
        options = {**self._options, "db": 0} if self.is_cluster else self._options
        connection = self._kind(host=node.host, port=node.port, **options)
        connection.connect()
        return connection

    def discover(self) -> None:
        """Learn whether this is a cluster and who serves which slots.

        Raises:
            RedisError: no known node answers.
        """
        failure: RedisError | None = None
        for node in dict.fromkeys((self._seed, *self.nodes())):
            try:
                self._ask(node)
                return
            except RedisError as why:
                failure = why
        raise failure or RedisError("no node")

    def nodes(self) -> list[Node]:
        """Every node that serves channels."""
        return list(dict.fromkeys(node for _, _, node in self._slots)) if self.is_cluster else [self._seed]

    def node_of(self, channel: Channel) -> Node:
        """The node that serves a channel.

        Raises:
            RedisError: no node serves its slot.
        """
        if not self.is_cluster:
            return self._seed
        slot = key_slot(channel.encode())
        for first, last, node in self._slots:
            if first <= slot <= last:
                return node
        raise RedisError(f"slot {slot} is not served")

    def _ask(self, node: Node) -> None:
        connection = self.connect(node)
        try:
            connection.send_command("INFO", "cluster")
            is_cluster = b"cluster_enabled:1" in connection.read_response(disable_decoding=True)
            slots: list[tuple[int, int, Node]] = []
            if is_cluster:
                connection.send_command("CLUSTER", "SLOTS")
                for first, last, (host, port, *_), *_replicas in connection.read_response(disable_decoding=True):
                    slots.append((first, last, Node(host.decode() or node.host, port)))
        finally:
            connection.disconnect()
        self.is_cluster, self._slots = is_cluster, slots
