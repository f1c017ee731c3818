"""Loops that run beside the requests, one greenlet each; they start when a worker begins to serve, never in tests or commands.

A loop that fails is logged and begun again after `RESTART_S`: a store that is away for a while ends nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
import structlog

RESTART_S = 1.0

log = structlog.get_logger(__name__)


class Background:
    """The loops of this process."""

    def __init__(self) -> None:
        self._loops: dict[str, Callable[[], None]] = {}
        self._greenlets: list[gevent.Greenlet[[], None]] = []

    def add(self, name: str, loop: Callable[[], None]) -> None:
        """Run `loop` (which never returns) once the worker serves; a later one of that name takes its place."""
        self._loops[name] = loop

    def start(self) -> None:
        """Begin all loops; called by gunicorn.conf.py in the worker."""
        self._greenlets = [gevent.spawn(_forever, name, loop) for name, loop in self._loops.items()]

    def stop(self) -> None:
        """End all loops."""
        gevent.killall(self._greenlets)
        self._greenlets = []


def _forever(name: str, loop: Callable[[], None]) -> None:
    while True:
        try:
            loop()
        except Exception:
            log.exception("background_failed", loop=name)
        gevent.sleep(RESTART_S)


background = Background()
