"""What auth tells other parts. `session-revoked` is internal: workers end the device's sockets; clients never get it."""

from __future__ import annotations

from app.core.event import Event, user_channel

SESSION_REVOKED = "session-revoked"


def session_revoked(user_id: str, session_id: str) -> Event:
    """The device `session_id` of `user_id` is signed out: `{sessionId}`."""
    return Event(SESSION_REVOKED, user_channel(user_id), ({"sessionId": session_id},))
