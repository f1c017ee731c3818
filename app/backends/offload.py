"""Work that would stall the event loop (disk, images, hashing), done by threads of its own.

Apart from the hub's own pool, so that a dozen slow files never keep SQLite or name look-ups waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from gevent.threadpool import ThreadPool
from gevent.util import wrap_errors

THREADS = 4

P = ParamSpec("P")
T = TypeVar("T")
_pools: list[ThreadPool] = []


def offload(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`function(…)` in a thread, while other greenlets run; it must touch neither sockets nor the database."""
    if not _pools:  # at first use: a pool belongs to the worker's hub, which is not there before the fork
        _pools.append(ThreadPool(THREADS))
    outcome: Any = _pools[0].apply(wrap_errors(Exception, function), args, kwargs)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome  # type: ignore[no-any-return]
