"""Redis Cluster on three real nodes, each with a third of the slots and no replica."""

from contextlib import ExitStack
from typing import Any, Self

import redis

from tests.support.processes import ServiceError, free_port, together, wait_until
from tests.support.services import Redis

SLOTS = 16384
AGREE_S = 15.0
OPTIONS = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-require-full-coverage", "no")


class RedisCluster:
    """`with RedisCluster() as cluster:`; `nodes` are to kill, freeze and start again one by one.

    A node keeps `nodes.conf`, so one that comes back knows its slots; its keys are gone.
    """

    def __init__(self, nodes: int = 3) -> None:
        self._bus_ports = [free_port() for _ in range(nodes)]  # the default, 10,000 above, may be past the last port
        self.nodes = [Redis(*OPTIONS, "--cluster-port", str(port)) for port in self._bus_ports]
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """One node, which tells clients the others."""
        return self.nodes[0].url

    def start(self) -> Self:
        """Start the nodes, introduce them, and return when all agree on who has which slot."""
        with ExitStack() as starting:
            starting.enter_context(together(*self.nodes))
            for number, node in enumerate(self.nodes):
                first, after = (SLOTS * n // len(self.nodes) for n in (number, number + 1))
                command(node, "CLUSTER", "ADDSLOTSRANGE", first, after - 1)
                command(node, "CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self._bus_ports[0])
            wait_until(self.agrees, AGREE_S, "the nodes of the cluster do not agree")
            self._running = starting.pop_all()
        return self

    def stop(self) -> None:
        """End all nodes."""
        self._running.close()

    def agrees(self) -> bool:
        """Whether every node that runs sees every slot served."""
        return all(
            "cluster_state:ok" in info and f"cluster_known_nodes:{len(self.nodes)}" in info
            for info in (command(node, "CLUSTER", "INFO").decode() for node in self.nodes if node.is_running)
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def command(node: Redis, *words: str | int) -> Any:
    """One command to one node, its answer as it came.

    Raises:
        ServiceError: the node refuses it.
    """
    with redis.Redis(port=node.port, socket_timeout=2) as client:
        client.response_callbacks.clear()
        try:
            return client.execute_command(*words)
        except redis.ResponseError as why:
            raise ServiceError(f"{' '.join(map(str, words))}: {why}") from None
