"""The places where the engine is fitted into its libraries, checked against the pinned versions.

Each test names what the engine relies on; an upgrade that moves a seam fails here, loudly, and not
in production, quietly.
"""

import inspect
import re
import socket
from importlib.metadata import version
from types import ModuleType
from typing import Any

import engineio
import flask_socketio
import gevent.socket
import pytest
import socketio
from geventwebsocket.handler import WebSocketHandler
from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.unreader import IterUnreader, SocketUnreader
from gunicorn.workers import base_async, ggevent

from app.realtime import EngineSettings, Server
from app.realtime.connection import Connection
from app.realtime.engine import EngineServer
from app.realtime.manager import Manager
from app.realtime.negotiation import negotiate
from app.realtime.worker import GreenroomWorker, _Unreader

PINNED = {
    "flask-socketio": "5.7.0",
    "python-socketio": "5.18.1",
    "python-engineio": "4.15.1",
    "gevent": "26.9.0",
    "gevent-websocket": "0.10.1",
    "gunicorn": "27.0.1",
}


def uses(module: ModuleType, pattern: str) -> set[str]:
    """What the source of `module` matches."""
    return set(re.findall(pattern, inspect.getsource(module)))


def same_parameters(ours: Any, theirs: Any) -> bool:
    """Whether a caller of theirs can call ours: the same names in the same order."""
    return list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


@pytest.mark.parametrize("package", PINNED)
def test_the_versions_are_those_the_seams_were_read_in(package: str) -> None:
    assert version(package) == PINNED[package]


# python-socketio


def test_the_server_asks_for_its_engine_class_and_calls_it_with_options() -> None:
    source = inspect.getsource(socketio.base_server.BaseServer.__init__)
    assert "self._engineio_server_class()(**engineio_options)" in source
    assert isinstance(Server(EngineSettings()).eio, EngineServer)


def test_the_stock_server_calls_nothing_on_the_manager_that_is_not_ours() -> None:
    called = uses(socketio.server, r"self\.manager\.(\w+)\(") | uses(socketio.base_server, r"self\.manager\.(\w+)\(")
    # Of the stock manager's own only these are used; the first two do nothing but remember.
    kept = {"set_server", "initialize", "can_disconnect"}
    replaced_with_their_caller = {"pre_connect", "connect", "pre_disconnect", "disconnect"}
    assert called - kept - replaced_with_their_caller <= set(vars(Manager))


def test_whatever_of_the_stock_server_calls_the_rest_of_the_manager_is_replaced() -> None:
    for name in ("_handle_eio_message", "_handle_eio_disconnect"):
        # Reached only through the engine's events, which go to the replacements instead.
        assert getattr(Server, name) is getattr(socketio.Server, name)
    server = Server(EngineSettings())
    assert server.eio.on_message == server._receive
    assert server.eio.on_ended == server._end
    assert "disconnect" in vars(Server)


@pytest.mark.parametrize("name", ["disconnect", "get_environ", "_handle_eio_connect"])
def test_overrides_of_the_server_keep_its_signatures(name: str) -> None:
    assert same_parameters(getattr(Server, name), getattr(socketio.Server, name))


@pytest.mark.parametrize("name", ["enter_room", "leave_room", "close_room", "get_rooms", "get_participants"])
def test_overrides_of_the_manager_keep_its_signatures(name: str) -> None:
    assert same_parameters(getattr(Manager, name), getattr(socketio.Manager, name))


def test_the_stock_lookup_of_handlers_takes_and_gives_what_the_server_uses() -> None:
    server = Server(EngineSettings())
    server.on("a", len)
    assert server._get_event_handler("a", "/", ("sid", 1)) == (len, ("sid", 1))
    assert server._get_event_handler("b", "/", ("sid",))[0] is None


# python-engineio


def test_the_stock_engine_reads_nothing_of_a_socket_that_a_connection_lacks() -> None:
    used = uses(engineio.server, r"\bsocket\.([a-z_]+)\b") | uses(engineio.base_server, r"\bs\.([a-z_]+)\b")
    only_in_what_is_replaced = {"handle_get_request", "handle_post_request"}
    assert used - only_in_what_is_replaced <= set(dir(Connection))


def test_the_stock_sessions_work_on_connections() -> None:
    engine = EngineServer(engine=EngineSettings())
    engine.sockets["a"] = connection = Connection(engine, "a", engine.addresses.enter("127.0.0.1"))
    with engine.session("a") as session:
        session["name"] = "ada"
    assert engine.get_session("a") == {"name": "ada"}
    engine.wheel.cancel(connection)


@pytest.mark.parametrize("name", ["handle_request", "generate_id", "get_session"])
def test_overrides_of_the_engine_keep_its_signatures(name: str) -> None:
    assert same_parameters(getattr(EngineServer, name), getattr(engineio.Server, name))


