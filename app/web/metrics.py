"""What Prometheus reads (text format 0.0.4): one registry, begun anew by `create_app`.

What happens often is counted where it happens, at about a microsecond each; what has a state already (the engine's counters,
the pool, the bus) is asked when somebody reads. Labels have few values: routes, not paths; our event names, not a client's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import structlog
from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.backends.handles import handles
from app.backends.transaction import Transaction, database
from app.core.clock import from_wire, ms_between
from app.core.event import Event
from app.web import suspicion
from app.web.background import background
from app.web.sockets import sockets

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LOOP_TICK_S = 0.1
STALL_S = 0.25

GAUGES = {
    "connections": "Engine.IO sessions",
    "polling": "Sessions on long-polling",
    "joined": "Clients that have joined the namespace",
    "backlogged": "Sessions with unsent bytes",
    "backlog_bytes": "Unsent bytes of all sessions",
}

log = structlog.get_logger(__name__)


class Metrics:
    """What this process counts. `bind` begins at zero; the listeners stay the same."""

    def __init__(self) -> None:
        self.bind()

    def bind(self) -> None:
        """Begin a new registry."""
        self.registry = CollectorRegistry()
        self._of_event: dict[tuple[str, str], tuple[Callable[[], None], Callable[[float], None]]] = {}
        common: dict[str, Any] = {"namespace": "greenroom", "registry": self.registry}
        self.events = Counter("events", "Client events handled", ("event", "outcome"), **common)
        self.event_seconds = Histogram("event_seconds", "Time in handlers", ("event",), buckets=SECONDS, **common)
        self.requests = Counter("http_requests", "HTTP answers", ("method", "route", "status"), **common)
        self.request_seconds = Histogram(
            "http_request_seconds", "Time to answer", ("route",), buckets=SECONDS, **common
        )
        self.timer_error = Histogram(
            "timer_firing_error_seconds",
            "From a timer's end to the transaction that fires it",
            buckets=SECONDS,
            **common,
        )
        self.delivery_seconds = Histogram(
            "delivery_seconds",
            "From a message's transaction to its hand-out to this worker's clients",
            buckets=SECONDS,
            **common,
        )
        self.canary_seconds = Histogram(
            "canary_seconds", "From a canary's transaction on any worker to its arrival here", buckets=SECONDS, **common
        )
        self.bus_lag = Histogram(
            "bus_lag_seconds", "From a canary's publication to its arrival here", buckets=SECONDS, **common
        )
        self.canary_lost = Counter("canary_lost", "Canaries that were committed and never arrived here", **common)
        self.canary_failures = Counter("canary_failures", "Canaries that could not be committed here", **common)
        self.loop_lag = Histogram("loop_lag_seconds", "How late the event loop is", buckets=SECONDS, **common)
        self.suspicious = Counter("suspicious", "Refusals that look like an attack", ("kind",), **common)
        for kind in suspicion.KINDS:
            self.suspicious.labels(kind)
        self.registry.register(StateCollector())
        ProcessCollector(registry=self.registry)

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)

    def event_handled(self, event: str, outcome: str, seconds: float) -> None:
        """Count a client event; listens to `sockets.on_handled`."""
        found = self._of_event.get((event, outcome))
        if found is None:  # looking labels up costs more than counting
            found = self.events.labels(event, outcome).inc, self.event_seconds.labels(event).observe
            self._of_event[event, outcome] = found
        count, observe = found
        count()
        observe(seconds)

    def request_answered(self, response: Response) -> Response:
        """Count an HTTP answer."""
        route = str(request.url_rule or "unmatched")
        method = request.method if request.method in METHODS else "other"
        self.requests.labels(method, route, str(response.status_code)).inc()
        self.request_seconds.labels(route).observe(time.perf_counter() - g.get("started_s", time.perf_counter()))
        return response

    def timer_finished(self, work: Transaction, event: Event) -> None:
        """Note how late a timer that ended by itself was fired."""
        if event.cause == "end":
            late_ms = ms_between(from_wire(event.args[0]["finishedAt"]), work.now)
            self.timer_error.observe(max(0.0, late_ms / 1000))

    def message_delivered(self, event: Event) -> None:
        """Note how long a message took from its transaction to this worker's clients."""
        if event.name == "message-received":
            late_ms = ms_between(from_wire(event.args[0]["createdAt"]), handles.clock.now())
            self.delivery_seconds.observe(max(0.0, late_ms / 1000))

    def suspicion_noted(self, kind: str) -> None:
        """Count it; listens to `suspicion.on_noted`."""
        self.suspicious.labels(kind).inc()

    def canary_heard(self, *, since_sung_s: float, since_published_s: float) -> None:
        """Note how long a canary took."""
        self.canary_seconds.observe(max(0.0, since_sung_s))
        self.bus_lag.observe(max(0.0, since_published_s))

    def watch_loop(self) -> None:
        """Sleep in steps for ever and note how much too long each took: whatever blocks the loop shows here."""
        while True:
            started_s = time.perf_counter()
            gevent.sleep(LOOP_TICK_S)
            self.loop_ticked(time.perf_counter() - started_s - LOOP_TICK_S)

    def loop_ticked(self, lag_s: float) -> None:
        """Note a step that was `lag_s` too long."""
        self.loop_lag.observe(max(0.0, lag_s))
        if lag_s >= STALL_S:
            log.warning("loop_stalled", lag_ms=round(lag_s * 1000))


class StateCollector(Collector):
    """What others keep, read when asked."""

    def collect(self) -> Iterator[Metric]:
        """The engine's counters and gauges, rooms, bus and pool of this moment."""
        for name, value in sockets.server.stats().items():
            if name in GAUGES:
                yield GaugeMetricFamily(f"greenroom_socket_{name}", GAUGES[name], value)
            else:
                yield CounterMetricFamily(f"greenroom_socket_{name}", f"Engine counter {name}", value)
        yield GaugeMetricFamily("greenroom_rooms", "Rooms with somebody on this worker", room_count())
        yield GaugeMetricFamily("greenroom_bus_healthy", "1 while events travel between workers", int(bus_is_healthy()))
        pool: Any = database.engine.pool
        if hasattr(pool, "checkedout"):
            yield GaugeMetricFamily("greenroom_db_pool_size", "Connections the pool may open", pool.size())
            yield GaugeMetricFamily("greenroom_db_pool_in_use", "Connections in use", pool.checkedout())


def init_app(app: Flask) -> None:
    """Count what `app` answers and what its sockets handle."""
    metrics.bind()
    app.after_request(metrics.request_answered)
    if metrics.event_handled not in sockets.on_handled:
        sockets.on_handled.append(metrics.event_handled)
    if metrics.suspicion_noted not in suspicion.on_noted:
        suspicion.on_noted.append(metrics.suspicion_noted)
    database.subscribe("timer-finished", metrics.timer_finished)
    background.add("loop-lag", metrics.watch_loop)


def room_count() -> int:
    """Rooms that have a client on this worker, of either dialect."""
    seats = (client.seats for client in list(sockets.clients.values()))
    return len({room_id for by_room in seats for room_id in by_room})


def bus_is_healthy() -> bool:
    """Whether events travel between workers; alone in its process, a worker has nobody to lose."""
    return not handles.settings.redis_url or handles.bus.is_healthy()


metrics = Metrics()
