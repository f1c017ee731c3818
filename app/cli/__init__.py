"""`flask --app wsgi …`: what an operator does by hand."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from app.web.background import background


def init_app(app: Flask, api: Api) -> None:
    """Register the commands, and let workers prune by themselves."""
    from app.cli import backup, people, upkeep  # noqa: PLC0415
    from app.cli.seed import seed  # noqa: PLC0415

    commands = (
        people.create_user,
        people.promote,
        people.export_person,
        people.delete_person,
        upkeep.prune,
        upkeep.check,
        backup.backup,
        backup.restore,
        backup.new_epochs,
    )
    for command in commands:
        app.cli.add_command(command)
    background.add("prune", upkeep.prune_forever)
    app.cli.add_command(seed)
