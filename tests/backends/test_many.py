"""Asking about many ids at once, on both databases."""

from __future__ import annotations

import gevent
from sqlalchemy import select

from app.backends.many import PORTION, asked, in_portions
from app.backends.transaction import reading
from app.core.ids import new_id
from tests.support.factories import make_user


def test_others_run_between_two_portions(app: object) -> None:
    ids = [new_id() for _ in range(2 * PORTION + 1)]
    seen: list[str] = []
    portions = in_portions(ids)
    for portion in portions:
        gevent.spawn(seen.append, "another")
        seen.extend(portion)
    assert [ident for ident in seen if ident != "another"] == ids
    assert [number for number, ident in enumerate(seen) if ident == "another"] == [PORTION, 2 * PORTION + 1]


def test_nothing_is_no_portion() -> None:
    assert list(in_portions([])) == []


def test_ids_are_a_column_in_the_form_of_the_application(app: object) -> None:
    ids = {make_user().id, new_id()}
    with reading() as session:
        assert set(session.scalars(select(asked(session, ids)))) == ids
