"""Something dies or hangs while 50 people talk; nothing acked is lost, and service comes back by itself.

The second worker's clock is 5 s wrong in all of it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import gevent
import psycopg
import pytest
import redis

from tests.faults.conftest import Shape
from tests.faults.saboteur import FATAL_WORDS
from tests.faults.scene import Scene, post
from tests.support.waiting import eventually


@pytest.mark.fault("A worker is killed in mid-broadcast")
def test_a_worker_killed_in_mid_broadcast_loses_nothing(cluster: Shape, scene: Scene, rounds: range) -> None:
    for _ in rounds:
        with scene.busy():
            cluster.servers["w1"].kill_worker()
    assert scene.rejoined > 10
    scene.check()


@pytest.mark.fault("Redis is away for 2 s")
def test_two_seconds_without_redis_lose_nothing(cluster: Shape, scene: Scene, rounds: range) -> None:
    for _ in rounds:
        with scene.busy():
            cluster.redis.stop()
            gevent.sleep(2)
            cluster.redis.start()
    assert scene.rejoined == 0, "clients must not notice"
    scene.check()


@pytest.mark.fault("PostgreSQL restarts in mid-send")
def test_postgresql_restarting_in_mid_send_loses_nothing(cluster: Shape, scene: Scene, rounds: range) -> None:
    for _ in rounds:
        with scene.busy():
            cluster.postgres.stop()
            gevent.sleep(1)
            cluster.postgres.start()
    assert scene.refused_sends
    scene.check()


@pytest.mark.fault("A worker is frozen for 4 s, then continued")
def test_a_worker_frozen_and_continued_loses_nothing(cluster: Shape, scene: Scene, rounds: range) -> None:
    for _ in rounds:
        with scene.busy(), cluster.servers["w1"].paused():
            gevent.sleep(4)
    scene.check()


@pytest.mark.fault("A worker dies between commit and publish")
def test_a_worker_that_dies_between_commit_and_publish_has_its_message_delivered(
    cluster: Shape, small_scene: Scene, rounds: range
) -> None:
    readers = [each for each in small_scene.participants if each.reads_chat]
    for _ in rounds:
        began_s = time.monotonic()
        message_id = small_scene.say(small_scene.participants[0], FATAL_WORDS)
        eventually(lambda ident=message_id: all(ident in each.messages for each in readers), 5)
        small_scene.outcome.recovered(time.monotonic() - began_s)
    assert small_scene.rejoined + small_scene.refused_sends > 0, "no worker died"
    small_scene.check()


@pytest.mark.fault("A worker dies between a timer's claim and its event")
def test_a_worker_that_dies_between_claim_and_emit_has_its_timer_finished_once(
    cluster: Shape, small_scene: Scene, rounds: range
) -> None:
    path = f"/rooms/{small_scene.room['id']}/timers"
    body = {"title": FATAL_WORDS, "duration": 1000}
    for _ in rounds:
        timer = post(cluster.workers[0], path, body, small_scene.owner_token, patiently=True)
        post(cluster.workers[0], f"/timers/{timer['id']}/start", {}, small_scene.owner_token, patiently=True)
        small_scene.timers.append(timer["id"])
        # Whoever was on the worker that died comes back when another process has begun there.
        took_s = eventually(lambda ident=timer["id"]: all(each.finished[ident] for each in small_scene.participants))
        small_scene.outcome.recovered(took_s - 1)
    assert small_scene.rejoined, "no worker died"
    small_scene.check()


@pytest.mark.fault("A send is repeated at another worker")
def test_a_send_repeated_at_another_worker_is_one_message(cluster: Shape, small_scene: Scene) -> None:
    client_message_id = uuid4().hex
    body = {"content": "once", "clientMessageId": client_message_id}
    token = small_scene.participants[0].auth["token"]
    path = f"/rooms/{small_scene.room['id']}/messages"
    first, second = (post(url, path, body, token) for url in cluster.workers)
    assert first["id"] == second["id"]
    small_scene.said[client_message_id] = first["id"]
    small_scene.check()


@pytest.mark.fault("A worker's clock is 5 s wrong")
def test_a_clock_that_is_wrong_changes_nothing(cluster: Shape, small_scene: Scene) -> None:
    _, wrong = cluster.workers
    path = f"/rooms/{small_scene.room['id']}/timers"
    timer = post(wrong, path, {"title": "soon", "duration": 1000}, small_scene.owner_token)
    started = post(wrong, f"/timers/{timer['id']}/start", {}, small_scene.owner_token)
    ends = datetime.fromisoformat(started["endTimestamp"])
    assert abs(ends - datetime.now(UTC)) < timedelta(seconds=3)  # by the worker's clock it were 5 s away
    small_scene.timers.append(timer["id"])
    took = eventually(lambda: all(each.finished[timer["id"]] for each in small_scene.participants), 5)
    assert took < 4
    assert datetime.now(UTC) >= ends
    small_scene.check()


@pytest.mark.fault("Packets between a worker and Redis vanish for 4 s")
def test_a_worker_whose_packets_to_redis_vanish_is_mended_by_the_heads(
    cluster: Shape, small_scene: Scene, rounds: range
) -> None:
    for _ in rounds:
        with small_scene.busy():
            cluster.redis_of_w2.drop_silently()
            gevent.sleep(4)
            cluster.redis_of_w2.restore()
    assert small_scene.rejoined == 0, "clients must not notice"
    small_scene.check()


@pytest.mark.long
@pytest.mark.fault("Redis is frozen for 10 s")
def test_redis_frozen_for_ten_seconds_loses_nothing(cluster: Shape, scene: Scene) -> None:
    with scene.busy(), cluster.redis.paused():
        gevent.sleep(10)
    scene.check()


@pytest.mark.long
@pytest.mark.fault("A worker is frozen for 15 s, then continued")
def test_a_worker_frozen_for_fifteen_seconds_is_left_and_returns_with_the_truth(cluster: Shape, scene: Scene) -> None:
    everybody = len(scene.participants)
    scene.wait_for_count(cluster.workers[1], everybody)
    with scene.busy():
        with cluster.servers["w1"].paused():
            left_s = eventually(lambda: scene.count_seen_by(cluster.workers[1]) < everybody, 6)
            gevent.sleep(15 - left_s)
        counting = [gevent.spawn(scene.wait_for_count, url, everybody) for url in cluster.workers]
    back_s = max(greenlet.get() for greenlet in counting)
    scene.outcome.note(f"its people leave the others' count after {left_s:.1f} s and are back after {back_s:.1f} s")
    scene.check()


@pytest.mark.long
@pytest.mark.fault("Redis is flushed and its subscribers are cut off")
def test_a_flushed_redis_loses_nothing(cluster: Shape, scene: Scene, rounds: range) -> None:
    for _ in rounds:
        with scene.busy(), redis.Redis.from_url(cluster.redis.url) as client:
            client.flushall()
            client.client_kill_filter(_type="pubsub")
    assert scene.rejoined == 0, "clients must not notice"
    scene.check()


@pytest.mark.long
@pytest.mark.fault("nginx reloads")
def test_reloading_nginx_loses_nothing(cluster: Shape, scene: Scene, rounds: range) -> None:
    for _ in rounds:
        with scene.busy():
            cluster.nginx.reload()
            gevent.sleep(1)
    scene.check()


@pytest.mark.long
@pytest.mark.fault("PostgreSQL has no free connection while both workers restart")
def test_a_postgresql_without_free_connections_loses_nothing(cluster: Shape, scene: Scene, rounds: range) -> None:
    for _ in rounds:
        others: list[psycopg.Connection] = []
        with scene.busy():
            with suppress(psycopg.OperationalError):
                while True:
                    others.append(psycopg.connect(cluster.postgres.url))
            for server in cluster.servers.values():
                server.kill_worker()  # the new ones have to get all their connections anew
            gevent.sleep(3)
            for other in others:
                other.close()
    assert scene.rejoined
    scene.check()
