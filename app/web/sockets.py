"""Socket events: `@on("send-message", SendMessage)` does the actor, the limit, the validation and the ack for all handlers.

A handler is `handler(client, data) -> dict | None`; what it returns is the ack beside `ok: true`. A failure is the ack
`{"ok": false, "error": {…}}`, or an `error` event when no ack was asked for. Handlers of one client run in order; one that
`overlaps` answers `Later`, and the next that overlaps begins meanwhile. Answers keep the order all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import structlog
from marshmallow import ValidationError
from socketio.exceptions import ConnectionRefusedError as Refused
from structlog.contextvars import bound_contextvars

from app.backends.fair_turns import asker
from app.backends.limits import Limits, Rate
from app.core.actor import ANONYMOUS, Actor
from app.core.addresses import network_of
from app.core.errors import CATALOGUE, AppError
from app.core.later import Later
from app.core.nesting import nesting
from app.realtime.context import wants_ack
from app.web import suspicion
from app.web.envelope import as_app_error, shown
from app.web.quick import Load, quick
from app.web.schema import MAX_DEPTH, Schema, is_json

log = structlog.get_logger(__name__)

SOCKETS_PER_PERSON = 20
OUR_FAULT = 500


class Server(Protocol):
    """What features use of the realtime engine (`app.realtime.Server`)."""

    def on(self, event: str, handler: Callable[..., Any]) -> Any: ...
    def let_overlap(self, event: str) -> None: ...
    def enter_room(self, sid: str, room: str) -> None: ...
    def leave_room(self, sid: str, room: str) -> None: ...
    def fanout(self, channel: str, event: str, *args: Any, skip_sid: str | None, latest_key: str | None) -> None: ...
    def send(self, sid: str, event: str, *args: Any) -> None: ...
    def hold(self, sid: str, then: Callable[[], None]) -> None: ...
    def let_go(self, sid: str) -> None: ...
    def members(self, channel: str) -> Any: ...
    def member_count(self, channel: str) -> int: ...
    def close(self, sid: str) -> None: ...
    def end_flood(self, sid: str, why: str) -> None: ...
    def stats(self) -> dict[str, int]: ...


@dataclass(slots=True, eq=False)
class Client:
    """One connected socket: who it is now, and what each feature keeps about its seat in a room (by room id)."""

    sid: str
    actor: Actor = ANONYMOUS
    address: str = "unknown"
    expires_at: datetime | None = None
    seats: dict[str, Any] = field(default_factory=dict)
    refusals: int = 0
    """Events that were refused since one was not."""


Answer = dict[str, Any] | None
Handler = Callable[[Client, Any], Answer | Later[dict[str, Any]]]
ErrorShape = Callable[[Client, dict[str, Any]], dict[str, Any]]
Handshake = Callable[[dict[str, Any], Any], tuple[Actor, datetime | None]]
#: Is told who did what in which room, what came of it, and in how many seconds.
Concluded = Callable[["Client", str, object, str, float], None]


@dataclass(frozen=True, slots=True)
class Registration:
    """A client event: its schema is what validates and what the AsyncAPI document shows."""

    event: str
    schema: type[Schema]
    handler: Handler
    string_key: str | None
    limit: str
    overlaps: bool = False


class Sockets:
    """The handle that features share; `bind` connects it to the engine. One per process."""

    def __init__(self) -> None:
        self.registrations: dict[str, Registration] = {}
        self.clients: dict[str, Client] = {}
        self.by_person: dict[str, set[Client]] = {}
        self.on_connected: list[Callable[[Client], None]] = []
        self.on_disconnected: list[Callable[[Client], None]] = []
        self.on_handled: list[Callable[[str, str, float], None]] = []
        self.on_concluded: list[Concluded] = []
        self.on_failed: list[Concluded] = []
        self.shape_error: ErrorShape = lambda client, error: error
        self.server: Server
        self._limits: Limits
        self._rates: Mapping[str, Rate] = {}
        self._wide: Rate | None = None
        self._most_refusals = 0
        self._handshake: Handshake = lambda environ, auth: (ANONYMOUS, None)

    def on(
        self,
        event: str,
        schema: type[Schema],
        *,
        string_key: str | None = None,
        limit: str = "action",
        overlaps: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register the decorated handler for `event`.

        Args:
            schema: validates the one argument, an object; no argument is `{}`.
            string_key: when the argument is a bare string, the key that it stands for.
            limit: the rate (`app.web.limits.event_rates`) that the event counts against, per person.
            overlaps: the handler begins something and answers `Later`.
        """

        def register(handler: Handler) -> Handler:
            self.registrations[event] = Registration(event, schema, handler, string_key, limit, overlaps)
            return handler

        return register

    def bind(
        self,
        server: Any,
        *,
        limits: Limits,
        handshake: Handshake,
        rates: Mapping[str, Rate],
        wide: Rate | None = None,
        most_refusals: int = 0,
    ) -> None:
        """Register everything on `server`; `handshake` says who a new socket is or refuses it.

        Args:
            rates: what one person may, by the names that `on` is given as `limit`.
            wide: what one address may: handshakes; joins, and other events, of all its viewers and guests. None: no limit.
            most_refusals: who is refused so often in a row is closed. 0: no limit.
        """
        self.server, self._limits, self._handshake = server, limits, handshake
        self._rates, self._wide, self._most_refusals = rates, wide, most_refusals
        self.clients.clear()
        self.by_person.clear()
        server.on("connect", self._connect)
        server.on("disconnect", self._disconnect)
        server.on_unknown_event = self._unknown
        server.on_flood = self._note_flood
        for registration in self.registrations.values():
            server.on(registration.event, self._receiver(registration))
            if registration.overlaps:
                server.let_overlap(registration.event)

    def identify(self, client: Client, actor: Actor, expires_at: datetime | None) -> None:
        """Let `client` act as `actor` from now on.

        Raises:
            AppError: `too_many_connections`.
        """
        mine = self.by_person.setdefault(actor.limit_key, set()) if actor.limit_key else None
        if mine is not None and client not in mine and len(mine) >= SOCKETS_PER_PERSON:
            raise AppError("too_many_connections", retry_after_ms=1000)
        if actor.limit_key != client.actor.limit_key:
            self._forget_person(client)
        client.actor, client.expires_at = actor, expires_at
        if mine is not None and actor.limit_key:
            self.by_person[actor.limit_key] = mine
            mine.add(client)

    def of_person(self, actor_key: str) -> list[Client]:
        """The sockets of one person (`Actor.limit_key`) on this worker."""
        return list(self.by_person.get(actor_key, ()))

    def charge(self, client: Client, kind: str, cost: int) -> None:
        """Count an event that turned out to do the work of several as so many more: the next of its kind wait for them."""
        for key, rate in self._buckets(client, kind) if cost else ():
            self._limits.owe(key, rate, cost)

    def fail(self, client: Client, event: str, why: Exception) -> dict[str, Any]:
        """Tell `client` why: the ack, or an `error` event when it asked for no ack."""
        with bound_contextvars(socket_event=event, user=client.actor.limit_key):
            error = as_app_error(why).to_wire()
        if isinstance(why, AppError) and why.retry_after_ms is not None:
            error["retryAfterMs"] = why.retry_after_ms
        if not wants_ack.get():
            self.server.send(client.sid, "error", self.shape_error(client, {**error, "event": event}))
        return {"ok": False, "error": error}

    def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        client = Client(sid, address=network_of(environ.get("REMOTE_ADDR", "unknown")))
        asker.address = client.address
        try:
            self._limit_handshake(client.address)
            self.identify(client, *self._handshake(environ, auth))
        except Exception as why:  # noqa: BLE001 - the edge: becomes the error shape
            error = as_app_error(why)
            suspicion.note(error.code, address=client.address, actor=client.actor, where="connect")
            raise Refused(error.message, error.to_wire()) from None
        self.clients[sid] = client
        for listener in self.on_connected:
            listener(client)

    def _disconnect(self, sid: str, *reason: Any) -> None:
        client = self.clients.pop(sid, None)
        if client is None:
            return
        self._forget_person(client)
        for listener in self.on_disconnected:
            try:
                listener(client)
            except Exception:
                log.exception("disconnect_listener_failed", sid=sid)

    def _forget_person(self, client: Client) -> None:
        key = client.actor.limit_key
        mine = self.by_person.get(key) if key else None
        if mine is not None and key is not None:
            mine.discard(client)
            if not mine:
                del self.by_person[key]

    def _receiver(self, registration: Registration) -> Callable[..., Any]:
        load = quick(registration.schema())

        def receive(sid: str, *args: Any) -> Answer | Later[dict[str, Any]]:
            client = self.clients.get(sid)
            if client is None:
                return None
            asker.address = client.address
            started_s = time.perf_counter()
            result: Answer | Later[dict[str, Any]] | Exception
            try:
                self._limit_kind(client, registration.limit)
                data = _read(load, _payload(args, registration.string_key))
                result = registration.handler(client, data)
            except Exception as why:  # noqa: BLE001 - the edge: becomes the error shape
                result = why
            conclude = partial(self._conclude, client, registration.event, started_s, args)
            return _in_turn(result).followed_by(conclude) if registration.overlaps else conclude(result)

        return receive

    def _conclude(
        self,
        client: Client,
        event: str,
        started_s: float,
        args: tuple[Any, ...],
        result: Answer | Later[dict[str, Any]] | Exception,
    ) -> dict[str, Any]:
        """The answer to an event that was handled, or failed; counts it."""
        outcome = "ok"
        try:
            if isinstance(result, Later):
                result = result.result()
            if isinstance(result, Exception):
                raise result
            answer = {"ok": True, **(result or {})}
            client.refusals = 0
        except Exception as why:  # noqa: BLE001 - the edge: becomes the error shape
            answer = self.fail(client, event, why)
            outcome = answer["error"]["code"]
            self._count_refusal(client, outcome)
        elapsed_s = time.perf_counter() - started_s
        for listener in self.on_handled:
            listener(event, outcome, elapsed_s)
        for concluded in self.on_concluded if outcome == "ok" else (*self.on_concluded, *self.on_failed):
            concluded(client, event, _room(args), outcome, elapsed_s)
        return answer

    def _limit_kind(self, client: Client, kind: str) -> None:
        for key, rate in self._buckets(client, kind):
            self._take(key, rate)

    def _buckets(self, client: Client, kind: str) -> Iterator[tuple[str, Rate]]:
        """What an event counts against."""
        if client.actor.user_id is None and self._wide is not None:
            # A viewer is a socket and a guest a nickname, and one could always take another: so the address counts as well.
            # What a crowd's joins answered keeps nobody of it from writing.
            yield f"{'join' if kind == 'join' else 'event'}:address:{client.address}", self._wide
        yield f"{kind}:{client.actor.limit_key or f'socket:{client.sid}'}", self._rates[kind]

    def _limit_handshake(self, address: str) -> None:
        if self._wide is not None:
            self._take(f"handshake:address:{address}", self._wide)

    def _take(self, key: str, rate: Rate) -> None:
        wait_ms = self._limits.take(key, rate)
        if wait_ms:
            raise AppError("rate_limited", retry_after_ms=wait_ms)

    def _unknown(self, sid: str, event: str | int, has_ack: bool) -> dict[str, Any] | None:
        client = self.clients.get(sid)
        if client is None:
            return None
        why = AppError("unknown_event")
        try:
            self._limit_kind(client, "action")
        except AppError as limited:
            why = limited
        answer = self.fail(client, shown(event), why)
        self._count_refusal(client, why.code)
        return answer

    def _count_refusal(self, client: Client, code: str) -> None:
        """An answer costs us more than the event costs its sender: who goes on in spite of the answers is closed."""
        if CATALOGUE[code].status >= OUR_FAULT:
            return
        client.refusals += 1
        if client.refusals >= self._most_refusals > 0:
            self.server.end_flood(client.sid, "events that are refused")

    def _note_flood(self, address: str, sid: str | None) -> None:
        client = self.clients.get(sid) if sid is not None else None
        suspicion.note("flood", address=address, actor=client.actor if client else ANONYMOUS, where="socket")


