"""What Prometheus reads: app/web/metrics.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from app.backends.transaction import transaction
from app.core.clock import add_ms, to_wire
from app.core.event import Event
from app.settings import Settings
from app.web.metrics import metrics
from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.waiting import eventually

TOKEN = "a token that reads the numbers"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, metrics_token=TOKEN)


def value(name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_answers_are_counted_by_route_and_status(client: FlaskClient) -> None:
    for path in ("/api/me", "/api/rooms/a", "/api/rooms/b", "/nowhere/1", "/nowhere/2"):
        client.get(path)
    client.open("/nowhere", method="BREW")
    assert value("greenroom_http_requests_total", method="GET", route="/api/me", status="401") == 1
    assert value("greenroom_http_requests_total", method="GET", route="/api/rooms/<ref>", status="404") == 2
    assert value("greenroom_http_requests_total", method="GET", route="unmatched", status="404") == 2
    assert value("greenroom_http_requests_total", method="other", route="unmatched", status="404") == 1
    assert value("greenroom_http_request_seconds_count", route="unmatched") == 3


def test_each_application_counts_from_nothing(app: Flask, settings: Settings) -> None:
    from app import create_app

    app.test_client().get("/nowhere")
    create_app(settings)
    assert value("greenroom_http_requests_total", method="GET", route="unmatched", status="404") is None


def test_a_timer_that_ended_by_itself_shows_how_late_it_was_fired(app: Flask) -> None:
    for cause in ("end", "next"):
        with transaction() as work:
            ended = {"finishedAt": to_wire(add_ms(work.now, -40))}
            metrics.timer_finished(work, Event("timer-finished", "room:x", (ended,), cause=cause))
    assert value("greenroom_timer_firing_error_seconds_count") == 1
    assert value("greenroom_timer_firing_error_seconds_sum") == pytest.approx(0.04)


def test_a_late_loop_is_noted() -> None:
    metrics.bind()
    metrics.loop_ticked(-0.001)
    metrics.loop_ticked(0.3)
    assert value("greenroom_loop_lag_seconds_sum") == pytest.approx(0.3)
    assert value("greenroom_loop_lag_seconds_bucket", le="0.001") == 1


def test_a_running_server_counts_sockets_rooms_and_events(start_server: StartServer) -> None:
    server = start_server(METRICS_TOKEN=TOKEN)
    host = Person(server.url)
    room = host.post("/api/rooms", name="A room")
    socket = host.connect()
    socket.join(room["id"])
    socket.call("join-room", "no such room")
    host.post(f"/api/rooms/{room['id']}/messages", content="Hello")
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    def heard() -> bool:
        numbers = requests.get(f"{server.url}/metrics", headers=bearer, timeout=5).text
        return "greenroom_canary_seconds_count 0.0" not in numbers and "greenroom_delivery_seconds_count 1.0" in numbers

    eventually(heard, 10, "no canary was heard, or no message timed")
    answer = requests.get(f"{server.url}/metrics", headers=bearer, timeout=5)
    assert "greenroom_canary_lost_total 0.0" in answer.text.splitlines()
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert "greenroom_socket_joined 1.0" in lines
    assert "greenroom_rooms 1.0" in lines
    assert "greenroom_bus_healthy 1.0" in lines
    assert 'greenroom_events_total{event="join-room",outcome="ok"} 1.0' in lines
    assert 'greenroom_events_total{event="join-room",outcome="room_not_found"} 1.0' in lines
    assert 'greenroom_event_seconds_count{event="join-room"} 2.0' in lines
    for name in ("socket_deliveries_total", "socket_slow_closes_total", "db_pool_in_use", "loop_lag_seconds_count"):
        assert any(line.startswith(f"greenroom_{name} ") for line in lines), name
    stats = requests.get(
        f"{server.url}/api/stats/socket", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5
    ).json()
    assert (stats["joined"], stats["rooms"], stats["busHealthy"]) == (1, 1, True)
    assert stats["backlogBytes"] == stats["slowCloses"] == 0
    socket.close()
