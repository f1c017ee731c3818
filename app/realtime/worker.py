"""The gunicorn worker: strict HTTP by gunicorn's own parser, WebSockets handed over, a prompt drain.

gunicorn's pywsgi workers parse HTTP with gevent.pywsgi, which accepts ambiguous framing; this one
keeps gunicorn's parser. `run` repeats the stock loop with two changes: SIGTERM wakes it at once,
and it drains instead of waiting for sockets that never finish by themselves.
"""

import gc
import math
import signal
import socket
import time
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.http.errors import InvalidHeader
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.base_async import ALREADY_HANDLED
from gunicorn.workers.ggevent import GeventWorker

from app.core.addresses import network_of
from app.realtime import drain
from app.realtime.faults import busy_answer, fault_answer, is_clients_fault
from app.realtime.settings import WorkerSettings
from app.realtime.shares import Shares
from app.realtime.unread import Answer, Unread
from app.settings import Settings

#: A moment before the arbiter's SIGKILL, so that the worker still exits by itself.
MARGIN_S = 2.0
TICK_S = 1.0
#: Woken this late or less, the loop was idle.
IDLE_LAG_S = 0.005
COLLECT_EVERY_S = 60.0
COLLECT_ANYWAY_S = 900.0
#: Of a refused body: no more than this is read, and no longer.
READ_OUT_BYTES = 64 * 1024 * 1024
READ_OUT_S = 2.0
PIECE_BYTES = 65_536
YIELD_S = 1e-6  # one turn of the loop
#: More would queue before everybody who is there; the rest wait in the kernel. Fewer: a crowd takes longer to come in.
ACCEPTED_AT_ONCE = 16
_THROWN_AWAY = bytearray(4 * PIECE_BYTES)  # shared: nobody looks at it


class _Unreader(SocketUnreader):  # type: ignore[misc]
    """Where gunicorn reads a request from, in small pieces, and others run before each.

    A read that finds something does not wait: a megabyte in chunks of one byte held up everybody for two seconds. Nor does it
    read a megabyte ahead, all of which is copied for each piece that is taken: twenty files at once spent most of the loop's
    time on that.
    """

    max_body_chunk = PIECE_BYTES

    def chunk(self, size_hint: int | None = None) -> Any:
        gevent.sleep(YIELD_S)
        return super().chunk(size_hint)


