"""The only ways to act on rooms and on the people in them; other features import from here."""

from app.rooms.recording import Subject, record_action
from app.rooms.schemas import room_payload, stage_payload
from app.rooms.service.audit import AuditView, list_audit
from app.rooms.service.bans import create_ban, delete_ban, get_ban_reasons, list_bans
from app.rooms.service.directs import open_direct
from app.rooms.service.guests import admit_guest, list_guests, mute_guest, remove_guest
from app.rooms.service.links import (
    Invitation,
    accept_link,
    create_link,
    delete_link,
    find_joined_room,
    get_invitation,
    list_links,
)
from app.rooms.service.members import (
    add_member,
    change_member,
    join_room,
    leave_room,
    list_given_roles,
    list_members,
    remove_member,
)
from app.rooms.service.purge import prune_audit, prune_room_events, purge_deleted_rooms
from app.rooms.service.rooms import (
    RoomView,
    change_room,
    count_unread_with,
    create_room,
    delete_room,
    list_rooms,
    rotate_share_token,
)
from app.rooms.service.stage import change_stage, clear_stage, flash_stage

__all__ = [
    "AuditView",
    "Invitation",
    "RoomView",
    "Subject",
    "accept_link",
    "add_member",
    "admit_guest",
    "change_member",
    "change_room",
    "change_stage",
    "clear_stage",
    "count_unread_with",
    "create_ban",
    "create_link",
    "create_room",
    "delete_ban",
    "delete_link",
    "delete_room",
    "find_joined_room",
    "flash_stage",
    "get_ban_reasons",
    "get_invitation",
    "join_room",
    "leave_room",
    "list_audit",
    "list_bans",
    "list_given_roles",
    "list_guests",
    "list_links",
    "list_members",
    "list_rooms",
    "mute_guest",
    "open_direct",
    "prune_audit",
    "prune_room_events",
    "purge_deleted_rooms",
    "record_action",
    "remove_guest",
    "remove_member",
    "room_payload",
    "rotate_share_token",
    "stage_payload",
]
