"""The bus between workers, over a real server that fails: app/backends/bus_redis.py and its parts."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
import redis
import structlog
from redis.exceptions import AuthenticationError, RedisError
from structlog.testing import CapturingLogger

from app.backends import bus_redis
from app.backends.bus_redis import RedisBus
from app.backends.bus_wire import decode_message, encode_event, encode_message
from app.backends.redis_server import RedisServer
from app.core.event import Event
from app.core.ids import new_id
from tests.backends.test_bus import OTHER, ROOM, Worker, event
from tests.support.proxy import CERTIFICATE, Proxy
from tests.support.services import Redis
from tests.support.waiting import eventually

NOTICED_S = 5.0  # silence counts after 2.2 s and is looked at every 0.75 s; the rest is for a busy machine
BACK_S = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    """A server of this module's own: it is killed and frozen."""
    with Redis() as running:
        yield running


@pytest.fixture
def workers(server: Redis) -> Iterator[tuple[Worker, Worker]]:
    """Two connected workers that hear `ROOM`."""
    pair = Worker(RedisBus(server.url)), Worker(RedisBus(server.url))
    for worker in pair:
        eventually(worker.bus.is_healthy)
        worker.bus.subscribe(ROOM)
    yield pair
    for worker in pair:
        worker.bus.stop()


def commands(server: Redis, kind: str = "publish") -> int:
    """How many commands of this kind the server has run."""
    with redis.Redis.from_url(server.url) as client:
        return int(client.info("commandstats").get(f"cmdstat_{kind}", {}).get("calls", 0))


