"""`flask prune` and `flask check`: taking away what nobody needs any more, and looking whether what must hold does.

Workers prune by themselves, once an hour; the command is for doing it now. Several at once only share the work.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import click
import gevent
import structlog
from sqlalchemy import text

from app.auth import service as auth
from app.backends.handles import handles
from app.backends.transaction import database, reading
from app.core.clock import add_ms
from app.core.errors import AppError
from app.rooms import service as rooms
from app.uploads import service as uploads

log = structlog.get_logger(__name__)

DAY_MS = 86_400_000
DELETED_ROOMS_MS = 7 * DAY_MS  # how long an operator can still bring a deleted room back
ROOM_EVENTS_MS = DAY_MS  # the contract's: older positions get a full state
EVERY_S = 3600.0

JOBS: dict[str, Callable[[], int]] = {
    "rooms deleted more than a week ago": lambda: rooms.purge_deleted_rooms(
        before=add_ms(database.now(), -DELETED_ROOMS_MS)
    ),
    "room events older than a day": lambda: rooms.prune_room_events(before=add_ms(database.now(), -ROOM_EVENTS_MS)),
    "host actions older than AUDIT_KEEP_DAYS": lambda: rooms.prune_audit(
        before=add_ms(database.now(), -handles.settings.audit_keep_days * DAY_MS)
    ),
    "devices whose sign-in has run out": auth.prune_devices,
    "uploads that were not finished, or that no message shows": lambda: uploads.prune_uploads(
        before=add_ms(database.now(), -uploads.UNUSED_MS)
    ),
    "files in the storage that nobody needs": uploads.sweep_discarded,  # last: after what discards them
}

#: What must hold, as a query for what breaks it: each row is one fault, its first column says where.
INVARIANTS = {
    "a room has a head": "SELECT r.id FROM rooms r LEFT JOIN room_heads h ON h.room_id = r.id WHERE h.room_id IS NULL",
    "a room's head is not behind its log": (
        "SELECT h.room_id FROM room_heads h"
        " WHERE h.room_seq < (SELECT MAX(e.seq) FROM room_events e WHERE e.room_id = h.room_id)"
    ),
    "a room's head is not behind its messages": (
        "SELECT h.room_id FROM room_heads h"
        " WHERE h.chat_seq < (SELECT MAX(m.change_seq) FROM messages m WHERE m.room_id = h.room_id)"
    ),
    "a message was changed no earlier than it was made": "SELECT id FROM messages WHERE change_seq < seq",
    "a deleted message has no text": "SELECT id FROM messages WHERE deleted_at IS NOT NULL AND content <> ''",
    "a room has one owner, a direct room none": (
        "SELECT r.id FROM rooms r LEFT JOIN memberships m ON m.room_id = r.id AND m.role = 'owner'"
        " GROUP BY r.id, r.owner_id, r.direct_key"
        " HAVING COUNT(m.user_id) <> CASE WHEN r.direct_key IS NULL THEN 1 ELSE 0 END"
    ),
    "a room's owner is the member who owns it": (
        "SELECT r.id FROM rooms r JOIN memberships m ON m.room_id = r.id AND m.role = 'owner' WHERE m.user_id <> r.owner_id"
    ),
    "a timer's columns fit its state": (
        "SELECT id FROM timers WHERE (state = 'running') <> (ends_at IS NOT NULL)"
        " OR (state = 'paused') <> (paused_left_ms IS NOT NULL) OR (state = 'finished') <> (finished_at IS NOT NULL)"
        " OR (state = 'running' AND started_at IS NULL)"
    ),
}
SQLITE_CHECKS = {
    "the file is whole": "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "every row's parent is there": "SELECT \"table\" || ' row ' || rowid FROM pragma_foreign_key_check",
}
SHOWN = 5


@click.command("prune")
def prune() -> None:
    """Remove now what the workers remove by themselves; ends with status 1 when a store was away."""
    failed = 0
    for name, job in JOBS.items():
        click.echo(f"{name}: ", nl=False)
        try:
            click.echo(f"{job()} removed")
        except AppError as why:
            failed += 1
            click.echo(f"NOT now: {why.message}")
    if failed:
        raise click.ClickException("Not everything could be removed; run it again later.")


@click.command("check")
def check() -> None:
    """Verify what must hold in the database; ends with status 1 when something does not."""
    faults = 0
    for name, found in check_invariants():
        faults += len(found)
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        click.echo(f"{name}: " + (f"NOT for {', '.join(found[:SHOWN])}{more}" if found else "yes"))
    if faults:
        raise click.ClickException(f"{faults} faults found.")


def check_invariants() -> Iterator[tuple[str, list[str]]]:
    """Each invariant with where it is broken (nowhere: an empty list); each in a short transaction of its own."""
    checks = {**INVARIANTS, **(SQLITE_CHECKS if database.dialect == "sqlite" else {})}
    for name, query in checks.items():
        with reading() as session:
            yield name, [str(row[0]) for row in session.execute(text(query))]


def prune_all() -> dict[str, int]:
    """Run every job; how much each removed. One that fails is logged and keeps none of the others from running."""
    removed = {}
    for name, job in JOBS.items():
        try:
            removed[name] = job()
        except Exception:
            log.exception("prune_failed", job=name)
    return removed


def prune_forever() -> None:
    """Prune about once an hour; workers that started together do not prune together."""
    while True:
        gevent.sleep(EVERY_S * random.uniform(0.75, 1.25))  # noqa: S311 - only to come at different moments
        log.info("pruned", **{name.replace(" ", "_"): count for name, count in prune_all().items()})
