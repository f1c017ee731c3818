"""Who is acting: the one argument that every service takes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["anonymous", "guest", "user", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or nobody yet, or the server itself. Says who, never what they may: rights live in the rooms service.

    kind:        `anonymous` (no credential), `guest` (of one room), `user` (an account) or `system` (the server)
    id:          the account's or guest's id; None for the other kinds
    session_id:  the device the credential belongs to (an account's refresh family), so that signing out can end it
    room_id:     the only room a guest may act in
    share_token: a room's share token presented together with, or instead of, a credential
    """

    kind: ActorKind = "anonymous"
    id: str | None = None
    username: str = ""
    name: str = ""
    session_id: str | None = None
    room_id: str | None = None
    is_operator: bool = False
    share_token: str | None = None

    @property
    def user_id(self) -> str | None:
        """The account's id, None for everybody without an account."""
        return self.id if self.kind == "user" else None

    @property
    def guest_id(self) -> str | None:
        """The guest's id, None for everybody who is not a guest."""
        return self.id if self.kind == "guest" else None

    @property
    def is_guest(self) -> bool:
        return self.kind == "guest"

    @property
    def limit_key(self) -> str | None:
        """What limits are counted by: the person. None means: count by address."""
        return f"{self.kind}:{self.id}" if self.id else None


ANONYMOUS = Actor()
SYSTEM = Actor(kind="system", name="Greenroom")
