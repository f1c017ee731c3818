"""What a connection and an address may send, counted on connections with nothing real around them."""

from __future__ import annotations

from typing import Any

import pytest

from app.realtime import metering
from app.realtime.connection import Connection
from app.realtime.engine import EngineServer
from app.realtime.quota import US_PER_S, Address, Addresses, Quota, monotonic_us
from app.realtime.settings import EngineSettings

SLOW: dict[str, Any] = {"packets_per_s": 10, "packets_at_once": 100, "flood_timeout_ms": 5_000}


class Clock:
    """Time as the test tells it."""

    def __init__(self) -> None:
        self.now_us = monotonic_us()

    def __call__(self) -> int:
        return self.now_us

    def wait(self, seconds: float) -> None:
        self.now_us += round(seconds * US_PER_S)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(metering, "monotonic_us", clock)
    return clock


def serve(**settings: Any) -> EngineServer:
    return EngineServer(engine=EngineSettings(**{**SLOW, "packets_per_s_per_ip": 0, **settings}))


def connect(server: EngineServer, address: str = "192.0.2.1") -> Connection:
    connection = Connection(server, server.generate_id(), server.addresses.enter(address))
    server.sockets[connection.sid] = connection
    return connection


def test_who_sends_no_more_than_it_may_is_read() -> None:
    connection = connect(serve())
    for _ in range(100):
        connection.charge(1)
    assert connection.wants_more()


def test_who_sends_more_is_not_read_until_it_owes_nothing(clock: Clock) -> None:
    server = serve()
    connection = connect(server)
    connection.charge(110)
    assert not connection.wants_more()
    assert connection.held_until_ms == clock.now_us // 1_000 + 1_001
    assert server.counters.throttled == 1
    connection.on_due(connection.held_until_ms)
    assert connection.wants_more()


def test_a_socket_without_a_limit_is_always_read() -> None:
    connection = connect(serve(packets_per_s=0))
    connection.charge(1_000_000)
    assert connection.wants_more()


def test_who_owes_more_than_it_can_pay_in_time_is_closed() -> None:
    server = serve()
    connection = connect(server)
    connection.charge(151)
    assert connection.closed
    assert server.counters.floods == 1


def test_who_goes_on_owing_is_closed(clock: Clock) -> None:
    connection = connect(serve())
    connection.charge(101)
    for _ in range(5):
        clock.wait(1)
        connection.charge(10)
        assert not connection.closed
    clock.wait(1)
    connection.charge(10)
    assert connection.closed


def test_who_recovers_between_two_bursts_is_not_closed(clock: Clock) -> None:
    connection = connect(serve())
    for _ in range(5):
        connection.charge(101)
        clock.wait(9)
        connection.charge(1)
        clock.wait(2)
    assert not connection.closed


def test_the_sockets_of_an_address_that_floods_have_equal_parts() -> None:
    of_address = {"packets_per_s_per_ip": 100, "packets_at_once_per_ip": 500}
    server = serve(packets_per_s=1_000, packets_at_once=1_000, flood_timeout_ms=60_000, **of_address)
    flooder, neighbour, elsewhere = connect(server), connect(server), connect(server, "192.0.2.2")
    flooder.charge(600)
    assert flooder.held_until_ms  # 600 packets at 2/100 s each, where a second's worth is saved
    neighbour.charge(40)
    assert neighbour.wants_more()
    neighbour.charge(20)
    assert not neighbour.wants_more()
    elsewhere.charge(400)
    assert elsewhere.wants_more()


def test_to_come_anew_is_no_way_out_of_what_the_address_owes() -> None:
    server = serve(packets_per_s_per_ip=10, packets_at_once_per_ip=50)
    first = connect(server)
    first.charge(60)
    server.forget(first)
    newcomer = connect(server)
    newcomer.charge(1)
    assert not newcomer.wants_more()


def test_an_address_is_forgotten_when_it_has_left_and_owes_nothing() -> None:
    addresses, quota = Addresses(), Quota(EngineSettings())
    idle, busy = addresses.enter("idle"), addresses.enter("busy")
    busy.spend(10_000, monotonic_us(), quota)
    addresses.leave(idle)
    assert len(addresses) == 1
    addresses.leave(busy)
    assert (len(addresses), addresses.connections("busy")) == (1, 0)
    assert addresses.enter("busy") is busy
    busy.spent_us = 0
    addresses.leave(busy)
    assert len(addresses) == 0


def test_an_address_never_owes_more_than_a_full_bucket() -> None:
    address, quota = Address("192.0.2.1"), Quota(EngineSettings())
    now_us = monotonic_us()
    for _ in range(10):
        address.spend(100_000, now_us, quota)
    assert not address.owes(now_us + quota.address_savings_us, quota)


@pytest.mark.parametrize(("most", "is_closed"), [(3, True), (4, False), (0, False)])
def test_answers_to_nothing_close_a_connection_after_a_few(most: int, is_closed: bool) -> None:
    connection = connect(serve(max_unasked_packets=most))
    for _ in range(4):
        connection.on_message("3")
    assert connection.closed == is_closed


def test_an_answered_ping_makes_up_for_mistakes() -> None:
    connection = connect(serve(max_unasked_packets=2))
    for _ in range(5):
        connection.on_message("3")
        connection.on_message("3")
        connection._ping(0)
        connection.on_message("3")
    assert not connection.closed
