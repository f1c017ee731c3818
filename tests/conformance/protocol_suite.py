"""What the Socket.IO v5 and Engine.IO v4 protocol suites ask of a server."""

from typing import Any

from app.realtime import Server
from app.realtime.engine import EngineServer


def register(server: Server) -> None:
    """Handlers of the Socket.IO protocol suite, in its two namespaces."""

    def for_namespace(namespace: str) -> None:
        def connect(sid: str, _environ: dict[str, str], auth: Any) -> None:
            server.emit("auth", auth or {}, to=sid, namespace=namespace)

        def message(sid: str, *args: Any) -> None:
            server.emit("message-back", args, to=sid, namespace=namespace)

        def message_with_ack(_sid: str, *args: Any) -> tuple[Any, ...]:
            return args

        server.on("message", message, namespace=namespace)
        server.on("message-with-ack", message_with_ack, namespace=namespace)
        server.on("connect", connect, namespace=namespace)

    for_namespace("/")
    for_namespace("/custom")


def echo_server(server: Server) -> Any:
    """A bare Engine.IO server with the same limits that echoes every message."""
    echo = EngineServer(engine=server.engine)
    echo.on("message", echo.send)
    return echo
