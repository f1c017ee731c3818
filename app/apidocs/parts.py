"""What the operations of the OpenAPI document share: refusals, headers, credentials."""

from __future__ import annotations

from typing import Any

from app.core.errors import CATALOGUE

Json = dict[str, Any]

SENTENCES = {
    400: "The request could not be read.",
    401: "Nobody is signed in, or the token is not valid any more.",
    403: "Not for whoever asks, or the CSRF token is missing.",
    404: "Not there, or not for whoever asks to know.",
    409: "Does not fit the state that things are in.",
    413: "Too large.",
    414: "The address is too long.",
    415: "Not of a type that is taken.",
    416: "The file has no such part.",
    422: "Read, but wrong; `details` say why, by field.",
    429: "Too much at once: wait for `Retry-After` seconds.",
    431: "The headers are too large.",
    500: "Our fault.",
    503: "A store is away: try again.",
}
SIGNED_IN: list[dict[str, list[str]]] = [{"bearer": []}, {"cookie": []}]
SHARED: list[dict[str, list[str]]] = [{"share": []}]
SECURITY_SCHEMES: Json = {
    "share": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Share-Token",
        "description": "A room's share token, which may be in the path instead: whoever has it is a viewer.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An account's access token, or a guest's. It decides alone: a bad one is refused.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sid",
        "description": "`__Host-sid` over https. What it changes needs `X-CSRF-Token`, the value of the `csrf` cookie.",
    },
}
HEADERS: Json = {
    "X-Request-ID": {
        "description": "Names the request in our logs; one that the client sends is kept.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}},
    "RateLimit-Limit": {"description": "Requests in this window.", "schema": {"type": "integer", "minimum": 1}},
    "RateLimit-Remaining": {"description": "What is left of them.", "schema": {"type": "integer", "minimum": 0}},
    "RateLimit-Reset": {"description": "Seconds until the window ends.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}},
}


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


COMMON_HEADERS = _headers("X-Request-ID", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
IF_MATCH: Json = {
    "in": "header",
    "name": "If-Match",
    "description": "The revision that the caller knows: an older one is refused (409).",
    "schema": {"type": "string", "pattern": r'^(\*|(W/)?("[0-9]{1,9}"|[0-9]{1,9}))$'},
}


def name_of(status: int) -> str:
    """The component's name of the refusals with `status`."""
    return f"Refusal{status}"


def refusal(status: int) -> Json:
    """The one error shape with the codes of `status`."""
    codes = sorted(code for code, row in CATALOGUE.items() if row.status == status)
    extra = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}.get(status, ())
    error = {
        "type": "object",
        "additionalProperties": False,
        "required": ["code", "message", "details", "retryable"],
        "properties": {
            "code": {"type": "string", "enum": codes},
            "message": {"type": "string"},
            "details": {"type": "object", "description": "What is wrong, by field: lists of sentences."},
            "retryable": {"type": "boolean"},
        },
    }
    schema = {"type": "object", "additionalProperties": False, "required": ["error"], "properties": {"error": error}}
    return {
        "description": SENTENCES[status],
        "headers": {**COMMON_HEADERS, **_headers(*extra)},
        "content": {"application/json": {"schema": schema}},
    }


def answer_with(name: str) -> Json:
    """An answer's content: the schema `name`."""
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


CONDITIONAL: Json = {"304": {"description": "As before: `If-None-Match` names its `ETag`."}}
_BYTES: Json = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
SENT_FILE: Json = {
    "put": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    "post": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "description": "The ticket's `fields`, and after them the file.",
                "properties": {"file": {"type": "string", "format": "binary"}},
                "required": ["file"],
            }
        }
    },
}
FILE: Json = {
    "200": {"description": "The file.", "content": _BYTES},
    "206": {"description": "What `Range` asked for.", "content": _BYTES},
}


def _document(summary: str, kind: str, schema: Json) -> Json:
    answers = {"200": {"description": "OK", "content": {kind: {"schema": schema}}}}
    return {"get": {"summary": summary, "tags": ["documents"], "responses": answers}}


DOCUMENTS: Json = {
    "/api/openapi.json": _document("The REST API as OpenAPI 3.1.", "application/json", {"type": "object"}),
    "/api/asyncapi.json": _document("The socket events as AsyncAPI 3.", "application/json", {"type": "object"}),
    "/api/docs": _document("Both, and the error codes, as a page.", "text/html", {"type": "string"}),
}
