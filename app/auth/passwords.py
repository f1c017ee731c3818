"""Passwords: argon2id (RFC 9106), worked out in the hub's thread pool so that no sign-in stalls the event loop.

At most `CONCURRENCY` run at a time, whatever is asked: each takes a core and `MEMORY_KIB`. Who waits longer than
`PATIENCE_S` is told to come back, so that a flood of sign-ins cannot pile up greenlets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from gevent.lock import BoundedSemaphore

from app.core.errors import AppError
from app.core.ids import new_token
from app.core.spelling import normal

MEMORY_KIB = 19_456
ITERATIONS = 2
CONCURRENCY = 2
PATIENCE_S = 5

_hasher = PasswordHasher(time_cost=ITERATIONS, memory_cost=MEMORY_KIB, parallelism=1)
_turns = BoundedSemaphore(CONCURRENCY)
# Of a password nobody knows, so that an unknown account costs as much as a known one.
_NOBODYS_HASH = _hasher.hash(new_token(32))


def hash_password(password: str) -> str:
    """The hash to store, with its salt and parameters.

    Raises:
        AppError: `rate_limited` when too many wait.
    """
    return str(_in_turn(_hasher.hash, _normal(password)))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one behind `password_hash`; None, for no such account, takes as long and is False.

    Raises:
        AppError: `rate_limited` when too many wait.
    """
    return bool(_in_turn(_verify, password_hash, _normal(password)))


def needs_rehash(password_hash: str) -> bool:
    """Whether `password_hash` was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _verify(password_hash: str | None, password: str) -> bool:
    # Answers instead of raising: gevent writes a traceback for whatever leaves its thread pool.
    try:
        _hasher.verify(password_hash or _NOBODYS_HASH, password)
    except VerifyMismatchError:
        return False
    except (VerificationError, InvalidHashError):  # nobody signs in by such a hash; its speed must not tell
        return _verify(None, password)
    return bool(password_hash)


def _normal(password: str) -> str:
    """One form for what keyboards compose differently (RFC 8265, OpaqueString)."""
    return normal(password, "NFC")


def _in_turn(function: Callable[..., Any], *args: Any) -> Any:
    if not _turns.acquire(timeout=PATIENCE_S):
        raise AppError("rate_limited", retry_after_ms=PATIENCE_S * 1000)
    try:
        return gevent.get_hub().threadpool.apply(function, args)
    finally:
        _turns.release()
