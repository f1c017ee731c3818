"""What looks like an attack is logged as such: one warning `suspicious`, with what it was, by whom and from where.

One line a second for each kind and address, which says how many went before it without one: whoever floods the server must
not flood its log as well. Every one is counted.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.backends.handles import handles
from app.core.actor import Actor

log = structlog.get_logger(__name__)

#: The refusals that an honest client does not meet, or not often; rates are of sign-ins and handshakes alone.
KINDS = {
    "refresh_reused": "a refresh token that was used before: somebody has a copy",
    "invalid_token": "a token that we never signed",
    "csrf_failed": "a write by cookie that does not prove where it comes from",
    "origin_not_allowed": "a page of another site",
    "rate_limited": "sign-ins, or handshakes, more than anybody needs",
    "flood": "a socket that sent more than it may, or what nobody asked for, or was refused a hundred times, and was closed",
    "too_many_connections": "more sockets than one person needs",
}
EVERY_MS = 1_000
MOST_REMEMBERED = 10_000

on_noted: list[Callable[[str], None]] = []
"""Called with the kind of each."""

_last: dict[tuple[str, str], tuple[float, int]] = {}


def note(kind: str, *, address: str, actor: Actor, where: str) -> None:
    """Count what was refused as `kind`, if it is one of `KINDS`, and log it if there was no line of it this second.

    Args:
        address: the client's, as far as trusted proxies say.
        where: the route or the event, never an address with what somebody made up.
    """
    if kind not in KINDS:
        return
    for listener in on_noted:
        listener(kind)
    now_ms = handles.clock.monotonic_ms()
    logged_ms, skipped = _last.get((kind, address), (now_ms - EVERY_MS, 0))
    if now_ms - logged_ms < EVERY_MS:
        _last[kind, address] = logged_ms, skipped + 1
        return
    if len(_last) >= MOST_REMEMBERED:
        _last.clear()
    _last[kind, address] = now_ms, 0
    log.warning("suspicious", kind=kind, address=address, user=actor.limit_key, where=where, skipped=skipped)
