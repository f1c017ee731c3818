"""Waiting for what happens in another greenlet or process, without fixed sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable

STEP_S = 0.005
PATIENCE_S = 15.0
"""How long a busy machine may take for what a quiet one does at once. What is promised in time has a bound of its own."""


def eventually(condition: Callable[[], object], within_s: float = PATIENCE_S, what: str = "") -> float:
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
