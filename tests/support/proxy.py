"""A TCP proxy that tests put between the app and a service, to break the network and not the service."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import gevent
import gevent.event
from gevent.queue import Queue
from gevent.server import StreamServer

CHUNK_BYTES = 65_536
#: Self-signed for 127.0.0.1 and localhost; it protects nothing.
CERTIFICATE, KEY = (Path(__file__).parent / "tls" / name for name in ("certificate.pem", "key.pem"))


class Proxy:
    """Forwards a free port of the loopback to `port`, and ends TLS if asked. `with` opens and closes it.

    Args:
        delay_s: how long each piece travels, asked for each, in either direction; pieces keep their order.
    """

    def __init__(self, port: int, *, tls: bool = False, delay_s: Callable[[], float] | None = None) -> None:
        self._target = ("127.0.0.1", port)
        self._tls = _server_context() if tls else None
        self._server = StreamServer(("127.0.0.1", 0), self._accept)
        self._sockets: set[socket.socket] = set()
        self._open = gevent.event.Event()
        self._open.set()
        self._pause_s = 0.0
        self.delay_s = delay_s
        self.bytes_through = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    def drop_silently(self) -> None:
        """From now on nothing comes through in either direction and nobody is told; connections stay open."""
        self._open.clear()

    def trickle(self, pause_s: float) -> None:
        """From now on bytes come one by one, with a pause between them: slow, and never silent for long."""
        self._pause_s = pause_s

    def forget(self) -> None:
        """Let nothing through on the connections that are open now, which nobody is told; new ones work."""
        self._open.clear()
        self._open = gevent.event.Event()
        self._open.set()

    def restore(self) -> None:
        """Let everything through again. What was swallowed stays lost, so the connections of that time are cut."""
        self.cut()
        self._pause_s = 0.0
        self._open.set()

    def cut(self) -> None:
        """Reset every connection."""
        for each in list(self._sockets):
            each.close()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self.cut()

    def _accept(self, client: socket.socket, _address: object) -> None:
        try:
            self._serve(self._tls.wrap_socket(client, server_side=True) if self._tls else client)
        except OSError:  # the client does not trust us, or is gone
            client.close()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket() as upstream:
            self._sockets |= {client, upstream}
            try:
                upstream.connect(self._target)
                there = gevent.spawn(self._pump, client, upstream)
                back = gevent.spawn(self._pump, upstream, client)
                gevent.joinall([there, back], count=1)
                gevent.killall([there, back])
            except OSError:
                pass
            finally:
                self._sockets -= {client, upstream}

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        pieces: Queue[tuple[float, bytes]] = Queue()
        writer = gevent.spawn(self._deliver, pieces, target, self._open)
        try:
            while data := source.recv(CHUNK_BYTES):
                due = time.monotonic() + (self.delay_s() if self.delay_s else 0)
                pieces.put((due, data))
        except OSError:
            pass
        pieces.put((0, b""))
        writer.join()

    def _deliver(self, pieces: Queue[tuple[float, bytes]], target: socket.socket, way: gevent.event.Event) -> None:
        try:
            for due, data in iter(pieces.get, (0, b"")):
                gevent.sleep(max(0.0, due - time.monotonic()))
                way.wait()
                for part in [data[n : n + 1] for n in range(len(data))] if self._pause_s else [data]:
                    target.sendall(part)
                    gevent.sleep(self._pause_s)
                self.bytes_through += len(data)
        except OSError:
            return


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context
