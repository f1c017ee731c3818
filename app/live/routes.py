"""The state of a room over HTTP: the fallback when sockets fail, and what crowds poll."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, request

from app.backends.handles import handles
from app.core.clock import to_wire
from app.live import screens, service
from app.live.schemas import ScreenBoard
from app.live.state import may_share, rest_of_state
from app.presence import service as presence
from app.web.http import Blueprint, current_actor
from app.web.shared_answers import filled

CROWD_CACHING = "public, max-age=1, stale-while-revalidate=1, stale-if-error=60"
DATA_ONLY = "default-src 'none'; frame-ancestors 'none'"
"""Stricter than the pages' policy, and shorter: of what a crowd is answered most is headers."""

blp = Blueprint("live", __name__, description="The state of a room")


@blp.route("/rooms/<ref>", methods=["GET"])
@blp.doc(
    operationId="getRoomState",
    responses={"200": {"description": "The room state"}, "304": {"description": "As before"}},
)
def get_room_state(ref: str) -> Response:
    """The state of a room, by its id or its share token, and `you {role, userId}`: who the reader is there, as joining says.

    Polling it with `If-None-Match` is cheap.
    """
    actor = current_actor()
    access, position, encoded = service.get_room_state(actor=actor, ref=ref)
    response = Response(mimetype="application/json")
    response.set_etag(f"{position.etag}.{access.role.wire}{'.s' if may_share(access) else ''}", weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Server-Now"] = to_wire(handles.clock.now())
    response.vary.update(["Authorization", "Cookie", "X-Share-Token"])
    if response.get_etag()[0] in request.if_none_match.as_set(include_weak=True):
        response.status_code = 304
        return response
    presence.watch(access.room.id)
    rest = rest_of_state(access, position, presence.count(access.room.id))
    you = orjson.dumps({"role": access.role.wire, "userId": actor.id})
    return filled(response, encoded, rest[:-1] + b',"you":' + you + b"}")


@blp.route("/crowd/<share_token>", methods=["GET"])
@blp.doc(
    operationId="getCrowdState",
    responses={
        "200": {"description": "The room state without what differs by reader"},
        "304": {"description": "As before"},
    },
)
def get_crowd_state(share_token: str) -> Response:
    """The state of a room for a crowd: the same for everybody, so that any cache may answer for a second in our place.

    `X-Server-Now` is when it was made; an older answer says so by its `Age`.
    """
    etag, encoded, rest = service.get_crowd_state(share_token=share_token)
    response = filled(Response(mimetype="application/json"), encoded, rest)
    response.set_etag(etag, weak=True)
    response.headers["Cache-Control"] = CROWD_CACHING
    response.headers["Content-Security-Policy"] = DATA_ONLY
    response.headers["X-Server-Now"] = to_wire(handles.clock.now())
    response.make_conditional(request)
    return response


@blp.route("/rooms/<room_id>/screens", methods=["GET"])
@blp.response(200, ScreenBoard)
def list_screens(room_id: str) -> dict[str, Any]:
    """The stages and viewers' pages that are connected, and which of them is wrong."""
    return screens.list_screens(actor=current_actor(), room_id=room_id)
