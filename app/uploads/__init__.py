"""Files: sent straight to the storage, safe to open."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from app.backends.transaction import database
from app.web.background import background


def init_app(app: Flask, api: Api) -> None:
    """Register what the feature adds to the application."""
    from app.rooms.events import ROOM_PURGED  # noqa: PLC0415
    from app.uploads import pruning  # noqa: PLC0415
    from app.uploads.routes import blp  # noqa: PLC0415

    database.subscribe(ROOM_PURGED, pruning.discard_of_room)
    background.add("uploads", pruning.run)
    api.register_blueprint(blp, url_prefix="/api")
