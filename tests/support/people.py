"""People at a running server: an account over REST, and sockets that remember everything they were sent."""

from __future__ import annotations

import itertools
from typing import Any, Self

import requests
import socketio

from tests.support.waiting import PATIENCE_S, eventually

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


class Person:
    """An account, or nobody (`Person.anonymous`), at the server at `url`."""

    def __init__(self, url: str, name: str | None = None, *, token: str | None = None, signed_up: bool = True) -> None:
        self.url = url
        self.name = name or f"person{next(_numbers)}"
        self.token = token
        self.id: str | None = None
        if signed_up:
            answer = self.post("/api/auth/register", username=self.name, name=self.name, password=PASSWORD)
            self.token, self.id = answer["accessToken"], answer["user"]["id"]
            self.refresh_token = answer["refreshToken"]

    @classmethod
    def anonymous(cls, url: str) -> Person:
        """Somebody without credentials."""
        return cls(url, "anonymous", signed_up=False)

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Any request, with the bearer token."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers.update(kwargs.pop("headers", {}))
        return requests.request(method, self.url + path, headers=headers, timeout=PATIENCE_S, **kwargs)

    def post(self, path: str, **body: Any) -> Any:
        """A POST that must succeed; its JSON."""
        return self._done("POST", path, json=body)

    def get(self, path: str) -> Any:
        """A GET that must succeed; its JSON."""
        return self._done("GET", path)

    def patch(self, path: str, **body: Any) -> Any:
        """A PATCH that must succeed; its JSON."""
        return self._done("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """A DELETE that must succeed."""
        self._done("DELETE", path)

    def connect(self, **options: Any) -> Socket:
        """A socket of this person, over WebSocket unless `transports` says otherwise."""
        auth = {"token": self.token} if self.token else None
        return Socket(self.url, **{"auth": auth, "transports": ["websocket"], **options})

    def guest(self, room: dict[str, Any], name: str) -> Person:
        """A guest of `room`, admitted by its share token."""
        answer = Person.anonymous(self.url).post(f"/api/rooms/{room['shareToken']}/guests", name=name)
        guest = Person(self.url, name, token=answer["accessToken"], signed_up=False)
        guest.id = answer["guest"]["id"]
        return guest

    def _done(self, method: str, path: str, **kwargs: Any) -> Any:
        response = self.request(method, path, **kwargs)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None


class Socket:
    """python-socketio's client, which keeps every event it gets; usable as a context manager."""

    def __init__(self, url: str, **options: Any) -> None:
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self.client = socketio.Client(reconnection=False)
        self.client.on("*", lambda name, *args: self.events.append((name, args)))
        self.client.connect(url, wait_timeout=PATIENCE_S, **options)
        self._connection = self.client.eio.ws  # which the client forgets, unclosed, when the server ends it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, name: str, data: Any = None) -> Any:
        """Send an event and return its ack."""
        return self.client.call(name, data, timeout=PATIENCE_S)

    def emit(self, name: str, data: Any = None) -> None:
        """Send an event without asking for an ack."""
        self.client.emit(name, data)

    def join(self, ref: Any, **position: Any) -> Any:
        """Join a room; the ack, which must say ok."""
        ack = self.call("join-room", {**ref, **position} if isinstance(ref, dict) else ref)
        assert ack["ok"], ack
        return ack

    def names(self) -> list[str]:
        """The names of all events so far, in order."""
        return [name for name, _ in list(self.events)]

    def of(self, name: str) -> list[Any]:
        """The first argument of every event `name` so far."""
        return [args[0] if args else None for got, args in list(self.events) if got == name]

    def expect(self, name: str, within_s: float = PATIENCE_S, count: int = 1) -> Any:
        """Wait until `count` events `name` came; the first argument of the last of them."""
        eventually(lambda: len(self.of(name)) >= count, within_s, f"no {name} (have {self.names()})")
        return self.of(name)[count - 1]

    def forget(self) -> None:
        """Forget the events so far."""
        self.events.clear()

    @property
    def connected(self) -> bool:
        return bool(self.client.connected)

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        if self._connection is not None:
            self._connection.close()
