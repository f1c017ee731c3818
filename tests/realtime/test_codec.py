"""JSON as the contract wants it."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from app.realtime import codec

#: Python 3.13 reads it, 3.11 does not.
DEEP = '{"a":' * 5_000 + "1" + "}" * 5_000


def test_an_instant_is_utc_with_milliseconds_and_a_z() -> None:
    paris = timezone(timedelta(hours=2))
    assert codec.dumps(datetime(2025, 10, 30, 9, 5, 7, 123_999, paris)) == '"2025-10-30T07:05:07.123Z"'
    assert codec.dumps([datetime(2025, 1, 1, tzinfo=UTC)]) == '["2025-01-01T00:00:00.000Z"]'


def test_a_uuid_is_its_text() -> None:
    assert codec.dumps({"id": UUID(int=1)}) == '{"id":"00000000-0000-0000-0000-000000000001"}'


@pytest.mark.parametrize("value", [datetime(2025, 1, 1), object(), {1, 2}, b"x"])  # noqa: DTZ001
def test_what_has_no_json_form_raises(value: object) -> None:
    with pytest.raises(TypeError):
        codec.dumps(value)


@pytest.mark.parametrize("text", ["{", "nan", "[" * 100_000, DEEP, "\x00"])
def test_what_is_not_json_raises_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        codec.loads(text)


def test_what_the_quick_parser_does_not_take_is_read_as_deep_as_it_would() -> None:
    assert codec.loads("[" * 100 + "NaN" + "]" * 100)
    with pytest.raises(ValueError, match="nested too deep"):
        codec.loads("[" * 2_000 + "NaN" + "]" * 2_000)
