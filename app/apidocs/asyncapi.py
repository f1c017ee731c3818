"""The AsyncAPI 3 document of the Socket.IO events, from the schemas that validate and the table of `events`."""

from __future__ import annotations

import inspect
from typing import Any, cast

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter

from app.apidocs.events import SERVER_EVENTS, ServerEvent
from app.apidocs.glossary import describe_schemas
from app.apidocs.openapi import add_rules
from app.core.version import VERSION
from app.web.sockets import Registration, sockets

_ADDRESS = "/socket.io"
_ABOUT = """\
Socket.IO 4 (Engine.IO 4), namespace `/`. Every client event may ask for an ack: `{"ok": true, …}`, with the keys
that the event's description names, or `{"ok": false, "error": {…}}`. `ok: true` means stored. Without an ack,
failures come as the `error` event. Where waiting helps, the error says for how long in `retryAfterMs`.

**Who connects.** `io(url, {auth: {token}})`, with an account's `accessToken` or a guest's, or an `Authorization:
Bearer` header, or a browser's `sid` cookie. A token that is given and bad is refused (`connect_error` with the
error's shape); none makes an anonymous viewer. `token-expired` gives a minute to `authenticate` with a fresh one. A
guest's token is the `accessToken` that `POST /api/rooms/{shareToken}/guests` `{"name": …}` answers, for that room
alone; a public room's id will do as well.

**Anonymous.** `join-room` with a share token, or a public room's id, needs no token. It gives the room, its timers,
the stage, who is there and their count, and the events of these. It gives no conversation: `messages` is empty,
`position.chat` is 0, no messages, typing or receipts come, and what it sends is refused. Guests read and write;
hosts run timers and the stage. `you.role` in the ack says which.

**Resuming.** `position {epoch, room, chat}` in the ack is where the client is in the room's two streams. Keep it:
the `seq` of a room's, its timers' and its stage's events moves `room`, the `changeSeq` of message events moves
`chat`, and `epoch` stays. After a reconnect give it to `join-room`: `recovered: true` says that what was missed
came as events, false (too old, too much, another `epoch`) that the ack's `room` and `messages` are all there is to
begin from. Either way take the ack's `position`. A number that is skipped means `request-sync` with the position;
one without an event is no error.
"""


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
    describe_schemas(schemas, converter.refs)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Greenroom events",
            "version": VERSION,
            "description": _ABOUT,
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
    says = " ".join((inspect.getdoc(row.handler) or "").split())
    if row.string_key:
        says += f" A bare string stands for `{row.string_key}`."
    return _message(row.event, says, converter.resolve_nested_schema(row.schema))


def _server_messages(converter: OpenAPIConverter) -> dict[str, Any]:
    return {f"server.{row.name}": _server_message(converter, row) for row in SERVER_EVENTS}


def _server_message(converter: OpenAPIConverter, row: ServerEvent) -> dict[str, Any]:
    says = row.says or (row.schema.__doc__ or "").splitlines()[0]
    payload = converter.resolve_nested_schema(row.schema)
    if row.leading:  # AsyncAPI's schemas are JSON Schema draft 7, where a list of `items` goes by place
        payload = {"type": "array", "items": [row.leading, payload], "minItems": 2, "maxItems": 2}
    return _message(row.name, says, payload)


def _message(name: str, says: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "description": says, "payload": payload}


def _schema_name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return f"{kind.__module__.split('.')[1].title()}{kind.__name__.removesuffix('Schema')}"