class GreenroomWorker(GeventWorker):  # type: ignore[misc]
    """One per process and port (see docs): `worker_class = "app.realtime.worker.GreenroomWorker"`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.active_requests = 0
        self.stop_asked: Event | None = None
        self.early_signals: Any = None  # gunicorn.conf.py: what the arbiter's handlers caught in this process
        self.collected = time.monotonic()
        settings = WorkerSettings.from_env()
        # Behind proxies every connection comes from one of theirs; they bound their clients themselves.
        self.shares = Shares(0 if Settings.from_env().trusted_hops else settings.connections_per_ip)
        self.unread = Unread(settings.unread_bytes_total, self._tell_of_unread)
        self.io_timeout_s = settings.io_timeout_ms / 1000
        self.body_bytes_per_s = settings.body_bytes_per_s

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi = partial(self._answer, self.wsgi)  # type: ignore[has-type]

    def _answer(self, app: Any, environ: Any, start_response: Any) -> Any:
        """The application's answer, which counts while it is not read; what is sent from a file holds no memory."""
        body = app(environ, start_response)
        if body is ALREADY_HANDLED or isinstance(body, environ["wsgi.file_wrapper"]):
            return body
        address = network_of(environ.get("REMOTE_ADDR", ""))  # the client's, if a proxy was trusted to say so
        return Answer(self.unread, body, environ["gunicorn.socket"], address)

    def run(self) -> None:
        """Serve until told to stop, then drain; returns when the process may exit."""
        self.stop_asked = Event()
        servers = [self._serve(listener) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._rest()
        drain.draining.set()
        for server in servers:
            server.close()
        started = time.monotonic()
        drainer = gevent.spawn(drain.drain_process)
        while not drainer.ready() or self.active_requests:
            if time.monotonic() - started > self.cfg.graceful_timeout - MARGIN_S:
                self.log.warning("Draining took too long (pid:%s)", self.pid)
                return
            self.notify()
            drainer.join(0.05) if not drainer.ready() else gevent.sleep(0.02)

    def _rest(self) -> None:
        """Wait a second, or until told to stop; collect garbage if the loop had nothing to do.

        A full collection takes tens of milliseconds with many connections, so it is not left to
        chance (gunicorn.conf.py sets the thresholds out of reach) but done when nobody waits.
        """
        assert self.stop_asked is not None
        began = time.monotonic()
        self.stop_asked.wait(TICK_S)
        now = time.monotonic()
        is_idle = now - began - TICK_S < IDLE_LAG_S
        if now - self.collected > (COLLECT_EVERY_S if is_idle else COLLECT_ANYWAY_S):
            gc.collect()
            self.collected = now

    def _serve(self, listener: Any) -> StreamServer:
        listener.setblocking(1)
        # The parent class asks the listener for its name on each connection: asked once, a
        # connection that was accepted just before the listener closed is still served.
        name = listener.getsockname()
        named = SimpleNamespace(getsockname=lambda: name)
        server = StreamServer(listener, handle=partial(self.handle, named), spawn=Pool(self.worker_connections))
        server.max_accept = ACCEPTED_AT_ONCE
        server.start()
        return server

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        # Unlike the stock worker's: no single read or write of a request may hang for ever.
        client.settimeout(self.io_timeout_s)
        address = network_of(addr[0]) if addr else ""  # a Unix socket has none
        if not self.shares.enter(address):
            self._turn_away(client, address)
            return
        try:
            super(GeventWorker, self).handle(listener, client, addr)
        finally:
            self.shares.leave(address)

    def _turn_away(self, client: Any, address: str) -> None:
        """One address has all the connections that it may: it must not have everybody's."""
        if self.shares.is_worth_a_line():
            self.log.warning("Too many connections from %s", address)
        with suppress(OSError):
            client.sendall(busy_answer())
            client.shutdown(socket.SHUT_WR)
        client.close()

    def _tell_of_unread(self, address: str) -> None:
        if self.shares.is_worth_a_line():
            self.log.warning("Too much is left unread; ending answers to %s", address)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Serve one request; refuses HTTP/1.1 without a Host (RFC 9112 section 3.2)."""
        if req.version >= (1, 1) and not any(name == "HOST" for name, _ in req.headers):
            raise InvalidHeader("HOST", req=req)
        req.unreader.__class__ = _Unreader
        self.active_requests += 1
        patience = self._limit_body(req, sock)
        try:
            is_kept = super().handle_request(listener_name, req, sock, addr)
            if _unread_bytes(req) > PIECE_BYTES:
                raise StopIteration  # else gunicorn reads on for the next request, and lets nobody run as long as more comes
            gevent.sleep(YIELD_S)  # for the same reason: the next request may be here already, and a hundred behind it
            return is_kept
        except StopIteration:
            if _unread_bytes(req):
                _read_out(sock)
            raise
        finally:
            self.active_requests -= 1
            if patience is not None:
                patience.kill(block=False)

    def _limit_body(self, req: Any, sock: Any) -> Any:
        """Stop reading a body that drips: each byte in time would else hold a connection for ever."""
        length = getattr(req.body.reader, "length", None)  # None: chunked, and what it will be is not known
        if length == 0:
            return None
        allowed_s = self.io_timeout_s + (length or 0) / self.body_bytes_per_s
        return gevent.spawn_later(allowed_s, _end_reading, sock)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Refuse what could not be read, or served; what was sent stays out of answer and log, for it may hold secrets."""
        if is_clients_fault(exc):
            self.log.warning("Refused bytes from %s: %s", (addr or ("a socket",))[0], type(exc).__name__)
        else:
            self.log.error("A request failed in the worker", exc_info=exc)
        with suppress(OSError):
            client.sendall(fault_answer(exc))

    def is_already_handled(self, respiter: Any) -> bool:
        """Leave the keep-alive loop when the engine took the connection over."""
        if respiter is ALREADY_HANDLED:
            raise StopIteration
        return False

    def init_signals(self) -> None:
        """As the stock worker's; who was told to stop between its fork and this would else wait for SIGKILL."""
        super().init_signals()
        while self.early_signals is not None and not self.early_signals.empty():
            if self.early_signals.get_nowait() == signal.SIGTERM:
                self.alive = False

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        if self.stop_asked is not None:
            self.stop_asked.set()


def _end_reading(sock: Any) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RD)


def _unread_bytes(req: Any) -> float:
    """How much is left of a body; of one in chunks nobody knows, but that it has not ended."""
    reader = req.body.reader
    left: int | None = getattr(reader, "length", None)
    if left is not None:
        return left
    return 0 if reader.parser is None else math.inf


def _read_out(sock: Any) -> None:
    """Take, within bounds, what a client still sends of a body that was refused, before its connection is closed.

    To close on unread bytes resets the connection, and the answer may be lost with it (RFC 9112 section 9.6). gunicorn's
    parser would take twenty times as long for these bytes, at which nobody looks. Others run after each piece: a read that
    finds something does not wait, so who sends fast enough would have the loop for itself.
    """
    left = READ_OUT_BYTES
    with gevent.Timeout(READ_OUT_S, False), suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        while left > 0 and (size := sock.recv_into(_THROWN_AWAY)):
            left -= size
            gevent.sleep(YIELD_S)
