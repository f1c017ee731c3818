"""A long page is put together while others run: app/dashboard/rendering.py."""

from __future__ import annotations

import gevent
from flask import Flask, render_template_string

from app.dashboard.rendering import PIECES_PER_TURN

TURNS = 5
LINES = TURNS * PIECES_PER_TURN
LONG = "{% for number in range(lines) %}{{ number }}\n{% endfor %}"


def test_others_run_while_a_long_page_is_put_together(app: Flask) -> None:
    with app.test_request_context():
        assert rendered_with_others(LINES) >= TURNS
        assert rendered_with_others(10) == 0


def rendered_with_others(lines: int) -> int:
    """How often somebody else ran while a page of so many lines was put together."""
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(1e-6)
            ticks += 1

    other = gevent.spawn(tick)
    gevent.sleep(0.01)
    before = ticks
    page = render_template_string(LONG, lines=lines)
    done = ticks
    other.kill()
    assert page.split() == [str(number) for number in range(lines)]
    return done - before
