"""A connection to a Greenroom server.

Two threads work behind it: python-socketio's, which only puts what arrives into a queue, and the dispatcher, which takes it out
again in that order, brings the rooms up to date and calls handlers. So handlers may ask the server and wait for its answer.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import engineio
import requests
import socketio

from greenroom_client.clock import Clock
from greenroom_client.errors import GreenroomError, no_answer
from greenroom_client.room import Room
from greenroom_client.session import TIMEOUT_S, Session
from greenroom_client.wire import Attachment

CLOCK_SAMPLES = 3
SYNC_EVERY_S = 15.0


class _InOrder(engineio.Client):  # type: ignore[misc]
    """The stock client starts a thread per packet, which may overtake each other."""

    def _trigger_event(self, event: str, *args: Any, **options: Any) -> Any:
        return super()._trigger_event(event, *args, **{**options, "run_async": False})


class _SocketIO(socketio.Client):  # type: ignore[misc]
    def _engineio_client_class(self) -> type[engineio.Client]:
        return _InOrder


class Client:
    """Connects when it is entered, or at the first `join`; comes back by itself, into its rooms and from where they were."""

    def __init__(self, url: str, session: Session | None = None) -> None:
        self.session = session or Session(url)
        self.clock = Clock()
        self._rooms: list[Room] = []
        self._arrived: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._socket = _SocketIO(reconnection_delay=0.5, reconnection_delay_max=5)
        self._socket.on("connect", self._on_connect)
        self._socket.on("*", lambda name, *args: self._arrived.put(lambda: self._dispatch(name, *args)))
        self._dispatcher = threading.Thread(target=self._run, name="greenroom", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        """Connect as the session's person, or as an anonymous viewer.

        Raises:
            GreenroomError: `no_answer`; the server refused or was not there.
        """
        if self._socket.connected:
            return
        if not self._dispatcher.is_alive():
            self._dispatcher.start()
        try:
            self._socket.connect(
                self.session.url, auth=lambda: {"token": self.session.token()}, transports=["websocket"]
            )
        except socketio.exceptions.ConnectionError as why:
            raise no_answer(why) from why
        self.sync_clock()

    def join(self, ref: str) -> Room:
        """Follow a room by its share token or id; returns once it is known.

        Raises:
            GreenroomError: `room_not_found`, `banned`, `no_answer`.
        """
        self.connect()
        room = Room(self, ref)
        self._rooms.append(room)  # before its events come
        try:
            room.join(wait=threading.current_thread() is not self._dispatcher)
        except GreenroomError:
            self.forget(room)
            raise
        return room

    def forget(self, room: Room) -> None:
        """Follow a room no more; the next connection does not enter it again. `Room.leave` does it."""
        with suppress(ValueError):
            self._rooms.remove(room)

    def call(self, name: str, payload: Any) -> dict[str, Any]:
        """Send an event and wait for its ack.

        Raises:
            GreenroomError: it was refused, or (`no_answer`) nothing came back.
        """
        try:
            ack: dict[str, Any] = self._socket.call(name, payload, timeout=TIMEOUT_S)
        except socketio.exceptions.SocketIOError as why:
            raise no_answer(why) from why
        if not ack["ok"]:
            raise GreenroomError(**ack["error"])
        return ack

    def emit(self, name: str, payload: Any) -> None:
        """Send an event without asking what became of it; without a connection it is dropped."""
        with suppress(socketio.exceptions.SocketIOError):
            self._socket.emit(name, payload)

    def upload(self, room_id: str, path: Path | str, *, mime: str, alt: str = "") -> Attachment:
        """Send a file to a room: ask how, send it there, say that it is done; the attachment, for `Room.say`."""
        file = Path(path)
        ask = {"roomId": room_id, "filename": file.name, "mime": mime, "bytes": file.stat().st_size, "alt": alt}
        ticket = self.session.request("POST", "/api/upload/init", ask)
        url = urljoin(self.session.url, ticket["url"])
        with file.open("rb") as content:
            if ticket["method"] == "PUT":
                sent = requests.put(url, data=content, headers=ticket["headers"], timeout=TIMEOUT_S)
            else:
                sent = requests.post(url, ticket["fields"], files={"file": content}, timeout=TIMEOUT_S)
        if not sent.ok:
            raise no_answer(f"The file did not arrive: {sent.status_code}")
        done: Attachment = self.session.request("POST", "/api/upload/complete", {"uploadId": ticket["uploadId"]})
        return done

    def sync_clock(self) -> None:
        """Ask the server for its time a few times; done at each connection and every 15 s."""
        self.clock.slept()
        for number in range(CLOCK_SAMPLES):
            asked = time.monotonic()
            self.clock.sample(asked, self.call("ping", {"t": number})["serverNow"])

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return when the client was closed (True), or after `timeout_s`."""
        return self._closed.wait(timeout_s)

    def close(self) -> None:
        """Leave everything."""
        self._closed.set()
        self._socket.disconnect()
        self._socket.shutdown()
        self._arrived.put(None)
        self.session.close()

    def _on_connect(self) -> None:
        """Runs in the reading thread, which must not wait for an answer."""
        for room in list(self._rooms):
            room.ask_for_repair()

    def _run(self) -> None:
        """Take in what arrives; every so often ask for the time: clocks drift, and machines sleep."""
        due = time.monotonic() + SYNC_EVERY_S
        while True:
            try:
                task = self._arrived.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                due = time.monotonic() + SYNC_EVERY_S
                with suppress(GreenroomError):
                    self.sync_clock()
                continue
            if task is None:
                return
            task()

    def _dispatch(self, name: str, *args: Any) -> None:
        if name == "token-expired":
            self._authenticate()
        for room in list(self._rooms):
            room.receive(name, *args)

    def _authenticate(self) -> None:
        """The socket stays, only its token is replaced. If that fails, the server ends it within a minute and we come back."""
        try:
            self.call("authenticate", {"token": self.session.token()})
        except GreenroomError:
            return
