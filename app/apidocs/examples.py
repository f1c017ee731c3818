"""What `/api/docs` shows of an operation, to read it and to try it: its parameters, and a body to begin with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from app.apidocs.openapi import Json, operations

SOME_ID = "00000000-0000-7000-8000-000000000000"
SOME_INSTANT = "2030-01-01T12:00:00.000Z"
_DEEPEST = 4


def shown_operations(document: Json) -> Iterator[Json]:
    """Of each `{method, path, group, summary, parameters: [{name, in, required, description}], keys: [{name, description,
    values}], body: text or None, is_open, statuses}`; `keys` are those of the body.
    """
    schemas = document["components"]["schemas"]
    for method, path, operation in operations(document):
        shared = document["paths"][path].get("parameters", [])
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        yield {
            "method": method.upper(),
            "path": path,
            "group": operation["tags"][0],
            "summary": operation["summary"],
            "parameters": [*shared, *operation.get("parameters", [])],
            "keys": list(_keys(content["schema"], schemas)) if content else [],
            "body": _text(example(content["schema"], schemas)) if content else None,
            "is_open": {} in operation.get("security", []),
            "statuses": list(operation["responses"]),
        }


def example(schema: Json, schemas: Json, depth: int = 0) -> Any:
    """A value that fits `schema`, with every key that may be written; only the first of those that exclude each other."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    for key in ("example", "default", "const"):
        if schema.get(key) is not None:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = next((name for name in kind if name != "null"), None) if isinstance(kind, list) else kind
    if kind == "object" and depth < _DEEPEST:
        return {name: example(part, schemas, depth + 1) for name, part in _writable(schema).items()}
    if kind == "array":
        return [example(schema["items"], schemas, depth + 1)]
    numbers = {"integer": max(1, schema.get("minimum", 1)), "number": 1, "boolean": False, "object": {}}
    return numbers[kind] if kind in numbers else _string(schema)


def _keys(schema: Json, schemas: Json) -> Iterator[Json]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    for name, part in schema.get("properties", {}).items():
        if not part.get("readOnly"):
            values = [value for value in part.get("enum", []) if value is not None]
            yield {"name": name, "description": part.get("description", ""), "values": values}


def _writable(schema: Json) -> Json:
    alternatives = [branch["required"][0] for branch in schema.get("oneOf") or schema.get("anyOf") or []]
    parts = schema.get("properties", {})
    return {name: part for name, part in parts.items() if not part.get("readOnly") and name not in alternatives[1:]}


def _string(schema: Json) -> str:
    if schema.get("format") == "date-time":
        return SOME_INSTANT
    if schema.get("pattern", "").startswith("^[0-9a-f]{8}"):
        return SOME_ID
    if "@" in schema.get("pattern", ""):
        return "ada@example.org"
    return "some text 1"[: schema.get("maxLength", 20)] if schema.get("minLength", 0) else "some text 1"


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
