"""The control page of a room, for its hosts."""

from __future__ import annotations

from typing import Any

import segno
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.backends.handles import handles
from app.backends.transaction import reading
from app.core.errors import AppError
from app.dashboard.pages.blueprint import pages, require_person
from app.dashboard.pages.view import room_view
from app.rooms import service as room_service
from app.rooms.access import require_role
from app.rooms.models import CHAT_MODES, HISTORY_MODES, Role
from app.web.http import current_actor


@pages.get("/rooms/<room_id>")
def control(room_id: str, error: AppError | None = None, **_: Any) -> Response | str:
    """Run the room; people who are not hosts get the viewer's page."""
    require_person()
    with reading() as session:
        access = require_role(session, actor=current_actor(), ref=room_id)
    if access.role < Role.HOST:
        return redirect(url_for("pages.viewer", ref=room_id), code=303)
    actor = current_actor()
    owner = access.role is Role.OWNER
    share_url = public_url("pages.viewer", ref=access.room.share_token)
    return render_template(
        "control.html",
        error=error,
        settings=access.room.all_settings,
        chat_modes=CHAT_MODES,
        history_modes=HISTORY_MODES,
        share_url=share_url,
        qr_code=qr_code(share_url),
        members=room_service.list_members(actor=actor, room_id=room_id).items,
        links=room_service.list_links(actor=actor, room_id=room_id).items if owner else [],
        public_url=public_url,
        is_owner=owner,
        **room_view(room_id),
    )


def back_to_control(room_id: str, section: str = "") -> Response:
    """After a form: the control page again, at the part that changed."""
    return redirect(url_for("pages.control", room_id=room_id, _anchor=section or None), code=303)


def public_url(endpoint: str, **values: Any) -> str:
    """The address that people use: `PUBLIC_URL`, else the one this request came to."""
    base = handles.settings.public_url or request.host_url
    return base.rstrip("/") + url_for(endpoint, **values)


def qr_code(url: str) -> str:
    """A QR code of `url` as SVG, dark on light so that every camera reads it."""
    svg: str = segno.make(url, error="m").svg_inline(
        scale=4, border=2, dark="#1d1f1c", light="#ffffff", title="QR code of the share link", omitsize=True
    )
    return svg
