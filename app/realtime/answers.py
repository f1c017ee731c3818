"""Acknowledgements whose contents come later: given in the order of their events, joined where they follow one another."""

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from app.core.later import Later
from app.realtime import packets
from app.realtime.context import wants_ack

if TYPE_CHECKING:
    from app.realtime.rooms import Client

logger = logging.getLogger(__name__)


class Awaited:
    """An event that was begun: whose, the number of its ack (None: none was asked for), and the answer when it is there."""

    __slots__ = ("ack_id", "client", "later")

    def __init__(self, client: "Client", ack_id: int | None, later: Later[Any]) -> None:
        self.client = client
        self.ack_id = ack_id
        self.later = later

    def frame(self) -> bytes:
        """The acknowledgement; empty when none was asked for, or when the answer could not be made."""
        wants_ack.set(self.ack_id is not None)
        try:
            answer = self.later.result()
        except Exception:
            logger.exception("the answer to an event failed")
            return b""
        return encode_ack(self.client, self.ack_id, answer) if self.ack_id is not None else b""


def give_answers(waiting: deque[Awaited]) -> None:
    """Answer those at the head of `waiting` that are ready. May block, where an answer is made by asking somebody."""
    while waiting and waiting[0].later.is_ready:
        client = waiting[0].client
        frames: list[bytes] = []
        while waiting and waiting[0].later.is_ready and waiting[0].client is client:
            awaited = waiting.popleft()
            if awaited.ack_id is None and frames:  # a failure without an ack is an event, sent while it is made
                client.write(b"".join(frames))
                frames = []
            frames.append(awaited.frame())
        client.write(b"".join(frames))


def encode_ack(client: "Client", ack_id: int, result: Any) -> bytes:
    """The frame that acknowledges an event with what its handler answered."""
    return packets.encode(packets.ACK, client.namespace, ack_arguments(result), ack_id)


def ack_arguments(result: Any) -> list[Any]:
    """The arguments of an acknowledgement: a tuple is several, None is none."""
    if isinstance(result, tuple):
        return list(result)
    return [] if result is None else [result]