def test_an_event_reaches_the_other_worker_unchanged(workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    sent = Event("user-typing", ROOM, ({"x": "é"}, 2), latest_key="typing:1", origin="w1.sid")
    one.bus.publish([sent])
    eventually(lambda: two.heard)
    assert two.heard == [sent]
    assert two.heard[0].origin == "w1.sid"


def test_events_of_one_publisher_keep_their_order(workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    for first in range(1, 1001, 10):
        one.bus.publish([event(seq) for seq in range(first, first + 10)])
        gevent.sleep(0)
    eventually(lambda: len(two.heard) == 1000)
    assert two.seqs() == list(range(1, 1001))


def test_a_worker_hears_only_what_it_subscribed_to(workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    one.bus.publish([event(1, OTHER), event(2)])
    eventually(lambda: two.heard)
    assert two.seqs(OTHER) == []
    two.bus.subscribe(OTHER)
    one.bus.publish([event(3, OTHER)])
    eventually(lambda: two.seqs(OTHER) == [3])
    two.bus.unsubscribe(OTHER)
    two.bus.subscribe(ROOM)  # confirmed after the server has done the other
    one.bus.publish([event(4, OTHER), event(5)])
    eventually(lambda: 5 in two.seqs())
    assert two.seqs(OTHER) == [3]


def test_a_workers_cost_follows_its_own_rooms(server: Redis, workers: tuple[Worker, Worker]) -> None:
    rooms = [f"room:{new_id()}" for _ in range(1000)]
    writer = Worker(RedisBus(server.url))
    eventually(writer.bus.is_healthy)
    mine = rooms[:500], rooms[500:]
    for worker, channels in zip(workers, mine, strict=True):
        worker.bus.subscribe(*channels)
    writer.bus.publish([event(1, room) for room in rooms])
    eventually(lambda: all(len(worker.heard) == 500 for worker in workers))
    for worker, channels in zip(workers, mine, strict=True):
        assert [each.channel for each in worker.heard] == channels
    writer.bus.stop()


def test_events_that_wait_together_cost_one_command(server: Redis, workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    gevent.sleep(0.01)
    before = commands(server)
    one.bus.publish([event(seq) for seq in range(1, 101)])
    eventually(lambda: len(two.heard) == 100)
    assert commands(server) - before <= 3  # one, and perhaps a canary of each worker


def test_channels_wanted_at_the_same_moment_cost_one_command_and_are_all_heard(
    server: Redis, workers: tuple[Worker, Worker]
) -> None:
    one, two = workers
    people = [f"user:{new_id()}" for _ in range(100)]
    before = commands(server, "subscribe")
    gevent.joinall([gevent.spawn(two.bus.subscribe, person) for person in people], raise_error=True)
    assert commands(server, "subscribe") - before == 1
    one.bus.publish([event(1, person) for person in people])
    eventually(lambda: len(two.heard) == 100)


def test_a_channel_given_up_and_wanted_again_at_once_is_heard_and_no_connection_is_lost(
    server: Redis, workers: tuple[Worker, Worker]
) -> None:
    one, two = workers
    with structlog.testing.capture_logs() as logged:
        for seq in range(1, 6):
            two.bus.unsubscribe(ROOM)
            two.bus.subscribe(ROOM)
            one.bus.publish([event(seq)])
            eventually(lambda seq=seq: seq in two.seqs())
        two.bus.unsubscribe(ROOM)
        gevent.joinall([gevent.spawn(two.bus.subscribe, ROOM), gevent.spawn(two.bus.unsubscribe, ROOM)])
        two.bus.subscribe(ROOM)
        one.bus.publish([event(6)])
        eventually(lambda: 6 in two.seqs())
    assert [entry["event"] for entry in logged if entry["event"] == "bus_link_ended"] == []


def test_publishing_does_not_wait_for_a_frozen_server(server: Redis, workers: tuple[Worker, Worker]) -> None:
    one, _ = workers
    with server.paused():
        took = eventually(lambda: one.bus.publish([event(1)]) or True)
        assert took < NOTICED_S / 2
        assert one.seqs() == [1]
        eventually(lambda: not one.bus.is_healthy(), within_s=NOTICED_S)
    eventually(one.bus.is_healthy, within_s=BACK_S)


def test_a_killed_server_is_noticed_and_its_return_tells_of_a_gap(
    server: Redis, workers: tuple[Worker, Worker]
) -> None:
    one, two = workers
    gaps = two.gaps
    server.kill()
    eventually(lambda: not one.bus.is_healthy() and not two.bus.is_healthy(), within_s=BACK_S)
    one.bus.publish([event(1)])
    assert one.seqs() == [1]
    server.start()
    eventually(lambda: one.bus.is_healthy() and two.bus.is_healthy(), within_s=BACK_S)
    eventually(lambda: two.gaps == gaps + 1)
    one.bus.publish([event(2)])
    eventually(lambda: two.seqs() == [2])


def test_each_reason_of_an_outage_is_logged_once_and_the_next_outage_anew(
    server: Redis, workers: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[RedisServer] = []
    discover = RedisServer.discover

    def counted(self: RedisServer) -> None:
        tries.append(self)
        discover(self)

    workers[1].bus.stop()
    monkeypatch.setattr(RedisServer, "discover", counted)
    for _ in range(2):
        log = CapturingLogger()
        monkeypatch.setattr(bus_redis, "log", log)
        tries.clear()
        server.kill()
        eventually(lambda: len(tries) > 3, within_s=BACK_S)
        server.start()
        eventually(workers[0].bus.is_healthy, within_s=BACK_S)
        whys = [call.kwargs["why"] for call in log.calls if call.args == ("bus_is_away",)]
        assert any("refused" in why for why in whys)
        assert len(whys) == len(set(whys))


def test_a_server_that_restarts_quickly_is_back_by_itself(server: Redis, workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    server.restart()
    eventually(lambda: not one.bus.is_healthy(), within_s=BACK_S)
    eventually(lambda: one.bus.is_healthy() and two.bus.is_healthy(), within_s=BACK_S)
    one.bus.publish([event(1)])
    eventually(lambda: two.seqs() == [1])


def test_a_connection_that_drops_everything_silently_is_noticed_by_the_canary(server: Redis) -> None:
    with Proxy(server.port) as proxy:
        near, far = Worker(RedisBus(server.url)), Worker(RedisBus(f"redis://127.0.0.1:{proxy.port}/0"))
        try:
            eventually(lambda: near.bus.is_healthy() and far.bus.is_healthy())
            far.bus.subscribe(ROOM)
            proxy.drop_silently()
            eventually(lambda: not far.bus.is_healthy(), within_s=NOTICED_S)
            near.bus.publish([event(1)])
            gaps = far.gaps
            proxy.restore()
            eventually(far.bus.is_healthy, within_s=BACK_S)
            assert far.gaps > gaps
            near.bus.publish([event(2)])
            eventually(lambda: far.seqs() == [2])
        finally:
            near.bus.stop()
            far.bus.stop()


def test_it_is_well_again_only_when_the_server_confirmed_its_channels_and_the_gap_was_told(
    server: Redis, workers: tuple[Worker, Worker]
) -> None:
    worker, _ = workers
    with redis.Redis.from_url(server.url) as client:
        client.client_kill_filter(_type="pubsub")
    while worker.bus.is_healthy():
        gevent.sleep(0)
    gaps = worker.gaps
    while not worker.bus.is_healthy():  # looks at every turn of the loop; a confirmation takes at least one
        gevent.sleep(0)
    assert worker.gaps == gaps + 1


def test_subscribing_while_the_server_is_away_is_made_up_for(server: Redis, workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    server.kill()
    eventually(lambda: not two.bus.is_healthy(), within_s=BACK_S)
    two.bus.subscribe(OTHER)
    server.start()
    eventually(lambda: one.bus.is_healthy() and two.bus.is_healthy(), within_s=BACK_S)
    one.bus.publish([event(7, OTHER)])
    eventually(lambda: two.seqs(OTHER) == [7])


def test_stopping_sends_what_waits(workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    one.bus.publish([event(seq) for seq in range(1, 2001)])
    one.bus.stop()
    eventually(lambda: len(two.heard) == 2000)


def test_a_password_is_used() -> None:
    with Redis(password="only-for-tests") as protected:
        friend = Worker(RedisBus(protected.url))
        eventually(friend.bus.is_healthy)
        friend.bus.stop()
        with pytest.raises(AuthenticationError):
            RedisServer(f"redis://127.0.0.1:{protected.port}/0").discover()


def test_a_rediss_url_means_tls(server: Redis, workers: tuple[Worker, Worker]) -> None:
    with Proxy(server.port, tls=True) as proxy:
        secure = Worker(RedisBus(f"rediss://127.0.0.1:{proxy.port}/0?ssl_ca_certs={CERTIFICATE}"))
        eventually(secure.bus.is_healthy)
        secure.bus.subscribe(ROOM)
        workers[0].bus.publish([event(1)])
        secure.bus.publish([event(2)])
        eventually(lambda: sorted(secure.seqs()) == [1, 2] and sorted(workers[1].seqs()) == [1, 2])
        secure.bus.stop()
        with pytest.raises(RedisError, match="certificate"):
            RedisServer(f"rediss://127.0.0.1:{proxy.port}/0").discover()


def test_what_others_write_to_redis_is_ignored(server: Redis, workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    channel = "greenroom:room:{" + ROOM.partition(":")[2] + "}"
    with redis.Redis.from_url(server.url) as client:
        for junk in (b"", b"\x80\x04N.", b"[]", b'["x",[[1]]]', b'["x",[["n","room:r",[],"bad",1,null,null]]]', b"{}"):
            assert client.publish(channel, junk) == 2
    one.bus.publish([event(1)])
    eventually(lambda: two.heard)
    assert two.seqs() == [1]


def test_an_event_survives_the_wire() -> None:
    sent = event(3, latest_key="k", origin="o")
    assert decode_message(encode_message("me", [encode_event(sent)])) == ("me", [sent])
