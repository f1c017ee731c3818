"""What a REST handler needs: who is acting, the validated body, and a blueprint that documents itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import flask
import flask_smorest
import marshmallow as ma
import orjson
from flask import Request, current_app, g, request
from flask.json.provider import JSONProvider
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.utils import cached_property

from app.backends.fair_turns import FairTurns
from app.core.actor import ANONYMOUS, Actor
from app.core.addresses import network_of
from app.core.errors import AppError
from app.core.nesting import nesting
from app.web.schema import MAX_DEPTH, Schema, refuse_many_keys

#: The field by which forms repeat the CSRF token; no handler's business.
CSRF_FIELD = "csrf_token"

#: A body that is longer, or of which nobody says how long it is, is read when it is its turn: thousands that are sent but for
#: their last byte would else be all of the memory.
SMALL_BYTES = 65_536
PATIENCE_S = 5.0
_large_bodies = FairTurns(64, PATIENCE_S, each=4)


def current_actor() -> Actor:
    """Who makes this request; the auth feature sets it before any handler runs."""
    actor: Actor = g.get("actor", ANONYMOUS)
    return actor


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson: faster, strict, UTF-8."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Any:
        body = orjson.dumps(self._prepare_response_obj(args, kwargs))
        response_class: Any = self._app.response_class
        return response_class(body, mimetype="application/json")


class BoundedRequest(flask.Request):
    """A request whose form has at most `MAX_KEYS` fields: they are counted before they are read."""

    @cached_property
    def form(self) -> ImmutableMultiDict[str, str]:
        """The fields of the form.

        Raises:
            ValidationError: there are more than `MAX_KEYS`. (Of `multipart/form-data` Flask counts the parts: 413.)
            AppError: `body_too_large`.
        """
        raw = read_body(self)  # kept, so that a form which was refused is refused as well when it is asked for again
        if self.mimetype == "application/x-www-form-urlencoded":
            refuse_many_keys(raw.count(b"&") + 1)
        form: ImmutableMultiDict[str, str] = super().form
        return form


class BodyParser(FlaskParser):
    """Reads and validates bodies and queries; every failure is an `AppError`."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": ma.RAISE, "query": ma.RAISE}

    def load_json(self, req: Request, schema: Any) -> Any:
        """The JSON object of the body; none is `{}`."""
        body = read_json(req)
        if req.method == "PUT" and isinstance(schema, Schema):
            body = schema.without_read_only(body)
        return body

    def load_querystring(self, req: Request, schema: Any) -> Any:
        # `shareToken` says who asks, not what: auth has read it.
        asked = MultiDict((key, value) for key, value in req.args.items(multi=True) if key != "shareToken")
        return MultiDictProxy(asked, schema)

    def handle_error(self, error: ma.ValidationError, *args: Any, **kwargs: Any) -> Any:
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]
        for location in ("json", "query"):
            if set(messages) == {location}:
                messages = messages[location]
        raise ma.ValidationError(messages)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A blueprint whose `@arguments` and `@response` validate and document at once."""

    ARGUMENTS_PARSER = BodyParser()

    def arguments(self, schema: type[Schema] | Schema, **kwargs: Any) -> Any:
        """Validate with `schema`; made once, where webargs would make one for each request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **kwargs)


def read_json(req: Request) -> dict[str, Any]:
    """The JSON object in the body of `req`; an empty body is `{}`.

    Raises:
        AppError: `body_too_large`, `unsupported_media_type`, `malformed`.
    """
    raw = read_body(req)
    if not raw:
        return {}
    if not req.is_json:
        raise AppError("unsupported_media_type")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise AppError("malformed", "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise AppError("malformed", "The body must be a JSON object.")
    if nesting(body, limit=MAX_DEPTH) > MAX_DEPTH:
        raise AppError("malformed", "The body is nested too deeply.")
    return body


def form_or_nothing() -> Mapping[str, str]:
    """The fields of the form; none of one that is refused, as whoever needs them will say."""
    try:
        return request.form
    except (AppError, ma.ValidationError, HTTPException):
        return {}


def read_body(req: Request) -> bytes:
    """All of the body of `req`.

    Raises:
        AppError: `body_too_large`; `rate_limited` (too many large ones at once).
    """
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    if (req.content_length or 0) > limit:
        raise AppError("body_too_large")
    with nullcontext() if _is_small(req) else _large_bodies.turn(client_address()):
        raw = req.get_data(cache=True)
    # Of a body without a length Werkzeug reads as much as it may, and does not say that there was more.
    if req.content_length is None and len(raw) >= limit:
        raise AppError("body_too_large")
    return raw


def _is_small(req: Request) -> bool:
    """Whether the body is known to be small; without a length there may be none."""
    if req.content_length is None:
        return "Transfer-Encoding" not in req.headers
    return req.content_length <= SMALL_BYTES


def client_address() -> str:
    """The address that the request counts by, as far as trusted proxies say: of IPv6 its /64."""
    return network_of(request.remote_addr or "unknown")
