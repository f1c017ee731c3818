"""From an event to the local members of its channel, each in its dialect.

Rule: who may not read an older message (`history`) does not get what becomes of it either: such members are few, known by
`late_channel`, and only a change of an older message has to look for them. Its number is one without an event for them.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.core.event import Event
from app.live import dialects
from app.messages.events import MESSAGE_EDITED
from app.rooms.seat import Seat, late_channel
from app.web.sockets import Client, sockets


def fan_out(event: Event) -> None:
    """Give `event` to every local member of its channel."""
    late = _late_members(event)
    if late:
        _fan_out_around(event, late)
        return
    server = sockets.server
    server.fanout(event.channel, event.name, *event.args, skip_sid=event.origin, latest_key=event.latest_key)
    snake = event.channel + dialects.SNAKE_SUFFIX
    if server.member_count(snake):
        for name, *args in dialects.translate(event):
            server.fanout(snake, name, *args, skip_sid=event.origin, latest_key=event.latest_key)


def send(client: Client, seat: Seat, event: Event) -> None:
    """Give `event` to one client in the dialect of its seat, unless it tells of what may not be read from there."""
    if is_hidden(seat, event):
        return
    for name, *args in [(event.name, *event.args)] if seat.dialect == "kebab" else dialects.translate(event):
        sockets.server.send(client.sid, name, *args)


def is_hidden(seat: Seat, event: Event) -> bool:
    """Whether `event` carries a message from before what may be read from `seat`."""
    return event.name == MESSAGE_EDITED and event.args[0]["seq"] <= seat.hidden_upto


def _late_members(event: Event) -> set[str]:
    """The sockets that must not get `event`."""
    if event.name != MESSAGE_EDITED or not event.room_id:
        return set()
    channel = late_channel(event.room_id)
    if not sockets.server.member_count(channel):
        return set()
    return {client.sid for client, seat in _seated(channel, event.room_id) if is_hidden(seat, event)}


def _fan_out_around(event: Event, late: set[str]) -> None:
    for channel in (event.channel, event.channel + dialects.SNAKE_SUFFIX):
        for client, seat in _seated(channel, str(event.room_id)):
            if client.sid not in late:
                send(client, seat, event)


def _seated(channel: str, room_id: str) -> Iterator[tuple[Client, Seat]]:
    """The members of `channel`, without those whose connection is coming to its end."""
    for sid in sockets.server.members(channel):
        client = sockets.clients.get(sid)
        seat = client.seats.get(room_id) if client else None
        if client and seat:
            yield client, seat
