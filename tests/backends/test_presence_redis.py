"""Presence over several workers, with a real store: what dies, stops, or is cut off."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gevent
import pytest
from redis.exceptions import RedisError

from app.backends.presence import LEASE_MS
from app.backends.presence_partings import HOLD_MS
from app.backends.presence_redis import RedisPresence
from app.core.clock import SystemClock
from tests.backends.presence_support import ADA, BO, CY, OTHER_ROOM, ROOM, Cluster, Heard, crowd
from tests.support.services import Redis


@pytest.fixture
def cluster(redis_url: str) -> Iterator[Cluster]:
    cluster = Cluster(redis_url)
    yield cluster
    cluster.close()


def ids(presence: RedisPresence, room_id: str = ROOM) -> set[str]:
    return {person.id for person in presence.people(room_id, 1000)}


def test_workers_see_each_others_people_and_tell_their_own_listener(cluster: Cluster) -> None:
    (one, heard_one), (two, heard_two) = cluster.worker(), cluster.worker()
    one.put(ROOM, ADA)
    two.put(ROOM, BO)
    two.set_anonymous(ROOM, 4)
    cluster.step()
    assert ids(one) == ids(two) == {ADA.id, BO.id}
    assert one.count(ROOM) == two.count(ROOM) == 6
    assert heard_one.of("joined") == [("joined", ROOM, ADA.id), ("joined", ROOM, BO.id)]
    assert heard_two.of("joined") == [("joined", ROOM, BO.id), ("joined", ROOM, ADA.id)]


def test_somebody_with_devices_on_two_workers_is_one_and_stays_until_the_last_is_gone(cluster: Cluster) -> None:
    (one, heard_one), (two, heard_two) = cluster.worker(), cluster.worker()
    for worker in (one, two):
        worker.put(ROOM, ADA)
        worker.arrive(ADA, [ROOM])
        cluster.step()
    assert one.count(ROOM) == two.count(ROOM) == 1
    assert len(heard_one.of("online") + heard_two.of("online")) == 1
    one.drop(ROOM, ADA.id)
    one.depart(ADA.id, [ROOM])
    two.put(ROOM, BO)
    cluster.step()
    assert heard_one.of("left", "offline") == heard_two.of("left", "offline") == []
    two.drop(ROOM, ADA.id)
    two.depart(ADA.id, [ROOM])
    cluster.step()
    assert heard_two.of("left", "offline") == [("left", ROOM, ADA.id), ("offline", ADA.id, ROOM)]


@pytest.mark.parametrize("is_seen_between", [True, False])
def test_who_moves_from_one_worker_to_another_never_left_for_anybody(cluster: Cluster, is_seen_between: bool) -> None:
    watched = [cluster.worker() for _ in range(3)]
    (one, _), (two, _), _ = watched
    for number, (worker, _) in enumerate(watched):
        worker.put(ROOM, crowd(3)[number])
    one.put(ROOM, ADA)
    cluster.step()
    for move in (lambda: one.drop(ROOM, ADA.id), lambda: two.put(ROOM, ADA)):
        move()
        if is_seen_between:
            cluster.step()
    cluster.step()
    cluster.pass_time(HOLD_MS)
    for worker, heard in watched:
        assert ADA.id in ids(worker)
        assert [told for told in heard.of("joined", "left") if ADA.id in told] == [("joined", ROOM, ADA.id)]


def test_who_left_one_worker_and_then_the_other_has_left_for_everybody(cluster: Cluster) -> None:
    (one, heard_one), (two, heard_two) = cluster.worker(), cluster.worker()
    for worker, stays in ((one, BO), (two, CY)):
        worker.put(ROOM, stays)
        worker.put(ROOM, ADA)
    cluster.step()
    one.drop(ROOM, ADA.id)
    cluster.pass_time(HOLD_MS - 100)
    two.drop(ROOM, ADA.id)
    cluster.pass_time(HOLD_MS - 100)
    assert heard_one.of("left") == heard_two.of("left") == []
    cluster.pass_time(HOLD_MS)
    assert heard_one.of("left") == heard_two.of("left") == [("left", ROOM, ADA.id)]
    assert (one.count(ROOM), two.count(ROOM)) == (2, 2)
    assert (one._partings._ends_ms, two._partings._ends_ms) == ({}, {})


def test_a_dead_workers_people_are_gone_everywhere_and_its_fields_are_cleared(cluster: Cluster) -> None:
    (one, heard_one), (two, heard_two), (dead, _) = cluster.worker(), cluster.worker(), cluster.worker()
    for worker, person in ((one, ADA), (two, BO), (dead, CY)):
        worker.put(ROOM, person)
        worker.arrive(person, [ROOM])
    dead.set_anonymous(ROOM, 5)
    cluster.step()
    assert one.count(ROOM) == 8
    cluster.end_lease(dead)
    cluster.pass_time(1000, one, two)
    assert ids(one) == ids(two) == {ADA.id, BO.id}
    assert one.count(ROOM) == two.count(ROOM) == 2
    assert heard_one.of("left") == heard_two.of("left") == [("left", ROOM, CY.id)]
    assert len(heard_one.of("offline") + heard_two.of("offline")) == 1
    assert cluster.redis.hlen(f"greenroom:presence:room:{ROOM}") == 2
    assert [key for key in cluster.redis.scan_iter() if dead._lease.incarnation.encode() in key] == []


def test_a_worker_that_was_stopped_comes_back_with_all_it_has_under_a_new_incarnation(cluster: Cluster) -> None:
    (one, heard_one), (stopped, heard) = cluster.worker(), cluster.worker()
    one.put(ROOM, ADA)
    for person, room_id in ((BO, ROOM), (CY, OTHER_ROOM)):
        stopped.put(room_id, person)
        stopped.arrive(person, [room_id])
    cluster.step()
    former = stopped._lease.incarnation
    cluster.end_lease(stopped)
    cluster.pass_time(1000, one)
    assert ids(one) == {ADA.id}
    cluster.pass_time(1000)
    assert stopped._lease.incarnation != former
    assert ids(one) == ids(stopped) == {ADA.id, BO.id}
    assert heard.of("left", "offline") == []
    assert [told[0] for told in heard_one if BO.id in told] == ["joined", "left", "offline", "joined"]
    one.watch(OTHER_ROOM)
    assert ids(one, OTHER_ROOM) == {CY.id}


def test_what_a_dead_worker_wrote_after_its_death_counts_for_nobody_and_is_cleared(cluster: Cluster) -> None:
    (one, _), (zombie, _) = cluster.worker(), cluster.worker()
    one.put(ROOM, ADA)
    zombie.put(ROOM, BO)
    cluster.step()
    former = zombie._lease.incarnation
    cluster.end_lease(zombie)
    cluster.pass_time(1000, one)
    zombie.put(ROOM, CY)
    zombie._store.write(former, {ROOM: zombie.share(ROOM)})
    zombie._store.notify({one._lease.incarnation: {ROOM}})
    cluster.step(one)
    assert ids(one) == {ADA.id}
    cluster.pass_time(1000, one)
    assert cluster.redis.hkeys(f"greenroom:presence:room:{ROOM}") == [one._lease.incarnation.encode()]


def test_a_lease_lost_in_the_middle_of_a_write_is_noticed_in_the_next_round(cluster: Cluster) -> None:
    worker, _ = cluster.worker()
    worker.put(ROOM, ADA)
    cluster.step()
    former = worker._lease.incarnation
    cluster.end_lease(worker)
    worker.put(ROOM, BO)
    cluster.step()
    assert worker._lease.incarnation != former
    assert cluster.redis.hkeys(f"greenroom:presence:room:{ROOM}") == [worker._lease.incarnation.encode()]


def test_an_inbox_whose_answer_was_lost_is_made_up_for(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    (one, _), (two, _) = cluster.worker(), cluster.worker()
    two.put(ROOM, BO)
    cluster.step()
    one.put(ROOM, ADA)
    one.sync()
    take = two._store.take_inbox

    def lose(incarnation: str) -> list[str]:
        assert take(incarnation) == [ROOM]
        monkeypatch.undo()
        raise RedisError("the answer did not arrive in time")

    monkeypatch.setattr(two._store, "take_inbox", lose)
    two.sync()
    assert ids(two) == {BO.id}
    two.sync()
    assert ids(two) == {ADA.id, BO.id}


def test_a_store_that_forgot_everything_is_filled_again_and_nobody_seems_to_leave(cluster: Cluster) -> None:
    (one, heard_one), (two, heard_two) = cluster.worker(), cluster.worker()
    one.put(ROOM, ADA)
    two.put(ROOM, BO)
    two.set_anonymous(ROOM, 2)
    two.arrive(BO, [ROOM])
    cluster.step()
    cluster.redis.flushdb()
    for _ in range(6):
        cluster.pass_time(1000)
        assert one.count(ROOM) == two.count(ROOM) == 4
    assert heard_one.of("left", "offline") == heard_two.of("left", "offline") == []
    assert len(heard_two.of("online")) == 1
    two.drop(ROOM, BO.id)
    cluster.pass_time(1000)
    cluster.pass_time(1000)
    assert ids(one) == {ADA.id}


def test_who_left_while_the_store_was_being_filled_again_is_gone_once_it_is(cluster: Cluster) -> None:
    (one, _), (two, _) = cluster.worker(), cluster.worker()
    one.put(ROOM, ADA)
    two.put(ROOM, BO)
    cluster.step()
    cluster.redis.flushdb()
    two.drop(ROOM, BO.id)
    cluster.pass_time(1000)
    cluster.pass_time(LEASE_MS)
    cluster.pass_time(HOLD_MS)
    assert ids(one) == {ADA.id}


def test_a_room_without_sockets_here_can_be_watched_and_is_forgotten_again(cluster: Cluster) -> None:
    (one, heard), (two, _) = cluster.worker(), cluster.worker()
    two.put(ROOM, BO)
    cluster.step()
    assert one.count(ROOM) == 0
    one.watch(ROOM)
    assert (one.count(ROOM), ids(one)) == (1, {BO.id})
    one.put(ROOM, ADA)
    assert one.count(ROOM) == 2
    one.drop(ROOM, ADA.id)
    cluster.pass_time(6000)
    cluster.pass_time(1000)
    assert one.rooms == {}
    assert ("left", ROOM, BO.id) not in heard


def test_only_those_who_share_a_room_hear_of_it(cluster: Cluster) -> None:
    (one, _), (two, _) = cluster.worker(), cluster.worker()
    one.put(ROOM, ADA)
    two.put(OTHER_ROOM, BO)
    cluster.step()
    for number in range(5):
        two.set_anonymous(OTHER_ROOM, number + 1)
        two.sync()
    assert cluster.redis.keys("greenroom:presence:inbox:*") == []


def test_crowds_on_two_workers_count_each_person_once(cluster: Cluster) -> None:
    (one, _), (two, _) = cluster.worker(), cluster.worker()
    for person in crowd(300):
        one.put(ROOM, person)
    for person in crowd(350):
        two.put(ROOM, person)
    cluster.step()
    assert one.count(ROOM) == two.count(ROOM) == 350


def test_a_crowds_share_is_written_once_a_second(cluster: Cluster) -> None:
    (one, _), (two, _) = cluster.worker(), cluster.worker()
    two.put(ROOM, ADA)
    for number, person in enumerate(crowd(150)):
        one.put(ROOM, person)
        if number % 10 == 0:
            cluster.step()
    assert two.count(ROOM) < 151
    cluster.pass_time(1000)
    assert two.count(ROOM) == 151


def test_a_worker_that_stops_hands_its_people_over_within_the_grace(cluster: Cluster) -> None:
    (one, _), (leaving, _) = cluster.worker(), cluster.worker()
    one.put(ROOM, ADA)
    leaving.put(ROOM, BO)
    cluster.step()
    leaving.stop()
    cluster.pass_time(1000, one)
    assert ids(one) == {ADA.id, BO.id}
    assert 0 < cluster.redis.pttl(f"greenroom:presence:lease:{leaving._lease.incarnation}") <= 2000
    cluster.end_lease(leaving)
    cluster.pass_time(1000, one)
    assert ids(one) == {ADA.id}


def test_without_its_store_a_worker_answers_with_its_own_and_returns_by_itself() -> None:
    with Redis() as server:
        cluster = Cluster(server.url)
        (one, heard), (two, _) = cluster.worker(), cluster.worker()
        one.put(ROOM, ADA)
        two.put(ROOM, BO)
        cluster.step()
        server.stop()
        cluster.pass_time(1000)
        assert not one.is_healthy()
        assert one.count(ROOM) == 2, "a moment's silence is not believed"
        cluster.pass_time(LEASE_MS)
        assert ids(one) == {ADA.id}
        one.put(ROOM, CY)
        one.arrive(CY, [ROOM])
        cluster.step()
        assert heard.of("online") == [("online", CY.id, ROOM)]
        server.start()
        cluster.pass_time(1000)
        assert one.is_healthy()
        assert ids(one) == ids(two) == {ADA.id, BO.id, CY.id}
        cluster.close()


def test_the_loop_carries_changes_within_a_second_and_a_dead_worker_is_gone_within_five(redis_url: str) -> None:
    clock, heard = SystemClock(), Heard()
    one, two = RedisPresence(redis_url, clock), RedisPresence(redis_url, clock)
    one.listen(heard)
    began_s = time.monotonic()
    one.put(ROOM, ADA)
    two.put(ROOM, BO)
    wait_until(lambda: ids(one) == ids(two) == {ADA.id, BO.id}, within_s=1)
    two._loop.kill()
    killed_s = time.monotonic()
    wait_until(lambda: ids(one) == {ADA.id}, within_s=5)
    assert time.monotonic() - killed_s < 5, f"began {began_s}"
    one.stop()


def wait_until(is_true, *, within_s: float) -> None:  # type: ignore[no-untyped-def]
    with gevent.Timeout(within_s):
        while not is_true():
            gevent.sleep(0.02)
