"""What timers look like on the wire, and what may be sent."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from app.timers.models import MAX_DURATION_MS, MIN_DURATION_MS, ON_FINISH, STATES
from app.timers.times import find_zone
from app.web.schema import Flag, Id, Instant, Items, Line, Schema, Text, Whole, one_of

MAX_TIMERS = 500
MAX_POSITION = 1_000_000  # deletions leave gaps
TAG_LENGTH = 16
IMPORT_MODES = ("append", "replace")
ACTIONS = ("start", "pause", "reset", "adjust", "next", "undo")


class TimerSchema(Schema):
    """A timer; what is not read-only may be written. `serverNow` and `seq` come with events."""

    id = Id(dump_only=True)
    room_id = Id(dump_only=True)
    title = Line(max_length=200, required=True)
    description = Text(max_length=2000, allow_none=True)
    position = Whole(minimum=0, maximum=MAX_POSITION)
    duration = Whole(
        attribute="duration_ms",
        minimum=MIN_DURATION_MS,
        maximum=MAX_DURATION_MS,
        required=True,
    )
    state = fields.String(dump_only=True, validate=validate.OneOf(STATES))
    is_active = Flag(dump_only=True)
    start_timestamp = Instant(attribute="started_at", dump_only=True, allow_none=True)
    end_timestamp = Instant(attribute="end_at", dump_only=True, allow_none=True)
    remaining_ms = Whole(dump_only=True, allow_none=True)
    added_ms = Whole(dump_only=True)
    warn_ms = Whole(minimum=0, maximum=MAX_DURATION_MS)
    danger_ms = Whole(minimum=0, maximum=MAX_DURATION_MS)
    on_finish = fields.String(validate=validate.OneOf(ON_FINISH))
    starts_at = Instant(allow_none=True)
    planned_at = Instant(allow_none=True)
    finished_at = Instant(dump_only=True, allow_none=True)
    revision = Whole(dump_only=True)
    created_at = Instant(dump_only=True)
    updated_at = Instant(dump_only=True)
    server_now = Instant(dump_only=True)
    seq = Whole(dump_only=True)


class TimerChange(TimerSchema):
    """What is to change of a timer: the keys that are sent, and nothing else."""


class TimerList(Schema):
    """The timers of a room in their order; always one page."""

    items = fields.List(fields.Nested(TimerSchema), dump_only=True)
    next_cursor = fields.String(dump_only=True, allow_none=True)


class Adjustment(Schema):
    """The time that is to be given to a timer, or taken from it."""

    delta_ms = Whole(minimum=-MAX_DURATION_MS, maximum=MAX_DURATION_MS, required=True)


class TimerOrder(Schema):
    """The order that the timers of the room are to have."""

    ids = Items(Id(), max_length=MAX_TIMERS, required=True)


def _is_day(text: str) -> None:
    try:
        if "-" in text:
            date.fromisoformat(text)
    except ValueError:
        raise ValidationError("There is no such day.") from None


def _is_zone(name: str) -> None:
    try:
        find_zone(name)
    except ValueError as why:
        raise ValidationError(str(why)) from None


class TimerImport(Schema):
    """A programme: the text of a CSV file, or the schedule JSON of pretalx or frab, and what to take of it."""

    json_rules: ClassVar[dict[str, Any]] = one_of("csv", "schedule")
    csv = Text(max_length=1_000_000, trim=False)
    schedule = fields.Dict(metadata={"description": "The value of `schedule` in the export of pretalx or frab."})
    room = Text(max_length=200, metadata={"description": "Only the slots of this room of the programme are taken."})
    day = Text(
        max_length=10,
        validate=[validate.Regexp(r"[0-9]{1,2}\Z|[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"), _is_day],
        metadata={
            "description": "Only this day is taken: its date, or its number from 1. Times that have no date are of that"
            " date, else of today.",
            "example": "1",
            "pattern": "^([0-9]{1,2}|[0-9]{4}-[0-9]{2}-[0-9]{2})$",
        },
    )
    time_zone = Text(
        max_length=64,
        validate=_is_zone,
        metadata={
            "description": "The IANA name of the zone of times that have none; UTC without it.",
            "example": "Europe/Paris",
        },
    )
    auto_start = Flag(metadata={"description": "Whether each timer starts by itself at its time."})
    on_finish = fields.String(
        validate=validate.OneOf(ON_FINISH),
        metadata={
            "description": "What each timer does at its end where the programme does not say; `stop` without it."
        },
    )
    mode = fields.String(
        validate=validate.OneOf(IMPORT_MODES),
        metadata={
            "description": "`append`, as without it: after the timers that are there. `replace`: in the place of all of them,"
            " which is refused (409) while one of them runs or is paused. An undo of one of them, within 10 s and before a"
            " timer of the room is changed, brings them all back and takes the new ones away."
        },
    )
    run_tag = Text(
        max_length=TAG_LENGTH,
        metadata={
            "description": "The `runTag` of a preview: a replacement is refused (409 `run_changed`) if a timer was added,"
            " changed or removed since."
        },
    )

    @validates_schema
    def _one_programme(self, data: dict[str, Any], **kwargs: Any) -> None:
        if ("csv" in data) == ("schedule" in data):
            raise ValidationError("Send either `csv` or `schedule`.", "csv")


class PlannedTimerSchema(TimerSchema):
    """A timer as an import would make it."""

    class Meta(Schema.Meta):
        fields = ("title", "description", "duration", "warn_ms", "danger_ms", "on_finish", "starts_at", "planned_at")


class ImportPreviewSchema(Schema):
    """What an import would do now: `items` are the timers of the good rows, `problems` what is wrong with the others."""

    items = fields.List(fields.Nested(PlannedTimerSchema), dump_only=True)
    problems = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        dump_only=True,
        metadata={"description": "Sentences by row, the header being row 1. With any, the import is refused (422)."},
    )
    ignored_columns = fields.List(
        fields.String(), dump_only=True, metadata={"description": "The columns of the CSV of which nothing is taken."}
    )
    rooms = fields.List(
        fields.String(),
        dump_only=True,
        metadata={
            "description": "The rooms that the programme names, in its order: one of them may be sent as `room`."
        },
    )
    days = fields.List(
        fields.String(),
        dump_only=True,
        metadata={"description": "The dates on which it has something in that room: one of them may be sent as `day`."},
    )
    day = fields.String(
        dump_only=True,
        allow_none=True,
        metadata={"description": "The date that times without one are taken to be of; null where each has its own."},
    )
    time_zone = fields.String(
        dump_only=True,
        allow_none=True,
        metadata={"description": "The zone that times without one are taken to be in; null where each has its own."},
    )
    timer_count = Whole(
        dump_only=True, metadata={"description": "How many timers the room has, which a replacement would remove."}
    )
    can_replace = Flag(
        dump_only=True,
        metadata={"description": "False while one of them runs or is paused: a replacement is refused (409)."},
    )
    run_tag = fields.String(
        dump_only=True, metadata={"description": "Sent along with a replacement, it removes these timers or none."}
    )


class TimerAction(Schema):
    """The `timer-action` event; `deltaMs` belongs to `adjust` and to nothing else."""

    json_rules: ClassVar[dict[str, Any]] = {
        "if": {"properties": {"action": {"const": "adjust"}}},
        "then": {"required": ["deltaMs"]},
        "else": {"not": {"required": ["deltaMs"]}},
    }
    timer_id = Id(required=True)
    action = fields.String(required=True, validate=validate.OneOf(ACTIONS))
    delta_ms = Whole(minimum=-MAX_DURATION_MS, maximum=MAX_DURATION_MS)

    @validates_schema
    def _delta_is_for_adjust(self, data: dict[str, Any], **kwargs: Any) -> None:
        if (data["action"] == "adjust") != ("delta_ms" in data):
            raise ValidationError("`adjust` needs it, the other actions do not take it.", "deltaMs")
