"""REST of files, over a real server: app/uploads/routes.py, forms.py."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.support.people import Person
from tests.support.server import Server
from tests.uploads.support import picture

PNG = picture()


@pytest.fixture(scope="module")
def ada(server: Server) -> Person:
    return Person(server.url)


@pytest.fixture(scope="module")
def room(ada: Person) -> Any:
    return ada.post("/api/rooms", name="Files")


def ask(person: Person, room: Any, content: bytes = PNG, mime: str = "image/png", **more: Any) -> Any:
    values = {"roomId": room["id"], "filename": "a.png", "mime": mime, "bytes": len(content), **more}
    return person.post("/api/upload/init", **values)


def post(person: Person, ticket: Any, content: bytes, **fields: str) -> requests.Response:
    form = {**ticket["fields"], **fields}
    return requests.post(person.url + ticket["url"], data=form, files={"file": ("a", content)}, timeout=10)


def code(answer: requests.Response) -> str:
    return str(answer.json()["error"]["code"])


def test_a_file_reaches_the_room(ada: Person, room: Any) -> None:
    ticket = ask(ada, room)
    assert (ticket["method"], set(ticket)) == ("POST", {"uploadId", "method", "url", "fields", "expiresAt"})
    assert post(ada, ticket, PNG).status_code == 204
    attachment = ada.post("/api/upload/complete", uploadId=ticket["uploadId"])
    with ada.connect() as socket:
        socket.join(room["id"])
        message = {"roomId": room["id"], "content": "look", "attachmentId": attachment["id"]}
        assert socket.call("send-message", message)["ok"]
        told = socket.expect("message-received")["attachment"]
    assert (told["id"], told["width"]) == (attachment["id"], 40)
    shown = requests.get(ada.url + told["url"], timeout=10)
    assert shown.status_code == 200
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Security-Policy"].endswith("sandbox")
    moved = ada.request("GET", f"/api/attachments/{attachment['id']}", allow_redirects=False)
    assert moved.status_code == 302
    assert requests.get(ada.url + moved.headers["Location"], timeout=10).content == shown.content


def test_a_part_of_a_file_can_be_asked_for(ada: Person, room: Any) -> None:
    content = b"ID3\x03" + bytes(range(256)) * 4000
    ticket = ask(ada, room, content, "audio/mpeg")
    post(ada, ticket, content)
    url = ada.url + ada.post("/api/upload/complete", uploadId=ticket["uploadId"])["url"]
    part = requests.get(url, headers={"Range": "bytes=500000-500009"}, timeout=10)
    assert (part.status_code, part.content) == (206, content[500000:500010])
    whole = requests.get(url, timeout=10)
    assert (whole.content, whole.headers["Accept-Ranges"]) == (content, "bytes")
    assert requests.head(url, timeout=10).headers["Content-Length"] == str(len(content))
    beyond = requests.get(url, headers={"Range": f"bytes={len(content)}-"}, timeout=10)
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(content)}")
    for ignored in ("bytes=0-1,5-9", "lines=1-2", "nonsense"):
        answer = requests.get(url, headers={"Range": ignored}, timeout=10)
        assert (answer.status_code, answer.content) == (200, content), ignored


def test_a_download_goes_on_only_if_the_file_is_the_same(ada: Person, room: Any) -> None:
    content = b"ID3\x03" + bytes(range(256)) * 40
    ticket = ask(ada, room, content, "audio/mpeg")
    post(ada, ticket, content)
    complete = {"uploadId": ticket["uploadId"]}
    url = ada.url + ada.post("/api/upload/complete", **complete)["url"]
    etag = requests.get(url, timeout=10).headers["ETag"]
    later = ada.url + ada.post("/api/upload/complete", **complete)["url"]
    known = requests.get(later, headers={"If-None-Match": etag}, timeout=10)
    assert (known.status_code, known.content) == (304, b"")
    for validator, status in ((etag, 206), ('"another"', 200)):
        headers = {"Range": "bytes=10-", "If-Range": validator}
        assert requests.get(url, headers=headers, timeout=10).status_code == status
    refused = requests.get(url, headers={"If-Match": '"another"'}, timeout=10)
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, "precondition_failed")


def test_a_put_goes_to_the_same_address(ada: Person, room: Any) -> None:
    ticket = ask(ada, room)
    headers = {"Content-Type": "image/png"}
    assert requests.put(ada.url + ticket["url"], data=PNG, headers=headers, timeout=10).status_code == 200
    assert ada.post("/api/upload/complete", uploadId=ticket["uploadId"])["bytes"] > 0


def test_a_file_may_be_larger_than_any_other_body(ada: Person, room: Any) -> None:
    content = b"%PDF-1.7\n" + bytes(3_000_000)
    ticket = ask(ada, room, content, "application/pdf")
    assert post(ada, ticket, content).status_code == 204
    assert ada.post("/api/upload/complete", uploadId=ticket["uploadId"])["bytes"] == len(content)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("holiday\u202egpj.exe", "holidaygpj.exe.png"),
        ("\u2066a\u2069\u200f.png", "a.png"),
        ("a\r\nSet-Cookie: sid=1.png", "aSet-Cookie_ sid=1.png"),
        ("../../\u00fcber \U0001f600\u65e5\u672c.png", "\u00fcber \U0001f600\u65e5\u672c.png"),
        ("x" * 900 + ".png", "x" * 116 + ".png"),
    ],
    ids=["right-to-left", "isolates", "line break", "unicode", "long"],
)
def test_a_name_is_told_and_served_as_people_may_safely_see_it(ada: Person, room: Any, given: str, kept: str) -> None:
    ticket = ask(ada, room, filename=given)
    post(ada, ticket, PNG)
    attachment = ada.post("/api/upload/complete", uploadId=ticket["uploadId"])
    assert attachment["filename"] == kept
    served = requests.get(ada.url + attachment["url"], timeout=10).headers
    assert served["Content-Disposition"].partition("filename*=UTF-8''")[2] == quote(kept, safe="")
    assert "Set-Cookie" not in served


def test_what_was_not_announced_is_refused(ada: Person, room: Any) -> None:
    ticket = ask(ada, room)
    assert code(post(ada, ticket, PNG + b"!")) == "file_too_large"
    assert code(post(ada, ticket, PNG + bytes(200_000))) == "file_too_large"
    assert code(post(ada, ticket, PNG[:-1])) == "upload_incomplete"
    assert code(post(ada, ticket, PNG, **{"Content-Type": "text/html"})) == "file_type_not_allowed"
    url = ada.url + ticket["url"]
    assert code(requests.post(url, data={"Content-Type": "image/png"}, timeout=10)) == "unsupported_media_type"
    assert code(requests.post(url, files={"other": ("a", PNG)}, timeout=10)) == "malformed"
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert code(requests.post(url, data=b"--x\r\nnonsense", headers=broken, timeout=10)) == "malformed"
    assert code(requests.put(f"{url[:-4]}AAAA", data=PNG, timeout=10)) == "upload_not_found"
    assert (
        code(ada.request("POST", "/api/upload/complete", json={"uploadId": ticket["uploadId"]})) == "upload_incomplete"
    )


def test_a_form_is_read_whatever_its_lines_and_pieces(ada: Person, room: Any) -> None:
    content = b"%PDF-1.7\r\n--x\r\n--boundar\r\n" + bytes(70_000) + b"\r\n--boundary\x00"[:-2]
    for line_break in (b"\r\n", b"\n"):
        ticket = ask(ada, room, content, "application/pdf")
        lines = [
            b"--boundary",
            b'Content-Disposition: form-data; name="Content-Type"',
            b"",
            b"application/pdf",
            b"--boundary",
            b'Content-Disposition: form-data; name="file"; filename="a"',
            b"",
            content,
            b"--boundary--",
            b"",
        ]
        headers = {"Content-Type": "multipart/form-data; boundary=boundary"}
        whole = line_break.join(lines)
        url = ada.url + ticket["url"]
        cut = requests.post(
            url, data=whole[: -len(line_break + b"--boundary--" + line_break)], headers=headers, timeout=10
        )
        assert code(cut) == "malformed"
        assert requests.post(url, data=whole, headers=headers, timeout=10).status_code == 204
        assert ada.post("/api/upload/complete", uploadId=ticket["uploadId"])["bytes"] == len(content)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bytes": 0},
        {"bytes": -1},
        {"bytes": "1"},
        {"filename": ""},
        {"filename": "a\x00.png"},
        {"filename": "x" * 1001},
        {"mime": "x" * 101},
        {"alt": "x" * 501},
        {"more": 1},
    ],
)
def test_bad_values_are_refused(ada: Person, room: Any, wrong: dict[str, Any]) -> None:
    body = {"roomId": room["id"], "filename": "a", "mime": "image/png", "bytes": 1, **wrong}
    assert ada.request("POST", "/api/upload/init", json=body).status_code == 422
