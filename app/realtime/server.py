"""The Socket.IO server: what features register handlers on and send through."""

import secrets
from collections.abc import Callable, Collection
from typing import Any

import engineio
import gevent
import socketio
from engineio.packet import MESSAGE, Packet

from app.realtime import codec, drain
from app.realtime.context import wants_ack
from app.realtime.settings import EngineSettings
from app.realtime.stock import StockEngine

UnknownEventHook = Callable[[str, str, bool], Any]
Callback = Callable[[], None]


class Server(socketio.Server):  # type: ignore[misc]
    """python-socketio's server; see the methods for what Greenroom adds.

    Handlers run as `handler(sid, *args)`, in order for each client, without a Flask context.
    `connect` is `handler(sid, environ, auth)`, `disconnect` is `handler(sid, reason)`.
    """

    on_unknown_event: UnknownEventHook | None = None

    def __init__(self, engine: EngineSettings, **options: Any) -> None:
        self.engine = engine
        self.worker_id = engine.worker_id
        self.drain_callbacks: list[Callback] = []
        options.setdefault("json", codec)
        super().__init__(
            async_mode="gevent",
            async_handlers=False,
            ping_interval=engine.ping_interval_ms / 1000,
            ping_timeout=engine.ping_timeout_ms / 1000,
            max_http_buffer_size=engine.max_frame_bytes,
            namespaces=list(engine.namespaces),
            **options,
        )
        self.eio.worker_id = engine.worker_id
        drain.register(self)

    def _engineio_server_class(self) -> type[engineio.Server]:
        return StockEngine

    def _trigger_event(self, event: str, namespace: str, *args: Any) -> Any:
        handler = self.handlers.get(namespace, {}).get(event)
        if handler is None and event not in self.reserved_events and self.on_unknown_event:
            return self.on_unknown_event(args[0], event, wants_ack.get())
        return handler(*args) if handler else self.not_handled

    def _handle_event(self, eio_sid: str, namespace: str, id: int | None, data: Any) -> None:
        if isinstance(data, list) and data and data[0] not in self.reserved_events:
            wants_ack.set(id is not None)
            super()._handle_event(eio_sid, namespace, id, data)

    def fanout(
        self,
        channel: str,
        event: str,
        *args: Any,
        skip_sid: str | None = None,
        latest_key: str | None = None,
    ) -> None:
        """Deliver to the local members of `channel`; ephemeral if it has a `latest_key`."""
        self.fanout_encoded(channel, self.encode(event, *args), skip_sid=skip_sid, latest_key=latest_key)

    def encode(self, event: str, *args: Any) -> str:
        """The Socket.IO packet of an event, as `fanout_encoded` takes it."""
        return "2" + codec.dumps([event, *args])

    def fanout_encoded(
        self, channel: str, frame_text: str, *, skip_sid: str | None = None, latest_key: str | None = None
    ) -> None:
        """`fanout` of a packet that is encoded already (`encode`)."""
        packet = Packet(MESSAGE, frame_text)
        for sid, eio_sid in list(self.manager.get_participants("/", channel)):
            if sid != skip_sid:
                self.eio.send_packet(eio_sid, packet)

    def send(self, sid: str, event: str, *args: Any) -> None:  # type: ignore[override]
        """Send one client an event, after what its rooms have pending."""
        self.fanout(sid, event, *args)

    def members(self, channel: str) -> Collection[str]:
        """The sids of the local members of `channel`."""
        return [sid for sid, _ in self.manager.get_participants("/", channel)]

    def member_count(self, channel: str) -> int:
        """How many local members `channel` has."""
        return len(self.members(channel))

    def close(self, sid: str) -> None:
        """Close the client's Engine.IO socket: it sees "transport close" and reconnects by itself."""
        eio_sid = self.manager.eio_sid_from_sid(sid, "/")
        if eio_sid is not None:
            self.eio.disconnect(eio_sid)

    def stats(self) -> dict[str, int]:
        """Counters and gauges of this process, for metrics."""
        return {"connections": len(self.eio.sockets), "joined": self.member_count(None)}

    def on_drain(self, callback: Callback) -> None:
        """Run `callback` while draining, after the sockets are closed."""
        self.drain_callbacks.append(callback)

    def drain(self, reconnect_in_ms: int | None = None, batch: int | None = None) -> None:
        """Tell every client to come back within `reconnect_in_ms`, then close them in batches."""
        within_ms = self.engine.drain_reconnect_ms if reconnect_in_ms is None else reconnect_in_ms
        sids = list(self.members(None))
        for sid in sids:
            self.send(sid, "server-draining", {"reconnectInMs": drain.spread(within_ms)})
        gevent.sleep(self.engine.drain_notice_ms / 1000)
        size = batch or self.engine.drain_batch_sockets
        for start in range(0, len(sids), size):
            for sid in sids[start : start + size]:
                self.close(sid)
            gevent.sleep(self.engine.drain_batch_pause_ms / 1000)

    def generate_id(self) -> str:
        """A sid: the worker's id, a dot, and 120 random bits."""
        return f"{self.worker_id}.{secrets.token_urlsafe(15)}"
