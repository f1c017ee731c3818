"""The three forms in which a programme may be sent: JSON, plain CSV, or a form with a file."""

from __future__ import annotations

from typing import Any

from flask import Request

from app.core.errors import AppError
from app.timers.schemas import TimerImport
from app.web.http import CSRF_FIELD, read_body, read_json

_TEXT = {"schema": {"type": "string"}}
_FORM = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
IMPORT_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": TimerImport},
        "text/csv": _TEXT,
        "multipart/form-data": {"schema": _FORM},
    },
}
_FLAGS: dict[str | None, bool | str] = {"true": True, "1": True, "on": True, "false": False, "0": False}


def read_import(request: Request) -> dict[str, Any]:
    """The arguments of `service.import_timers`; a form's and a query's empty fields count as absent.

    Raises:
        AppError: `unsupported_media_type`, `malformed`, `body_too_large`, `import_failed` (not UTF-8).
        ValidationError: a value of them is not valid.
    """
    if request.mimetype == "text/csv":
        body = {**_options(request.args), "csv": _decoded(read_body(request))}
    elif request.mimetype == "multipart/form-data":
        file = request.files.get("file")
        body = {**_options(request.form), **({"csv": _decoded(file.read())} if file else {})}
    else:
        body = read_json(request)
    values = TimerImport().load(body)
    schedule = values.pop("schedule", None)
    content = values.pop("csv") if schedule is None else {"schedule": schedule}
    return {"content": content, **values}


def _options(given: Any) -> dict[str, Any]:
    options: dict[str, Any] = {key: value for key, value in given.items() if value.strip() and key != CSRF_FIELD}
    if "autoStart" in options:
        options["autoStart"] = _FLAGS.get(options["autoStart"], options["autoStart"])
    return options


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AppError("import_failed", details={"file": ["It must be UTF-8."]}) from None
