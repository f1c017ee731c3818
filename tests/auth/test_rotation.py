"""A new `JWT_SECRET` on a running deployment: nobody is signed out, and a secret that has leaked is worth nothing."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.server import Server

OLD, NEW = ("of a secret that is long enough " + text for text in ("before", "after"))


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(JWT_SECRET=OLD)


def restart(server: Server, secret: str, previous: str = "") -> None:
    server.stop()
    server.settings.update(JWT_SECRET=secret, JWT_PREVIOUS_SECRETS=previous)
    server.start()


def sign_in_by_cookie(server: Server) -> requests.Session:
    browser = requests.Session()
    body = {"username": "by-cookie", "password": "a long enough one", "session": "cookie"}
    assert browser.post(f"{server.url}/api/auth/register", json=body, timeout=5).status_code == 201
    return browser


def csrf(browser: requests.Session) -> dict[str, str]:
    return {"X-CSRF-Token": next(cookie.value or "" for cookie in browser.cookies if cookie.name.endswith("csrf"))}


def refresh(server: Server, token: str) -> requests.Response:
    return requests.post(f"{server.url}/api/auth/refresh", json={"refreshToken": token}, timeout=5)


def test_whatever_was_signed_before_is_good_until_its_secret_is_dropped(server: Server) -> None:
    body = {"username": "rotated", "password": "a long enough one"}
    signed_in: dict[str, Any] = requests.post(f"{server.url}/api/auth/register", json=body, timeout=5).json()
    ada = Person(server.url, "rotated", token=signed_in["accessToken"], signed_up=False)
    browser = sign_in_by_cookie(server)
    room = ada.post("/api/rooms", name="Main hall")
    guest = ada.guest(room, "Grace")
    asked = {"roomId": room["id"], "filename": "a.txt", "mime": "text/plain", "bytes": 5}
    ticket = ada.post("/api/upload/init", **asked)

    restart(server, NEW, previous=OLD)
    assert ada.get("/api/me")["username"] == "rotated"
    assert browser.post(f"{server.url}/api/rooms", json={"name": "x"}, headers=csrf(browser), timeout=5).ok
    for person in (ada, guest):
        with person.connect() as socket:
            socket.join(room["id"])
    form = {"file": ("a", b"hello")}
    assert requests.post(server.url + ticket["url"], data=ticket["fields"], files=form, timeout=5).status_code == 204
    attachment = ada.post("/api/upload/complete", uploadId=ticket["uploadId"])
    renewed = refresh(server, signed_in["refreshToken"])
    assert renewed.status_code == 200

    restart(server, NEW)
    assert ada.request("GET", "/api/me").status_code == 401
    assert guest.request("GET", f"/api/rooms/{room['id']}/messages").status_code == 401
    assert requests.get(server.url + attachment["url"], timeout=5).status_code == 200  # signed by the new one already
    ada.token = renewed.json()["accessToken"]
    assert ada.get("/api/me")["username"] == "rotated"
    assert refresh(server, renewed.json()["refreshToken"]).status_code == 200
