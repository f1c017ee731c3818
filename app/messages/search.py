"""Full-text search in one room: tsvector with GIN on PostgreSQL, FTS5 on SQLite, one answer.

All words must be there, in any order; the last one may be the beginning of a word. Of more than `RANKED_MAX` hits the newest
are ranked: ranking must not grow with the room. PostgreSQL's index finds hits in no order, so a word that fills this number
among the newest `NEAR` messages is met by walking back over them, and only for a rarer one the index is asked. Deleted
messages have no text, so no index finds them; what the asker may not read is left out by the same condition as in history.

In a room full of long messages a search takes a third of a second of a connection, of which there are few: so one runs at a
time in a worker, and who has many waits behind the others.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Float, Integer, Subquery, Uuid, select, text
from sqlalchemy.orm import Session

from app.backends.fair_turns import FairTurns
from app.backends.transaction import reading
from app.core.actor import Actor
from app.messages.cursors import Offset, decode_place, encode_place
from app.messages.models import Message
from app.messages.payloads import load_payloads, select_messages
from app.rooms.access import readable_after, require_role
from app.rooms.models import Role

RANKED_MAX = 1000
NEAR = 10_000
WORDS_MAX = 10
EXCERPT_AROUND = 120
AT_ONCE = 1
PATIENCE_S = 5.0
_WORD = re.compile(r"[^\W_]+")
_searching = FairTurns(AT_ONCE, PATIENCE_S)

_POSTGRES = """
    WITH near AS MATERIALIZED (
      SELECT id, seq, search_document FROM (
        SELECT id, seq, search_document, deleted_at FROM messages
        WHERE room_id = CAST(:room_id AS uuid) AND seq > :after ORDER BY seq DESC LIMIT :near) AS newest
      WHERE search_document @@ to_tsquery('simple', :words) AND deleted_at IS NULL
      ORDER BY seq DESC LIMIT :ranked_max),
    hits AS (
      SELECT id, seq, search_document FROM near WHERE (SELECT count(*) FROM near) = :ranked_max
      UNION ALL (
      SELECT id, seq, search_document FROM messages
      WHERE (SELECT count(*) FROM near) < :ranked_max
        AND search_document @@ (CAST(:room AS tsquery) && to_tsquery('simple', :words))
        AND seq > :after AND deleted_at IS NULL
      ORDER BY seq DESC LIMIT :ranked_max))
    SELECT id AS message_id, seq, ts_rank(search_document, to_tsquery('simple', :words)) AS score FROM hits"""
# Not FTS5's own ranking: to weigh the words it would read every message that has one of them, the room's lexeme included.
_SQLITE = """
    SELECT message_id, seq, ({times}) / (40.0 + length(content)) AS score FROM (
      SELECT messages.id AS message_id, messages.seq, messages.content
      FROM messages_search JOIN messages_search_keys ON messages_search_keys.id = messages_search.rowid
      JOIN messages ON messages.id = messages_search_keys.message_id
      WHERE messages_search MATCH :words AND messages.seq > :after AND messages.deleted_at IS NULL
      ORDER BY messages_search.rowid DESC LIMIT :ranked_max) AS newest"""
_TIMES = "(length(content) - length(replace(lower(content), :word{n}, ''))) / length(:word{n})"


def search_messages(*, actor: Actor, ref: str, q: str, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The messages of the room `ref` with all words of `q`, best first: `{items, nextCursor}`.

    Each item is a message with `highlight`: an excerpt of its text as `[{text, match}]`.

    Raises:
        AppError: those of `require_role` for a guest; `bad_cursor`; `rate_limited` when too many search.
    """
    place = decode_place(cursor, Offset)
    skipped = place.count if isinstance(place, Offset) else 0
    words = [match.lower() for match in _WORD.findall(q)][:WORDS_MAX]
    with _searching.turn(str(actor.id)), reading() as session:
        access = require_role(session, actor=actor, ref=ref, need=Role.GUEST)
        after = readable_after(access)
        if not words or after is None:
            return {"items": [], "nextCursor": None}
        hits = _hits(session, access.room.id, words, after)
        best = select(hits).order_by(hits.c.score.desc(), hits.c.seq.desc()).offset(skipped).limit(limit + 1).subquery()
        query = select_messages().join(best, best.c.message_id == Message.id)
        found = load_payloads(session, query.order_by(best.c.score.desc(), best.c.seq.desc()))
    items = [{**message, "highlight": highlight(message["content"], words)} for message in found[:limit]]
    return {"items": items, "nextCursor": encode_place(Offset(skipped + limit)) if len(found) > limit else None}


def highlight(content: str, words: list[str]) -> list[dict[str, Any]]:
    """An excerpt of `content` around the first of `words`, cut into parts `{text, match}`; the last word is a beginning."""
    wanted = "|".join([*words, words[-1] + r"[^\W_]*"])
    pattern = rf"(?<![^\W_])(?:{wanted})(?![^\W_])"
    found = re.search(pattern, content, re.IGNORECASE)
    first = found.start() if found else 0
    start, end = max(0, first - EXCERPT_AROUND), min(len(content), first + 2 * EXCERPT_AROUND)
    parts: list[dict[str, Any]] = []
    at = start
    # One after the other: a text may be nothing but matches, and the excerpt shows few of them.
    for match in re.compile(pattern, re.IGNORECASE).finditer(content, first):
        if match.start() >= end:
            break
        parts += _part(content[at : match.start()], is_match=False)
        parts += _part(match.group(), is_match=True)
        at = match.end()
    parts += _part(content[at : max(at, end)], is_match=False)
    return [*_part("…" * (start > 0)), *parts, *_part("…" * (max(at, end) < len(content)))]


def _part(text: str, *, is_match: bool = False) -> list[dict[str, Any]]:
    return [{"text": text, "match": is_match}] if text else []


def _hits(session: Session, room_id: str, words: list[str], after: int) -> Subquery:
    """`message_id`, `seq` and `score`, the higher the better."""
    bound: dict[str, Any] = {"after": after, "ranked_max": RANKED_MAX}
    if session.get_bind().dialect.name == "postgresql":
        statement = text(_POSTGRES)
        bound |= {"room": f"':{room_id}'", "room_id": room_id, "near": NEAR, "words": " & ".join(words) + ":*"}
    else:
        statement = text(_SQLITE.format(times=" + ".join(_TIMES.format(n=n) for n in range(len(words)))))
        bound |= {f"word{n}": word for n, word in enumerate(words)}
        every = " AND ".join(f'"{word}"' for word in words)
        bound["words"] = f'room:"{room_id.replace("-", "")}" AND content:({every}*)'
    return (
        statement.bindparams(**bound)
        .columns(message_id=Uuid(as_uuid=False), seq=Integer(), score=Float())
        .subquery("hits")
    )
