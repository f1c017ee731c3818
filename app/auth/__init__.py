"""Accounts, devices and tokens: who somebody is."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from app.auth.identity import RENEW_ENDPOINT, RENEW_PATH, handshake, identify_request
from app.auth.routes import blp, renew
from app.auth.tokens import CONFIG, keyring
from app.backends.handles import handles
from app.extensions import jwt_manager

__all__ = ["handshake", "init_app"]


def init_app(app: Flask, api: Api) -> None:
    """Register the routes, and find out who acts before every request."""
    app.config.update(CONFIG)
    jwt_manager.init_app(app)
    keyring.bind(app, app.config["SECRET_KEY"], handles.settings.jwt_previous_secrets)
    app.before_request(identify_request)
    api.register_blueprint(blp, url_prefix="/api")
    app.add_url_rule(RENEW_PATH, RENEW_ENDPOINT, renew, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    _document_credentials(api)


def _document_credentials(api: Api) -> None:
    """Say in the OpenAPI document that every route takes a token, a cookie, or neither."""
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    api.spec.components.security_scheme("cookie", {"type": "apiKey", "in": "cookie", "name": "sid"})
    api.spec.options["security"] = [{}, {"bearer": []}, {"cookie": []}]
