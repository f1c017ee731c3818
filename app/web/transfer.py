"""What makes answers small: compression where it gives nothing away, and validators, so that what is known stays unsent.

A compressed secret can be guessed by its length by whoever puts guesses beside it and sees the traffic (BREACH). A page
elsewhere can make a browser ask with its cookies, never with a bearer token. So these leave as they are: answers to requests
whose credentials are cookies (pages with CSRF tokens), answers that may not be stored (tokens), and streams.
"""

from __future__ import annotations

from flask import Flask, Response, request
from flask_compress import Compress

LEAST_BYTES = 1_000
OK = 200
STATIC = "asset"

compress = Compress()


def init_app(app: Flask) -> None:
    """Give answers validators, then compress them; before the features, so that it sees what they have done."""
    app.config.update(COMPRESS_REGISTER=False, COMPRESS_MIN_SIZE=LEAST_BYTES, COMPRESS_LEVEL=4)
    compress.init_app(app)
    app.after_request(_shrink)
    app.after_request(_validate)  # runs first: hooks run from the last to the first


def gives_nothing_away(response: Response) -> bool:
    """Whether the length of this answer may depend on what is in it."""
    if request.endpoint == STATIC:
        return True
    by_cookie = bool(request.cookies) and "Authorization" not in request.headers
    return not (by_cookie or response.cache_control.no_store or response.is_streamed)


def _shrink(response: Response) -> Response:
    if response.status_code != OK or not gives_nothing_away(response):
        return response
    if response.is_streamed:
        # Read now: Flask-Compress would leave the file open. Assets are small.
        response.direct_passthrough = False
        response.set_data(response.get_data())
    return compress.after_request(response)


def _validate(response: Response) -> Response:
    """A weak ETag (RFC 9110) for what was read from the API, and 304 for who has it already."""
    is_read = request.method in ("GET", "HEAD") and request.path.startswith("/api/") and response.status_code == OK
    if is_read and not (response.is_streamed or response.cache_control.no_store or response.get_etag()[0]):
        response.add_etag(weak=True)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.vary.update(["Authorization", "Cookie", "X-Share-Token"])
        response.make_conditional(request)
    return response
