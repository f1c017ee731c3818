"""Migrations of databases with something in them, there and back; and of one in use, where they stand in nobody's way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import psycopg
import pytest
from sqlalchemy import MetaData, create_engine, inspect, select

from app import create_app
from app.backends.transaction import database
from app.settings import Settings
from tests.support.app_fixtures import SECRET
from tests.support.databases import PostgresTemplates
from tests.support.processes import ServiceError, new_directory
from tests.support.server import flask
from tests.support.waiting import eventually

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE '%INDEX CONCURRENTLY%'"
VOTE = "UPDATE message_votes SET created_at = now()"


def test_a_migration_of_a_table_in_use_lets_others_write_and_gives_up_in_time(
    postgres_templates: PostgresTemplates,
) -> None:
    with postgres_templates.fresh() as url, psycopg.connect(url, autocommit=True) as other:

        def migrate(*command: str) -> str:
            return flask("db", *command, settings={"DATABASE_URL": url}, directory=new_directory("migrate"))

        migrate("downgrade", "0005")
        other.execute("SET lock_timeout = 500")
        with psycopg.connect(url) as busy:
            busy.execute(VOTE)  # a transaction that takes its time
            migrating = gevent.spawn(migrate, "upgrade")
            eventually(lambda: other.execute(WAITING).fetchone() == (1,), 30)
            other.execute(VOTE)  # nobody waits for the one that waits
            with pytest.raises(ServiceError, match="lock timeout"):
                migrating.get(timeout=30)
        migrate("upgrade", "0006")


REVISIONS = sorted(path.stem[:4] for path in (Path(__file__).parents[2] / "migrations" / "versions").glob("0*.py"))
#: The last revision that made a table which the demo fills.
FILLED = "0005"

Migrate = Callable[..., str]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def seeded(request: pytest.FixtureRequest, postgres_templates: PostgresTemplates) -> Iterator[tuple[str, Migrate]]:
    """The URL of a database with the demo in it, and flask with it."""
    directory = new_directory("migrate")
    with postgres_templates.fresh() as url:
        settings = {"DATABASE_URL": url} if request.param == "postgres" else {"DATA_DIR": str(directory)}

        read = replace(Settings.from_env({**settings, "JWT_SECRET": SECRET}, dotenv=None), log_level="error")
        runner = create_app(read).test_cli_runner()  # in this process: a new one for each step would cost a minute

        def run(*command: str) -> str:
            done = runner.invoke(args=command)
            assert done.exit_code == 0, f"{command}: {done.output} {done.exception!r}"
            return str(done.output)

        run("db", "upgrade")
        run("seed")
        yield read.sqlalchemy_url, run
        database.dispose()


def schema(url: str) -> dict[str, Any]:
    """Tables, columns, keys and indexes; in no order."""
    found = {}
    engine = create_engine(url)
    look = inspect(engine)
    for table in set(look.get_table_names()) - {"alembic_version"}:
        kinds = (look.get_columns, look.get_indexes, look.get_foreign_keys, look.get_unique_constraints)
        found[table] = sorted(said(each) for kind in kinds for each in kind(table))
        found[table].append(str(sorted(look.get_pk_constraint(table)["constrained_columns"])))
    engine.dispose()
    return found


def said(part: Mapping[str, Any]) -> str:
    options = {name: str(value) for name, value in part.get("dialect_options", {}).items()}
    return str({**part, "dialect_options": options})


def rows(url: str) -> dict[str, list[str]]:
    """Everything in the tables that the demo fills, by the columns that were there before FILLED was left."""
    engine = create_engine(url)
    tables = MetaData()
    tables.reflect(engine)
    found = {}
    with engine.connect() as connection:
        for name, table in tables.tables.items():
            if not re.match(r"alembic|canaries|audit|messages_search", name):
                later = {"question_state", "search_document"} | ({"name_key"} if name == "users" else set())
                columns = [column for column in table.columns if column.name not in later]
                found[name] = sorted(str(tuple(row)) for row in connection.execute(select(*columns)))
    engine.dispose()
    return found


def test_the_way_back_and_forth_again_keeps_what_is_in_the_database(seeded: tuple[str, Migrate]) -> None:
    url, run = seeded
    shape, kept = schema(url), rows(url)
    assert kept["users"]
    assert kept["messages"]
    for revision in reversed(REVISIONS[REVISIONS.index(FILLED) : -1]):
        run("db", "downgrade", revision)
        assert rows(url) == kept, revision
    run("db", "upgrade")
    assert (schema(url), rows(url)) == (shape, kept)
    run("check")


def test_the_way_back_leads_to_nothing_and_from_there_to_the_same_schema(seeded: tuple[str, Migrate]) -> None:
    url, run = seeded
    shape = schema(url)
    run("db", "downgrade", "base")
    assert schema(url) == {}
    run("db", "upgrade")
    assert schema(url) == shape
