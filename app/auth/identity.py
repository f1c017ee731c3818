"""Who is at the other end: of a request, before anything else is done with it, and of a socket that connects.

1. `Authorization: Bearer` decides alone; bad or expired it is refused, except where its bearer comes to sign in or out.
2. Else the `sid` cookie; what it changes needs the CSRF token. Bad or expired it is as if there were none, and a page
   goes by `/api/auth/renew` first, which is where the browser shows its refresh cookie.
3. Else nobody. A share token (`X-Share-Token` or `?shareToken=`) goes along with any of them.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Request, g, redirect, request
from werkzeug.http import parse_cookie
from werkzeug.wrappers import Response

from app.auth import service
from app.auth.cookies import csrf_owner, read_cookie, require_csrf
from app.auth.tokens import TokenKind
from app.backends.handles import handles
from app.core.actor import ANONYMOUS, Actor
from app.core.errors import AppError

RENEW_ENDPOINT = "auth-renew"
RENEW_PATH = "/api/auth/renew"
_REQUEST_KINDS: frozenset[TokenKind] = frozenset({"access", "guest"})
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
_SIGNING_IN = {"auth.Register", "auth.LogIn", "auth.Refresh", RENEW_ENDPOINT}
_SIGNING_OUT = {"auth.LogOut"}
_SIGNED = {"uploads.put_file", "uploads.post_file", "uploads.get_file"}  # the address itself is the credential
_PROBES = {"healthz", "health", "readyz"}
_MAX_SHARE_TOKEN = 64
_METRICS_READER = Actor(is_operator=True)


def identify_request() -> Response | None:
    """Set `g.actor`; the answer when the browser has to renew its cookies first.

    Raises:
        AppError: `invalid_token`, `token_expired` (an explicit token), `csrf_failed`.
    """
    g.actor = ANONYMOUS
    endpoint = request.endpoint or ""
    if endpoint in _PROBES or endpoint in _SIGNED or endpoint in _SIGNING_IN or endpoint.rpartition(".")[2] == "static":
        return None
    token = bearer_token(request.headers.get("Authorization"))
    actor = _by_bearer(token, endpoint) if token is not None else _by_cookie()
    if actor is None and _may_renew(request):
        return redirect(f"{RENEW_PATH}?{urlencode({'next': request.full_path.rstrip('?')})}", code=307)
    g.actor = _with_share_token(
        actor or ANONYMOUS, request.headers.get("X-Share-Token", request.args.get("shareToken"))
    )
    return None


def handshake(environ: dict[str, Any], auth: Any) -> tuple[Actor, datetime | None]:
    """Who a connecting socket is, and until when its credential holds (None: for good).

    Args:
        environ: the WSGI environment of the request that opened it, whose Origin the engine has checked.
        auth: what the client sent with its CONNECT: `{token?, shareToken?}`.

    Raises:
        AppError: `invalid_token`, `token_expired`, for a token that was given explicitly.
    """
    offered = auth if isinstance(auth, dict) else {}
    token = offered.get("token")
    if token is None or token == "":
        token = bearer_token(environ.get("HTTP_AUTHORIZATION"))
    if token is not None and not isinstance(token, str):
        raise AppError("invalid_token")
    if token is not None:
        found: tuple[Actor, datetime] | None = service.authenticate(strip_bearer(token))
    else:
        found = _of_cookie(parse_cookie(environ.get("HTTP_COOKIE", "")))
    actor, expires_at = found or (ANONYMOUS, None)
    return _with_share_token(actor, offered.get("shareToken")), expires_at


def bearer_token(header: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header (RFC 6750); None without one or for another scheme."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def strip_bearer(token: str) -> str:
    """`token` without the scheme that some clients put before it."""
    return bearer_token(token) or token


def _by_bearer(token: str, endpoint: str) -> Actor:
    metrics_token = handles.settings.metrics_token
    if metrics_token and hmac.compare_digest(token.encode(), metrics_token.encode()):
        return _METRICS_READER
    try:
        return service.authenticate(token, kinds=_REQUEST_KINDS)[0]
    except AppError:
        # Who signs out with a token that has just expired names the device by the refresh token.
        if endpoint in _SIGNING_OUT:
            return ANONYMOUS
        raise


def _by_cookie() -> Actor | None:
    found = _of_cookie(request.cookies)
    if found is None:
        return None
    actor = found[0]
    if request.method not in _SAFE_METHODS:
        require_csrf(str(csrf_owner(actor)))
    return actor


def _of_cookie(cookies: Any) -> tuple[Actor, datetime] | None:
    token = read_cookie(cookies, "sid")
    if token is None:
        return None
    try:
        return service.authenticate(token, kinds=_REQUEST_KINDS)
    except AppError as why:
        if why.status == 401:  # noqa: PLR2004
            return None
        raise


def _may_renew(req: Request) -> bool:
    """Whether a page is asked for by a browser that was signed in: the readable cookie outlives `sid`."""
    is_page = req.endpoint is not None and not req.path.startswith("/api/")
    return is_page and read_cookie(req.cookies, "csrf") is not None


def _with_share_token(actor: Actor, share_token: Any) -> Actor:
    if not isinstance(share_token, str) or not 0 < len(share_token) <= _MAX_SHARE_TOKEN:
        return actor
    return replace(actor, share_token=share_token)
