"""The quick way to validate and the schema agree on everything, right or wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError, fields, post_load

from app.core.ids import new_id
from app.live.schemas import JoinRoom, RequestSync
from app.messages.schemas import FlatMessage, MarkRead, MessageRef, SendMessage
from app.web.quick import quick
from app.web.schema import Flag, Schema, Text

HOT = (SendMessage, FlatMessage, MarkRead, MessageRef, JoinRoom, RequestSync)
ODD_TEXT = st.sampled_from(
    ["", " ", " hello ", "\x00", "\ud800", "hällo", "x" * 4000, "x" * 4001, "é" * 4001, "text", "question", "system"]
)
VALUES = st.one_of(
    st.builds(new_id),
    ODD_TEXT,
    st.text(max_size=20),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.just([]),
    st.just({}),
    st.fixed_dictionaries(
        {"epoch": st.sampled_from(["e", "", 3]), "room": st.sampled_from([0, 7, -1, 2**63, True, 1.0, "1"])},
        optional={"chat": st.integers(0, 9), "more": st.just(1)},
    ),
)
KEYS = sorted({str(field.data_key) for schema in HOT for field in schema().load_fields.values()} | {"unknown"})


def told(load: Any, data: dict[str, Any]) -> Any:
    """What a loader answers, or what it says is wrong."""
    try:
        return load(dict(data))
    except ValidationError as why:
        return ("refused", why.messages)


@pytest.mark.parametrize("schema", HOT, ids=lambda schema: schema.__name__)
@settings(max_examples=60, deadline=None)
@given(data=st.dictionaries(st.sampled_from(KEYS), VALUES), right=st.booleans())
def test_both_ways_give_the_same_answer(schema: type[Schema], data: dict[str, Any], right: bool) -> None:
    if right:  # otherwise hardly any example has all that is required
        ids = {
            key: new_id()
            for key in ("roomId", "messageId")
            if key in {f.data_key for f in schema().load_fields.values()}
        }
        data = {**data, **ids}
    one = schema()
    assert told(quick(one), data) == told(one.load, data)


@pytest.mark.parametrize("schema", HOT, ids=lambda schema: schema.__name__)
def test_the_schemas_of_hot_events_have_a_quick_way(schema: type[Schema]) -> None:
    one = schema()
    assert quick(one) != one.load


def test_a_schema_with_other_fields_or_steps_has_none() -> None:
    class Flagged(Schema):
        flag = Flag()

    class Changed(Schema):
        text = Text(max_length=3)

        @post_load
        def change(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
            return {"text": data["text"] + "!"}

    class Checked(Schema):
        text = Text(max_length=3, validate=lambda value: value != "no")

    class Dated(Schema):
        text = fields.String(load_default=lambda: "now")

    for schema in (Flagged, Changed, Checked, Dated):
        one = schema()
        assert quick(one) == one.load
