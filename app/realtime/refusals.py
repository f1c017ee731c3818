"""Why a request is answered with an error: Engine.IO's codes, and two of our own."""

from http import HTTPStatus
from typing import Final

#: Engine.IO's error codes.
UNKNOWN_TRANSPORT: Final = (0, "Transport unknown")
UNKNOWN_SESSION: Final = (1, "Session ID unknown")
BAD_METHOD: Final = (2, "Bad handshake method")
BAD_REQUEST: Final = (3, "Bad request")
FORBIDDEN: Final = (4, "Forbidden")
UNSUPPORTED_VERSION: Final = (5, "Unsupported protocol version")
TOO_MANY: Final = (6, "Too many connections")
DRAINING: Final = (7, "Server is draining")


class RefusedError(Exception):
    """The request is answered with an error instead."""

    def __init__(self, error: tuple[int, str], status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(error[1])
        self.error = error
        self.status = status
