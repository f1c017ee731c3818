"""What the official JavaScript client's own test suite asks of a server."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import gevent
from socketio.exceptions import ConnectionRefusedError as Refused

from app.realtime import Server

#: The suite tests the client's connection timeout against a server that takes a moment.
PAUSE_S = 0.01
DOGE = b"asdfasdf"
PHRASES = ("てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string")


def handshake(environ: dict[str, str] | None, auth: Any) -> dict[str, Any]:
    """The part of Node's `socket.handshake` that the suite looks at."""
    query = parse_qs((environ or {}).get("QUERY_STRING", ""), keep_blank_values=True)
    return {"query": {name: values[0] for name, values in query.items()}, "auth": auth or {}}


def register(server: Server) -> None:
    """Handlers of the main namespace and of those that the suite connects to."""
    _register_namespaces(server)
    _register_echoes(server)
    _register_binary(server)


def _register_namespaces(server: Server) -> None:
    def refuse_on_request(_sid: str, environ: dict[str, str], _auth: Any) -> None:
        gevent.sleep(PAUSE_S)
        if "fail" in parse_qs(environ.get("QUERY_STRING", "")):
            raise Refused("Auth failed (main namespace)")

    def refuse(_sid: str, _environ: dict[str, str], _auth: Any) -> None:
        raise Refused("Auth failed (custom namespace)")

    def tell_handshake(sid: str, environ: dict[str, str], auth: Any) -> None:
        server.emit("handshake", handshake(environ, auth), to=sid, namespace="/abc")

    server.on("connect", refuse_on_request)
    server.on("connect", refuse, namespace="/no")
    server.on("connect", tell_handshake, namespace="/abc")
    server.on("getId", lambda sid: sid, namespace="/foo")


def _register_echoes(server: Server) -> None:
    def answer(event: str, *data: Any) -> Callable[..., None]:
        return lambda sid, *_: server.emit(event, data, to=sid)

    def ask(sid: str, *_: Any) -> Any:
        def got(a: Any, b: Any) -> None:
            if a == 5 and b["test"]:
                server.emit("got it", to=sid)

        server.emit("ack", to=sid, callback=got)
        return server.not_handled  # the suite waits for an acknowledgement that never comes

    def say_phrases(sid: str) -> None:
        for phrase in PHRASES:
            server.emit("takeUtf8", phrase, to=sid)

    server.on("hi", answer("hi"))
    server.on("echo", lambda _sid, arg: (arg,))
    server.on("ack", ask)
    server.on("getAckDate", lambda _sid, _data: datetime.now(UTC))
    server.on("getDate", lambda sid: server.emit("takeDate", datetime.now(UTC), to=sid))
    server.on("getDateObj", lambda sid: server.emit("takeDateObj", {"date": datetime.now(UTC)}, to=sid))
    server.on("getUtf8", say_phrases)
    server.on("false", answer("false", False))
    server.on("getId", lambda sid: sid)
    server.on("getHandshake", lambda sid: handshake(server.get_environ(sid), None))


def _register_binary(server: Server) -> None:
    def answer_if(event: str, good: Callable[[Any], bool]) -> Callable[[str, Any], None]:
        def handle(sid: str, data: Any) -> None:
            if good(data):
                server.emit(event, to=sid)

        return handle

    def is_bytes(data: Any) -> bool:
        return isinstance(data, bytes)

    def is_mixed(data: Any) -> bool:
        return data["hello"] == "lol" and is_bytes(data["message"]) and data["goodbye"] == "gotcha"

    for event in ("doge", "getbin"):
        reply = "doge" if event == "doge" else "takebin"
        server.on(event, lambda sid, reply=reply: server.emit(reply, DOGE, to=sid))
    server.on("buffa", answer_if("buffack", is_bytes))
    server.on("jsonbuff", answer_if("jsonbuff-ack", is_mixed))
    server.on("blob", answer_if("back", is_bytes))
    server.on("jsonblob", answer_if("jsonblob-ack", is_mixed))
    _register_ordered(server, ("abuff1", "abuff2"), "abuff2-ack")
    _register_ordered(server, ("blob1", "blob2", "blob3"), "blob3-ack")


def _register_ordered(server: Server, events: tuple[str, ...], reply: str) -> None:
    """Answer the last of `events` if they came in this order."""
    seen: dict[str, list[str]] = {}

    def handler(event: str) -> Callable[[str, Any], None]:
        def handle(sid: str, _data: Any) -> None:
            seen.setdefault(sid, []).append(event)
            if seen[sid] == list(events):
                server.emit(reply, to=sid)

        return handle

    for event in events:
        server.on(event, handler(event))
