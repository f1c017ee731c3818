"""Socket events of the conversation; `send_message` and `message` are seed 003's and seed 002's names of `send-message`."""

from __future__ import annotations

from typing import Any

from app.core.later import Later
from app.messages import service
from app.messages.payloads import Payload
from app.messages.schemas import EditMessage, MarkRead, MessageRef, SeedMessage, SendMessage
from app.web.sockets import Client, on


@on("send-message", SendMessage, limit="message", overlaps=True)
@on("send_message", SendMessage, limit="message", overlaps=True)
def send_message(client: Client, data: dict[str, Any]) -> Later[dict[str, Any]]:
    """Ack `{ok, message}`; a client's sends that come together are written together."""
    return service.begin_sending(actor=client.actor, **data).followed_by(_answer)


@on("message", SeedMessage, limit="message", overlaps=True)
def send_seed_message(client: Client, data: dict[str, Any]) -> Later[dict[str, Any]]:
    """Ack `{ok, message}`, with seed 002's names beside ours."""
    return service.begin_sending(actor=client.actor, content=data.pop("text"), **data).followed_by(_seed_answer)


@on("edit-message", EditMessage, limit="message")
def edit_message(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Ack `{ok, message}`."""
    return {"message": service.edit_message(actor=client.actor, **data)}


@on("delete-message", MessageRef, limit="message")
def delete_message(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Ack `{ok, message}`."""
    return {"message": service.delete_message(actor=client.actor, **data)}


@on("mark-read", MarkRead)
def mark_read(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Ack `{ok, roomId, messageId, readAt}`."""
    return service.mark_read(actor=client.actor, **data)


def _answer(message: Later[Payload]) -> dict[str, Any]:
    return {"message": message.result()}


def _seed_answer(message: Later[Payload]) -> dict[str, Any]:
    return {"message": service.seed_form(message.result())}
