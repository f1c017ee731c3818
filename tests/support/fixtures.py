"""The fixtures for services, loaded by tests/conftest.py. Each service starts once, for the first test that asks."""

import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
import redis

from tests.support import binaries
from tests.support.databases import PostgresTemplates, SqliteTemplate
from tests.support.processes import Process
from tests.support.server import Server
from tests.support.services import S3, Postgres, Redis
from tests.support.store import Store

LOG_LINES = {"greenroom": 60}
OTHER_LOG_LINES = 10

# TRUNCATE makes new files, of every table and index: a dozen times as long for the few rows of a test.
EMPTY_EVERY_TABLE = """
    DO $$
    DECLARE
        name text;
    BEGIN
        SET LOCAL session_replication_role = replica;  -- in any order, whatever refers to it
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
            EXECUTE format('DELETE FROM %I', name);
        END LOOP;
    END $$
"""

StartServer = Callable[..., Server]


def pytest_configure() -> None:
    """A run that is told to end (a CI's time limit) ends its services as well: exit handlers need a proper exit."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """The maintenance database of a PostgreSQL where databases can be made: `TEST_DATABASE_URL` or our own."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with Postgres() as postgres:
        yield postgres.url


@pytest.fixture(scope="session")
def postgres_templates(postgres_server_url: str) -> Iterator[PostgresTemplates]:
    """Makes migrated databases on that server."""
    templates = PostgresTemplates(postgres_server_url)
    templates.migrate()
    yield templates
    templates.drop()


@pytest.fixture(scope="module")
def postgres_url(postgres_templates: PostgresTemplates) -> Iterator[str]:
    """A PostgreSQL database of this module's own, migrated and empty."""
    with postgres_templates.fresh() as url:
        yield url


@pytest.fixture
def clean_postgres_url(postgres_url: str) -> str:
    """The module's PostgreSQL database with every table emptied for this test."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(EMPTY_EVERY_TABLE)
    return postgres_url


@pytest.fixture(scope="session")
def sqlite_template() -> SqliteTemplate:
    """A migrated SQLite file."""
    template = SqliteTemplate()
    template.migrate()
    return template


@pytest.fixture
def sqlite_url(sqlite_template: SqliteTemplate, tmp_path: Path) -> str:
    """A SQLite database of this test's own, migrated and empty, at `tmp_path / "var"`."""
    return sqlite_template.copy_to(tmp_path / "var")


@pytest.fixture(scope="session")
def redis_server_url() -> Iterator[str]:
    """A Redis or Valkey: `TEST_REDIS_URL`, whose contents tests throw away, or our own."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    with Redis() as server:
        yield server.url


@pytest.fixture(scope="module")
def redis_url(redis_server_url: str) -> str:
    """That Redis, emptied for this module."""
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushdb()
    return redis_server_url


@pytest.fixture(scope="session")
def s3() -> Iterator[Store]:
    """A bucket: `TEST_S3_URL` or SeaweedFS."""
    if url := os.environ.get("TEST_S3_URL"):
        yield Store.from_url(url)
        return
    with S3() as server:
        yield server.store


@pytest.fixture(scope="session")
def nginx_binary() -> Path:
    """The nginx program."""
    return binaries.nginx()


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The browser for Playwright's `executable_path`; as root it needs `--no-sandbox`."""
    return binaries.chromium(windows=False)


@pytest.fixture(scope="module")
def start_server(sqlite_template: SqliteTemplate) -> Iterator[StartServer]:
    """Start real servers: `start_server(RATE_LIMIT_MAX_REQUESTS="5")`; they end with the module.

    Without `DATABASE_URL` each has a SQLite database of its own; a `DATABASE_URL` must be migrated already.
    """
    running: list[Server] = []

    def start(settings: Mapping[str, str] | None = None, **more: str) -> Server:
        server = Server({**(settings or {}), **more})
        if not server.settings.get("DATABASE_URL"):
            sqlite_template.copy_to(Path(server.settings["DATA_DIR"]))
        running.append(server)
        return server.start()

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    """One embedded server with the default settings."""
    return start_server()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of every running service's log beside a failure."""
    report = yield
    if report.failed:
        for process in list(Process.started):
            lines = LOG_LINES.get(process.name, OTHER_LOG_LINES)
            tail = "\n".join(process.log.splitlines()[-lines:])
            report.sections.append((f"log of {process.name} on port {process.port}", tail))
    return report
