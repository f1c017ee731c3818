"""Accounts, devices and tokens: who somebody is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask
from flask_smorest import Api

from app.core.actor import ANONYMOUS, Actor


def init_app(app: Flask, api: Api) -> None:
    """Register the routes, and find out who acts before every request."""


def handshake(environ: dict[str, Any], auth: Any) -> tuple[Actor, datetime | None]:
    """Who a connecting socket is, and until when its credential holds."""
    return ANONYMOUS, None
