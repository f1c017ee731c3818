"""Fresh databases in no time: migrate once, then copy. PostgreSQL copies a template database, SQLite a file."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.support.processes import new_directory
from tests.support.server import flask


class PostgresTemplates:
    """Databases on one server, each a copy of a migrated one."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._template = f"greenroom_template_{uuid4().hex[:8]}"

    def url(self, database: str) -> str:
        """The URL of a database of that server, with the query of the server's own URL."""
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{database}"))

    def migrate(self) -> None:
        """Make the template."""
        self._execute("CREATE DATABASE {}", self._template)
        flask("db", "upgrade", settings={"DATABASE_URL": self.url(self._template)}, directory=new_directory("migrate"))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of a database with the newest schema and no rows; dropped afterwards, whoever is still connected."""
        name = f"greenroom_{uuid4().hex[:12]}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, self._template)
        try:
            yield self.url(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def drop(self) -> None:
        """Remove the template."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._template)

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


class SqliteTemplate:
    """A migrated SQLite file to copy."""

    def __init__(self) -> None:
        self._directory = new_directory("sqlite")

    def migrate(self) -> None:
        """Make the file."""
        flask("db", "upgrade", settings={"DATA_DIR": str(self._directory)}, directory=self._directory)

    def copy_to(self, data_dir: Path) -> str:
        """Put a fresh database where the embedded mode looks for it; its URL."""
        data_dir.mkdir(parents=True, exist_ok=True)
        for part in self._directory.glob("greenroom.db*"):
            shutil.copy(part, data_dir)
        return f"sqlite:///{data_dir / 'greenroom.db'}"
