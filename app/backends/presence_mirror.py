"""What other workers have, mirrored into the rosters of this one. Sources are workers; of two lives of one the newer counts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import structlog

from app.backends.presence import Person
from app.backends.presence_memory import MemoryPresence
from app.backends.presence_roster import LOCAL, PARTING, Share
from app.backends.presence_store import decode_share

log = structlog.get_logger(__name__)

NOTHING = Share()

Hold = Callable[[str, Person], None]


class Mirror:
    """Puts shares of others into the rosters of `presence` and takes them out again."""

    def __init__(self, presence: MemoryPresence, hold: Hold) -> None:
        """`hold(room_id, person)` is called before a living worker lets go of somebody."""
        self._presence, self._hold = presence, hold
        self._sources: set[str] = set()

    def show(self, room_id: str, fields: Mapping[str, bytes], *, is_complete: bool) -> None:
        """Others have these fields in the room, by incarnation; with `is_complete` nobody else has anything there."""
        roster = self._presence.roster(room_id)
        newest = newest_lives(fields)
        if is_complete:
            for source in roster.shares.keys() - newest.keys() - {LOCAL, PARTING}:
                self._part(room_id, source, NOTHING)
                self._replace(room_id, source, NOTHING)
        for source, incarnation in newest.items():
            stamp = hash(fields[incarnation])
            if source not in roster.shares or roster.shares[source].stamp != stamp:
                self._show_share(room_id, source, fields[incarnation], stamp)
        self._presence.prune(room_id)

    def keep_only(self, sources: Collection[str]) -> None:
        """All other workers have nothing any more, anywhere."""
        gone = self._sources - set(sources)
        if not gone:
            return
        self._sources -= gone
        for room_id, roster in list(self._presence.rooms.items()):
            for source in roster.shares.keys() & gone:
                self._replace(room_id, source, NOTHING)
            self._presence.prune(room_id)

    def hide(self, room_id: str) -> None:
        """Nobody here is in the room any more: forget it without a word."""
        self._presence.rooms.pop(room_id, None)

    def _show_share(self, room_id: str, source: str, data: bytes, stamp: int) -> None:
        try:
            share = decode_share(data)
        except (ValueError, KeyError, TypeError, IndexError):
            log.warning("presence_share_unreadable", room=room_id, worker=source)
            return
        self._sources.add(source)
        self._part(room_id, source, share)
        self._replace(room_id, source, share)
        if kept := self._presence.roster(room_id).shares.get(source):
            kept.stamp = stamp

    def _part(self, room_id: str, source: str, share: Share) -> None:
        """Keep for a moment whom the source has no more: of those beyond a list nobody is told that they go."""
        known = self._presence.roster(room_id).shares.get(source, NOTHING).people
        for person_id in known.keys() - share.people.keys():
            if person := known[person_id]:
                self._hold(room_id, person)

    def _replace(self, room_id: str, source: str, share: Share) -> None:
        roster = self._presence.roster(room_id)
        roster.replace(source, share.people, share.anonymous, self._presence.listener)


def source_of(incarnation: str) -> str:
    """The worker that lives, or lived, this life."""
    return incarnation.rpartition(".")[0]


def newest_lives(incarnations: Collection[str]) -> dict[str, str]:
    """Worker → the newest of these incarnations of it."""
    newest: dict[str, str] = {}
    for incarnation in sorted(incarnations, key=_generation):
        newest[source_of(incarnation)] = incarnation
    return newest


def _generation(incarnation: str) -> int:
    number = incarnation.rpartition(".")[2]
    return int(number) if number.isdecimal() else 0
