"""The Engine.IO server (protocol v4): handshakes, transports, limits, and who is connected.

Refuses before it accepts: origin, version, limits and method are checked while the request is
still HTTP, so a refused client never sees a 101. Refusals have the body that the reference server
gives, `{"code": n, "message": "…"}`.
"""

import logging
import random
import secrets
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import engineio
from gunicorn.workers.base_async import ALREADY_HANDLED

from app.core.addresses import network_of
from app.core.ids import request_id
from app.realtime import codec, longpoll
from app.realtime.backlog import Bounds
from app.realtime.connection import Connection
from app.realtime.drain import draining
from app.realtime.frames import POLICY_VIOLATION, encode_close, encode_frame
from app.realtime.negotiation import negotiate
from app.realtime.polling import NOOP, PollingTransport
from app.realtime.quota import Addresses, Quota
from app.realtime.refusals import (
    BAD_METHOD,
    BAD_REQUEST,
    DRAINING,
    FORBIDDEN,
    TOO_MANY,
    UNKNOWN_SESSION,
    UNKNOWN_TRANSPORT,
    UNSUPPORTED_VERSION,
    RefusedError,
)
from app.realtime.settings import EngineSettings
from app.realtime.transport import SLOW_READER, TRANSPORT_ERROR, Transport
from app.realtime.turns import Turns
from app.realtime.upgrade import Probe
from app.realtime.websocket import WebSocketTransport
from app.realtime.wheel import Wheel

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class EngineServer(engineio.Server):  # type: ignore[misc]
    """`engineio.Server` whose sockets are `Connection`s; its event API (`on`, `send`) still holds."""

    sockets: dict[str, Connection]

    def __init__(self, *, engine: EngineSettings, **options: Any) -> None:
        super().__init__(
            async_mode="gevent",
            ping_interval=engine.ping_interval_ms / 1000,
            ping_timeout=engine.ping_timeout_ms / 1000,
            max_http_buffer_size=engine.max_frame_bytes,
            allow_upgrades=engine.allow_upgrades,
            monitor_clients=False,
            **options,
        )
        self.engine = engine
        self.bounds = Bounds(engine)
        self.counters = self.bounds.counters
        self.wheel = Wheel(engine.ping_interval_ms)
        self.slice_ms = max(1, round(engine.flush_slice_ms))
        self.turns = Turns(self.slice_ms)
        self.quota = Quota(engine)
        self.addresses = Addresses()
        #: Polling sessions that their client closed while its next GET was on the way.
        self._farewells: set[str] = set()

    def generate_id(self) -> str:
        """A sid: the worker's id, a dot, and 120 random bits; URL-safe."""
        return f"{self.engine.worker_id}.{secrets.token_urlsafe(15)}"

    def get_session(self, sid: str) -> dict[str, Any]:
        """As the stock one; the dictionary is made when first asked for. Raises KeyError."""
        connection: Connection = self._get_socket(sid)
        if connection.session is None:
            connection.session = {}
        return connection.session

    def ping_delay_ms(self) -> int:
        """The ping interval, shortened by a random part of the jitter."""
        interval = self.engine.ping_interval_ms
        return interval - random.randint(0, interval * self.engine.ping_jitter_pct // 100)  # noqa: S311

    # Requests

    def handle_request(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI entry. A WebSocket leaves its request: the answer is gunicorn's ALREADY_HANDLED."""
        try:
            self._check_origin(environ)
            return self._route(environ, start_response)
        except RefusedError as refusal:
            self.counters.refused += 1
            code, message = refusal.error
            status = f"{refusal.status.value} {refusal.status.phrase}"
            body = codec.encode({"code": code, "message": message})
            return self._answer(environ, start_response, status, body, "application/json")

    def _check_origin(self, environ: Environ) -> None:
        origin = environ.get("HTTP_ORIGIN")
        if origin and self.cors_allowed_origins != []:
            allowed = self._cors_allowed_origins(environ)
            if allowed is not None and origin not in allowed:
                raise RefusedError(FORBIDDEN, HTTPStatus.FORBIDDEN)

    def _route(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return self._answer(environ, start_response, "204 No Content", b"")
        query = parse_qs(environ.get("QUERY_STRING", ""))
        transport = query.get("transport", [""])[0]
        if transport not in self.transports:
            raise RefusedError(UNKNOWN_TRANSPORT)
        upgrading = environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        if (transport == "websocket") != upgrading:
            raise RefusedError(BAD_REQUEST)
        if "sid" not in query:
            return self._open(environ, start_response, query, upgrading=upgrading)
        connection = self.sockets.get(query["sid"][0])
        if connection is None:
            return self._answer_late(environ, start_response, query["sid"][0])
        if connection.upgraded:
            return self._refuse_upgraded(environ, start_response, upgrading=upgrading)
        if upgrading:
            return self._try_upgrade(environ, start_response, connection)
        if method == "GET":
            return self._answer(environ, start_response, "200 OK", longpoll.fetch(connection, environ))
        if method == "POST":
            longpoll.receive(connection, environ)
            return self._answer(environ, start_response, "200 OK", b"ok")
        raise RefusedError(BAD_METHOD)

    def _answer(
        self, environ: Environ, start_response: StartResponse, status: str, body: bytes, kind: str = "text/plain"
    ) -> list[bytes]:
        headers = [
            ("Content-Type", f"{kind}; charset=UTF-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Request-ID", request_id(environ.get("HTTP_X_REQUEST_ID", ""))),
            *self._cors_headers(environ),
        ]
        start_response(status, headers)
        return [body]

    # Handshake

    def _open(
        self, environ: Environ, start_response: StartResponse, query: dict[str, list[str]], *, upgrading: bool
    ) -> Iterable[bytes]:
        if query.get("EIO") != ["4"]:
            raise RefusedError(UNSUPPORTED_VERSION)
        if environ["REQUEST_METHOD"] != "GET":
            raise RefusedError(BAD_METHOD)
        address = network_of(environ.get("REMOTE_ADDR", ""))
        self._check_limits(address)
        if upgrading:
            return self._open_websocket(environ, start_response, address)
        connection = self._register(environ, address)
        connection.attach(self._polling_for(connection), upgraded=False)
        self.counters.polling += 1
        body = b"0" + self._handshake(connection, ["websocket"] if self.allow_upgrades else [])
        return self._answer(environ, start_response, "200 OK", body)

    def _check_limits(self, address: str) -> None:
        if draining.is_set():
            raise RefusedError(DRAINING, HTTPStatus.SERVICE_UNAVAILABLE)
        if len(self.sockets) >= self.engine.max_connections:
            raise RefusedError(TOO_MANY, HTTPStatus.SERVICE_UNAVAILABLE)
        if self.addresses.connections(address) >= self.engine.connections_per_ip:
            raise RefusedError(TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS)

    def _open_websocket(self, environ: Environ, start_response: StartResponse, address: str) -> Iterable[bytes]:
        head = self._negotiate(environ, start_response)
        if head is None:
            return [b""]
        connection = self._register(environ, address)
        opening = encode_frame(b"0" + self._handshake(connection, []))
        transport = self._take_socket(environ, head + opening, connection)
        if transport is None:
            connection.end(TRANSPORT_ERROR, POLICY_VIOLATION)
        return ALREADY_HANDLED  # type: ignore[no-any-return]

    def _negotiate(self, environ: Environ, start_response: StartResponse) -> bytes | None:
        """The head of the 101, or None if the client was refused."""
        answer = negotiate(environ)
        if answer.accepted and "gunicorn.socket" in environ:
            return answer.head()
        self.counters.refused += 1
        start_response(answer.status if not answer.accepted else "501 Not Implemented", answer.headers)
        return None

    def _take_socket(self, environ: Environ, greeting: bytes, owner: Connection | Probe) -> WebSocketTransport | None:
        """Answer, then take the descriptor from the request: None if the client is gone."""
        sock = environ["gunicorn.socket"]
        early = environ["wsgi.input"].reader.unreader.take_buffered()
        try:
            sock.sendall(greeting)
        except OSError:
            return None
        transport = WebSocketTransport(sock.detach(), owner, self.bounds)
        if isinstance(owner, Connection):
            owner.attach(transport, upgraded=True)
        else:
            owner.transport = transport
        transport.start(early)
        return transport

    def _register(self, environ: Environ, address: str) -> Connection:
        connection = Connection(self, self.generate_id(), self.addresses.enter(address))
        self.sockets[connection.sid] = connection
        self.counters.connections += 1
        self.counters.handshakes += 1
        self._trigger_event("connect", connection.sid, environ, run_async=False)
        return connection

    def _handshake(self, connection: Connection, upgrades: list[str]) -> bytes:
        return codec.encode(
            {
                "sid": connection.sid,
                "upgrades": upgrades,
                "pingInterval": self.engine.ping_interval_ms,
                "pingTimeout": self.engine.ping_timeout_ms,
                "maxPayload": self.engine.max_frame_bytes,
            }
        )

    # Long-polling

    def _polling_for(self, connection: Connection) -> PollingTransport:
        def overflow() -> None:
            self.counters.slow_closes += 1
            connection.end(SLOW_READER, POLICY_VIOLATION)

        return PollingTransport(self.bounds, overflow)

    def close_polling(self, connection: Connection, transport: Transport, *, by_client: bool) -> None:
        """Tell a waiting GET that the session is over."""
        if isinstance(transport, PollingTransport):
            if by_client and not transport.polled:
                self._farewells.add(connection.sid)
            transport.end(by_client=by_client)

    def _answer_late(self, environ: Environ, start_response: StartResponse, sid: str) -> Iterable[bytes]:
        """The GET that crossed its client's own close is answered as if it had been in time."""
        if sid not in self._farewells or environ["REQUEST_METHOD"] != "GET":
            raise RefusedError(UNKNOWN_SESSION)
        self._farewells.discard(sid)
        return self._answer(environ, start_response, "200 OK", NOOP)

    def release(self, connection: Connection) -> None:
        """The time for goodbyes is over."""
        self._farewells.discard(connection.sid)

    # Upgrade

    def _try_upgrade(self, environ: Environ, start_response: StartResponse, connection: Connection) -> Iterable[bytes]:
        if connection.probe is not None or not self.allow_upgrades:
            raise RefusedError(BAD_REQUEST)
        head = self._negotiate(environ, start_response)
        if head is None:
            return [b""]
        connection.probe = Probe(connection)
        if self._take_socket(environ, head, connection.probe) is None and connection.probe is not None:
            connection.probe.abandon()
        return ALREADY_HANDLED  # type: ignore[no-any-return]

    def _refuse_upgraded(self, environ: Environ, start_response: StartResponse, *, upgrading: bool) -> Iterable[bytes]:
        """The session has its WebSocket. A second one is opened and closed, as the reference does."""
        head = self._negotiate(environ, start_response) if upgrading else None
        if head is None:
            raise RefusedError(BAD_REQUEST)
        environ["gunicorn.socket"].sendall(head + encode_close(POLICY_VIOLATION, "upgraded already"))
        return ALREADY_HANDLED  # type: ignore[no-any-return]

    def on_upgraded(self, connection: Connection, transport: WebSocketTransport) -> None:
        """The session goes on over the WebSocket."""
        self.counters.upgrades += 1
        self.counters.polling -= 1
        connection.attach(transport, upgraded=True)

    # What a connection reports

    def on_message(self, connection: Connection, message: str | bytes) -> None:
        """A message to handle, in the client's own order."""
        self._trigger_event("message", connection.sid, message, run_async=False)

    def on_ended(self, connection: Connection, reason: str) -> None:
        """The last event of a connection, after all its messages."""
        self._trigger_event("disconnect", connection.sid, reason, run_async=False)

    def forget(self, connection: Connection) -> None:
        """Requests no longer find it, and it counts no more."""
        if self.sockets.pop(connection.sid, None) is None:
            return
        self.counters.connections -= 1
        self.counters.polling -= isinstance(connection.transport, PollingTransport)
        self.addresses.leave(connection.address)
