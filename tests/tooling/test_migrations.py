"""A migration of a database that is in use: it waits a while for its locks, gives up, and stands in nobody's way meanwhile."""

from __future__ import annotations

import gevent
import psycopg
import pytest

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
