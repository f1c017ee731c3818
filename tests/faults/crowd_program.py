"""Thousands of `crowd_client.py` in one epoll loop, as a process of its own: `python -m tests.faults.crowd_program HOST PORT`.

One JSON command a line on standard input, one JSON answer a line on standard output; `crowd.py` is its other side.
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections import Counter
from statistics import median
from typing import Any

from tests.faults.crowd_client import CLOSED, LIVE, UPGRADING, Client

TURN_S = 0.02
OPEN_AT_ONCE = 100
SOURCES = 20
BREACHES_SHOWN = 20


class Crowd:
    """The clients, and which file descriptor is whose."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._poller = select.epoll()
        self._by_file: dict[int, Client] = {}
        self.clients: list[Client] = []

    def serve_for(self, seconds: float) -> None:
        """Let everybody do what is to be done."""
        ends_s = time.monotonic() + seconds
        while (left_s := ends_s - time.monotonic()) > 0:
            self._move_on()
            for file, events in self._poller.poll(min(TURN_S, left_s)):
                self._turn(file, events)

    def add(self, people: list[dict[str, Any]]) -> None:
        """More clients: `{auth, join}` each."""
        for person in people:
            source = f"127.0.2.{1 + len(self.clients) % SOURCES}" if self._address[0].startswith("127.") else ""
            self.clients.append(Client(self._address, source, person["auth"], person["join"]))

    def _turn(self, file: int, events: int) -> None:
        client = self._by_file[file]
        if events & select.EPOLLOUT and client.state == UPGRADING:
            self._poller.modify(file, select.EPOLLIN)
            client.greet()
        if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            client.read()
        if client.state == CLOSED:
            del self._by_file[file]

    def _move_on(self) -> None:
        """Open those whose time has come, a few at a time, and let those go whom a draining server has told to."""
        now_s = time.monotonic()
        due = [client for client in self.clients if client.due_s <= now_s and (client.state == CLOSED or client.due_s)]
        for client in due[:OPEN_AT_ONCE]:
            if client.state == LIVE:
                file = client.socket.fileno() if client.socket else -1
                self._by_file.pop(file, None)
                client.move()
            if client.state == CLOSED:
                file = client.open()
                self._by_file[file] = client
                self._poller.register(file, select.EPOLLIN | select.EPOLLOUT)


def answer(crowd: Crowd, command: dict[str, Any]) -> dict[str, Any]:
    """What became of one command."""
    match command["do"]:
        case "add":
            crowd.add(command["people"])
        case "forget":  # what was waited until now
            for client in crowd.clients:
                client.waits_s.clear()
                client.failures.clear()
        case "check":
            return {"breaches": list(breaches(crowd.clients, command))[:BREACHES_SHOWN]}
    waits_s = [wait_s for client in crowd.clients for wait_s in client.waits_s]
    failures = sum((client.failures for client in crowd.clients), Counter())
    return {
        "live": sum(client.state == LIVE for client in crowd.clients),
        "returned": len(waits_s),
        "median_wait_s": median(waits_s or [0.0]),
        "worst_wait_s": max(waits_s, default=0.0),
        "failures": failures,
    }


def breaches(clients: list[Client], wanted: dict[str, Any]) -> Any:
    """Every broken promise of "Order and loss", given the room's heads, the acked messages and the ended timers."""
    for number, client in enumerate(clients):
        yield from (f"{number}: {breach}" for breach in client.breaches)
        here = client.position or {}
        if here.get("room") != wanted["head"]["room"]:
            yield f"{number}: is at {here}, the head is {wanted['head']}"
        if client.reads_chat and (missing := set(wanted["messages"]) - client.messages):
            yield f"{number}: never got {len(missing)} of {len(wanted['messages'])} acked messages"
        if dict(client.finished) != dict.fromkeys(wanted["timers"], 1):
            yield f"{number}: timer-finished {dict(client.finished)} for {len(wanted['timers'])} timers"


def main(host: str, port: int) -> None:
    """Serve until standard input ends."""
    crowd = Crowd(host, port)
    while True:
        crowd.serve_for(TURN_S)
        if select.select([sys.stdin], [], [], 0)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            print(json.dumps(answer(crowd, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
