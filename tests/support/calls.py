"""How often functions are called, and how long the texts are that they are given: work that is counted needs no clock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def calls_of(*functions: Callable[..., Any]) -> Iterator[dict[str, int]]:
    """By name, how often each of `functions` was called in the block."""
    names = {function.__code__: function.__qualname__ for function in functions}
    calls = dict.fromkeys(names.values(), 0)

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code in names:
            calls[names[frame.f_code]] += 1

    with _profiled(note):
        yield calls


@contextmanager
def longest_given(*functions: Callable[..., Any]) -> Iterator[dict[str, int]]:
    """By name, the length of the longest text that each of `functions` was called with in the block; 0: with none."""
    names = {function.__code__: function.__qualname__ for function in functions}
    longest = dict.fromkeys(names.values(), 0)

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code in names:
            given = [len(value) for value in frame.f_locals.values() if isinstance(value, str)]
            name = names[frame.f_code]
            longest[name] = max(longest[name], *given, 0)

    with _profiled(note):
        yield longest


@contextmanager
def _profiled(note: Callable[[FrameType, str, Any], None]) -> Iterator[None]:
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
