"""Waiting for what happens in another greenlet or process, without fixed sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable

STEP_S = 0.005


def eventually(condition: Callable[[], object], within_s: float = 5.0, what: str = "") -> float:
    """Return, as soon as `condition` holds, the seconds that it took.

    Raises:
        AssertionError: it did not in time.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            raise AssertionError(what or f"did not happen within {within_s} s")
        time.sleep(STEP_S)
    return time.monotonic() - began
