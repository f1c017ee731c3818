"""PostgreSQL, Redis, S3 and nginx as real processes, without Docker and with or without root.

    with Postgres() as postgres, Redis() as redis: ...

`TEST_DATABASE_URL`, `TEST_REDIS_URL` and `TEST_S3_URL` point the fixtures at servers that run elsewhere; fault tests
always start their own. Up in about: PostgreSQL 2 s, Redis 0.1 s, nginx 0.1 s, SeaweedFS 3 s.
"""

import json
import os
import shutil
import signal
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, LiteralString, Self

import psycopg
import redis

from tests.support import binaries
from tests.support.processes import Process, ServiceError, free_port
from tests.support.store import Store

UNPRIVILEGED = "nobody"
WORLD_EXECUTABLE = 0o001


class Postgres(Process):
    """A PostgreSQL cluster of its own. It refuses to run as root, so root hands it to `nobody`."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, rolls back, writes a checkpoint

    def __init__(self, *, durable: bool = False, settings: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # A killed process loses nothing without fsync; a machine that loses power would.
        sync = "on" if durable else "off"
        self.settings = {
            "listen_addresses": self.host.address,
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": sync,
            "full_page_writes": sync,
            **(settings or {}),
        }
        self.user = UNPRIVILEGED if os.geteuid() == 0 else None
        self.data = self.directory / "data"
        self._programs = self._usable_programs()

    @property
    def url(self) -> str:
        """The maintenance database."""
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        """The URL of one database of this cluster."""
        return f"postgresql://greenroom@{self.host.address}:{self.port}/{database}"

    def execute(self, statement: LiteralString) -> None:
        """Run one statement as the superuser, outside a transaction."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def command(self) -> list[str]:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in self.settings.items()]
        return [str(self._programs / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]

    def is_ready(self) -> bool:
        with suppress(psycopg.OperationalError), closing(psycopg.connect(self.url, connect_timeout=2)):
            return True
        return False

    def launch(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        super().launch()

    def _initialise(self) -> None:
        self.data.mkdir(mode=0o700)
        if self.user:
            shutil.chown(self.data, self.user)
        options = ["--username=greenroom", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        program = [str(self._programs / "initdb"), "-D", str(self.data), *options]
        done = subprocess.run(program, capture_output=True, text=True, check=False, user=self.user, cwd="/")
        if done.returncode:
            raise ServiceError(f"initdb failed:\n{done.stdout}{done.stderr}")
        if not self.host.is_local:
            with (self.data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet trust\n")

    def _usable_programs(self) -> Path:
        """The folder of the programs, copied out of a home directory that `nobody` may not enter."""
        folder = binaries.postgres_folder()
        if not self.user or all(p.stat().st_mode & WORLD_EXECUTABLE for p in folder.resolve().parents):
            return folder
        install, package = folder.parent, folder.parent.parent
        shutil.copytree(install, self.directory / package.name / install.name)
        with suppress(FileNotFoundError):  # where a wheel keeps its shared libraries: beside the package
            shutil.copytree(f"{package}.libs", self.directory / f"{package.name}.libs")
        return self.directory / package.name / install.name / folder.name


class Redis(Process):
    """A Redis or Valkey that keeps nothing on disk: whatever it knew is gone after a restart."""

    name = "redis"

    def __init__(self, *arguments: str, password: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = (*arguments, "--requirepass", password) if password else arguments
        self.url = f"redis://{f':{password}@' if password else ''}{self.host.address}:{self.port}/0"

    def command(self) -> list[str]:
        where = ["--port", str(self.port), "--bind", self.host.address, "--dir", str(self.directory)]
        where += [] if self.host.is_local else ["--protected-mode", "no"]
        return [str(binaries.redis_server()), *where, "--save", "", "--appendonly", "no", *self.arguments]

    def is_ready(self) -> bool:
        with suppress(redis.RedisError), redis.Redis.from_url(self.url, socket_timeout=1) as client:
            return bool(client.ping())
        return False


class S3(Process):
    """SeaweedFS with one bucket: of the S3 servers that packages offer, the one that enforces a POST policy."""

    name = "s3"
    stop_signal = signal.SIGKILL  # its own shutdown waits for half a minute
    key, secret = "greenroom-key", "greenroom-secret"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store = Store(f"http://127.0.0.1:{self.port}", "greenroom", self.key, self.secret)
        self._ports = {"s3.port": self.port}
        for part in ("master", "volume", "filer"):
            self._ports |= {f"{part}.port": free_port(), f"{part}.port.grpc": free_port()}
        self._ports |= {"s3.port.grpc": free_port(), "s3.port.iceberg": 0, "s3.port.lance": 0}
        self._write_identities()

    def _write_identities(self) -> None:
        identity = {
            "name": "greenroom",
            "credentials": [{"accessKey": self.key, "secretKey": self.secret}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (self.directory / "s3.json").write_text(json.dumps({"identities": [identity]}))

    def command(self) -> list[str]:
        listen = [f"-{name}={port}" for name, port in self._ports.items()] + ["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        small = ["-master.volumeSizeLimitMB=64", "-volume.max=20", "-master.telemetry=false"]
        where = [f"-dir={self.directory}", f"-s3.config={self.directory / 's3.json'}"]
        return [str(binaries.seaweedfs()), "server", "-filer", "-s3", *listen, *small, *where]

    def is_ready(self) -> bool:
        return super().is_ready() and self.store.make_bucket()


class Nginx(Process):
    """nginx in the foreground with a configuration of ours; `reload` takes a new one without dropping anybody."""

    name = "nginx"
    stop_signal = signal.SIGQUIT

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host.address}:{self.port}"

    def configure(self, text: str) -> Self:
        """Write its configuration and check it.

        Raises:
            ServiceError: nginx refuses it; with nginx's reason.
        """
        (self.directory / "nginx.conf").write_text(text)
        with self.host.inside():
            done = subprocess.run([*self.command(), "-t"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServiceError(f"nginx refuses its configuration:\n{done.stderr}")
        return self

    def command(self) -> list[str]:
        return [str(binaries.nginx()), "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")]

    def reload(self) -> None:
        """Take the configuration on disk; old workers finish what they have."""
        self.send(signal.SIGHUP)
