"""Socket events of the conversation; `send_message` and `message` are other dialects' names of `send-message`."""

from __future__ import annotations

from typing import Any

from app.core.later import Later
from app.messages import service
from app.messages.payloads import Payload
from app.messages.schemas import EditMessage, FlatMessage, MarkRead, MessageRef, SendMessage
from app.rooms.seat import Seat
from app.web.sockets import Client, on


@on("send-message", SendMessage, limit="message", overlaps=True)
@on("send_message", SendMessage, limit="message", overlaps=True)
def send_message(client: Client, data: dict[str, Any]) -> Later[dict[str, Any]]:
    """Write into a room's conversation. Ack `{ok, message}`, once it is stored.

    A `clientMessageId` that the author has used in the room is answered with that first message and sends nothing.
    """
    return _begin(client, data).followed_by(_answer)


@on("message", FlatMessage, limit="message", overlaps=True)
def send_flat_message(client: Client, data: dict[str, Any]) -> Later[dict[str, Any]]:
    """As `send-message`, with `text` for the content.

    Ack `{ok, message}`; the message has `name`, `text`, `ts` and `attachmentId` as well.
    """
    return _begin(client, {"content": data.pop("text"), **data}).followed_by(_flat_answer)


@on("edit-message", EditMessage, limit="message")
def edit_message(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Change what one has written oneself. Ack `{ok, message}`."""
    return {"message": service.edit_message(actor=client.actor, **data)}


@on("delete-message", MessageRef, limit="message")
def delete_message(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Empty a message of one's own, or as a host anybody's; it keeps its place. Ack `{ok, message}`."""
    return {"message": service.delete_message(actor=client.actor, **data)}


@on("mark-read", MarkRead)
def mark_read(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Say up to which message one has read; it only moves forward. Ack `{ok, roomId, messageId, readAt}`."""
    return service.mark_read(actor=client.actor, **data)


def _begin(client: Client, draft: dict[str, Any]) -> Later[Payload]:
    seat: Seat | None = client.seats.get(draft["room_id"])
    return service.begin_sending(actor=client.actor, share_token=seat.share_token if seat else None, **draft)


def _answer(message: Later[Payload]) -> dict[str, Any]:
    return {"message": message.result()}


def _flat_answer(message: Later[Payload]) -> dict[str, Any]:
    return {"message": service.flat_form(message.result())}
