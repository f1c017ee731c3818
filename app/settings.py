"""The settings: one table of name, default, unit and help; read from the environment and from `.env`.

`docs/settings.md` is generated from this table. Names and defaults are part of the contract and stay.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from dotenv import dotenv_values

from app.core.ids import is_worker_id

WEAK_SECRET_BYTES = 32
MOST_DAYS = 36_500
UPLOAD_TYPES = (
    *("image/jpeg", "image/png", "image/gif", "image/webp"),
    *("audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/webm", "video/mp4", "video/webm", "video/quicktime"),
    *("application/pdf", "application/zip", "text/plain", "text/csv", "text/markdown"),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


class SettingError(ValueError):
    """A setting cannot be used; the message is one clear line for the operator."""


def _text(raw: str) -> str:
    return raw.strip()


def _integer(raw: str) -> int:
    try:
        value = int(raw)
    except ValueError:
        raise ValueError(f"must be a whole number, not {raw!r}") from None
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _worker_id(raw: str) -> str:
    if not is_worker_id(raw.strip()):
        raise ValueError(f"must be 1 to 32 letters or digits, not {raw!r}")
    return raw.strip()


def _address(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        scheme, found, rest = raw.strip().partition("://")
        if not found or not rest or scheme.lower() not in schemes:
            raise ValueError(f"must begin with {' or '.join(f'{each}://' for each in schemes)}")
        return raw.strip()

    return parse


def _days(raw: str) -> int:
    value = _integer(raw)
    if not 1 <= value <= MOST_DAYS:
        raise ValueError(f"must be from 1 to {MOST_DAYS}")
    return value


def _flag(raw: str) -> bool:
    if raw.lower() in _TRUE:
        return True
    if raw.lower() in _FALSE:
        return False
    raise ValueError("must be true or false")


def _names(raw: str) -> tuple[str, ...]:
    return tuple(part.strip().rstrip("/") for part in raw.split(",") if part.strip())


def _database_url(raw: str) -> str:
    """SQLAlchemy's form of a PostgreSQL or SQLite URL; `postgres://` and Prisma's `?schema=` are understood."""
    parts = urlsplit(raw.strip())
    if parts.scheme == "sqlite":
        return raw.strip()
    if parts.scheme.split("+")[0] not in ("postgres", "postgresql"):
        raise ValueError("must be a postgresql:// or sqlite:/// URL")
    query = dict(parse_qsl(parts.query))
    schema = query.pop("schema", None)
    if schema and schema != "public":
        query["options"] = f"-csearch_path={schema}"
    return urlunsplit(("postgresql+psycopg", parts.netloc, parts.path, urlencode(query), ""))


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return raw.lower()

    return parse


def _rate(raw: str) -> tuple[float, int]:
    per_second, _, burst = raw.partition(",")
    rate = float(per_second), int(burst)
    if not rate[0] > 0 or rate[1] < 1:
        raise ValueError("must be a rate and a burst above 0, like 5,20")
    return rate


def _setting(name: str, default: Any, parse: Callable[[str], Any], help: str, *, unit: str = "") -> Any:
    return field(default=default, metadata={"name": name, "parse": parse, "help": help, "unit": unit})


@dataclass(frozen=True)
class Settings:
    """All settings of one process; immutable once read."""

    app_env: str = _setting(
        "APP_ENV", "development", _text, "`production` refuses a weak secret (`NODE_ENV` works too)."
    )
    data_dir: str = _setting("DATA_DIR", "var", _text, "Where the embedded mode keeps its database, files and secret.")
    database_url: str = _setting("DATABASE_URL", "", _database_url, "PostgreSQL; empty: SQLite in `DATA_DIR`.")
    redis_url: str = _setting(
        "REDIS_URL",
        "",
        _address("redis", "rediss"),
        "Redis or Valkey, needed for more than one worker; empty: in-process.",
    )
    jwt_secret: str = _setting(
        "JWT_SECRET", "", _text, "Signs tokens; empty: made and kept in `DATA_DIR`. 32 bytes or more."
    )
    jwt_previous_secrets: tuple[str, ...] = _setting(
        "JWT_PREVIOUS_SECRETS", (), _names, "Comma-separated; still accepted, so that a rotation signs nobody out."
    )
    cors_origin: tuple[str, ...] = _setting(
        "CORS_ORIGIN",
        ("http://localhost:5173",),
        _names,
        "Comma-separated origins of browser clients; the own one always.",
    )
    host: str = _setting("HOST", "0.0.0.0", _text, "The address to listen on.")  # noqa: S104 - phones in the room connect
    port: int = _setting("PORT", 3000, _integer, "The port to listen on.")
    public_url: str = _setting(
        "PUBLIC_URL",
        "",
        _address("https", "http"),
        "The address people use, for links and QR codes; empty: the request's.",
    )
    trusted_hops: int = _setting("TRUSTED_HOPS", 0, _integer, "How many proxies in front may set `X-Forwarded-*`.")
    worker_id: str = _setting("WORKER_ID", "w0", _worker_id, "Names this worker in session ids, for sticky routing.")
    log_level: str = _setting(
        "LOG_LEVEL", "info", _one_of("debug", "info", "warning", "error", "critical"), "The least level that is logged."
    )
    rate_limit_window_ms: int = _setting(
        "RATE_LIMIT_WINDOW_MS", 60_000, _integer, "The window of the REST limit.", unit="ms"
    )
    rate_limit_max_requests: int = _setting(
        "RATE_LIMIT_MAX_REQUESTS", 100, _integer, "REST calls per window, person, room and endpoint class; 0: no limit."
    )
    wide_rate_limit_max_requests: int = _setting(
        "WIDE_RATE_LIMIT_MAX_REQUESTS",
        3000,
        _integer,
        "Pages, static files, handshakes, anonymous reads and guest sign-ins per window and address; 0: no limit.",
    )
    message_rate: tuple[float, int] = _setting(
        "MESSAGE_RATE", (5, 20), _rate, "What one person may send over sockets: messages a second, and at once."
    )
    typing_rate: tuple[float, int] = _setting(
        "TYPING_RATE", (2, 10), _rate, "The same for typing: notices a second, and at once."
    )
    join_rate: tuple[float, int] = _setting(
        "JOIN_RATE",
        (10, 30),
        _rate,
        "The same for joining and syncing: events a second, and at once; each 256 kB of the answer count as one more.",
    )
    action_rate: tuple[float, int] = _setting(
        "ACTION_RATE", (20, 60), _rate, "The same for all other socket events: events a second, and at once."
    )
    room_guest_rate: tuple[float, int] = _setting(
        "ROOM_GUEST_RATE",
        (50, 3000),
        _rate,
        "How many guests one room lets in, from all addresses together: a second, and at once.",
    )
    rooms_per_socket: int = _setting(
        "ROOMS_PER_SOCKET", 200, _integer, "How many rooms one socket may be in at a time; 0: no limit."
    )
    refused_events_in_a_row: int = _setting(
        "REFUSED_EVENTS_IN_A_ROW",
        1_000,
        _integer,
        "A socket that is refused so many events in a row is closed; 0: no limit.",
    )
    start_lead_ms: int = _setting(
        "START_LEAD_MS",
        150,
        _integer,
        "How long after a timer's start its screens show it, all at the same moment; 0: each as soon as it knows.",
        unit="ms",
    )
    max_body_bytes: int = _setting("MAX_BODY_BYTES", 1_000_000, _integer, "The largest request body.", unit="bytes")
    access_token_ms: int = _setting("ACCESS_TOKEN_MS", 15 * 60_000, _integer, "Life of an access token.", unit="ms")
    refresh_token_ms: int = _setting(
        "REFRESH_TOKEN_MS", 7 * 86_400_000, _integer, "Life of a refresh token.", unit="ms"
    )
    token_grace_ms: int = _setting(
        "TOKEN_GRACE_MS",
        60_000,
        _integer,
        "How long a socket whose token has run out stays open, to be given a fresh one.",
        unit="ms",
    )
    guest_token_ms: int = _setting("GUEST_TOKEN_MS", 24 * 3_600_000, _integer, "Life of a guest's token.", unit="ms")
    audit_keep_days: int = _setting(
        "AUDIT_KEEP_DAYS", 365, _days, "How long is kept what hosts did in their rooms.", unit="days"
    )
    metrics_token: str = _setting(
        "METRICS_TOKEN",
        "",
        _text,
        "A bearer token that reads `/metrics` and the socket numbers; empty: operators only.",
    )
    s3_endpoint: str = _setting(
        "S3_ENDPOINT", "", _address("https", "http"), "An S3-compatible store; empty: files in `DATA_DIR`."
    )
    s3_bucket: str = _setting("S3_BUCKET", "", _text, "The bucket for files.")
    s3_access_key_id: str = _setting("S3_ACCESS_KEY_ID", "", _text, "The bucket's access key.")
    s3_secret_access_key: str = _setting("S3_SECRET_ACCESS_KEY", "", _text, "The bucket's secret key.")
    s3_region: str = _setting("S3_REGION", "auto", _text, "The bucket's region.")
    s3_upload_method: str = _setting(
        "S3_UPLOAD_METHOD", "post", _one_of("post", "put"), "How files are sent; Cloudflare R2 needs `put`."
    )

    upload_max_bytes: int = _setting("UPLOAD_MAX_BYTES", 25_000_000, _integer, "The largest file.", unit="bytes")
    upload_allowed_types: tuple[str, ...] = _setting(
        "UPLOAD_ALLOWED_TYPES",
        UPLOAD_TYPES,
        _names,
        "Comma-separated types of files that are taken; what could run in a browser is only ever downloaded.",
    )
    upload_person_quota_bytes: int = _setting(
        "UPLOAD_PERSON_QUOTA_BYTES", 1_000_000_000, _integer, "All files of one person; 0: no limit.", unit="bytes"
    )
    upload_room_quota_bytes: int = _setting(
        "UPLOAD_ROOM_QUOTA_BYTES", 5_000_000_000, _integer, "All files of one room; 0: no limit.", unit="bytes"
    )
    upload_ticket_ms: int = _setting(
        "UPLOAD_TICKET_MS", 15 * 60_000, _integer, "How long a file may be sent after asking.", unit="ms"
    )
    picture_max_pixels: int = _setting(
        "PICTURE_MAX_PIXELS",
        40_000_000,
        _integer,
        "The largest picture, all its frames together; as WebP, which takes more memory, two fifths of it.",
        unit="pixels",
    )
    picture_memory_bytes: int = _setting(
        "PICTURE_MEMORY_BYTES",
        640_000_000,
        _integer,
        "Memory that decoding one picture may take, in a process of its own; a worker has two of them at most.",
        unit="bytes",
    )
    picture_cpu_ms: int = _setting(
        "PICTURE_CPU_MS", 20_000, _integer, "Processor time that decoding one picture may take.", unit="ms"
    )
    file_url_ms: int = _setting("FILE_URL_MS", 10 * 60_000, _integer, "Life of a file's signed address.", unit="ms")

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None, *, dotenv: str | None = ".env") -> Settings:
        """Read `.env` and, above it, the environment.

        Raises:
            SettingError: a value that cannot be used, named in one line.
        """
        raw: dict[str, str] = {k: v for k, v in dotenv_values(dotenv).items() if v is not None} if dotenv else {}
        raw.update(os.environ if env is None else env)
        if "NODE_ENV" in raw:
            raw.setdefault("APP_ENV", raw["NODE_ENV"])
        settings = cls(**{f.name: _parse(f.metadata, raw) for f in fields(cls) if raw.get(f.metadata["name"])})
        settings._refuse_unsafe()
        return settings

    def _refuse_unsafe(self) -> None:
        if not self.is_production:
            return
        if not self.jwt_secret:
            raise SettingError(
                "JWT_SECRET is missing: with APP_ENV=production it must be set to at least 32 random bytes."
            )
        if len(self.jwt_secret.encode()) < WEAK_SECRET_BYTES or len(set(self.jwt_secret)) < 8:  # noqa: PLR2004
            raise SettingError("JWT_SECRET is weak: with APP_ENV=production it must be at least 32 random bytes.")

    @property
    def is_production(self) -> bool:
        return self.app_env == "production"

    @property
    def sqlalchemy_url(self) -> str:
        """`database_url`, or the embedded SQLite file."""
        return self.database_url or f"sqlite:///{Path(self.data_dir).resolve() / 'greenroom.db'}"


def _parse(metadata: Mapping[str, Any], raw: Mapping[str, str]) -> Any:
    try:
        return metadata["parse"](raw[metadata["name"]])
    except ValueError as why:
        raise SettingError(f"{metadata['name']}: {why}") from None
