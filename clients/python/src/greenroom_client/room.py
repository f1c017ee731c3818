"""One room that is followed: its state, its conversation, and what to do when something happens in it.

Every durable event carries its stream's number. The next one is applied, an older one is dropped, and a jump asks for a repair
from the position before it: the server then sends what was missed, in order, and after it the state that settles the position.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from greenroom_client.clock import instant
from greenroom_client.errors import GreenroomError
from greenroom_client.front import front
from greenroom_client.session import TIMEOUT_S
from greenroom_client.wire import Message, Person, Position, RoomState, Timer, remaining_ms

if TYPE_CHECKING:
    from greenroom_client.client import Client

RETRY_FIRST_S, RETRY_MOST_S = 0.5, 10.0
PAGE = 50

Handler = Callable[..., object]


class Room:
    """`state`, `timers`, `messages`, `users` (by id), `typing` (names by id), `reads` (by reader) are kept up to date."""

    def __init__(self, client: Client, ref: str) -> None:
        self._client = client
        self._ref = ref
        self._handlers: defaultdict[str, list[Handler]] = defaultdict(list)
        self._known = threading.Event()
        self.state: RoomState | None = None
        self.position: Position | None = None
        self.role = "viewer"
        self.user_id: str | None = None
        self.messages: list[Message] = []
        self.users: dict[str, Person] = {}
        self.typing: dict[str, str] = {}
        self.reads: dict[str, dict[str, str]] = {}

    @property
    def id(self) -> str:
        """The room's id, also when it was joined by its share token."""
        return self._state["id"]

    @property
    def timers(self) -> list[Timer]:
        """In their order."""
        return self._state["timers"]

    def on(self, name: str) -> Callable[[Handler], Handler]:
        """Call the function for each event `name` of the wire, after it was taken in; also "room-joined" and "room-left"."""

        def remember(handler: Handler) -> Handler:
            self._handlers[name].append(handler)
            return handler

        return remember

    def join(self, *, wait: bool = True) -> None:
        """Take the seat; `Client.join` does it."""
        ack = self._client.call("join-room", self._question())
        self.role, self.user_id = ack["you"]["role"], ack["you"]["userId"]
        if wait:
            self._known.wait(TIMEOUT_S)

    def leave(self) -> None:
        """Give up the seat and follow the room no more."""
        self._client.forget(self)
        self._client.call("leave-room", {"roomId": self.id})

    def current(self) -> Timer | None:
        """The timer that every screen shows big (see `front`)."""
        return front(self.timers)

    def remaining_ms(self, timer: Timer) -> int:
        """What is left of it now, on the server's clock."""
        return remaining_ms(timer, self._client.clock.now_ms())

    def act(self, timer_id: str, action: str, **more: Any) -> Timer:
        """`start`, `pause`, `reset`, `adjust` (with `deltaMs`), `next` or `undo`, for hosts; the timer afterwards."""
        timer: Timer = self._client.call("timer-action", {"timerId": timer_id, "action": action, **more})["timer"]
        return timer

    def say(self, content: str, *, patience_s: float = 60.0, **more: Any) -> Message:
        """Send a message and return it once it is durable. A lost answer is asked for again under the same id: nothing doubles.

        Args:
            more: `messageType`, `attachmentId`, `replyTo`.

        Raises:
            GreenroomError: it was refused, or could not be sent within `patience_s`.
        """
        payload = {"roomId": self.id, "content": content, "clientMessageId": uuid.uuid4().hex, **more}
        ends, pause = time.monotonic() + patience_s, RETRY_FIRST_S
        while True:
            try:
                message: Message = self._client.call("send-message", payload)["message"]
                return message
            except GreenroomError as why:
                if not why.retryable or time.monotonic() > ends:
                    raise
                time.sleep(why.retry_after_s or pause)
                pause = min(RETRY_MOST_S, pause * 2)

    def start_typing(self) -> None:
        """Say that somebody writes; the server forgets it after 5 s."""
        self._client.emit("typing-start", {"roomId": self.id})

    def stop_typing(self) -> None:
        """Take it back; sending does so too."""
        self._client.emit("typing-stop", {"roomId": self.id})

    def mark_read(self, message_id: str) -> None:
        """Everything up to this message was seen."""
        self._client.call("mark-read", {"roomId": self.id, "messageId": message_id})

    def receipts(self, message_id: str) -> list[dict[str, Any]]:
        """Who has read a message."""
        found: list[dict[str, Any]] = self._ask("GET", f"/api/messages/{message_id}/receipts")["items"]
        return found

    def history(self) -> Iterator[Message]:
        """The whole conversation, newest first, read page by page."""
        cursor: str | None = ""
        while cursor is not None:
            query = urlencode({"limit": PAGE, **({"cursor": cursor} if cursor else {})})
            page = self._ask("GET", f"/api/rooms/{self.id}/messages?{query}")
            yield from reversed(page["items"])
            cursor = page["nextCursor"]

    def ask_for_repair(self) -> None:
        """Ask for what changed since `position`; it comes as events."""
        self._client.emit("join-room", self._question())

    def receive(self, name: str, *args: Any) -> None:
        """Take in an event, if it is this room's and its turn, and call the handlers."""
        payload = next((arg for arg in args if isinstance(arg, dict)), {})
        if not self._is_mine(name, payload) or not self._is_next(payload):
            return
        if take := getattr(self, f"_take_{name.replace('-', '_')}", None):
            take(payload)
        for handler in self._handlers[name]:
            handler(*args)

    @property
    def _state(self) -> RoomState:
        if self.state is None:
            raise GreenroomError("not_in_room", "Join the room first.")
        return self.state

    def _ask(self, method: str, path: str) -> Any:
        return self._client.session.request(method, path)

    def _question(self) -> dict[str, Any]:
        named = {"roomId" if _is_id(self._ref) else "shareToken": self._ref}
        return {**named, "position": self.position} if self.position else named

    def _is_mine(self, name: str, payload: dict[str, Any]) -> bool:
        if self.state is None:
            return name == "room-state" and self._ref in (payload["id"], payload.get("shareToken"))
        return self.id == payload.get("roomId", payload.get("id"))

    def _is_next(self, payload: dict[str, Any]) -> bool:
        stream: Literal["chat", "room"] = "chat" if "changeSeq" in payload else "room"
        number = payload.get("changeSeq", payload.get("seq"))
        if number is None or self.position is None:
            return True
        expected = self.position[stream] + 1
        if number == expected:
            self.position[stream] = number
        elif number > expected:
            self.ask_for_repair()
        return bool(number == expected)

    def _take_room_state(self, state: RoomState) -> None:
        self.state, self.position = state, state["position"]

    def _take_room_joined(self, joined: dict[str, Any]) -> None:
        self.users = {person["id"]: person for person in joined["users"]}
        self.typing.clear()
        if not joined["recovered"]:
            self.messages = list(joined["messages"] or [])
        self._known.set()

    def _take_room_left(self, _left: dict[str, Any]) -> None:
        """Not to be entered again by itself: whom a host removed from a public room would become a member of it by a join."""
        self._client.forget(self)

    def _take_timer_update(self, timer: Timer) -> None:
        others = [other for other in self.timers if other["id"] != timer["id"]]
        self._state["timers"] = sorted([*others, timer], key=lambda other: other["position"])

    _take_timer_created = _take_timer_finished = _take_timer_update

    def _take_timer_deleted(self, gone: dict[str, Any]) -> None:
        self._state["timers"] = [timer for timer in self.timers if timer["id"] != gone["timerId"]]

    def _take_room_updated(self, room: dict[str, Any]) -> None:
        self._state.update(room)  # type: ignore[typeddict-item]

    def _take_stage_update(self, stage: dict[str, Any]) -> None:
        self._state["stage"] = stage

    def _take_message_received(self, message: Message) -> None:
        self.messages = [*(other for other in self.messages if other["id"] != message["id"]), message]
        self.messages.sort(key=lambda other: other["seq"])
        self.typing.pop(message["userId"] or "", None)

    _take_message_edited = _take_message_received

    def _take_message_deleted(self, gone: dict[str, Any]) -> None:
        for message in self.messages:
            if message["id"] == gone["messageId"]:
                message["content"] = ""
                message["deletedAt"] = message["deletedAt"] or instant(self._client.clock.now_ms())

    def _take_message_read(self, read: dict[str, str]) -> None:
        self.reads[read["userId"]] = read

    def _take_user_joined_room(self, joined: dict[str, Any]) -> None:
        self.users[joined["user"]["id"]] = joined["user"]

    def _take_user_left_room(self, left: dict[str, Any]) -> None:
        self.users.pop(left["userId"], None)

    def _take_user_typing(self, person: dict[str, str]) -> None:
        self.typing[person["userId"]] = person["username"]

    def _take_user_stopped_typing(self, person: dict[str, str]) -> None:
        self.typing.pop(person["userId"], None)


def _is_id(ref: str) -> bool:
    try:
        return str(uuid.UUID(ref)) == ref
    except ValueError:
        return False
