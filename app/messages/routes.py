"""REST of the conversation. Answers are made in their wire form by the service; the schemas document them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, jsonify

from app.messages import service
from app.messages.schemas import (
    CursorSchema,
    EditContent,
    FlatMessagePage,
    HitPage,
    ListQuery,
    MessagePage,
    MessageRef,
    MessageSchema,
    PageQuery,
    PostMessage,
    QuestionState,
    ReceiptPage,
    SearchQuery,
    TimePageQuery,
    TranscriptSchema,
    VotePage,
)
from app.web.downloads import content_disposition, download_name
from app.web.http import Blueprint, current_actor
from app.web.schema import Empty

blp = Blueprint("messages", __name__, description="The conversation of a room")


def _answer(payload: Any, status: int = 200) -> Response:
    response = jsonify(payload)
    response.status_code = status
    return response


@blp.get("/rooms/<ref>/messages")
@blp.arguments(PageQuery, location="query")
@blp.response(200, MessagePage)
def list_messages(query: dict[str, Any], ref: str) -> Response:
    """A page, oldest first inside it, walking back; with `afterChange` forward by `changeSeq`."""
    return _answer(service.list_messages(actor=current_actor(), ref=ref, **query))


@blp.get("/messages")
@blp.arguments(TimePageQuery, location="query")
@blp.response(200, FlatMessagePage)
def list_messages_before(query: dict[str, Any]) -> Response:
    """A page by time: ascending, older than `beforeTs`, grown to include all ties."""
    actor, before = current_actor(), query.get("before_ts")
    return _answer(service.list_messages_before(actor=actor, ref=query["room_id"], before=before, limit=query["limit"]))


@blp.post("/rooms/<room_id>/messages")
@blp.arguments(PostMessage)
@blp.response(201, MessageSchema)
def send_message(body: dict[str, Any], room_id: str) -> Response:
    """Write a message."""
    return _answer(service.send_message(actor=current_actor(), room_id=room_id, **body), 201)


@blp.patch("/messages/<message_id>")
@blp.arguments(EditContent)
@blp.response(200, MessageSchema)
def edit_message(body: dict[str, Any], message_id: str) -> Response:
    """Change the text of one's own message."""
    return _answer(service.edit_message(actor=current_actor(), message_id=message_id, **body))


@blp.delete("/messages/<message_id>")
@blp.response(200, MessageSchema)
def delete_message(message_id: str) -> Response:
    """Empty a message and keep its place."""
    return _answer(service.delete_message(actor=current_actor(), message_id=message_id))


@blp.put("/messages/<message_id>/vote")
@blp.arguments(Empty)
@blp.response(200, MessageSchema)
def vote(_body: dict[str, Any], message_id: str) -> Response:
    """Want a question answered."""
    return _answer(service.vote_for_question(actor=current_actor(), message_id=message_id))


@blp.delete("/messages/<message_id>/vote")
@blp.response(200, MessageSchema)
def withdraw_vote(message_id: str) -> Response:
    """Take one's vote back."""
    return _answer(service.withdraw_vote(actor=current_actor(), message_id=message_id))


@blp.get("/rooms/<ref>/votes")
@blp.arguments(ListQuery, location="query")
@blp.response(200, VotePage)
def list_votes(query: dict[str, Any], ref: str) -> Response:
    """The questions that one has voted for, the last vote first; deleted ones are left out."""
    return _answer(service.list_votes(actor=current_actor(), ref=ref, **query))


@blp.put("/messages/<message_id>/question")
@blp.arguments(QuestionState)
@blp.response(200, MessageSchema)
def set_question_state(body: dict[str, Any], message_id: str) -> Response:
    """Approve a question, tick it off as answered, or take that back."""
    return _answer(service.set_question_state(actor=current_actor(), message_id=message_id, **body))


@blp.get("/rooms/<room_id>/questions")
@blp.response(200, MessagePage)
def list_questions(room_id: str) -> Response:
    """The queue: approved, then new, then answered questions, the most wanted first."""
    return _answer(service.list_questions(actor=current_actor(), room_id=room_id))


@blp.get("/rooms/<ref>/messages/search")
@blp.arguments(SearchQuery, location="query")
@blp.response(200, HitPage)
def search_messages(query: dict[str, Any], ref: str) -> Response:
    """Messages with all the words, best first; the last word may be the beginning of one."""
    return _answer(service.search_messages(actor=current_actor(), ref=ref, **query))


@blp.get("/rooms/<room_id>/transcript.json")
@blp.response(200, TranscriptSchema)
def get_transcript_json(room_id: str) -> Response:
    """The whole conversation as JSON, streamed."""
    transcript = service.get_transcript(actor=current_actor(), room_id=room_id)
    return _download(transcript.json(), transcript, "json", "application/json")


@blp.get("/rooms/<room_id>/transcript.txt")
@blp.response(200, {"type": "string"}, content_type="text/plain")
def get_transcript_text(room_id: str) -> Response:
    """The whole conversation as text, streamed: `[instant] name: text`, questions and what was on the stage marked as such."""
    transcript = service.get_transcript(actor=current_actor(), room_id=room_id)
    return _download(transcript.text(), transcript, "txt", "text/plain")


@blp.post("/rooms/<room_id>/read")
@blp.arguments(MessageRef)
@blp.response(200, CursorSchema)
def mark_read(body: dict[str, Any], room_id: str) -> Response:
    """Everything up to this message was read; a cursor never goes back."""
    return _answer(service.mark_read(actor=current_actor(), room_id=room_id, **body))


@blp.get("/messages/<message_id>/receipts")
@blp.arguments(ListQuery, location="query")
@blp.response(200, ReceiptPage)
def get_receipts(query: dict[str, Any], message_id: str) -> Response:
    """Who has read it."""
    return _answer(service.get_receipts(actor=current_actor(), message_id=message_id, **query))


def _download(parts: Iterator[bytes], transcript: service.Transcript, ending: str, mimetype: str) -> Response:
    name = download_name(transcript.room_name, transcript.exported_at, ending)
    return Response(parts, mimetype=mimetype, headers={"Content-Disposition": content_disposition(name, inline=False)})
