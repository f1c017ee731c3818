"""Files beside a conversation: `python -m bench.uploads [--files 20] [--megabytes 10]`.

One embedded server on a core of its own. What is measured:
- asking to send a file (`POST /api/upload/init`): by the server's own clock, and as a client on one connection sees it;
- how long a message takes from a sender to somebody else's socket, without files and while many are sent at once.
The senders of files are a process of their own, so that their work is not taken for the server's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

import requests

from bench import machine
from bench.scenarios import Row
from tests.support.people import Person, Socket
from tests.support.server import Server

INITS = 300
PACE_S = 0.05
CALM_S = 5.0
METRICS_TOKEN = "only for this run"
UNLIMITED = {
    "RATE_LIMIT_MAX_REQUESTS": "0",
    "WIDE_RATE_LIMIT_MAX_REQUESTS": "0",
    "MESSAGE_RATE": "1000,1000",
    "LOG_LEVEL": "warning",
    "METRICS_TOKEN": METRICS_TOKEN,
    "UPLOAD_PERSON_QUOTA_BYTES": "0",
}


class Pinned(Server):
    """A server on a core of its own."""

    def command(self) -> list[str]:
        return machine.pinned(machine.SERVER_CORE, super().command())


def init_speed(server: Server, person: Person, room_id: str) -> Row:
    """Asking to send a file, again and again."""
    took_ms = []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {person.token}"
        body = {"roomId": room_id, "filename": "a.png", "mime": "image/png", "bytes": 1000}
        for _ in range(INITS):
            began_s = time.perf_counter()
            assert session.post(f"{server.url}/api/upload/init", json=body, timeout=10).ok
            took_ms.append(1000 * (time.perf_counter() - began_s))
    return {"client p50 ms": median(took_ms), "client p99 ms": p99(took_ms), **server_times(server, "/api/upload/init")}


def server_times(server: Server, route: str) -> Row:
    """Mean and upper bounds of p50 and p99 of a route, from the server's own histogram."""
    answer = requests.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10)
    name = "greenroom_http_request_seconds"
    mine = [line.rsplit(" ", 1) for line in answer.text.splitlines() if line.startswith(name) and f'"{route}"' in line]
    count, total = (float(value) for end in ("_count", "_sum") for label, value in mine if label.startswith(name + end))
    steps = [(label.split('le="')[1].split('"')[0], float(value)) for label, value in mine if "_bucket" in label]

    def bound_ms(share: float) -> float:
        return 1000 * next(float(step) for step, below in steps if below >= share * count)

    return {"server mean ms": 1000 * total / count, "server p50 ≤ ms": bound_ms(0.5), "server p99 ≤ ms": bound_ms(0.99)}


def message_delays(sender: Socket, reader: Socket, room_id: str, goes_on: Callable[[], bool]) -> list[float]:
    """Milliseconds from sending to hearing, of messages at a steady pace."""
    sent: dict[str, float] = {}
    heard: dict[str, float] = {}
    done = threading.Event()

    def hear(message: dict[str, Any]) -> None:
        heard[message["content"]] = time.perf_counter()
        if done.is_set() and len(heard) >= len(sent):
            finished.set()

    finished = threading.Event()
    reader.client.on("message-received", hear)
    while goes_on():
        content = f"m{time.perf_counter_ns()}"
        sent[content] = time.perf_counter()
        sender.emit("send-message", {"roomId": room_id, "content": content})
        time.sleep(PACE_S)
    done.set()
    if len(heard) < len(sent):
        finished.wait(10)
    assert len(heard) > 0.9 * len(sent), f"{len(sent) - len(heard)} of {len(sent)} messages were refused"
    return [1000 * (heard[content] - sent[content]) for content in sent if content in heard]


def p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def shape(name: str, delays: list[float]) -> Row:
    return {f"{name} p50 ms": median(delays), f"{name} p99 ms": p99(delays), f"{name} max ms": max(delays)}


def measure(files: int, megabytes: int) -> dict[str, Row]:
    """Both measurements on a fresh server."""
    server = Pinned(UNLIMITED)
    server.migrate()
    with server:
        host = Person(server.url)
        room = host.post("/api/rooms", name="Files")
        guest = host.guest(room, "Grace")
        asked = init_speed(server, host, room["id"])
        with host.connect() as sender, guest.connect() as reader:
            for socket in (sender, reader):
                socket.join(room["id"])
            ends_s = time.monotonic() + CALM_S
            calm = message_delays(sender, reader, room["id"], lambda: time.monotonic() < ends_s)
            command = [sys.executable, "-m", "bench.uploads", "--send", server.url, str(host.token), room["id"]]
            load = subprocess.Popen(
                machine.pinned(machine.LOAD_CORE, [*command, "--files", str(files), "--megabytes", str(megabytes)]),
                stdout=subprocess.PIPE,
                text=True,
            )
            busy = message_delays(sender, reader, room["id"], lambda: load.poll() is None)
            told = json.loads(load.communicate()[0])
    return {
        "asking to send a file": asked,
        f"messages beside {files} files of {megabytes} MB": {**shape("calm", calm), **shape("beside", busy), **told},
    }


def send_files(url: str, token: str, room_id: str, files: int, megabytes: int) -> Row:
    """Ask, send and complete `files` documents at once; how long all took, and how many were kept."""
    content = b"%PDF-1.7\n" + bytes(megabytes * 1_000_000)
    answers: list[int] = []

    def send_one() -> None:
        with requests.Session() as session:
            bearer = {"Authorization": f"Bearer {token}"}
            body = {"roomId": room_id, "filename": "a.pdf", "mime": "application/pdf", "bytes": len(content)}
            ticket = session.post(f"{url}/api/upload/init", json=body, headers=bearer, timeout=60).json()
            form = {"file": ("a.pdf", content)}
            sent = session.post(url + ticket["url"], data=ticket["fields"], files=form, timeout=300)
            answers.append(sent.status_code)
            done = session.post(
                f"{url}/api/upload/complete", json={"uploadId": ticket["uploadId"]}, headers=bearer, timeout=300
            )
            answers.append(done.status_code)
            if not done.ok:
                print(done.text, sent.text, file=sys.stderr)

    began_s = time.monotonic()
    senders = [threading.Thread(target=send_one) for _ in range(files)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return {"seconds": time.monotonic() - began_s, "kept": answers.count(200)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.uploads", description=main.__doc__)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=10)
    parser.add_argument("--send", nargs=3, metavar=("URL", "TOKEN", "ROOM"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        print(json.dumps(send_files(*options.send, options.files, options.megabytes)))
        return
    print(machine.describe())
    for name, row in measure(options.files, options.megabytes).items():
        print(f"{name}: " + ", ".join(f"{key} {value:,.2f}" for key, value in row.items()))


if __name__ == "__main__":
    main()
