"""The OpenAPI 3.1 document: what flask-smorest made of the routes' schemas, completed by what holds for all of them.

1. Each operation says who may call it, and every status that it may answer; there is no `default`.
2. Each refusal has the one error shape, with the codes that its status has in `core.errors`.
3. What each schema and each key means is said in sentences (`glossary`).
4. What a schema asks of several keys together (`Schema.json_rules`) is in its JSON Schema.

`schemathesis` holds the product to all of it (tests/security/test_fuzz.py).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from flask import current_app
from flask_smorest import Api

from app.apidocs import parts
from app.apidocs.events import ReadRoomState, RoomState
from app.apidocs.glossary import describe_parameters, describe_schemas
from app.apidocs.statuses import is_open, refusals, takes_if_match

_ROOM_NAMES = re.compile(r"/rooms/\{(ref|room_ref)\}")
METHODS = ("get", "put", "post", "patch", "delete")
Json = dict[str, Any]


def prepare(api: Api) -> None:
    """Register what the routes' decorators cannot name."""
    api.spec.components.schema("RoomState", schema=RoomState)
    api.spec.components.schema("ReadRoomState", schema=ReadRoomState)


def openapi_document() -> Json:
    """The whole document; made at the first call of an application, and not to be changed."""
    made: Json | None = current_app.extensions.get("greenroom-openapi")
    if made is None:
        made = current_app.extensions["greenroom-openapi"] = _make()
    return made


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Each operation with its method and path."""
    for path, item in document["paths"].items():
        yield from ((method, path, item[method]) for method in METHODS if method in item)


def add_rules(schemas: Json, refs: dict[Any, str]) -> None:
    """Put the `json_rules` of the schema classes that `refs` (apispec's) names into their JSON Schemas."""
    for key, name in refs.items():
        schemas[name] |= getattr(key[0], "json_rules", {})


def _make() -> Json:
    api = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    document: Json = copy.deepcopy(api.spec.to_dict())
    components = document["components"]
    add_rules(components["schemas"], api.ma_plugin.converter.refs)
    describe_schemas(components["schemas"], api.ma_plugin.converter.refs)
    for unused in ("Error", "PaginationMetadata"):  # flask-smorest's own
        components["schemas"].pop(unused, None)
    components["responses"] = {parts.name_of(status): parts.refusal(status) for status in parts.SENTENCES}
    components["headers"] = parts.HEADERS
    components["securitySchemes"] = parts.SECURITY_SCHEMES
    document["paths"] = {**_merged(document["paths"]), **copy.deepcopy(parts.DOCUMENTS)}
    document["security"] = parts.SIGNED_IN
    for path, name in (("/api/rooms/{room_id}", "ReadRoomState"), ("/api/crowd/{share_token}", "RoomState")):
        document["paths"][path]["get"]["responses"]["200"] |= parts.answer_with(name)
    for item in document["paths"].values():
        describe_parameters(item.get("parameters", []))
    for method, path, operation in operations(document):
        describe_parameters(operation.get("parameters", []))
        _complete(operation, method, path, components["schemas"])
    return document


def _merged(paths: Json) -> Json:
    """Addresses that differ in the names of their parameters alone are one path: a room's are all `{room_id}`."""
    merged: Json = {}
    for path, item in paths.items():
        into = merged.setdefault(_ROOM_NAMES.sub("/rooms/{room_id}", path), {})
        for parameter in item.pop("parameters", []):
            known = {**parameter, "name": "room_id" if parameter["name"] in ("ref", "room_ref") else parameter["name"]}
            if known not in into.setdefault("parameters", []):
                into["parameters"].append(known)
        into |= item
    return merged


def _complete(operation: Json, method: str, path: str, schemas: Json) -> None:
    operation.setdefault("operationId", _operation_id(method, path))
    if is_open(method, path):
        operation["security"] = [{}, *parts.SIGNED_IN, *(parts.SHARED if "/rooms/" in path else [])]
    if (body := operation.get("requestBody")) and not path.startswith("/api/uploads/"):
        body["required"] = all(_needs_content(content["schema"], schemas) for content in body["content"].values())
    if takes_if_match(method, path):
        operation.setdefault("parameters", []).append(parts.IF_MATCH)
    if path.startswith("/api/files/"):
        operation["responses"] |= parts.FILE
    if path.startswith("/api/uploads/"):
        operation["requestBody"] = {"required": True, "content": parts.SENT_FILE[method]}
    answers = {status: answer for status, answer in operation["responses"].items() if status[0] in "23"}
    if method == "get" and "200" in answers:
        answers |= {status: dict(answer) for status, answer in parts.CONDITIONAL.items()}
    for answer in answers.values():
        answer["headers"] = {**answer.get("headers", {}), **parts.COMMON_HEADERS}
    for status in refusals(method, path, operation):
        answers[str(status)] = {"$ref": f"#/components/responses/{parts.name_of(status)}"}
    operation["responses"] = dict(sorted(answers.items()))


def _needs_content(schema: Json, schemas: Json) -> bool:
    """Whether `{}`, which is what an absent body stands for, is not enough."""
    named = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return bool({"required", "anyOf", "oneOf"} & set(named)) or named.get("type") == "string"


def _operation_id(method: str, path: str) -> str:
    """`getRoomsRoomIdTimersCsv`: stable as long as the address is."""
    words = path.removeprefix("/api").replace("{", "").replace("}", "").replace(".", "/").replace("-", "/").split("/")
    return method + "".join(part.title() for word in words for part in word.split("_"))
