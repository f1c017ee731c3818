"""What schemathesis is let loose on: two people with rooms of their own, each with one of everything that has an id."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.people import PASSWORD, Person

ROOMS = 4
MEANT = 0.8  # how often an id is one that exists
METRICS_TOKEN = "fuzz-metrics"
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"]
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "413", "414", "415", "422", "428", "429", "431", "5xx"]
#: Whether these are right depends on what is in the room or the file, and on who asks.
JUDGED_BY_CONTENT = (
    "PUT /api/rooms/{room_id}/timers/order",
    "POST /api/rooms/{room_id}/timers/import",
    "POST /api/rooms/{room_id}/timers/import/preview",
    "POST /api/upload/init",
    "PUT /api/uploads/{token}",
    "POST /api/uploads/{token}",
    "POST /api/dms",
)


class Scene:
    """`ids` by the name of the path parameter that takes them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.people = {name: Person(url, f"{name}-fuzz") for name in ("ada", "bob")}
        self.ids: dict[str, list[str]] = defaultdict(list)
        self.together: dict[str, list[dict[str, str]]] = defaultdict(list)
        ada, bob = self.people.values()
        for mine, theirs in ((ada, bob), (bob, ada)):
            for _ in range(ROOMS):
                self._furnish(mine, theirs)
            self.ids["user_id"].append(str(mine.id))
            self.ids["session_id"] += [device["id"] for device in mine.get("/api/auth/sessions")["items"]]

    def _furnish(self, mine: Person, theirs: Person) -> None:
        room = mine.post("/api/rooms", name="Hall", isPrivate=True)
        where = f"/api/rooms/{room['id']}"
        self.ids["share_token"].append(room["shareToken"])
        guest = mine.guest(room, "Guest")
        banned = mine.guest(room, "Banned")
        self.ids["room_id"].append(room["id"])
        mine.post(f"{where}/members", userId=theirs.id)
        self.ids["guest_id"].append(str(guest.id))
        self._belong("guests/{guest_id}", room_id=room["id"], guest_id=str(guest.id))
        self._belong("members/{user_id}", room_id=room["id"], user_id=str(theirs.id))
        self._belong("bans/{ban_id}", room_id=room["id"], ban_id=mine.post(f"{where}/bans", guestId=banned.id)["id"])
        for _ in range(3):
            self.ids["timer_id"].append(mine.post(f"{where}/timers", title="Talk", duration=60_000)["id"])
            self.ids["message_id"].append(mine.post(f"{where}/messages", content="Hello", messageType="question")["id"])
            link = mine.post(f"{where}/links", role="member")
            self.ids["link_id"].append(link["id"])
            self.ids["token"].append(link["token"])
        attachment = _attach(mine, room["id"])
        self.ids["attachment_id"].append(attachment["id"])
        self.ids["token"].append(attachment["url"].rsplit("/", 1)[1])
        self.ids["upload_id"].append(_announce(mine, room["id"])["uploadId"])
        self.ids["token"].append(_announce(mine, room["id"])["url"].rsplit("/", 1)[1])

    def write(self, directory: Path) -> Path:
        """The configuration of schemathesis, in `directory`."""
        headers = {name: f"Bearer {name}" for name in (*self.people, METRICS_TOKEN)}
        users = [
            {"name": name, "fixedHeaders": [{"name": "Authorization", "value": value}]}
            for name, value in headers.items()
        ]
        (directory / "people.json").write_text(json.dumps({"auth": users}))
        lines = [
            "[auth.wfc]",
            f'path = "{directory / "people.json"}"',
            f"peers = {json.dumps(list(self.people))}",
            "[checks.negative_data_rejection]",
            f"expected-statuses = {json.dumps(REFUSED)}",
            "[parameters]",
            *(f'"{name}" = {{ dictionary = "{ids}", probability = {MEANT} }}' for name, ids in self._parameters()),
        ]
        for name, values in self.ids.items():
            lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
        for operation in JUDGED_BY_CONTENT:
            lines += ["[[operations]]", f'include-name = "{operation}"', "[operations.checks.positive_data_acceptance]"]
            lines += [f"expected-statuses = {json.dumps([*ACCEPTED, '400', '413', '415', '422'])}"]
        path = directory / "schemathesis.toml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def _belong(self, what: str, **ids: str) -> None:
        self.together[f"/api/rooms/{{room_id}}/{what}"].append(ids)

    def _parameters(self) -> Iterator[tuple[str, str]]:
        for ids in self.ids:
            yield f"path.{ids}", ids
        for name in ("roomId", "userId", "messageId", "guestId", "uploadId"):
            yield f"body.{name}", name.replace("Id", "_id")
        yield "query.roomId", "room_id"

    def environment(self, log: Path) -> dict[str, str]:
        """What the hooks in `people` ask for."""
        sign_ins = {
            f"Bearer {name}": {"username": person.name, "password": PASSWORD} for name, person in self.people.items()
        }
        return {
            "FUZZ_URL": self.url,
            "FUZZ_SIGN_INS": json.dumps(sign_ins),
            "FUZZ_TOGETHER": json.dumps(self.together),
            "FUZZ_LOG": str(log),
            "SCHEMATHESIS_HOOKS": "tests.security.fuzz.people",
        }


def _announce(person: Person, room_id: str) -> dict[str, Any]:
    body = {"roomId": room_id, "filename": "notes.txt", "mime": "text/plain", "bytes": 5}
    ticket: dict[str, Any] = person.post("/api/upload/init", **body)
    return ticket


def _attach(person: Person, room_id: str) -> dict[str, Any]:
    ticket = _announce(person, room_id)
    files = {"file": ("notes.txt", b"notes", "text/plain")}
    person.request("POST", ticket["url"], data=ticket["fields"], files=files).raise_for_status()
    attachment: dict[str, Any] = person.post("/api/upload/complete", uploadId=ticket["uploadId"])
    return attachment
