"""The `timer-action` event: app/timers/sockets.py."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from app.core.actor import Actor
from app.core.ids import new_id
from app.rooms.models import Room
from app.timers.events import timer_to_wire
from app.timers.schemas import TimerAction
from app.timers.sockets import act_on_timer
from app.web.sockets import Client
from tests.support.factories import make_guest
from tests.timers.support import MINUTE_MS, make_timer, read, refusal


def act(actor: Actor, **payload: Any) -> dict[str, Any]:
    timer: dict[str, Any] = act_on_timer(Client("sid", actor), TimerAction().load(payload))["timer"]
    return timer


def test_each_action_acks_the_timer_that_rest_would_answer(host: Actor, room: Room) -> None:
    timer, following = make_timer(room, host), make_timer(room, host, "Next")
    states = [
        act(host, timerId=timer.id, action=action, **more)["state"]
        for action, more in (
            ("start", {}),
            ("pause", {}),
            ("adjust", {"deltaMs": MINUTE_MS}),
            ("undo", {}),
            ("reset", {}),
        )
    ]
    assert states == ["running", "paused", "paused", "paused", "idle"]
    answer = act(host, timerId=timer.id, action="next")
    assert answer["id"] == following.id
    assert answer == timer_to_wire(read(following))


def test_who_is_no_host_is_refused(host: Actor, room: Room) -> None:
    timer = make_timer(room, host)
    for actor, code in ((make_guest(room), "forbidden"), (Actor(), "unauthenticated")):
        assert refusal(act, actor=actor, timerId=timer.id, action="start") == code
    assert refusal(act, actor=host, timerId=new_id(), action="start") == "timer_not_found"


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"timerId": "nonsense"},
        {"action": "explode"},
        {"action": "adjust"},
        {"action": "adjust", "deltaMs": "1"},
        {"action": "start", "deltaMs": 1},
        {"action": "start", "more": 1},
        {"action": ["start"]},
    ],
    ids=str,
)
def test_bad_payloads_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TimerAction().load({"timerId": new_id(), **bad})
