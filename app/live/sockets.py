"""Socket events about being in a room, and about the connection itself."""

from __future__ import annotations

from typing import Any

from app.auth import service as auth
from app.backends.handles import handles
from app.core.clock import to_wire
from app.core.errors import AppError
from app.live import heads, screens, service
from app.live.schemas import Authenticate, JoinRoom, LeaveRoom, Ping, RequestSync, ScreenReportSchema
from app.live.state import Position
from app.web.sockets import Client, on, sockets


@on("join-room", JoinRoom, string_key="roomId", limit="join")
def join_room(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Enter a room by its id or share token; with a `position`, what changed since is sent first.

    Ack `{ok, room, users, messages, you: {role, userId}, position, recovered}`. `recovered: true`: what was missed came as
    events and `messages` is empty; false: begin anew from `room` and from `messages`, the last 50.
    """
    return service.join_room(client, ref=_ref(data), asked=_asked(data))


@on("join_room", JoinRoom, string_key="roomId", limit="join")
def join_room_snake(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """As `join-room`; from then on the room's joins, messages, typing and presence come under their snake_case names.

    These are `room_joined`, `room_left`, `message`, `typing {roomId, userId, isTyping}` and `presence {roomId, users: [ids]}`.
    Ack as of `join-room`.
    """
    return service.join_room(client, ref=_ref(data), asked=_asked(data), dialect="snake")


@on("leave-room", LeaveRoom, string_key="roomId")
def leave_room(client: Client, data: dict[str, Any]) -> None:
    """Leave a room, or without a `roomId` all of them; `room-left` follows for each. Ack `{ok}`."""
    service.leave_room(client, ref=data.get("room_id"))


@on("leave_room", LeaveRoom, string_key="roomId")
def leave_room_snake(client: Client, data: dict[str, Any]) -> None:
    """Another name of `leave-room`. Ack `{ok}`."""
    service.leave_room(client, ref=data.get("room_id"))


@on("request-sync", RequestSync, string_key="roomId", limit="join")
def request_sync(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Be told a room again that the client is in, as by another `join-room`; send it when a number was skipped.

    Ack as of `join-room`; without a `roomId` and in several rooms `{ok, rooms: [such an ack of each]}`.
    Each room counts as a join, and one that answers much as several.
    """
    wanted = [data["room_id"]] if "room_id" in data else list(client.seats)
    if len(wanted) == 1:
        return service.sync_room(client, room_id=wanted[0], asked=_asked(data))
    if data.get("position"):
        raise AppError("validation_failed", details={"roomId": ["A position belongs to one room: name it."]})
    sockets.charge(client, "join", max(0, len(wanted) - 1))  # the event itself was counted
    return {"rooms": [service.sync_room(client, room_id=room_id, asked=None) for room_id in wanted]}


@on("screen-report", ScreenReportSchema)
def screen_report(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Say how a stage or a viewer's page is, for the hosts' screen board. Ack `{ok, againMs}`: when to say so again."""
    return {"againMs": screens.report_screen(client, **data)}


@on("ping", Ping)
def ping(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Ask for the server's clock; `pong` holds the same as the ack. Ack `{ok, t, serverNow}`."""
    pong = {"t": data.get("t"), "serverNow": to_wire(handles.clock.now())}
    sockets.server.send(client.sid, "pong", pong)
    return pong


@on("authenticate", Authenticate)
def authenticate(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Swap the token for a fresh one of the same person, after `token-expired` or before. Ack `{ok, expiresAt}`."""
    actor, expires_at = auth.authenticate(data["token"])
    if actor.limit_key != client.actor.limit_key:
        raise AppError("forbidden", "The token belongs to somebody else; connect again to act as them.")
    sockets.identify(client, actor, expires_at)
    heads.note_newcomer(client)
    return {"expiresAt": to_wire(expires_at)}


def _ref(data: dict[str, Any]) -> str:
    return str(data.get("share_token") or data["room_id"])


def _asked(data: dict[str, Any]) -> Position | None:
    position = data.get("position")
    return Position(**position) if position else None
