"""The launcher of Greenroom itself, and the databases that fixtures make for it."""

from pathlib import Path

import psycopg
import pytest
import requests
from sqlalchemy import create_engine, inspect

from app.extensions import db
from tests.support.databases import PostgresTemplates
from tests.support.processes import ServiceError
from tests.support.server import Server, environment, flask


def test_a_server_says_that_everything_is_embedded(server: Server) -> None:
    health = requests.get(f"{server.url}/healthz", timeout=5).json()
    assert (health["database"], health["redis"], health["storage"]) == ("embedded", "embedded", "embedded")


def test_a_killed_worker_is_replaced_on_the_same_port(server: Server) -> None:
    before = {child.pid for child in server.children()}
    server.kill_worker()
    server.wait_until_ready()
    assert server.is_running
    assert before.isdisjoint(child.pid for child in server.children())


def test_a_killed_server_starts_again_on_what_it_wrote_and_ends_well_when_asked(server: Server) -> None:
    server.kill()
    server.start()
    assert server.stop() == 0


def test_a_server_with_a_weak_secret_ends_at_once_and_says_why() -> None:
    with pytest.raises(ServiceError, match=r"ended(.|\n)*JWT_SECRET is weak"):
        Server({"APP_ENV": "production", "JWT_SECRET": "weak"}).start()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("WORKER_ID", "w-1", "must be 1 to 32 letters or digits, not 'w-1'"),
        ("REDIS_URL", "localhost:6379", "must begin with redis:// or rediss://"),
        ("PUBLIC_URL", "greenroom.example.org", "must begin with https:// or http://"),
        ("S3_ENDPOINT", "bucket.example.org", "must begin with https:// or http://"),
        ("DATABASE_URL", "mysql://greenroom", "must be a postgresql:// or sqlite:/// URL"),
        ("AUDIT_KEEP_DAYS", "a year", "must be a whole number, not 'a year'"),
        ("SOCKET_PING_INTERVAL_MS", "often", ""),
        ("HTTP_IO_TIMEOUT_MS", "long", ""),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_in_one_line(name: str, value: str, why: str) -> None:
    server = Server({name: value})
    with pytest.raises(ServiceError):
        server.start()
    (line,) = server.log.splitlines()
    assert line.startswith(f"greenroom: {name}: {why}")


def test_neither_the_developers_settings_nor_a_dotenv_reach_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/precious")
    assert "DATABASE_URL" not in environment({})


def test_a_failing_command_shows_its_output(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no-such-command"):
        flask("no-such-command", settings={}, directory=tmp_path)


@pytest.mark.parametrize("kind", ["postgres_url", "sqlite_url"])
def test_a_fresh_database_has_every_table_and_no_rows(kind: str, request: pytest.FixtureRequest) -> None:
    engine = create_engine(request.getfixturevalue(kind).replace("postgresql:", "postgresql+psycopg:"))
    assert set(db.metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_modules_do_not_see_each_others_rows(postgres_templates: PostgresTemplates) -> None:
    with postgres_templates.fresh() as mine, postgres_templates.fresh() as yours:
        with psycopg.connect(mine, autocommit=True) as connection:
            connection.execute("CREATE TABLE mine (id int)")
        with psycopg.connect(yours) as connection, pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM mine")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(mine)


def test_a_cleaned_database_is_empty(postgres_url: str, request: pytest.FixtureRequest) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE leftover AS SELECT 1 AS id")
        request.getfixturevalue("clean_postgres_url")
        assert connection.execute("SELECT count(*) FROM leftover").fetchone() == (0,)
        connection.execute("DROP TABLE leftover")
