"""The AsyncAPI 3 document of the Socket.IO events, from the schemas that validate and the table of `events`."""

from __future__ import annotations

import inspect
from typing import Any, cast

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter

from app.apidocs.events import SERVER_EVENTS
from app.apidocs.openapi import add_rules
from app.core.version import VERSION
from app.web.schema import Schema
from app.web.sockets import Registration, sockets

_ADDRESS = "/socket.io"


def asyncapi_document() -> dict[str, Any]:
    """The whole document; made anew at each call."""
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec("Greenroom", VERSION, "3.1.0", plugins=[plugin])
    converter = cast("OpenAPIConverter", plugin.converter)  # which the document has just given it
    messages = {**_client_messages(converter), **_server_messages(converter)}
    received = [name for name in messages if name.startswith("client.")]
    sent = [name for name in messages if name.startswith("server.")]
    schemas = spec.to_dict()["components"]["schemas"]
    add_rules(schemas, converter.refs)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Greenroom events",
            "version": VERSION,
            "description": "Socket.IO 4 (Engine.IO 4), namespace `/`. Every client event may ask for an ack: "
            '`{"ok": true, …}` or `{"ok": false, "error": {…}}`.',
        },
        "channels": {
            "greenroom": {
                "address": _ADDRESS,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            "receive": _operation("receive", received, "What clients may send."),
            "send": _operation("send", sent, "What clients are sent."),
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def _operation(action: str, names: list[str], summary: str) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/greenroom/messages/{name}"} for name in names]
    return {"action": action, "channel": {"$ref": "#/channels/greenroom"}, "summary": summary, "messages": messages}


def _client_messages(converter: OpenAPIConverter) -> dict[str, Any]:
    return {f"client.{row.event}": _client_message(converter, row) for row in sockets.registrations.values()}


def _client_message(converter: OpenAPIConverter, row: Registration) -> dict[str, Any]:
    message = _message(converter, row.event, row.schema)
    if row.string_key:
        message["description"] += f" A bare string stands for `{row.string_key}`."
    return message


def _server_messages(converter: OpenAPIConverter) -> dict[str, Any]:
    return {f"server.{row.name}": _message(converter, row.name, row.schema) for row in SERVER_EVENTS}


def _message(converter: OpenAPIConverter, name: str, schema: type[Schema]) -> dict[str, Any]:
    summary = (inspect.getdoc(schema) or schema.__name__).splitlines()[0]
    return {"name": name, "description": summary, "payload": converter.resolve_nested_schema(schema)}


def _schema_name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return f"{kind.__module__.split('.')[1].title()}{kind.__name__.removesuffix('Schema')}"
