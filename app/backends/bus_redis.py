"""The bus over Redis or Valkey pub/sub, one server or a cluster (sharded pub/sub).

- Each worker subscribes only to the channels of people it has, so its cost follows its own rooms.
- The publisher's own worker gets an event at once, without a network; the receiver's reorder buffer makes the order.
- While Redis is away `publish` costs nothing and local delivery goes on; after it returned `on_gap` is called.
- Around a reconnection an event without a number may come twice.
- Why Redis is away is logged once for each reason of an outage, as the breaker does of a database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gevent
import structlog
from redis.exceptions import RedisError

from app.backends.bus_publisher import Publisher
from app.backends.bus_subscriber import Subscriber
from app.backends.bus_wire import decode_message, encode_event, encode_message, is_from
from app.backends.redis_server import Channel, RedisServer
from app.core.event import Event
from app.core.ids import new_token

CANARY_EVERY_S = 0.75
RECONNECT_EVERY_S = 0.25
STOP_S = 2.0

log = structlog.get_logger(__name__)


class RedisBus:
    """Publisher, subscriber, and the greenlet that keeps both connected."""

    def __init__(self, url: str) -> None:
        self._sender = new_token(9)
        self._server = RedisServer(url)
        self._publisher = Publisher(self._server, lambda events: encode_message(self._sender, events))
        self._subscriber = Subscriber(self._server, self._receive)
        self._deliver: Callable[[Event], None] = lambda event: None
        self._on_gap: Callable[[], None] = lambda: None
        self._keeper: gevent.Greenlet | None = None
        self._reasons: set[str] = set()

    def start(self, deliver: Callable[[Event], None], on_gap: Callable[[], None]) -> None:
        self._deliver, self._on_gap = deliver, on_gap
        if self._keeper is None:
            self._publisher.start()
            self._keeper = gevent.spawn(self._keep)

    def publish(self, events: Sequence[Event]) -> None:
        for event in events:
            try:
                self._publisher.put(_channel(event.channel), encode_event(event))
            except TypeError:
                log.exception("event_has_no_json_form", event_name=event.name, channel=event.channel)
        for event in events:
            self._hand_over(event)

    def subscribe(self, *channels: str) -> None:
        self._subscriber.subscribe(map(_channel, channels))

    def unsubscribe(self, *channels: str) -> None:
        self._subscriber.unsubscribe(map(_channel, channels))

    def is_healthy(self) -> bool:
        return self._subscriber.is_connected and not self._publisher.is_broken

    def flush(self, timeout_s: float) -> bool:
        return self._publisher.flush(timeout_s)

    def stop(self) -> None:
        self.flush(STOP_S)
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper = None
        self._publisher.stop()
        self._subscriber.close()

    def _keep(self) -> None:
        while True:
            if not self.is_healthy():
                self._connect()
            if self._subscriber.lost.wait(CANARY_EVERY_S if self.is_healthy() else RECONNECT_EVERY_S):
                continue
            if self._subscriber.is_connected and self._subscriber.has_silent_link():
                log.warning("bus_half_open")
                self._subscriber.lost.set()
            for canary in self._subscriber.canaries:
                self._publisher.put(canary, b"0")

    def _connect(self) -> None:
        try:
            self._server.discover()
            self._subscriber.connect()
        except (RedisError, OSError) as why:
            self._subscriber.close()
            self._tell_away(str(why))
            gevent.sleep(RECONNECT_EVERY_S)
            return
        self._publisher.ready()
        self._reasons.clear()
        log.info("bus_connected", channels=len(self._subscriber.wanted))
        self._tell_of_gap()

    def _tell_away(self, why: str) -> None:
        if why not in self._reasons:
            log.warning("bus_is_away", why=why)
        self._reasons.add(why)

    def _tell_of_gap(self) -> None:
        try:
            self._on_gap()
        except Exception:
            log.exception("gap_not_handled")

    def _receive(self, message: bytes) -> None:
        if is_from(self._sender, message):
            return
        try:
            _, events = decode_message(message)
        except ValueError:
            log.warning("bus_message_unreadable", size_bytes=len(message))
            return
        for event in events:
            self._hand_over(event)

    def _hand_over(self, event: Event) -> None:
        try:
            self._deliver(event)
        except Exception:
            log.exception("delivery_failed", event_name=event.name, channel=event.channel)


def _channel(name: str) -> Channel:
    """The name in Redis. The braces put a room's channels in one slot of a cluster."""
    kind, _, ident = name.partition(":")
    return f"greenroom:{kind}:{{{ident}}}"
