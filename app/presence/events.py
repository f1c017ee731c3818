"""What clients are told about who is here and who is typing. All of it is ephemeral: a rejoin brings the latest state."""

from __future__ import annotations

from datetime import datetime

from app.backends.presence import Person
from app.core.actor import Actor
from app.core.clock import to_wire
from app.core.event import Event, chat_channel, room_channel

USER_JOINED_ROOM = "user-joined-room"
USER_LEFT_ROOM = "user-left-room"
USER_ONLINE = "user-online"
USER_OFFLINE = "user-offline"
USER_COUNT = "user-count"
USER_TYPING = "user-typing"
USER_STOPPED_TYPING = "user-stopped-typing"


def to_payload(person: Person) -> dict[str, object]:
    """Shape: `{id, username, name, isGuest}`."""
    return {"id": person.id, "username": person.username, "name": person.name, "isGuest": person.is_guest}


def user_joined_room(room_id: str, person: Person) -> Event:
    """Carries `{roomId, user}`."""
    return Event(USER_JOINED_ROOM, room_channel(room_id), ({"roomId": room_id, "user": to_payload(person)},))


def user_left_room(room_id: str, person_id: str) -> Event:
    """Carries `{roomId, userId}`."""
    return Event(USER_LEFT_ROOM, room_channel(room_id), ({"roomId": room_id, "userId": person_id},))


def user_online(room_id: str, person: Person, origin: str | None) -> Event:
    """Carries `{userId, username}`, to everybody but the socket that came."""
    payload = {"userId": person.id, "username": person.username}
    return Event(USER_ONLINE, room_channel(room_id), (payload,), origin=origin)


def user_offline(room_id: str, person_id: str, last_seen: datetime) -> Event:
    """Carries `{userId, lastSeen}`."""
    return Event(USER_OFFLINE, room_channel(room_id), ({"userId": person_id, "lastSeen": to_wire(last_seen)},))


def user_count(room_id: str, count: int) -> Event:
    """Two arguments: the number, then `{roomId}`. A client that lags needs the newest only."""
    return Event(USER_COUNT, room_channel(room_id), (count, {"roomId": room_id}), latest_key=f"user-count:{room_id}")


def user_typing(room_id: str, actor: Actor, origin: str | None) -> Event:
    """`{roomId, userId, username}`, to those who read the conversation, except the socket that types."""
    payload = {"roomId": room_id, "userId": actor.id, "username": actor.username}
    return Event(
        USER_TYPING, chat_channel(room_id), (payload,), latest_key=_typing_key(room_id, actor.id), origin=origin
    )


def user_stopped_typing(room_id: str, person_id: str, origin: str | None) -> Event:
    """Carries `{roomId, userId}`, to those who got `user-typing`."""
    payload = {"roomId": room_id, "userId": person_id}
    return Event(
        USER_STOPPED_TYPING,
        chat_channel(room_id),
        (payload,),
        latest_key=_typing_key(room_id, person_id),
        origin=origin,
    )


def _typing_key(room_id: str, person_id: str | None) -> str:
    return f"typing:{room_id}:{person_id}"
