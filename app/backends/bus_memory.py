"""The bus of a single worker: a function call. Nothing can be lost, so `on_gap` is never called."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from app.core.event import Event

log = structlog.get_logger(__name__)


class MemoryBus:
    """Delivers to its own process."""

    def __init__(self) -> None:
        self._deliver: Callable[[Event], None] | None = None

    def start(self, deliver: Callable[[Event], None], on_gap: Callable[[], None]) -> None:
        self._deliver = deliver

    def publish(self, events: Sequence[Event]) -> None:
        if self._deliver is None:
            return
        for event in events:
            try:
                self._deliver(event)
            except Exception:
                log.exception("delivery_failed", event_name=event.name, channel=event.channel)

    def subscribe(self, *channels: str) -> None:
        """Every channel is heard anyway."""

    def unsubscribe(self, *channels: str) -> None:
        """Every channel is heard anyway."""

    def is_healthy(self) -> bool:
        return True

    def flush(self, timeout_s: float) -> bool:
        return True

    def stop(self) -> None:
        self._deliver = None
