"""Accounts, devices, rooms and memberships for a run, written straight to the database; their tokens.

Run as a program of its own in the server's environment, because the app is one per process:
`python -m bench.people PEOPLE ROOMS` prints `{"rooms": [ids], "people": [[token, room id], …]}`; person n is in room
n mod ROOMS.
"""

from __future__ import annotations

import json
import sys

from gevent import monkey

monkey.patch_all()

from sqlalchemy import insert  # noqa: E402

from app import create_app  # noqa: E402
from app.auth.models import Device, User  # noqa: E402
from app.auth.tokens import issue_access_token  # noqa: E402
from app.backends.transaction import Transaction, transaction  # noqa: E402
from app.core.clock import add_ms  # noqa: E402
from app.core.ids import new_id, new_token  # noqa: E402
from app.rooms.models import EMPTY_STAGE, Membership, Room, RoomHead  # noqa: E402
from app.timers.models import Timer  # noqa: E402

LIFE_MS = 6 * 3_600_000
TIMERS = 5


def add_people(work: Transaction, count: int) -> list[tuple[str, str, str]]:
    """`count` accounts with a device each: (user id, device id, name)."""
    people = [(new_id(), new_id(), f"bench-{new_token()[:12]}".lower()) for _ in range(count)]
    times = {"created_at": work.now, "updated_at": work.now}
    work.session.execute(
        insert(User),
        [
            {"id": user, "username": name, "name": name, "password_hash": "!", "is_operator": False, **times}
            for user, _, name in people
        ],
    )
    device = {"user_agent": "bench", "created_at": work.now, "last_used_at": work.now}
    ends = add_ms(work.now, LIFE_MS)
    work.session.execute(
        insert(Device), [{"id": ident, "user_id": user, "expires_at": ends, **device} for user, ident, _ in people]
    )
    return people


def add_rooms(work: Transaction, count: int, owner: str) -> list[str]:
    """`count` public rooms with `TIMERS` timers each; their ids."""
    rooms = [new_id() for _ in range(count)]
    times = {"created_at": work.now, "updated_at": work.now}
    room = {"name": "Bench", "owner_id": owner, "is_private": False, "settings": {}, "stage": EMPTY_STAGE, **times}
    work.session.execute(insert(Room), [{"id": ident, "share_token": new_token(), **room} for ident in rooms])
    work.session.execute(
        insert(RoomHead), [{"room_id": ident, "epoch": new_token(), "room_seq": 0, "chat_seq": 0} for ident in rooms]
    )
    slots = ((ident, position) for ident in rooms for position in range(TIMERS))
    for ident, position in slots:
        timer = Timer.new(room_id=ident, position=position, now=work.now, title="A talk", duration_ms=1_800_000)
        work.session.add(timer)
    return rooms


def main(people_count: int, room_count: int) -> None:
    app = create_app()
    with app.app_context(), transaction() as work:
        people = add_people(work, people_count)
        rooms = add_rooms(work, room_count, people[0][0])
        places = [rooms[n % room_count] for n in range(people_count)]
        member = {"role": "member", "joined_chat_seq": 0, "created_at": work.now, "updated_at": work.now}
        work.session.execute(
            insert(Membership),
            [{"user_id": user, "room_id": room, **member} for (user, _, _), room in zip(people, places, strict=True)],
        )
        tokens = [
            issue_access_token(user_id=user, username=name, name=name, session_id=device, now=work.now, life_ms=LIFE_MS)
            for user, device, name in people
        ]
    print(json.dumps({"rooms": rooms, "people": list(zip(tokens, places, strict=True))}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
