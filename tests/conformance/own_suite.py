"""Handlers of Greenroom's own tests of the engine."""

from typing import Any

from socketio.exceptions import ConnectionRefusedError as Refused

from app.realtime import Server


def register(server: Server) -> None:
    """Rooms, broadcasts, refusals and failures on request."""
    disconnects: list[str] = []

    def connect(sid: str, _environ: dict[str, str], auth: Any) -> None:
        if isinstance(auth, dict) and auth.get("refuse"):
            raise Refused({"code": "unauthorized", "message": "no"})
        server.emit("auth", auth or {}, to=sid)

    def disconnect(sid: str, reason: str) -> None:
        if "boom" in server.rooms(sid):
            disconnects.append(reason)
            raise TypeError("a disconnect handler that fails")

    def say(sid: str, channel: str, text: Any) -> dict[str, Any]:
        server.fanout(channel, "said", text, skip_sid=None)
        return {"ok": True, "members": server.member_count(channel)}

    def unknown(sid: str, event: str, has_ack: bool) -> Any:
        return {"ok": False, "unknown": event} if has_ack else None

    server.on("connect", connect)
    server.on("disconnect", disconnect)
    server.on("join", lambda sid, channel: server.enter_room(sid, channel))
    server.on("leave", lambda sid, channel: server.leave_room(sid, channel))
    server.on("say", say)
    server.on("disconnects", lambda _sid: list(disconnects))
    server.on("close-me", lambda sid: server.close(sid))
    server.on("disconnect-me", lambda sid: server.disconnect(sid))
    server.on_unknown_event = unknown
