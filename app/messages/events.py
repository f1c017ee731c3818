"""The events of the conversation, by their wire names."""

from __future__ import annotations

from typing import Any

from app.core.event import Event, chat_channel, user_channel

MESSAGE_RECEIVED = "message-received"
MESSAGE_EDITED = "message-edited"
MESSAGE_DELETED = "message-deleted"
MESSAGE_READ = "message-read"
NOTIFICATION = "notification"


def message_received(message: dict[str, Any]) -> Event:
    """A new message, to everybody who reads the conversation, its sender included."""
    return _chat(MESSAGE_RECEIVED, message["roomId"], message["changeSeq"], message)


def message_edited(message: dict[str, Any], cause: str = "edit") -> Event:
    """A message as it is now, after an edit or a vote; `messageId` is its id once more."""
    payload = {**message, "messageId": message["id"]}
    return _chat(MESSAGE_EDITED, message["roomId"], message["changeSeq"], payload, cause)


def message_deleted(*, room_id: str, message_id: str, change_seq: int) -> Event:
    """That a message was deleted; its text is gone."""
    payload = {"messageId": message_id, "roomId": room_id, "changeSeq": change_seq}
    return _chat(MESSAGE_DELETED, room_id, change_seq, payload)


def message_read(*, author_id: str, room_id: str, message_id: str, reader_id: str, read_at: str) -> Event:
    """To one author: the newest of their messages that `reader_id` has seen."""
    payload = {"roomId": room_id, "messageId": message_id, "userId": reader_id, "readAt": read_at}
    return Event(MESSAGE_READ, user_channel(author_id), (payload,), latest_key=f"read:{room_id}:{reader_id}")


def notification(user_id: str, payload: dict[str, Any]) -> Event:
    """To one account, wherever it is connected."""
    return Event(NOTIFICATION, user_channel(user_id), (payload,), cause=payload["kind"])


def _chat(name: str, room_id: str, change_seq: int, payload: dict[str, Any], cause: str | None = None) -> Event:
    return Event(name, chat_channel(room_id), (payload,), "chat", change_seq, cause)
