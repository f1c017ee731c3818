"""Files beside a conversation: `python -m bench.uploads [--files 20] [--megabytes 10]`.

One embedded server on a core of its own. What is measured:
- asking to send a file (`POST /api/upload/init`): by the server's own clock, and as a client on one connection sees it;
- how long a message takes from a sender to somebody else's socket: without files, while the same files go to another process on
  the server's core that only writes them to the same disk (what the machine is short of, whatever the server does), and while
  they go to the server. By the product is what the last has more than the second.
The senders of files are a process of their own, so that their work is not taken for the server's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median, quantiles
from tempfile import TemporaryFile
from typing import Any

import requests

from bench import machine
from bench.scenarios import Row
from tests.support.people import Person, Socket
from tests.support.server import Server

SELF = [sys.executable, "-m", "bench.uploads"]
INITS = 300
WARM_UP = 100  # the first ones compile statements and fill caches
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
        body: dict[str, Any] = {"roomId": room_id, "filename": "a.png", "mime": "image/png", "bytes": 1000}
        for number in range(WARM_UP + INITS):
            if number == WARM_UP:
                warm_up = histogram(server, "/api/upload/init")
            began_s = time.perf_counter()
            assert session.post(f"{server.url}/api/upload/init", json=body, timeout=10).ok
            took_ms.append(1000 * (time.perf_counter() - began_s))
    counted = histogram(server, "/api/upload/init")
    counted.subtract(warm_up)
    del took_ms[:WARM_UP]
    return {"client p50 ms": median(took_ms), "client p99 ms": p99(took_ms), **server_times(counted)}


def histogram(server: Server, route: str) -> Counter[str]:
    """How many requests to a route there were by the server's own clock: `sum` in s, `count`, and below each bound."""
    answer = requests.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10)
    name = "greenroom_http_request_seconds"
    found: Counter[str] = Counter()
    for line in answer.text.splitlines():
        label, _, value = line.rpartition(" ")
        if label.startswith(name) and f'"{route}"' in label:
            kind = label.removeprefix(name).partition("{")[0].lstrip("_")
            found[label.split('le="')[1].split('"')[0] if kind == "bucket" else kind] += float(value)  # type: ignore[assignment]
    return found


def server_times(counted: Counter[str]) -> Row:
    """Mean, and upper bounds of p50 and p99."""
    bounds = [bound for bound in counted if bound not in ("sum", "count", "created")]

    def bound_ms(share: float) -> float:
        return 1000 * min(float(bound) for bound in bounds if counted[bound] >= share * counted["count"])

    mean_ms = 1000 * counted["sum"] / counted["count"]
    return {"server mean ms": mean_ms, "server p50 ≤ ms": bound_ms(0.5), "server p99 ≤ ms": bound_ms(0.99)}


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

            def beside(*where: str) -> tuple[list[float], Row]:
                load = subprocess.Popen(
                    machine.pinned(machine.LOAD_CORE, [*SELF, *where, f"--files={files}", f"--megabytes={megabytes}"]),
                    stdout=subprocess.PIPE,
                    text=True,
                )
                delays = message_delays(sender, reader, room["id"], lambda: load.poll() is None)
                return delays, json.loads(load.communicate()[0])

            with sink() as elsewhere:
                machines, _ = beside("--pour", elsewhere)
            ours, told = beside("--send", server.url, str(host.token), room["id"])
    name = f"messages beside {files} files of {megabytes} MB"
    return {
        "asking to send a file": asked,
        f"{name}: none": shape("calm", calm),
        f"{name}: to a process that only writes them": shape("beside", machines),
        f"{name}: to the server": {**shape("beside", ours), **told},
    }


@contextmanager
def sink() -> Iterator[str]:
    """The address of a process on the server's core that writes files to the disk, and does nothing else with them."""
    process = subprocess.Popen(
        machine.pinned(machine.SERVER_CORE, [*SELF, "--sink"]), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


class Sink(BaseHTTPRequestHandler):
    """Takes a POST, writes it to the disk and forgets it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        with TemporaryFile() as file:
            while left:
                piece = self.rfile.read(min(left, 64 * 1024))
                file.write(piece)
                left -= len(piece)
            file.flush()
            os.fsync(file.fileno())
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def serve_sink() -> None:
    """Serve a `Sink` on a free port, and print its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def send_file(url: str, token: str, room_id: str, content: bytes) -> bool:
    """Ask, send and complete one document; whether it was kept."""
    with requests.Session() as session:
        bearer = {"Authorization": f"Bearer {token}"}
        body: dict[str, Any] = {
            "roomId": room_id,
            "filename": "a.pdf",
            "mime": "application/pdf",
            "bytes": len(content),
        }
        ticket = session.post(f"{url}/api/upload/init", json=body, headers=bearer, timeout=60).json()
        form = {"file": ("a.pdf", content)}
        session.post(url + ticket["url"], data=ticket["fields"], files=form, timeout=300).raise_for_status()
        done = {"uploadId": ticket["uploadId"]}
        return session.post(f"{url}/api/upload/complete", json=done, headers=bearer, timeout=300).ok


def pour(url: str, content: bytes) -> bool:
    """Send one document to a `Sink`."""
    return requests.post(url, files={"file": ("a.pdf", content)}, timeout=300).ok


def at_once(send: Callable[[bytes], bool], files: int, megabytes: int) -> Row:
    """`send` as many documents at the same time; how long all took, and how many were kept."""
    content = b"%PDF-1.7\n" + bytes(megabytes * 1_000_000)
    answers: list[bool] = []
    began_s = time.monotonic()
    senders = [threading.Thread(target=lambda: answers.append(send(content))) for _ in range(files)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return {"seconds": time.monotonic() - began_s, "kept": sum(answers)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.uploads", description=main.__doc__)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=10)
    parser.add_argument("--send", nargs=3, metavar=("URL", "TOKEN", "ROOM"), help=argparse.SUPPRESS)
    parser.add_argument("--pour", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--sink", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sink:
        serve_sink()
    elif options.pour:
        print(json.dumps(at_once(partial(pour, options.pour), options.files, options.megabytes)))
    elif options.send:
        print(json.dumps(at_once(partial(send_file, *options.send), options.files, options.megabytes)))
    else:
        report(options.files, options.megabytes)


def report(files: int, megabytes: int) -> None:
    """Measure and print."""
    print(machine.describe())
    for name, row in measure(files, megabytes).items():
        print(f"{name}: " + ", ".join(f"{key} {value:,.2f}" for key, value in row.items()))


if __name__ == "__main__":
    main()
