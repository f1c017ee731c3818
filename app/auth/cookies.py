"""The cookies of a sign-in (RFC 6265bis), for pages and for clients that register or log in with `session: "cookie"`.

| cookie    | read by scripts | path        | holds                                            |
|-----------|-----------------|-------------|--------------------------------------------------|
| `sid`     | no              | `/`         | the access token                                 |
| `refresh` | no              | `/api/auth` | the refresh token                                |
| `csrf`    | yes             | `/`         | what `X-CSRF-Token` or `csrf_token` has to repeat |

Over https they are Secure, and named `__Host-sid`, `__Secure-refresh` and `__Host-csrf`, so that no other host of the
domain can plant one. All are SameSite=Lax.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import request
from werkzeug.wrappers import Response

from app.auth.service import SignIn
from app.auth.tokens import csrf_token, is_csrf_token
from app.backends.handles import handles
from app.core.actor import Actor
from app.core.errors import AppError
from app.web.http import CSRF_FIELD, current_actor

REFRESH_PATH = "/api/auth"
CSRF_HEADER = "X-CSRF-Token"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def set_session_cookies(response: Response, sign_in: SignIn) -> None:
    """Keep `sign_in` in the browser."""
    life_s = handles.settings.refresh_token_ms // 1000
    token = csrf_token(sign_in.session_id)
    _set(response, "sid", sign_in.access_token, max_age=sign_in.expires_in_s)
    _set(response, "refresh", sign_in.refresh_token, max_age=life_s, path=REFRESH_PATH)
    _set(response, "csrf", token, max_age=life_s, httponly=False)
    # A page on another origin of the same site cannot read the cookie.
    response.headers[CSRF_HEADER] = token


def clear_session_cookies(response: Response) -> None:
    """Make the browser forget the sign-in."""
    for name in ("sid", "csrf"):
        _set(response, name, "", max_age=0, httponly=name != "csrf")
    _set(response, "refresh", "", max_age=0, path=REFRESH_PATH)


def read_cookie(cookies: Mapping[str, str], name: str) -> str | None:
    """The value of the cookie `name` (`sid`, `refresh` or `csrf`), its protected form first; None when absent or empty."""
    return cookies.get(f"__Host-{name}") or cookies.get(f"__Secure-{name}") or cookies.get(name) or None


def require_csrf(owner_id: str) -> None:
    """Refuse a request that does not carry the CSRF token of the device or guest `owner_id`, as header or form field.

    Raises:
        AppError: `csrf_failed`.
    """
    offered = request.headers.get(CSRF_HEADER)
    if offered is None and request.mimetype in _FORMS:
        offered = request.form.get(CSRF_FIELD)
    if not offered or not is_csrf_token(offered, owner_id):
        raise AppError("csrf_failed")


def require_own_site() -> None:
    """Refuse a form that another site's page sent: for forms that sign in, when there is no CSRF token yet.

    Raises:
        AppError: `origin_not_allowed`.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = (request.host_url.rstrip("/"), handles.settings.public_url.rstrip("/"))
    is_own = site in ("same-origin", "none") if site is not None else origin is None or origin in own
    if not is_own:
        raise AppError("origin_not_allowed")


def form_token(actor: Actor | None = None) -> str:
    """What a page puts into the hidden `csrf_token` field of its forms; empty for people without a sign-in."""
    owner_id = csrf_owner(actor or current_actor())
    return csrf_token(owner_id) if owner_id else ""


def csrf_owner(actor: Actor) -> str | None:
    """What the actor's CSRF token is bound to: the device, or the guest."""
    return actor.session_id or actor.guest_id


def is_secure() -> bool:
    """Whether people reach us over https."""
    return request.is_secure or handles.settings.public_url.startswith("https://")


def _set(response: Response, name: str, value: str, *, max_age: int, path: str = "/", httponly: bool = True) -> None:
    secure = is_secure()
    prefix = ("__Host-" if path == "/" else "__Secure-") if secure else ""
    response.set_cookie(
        prefix + name, value, max_age=max_age, path=path, secure=secure, httponly=httponly, samesite="Lax"
    )
