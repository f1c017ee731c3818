"""The WebSocket opening handshake (RFC 6455 section 4), negotiated by gevent-websocket.

gevent-websocket speaks to a pywsgi handler. Greenroom's worker is gunicorn's own, so this class
gives its negotiation just what it reads of a handler and collects its answer. Nothing reaches the
client before the engine has accepted the request: the origin is checked before the 101.
"""

import io
import logging
from dataclasses import dataclass
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Final

from geventwebsocket.handler import WebSocketHandler

Headers = list[tuple[str, str]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say to an opening handshake: `accepted`, or an HTTP status with its headers."""

    accepted: bool
    status: str
    headers: Headers

    def head(self) -> bytes:
        """The response head as bytes; there is no body."""
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


#: What gevent-websocket looks for on a handler's server, also when a WebSocket is thrown away.
_SERVER: Final = SimpleNamespace(
    logger=logger, application=SimpleNamespace(current_app=SimpleNamespace(on_close=lambda _why: None))
)


class _Negotiator(WebSocketHandler):  # type: ignore[misc]
    """A gevent-websocket handler without a server, for the standard alone: drafts name their origin in another header."""

    SUPPORTED_VERSIONS = ("13",)

    def __init__(self, environ: dict[str, Any]) -> None:
        # pywsgi's constructor wants a socket and a server; negotiating needs neither.
        self.environ = environ
        self.request_version = environ.get("SERVER_PROTOCOL", "")
        self.server = _SERVER
        self.application = None
        self.rfile = io.BytesIO()
        self.socket = SimpleNamespace(sendall=lambda _data: None)
        self.status = ""
        self.headers: Headers = []

    def start_response(self, status: str, headers: Headers, _exc_info: object = None) -> None:
        self.status, self.headers = status, headers


def negotiate(environ: dict[str, Any]) -> Answer:
    """Answer the opening handshake in `environ`, without sending anything."""
    try:
        negotiator = _Negotiator(dict(environ))
        negotiator.upgrade_websocket()
    except ValueError:  # a Sec-WebSocket-Key that is not base64
        return Answer(False, _status(HTTPStatus.BAD_REQUEST), [])
    websocket = getattr(negotiator, "websocket", None)
    if websocket is None:
        unsupported = negotiator.status.startswith("426")
        return Answer(
            False, _status(HTTPStatus.UPGRADE_REQUIRED if unsupported else HTTPStatus.BAD_REQUEST), negotiator.headers
        )
    websocket.closed = True  # its reader and writer are not used: frames.py is strict and faster
    return Answer(True, negotiator.status, negotiator.headers)


def _status(status: HTTPStatus) -> str:
    return f"{status.value} {status.phrase}"