def test_what_the_engine_uses_of_the_stock_one_is_there() -> None:
    for name in ("_cors_allowed_origins", "_cors_headers", "_trigger_event"):
        assert callable(getattr(engineio.Server, name))
    stock = engineio.Server(async_mode="gevent", monitor_clients=False)
    assert {"sockets", "transports", "allow_upgrades", "ping_interval", "ping_timeout"} <= set(vars(stock))


# Flask-SocketIO


def test_the_extension_keeps_handlers_and_options_where_init_app_finds_them() -> None:
    stock = flask_socketio.SocketIO(path="x")
    assert stock.handlers == []
    assert stock.server is None
    assert stock.server_options == {"path": "x"}


# gevent-websocket


def _upgrade(**changes: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": "/socket.io/",
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "keep-alive, Upgrade",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
        **changes,
    }


def test_the_negotiation_answers_the_key_of_the_rfc() -> None:
    answer = negotiate(_upgrade())
    assert answer.accepted
    assert answer.head().startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer.head()


@pytest.mark.parametrize(
    "changes",
    [
        {"REQUEST_METHOD": "POST"},
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        {"HTTP_CONNECTION": "close"},
        {"HTTP_UPGRADE": "h2c"},
        {"HTTP_SEC_WEBSOCKET_VERSION": "12"},
        {"HTTP_SEC_WEBSOCKET_VERSION": ""},
        {"HTTP_SEC_WEBSOCKET_KEY": ""},
        {"HTTP_SEC_WEBSOCKET_KEY": "c2hvcnQ="},
        {"HTTP_SEC_WEBSOCKET_KEY": "%"},
    ],
)
def test_the_negotiation_refuses_what_is_not_an_opening_handshake(changes: dict[str, str]) -> None:
    answer = negotiate(_upgrade(**changes))
    assert not answer.accepted
    assert answer.status[:1] == "4"


def test_the_negotiation_reads_no_more_of_a_handler_than_it_is_given() -> None:
    source = inspect.getsource(WebSocketHandler.upgrade_websocket) + inspect.getsource(
        WebSocketHandler.upgrade_connection
    )
    read = set(re.findall(r"self\.(\w+)", source))
    known = {"logger", "environ", "request_version", "start_response", "upgrade_connection", "application"}
    assert read - known <= {"SUPPORTED_VERSIONS", "GUID", "websocket"}


# gunicorn


def test_the_worker_is_gunicorns_own_and_not_the_pywsgi_one() -> None:
    assert issubclass(GreenroomWorker, ggevent.GeventWorker)
    assert not issubclass(GreenroomWorker, ggevent.GeventPyWSGIWorker)
    assert GreenroomWorker.server_class is None


@pytest.mark.parametrize("name", ["run", "handle", "handle_request", "is_already_handled", "handle_exit"])
def test_overrides_of_the_worker_keep_its_signatures(name: str) -> None:
    assert same_parameters(getattr(GreenroomWorker, name), getattr(ggevent.GeventWorker, name))


def test_the_worker_asks_whether_the_answer_was_given_already() -> None:
    assert "if self.is_already_handled(respiter):" in inspect.getsource(base_async.AsyncWorker.handle_request)
    assert "except StopIteration as e:" in inspect.getsource(base_async.AsyncWorker.handle)


def test_the_worker_wants_nothing_but_its_name_of_a_listener() -> None:
    source = inspect.getsource(base_async.AsyncWorker.handle)
    assert set(re.findall(r"listener\.(\w+)", source)) == {"getsockname"}


def test_what_was_read_ahead_is_behind_the_body_of_a_request() -> None:
    unreader = IterUnreader([b"early"])
    unreader.unread(unreader.read())
    body = Body(LengthReader(unreader, 0))
    assert body.reader.unreader.take_buffered() == b"early"


def test_a_reader_of_a_body_tells_what_is_left_of_it() -> None:
    known = LengthReader(IterUnreader([b"abc"]), 3)
    chunked = ChunkedReader(None, IterUnreader([b"1\r\na\r\n0\r\n\r\n"]))
    assert (known.length, chunked.parser is None) == (3, False)
    assert (known.read(9), chunked.read(9)) == (b"abc", b"a")
    assert (known.length, chunked.parser) == (0, None)


def test_requests_are_read_from_sockets_by_an_unreader_whose_pieces_are_chunks() -> None:
    left, right = gevent.socket.socketpair()
    with left, right:
        unreader = get_parser(Config(), left, None).unreader
        assert type(unreader) is SocketUnreader
        unreader.__class__ = _Unreader
        right.sendall(b"piece")
        assert unreader.read() == b"piece"


# gevent


def test_a_detached_socket_gives_its_descriptor_away_and_may_be_closed() -> None:
    left, right = gevent.socket.socketpair()
    descriptor = left.detach()
    left.close()
    raw = socket.socket(fileno=descriptor)
    raw.setblocking(True)
    raw.sendall(b"still open")
    assert right.recv(20) == b"still open"
    raw.close()
    right.close()
