"""The requests of a polling session: a GET fetches what waits, a POST brings packets."""

import base64
from http import HTTPStatus
from typing import Any

import gevent

from app.realtime.connection import Connection
from app.realtime.frames import POLICY_VIOLATION, ProtocolError
from app.realtime.polling import SEPARATOR, ClientLeftError, DuplicatePollError, PollingTransport
from app.realtime.refusals import BAD_REQUEST, TOO_MANY, RefusedError
from app.realtime.transport import PARSE_ERROR, TRANSPORT_ERROR


def fetch(connection: Connection, environ: dict[str, Any]) -> bytes:
    """The payload of a GET; waits for one. Raises RefusedError, after which the session is over."""
    transport = connection.transport
    assert isinstance(transport, PollingTransport)
    engine = connection.server.engine
    try:
        is_upgrading = connection.probe is not None and connection.probe.probed
        timeout_ms = engine.upgrade_noop_ms if is_upgrading else engine.ping_interval_ms + engine.ping_timeout_ms
        packets = transport.wait(environ.get("gunicorn.socket"), timeout_ms / 1000)
    except DuplicatePollError as error:
        connection.end(PARSE_ERROR, POLICY_VIOLATION)
        raise RefusedError(BAD_REQUEST) from error
    except ClientLeftError as error:
        connection.end(TRANSPORT_ERROR, POLICY_VIOLATION)
        raise RefusedError(BAD_REQUEST) from error
    return SEPARATOR.join(packets)


def receive(connection: Connection, environ: dict[str, Any]) -> None:
    """Take in the packets of a POST. Raises RefusedError."""
    engine = connection.server.engine
    body = _read_body(connection, environ)
    try:
        packets = decode_payload(body, engine.max_payload_packets)
    except ValueError as error:
        connection.on_protocol_error(ProtocolError(POLICY_VIOLATION, str(error)))
        raise RefusedError(BAD_REQUEST) from error
    connection.charge(len(packets))
    if not connection.wait_for_room(engine.receive_timeout_ms / 1000) or connection.closed:
        raise RefusedError(TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS)
    for packet in packets:
        connection.on_message(packet)


def _read_body(connection: Connection, environ: dict[str, Any]) -> bytes:
    """The body, no longer than a frame may be, and no slower than the receive timeout."""
    engine = connection.server.engine
    body: bytes = b""
    with gevent.Timeout(engine.receive_timeout_ms / 1000, False):
        body = environ["wsgi.input"].read(engine.max_frame_bytes + 1)
    if not body:
        raise RefusedError(BAD_REQUEST)
    if len(body) > engine.max_frame_bytes:
        connection.on_protocol_error(ProtocolError(POLICY_VIOLATION, "the body is too long"))
        raise RefusedError(BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return body


def decode_payload(body: bytes, max_packets: int) -> list[str | bytes]:
    """The packets of a POST: text, or bytes for base64 (`b…`). Raises ValueError."""
    parts = body.decode().split("\x1e")
    if len(parts) > max_packets:
        raise ValueError("too many packets in one payload")
    return [base64.b64decode(part[1:], validate=True) if part[:1] == "b" else part for part in parts]
