"""A large state is compressed once, and every answer with it is a gzip stream like any other."""

from __future__ import annotations

import gzip
import json

import gevent
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.core.actor import Actor
from app.rooms.models import Room
from app.timers import service as timers
from app.web.packing import KEPT, LARGE_BYTES, Packer
from tests.support.app_fixtures import ACTOR
from tests.support.factories import make_room


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is compressed comes from no database."""
    return sqlite_url


@given(st.binary(max_size=5_000), st.binary(max_size=500))
def test_whatever_is_packed_comes_out_as_it_was(prefix: bytes, rest: bytes) -> None:
    packer = Packer()
    assert gzip.decompress(b"".join(packer.pack(prefix, rest))) == prefix + rest
    assert gzip.decompress(b"".join(packer.pack(prefix, rest[::-1]))) == prefix + rest[::-1]


def test_all_who_ask_for_the_same_share_what_one_of_them_compressed() -> None:
    packer, prefix = Packer(), b"x" * LARGE_BYTES
    asking = [gevent.spawn(packer.pack, prefix, b"%d" % number) for number in range(50)]
    gevent.joinall(asking, timeout=10, raise_error=True)
    assert len({id(one.value[0]) for one in asking}) == 1
    assert gzip.decompress(b"".join(asking[-1].value)) == prefix + b"49"


def test_who_is_killed_while_it_compresses_holds_nobody_up() -> None:
    packer, prefix = Packer(), b"x" * LARGE_BYTES
    first = gevent.spawn(packer.pack, prefix, b"1")
    second = gevent.spawn(packer.pack, prefix, b"2")
    gevent.sleep(0)
    first.kill()
    second.join(timeout=10)
    assert gzip.decompress(b"".join(second.value)) == prefix + b"2"


def test_what_was_not_asked_for_in_a_while_is_forgotten() -> None:
    packer = Packer()
    first = packer.pack(b"first", b"")[0]
    assert packer.pack(b"first", b"")[0] is first
    for number in range(KEPT):
        packer.pack(b"%d" % number, b"")
    assert packer.pack(b"first", b"")[0] is not first


@pytest.fixture
def large(owner: Actor) -> Room:
    room = make_room(owner)
    for number in range(15):
        timers.create_timer(
            actor=owner,
            room_id=room.id,
            values={"title": f"Talk {number}", "description": "word " * 390, "duration_ms": 60_000},
        )
    return room


@pytest.mark.parametrize("path", ["/api/rooms/{}", "/api/crowd/{}"])
def test_a_large_state_is_the_same_packed_and_as_it_is(client: FlaskClient, large: Room, path: str) -> None:
    path = path.format(large.share_token)
    plain = client.get(path)
    packed = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    for answer in (plain, packed):
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        assert "Accept-Encoding" in answer.headers["Vary"]
    first, second = json.loads(plain.data), json.loads(gzip.decompress(packed.data))
    assert len(packed.data) < LARGE_BYTES < len(plain.data)
    assert {**first, "serverNow": None} == {**second, "serverNow": None}
    assert len(first["timers"]) == 15
    known = client.get(path, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    refused = client.get(path, headers={"Accept-Encoding": "br, gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


def test_by_cookie_a_large_state_leaves_as_it_is(client: FlaskClient, large: Room, owner: Actor) -> None:
    client.set_cookie("anything", "x")
    answer = client.get(f"/api/rooms/{large.id}", headers={"Accept-Encoding": "gzip"}, environ_overrides={ACTOR: owner})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
