"""The Socket.IO server (protocol v5): what features register handlers on and send through.

Differences from python-socketio that a feature can rely on: only registered client events run;
whatever is sent in a connect handler arrives after the answer to the CONNECT; what is sent to one
client arrives after what its rooms were sent before; a disconnect handler runs once, and rooms are
left whatever it does; a malformed packet closes the connection; an event that overlaps (see
`Server.let_overlap`) does not hold up the next one that does.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import engineio
from socketio.exceptions import ConnectionRefusedError as RefusedByHandlerError

from app.core.later import Later
from app.realtime import codec, drain, packets
from app.realtime.answers import Awaited, encode_ack
from app.realtime.connection import Connection
from app.realtime.context import wants_ack
from app.realtime.engine import EngineServer
from app.realtime.flusher import Flusher
from app.realtime.manager import Manager
from app.realtime.packets import MalformedPacketError, Packet
from app.realtime.rooms import Client
from app.realtime.sending import SendingServer
from app.realtime.settings import EngineSettings
from app.realtime.transport import CLIENT_DISCONNECT, FLOOD, SERVER_DISCONNECT, TRANSPORT_CLOSE

logger = logging.getLogger(__name__)

UnknownEventHook = Callable[[str, str, bool], Any]
FloodHook = Callable[[str, str | None], None]
Callback = Callable[[], None]

#: What of the handshake request is kept for the connect handler.
KEPT_KEYS = (
    "REMOTE_ADDR",
    "QUERY_STRING",
    "HTTP_AUTHORIZATION",
    "HTTP_COOKIE",
    "HTTP_HOST",
    "HTTP_ORIGIN",
    "HTTP_USER_AGENT",
    "HTTP_X_FORWARDED_FOR",
)


class Server(SendingServer):
    """Handlers are `handler(sid, *args)`, run in order for each client, without a Flask context.

    `connect` is `handler(sid, environ, auth)`, where `environ` has KEPT_KEYS only; it refuses by
    raising `socketio.exceptions.ConnectionRefusedError(obj)`: the client's `connect_error` gets
    `obj` as `data` and its `message`. `disconnect` is `handler(sid, reason)`.
    """

    manager_initialized: bool
    #: Called as `(sid, event, has_ack)` for an event nobody registered; what it returns is the ack.
    on_unknown_event: UnknownEventHook | None = None
    #: Called as `(address, sid)` when a flood was ended; without a sid if it never joined. Must not raise.
    on_flood: FloodHook | None = None

    def __init__(self, engine: EngineSettings, *, client_manager: Manager | None = None, **options: Any) -> None:
        self.engine = engine
        self.worker_id = engine.worker_id
        self.drain_callbacks: list[Callback] = []
        self._overlapping: set[str] = set()
        options.setdefault("json", codec)
        super().__init__(
            client_manager=client_manager or Manager(),
            async_handlers=False,
            namespaces=list(engine.namespaces),
            **options,
        )
        self.counters = self.eio.counters
        self.flusher = Flusher(self.eio.bounds)
        self.eio.on_message = self._receive
        self.eio.on_ended = self._end
        drain.register(self)

    def _engineio_server_class(self) -> Callable[..., engineio.Server]:
        return partial(EngineServer, engine=self.engine)

    # Receiving

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        if not self.manager_initialized:
            self.manager_initialized = True
            self.manager.initialize()
        kept = {key: environ[key] for key in KEPT_KEYS if key in environ}
        connection = self.eio.sockets[eio_sid]
        connection.environ = kept
        connection.expect_join()

    def _receive(self, connection: Connection, message: str | bytes) -> None:
        """One Socket.IO packet, or one attachment of a packet."""
        try:
            packet = self._decode(connection, message)
            if packet is not None:
                self._dispatch(connection, packet)
        except MalformedPacketError as error:
            connection.reject(str(error))

    def _decode(self, connection: Connection, message: str | bytes) -> Packet | None:
        """The packet, once all its attachments are here."""
        pending = connection.binary
        if isinstance(message, bytes):
            if pending is None:
                raise MalformedPacketError("binary data without a packet that announces it")
            packet, attachments = pending
            attachments.append(message)
            if len(attachments) < packet.attachments:
                return None
            connection.binary = None
            return packet._replace(data=packets.attach(packet.data, attachments))  # type: ignore[no-any-return]
        if pending is not None:
            raise MalformedPacketError("text where an attachment was announced")
        packet = packets.decode(message, self.engine.max_binary_attachments)
        if packet.attachments:
            connection.binary = (packet, [])
            return None
        return packet

    def let_overlap(self, event: str) -> None:
        """Handlers of `event` answer `Later`, and the next overlapping event of the client may begin before that is there.

        Answers go out in the order of the events. Any other packet waits until all answers before it are out.
        """
        self._overlapping.add(event)

    def _dispatch(self, connection: Connection, packet: Packet) -> None:
        if connection.answers and not (packet.type == packets.EVENT and packet.data[0] in self._overlapping):
            connection.wait_for_answers()
        client = _client_in(connection, packet.namespace)
        if client is None:
            if packet.type != packets.CONNECT:
                raise MalformedPacketError("not connected to that namespace")
            self._connect(connection, packet.namespace, packet.data)
        elif packet.type in (packets.EVENT, packets.BINARY_EVENT):
            self._run_event(client, packet)
        elif packet.type in (packets.ACK, packets.BINARY_ACK):
            assert packet.id is not None  # decode refuses an ack without one
            if not self.manager.trigger_callback(client.sid, packet.id, packet.data, client.namespace):
                connection.misstep()
        elif packet.type == packets.DISCONNECT:
            self._leave(client, CLIENT_DISCONNECT)
        else:
            raise MalformedPacketError("connected to that namespace already")

    def _run_event(self, client: Client, packet: Packet) -> None:
        answer = b""
        try:
            result = self._handle_event(client, packet)
            if isinstance(result, Later):
                client.connection.answer_later(Awaited(client, packet.id, result))
            elif packet.id is not None and result is not self.not_handled:
                answer = encode_ack(client, packet.id, result)
        finally:
            client.let_go(answer)

    def _handle_event(self, client: Client, packet: Packet) -> Any:
        event, *arguments = packet.data
        wants_ack.set(packet.id is not None)
        handler, handler_args = self._get_event_handler(event, client.namespace, (client.sid, *arguments))
        if handler is not None:
            return handler(*handler_args)
        if self.on_unknown_event is None:
            return self.not_handled
        result = self.on_unknown_event(client.sid, event, packet.id is not None)
        return self.not_handled if result is None else result

    # Coming and going

    def _connect(self, connection: Connection, namespace: str, auth: Any) -> None:
        if namespace not in self.engine.namespaces:
            self._refuse(connection, namespace, {"message": "Invalid namespace"})
            return
        client = self.manager.add(connection, namespace)
        refusal = self._ask(client, connection.environ, auth)
        if connection.closed:
            self._leave(client, TRANSPORT_CLOSE)
        elif refusal is not None:
            self.manager.remove(client)
            self._refuse(connection, namespace, refusal)
        else:
            self._admit(client)

    def _ask(self, client: Client, environ: dict[str, str] | None, auth: Any) -> dict[str, Any] | None:
        """Run the connect handler; what to refuse the client with, or None."""
        handler, arguments = self._get_event_handler("connect", client.namespace, (client.sid, environ or {}, auth))
        if handler is None:
            return None
        try:
            accepted = handler(*arguments)
        except RefusedByHandlerError as error:
            return _refusal(error)
        except Exception:
            self.counters.handler_errors += 1
            logger.exception("the connect handler failed")
            return {"message": "Internal server error"}
        return {"message": "Connection rejected by server"} if accepted is False else None

    def _refuse(self, connection: Connection, namespace: str, why: dict[str, Any]) -> None:
        connection.misstep()
        connection.transport.write(packets.encode(packets.CONNECT_ERROR, namespace, why))

    def _admit(self, client: Client) -> None:
        connection = client.connection
        connection.joined()
        if len(self.engine.namespaces) == 1:
            connection.environ = None  # nobody will ask for it again
        self.counters.joined += 1
        self.manager.admit(client)
        client.release(packets.encode(packets.CONNECT, client.namespace, {"sid": client.sid}))

    def _leave(self, client: Client, reason: str) -> None:
        """Run the disconnect handler once, then forget the client whatever the handler did."""
        if client.leaving:
            return
        was_in = client.connected or client.connection.closed
        client.leaving = True
        try:
            handler, arguments = self._get_event_handler("disconnect", client.namespace, (client.sid, reason))
            if handler is not None and was_in:
                handler(*arguments)
        except Exception:
            self.counters.handler_errors += 1
            logger.exception("the disconnect handler failed")
        finally:
            self.counters.joined -= _was_admitted(client)
            self.manager.remove(client)
            if not client.connection.clients and not client.connection.closed:
                client.connection.expect_join()

    def end_flood(self, sid: str, why: str) -> None:
        """Close the client's connection with 1008 and `rate_limited: <why>`: it does not stop to send what is refused."""
        client = self.manager.client(sid)
        if client is not None:
            client.connection.end_flood(why)

    def _end(self, connection: Connection, reason: str) -> None:
        if reason == FLOOD and self.on_flood is not None:
            self.on_flood(connection.address.name, connection.clients[0].sid if connection.clients else None)
        for client in connection.clients:
            self._leave(client, reason)
        connection.environ = connection.binary = connection.session = None

    def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:
        """Disconnect a client from the namespace; it will not reconnect by itself (see `close`)."""
        namespace = namespace or "/"
        ask = self.manager.is_connected if ignore_queue else self.manager.can_disconnect
        if ask(sid, namespace):
            client = self.manager.client(sid, namespace)
            if client is not None:
                client.write(packets.encode(packets.DISCONNECT, namespace, None))
                self._leave(client, SERVER_DISCONNECT)

    def close(self, sid: str) -> None:
        """Close the client's Engine.IO socket: it sees "transport close" and reconnects by itself."""
        client = self.manager.client(sid)
        if client is not None:
            client.write(b"")  # what its rooms have waiting
            client.connection.close(reason=TRANSPORT_CLOSE)

    def get_environ(self, sid: str, namespace: str | None = None) -> dict[str, str] | None:
        """What was kept of the handshake request; None once it was dropped, see `_admit`."""
        client = self.manager.client(sid, namespace or "/")
        return client.connection.environ if client is not None else None

    # Leaving

    def on_drain(self, callback: Callback) -> None:
        """Run `callback` while draining, after the sockets are closed."""
        self.drain_callbacks.append(callback)

    def drain(self, reconnect_in_ms: int | None = None) -> None:
        """Tell each client its moment within `reconnect_in_ms` to come back, and close it soon after."""
        drain.drain_server(self, reconnect_in_ms)


def _client_in(connection: Connection, namespace: str) -> Client | None:
    for client in connection.clients:
        if client.namespace == namespace:
            found: Client = client
            return found
    return None


def _was_admitted(client: Client) -> bool:
    return any(room.name is None for room in client.rooms)


def _refusal(error: RefusedByHandlerError) -> dict[str, Any]:
    """What `connect_error` gets: JavaScript clients read `message` and `data`, and nothing else."""
    why = error.args[0] if error.args else None
    if isinstance(why, dict):
        return {"message": str(why.get("message", "refused")), "data": why}
    refusal: dict[str, Any] = error.error_args
    return refusal
