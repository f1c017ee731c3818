"""The control page of a room, for its hosts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import segno
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.backends.handles import handles
from app.backends.transaction import reading
from app.core.errors import AppError
from app.dashboard import texts
from app.dashboard.front import has_following
from app.dashboard.language import text
from app.dashboard.pages.blueprint import pages, public_url, require_person
from app.dashboard.pages.view import actual_ends, planned_starts, room_view
from app.live import screens as live
from app.messages import service as messages
from app.rooms import service as room_service
from app.rooms.access import require_role
from app.rooms.models import Role
from app.web.http import current_actor
from app.web.lan import is_loopback, lan_url

KEPT_CODES: Final = 256  # 2 kB each


@pages.get("/rooms/<room_id>")
def control(room_id: str, error: AppError | None = None, **_: Any) -> Response | str:
    """Run the room; people who are not hosts get the viewer's page."""
    require_person()
    with reading() as session:
        access = require_role(session, actor=current_actor(), ref=room_id)
    if access.role < Role.HOST:
        if error is not None:
            raise error
        return redirect(url_for("pages.viewer", ref=room_id), code=303)
    actor = current_actor()
    owner = access.role is Role.OWNER
    share_url = public_url("pages.viewer", ref=access.room.share_token)
    view = room_view(room_id)
    return render_template(
        "control.html",
        error=error,
        settings=access.room.all_settings,
        chat_modes=texts.CHAT_MODES,
        history_modes=texts.HISTORY_MODES,
        flags=texts.ROOM_FLAGS,
        main_acts=main_acts(view["current"], view["room"]["timers"]),
        stop_ends=is_last_over(view["current"], view["room"]["timers"]),
        keys=texts.KEYS,
        share_url=share_url,
        crowd_url=public_url("pages.crowd", share_token=access.room.share_token),
        qr_code=qr_code(share_url),
        qr_of=qr_code,
        lan_url=lan_url(handles.settings) if is_loopback(request.host) else "",
        links=room_service.list_links(actor=actor, room_id=room_id).items if owner else [],
        is_owner=owner,
        undo=request.args.get("undo"),
        planned=planned_starts(view["room"]["timers"]),
        canned_texts=texts.CANNED_TEXTS,
        room_id=room_id,
        questions=messages.list_questions(actor=actor, room_id=room_id)["items"],
        **people_lists(room_id),
        **screen_board(room_id),
        **view,
    )


def main_acts(timer: dict[str, Any] | None, timers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The clock's buttons for the `timer` in front: `{action, style, off}`; the one to press in this state is the primary one.

    Each keeps its place in every state. Of one that has finished only Next and Reset act; Next where something follows.
    """
    is_over = timer is not None and timer["state"] == "finished"
    follows = has_following(timer, timers)
    primary = (("next",) if follows else ("reset",)) if is_over else ("start", "pause")
    return [
        {
            "action": action,
            "style": f"{states} primary" if action in primary else states,
            "off": not follows if action == "next" else is_over and action not in ("reset", "undo"),
        }
        for action, states in texts.MAIN_ACTIONS.items()
    ]


def is_last_over(timer: dict[str, Any] | None, timers: list[dict[str, Any]]) -> bool:
    """Whether the `timer` in front counts its overtime with nothing behind it: then only a reset ends that."""
    if timer is None or has_following(timer, timers):
        return False
    return bool(timer["state"] == "finished" and timer["onFinish"] == "overtime")


@pages.get("/rooms/<room_id>/screens")
def screens(room_id: str) -> str:
    """The board alone, for the page to put in place of the one it has."""
    require_host(room_id)
    return render_template("_screens.html", **screen_board(room_id))


@pages.get("/rooms/<room_id>/people")
def people(room_id: str) -> str:
    """Members, guests and bans alone, for the page to put in place of the ones it has."""
    require_host(room_id)
    return render_template("_people_lists.html", room={"id": room_id}, **people_lists(room_id))


@pages.get("/rooms/<room_id>/print")
def print_run(room_id: str) -> str:
    """The run of show on paper, planned against actual."""
    require_host(room_id)
    view = room_view(room_id)
    planned, ended = planned_starts(view["room"]["timers"]), actual_ends(room_id)
    return render_template("print.html", **view, planned=planned, ended=ended)


def people_lists(room_id: str) -> dict[str, Any]:
    """What `_people_lists.html` shows."""
    actor = current_actor()
    return {
        "now": handles.clock.now(),
        "guests": room_service.list_guests(actor=actor, ref=room_id).items,
        "bans": room_service.list_bans(actor=actor, room_id=room_id).items,
        "given_roles": room_service.list_given_roles(actor=actor, room_id=room_id),
        "members": room_service.list_members(actor=actor, room_id=room_id).items,
    }


def screen_board(room_id: str) -> dict[str, Any]:
    """What `_screens.html` shows: the screens, the newest revision, and the token that names the stage's address."""
    actor = current_actor()
    board = live.list_screens(actor=actor, room_id=room_id)
    with reading() as session:
        token = require_role(session, actor=actor, ref=room_id, need=Role.HOST).room.share_token
    return {"screens": board["items"], "revision": board["revision"], "share_token": token}


def require_host(room_id: str, need: Role = Role.HOST) -> None:
    """Refuse who does not run the room, or has less than the role that it needs.

    Raises:
        AppError: `unauthenticated`, `room_not_found`, `banned`, `forbidden`.
    """
    require_person()
    with reading() as session:
        require_role(session, actor=current_actor(), ref=room_id, need=need)


def question_page(
    room_id: str,
    what: str,
    *,
    action: str,
    section: str,
    name: str | None = None,
    fields: Mapping[str, str] | None = None,
    with_reason: bool = False,
    what_follows: str = "text",
) -> str:
    """What the dialog asks where there are scripts, as a page: whether something hard to take back is to be done.

    Args:
        what: where its texts are in the catalogue (`ask.delete`): a title, what follows (`what_follows`), what the button says.
        action: where a yes is sent, with `fields` and, if wanted, a reason.
        section: where on the control page a no leads back to.
        name: of whom it is; the room's if it is of nobody.
    """
    room = room_view(room_id)["room"]
    return render_template(
        "ask.html",
        room=room,
        what=what,
        name=name or room["name"],
        action=action,
        section=section,
        fields=fields or {},
        with_reason=with_reason,
        text=what_follows,
    )


def back_to_control(room_id: str, section: str = "", *, undo: str | None = None) -> Response:
    """After a form: the control page again, at the part that changed; `undo` is the timer by whose id that is taken back."""
    return redirect(url_for("pages.control", room_id=room_id, undo=undo, _anchor=section or None), code=303)


def qr_code(url: str) -> str:
    """A QR code of `url` as SVG, dark on light so that every camera reads it."""
    return _qr_code(url, text("share.qr"))


@lru_cache(KEPT_CODES)
def _qr_code(url: str, title: str) -> str:
    """As `qr_code`; ten milliseconds of arithmetic, half of what a page takes, so that it is kept."""
    svg: str = segno.make(url, error="m").svg_inline(
        scale=4, border=2, dark="#1d1f1c", light="#ffffff", title=title, omitsize=True
    )
    return svg
