"""Invitations that give a role: list, make, end, accept."""

from __future__ import annotations

from typing import Any

from app.rooms import service
from app.rooms.schemas import InvitationSchema, LinkPage, LinkSchema, NewLink, RoomViewSchema
from app.web.cursor import Page, PageQuery
from app.web.http import Blueprint, current_actor
from app.web.schema import Empty

blp = Blueprint("links", __name__, description="Invitations that give a role")


@blp.route("/rooms/<room_id>/links", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, LinkPage)
def list_links(query: dict[str, Any], room_id: str) -> Page[Any]:
    """The invitations, the newest first. For the owner."""
    return service.list_links(actor=current_actor(), room_id=room_id, **query)


@blp.route("/rooms/<room_id>/links", methods=["POST"])
@blp.arguments(NewLink)
@blp.response(201, LinkSchema)
def create_link(data: dict[str, Any], room_id: str) -> Any:
    """Make an invitation. For the owner."""
    return service.create_link(actor=current_actor(), room_id=room_id, **data)


@blp.route("/links/<link_id>", methods=["DELETE"])
@blp.response(204)
def delete_link(link_id: str) -> None:
    """End an invitation; who came by it stays. For the owner."""
    service.delete_link(actor=current_actor(), link_id=link_id)


@blp.route("/links/<token>/accept", methods=["GET"])
@blp.response(200, InvitationSchema)
def get_invitation(token: str) -> Any:
    """What accepting would do: the room, who invites, the role. Changes nothing; for whoever has the token."""
    return service.get_invitation(token=token)


@blp.route("/links/<token>/accept", methods=["POST"])
@blp.arguments(Empty)
@blp.response(200, RoomViewSchema)
def accept_link(_data: dict[str, Any], token: str) -> Any:
    """Join with the invitation's role."""
    return service.accept_link(actor=current_actor(), token=token)
