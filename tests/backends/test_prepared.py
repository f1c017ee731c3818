from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import Uuid, bindparam, literal, select

from app.auth.models import User
from app.backends.bulk import Bulk
from app.backends.prepared import Prepared
from app.backends.transaction import reading, transaction
from tests.support.factories import make_user

_WANTED = Bulk("wanted", {"id": Uuid(as_uuid=False)})


def _people(dialect: str) -> Any:
    wanted = _WANTED.table(dialect)
    users = User.__table__.c
    return (
        select(users.id, users.name, users.created_at, bindparam("word").label("word"), literal(7).label("seven"))
        .join(wanted, wanted.c.id == users.id)
        .order_by(users.id)
    )


def test_rows_have_the_types_that_an_ordinary_query_gives(app: Flask) -> None:
    query = Prepared(_people)
    ids = sorted(str(make_user(name).id) for name in ("Ada", "Bob"))
    with reading() as session:
        dialect = session.get_bind().dialect.name
        for word in ("first", "again"):
            parameters = {**_WANTED.parameters(dialect, [(ident,) for ident in ids]), "word": word}
            found = query.rows(session, parameters)
            usual = session.execute(_people(dialect), parameters).all()
            assert [tuple(row) for row in found] == [tuple(row) for row in usual]
            assert [(row.id, row.word, row.seven) for row in found] == [(ident, word, 7) for ident in ids]


def test_it_sees_what_the_session_has_not_written_yet(app: Flask) -> None:
    query, ada = Prepared(_people), make_user("Ada")
    with transaction() as work:
        work.session.get_one(User, ada.id).name = "Countess"
        parameters = {**_WANTED.parameters(work.session.get_bind().dialect.name, [(ada.id,)]), "word": ""}
        assert [row.name for row in query.rows(work.session, parameters)] == ["Countess"]
