"""Connections are given in turns by address: the database of app/backends/transaction.py, on both kinds."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient
from gevent.event import Event
from sqlalchemy import text

from app.backends.fair_turns import asker
from app.backends.transaction import database
from app.web.sockets import Client, sockets

FLOODER, NEIGHBOUR, SERVER = "192.0.2.1", "192.0.2.2", ""


def test_who_asks_for_many_connections_keeps_nobody_waiting(app: Flask) -> None:
    done: list[str] = []

    def use(address: str) -> None:
        asker.address = address
        with database.reading() as session:
            session.execute(text("SELECT 1"))
            gevent.sleep(0.01)
        done.append(address)

    size = connections()
    flood = [gevent.spawn(use, FLOODER) for _ in range(10 * size)]
    gevent.sleep(0)  # they hold all connections, and wait for more
    gevent.joinall([gevent.spawn(use, address) for address in (NEIGHBOUR, SERVER)], raise_error=True)
    assert len(done) <= 4 * size
    gevent.joinall(flood, raise_error=True)


def test_who_reads_and_then_writes_does_not_wait_behind_those_who_want_its_connection(app: Flask) -> None:
    ends = Event()

    def hold() -> None:
        with database.reading():
            ends.wait()

    with database.reading() as session:
        session.execute(text("SELECT 1"))
        others = [gevent.spawn(hold) for _ in range(2 * connections())]
        gevent.sleep(0)
        with database.transaction() as work:
            assert work.session.scalar(text("SELECT 1")) == 1
        ends.set()
    gevent.joinall(others, raise_error=True)


def connections() -> int:
    """How many there are for reading."""
    pool: Any = database.read_engine.pool
    return int(pool.size())


def test_a_request_is_made_for_the_address_that_it_counts_by(client: FlaskClient) -> None:
    def ask() -> str:
        client.get("/healthz", environ_base={"REMOTE_ADDR": "2001:db8::7"})
        return asker.address

    assert gevent.spawn(ask).get() == "2001:db8::/64"


def test_so_is_an_event(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sockets.clients, "any", Client("any", address=NEIGHBOUR))
    ping = app.extensions["greenroom"]["socketio"].server.handlers["/"]["ping"]

    def send() -> str:
        ping("any")
        return asker.address

    assert gevent.spawn(send).get() == NEIGHBOUR


def test_and_a_handshake(app: Flask) -> None:
    """It reads who comes: a crowd at the door must not stand in the server's own line."""
    handlers = app.extensions["greenroom"]["socketio"].server.handlers["/"]

    def connect() -> str:
        handlers["connect"]("another", {"REMOTE_ADDR": NEIGHBOUR})
        handlers["disconnect"]("another")
        return asker.address

    assert gevent.spawn(connect).get() == NEIGHBOUR
