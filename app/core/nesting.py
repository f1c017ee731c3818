"""How deep JSON is nested: asked of what was parsed, for how deep a parser goes differs by Python version."""

from __future__ import annotations

from typing import Any


def nesting(data: Any, *, limit: int) -> int:
    """How deep lists and objects are nested in `data`, without recursion; stops counting past `limit`."""
    depth, level = 0, [data]
    while level and depth <= limit:
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        depth += 1
    return depth
