"""How often one may call: REST by flask-limiter, in fixed windows that `handles.windows` counts (local-first, shared by Redis).

Who is counted: an account as a person, anybody else by address; per room (by its id or its share
token) and per class of endpoint. The classes, per window:

- `read`, `write`: `RATE_LIMIT_MAX_REQUESTS` each; the forms of pages are writes.
- `sign-in` (register, login, change of password): half of that for an address, and a tenth for one name tried from it. From
  all addresses together one account may be tried `RATE_LIMIT_MAX_REQUESTS` times an hour (OWASP ASVS 2.2.1). An account has up
  to two names, its address and its username, and each may have half of those: one count for both would tell who knows one of
  them what the other is, and that there is such an account.
- `wide`: `WIDE_RATE_LIMIT_MAX_REQUESTS` for an address: pages, static files, socket handshakes, reads without an account, guest
  sign-in, the renewal of tokens, files by signed address; all that two hundred phones behind one address do when a talk begins.
- Each `ANSWER_BYTES` of JSON that were answered count as one more: the next wait for them.
- Health and metrics are not counted. A setting of 0 switches its classes off.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit
from limits.storage import Storage

from app.backends.handles import handles
from app.backends.limits import Rate
from app.backends.windows import MemoryWindows
from app.core.clock import to_epoch_ms
from app.core.errors import AppError
from app.core.spelling import LONGEST, folded
from app.settings import Settings
from app.web.http import client_address, current_actor, form_or_nothing, read_json
from app.web.refs import refs

HOUR_S = 3600
ANSWER_BYTES = 256_000
NAMES = 2
"""By so many names an account is found: its address and its username."""
UNCOUNTED = frozenset({"/health", "/healthz", "/readyz", "/metrics"})
LOG_IN = frozenset({"/api/auth/login", "/login"})
SIGN_IN = LOG_IN | {"/api/auth/register", "/api/auth/password", "/register", "/account/password"}
PAGES = frozenset({"/login", "/register"})
RENEWAL = frozenset({"/api/auth/refresh", "/api/auth/logout", "/api/auth/socket-token"})
READS = frozenset({"GET", "HEAD", "OPTIONS"})
FILES = ("/api/uploads/", "/api/files/")
ROOM_ARGUMENTS = ("room_id", "room_ref", "ref")


class WindowStorage(Storage):
    """flask-limiter's counters, kept by `handles.windows`; they never fail and never wait."""

    STORAGE_SCHEME = ["greenroom"]

    def __init__(self, uri: str | None = None, *, windows: MemoryWindows, **options: Any) -> None:
        super().__init__(uri)
        self._windows = windows

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._windows.hit(key, expiry * 1000, amount)

    def get(self, key: str) -> int:
        window = self._windows.current(key)
        return window.count if window else 0

    def get_expiry(self, key: str) -> float:
        return (to_epoch_ms(handles.clock.now()) + self._windows.left_ms(key)) / 1000

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        self._windows.forget()
        return None

    def clear(self, key: str) -> None:
        self._windows.forget(key)


def init_app(app: Flask, settings: Settings) -> None:
    """Count every request of `app`; after the features, so that it is known who acts."""
    policy = Policy(settings)
    limiter = Limiter(
        policy.key,
        application_limits=[
            ApplicationLimit(policy.limit, key_function=policy.key, exempt_when=policy.is_off, scope="class"),
            ApplicationLimit(policy.name_limit, key_function=name_key, exempt_when=policy.is_no_guess, scope="name"),
            ApplicationLimit(
                policy.hour_limit, key_function=name_anywhere, exempt_when=policy.is_no_guess, scope="hour"
            ),
            ApplicationLimit(policy.all_limit, key_function=policy.who, exempt_when=policy.is_roomless, scope="rooms"),
        ],
        storage_uri="greenroom://",
        storage_options={"windows": handles.windows},  # type: ignore[dict-item]
        request_identifier=lambda: request.endpoint or "unmatched",
        on_breach=_refuse,
    )
    limiter.init_app(app)

    @app.after_request
    def tell(response: Response) -> Response:
        """The draft standard's headers, in seconds: limit, what remains of it, and when the window ends.

        What caches may keep goes to everybody, whom the limit of one of them does not concern.
        """
        limit = limiter.current_limit
        if limit is not None and not policy.is_off() and not response.cache_control.public:
            response.headers["RateLimit-Limit"] = str(limit.limit.amount)
            response.headers["RateLimit-Remaining"] = str(limit.remaining)
            response.headers["RateLimit-Reset"] = str(math.ceil(_left_ms(limit) / 1000))
        return response

    @app.after_request
    def charge(response: Response) -> Response:
        """A page of the longest messages is 1.6 MB."""
        limit = limiter.current_limit
        more = (response.calculate_content_length() or 0) // ANSWER_BYTES if response.is_json else 0
        if more and limit is not None and not policy.is_off():
            limiter.limiter.hit(limit.limit, *limit.request_args, cost=more)
        return response


