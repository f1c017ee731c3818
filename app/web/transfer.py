"""What makes answers small: compression where it gives nothing away, and validators, so that what is known stays unsent.

Scripts and styles are compressed by app/dashboard/assets.py, once. A compressed secret can be guessed by its length by
whoever puts guesses beside it, makes the browser ask over and over, and sees the traffic (BREACH, breachattack.com). A page
elsewhere can make a browser ask with its cookies, never with a bearer token. So these leave as they are: answers to requests
whose credentials are cookies (pages with CSRF tokens), answers that may not be stored (tokens), and streams.

But for the pages that people go to themselves, from one of ours or by an address that they typed: the browser says so (Fetch
Metadata, w3.org/TR/fetch-metadata), no page elsewhere can make it say so, and nobody goes to a page thousands of times. A few
bytes of random length go along, so that a single length tells nothing either.
"""

from __future__ import annotations

import secrets
from contextvars import copy_context

from flask import Flask, Response, g, request
from flask_compress import Compress
from werkzeug.exceptions import PreconditionFailed

from app.backends.offload import offload
from app.web.envelope import error_response
from app.web.packing import LARGE_BYTES

LEAST_BYTES = 1_000
OK, PRECONDITION_FAILED = 200, 412
MOST_PADDING = 64

compress = Compress()


def init_app(app: Flask) -> None:
    """Give answers validators, then compress them; before the features, so that it sees what they have done."""
    app.config.update(COMPRESS_REGISTER=False, COMPRESS_MIN_SIZE=LEAST_BYTES, COMPRESS_LEVEL=4)
    compress.init_app(app)
    for hook in (_shrink, _refuse_mismatch, _validate):  # the last one runs first
        app.after_request(hook)


def gives_nothing_away(response: Response) -> bool:
    """Whether the length of this answer may depend on what is in it."""
    by_cookie = _is_by_cookie() and not _is_own_step()
    return not (by_cookie or response.cache_control.no_store or response.is_streamed)


def takes_gzip(response: Response) -> bool:
    """Whether this answer may be sent compressed by gzip."""
    return request.accept_encodings["gzip"] > 0 and gives_nothing_away(response)


def leave_as_is() -> None:
    """The answer to this request is sent as it was made."""
    g.is_left_as_is = True


def _is_by_cookie() -> bool:
    return bool(request.cookies) and "Authorization" not in request.headers


def _is_own_step() -> bool:
    """Whether somebody goes to a page themselves: by a link or form of ours, or by an address that they typed."""
    mode, site = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Site")
    return mode == "navigate" and site in ("same-origin", "none")


def _shrink(response: Response) -> Response:
    if response.status_code != OK or g.get("is_left_as_is") or not gives_nothing_away(response):
        return response
    if _is_by_cookie() and response.mimetype == "text/html":
        padding = secrets.token_urlsafe(secrets.randbelow(MOST_PADDING) + 1)
        response.set_data(response.get_data() + f"<!-- {padding} -->".encode())
    if (response.calculate_content_length() or 0) < LARGE_BYTES:
        return compress.after_request(response)
    return offload(copy_context().run, compress.after_request, response)


def _validate(response: Response) -> Response:
    """A weak ETag (RFC 9110) for what was read from the API, and 304 for who has it already."""
    is_read = request.method in ("GET", "HEAD") and request.path.startswith("/api/") and response.status_code == OK
    if is_read and not (response.is_streamed or response.cache_control.no_store or response.get_etag()[0]):
        response.add_etag(weak=True)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.vary.update(["Authorization", "Cookie", "X-Share-Token"])
        response.make_conditional(request)
    return response


def _refuse_mismatch(response: Response) -> Response:
    """Werkzeug sets the status for an `If-Match` that names something else, and would send the whole body along."""
    if response.status_code == PRECONDITION_FAILED:
        refused = error_response(PreconditionFailed())
        response.close()
        response.direct_passthrough = False
        response.set_data(refused.get_data())
        for name in ("ETag", "Content-Encoding", "Content-Disposition", "Accept-Ranges"):
            response.headers.remove(name)
        response.headers.update(refused.headers)
    return response
