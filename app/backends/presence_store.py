"""What presence keeps in Redis, and the commands on it. Every key belongs to a room or to one incarnation of a worker.

    room:<id>     hash   incarnation → what that worker has in the room (its *share*, as JSON)
    workers       set    incarnations that registered and were not yet cleared
    lease:<inc>   string there while the worker renews it; its end is the worker's death
    rooms:<inc>   set    rooms with a field of that incarnation: what to clear after it
    people:<inc>  set    people with a socket on that worker: who is online
    inbox:<inc>   set    rooms that others changed and that this worker has to read again

A share counts as long as its incarnation is leased, whoever wrote it when: what a worker writes after having lost its lease
(it was stopped in the middle) is ignored by every reader, and the first one has it cleared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice

import orjson

from app.backends.presence import Person
from app.backends.presence_roster import Share
from app.backends.redis_client import RedisClient

PREFIX = "greenroom:presence"
LISTED = 100
ROOM_LIFE_S = 86_400
INBOX_LIFE_S = 60
INBOX_BATCH = 1_000

Fields = dict[str, bytes]


class PresenceStore:
    """One worker's way to the store; every method is one batch, or two. All raise `RedisError`."""

    def __init__(self, client: RedisClient) -> None:
        self._run = client.run

    def register(self, incarnation: str, lease_ms: int) -> None:
        """Begin a life. The lease comes first: a worker without one is dead."""
        self._run([("SET", _key("lease", incarnation), "1", "PX", lease_ms)])
        self._run([("SADD", _key("workers"), incarnation)])

    def renew(self, incarnation: str, lease_ms: int) -> bool:
        """Prolong the lease; false if it has run out, and then it stays lost."""
        return bool(self._run([("SET", _key("lease", incarnation), "1", "XX", "PX", lease_ms)])[0])

    def write(
        self,
        incarnation: str,
        shares: Mapping[str, Share | None],
        *,
        arrived: Collection[str] = (),
        departed: Collection[str] = (),
    ) -> dict[str, Fields]:
        """Put this worker's shares (None: nothing any more) and people; all fields of these rooms as they are after it."""
        people, rooms = _key("people", incarnation), _key("rooms", incarnation)
        commands: list[tuple[object, ...]] = []
        commands += [("SADD", people, *arrived)] if arrived else []
        commands += [("SREM", people, *departed)] if departed else []
        for room_id, share in shares.items():
            room = _key("room", room_id)
            if share is None:
                commands += [("HDEL", room, incarnation), ("SREM", rooms, room_id)]
            else:
                # First the note of what to clear, then what would have to be cleared.
                commands += [("SADD", rooms, room_id), ("HSET", room, incarnation, encode_share(share))]
                commands += [("EXPIRE", room, ROOM_LIFE_S)]
        commands += [("HGETALL", _key("room", room_id)) for room_id in shares]
        answers = self._run(commands)
        return dict(zip(shares, map(_fields, answers[len(answers) - len(shares) :]), strict=True))

    def read(self, room_ids: Collection[str]) -> dict[str, Fields]:
        """All fields of the rooms."""
        answers = self._run([("HGETALL", _key("room", room_id)) for room_id in room_ids])
        return dict(zip(room_ids, map(_fields, answers), strict=True))

    def notify(self, rooms: Mapping[str, Collection[str]]) -> None:
        """Ask incarnations to read rooms again."""
        commands: list[tuple[object, ...]] = []
        for incarnation, room_ids in rooms.items():
            inbox = _key("inbox", incarnation)
            commands += [("SADD", inbox, *room_ids), ("EXPIRE", inbox, INBOX_LIFE_S)]
        self._run(commands)

    def take_inbox(self, incarnation: str) -> list[str]:
        """Rooms to read again, some of them if there are many."""
        return [_text(room_id) for room_id in self._run([("SPOP", _key("inbox", incarnation), INBOX_BATCH)])[0]]

    def leased(self, incarnations: Iterable[str]) -> set[str]:
        """Those of them that are alive."""
        asked = list(incarnations)
        answers = self._run([("EXISTS", _key("lease", incarnation)) for incarnation in asked])
        return {incarnation for incarnation, answer in zip(asked, answers, strict=True) if answer}

    def report(self, incarnations: Collection[str]) -> None:
        """Have lives that wrote after their death cleared like any other."""
        self._run([("SADD", _key("workers"), *incarnations)] if incarnations else [])

    def workers(self) -> set[str]:
        """All that registered and were not cleared, alive or not."""
        return {_text(incarnation) for incarnation in self._run([("SMEMBERS", _key("workers"))])[0]}

    def elsewhere(self, person_ids: Collection[str], incarnations: Collection[str]) -> set[str]:
        """Those of the people that one of these incarnations has."""
        pairs = [(person_id, incarnation) for person_id in person_ids for incarnation in incarnations]
        answers = self._run([("SISMEMBER", _key("people", incarnation), person_id) for person_id, incarnation in pairs])
        return {person_id for (person_id, _), answer in zip(pairs, answers, strict=True) if answer}

    def clear(self, incarnation: str) -> tuple[dict[str, Fields], set[str]]:
        """Remove a dead worker. Returns the rooms that this call cleared, with their fields before it, and its people.

        Of several peers that clear at the same time each room goes to one. The registration goes last, so that a peer that dies
        in the middle is followed by another.
        """
        room_ids, people = self._run([("SMEMBERS", _key(kind, incarnation)) for kind in ("rooms", "people")])
        rooms = self.read([_text(room_id) for room_id in room_ids])
        answers = self._run([("HDEL", _key("room", room_id), incarnation) for room_id in rooms])
        self._run([("DEL", _key(kind, incarnation)) for kind in ("rooms", "people", "inbox")])
        self._run([("SREM", _key("workers"), incarnation)])
        mine = {room_id: rooms[room_id] for room_id, answer in zip(rooms, answers, strict=True) if answer}
        return mine, set(map(_text, people))

    def fade(self, incarnation: str, grace_ms: int) -> None:
        """End the lease after `grace_ms`: peers then clear what is still there."""
        self._run([("PEXPIRE", _key("lease", incarnation), grace_ms)])


def encode_share(share: Share) -> bytes:
    """A share as JSON: the first people in full, those beyond a crowd's list by id, and the number without a name."""
    known = list(islice((person for person in share.people.values() if person), LISTED))
    listed = {person.id for person in known}
    return orjson.dumps(
        {
            "people": [[person.id, person.username, person.name, person.is_guest] for person in known],
            "more": [person_id for person_id in share.people if person_id not in listed],
            "anonymous": share.anonymous,
        }
    )


def decode_share(data: bytes) -> Share:
    """What `encode_share` made.

    Raises:
        ValueError, KeyError, TypeError: it did not make this.
    """
    value = orjson.loads(data)
    people: dict[str, Person | None] = {row[0]: Person(*row) for row in value["people"]}
    people.update(dict.fromkeys(value["more"]))
    return Share(people, int(value["anonymous"]))


def _key(kind: str, ident: str | None = None) -> str:
    return f"{PREFIX}:{kind}" if ident is None else f"{PREFIX}:{kind}:{ident}"


def _fields(answer: Mapping[bytes, bytes]) -> Fields:
    return {_text(incarnation): data for incarnation, data in answer.items()}


def _text(raw: bytes) -> str:
    return raw.decode()
