"""The stock Engine.IO server on Greenroom's worker: negotiation before the 101, sids with a prefix."""

import logging
import secrets
from typing import Any

import engineio
from engineio import socket as stock_socket
from geventwebsocket.websocket import Stream, WebSocket
from gunicorn.workers.base_async import ALREADY_HANDLED

from app.realtime.negotiation import negotiate


class _Handler:
    def __init__(self, sock: Any, application: Any) -> None:
        self.socket, self.rfile = sock, sock.makefile("rb")
        self.server = self
        self.logger = logging.getLogger(__name__)
        self.application = application


class StockSocket(stock_socket.Socket):  # type: ignore[misc]
    def _upgrade_websocket(self, environ: dict[str, Any], start_response: Any) -> Any:
        answer = negotiate(environ)
        if not answer.accepted:
            start_response(answer.status, answer.headers)
            return [b""]
        sock = environ["gunicorn.socket"]
        sock.sendall(answer.head())
        handler = _Handler(sock, None)
        websocket = WebSocket({}, Stream(handler), handler)
        self._websocket_handler(_Wait(websocket))
        return ALREADY_HANDLED


class _Wait:
    def __init__(self, websocket: WebSocket) -> None:
        self.send, self.wait, self.close = websocket.send, websocket.receive, websocket.close


stock_socket.Socket = StockSocket


class StockEngine(engineio.Server):  # type: ignore[misc]
    worker_id = "w0"

    def generate_id(self) -> str:
        return f"{self.worker_id}.{secrets.token_urlsafe(15)}"