def _in_turn(result: Answer | Later[dict[str, Any]] | Exception) -> Later[Any]:
    """`result` to be answered in its turn: also what failed at once waits for what came before it."""
    if isinstance(result, Later):
        return result
    later: Later[Any] = Later()
    later.settle(result)
    return later


def _read(load: Load, payload: dict[str, Any]) -> Any:
    """What `load` makes of it. What no schema takes and is no JSON either gets the error that REST gives it.

    No schema takes such a value, so only what was refused has to be looked at.
    """
    try:
        return load(payload)
    except ValidationError:
        if is_json(payload):
            raise
        raise AppError("malformed", "Numbers must be finite, and texts free of lone surrogates.") from None


def _payload(args: tuple[Any, ...], string_key: str | None) -> dict[str, Any]:
    """The object that an event carries: none is `{}`, a bare string stands for `string_key`."""
    if len(args) > 1:
        raise AppError("malformed", "An event carries one argument.")
    value = args[0] if args else None
    if value is None:
        return {}
    if isinstance(value, str) and string_key:
        return {string_key: value}
    if not isinstance(value, dict) or (not _is_flat(value) and nesting(value, limit=MAX_DEPTH) > MAX_DEPTH):
        raise AppError("malformed", "The argument must be an object.")
    return value


def _room(args: tuple[Any, ...]) -> object:
    """What an event says its room is; it may be anything."""
    value = args[0] if args else None
    return value.get("roomId") if isinstance(value, dict) else value


def _is_flat(value: dict[str, Any]) -> bool:
    return not any(isinstance(child, (dict, list)) for child in value.values())


sockets = Sockets()
on = sockets.on
