"""The page of who did what: app/dashboard/pages/audit.py."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from flask import Flask

from app.backends.transaction import transaction
from app.core.actor import Actor
from app.dashboard.language import CATALOGUE
from app.messages.models import QUESTION_STATES
from app.rooms import service as rooms
from app.rooms.events import ACCESS_CAUSES
from app.rooms.recording import ACTIONS
from app.web.cursor import PAGE_SIZE
from tests.dashboard.plain_browser import PlainBrowser

APP = Path(__file__).parents[2] / "app"
BY_ITSELF = {"end"}  # a timer, when its time is up
CAUSE = re.compile(r"`(\w+)`")


def test_a_host_reads_what_was_done_in_words(host: PlainBrowser) -> None:
    room_id = host.make_room("Main hall")
    host.add_timer("Opening")
    host.submit("/start")
    host.open(f"/rooms/{room_id}")
    host.submit("/links", role="host")
    host.open(f"/rooms/{room_id}")
    page = host.open(f"/rooms/{room_id}/audit")
    assert page.status == 200
    for words in ("Made an invitation", "Started a timer", "Added a timer", "Opening", "Ada", "host"):
        assert words in page.text, words
    assert page.text.index("Made an invitation") < page.text.index("Started a timer") < page.text.index("Added a timer")
    assert "Démarrage d’un minuteur" in host.open(f"/rooms/{room_id}/audit?lang=fr").text


def test_a_change_says_what_of_it_was_changed(host: PlainBrowser) -> None:
    room_id = host.make_room("Main hall")
    host.add_timer("Opening")
    (timer,) = host.state(room_id)["timers"]
    steps: list[tuple[str, dict[str, str | None], str]] = [
        (
            f"/timers/{timer['id']}",
            {"duration": "30", "plannedAt": "2030-05-04T09:30"},
            "Opening · Length, Planned start",
        ),
        ("/plus", {}, "Opening · +1:00"),
        ("/stage", {"text": "Wrap up", "visible": "1"}, ">a message is shown<"),
        ("/stage", {"blackout": "1"}, ">the stage is dark<"),
        ("/stage", {"blackout": None, "visible": None}, ">the stage is lit again, no message is shown<"),
        ("/settings", {"uploads": None}, "Files"),
    ]
    for ending, values, words in steps:
        host.open(f"/rooms/{room_id}")
        assert host.submit(ending, **values).status == 200, ending
        assert words in host.open(f"/rooms/{room_id}/audit").response.text, (ending, words)
    assert "Wrap up" not in host.page.text


def test_the_control_page_leads_there_and_others_are_refused(app: Flask, host: PlainBrowser) -> None:
    room_id = host.make_room("Main hall")
    links = [attributes.get("href") for tag, attributes in host.open(f"/rooms/{room_id}").elements if tag == "a"]
    assert f"/rooms/{room_id}/audit" in links
    assert "Nothing yet." in host.open(f"/rooms/{room_id}/audit").text
    assert PlainBrowser(app).sign_up("Eve").open(f"/rooms/{room_id}/audit").status == 403
    assert PlainBrowser(app).open(f"/rooms/{room_id}/audit").path == "/login"


def test_older_pages_are_a_link_away(host: PlainBrowser) -> None:
    room_id = host.make_room("Main hall")
    ada = Actor("user", host.state(room_id)["ownerId"], name="Ada")
    with transaction() as work:
        for action in ("rotated", *["stage"] * PAGE_SIZE, "of-a-newer-version"):
            rooms.record_action(work, room_id=room_id, actor=ada, action=action, event=action)
    page = host.open(f"/rooms/{room_id}/audit")
    assert page.text.count("Changed the stage") == PAGE_SIZE - 1
    assert "of-a-newer-version" in page.text
    (older,) = [attributes["href"] for _, attributes in page.elements if attributes.get("rel") == "next"]
    last = host.open(f"/rooms/{room_id}/audit{older}")
    assert last.text.count("Changed the stage") == 1
    assert "Made a new share link" in last.text
    assert "The newest" in last.text
    assert host.open(f"/rooms/{room_id}/audit?cursor=x").status == 400


def test_every_action_has_words() -> None:
    documented = ast.get_docstring(
        next(
            node
            for node in ast.walk(ast.parse((APP / "timers/events.py").read_text()))
            if isinstance(node, ast.FunctionDef) and node.name == "tell_timer"
        )
    )
    assert documented is not None
    causes = set(CAUSE.findall(documented.split("cause:")[1].split("before:")[0])) - BY_ITSELF
    assert len(causes) == 11
    logged = set()
    for path in (APP / "rooms").rglob("*.py"):
        logged |= set(re.findall(r'log_update\(work, [\w.]+, actor, "([\w-]+)"', path.read_text()))
    assert logged >= {"banned", "link-created", "rotated"}
    states = {f"question-{state}" for state in QUESTION_STATES}
    others = {"changed", "stage", "deleted", "unmuted", "message-deleted", "transcript-exported"}
    wanted = causes | logged | ACCESS_CAUSES | states | others
    assert {action for action in wanted if f"audit.do.{action}" not in CATALOGUE["en"]} == set()
    # On the wire a question's state, and the end of a mute, are among the details.
    told = {action.partition("-")[0] if action in states else action for action in wanted} - {"unmuted"}
    assert told - set(ACTIONS) == set()
    assert {action for action in ACTIONS if f"audit.do.{action}" not in CATALOGUE["en"]} == {"question"}
