"""A crowd that polls through nginx's cache: `python -m bench.crowd [--seconds 10] [--timers 8]`.

Needs wrk (Debian: `apt install wrk`). The nginx of deploy/ with one worker process has a core of its own; an embedded Greenroom
and wrk share the other one. What the page for crowds asks for is asked for as fast as nginx answers:

as before:  the state with the ETag that is known, which is what nearly all polls are (304)
all of it:  the state without one, as after a change (200)
the page:   `/r/<shareToken>/crowd`, which each viewer loads once

The answers a second say what this machine does with wrk on it. nginx's CPU time for an answer, which is less in doubt where a
machine is shared, says what a crowd costs: the last lines are that arithmetic.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import requests

from bench import machine
from bench.scenarios import Row
from bench.uploads import UNLIMITED, histogram
from tests.support.people import Person
from tests.support.server import Server
from tests.support.services import Nginx
from tools import nginx_conf

SCRIPT = Path(__file__).with_suffix(".lua")
ENCODINGS = "gzip, deflate, br, zstd"
FEW, MANY = 100, 5_000
VIEWERS = 100_000
POLL_S = 1.25  # static/js/crowd.js: a second and up to half of one more
BYTES_PER_GBIT = 125_000_000
ROUTE = "/api/crowd/<share_token>"


class Pinned(Server):
    """Greenroom beside wrk: a cached crowd asks it for little."""

    def command(self) -> list[str]:
        return machine.pinned(machine.LOAD_CORE, super().command())


class PinnedNginx(Nginx):
    """nginx on a core of its own."""

    def command(self) -> list[str]:
        return machine.pinned(machine.SERVER_CORE, super().command())

    @property
    def worker(self) -> psutil.Process:
        """The process that answers; there are one or two more that look after the cache."""
        workers = [child for child in psutil.Process(self.pid).children() if "worker" in " ".join(child.cmdline())]
        return workers[0]


def run(seconds: int, timers: int) -> dict[str, Row]:
    """All four loads, one after the other."""
    nginx = PinnedNginx()
    server = Pinned(UNLIMITED)
    server.migrate()
    with server:
        room = room_with(Person(server.url), timers)
        text = nginx_conf.render(
            {"w0": f"127.0.0.1:{server.port}"},
            listen=f"127.0.0.1:{nginx.port}",
            directory=nginx.directory,
            connections=4 * MANY,
        )
        with nginx.configure(text.replace("worker_processes auto", "worker_processes 1")):
            state = f"{nginx.url}/api/crowd/{room['shareToken']}"
            page = f"{nginx.url}/r/{room['shareToken']}/crowd"
            headers = {"Accept-Encoding": ENCODINGS}
            known = {**headers, "If-None-Match": requests.get(state, headers=headers, timeout=5).headers["ETag"]}
            visits = {
                f"as before (304), {FEW} connections": (state, FEW, known),
                f"as before (304), {MANY:,} connections": (state, MANY, known),
                f"all of it (200), {FEW} connections": (state, FEW, headers),
                f"the page (200), {FEW} connections": (page, FEW, headers),
            }
            return {name: load(server, nginx, wrk(*visit, seconds)) for name, visit in visits.items()}


def room_with(host: Person, timers: int) -> dict[str, Any]:
    """A room with a run of show, its first timer running."""
    room: dict[str, Any] = host.post("/api/rooms", name="Main hall")
    made = [host.post(f"/api/rooms/{room['id']}/timers", title=f"Talk {n}", duration=1_500_000) for n in range(timers)]
    if made:
        host.post(f"/api/timers/{made[0]['id']}/start")
    return room


def wrk(url: str, connections: int, headers: dict[str, str], seconds: int) -> list[str]:
    """Ask for one address over so many connections for so long."""
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    return ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT), *given, url]


def load(server: Server, nginx: PinnedNginx, command: list[str]) -> Row:
    """What came of it and what it cost."""
    worker = nginx.worker
    used_s, made = cpu_s(worker), histogram(server, ROUTE)["count"]
    done = subprocess.run(machine.pinned(machine.LOAD_CORE, command), capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    took_s = told["duration_us"] / 1e6
    return {
        "answers/s": told["requests"] / took_s,
        "bytes each": told["bytes"] / told["requests"],
        "nginx CPU µs each": (cpu_s(worker) - used_s) / told["requests"] * 1e6,
        "p50 ms": told["p50_us"] / 1000,
        "p99 ms": told["p99_us"] / 1000,
        "asked of Greenroom/s": (histogram(server, ROUTE)["count"] - made) / took_s,
        "failed": told["failed"],
        "nginx MB": worker.memory_info().rss / 2**20,
    }


def cpu_s(process: psutil.Process) -> float:
    """What a process has had of the processor, in s."""
    times = process.cpu_times()
    return float(times.user + times.system)


def arithmetic(steady: Row, change: Row, page: Row) -> str:
    """What `VIEWERS` at once need, by what one answer takes."""
    polls_s = VIEWERS / POLL_S
    lines = [f"{VIEWERS:,} viewers, each asking every {POLL_S} s, are {polls_s:,.0f} answers/s:"]
    for name, row in (("as before", steady), ("all of it, in the second after a change", change)):
        cores, gbit_s = polls_s * row["nginx CPU µs each"] / 1e6, polls_s * row["bytes each"] / BYTES_PER_GBIT
        lines.append(f"  {name}: {cores:.1f} cores of nginx, {gbit_s:.2f} Gbit/s")
    arrival_s = VIEWERS * page["nginx CPU µs each"] / 1e6
    lines.append(f"  loading the page, once: {arrival_s:.1f} s of a core, {VIEWERS * page['bytes each'] / 1e9:.2f} GB")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print a table and the arithmetic."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="for each load")
    parser.add_argument("--timers", type=int, default=8, help="in the room")
    asked = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("bench.crowd asks by wrk: install it (Debian: apt install wrk).")
    print(machine.describe())
    rows = run(asked.seconds, asked.timers)
    for name, row in rows.items():
        print(f"{name}: " + ", ".join(f"{key} {value:,.1f}" for key, value in row.items()))
    steady, _, change, page = rows.values()
    print(arithmetic(steady, change, page))


if __name__ == "__main__":
    main()
