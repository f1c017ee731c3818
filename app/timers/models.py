"""A timer as a state machine, and its table.

Rules: the methods here are the only code that changes a timer's state. They are pure: no session, no clock, `now` comes in.
Each answers whether anything changed; what already holds changes nothing, not even `revision`. Nothing counts down: a running
timer is the instant of its end, so a crash loses nothing and every client computes the same rest.

idle      `remaining_ms` is what a start would give: `duration_ms + added_ms`
running   `ends_at` is set
paused    `paused_left_ms` is set
finished  `finished_at` is set: the end, however late it was noticed
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.backends.columns import BigInt, Id, PrimaryId, When
from app.core.clock import add_ms, from_wire, ms_between, to_wire
from app.core.errors import AppError
from app.core.ids import new_id
from app.extensions import Base

STATES = ("idle", "running", "paused", "finished")
ON_FINISH = ("stop", "overtime", "next")
MIN_DURATION_MS = 1_000
MAX_DURATION_MS = 7 * 86_400_000
WARN_MS = 60_000
DANGER_MS = 15_000

# Literal, so that every plan of a query that has them can use the partial indexes.
IS_RUNNING = text("state = 'running'")
IS_WAITING = text("state = 'idle' AND wakes_at IS NOT NULL")
_INSTANTS = ("started_at", "ends_at", "finished_at", "starts_at", "wakes_at", "planned_at", "created_at")
_VALUES = (
    *("title", "description", "position", "duration_ms", "state", "paused_left_ms"),
    *("added_ms", "warn_ms", "danger_ms", "on_finish", "revision"),
)


class Timer(Base):
    """One slot of a run of show.

    starts_at:  when it starts itself, as the host wrote it; `wakes_at` is that alarm while it is set and the timer idle
    planned_at: when the programme, or a host, has it begin; starts nothing, for comparing plan and fact
    """

    __tablename__ = "timers"
    __table_args__ = (
        CheckConstraint("state IN ('idle', 'running', 'paused', 'finished')", name="state"),
        CheckConstraint("(state = 'running') = (ends_at IS NOT NULL)", name="running_ends"),
        CheckConstraint("(state = 'paused') = (paused_left_ms IS NOT NULL)", name="paused_keeps"),
        CheckConstraint("(state = 'finished') = (finished_at IS NOT NULL)", name="finished_ended"),
        Index("ix_timers_room_id_position", "room_id", "position"),
        Index("ix_timers_ends_at", "ends_at", postgresql_where=IS_RUNNING, sqlite_where=IS_RUNNING),
        Index("ix_timers_wakes_at", "wakes_at", postgresql_where=IS_WAITING, sqlite_where=IS_WAITING),
    )

    id: Mapped[PrimaryId]
    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(String(2000))
    position: Mapped[int]
    duration_ms: Mapped[BigInt]
    state: Mapped[str] = mapped_column(String(10))
    started_at: Mapped[When | None]
    ends_at: Mapped[When | None]
    paused_left_ms: Mapped[BigInt | None]
    added_ms: Mapped[BigInt]
    warn_ms: Mapped[BigInt]
    danger_ms: Mapped[BigInt]
    on_finish: Mapped[str] = mapped_column(String(10))
    starts_at: Mapped[When | None]
    wakes_at: Mapped[When | None]
    planned_at: Mapped[When | None]
    finished_at: Mapped[When | None]
    revision: Mapped[int] = mapped_column()
    created_at: Mapped[When]
    updated_at: Mapped[When]

    # Every UPDATE asks for the revision that was read: whoever changes the row is the one who tells.
    __mapper_args__ = {"version_id_col": revision, "version_id_generator": False}

    @classmethod
    def new(cls, *, room_id: str, position: int, now: datetime, **values: Any) -> Timer:
        """An idle timer; `values` as for `amend`, `title` and `duration_ms` among them."""
        timer = cls(
            id=new_id(),
            room_id=room_id,
            position=position,
            state="idle",
            added_ms=0,
            revision=0,
            created_at=now,
            updated_at=now,
            warn_ms=WARN_MS,
            danger_ms=DANGER_MS,
            on_finish="stop",
        )
        timer.amend(values, now)
        timer.revision = 1
        return timer

    @property
    def is_active(self) -> bool:
        """Whether time is running."""
        return self.state == "running"

    @property
    def end_at(self) -> datetime | None:
        """When it ends, or ended."""
        return self.ends_at or self.finished_at

    @property
    def remaining_ms(self) -> int | None:
        """What is left, in ms; None while running, when only `ends_at` is true."""
        if self.state == "idle":
            return self.duration_ms + self.added_ms
        return {"running": None, "paused": self.paused_left_ms, "finished": 0}[self.state]

    @property
    def due_at(self) -> datetime | None:
        """When the timer changes by itself: a running one ends, an idle one starts."""
        return self.wakes_at if self.state == "idle" else self.ends_at

    def is_due(self, now: datetime) -> bool:
        """Whether it should have changed by itself at `now`."""
        return self.due_at is not None and self.due_at <= now

    def start(self, now: datetime) -> bool:
        """Run from `now`: an idle timer from its beginning, a paused one with what is left.

        Raises:
            AppError: `illegal_transition` when it has finished.
        """
        if self.state == "running":
            return False
        self._refuse("finished", "A finished timer has to be reset before it can start.")
        self.ends_at = add_ms(now, self.remaining_ms or 0)
        self.started_at = self.started_at or now
        self.paused_left_ms = self.wakes_at = None
        return self._become("running")

    def pause(self, now: datetime) -> bool:
        """Keep what is left.

        Raises:
            AppError: `illegal_transition` when it is idle or has finished.
        """
        if self.state == "paused":
            return False
        self._refuse("idle", "The timer has not started.")
        self._refuse("finished", "The timer has finished.")
        assert self.ends_at is not None
        self.paused_left_ms = max(0, ms_between(now, self.ends_at))
        self.ends_at = None
        return self._become("paused")

    def reset(self, now: datetime) -> bool:
        """Back to the beginning, adjustments forgotten; an alarm that is still ahead is set again."""
        if self.state == "idle" and self.added_ms == 0:
            return False
        self.started_at = self.ends_at = self.paused_left_ms = self.finished_at = None
        self.added_ms = 0
        self._become("idle")
        self._set_alarm(now)
        return True

    def adjust(self, delta_ms: int, now: datetime) -> bool:
        """Give or take time; what is left stays between nothing and seven days, `added_ms` tells what was given.

        Raises:
            AppError: `illegal_transition` when it has finished.
        """
        self._refuse("finished", "The timer has finished.")
        left_ms = self.remaining_ms if self.ends_at is None else ms_between(now, self.ends_at)
        assert left_ms is not None
        given_ms = min(max(left_ms + delta_ms, 0), MAX_DURATION_MS) - left_ms
        if given_ms == 0:
            return False
        self.added_ms += given_ms
        if self.paused_left_ms is not None:
            self.paused_left_ms += given_ms
        if self.ends_at is not None:
            self.ends_at = add_ms(self.ends_at, given_ms)
            if self.ends_at <= now:
                return self.finish(now)
        return self._become(self.state)

    def finish(self, at: datetime) -> bool:
        """End at the instant `at`, whatever is left."""
        if self.state == "finished":
            return False
        self.finished_at = at
        self.ends_at = self.paused_left_ms = self.wakes_at = None
        return self._become("finished")

    def amend(self, values: dict[str, Any], now: datetime) -> bool:
        """Change what a host may write; keys are column names.

        Raises:
            AppError: `illegal_transition` for another duration while not idle, `validation_failed` for a start in the past.
        """
        changed = {key: value for key, value in values.items() if getattr(self, key) != value}
        if not changed:
            return False
        if "duration_ms" in changed:
            if self.state != "idle":
                raise AppError("illegal_transition", "The duration can change only while the timer is idle.")
            self.added_ms = max(self.added_ms, -changed["duration_ms"])
        starts_at = changed.get("starts_at")
        if starts_at is not None and starts_at <= now:
            raise AppError("validation_failed", details={"startsAt": ["Must be in the future."]})
        for key, value in changed.items():
            setattr(self, key, value)
        if "starts_at" in changed:
            self._set_alarm(now)
        return self._become(self.state)

    def snapshot(self) -> dict[str, Any]:
        """Everything that an undo needs, JSON-ready."""
        instants = {key: getattr(self, key) for key in _INSTANTS}
        return {
            **{key: getattr(self, key) for key in _VALUES},
            **{key: None if at is None else to_wire(at) for key, at in instants.items()},
        }

    def restore(self, snapshot: dict[str, Any], now: datetime) -> bool:
        """Be again as at `snapshot`, under a new revision; an alarm that has passed since stays silent."""
        revision = max(self.revision or 0, snapshot["revision"])
        for key in _VALUES:
            setattr(self, key, snapshot[key])
        for key in _INSTANTS:
            setattr(self, key, None if snapshot[key] is None else from_wire(snapshot[key]))
        if self.wakes_at is not None and self.wakes_at <= now:
            self.wakes_at = None
        self.revision = revision
        return self._become(self.state)

    def _set_alarm(self, now: datetime) -> None:
        is_ahead = self.starts_at is not None and self.starts_at > now
        self.wakes_at = self.starts_at if is_ahead and self.state == "idle" else None

    def _become(self, state: str) -> bool:
        self.state = state
        self.revision += 1
        return True

    def _refuse(self, state: str, why: str) -> None:
        if self.state == state:
            raise AppError("illegal_transition", why)
