"""The production shape on one machine: PostgreSQL, Redis, S3, N single-worker servers and nginx in front."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Self

from tests.support.network import LOCAL, Host
from tests.support.processes import Process, new_directory, together
from tests.support.server import Server, flask
from tests.support.services import S3, Nginx, Postgres, Redis
from tools import nginx_conf

DATABASE = "greenroom"
#: So long nginx leaves out a worker that it found closed (`fail_timeout`, which counts whole seconds).
NGINX_FORGETS_S = 2.0


class Cluster:
    """`with Cluster(workers=3) as cluster:` runs it; each part is a `Process` to kill, freeze and start again.

    Args:
        workers: how many servers, `w1` … `wN`, a port each.
        port: nginx's; a free one if None.
        with_s3: SeaweedFS takes 3 s to start; tests that store no files do without.
        durable: PostgreSQL waits for the disk, as on a server.
        hosts: where the `stores`, nginx (`edge`) and each worker run; this machine for those that are not named.
        settings: more settings for every worker.
        server: more arguments for every `Server`.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        port: int | None = None,
        with_s3: bool = False,
        durable: bool = False,
        hosts: Mapping[str, Host] | None = None,
        settings: dict[str, str] | None = None,
        server: dict[str, Any] | None = None,
    ) -> None:
        self._hosts = hosts or {}
        stores = self._hosts.get("stores", LOCAL)
        self.postgres = Postgres(durable=durable, host=stores)
        self.redis = Redis(host=stores)
        self.s3 = S3() if with_s3 else None
        self.nginx = Nginx(port=port, host=self._hosts.get("edge", LOCAL))
        self.settings = {
            "DATABASE_URL": self.postgres.database_url(DATABASE),
            "REDIS_URL": self.redis.url,
            "TRUSTED_HOPS": "1",
            **(self.s3.store.settings() if self.s3 else {}),
            **(settings or {}),
        }
        self.servers = {f"w{n}": self._server(f"w{n}", **(server or {})) for n in range(1, workers + 1)}
        self._running = ExitStack()

    def _server(self, worker_id: str, **arguments: Any) -> Server:
        host = self._hosts.get(worker_id, LOCAL)
        return Server({**self.settings, "WORKER_ID": worker_id}, host=host, **arguments)

    @property
    def url(self) -> str:
        """Where clients connect: nginx."""
        return self.nginx.url

    @property
    def stores(self) -> list[Process]:
        """PostgreSQL, Redis and, if wanted, S3."""
        return [self.postgres, self.redis, *([self.s3] if self.s3 else [])]

    def start(self) -> Self:
        """Start the stores, make the database, start the workers, then nginx."""
        with ExitStack() as starting:
            starting.enter_context(together(*self.stores))
            self.make_database()
            starting.enter_context(together(*self.servers.values()))
            starting.enter_context(self.nginx.configure(self.configuration()))
            self._running = starting.pop_all()
        return self

    def stop(self) -> None:
        """End everything, what was started last first."""
        self._running.close()

    def make_database(self) -> None:
        """Create the database and bring it to the newest schema."""
        self.postgres.execute(f"CREATE DATABASE {DATABASE}")
        self.flask("db", "upgrade")

    def flask(self, *command: str) -> str:
        """Run a `flask` command with the workers' settings; its output."""
        return flask(*command, settings=self.settings, directory=new_directory("flask"))

    def configuration(self) -> str:
        """nginx.conf for these workers."""
        addresses = {worker: f"{server.host.address}:{server.port}" for worker, server in self.servers.items()}
        listen = f"{self.nginx.host.address}:{self.nginx.port}"
        return nginx_conf.render(addresses, listen=listen, directory=self.nginx.directory)

    def restart_workers(self) -> None:
        """A rolling restart: each worker drains and comes back before the next one goes."""
        for server in self.servers.values():
            server.restart()
            time.sleep(NGINX_FORGETS_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
