"""A timekeeper: announces what starts and what is over, warns a minute before, and answers "time?".

`python -m examples.bot <share link>` comes into a room as a guest. Without one it makes an account, a room and a timer at
`--greenroom`, says where to look, and starts it.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from greenroom_client import Client, GreenroomError, Message, Room, Timer

MINUTE_MS = 60_000


class Timekeeper:
    """Speaks in one room."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.warnings: dict[str, threading.Timer] = {}
        room.on("timer-update")(self.note)
        room.on("timer-finished")(self.note)
        room.on("message-received")(self.answer)

    def note(self, timer: Timer) -> None:
        """A timer changed: a warning is due a minute before its new end."""
        if earlier := self.warnings.pop(timer["id"], None):
            earlier.cancel()
        if timer["state"] == "finished":
            self.room.say(f"{timer['title']} is over.")
        elif timer["state"] == "running" and (left_s := (self.room.remaining_ms(timer) - MINUTE_MS) / 1000) > 0:
            warning = threading.Timer(left_s, self.room.say, [f"One minute left: {timer['title']}"])
            warning.daemon = True
            self.warnings[timer["id"]] = warning
            warning.start()

    def answer(self, message: Message) -> None:
        """What is left, to whoever asks."""
        if message["userId"] == self.room.user_id or message["content"].strip().lower() != "time?":
            return
        timer = self.room.current()
        text = "Nothing is planned."
        if timer:
            minutes, seconds = divmod(round(self.room.remaining_ms(timer) / 1000), 60)
            text = f"{timer['title']}: {minutes}:{seconds:02} left."
        self.room.say(text, replyTo=message["id"])


def main() -> None:
    """Until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("link", nargs="?", help="a room's share link")
    parser.add_argument("--greenroom", default="http://localhost:3000")
    asked = parser.parse_args()
    link = urlsplit(asked.link or asked.greenroom)
    with Client(f"{link.scheme}://{link.netloc}") as client:
        try:
            room = visit(client, link.path.rsplit("/", 1)[-1]) if asked.link else demonstrate(client)
        except GreenroomError as why:
            sys.exit(f"{why} (is Greenroom running? `make run`)" if why.code == "no_answer" else str(why))
        print(f"Keeping time in {client.session.url}/r/{(room.state or {}).get('shareToken', room.id)}", flush=True)
        with suppress(KeyboardInterrupt):
            client.wait()


def visit(client: Client, share_token: str) -> Room:
    """Come in as a guest."""
    client.session.guest(share_token, "Timekeeper")
    room = client.join(share_token)
    Timekeeper(room)
    return room


def demonstrate(client: Client) -> Room:
    """A room of the bot's own with a timer that runs."""
    client.session.register(f"timekeeper-{secrets.token_hex(4)}", secrets.token_urlsafe())
    made = client.session.request("POST", "/api/rooms", {"name": "The timekeeper's room"})
    timer = {"title": "Tea", "duration": 3 * MINUTE_MS}
    client.session.request("POST", f"/api/rooms/{made['id']}/timers", timer)
    room = client.join(made["id"])
    Timekeeper(room)
    room.act(room.timers[0]["id"], "start")
    return room


if __name__ == "__main__":
    main()
