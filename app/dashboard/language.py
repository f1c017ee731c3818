"""Which language a page speaks, and its texts: one catalogue, a file for each language in `catalogue/`.

The address decides (`?lang=fr`, for a screen or a frame), then what the reader chose (the cookie `lang`), then what the browser
asks for. Scripts get the keys that begin with `js.` along with the page. What people write is never translated.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import orjson
from flask import g, request

from app.core.errors import AppError

LANGUAGES: Final = {"en": "English", "fr": "Français"}
COOKIE: Final = "lang"
SCRIPTS: Final = "js."
_FOLDER = Path(__file__).parent / "catalogue"


def _read(name: str) -> dict[str, str]:
    texts: dict[str, str] = orjson.loads((_FOLDER / f"{name}.json").read_bytes())
    return texts


CATALOGUE: Final = {lang: _read(lang) for lang in LANGUAGES}
ERRORS: Final = {"fr": _read("errors.fr")}  # the English ones are those of `app.core.errors`
DETAILS: Final = {"fr": _read("details.fr")}  # by the English of the schemas, with {} for each number
FIELDS: Final = {
    "chatMode": "settings.who_writes",
    "content": "questions.ask",
    "current": "account.current",
    "csv": "control.paste",
    "dangerMs": "control.danger",
    "day": "import.day",
    "description": "form.description",
    "duration": "control.length",
    "email": "account.email",
    "expiresAt": "share.until_field",
    "file": "control.file",
    "history": "settings.history",
    "label": "share.label",
    "maxUses": "share.uses",
    "name": "form.name",
    "new": "account.new_password",
    "onFinish": "control.at_end",
    "password": "account.password",
    "plannedAt": "control.planned",
    "role": "share.role",
    "reason": "ban.reason",
    "room": "control.only_room",
    "settings.chatMode": "settings.who_writes",
    "settings.history": "settings.history",
    "settings.slowModeMs": "settings.slow",
    "slowMode": "settings.slow",
    "startsAt": "control.starts_at",
    "text": "control.message",
    "timeZone": "import.zone",
    "title": "control.timer_title",
    "username": "people.username",
    "warnMs": "control.warn",
}
# What a form calls a field otherwise than the rest do, by where it is sent.
FIELDS_OF: Final = {
    "pages.submit_sign_in": {"username": "account.who"},
    "pages.submit_sign_up": {"name": "account.your_name"},
}
_ROW = re.compile(r"row (\d+)\Z")
_COLON = re.compile(": ")
_NUMBER = re.compile(r"\d+")


def language() -> str:
    """The language of the answer to this request."""
    if "language" not in g:
        g.language = _chosen()
    chosen: str = g.language
    return chosen


def set_language(lang: str) -> None:
    """Answer this request in `lang`, whoever asks."""
    g.language = lang


def named_language() -> str:
    """The language that the address names: for answers that do not depend on who asks."""
    wanted = request.args.get("lang")
    return wanted if wanted in LANGUAGES else "en"


def _chosen() -> str:
    for wanted in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    return request.accept_languages.best_match(LANGUAGES) or "en"


def text(key: str, **values: object) -> str:
    """The text of `key` with its `{places}` filled in.

    Raises:
        KeyError: there is none: a mistake of ours, which a test finds.
    """
    found = CATALOGUE[language()][key]
    return found.format(**values) if values else found


def error_text(error: AppError) -> str:
    """Why something was refused, in the reader's language where the catalogue has it."""
    return ERRORS.get(language(), {}).get(error.code, error.message)


def detail_text(whys: list[str] | str) -> str:
    """What is wrong with one field, in the reader's language where the catalogue has it."""
    return " ".join(_detail(why) for why in ([whys] if isinstance(whys, str) else whys))


def _detail(why: str) -> str:
    if whole := _translated(why):
        return whole
    for colon in _COLON.finditer(
        why
    ):  # of a file's row: which of its columns, by its own name, and what is wrong with it
        if rest := _translated(why[colon.end() :]):
            return f"{why[: colon.start()]}{text('form.colon')} {rest}"
    return why


def _translated(why: str) -> str | None:
    found = DETAILS.get(language(), {}).get(_NUMBER.sub("{}", why))
    return found.format(*_NUMBER.findall(why)) if found else None


def field_label(name: str) -> str:
    """What the page calls a field of the API; its own name where no page has it."""
    if row := _ROW.match(name):
        return text("form.row", n=row[1])
    key = FIELDS_OF.get(request.endpoint or "", {}).get(name) or FIELDS.get(name)
    return text(key) if key else name


def script_texts() -> dict[str, str]:
    """What scripts say: the `js.` keys without it, and what refusals are called as `error.<code>`."""
    lang = language()
    texts = {key.removeprefix(SCRIPTS): value for key, value in CATALOGUE[lang].items() if key.startswith(SCRIPTS)}
    return texts | {f"error.{code}": value for code, value in ERRORS.get(lang, {}).items()}
