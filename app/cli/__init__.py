"""`flask --app wsgi …`: what an operator does by hand. Whatever is refused is one line, never a traceback."""

from __future__ import annotations

import os
import signal
from functools import cache, wraps
from typing import Any

import click
from flask import Flask
from flask_smorest import Api

from app.core.errors import AppError
from app.web.background import background


def init_app(app: Flask, api: Api) -> None:
    """Register the commands, and let workers prune by themselves."""
    from app.cli import upkeep  # noqa: PLC0415

    for command in _commands():
        app.cli.add_command(command)
    background.add("prune", upkeep.prune_forever)


@cache
def _commands() -> tuple[click.Command, ...]:
    from app.cli import backup, people, upkeep  # noqa: PLC0415
    from app.cli.seed import seed  # noqa: PLC0415

    commands = (
        people.create_user,
        people.set_password,
        people.promote,
        people.export_person,
        people.delete_person,
        upkeep.prune,
        upkeep.check,
        backup.backup,
        backup.restore,
        backup.new_epochs,
        seed,
    )
    for command in commands:
        command.callback = _told_plainly(command.callback)
    return commands


def _told_plainly(act: Any) -> Any:
    @wraps(act)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return act(*args, **kwargs)
        except AppError as why:
            raise click.ClickException(one_line(why)) from why
        except BrokenPipeError:  # whoever reads the output has enough, as in `… | head`
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGPIPE)
        except OSError as why:
            raise click.ClickException(f"{why.strerror or why}{f': {why.filename}' if why.filename else ''}") from why

    return told


def one_line(why: AppError) -> str:
    """What was refused and why, by field; of a database that does not answer also what it may lack."""
    fields = (f"{field}: {' '.join(reasons)}" for field, reasons in why.details.items())
    hint = " If it is new: flask --app wsgi db upgrade." if why.code == "database_unavailable" else ""
    return " ".join([why.message, *fields]) + hint