class Policy:
    """Which class a request belongs to, whom it counts against, and how many of it there may be."""

    def __init__(self, settings: Settings) -> None:
        self._window_s = max(1, settings.rate_limit_window_ms // 1000)
        self._most = settings.rate_limit_max_requests
        self._amounts = {
            "read": self._most,
            "write": self._most,
            "sign-in": _share(self._most, 2),
            "wide": settings.wide_rate_limit_max_requests,
            "uncounted": 0,
        }

    def is_off(self) -> bool:
        """Whether the request is not counted."""
        return not self._amounts[endpoint_class()]

    def is_no_guess(self) -> bool:
        """Whether the request tries no password."""
        return self.is_off() or request.path not in LOG_IN or request.method in READS

    def limit(self) -> str:
        """The limit of the request's class, as flask-limiter writes it."""
        return f"{self._amounts[endpoint_class()]} per {self._window_s} second"

    def name_limit(self) -> str:
        """How often one name may be tried from one address."""
        return f"{_share(self._most, 10)} per {self._window_s} second"

    def hour_limit(self) -> str:
        """How often one name may be tried from everywhere."""
        return f"{_share(self._most, NAMES)} per {HOUR_S} second"

    def is_roomless(self) -> bool:
        """Whether the request counts in one window already, whatever room it names."""
        is_off = not self._most or not self._amounts["wide"]
        return is_off or endpoint_class() not in ("read", "write")

    def all_limit(self) -> str:
        """How much there may be in all rooms together: a made-up room must not be a fresh window."""
        return f"{self._amounts['wide']} per {self._window_s} second"

    def who(self) -> str:
        """The person, or the address of somebody without an account."""
        person = current_actor().limit_key if current_actor().user_id and endpoint_class() != "wide" else None
        return person or f"address:{client_address()}"

    def key(self) -> str:
        """Whom the request counts against, in which room, for what."""
        kind, who = endpoint_class(), self.who()
        return f"{kind}:{who}" if kind in ("wide", "sign-in") else f"{kind}:{_room()}:{who}"


def handshake_rate(settings: Settings) -> Rate | None:
    """The wide limit as a bucket, for what is not a request of Flask's: socket handshakes and viewers without a name."""
    most = settings.wide_rate_limit_max_requests
    return Rate(most * 1000 / max(1, settings.rate_limit_window_ms), most) if most else None


def event_rates(settings: Settings) -> dict[str, Rate]:
    """What one person may over sockets, by the kind of event."""
    return {
        "message": Rate(*settings.message_rate),
        "typing": Rate(*settings.typing_rate),
        "join": Rate(*settings.join_rate),
        "action": Rate(*settings.action_rate),
    }


def endpoint_class() -> str:
    """The class of the current request."""
    path, is_read = request.path, request.method in READS
    if path in UNCOUNTED:
        return "uncounted"
    if path in SIGN_IN and not (is_read and path in PAGES):
        return "sign-in"
    if not path.startswith("/api/") and not is_read and current_actor().user_id:
        return "write"  # a page's form does what the API does
    is_guest_sign_in = request.method == "POST" and path.startswith("/api/rooms/") and path.endswith("/guests")
    if not path.startswith("/api/") or path in RENEWAL or is_guest_sign_in or path.startswith(FILES):
        return "wide"
    if is_read:
        return "read" if current_actor().user_id else "wide"
    return "write"


def name_key() -> str:
    """The name that a login tries, and from where."""
    return f"{client_address()}:{name_anywhere()}"


def name_anywhere() -> str:
    """The name that a login tries, however it is spelled; hashed, because it may be anything.

    Every two spellings that find the same account are one here: who guesses must not begin anew with `Ａda` after `ada`.
    """
    body = _body()
    name = _spelled(body.get("email") or body.get("username"))
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()[:32]


def _spelled(name: object) -> str:
    """One form of all spellings of a name; "" for what is none, and for what is too long to be one: it finds no account."""
    trimmed = name.strip() if isinstance(name, str) else ""
    return folded(trimmed).strip() if len(trimmed) <= LONGEST else ""


def _body() -> Mapping[str, Any]:
    try:
        return form_or_nothing() if request.path in PAGES else read_json(request)
    except AppError:
        return {}


def _room() -> str:
    arguments = request.view_args or {}
    named = next((arguments[name] for name in ROOM_ARGUMENTS if name in arguments), None)
    return refs.room_of(str(named or request.args.get("roomId", "-"))[:64])


def _refuse(limit: RequestLimit) -> None:
    raise AppError("rate_limited", retry_after_ms=math.ceil(_left_ms(limit)))


def _left_ms(limit: RequestLimit) -> float:
    return max(0.0, limit.window[0] * 1000 - to_epoch_ms(handles.clock.now()))


def _share(most: int, parts: int) -> int:
    return max(1, most // parts) if most else 0
