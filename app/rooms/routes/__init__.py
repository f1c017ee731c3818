"""The REST rows of rooms; each handler parses, makes one service call, and dumps."""

from app.rooms.routes import bans, guests, links, members, rooms, stage

BLUEPRINTS = (rooms.blp, members.blp, guests.blp, bans.blp, links.blp, stage.blp)

__all__ = ["BLUEPRINTS"]
