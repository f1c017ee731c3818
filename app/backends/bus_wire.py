"""How events travel between workers: JSON, encoded once, read without trusting more than its shape.

A message is `[sender, [event, …]]`; an event is `[name, channel, args, stream, seq, latest_key, origin]`. Never pickle:
whoever can write to Redis could then run code here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from app.core.event import Event


def encode_event(event: Event) -> bytes:
    """One event as JSON.

    Raises:
        TypeError: an argument has no JSON form.
    """
    fields = (event.name, event.channel, event.args, event.stream, event.seq, event.latest_key, event.origin)
    return orjson.dumps(fields, option=orjson.OPT_PASSTHROUGH_DATETIME)


def encode_message(sender: str, events: Iterable[bytes]) -> bytes:
    """What is published: encoded events of one channel, in order, from the worker `sender`."""
    return b"[" + orjson.dumps(sender) + b",[" + b",".join(events) + b"]]"


def is_from(sender: str, message: bytes) -> bool:
    """Whether `sender` wrote the message: told by its beginning, so that nobody reads again what was its own."""
    return message.startswith(b"[" + orjson.dumps(sender) + b",")


def decode_message(message: bytes) -> tuple[str, list[Event]]:
    """The sender and the events of a message.

    Raises:
        ValueError: it is not one of ours.
    """
    try:
        sender, rows = orjson.loads(message)
        return sender, [_event(row) for row in rows]
    except TypeError as why:
        raise ValueError("not a message of the bus") from why


def _event(row: list[Any]) -> Event:
    name, channel, args, stream, seq, latest_key, origin = row
    if stream not in {"room", "chat", None} or not all(isinstance(text, str) for text in (name, channel)):
        raise ValueError("not an event")
    return Event(name, channel, tuple(args), stream, seq, None, latest_key, origin)
