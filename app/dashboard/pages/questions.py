"""The queue of questions on the control page, by forms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import render_template
from werkzeug.wrappers import Response

from app.core.actor import Actor
from app.dashboard.forms import read_form, shows_again
from app.dashboard.pages.blueprint import pages
from app.dashboard.pages.control import back_to_control, control, require_host
from app.messages import service
from app.messages.schemas import EditContent
from app.rooms import service as rooms
from app.web.http import current_actor


@pages.get("/rooms/<room_id>/questions")
def questions(room_id: str) -> str:
    """The queue alone, for the page to put in place of the one it has."""
    require_host(room_id)
    items = service.list_questions(actor=current_actor(), room_id=room_id)["items"]
    return render_template("_questions.html", room_id=room_id, questions=items)


@pages.post("/rooms/<room_id>/questions")
@shows_again(control)
def ask(room_id: str) -> Response:
    content = read_form(EditContent())["content"]
    service.send_message(actor=current_actor(), room_id=room_id, content=content, message_type="question")
    return back_to_control(room_id, "questions")


def _to_stage(*, actor: Actor, message_id: str) -> None:
    """Show an approved question to everybody; what is on the stage has been approved by that."""
    question = service.set_question_state(actor=actor, message_id=message_id, state="approved")
    rooms.change_stage(
        actor=actor, room_id=question["roomId"], text=service.stage_text(question["content"]), visible=True
    )


ACTIONS: dict[str, Callable[..., Any]] = {
    "approve": partial(service.set_question_state, state="approved"),
    "answer": partial(service.set_question_state, state="answered"),
    "reopen": partial(service.set_question_state, state="open"),
    "show": _to_stage,
    "vote": service.vote_for_question,
}


@pages.post("/rooms/<room_id>/questions/<message_id>/<any({}):action>".format(",".join(ACTIONS)))
@shows_again(control)
def act_on_question(room_id: str, message_id: str, action: str) -> Response:
    ACTIONS[action](actor=current_actor(), message_id=message_id)
    return back_to_control(room_id, "questions")
