"""`flask seed`: the demo room and its people. Running it again makes what is missing and changes nothing else."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import select

from app.auth import service as auth
from app.auth.models import User
from app.auth.passwords import verify_password
from app.auth.schemas import MIN_PASSWORD
from app.backends.handles import handles
from app.backends.transaction import reading, transaction
from app.core.actor import Actor
from app.rooms import service as rooms
from app.rooms.models import Room
from app.timers import service as timers
from app.web.lan import lan_url

ROOM = "B003 · PyConFR 2025, day 1"
DESCRIPTION = "The programme of one room for one day. Start the first timer and open the share link on another screen."
PROGRAMME = Path(__file__).parents[2] / "examples" / "data" / "pyconfr-2025.csv"
HOST = ("demo-host", "Ada")
MEMBERS = (("demo-bruno", "Bruno"), ("demo-chloe", "Chloé"))
DEMO_PASSWORD = "greenroom-demo"


@click.command("seed")
@click.option("--password", help="For the demo accounts that are made now; needed in production.")
def seed(password: str | None) -> None:
    """Make the demo room and its accounts, and say how to get in."""
    settings = handles.settings
    if settings.is_production and not password:
        raise click.ClickException("With APP_ENV=production demo accounts need a --password of your own.")
    if password and len(password) < MIN_PASSWORD:
        raise click.ClickException(f"--password: at least {MIN_PASSWORD} characters, please.")
    base = settings.public_url.rstrip("/") or f"http://localhost:{settings.port}"
    click.echo(_seed(password or DEMO_PASSWORD, base))


def _seed(password: str, base: str) -> str:
    lan = lan_url(handles.settings)
    host, is_password = _account(*HOST, password)
    members = [_account(*member, password)[0] for member in MEMBERS]
    room = _room(host, members)
    secret = f'the password "{password}"' if is_password else "the password it was given"
    return "\n".join(
        [
            f"Demo room   {ROOM}",
            f'  host      {base}/ as "{host.username}" with {secret}',
            f"  members   {', '.join(member.username for member in members)}",
            f"  viewers   {base}/r/{room.share_token}",
            *([f"  phones    {lan}/r/{room.share_token}"] if lan else []),
            f"  stage     {base}/r/{room.share_token}/stage",
        ]
    )


def _account(username: str, name: str, password: str) -> tuple[Actor, bool]:
    """The demo account of that name, made if it is missing, and whether `password` is its own."""
    with reading() as session:
        user = auth.find_user(session, username=username)
    if user is not None:
        return _actor(user), verify_password(user.password_hash, password)
    return _actor(auth.register(username=username, name=name, password=password).user), True


def _actor(user: User) -> Actor:
    return Actor("user", user.id, user.username, user.name)


def _room(host: Actor, members: list[Actor]) -> Room:
    """The demo room with its people and timers: all of it or, when it is there, as it is."""
    with transaction() as work:
        there = select(Room).where(Room.owner_id == host.id, Room.name == ROOM, Room.deleted_at.is_(None)).limit(1)
        room = work.session.scalar(there)
        if room is not None:
            return room
        room = rooms.create_room(actor=host, name=ROOM, description=DESCRIPTION).room
        for member in members:
            rooms.add_member(actor=host, room_id=room.id, user_id=member.id)
        programme = PROGRAMME.read_text(encoding="utf-8")
        timers.import_timers(actor=host, room_id=room.id, content=programme, room="B003", day="1")
        return room
