"""The REST rows of rooms; each handler parses, makes one service call, and dumps."""

from app.rooms.routes import audit, bans, guests, links, members, rooms, stage

BLUEPRINTS = (rooms.blp, members.blp, guests.blp, bans.blp, links.blp, stage.blp, audit.blp)

__all__ = ["BLUEPRINTS"]
