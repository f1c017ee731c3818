"""Rooms: make, list, change, end, join, leave; direct rooms."""

from __future__ import annotations

from typing import Any

from app.rooms import service
from app.rooms.schemas import MemberSchema, NewDirect, NewRoom, RoomChange, RoomPage, RoomQuery, RoomViewSchema
from app.web.cursor import Page
from app.web.http import Blueprint, current_actor
from app.web.schema import Empty

blp = Blueprint("rooms", __name__, description="Rooms")


@blp.route("/rooms", methods=["POST"])
@blp.arguments(NewRoom)
@blp.response(201, RoomViewSchema)
def create_room(data: dict[str, Any]) -> Any:
    """Make a room; who makes it owns it."""
    return service.create_room(actor=current_actor(), **data)


@blp.route("/rooms", methods=["GET"])
@blp.arguments(RoomQuery, location="query")
@blp.response(200, RoomPage)
def list_rooms(query: dict[str, Any]) -> Page[Any]:
    """Public rooms and mine, the newest first."""
    return service.list_rooms(actor=current_actor(), **query)


@blp.route("/rooms/<room_id>", methods=["PUT", "PATCH"])
@blp.arguments(RoomChange)
@blp.response(200, RoomViewSchema)
def change_room(data: dict[str, Any], room_id: str) -> Any:
    """Change the keys that are given; settings are merged. For the owner."""
    return service.change_room(actor=current_actor(), room_id=room_id, changes=data)


@blp.route("/rooms/<room_id>", methods=["DELETE"])
@blp.response(204)
def delete_room(room_id: str) -> None:
    """End the room. For the owner."""
    service.delete_room(actor=current_actor(), room_id=room_id)


@blp.route("/rooms/<room_id>/join", methods=["POST"])
@blp.arguments(Empty)
@blp.response(200, MemberSchema)
def join_room(_data: dict[str, Any], room_id: str) -> Any:
    """Become a member of a public room."""
    return service.join_room(actor=current_actor(), ref=room_id)


@blp.route("/rooms/<room_id>/leave", methods=["POST"])
@blp.arguments(Empty)
@blp.response(204)
def leave_room(_data: dict[str, Any], room_id: str) -> None:
    """Be no longer a member."""
    service.leave_room(actor=current_actor(), room_id=room_id)


@blp.route("/rooms/<room_id>/share-token", methods=["POST"])
@blp.arguments(Empty)
@blp.response(200, RoomViewSchema)
def rotate_share_token(_data: dict[str, Any], room_id: str) -> Any:
    """Make a new share token; the old one dies with its sockets. For the owner."""
    return service.rotate_share_token(actor=current_actor(), room_id=room_id)


@blp.route("/dms", methods=["POST"])
@blp.arguments(NewDirect)
@blp.response(200, RoomViewSchema, description="The direct room of the two")
@blp.alt_response(201, schema=RoomViewSchema, description="It was made just now")
def open_direct(data: dict[str, Any]) -> Any:
    """The direct room of two, always the same."""
    view, is_new = service.open_direct(actor=current_actor(), **data)
    return view, 201 if is_new else 200
