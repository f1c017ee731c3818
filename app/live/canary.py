"""The canary: whether what one worker commits reaches every worker, tried each second.

1. Each worker commits the next number of its own row and publishes it in the canary room, which every worker hears.
2. Whoever hears it notes how long that took: from the transaction's instant (database and bus), and from its publication (bus).
3. Each worker reads all rows. A number that was there when it last looked and has still not been heard is lost.

The canary room has an id and no row: no client can join it. Nothing here is needed for anything else; a row that has not
sung for `FORGOTTEN_MS` belongs to a worker that is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import gevent
import structlog
from sqlalchemy import delete, select

from app.backends.handles import handles
from app.backends.transaction import database, reading, transaction
from app.core.clock import add_ms, from_epoch_ms, ms_between, to_epoch_ms
from app.core.errors import AppError
from app.core.event import Event, room_channel
from app.core.ids import new_id
from app.live.models import Canary
from app.web.metrics import metrics

SINGS_EVERY_S = 1.0
LISTENED_TO_MS = 10_000
FORGOTTEN_MS = 3_600_000
NAME = "canary"
ROOM_ID = "00000000-0000-7000-8000-00000000ca9a"

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Singer:
    """What is known of one worker's canary: counted up to `judged`, seen in the database up to `seen`."""

    judged: int
    seen: int
    heard: set[int] = field(default_factory=set)


class Aviary:
    """A worker's own canary, and what it has heard of all."""

    def __init__(self) -> None:
        self.id = new_id()
        self._seq = 0
        self._singers: dict[str, _Singer] = {}

    def sing(self) -> None:
        """Commit the next number and publish it.

        Raises:
            AppError: `database_unavailable`.
        """
        with transaction() as work:
            self._seq += 1
            work.session.merge(Canary(id=self.id, seq=self._seq, sung_at=work.now))
            work.after_commit(lambda: self._publish(work.now))

    def _publish(self, sung_at: datetime) -> None:
        song = {
            "id": self.id,
            "seq": self._seq,
            "sungAt": to_epoch_ms(sung_at),
            "publishedAt": to_epoch_ms(handles.clock.now()),
        }
        handles.bus.publish([Event(NAME, room_channel(ROOM_ID), (song,))])

    def hear(self, event: Event) -> None:
        """A canary arrived."""
        (song,) = event.args
        now = handles.clock.now()
        metrics.canary_heard(
            since_sung_s=ms_between(from_epoch_ms(song["sungAt"]), now) / 1000,
            since_published_s=ms_between(from_epoch_ms(song["publishedAt"]), now) / 1000,
        )
        if (singer := self._singers.get(song["id"])) is not None and song["seq"] > singer.judged:
            singer.heard.add(song["seq"])

    def listen(self) -> int:
        """Look who has sung; how many were lost since the last time.

        Raises:
            AppError: `database_unavailable`.
        """
        with reading() as session:
            since = add_ms(database.now(), -LISTENED_TO_MS)
            sung = {row.id: row.seq for row in session.scalars(select(Canary).where(Canary.sung_at > since))}
        lost = 0
        for ident, seq in sung.items():
            singer = self._singers.setdefault(ident, _Singer(judged=seq, seen=seq))
            lost += len(set(range(singer.judged + 1, singer.seen + 1)) - singer.heard)
            singer.heard = {number for number in singer.heard if number > singer.seen}
            singer.judged, singer.seen = singer.seen, seq
        self._singers = {ident: singer for ident, singer in self._singers.items() if ident in sung}
        return lost


def forget_silent() -> None:
    """Remove the rows of workers that are gone."""
    with transaction() as work:
        work.session.execute(delete(Canary).where(Canary.sung_at < add_ms(work.now, -FORGOTTEN_MS)))


aviary = Aviary()


def hear(event: Event) -> None:
    """Hand a canary that arrived to this worker's."""
    aviary.hear(event)


def watch() -> None:
    """The loop; one greenlet for each worker."""
    handles.bus.subscribe(room_channel(ROOM_ID))
    forget_silent()
    while True:
        try:
            aviary.sing()
            metrics.canary_lost.inc(lost := aviary.listen())
            if lost:
                log.warning("canaries_lost", count=lost)
        except AppError as why:
            metrics.canary_failures.inc()
            log.warning("canary_failed", code=why.code)
        gevent.sleep(SINGS_EVERY_S)
