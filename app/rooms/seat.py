"""What a connected socket holds in a room that it joined: the room's seat (`Client.seats[room_id]`).

A seat is a note for delivering, not a right: rights are asked anew at every action.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.core.event import chat_channel, room_channel
from app.rooms.models import Role

Dialect = Literal["kebab", "snake"]


@dataclass(slots=True)
class Seat:
    """One socket in one room.

    role:        what the person could do when last looked at
    reads_chat:  whether the socket is in the conversation's channel
    dialect:     `snake` for clients that joined with `join_room`: they get the translated events
    share_token: the token the seat hangs on, if it is what let them in; rotating it ends the seat
    may_write:   whether the conversation was open to the person's words when last looked at, a mute aside
    muted_until: until when the person is muted
    hidden_upto: messages up to this number may not be read from here (`history`), whatever becomes of them
    """

    room_id: str
    role: Role
    reads_chat: bool
    dialect: Dialect = "kebab"
    share_token: str | None = None
    may_write: bool = True
    muted_until: datetime | None = None
    hidden_upto: int = 0

    def channels(self) -> list[str]:
        """The channels that this seat listens on."""
        suffix = "" if self.dialect == "kebab" else f"~{self.dialect}"
        names = [room_channel(self.room_id) + suffix]
        if self.reads_chat:
            names.append(chat_channel(self.room_id) + suffix)
            if self.hidden_upto:
                names.append(late_channel(self.room_id))
        return names


def late_channel(room_id: str) -> str:
    """Where the sockets are that may not read the whole conversation; nothing is sent to it, it tells who they are."""
    return f"{chat_channel(room_id)}~late"
