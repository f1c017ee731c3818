"""The whole conversation as a file, streamed: pages by key, a short transaction each, whatever the room's size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson

from app.backends.transaction import reading, transaction
from app.core.actor import Actor
from app.core.clock import to_wire
from app.messages.models import Message
from app.messages.payloads import Payload, load_payloads, select_messages
from app.rooms import service as rooms
from app.rooms.access import readable_after, require_role
from app.rooms.models import Role

ROWS_PER_TRANSACTION = 500
EXPORTED = "transcript-exported"
#: Control characters, which a terminal that shows the text would obey; a tabulator is none.
_UNSEEN = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\t"}


@dataclass(frozen=True, slots=True)
class Transcript:
    """What may be exported of a room; iterating reads it."""

    room_id: str
    room_name: str
    exported_at: str
    after: int | None

    def json(self) -> Iterator[bytes]:
        """`{roomId, roomName, exportedAt, items: [Message…]}`, oldest first; deleted messages keep their place."""
        head = {"roomId": self.room_id, "roomName": self.room_name, "exportedAt": self.exported_at}
        yield orjson.dumps(head)[:-1] + b',"items":['
        separator = b""
        for page in self._pages(lambda messages: b",\n".join(map(orjson.dumps, messages))):
            yield separator
            yield page
            separator = b",\n"
        yield b"]}\n"

    def text(self) -> Iterator[bytes]:
        """A line `[instant] name: text` for each message that was not deleted; further lines of a text are indented.

        After the name of whoever asked a question or put a text on the stage stands which it is: `Ada (question, answered, 3
        votes)`, `Ada (stage)`; what nobody typed is of `*`.
        """
        yield f"{self.room_name}\nExported {self.exported_at}\n\n".encode()
        yield from self._pages(
            lambda messages: "".join(_line(one) for one in messages if not one["deletedAt"]).encode()
        )

    def _pages(self, write: Callable[[list[Payload]], bytes]) -> Iterator[bytes]:
        """Each page as `write` makes it; while somebody reads it slowly, nothing else of it is kept."""
        after = self.after
        while after is not None:
            page, after = self._page(after, write)
            if page:
                yield page

    def _page(self, after: int, write: Callable[[list[Payload]], bytes]) -> tuple[bytes, int | None]:
        """The page behind number `after`, and the number behind which it goes on; None at the end."""
        query = select_messages().where(Message.room_id == self.room_id, Message.seq > after)
        with reading() as session:
            messages = load_payloads(session, query.order_by(Message.seq).limit(ROWS_PER_TRANSACTION))
        return write(messages), messages[-1]["seq"] if len(messages) == ROWS_PER_TRANSACTION else None


def get_transcript(*, actor: Actor, room_id: str) -> Transcript:
    """The transcript of a room, for its hosts; `history` holds for them as well. That it was taken is in the room's audit.

    Raises:
        AppError: those of `require_role` for a host.
    """
    with transaction() as work:
        access = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST)
        rooms.record_action(work, room_id=access.room.id, actor=actor, action=EXPORTED, event=EXPORTED)
        return Transcript(access.room.id, access.room.name, to_wire(work.now), readable_after(access))


def _line(message: Payload) -> str:
    name = (message["user"]["name"] if message["user"] else "*") + _mark(message)
    said = "\n    ".join(line.translate(_UNSEEN) for line in message["content"].splitlines())
    return f"[{message['createdAt']}] {name}: {said}\n"


def _mark(message: Payload) -> str:
    if message["messageType"] == "stage":
        return " (stage)"
    if message["messageType"] != "question":
        return ""
    state, votes = message["question"]["state"], message["votes"]
    marks = [
        "question",
        *([] if state == "open" else [state]),
        *([f"{votes} vote{'' if votes == 1 else 's'}"] if votes else []),
    ]
    return f" ({', '.join(marks)})"
