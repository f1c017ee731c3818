"""A cluster on several hosts, one of which can be cut off: network namespaces where the machine allows, else proxies.

Everything has two networks, as servers do: clients, nginx and workers are on the front one, workers and stores on the back one.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol, Self

from tests.faults.scene import SETTINGS
from tests.support import network
from tests.support.cluster import Cluster
from tests.support.network import Network
from tests.support.proxy import Proxy
from tools import nginx_conf

CUT = "w2"


class Hosts(Protocol):
    """What tests do to it; packets that are cut off vanish, and nobody is told."""

    cluster: Cluster
    kind: str

    def cut_from_stores(self) -> None:
        """The second worker reaches neither PostgreSQL nor Redis; its clients reach it."""
        ...

    def cut_from_clients(self) -> None:
        """Neither nginx nor its clients reach the second worker, which reaches the stores."""
        ...

    def mend(self) -> None:
        """Both again."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Namespaces:
    """Each part on a host of its own, cables to pull."""

    kind = "each host is a network namespace"

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._network = starting.enter_context(Network("front", "back"))
            on_both = {name: self._network.host(name, "front", "back") for name in ("clients", "w1", "w2")}
            hosts = {"edge": self._network.host("edge", "front"), "stores": self._network.host("stores", "back")}
            starting.enter_context(on_both["clients"].inside())
            self._hosts = hosts | on_both
            self.cluster = starting.enter_context(Cluster(hosts=self._hosts, settings=SETTINGS))
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def cut_from_stores(self) -> None:
        self._network.unplug(self._hosts[CUT], "back")

    def cut_from_clients(self) -> None:
        self._network.unplug(self._hosts[CUT], "front")

    def mend(self) -> None:
        for switch in ("front", "back"):
            self._network.plug(self._hosts[CUT], switch)


class Proxied(Cluster):
    """One host, and proxies on all ways to and from the second worker."""

    def __init__(self) -> None:
        super().__init__(settings=SETTINGS)
        self.front = Proxy(self.servers[CUT].port)
        self.back = [Proxy(self.postgres.port), Proxy(self.redis.port)]
        self._proxies = ExitStack()

    def start(self) -> Self:
        for proxy in (self.front, *self.back):
            self._proxies.enter_context(proxy)
        database, redis = self.back
        self.servers[CUT].settings |= {
            "DATABASE_URL": self.settings["DATABASE_URL"].replace(f":{self.postgres.port}/", f":{database.port}/"),
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        }
        return super().start()

    def stop(self) -> None:
        super().stop()
        self._proxies.close()

    def configuration(self) -> str:
        addresses = {worker: f"127.0.0.1:{server.port}" for worker, server in self.servers.items()}
        addresses[CUT] = f"127.0.0.1:{self.front.port}"
        return nginx_conf.render(addresses, listen=f"127.0.0.1:{self.nginx.port}", directory=self.nginx.directory)


class Proxies:
    """Where namespaces are not to be had."""

    kind = "proxies stand for the cables"

    def __enter__(self) -> Self:
        self.cluster = Proxied().start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.stop()

    def cut_from_stores(self) -> None:
        for proxy in self.cluster.back:
            proxy.drop_silently()

    def cut_from_clients(self) -> None:
        self.cluster.front.drop_silently()

    def mend(self) -> None:
        for proxy in (self.cluster.front, *self.cluster.back):
            proxy.restore()


def hosts() -> Hosts:
    """The best that this machine has."""
    return Namespaces() if network.is_possible() else Proxies()
