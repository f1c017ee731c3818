"""How many clients on how many workers in how much memory: `python -m bench.scaling [--write]`.

The production shape: PostgreSQL (which waits for the disk), Redis, one or two workers, nginx in front. Clients are accounts in
rooms of a hundred; all connect and join at once through nginx, idle, and then ten of them say ten messages a second together.
Each row has a cluster of its own. The load generator has one core to itself where it can, and the rest shares the machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psutil

from bench.contestants import LIFTED
from bench.generator import Generator
from bench.machine import describe
from tests.support.cluster import Cluster
from tests.support.server import ROOT, environment

PAGE = ROOT / "docs" / "operations.md"
NEXT = "## Past one machine\n"
BEGIN, END = "<!-- written by `python -m bench.scaling --write` -->\n", "<!-- end -->\n"
CLIENTS = (500, 2_000, 10_000)
WORKERS = (1, 2)
PER_ROOM = 100
AT_ONCE = 200
IDLE_S = 5
SENDERS, PER_SECOND, CONTENT_BYTES = 10, 10, 100
#: nginx has two connections for each client, and two processes that share them, not evenly.
FILES_A_CLIENT, SPARE_FILES = 1.5, 4_096
HEADS = ("clients", "workers", "memory of the workers", "of nginx", "everybody in after", "CPU of the workers for it")
MORE_HEADS = ("a second of rest costs", "a message is there within (p99)")


@dataclass(frozen=True, slots=True)
class Row:
    """What one number of clients did to one number of workers."""

    clients: int
    workers: int
    joined: int
    closed: int
    workers_mb: float
    nginx_mb: float
    all_in_s: float
    joining_cpu_s: float
    rest_cpu_s: float
    delivery_p99_ms: float

    def cells(self) -> tuple[str, ...]:
        """As the page shows it; clients that were lost are told with the number of clients."""
        lost = self.clients - self.joined + self.closed
        return (
            f"{self.clients:,}" + (f" ({lost} lost)" if lost else ""),
            str(self.workers),
            f"{self.workers_mb:,.0f} MB",
            f"{self.nginx_mb:,.0f} MB",
            f"{self.all_in_s:.1f} s",
            f"{self.joining_cpu_s:.1f} s",
            f"{1000 * self.rest_cpu_s:.0f} ms of CPU",
            f"{self.delivery_p99_ms:.0f} ms",
        )


def main() -> None:
    """Measure every row, print the table, and put it into the page if asked to."""
    options = arguments()
    allow_files(max(options.clients))
    about = describe()
    print(about, flush=True)
    rows = []
    for workers in options.workers:
        for clients in options.clients:
            rows.append(measure(clients, workers, options.seconds))
            print(rows[-1], flush=True)
    text = table(rows, about)
    print(text)
    if options.write:
        write(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the ten talk")
    parser.add_argument("--write", action="store_true", help="put the table into docs/operations.md")
    return parser.parse_args()


def allow_files(clients: int) -> None:
    """Let this process and what it starts open enough of them.

    Raises:
        SystemExit: the machine does not let it.
    """
    wanted = round(FILES_A_CLIENT * clients) + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))  # root may go beyond
    except (ValueError, OSError) as why:
        raise SystemExit(
            f"{clients:,} clients need {wanted:,} open files: raise `ulimit -Hn`, which is {hard:,}."
        ) from why


def measure(clients: int, workers: int, seconds: float) -> Row:
    """One row, on a cluster of its own."""
    settings = {name: value for name, (value, _) in LIFTED.items()}
    with Cluster(workers=workers, durable=True, settings=settings) as cluster:
        people = add_people(cluster, clients)
        served = [*families(server.pid for server in cluster.servers.values())]
        nginx = [*families([cluster.nginx.pid])]
        with Generator(cluster.nginx.port, cluster.nginx.pid, people) as load:
            began_s, before_s = time.monotonic(), cpu_s(served)
            load.do(f"connect {AT_ONCE}")
            joined = int(load.do(f"join {AT_ONCE}")["joined"])
            all_in_s, joining_cpu_s = time.monotonic() - began_s, cpu_s(served) - before_s
            time.sleep(1)  # the counts of the joins go out once a second
            rest_began_s = cpu_s(served)
            closed = int(load.do(f"idle {IDLE_S}")["closed"])
            rest_cpu_s = (cpu_s(served) - rest_began_s) / IDLE_S
            memory = megabytes(served), megabytes(nginx)
            said = load.do(f"pace {SENDERS} {PER_SECOND} {seconds} {CONTENT_BYTES}")
    return Row(
        clients, workers, joined, closed, *memory, all_in_s, joining_cpu_s, rest_cpu_s, float(said["delivery_p99_ms"])
    )


def add_people(cluster: Cluster, count: int) -> list[tuple[str, str]]:
    """(token, room id) of accounts in rooms of `PER_ROOM`."""
    command = [sys.executable, "-m", "bench.people", str(count), str(max(1, count // PER_ROOM))]
    done = subprocess.run(
        command, env=environment(cluster.settings), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return [(token, room) for token, room in json.loads(done.stdout)["people"]]


def families(pids: Iterable[int]) -> Iterator[psutil.Process]:
    """The processes and all that they have started."""
    for pid in pids:
        process = psutil.Process(pid)
        yield process
        yield from process.children(recursive=True)


def cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Processor time that they have used."""
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


def megabytes(processes: Iterable[psutil.Process]) -> float:
    """Their resident memory; what a master shares with its worker is counted twice."""
    return sum(process.memory_info().rss for process in processes) / 1e6


def table(rows: Iterable[Row], about: str) -> str:
    """The rows in Markdown, and where they were measured."""
    lines = [HEADS + MORE_HEADS, ("---",) * len(HEADS + MORE_HEADS), *(row.cells() for row in rows)]
    return "\n".join(
        [
            f"Measured by `python -m bench.scaling`, all of it on one machine ({about}):",
            "",
            *(f"| {' | '.join(line)} |" for line in lines),
            "",
        ]
    )


def write(text: str) -> None:
    """Put `text` where the page has it, the first time at the end of its section."""
    page = PAGE.read_text()
    if BEGIN not in page:
        page = page.replace(NEXT, f"{BEGIN}{END}\n{NEXT}")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
