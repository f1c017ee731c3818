"""One run: `python -m bench [--rounds N] [--only TEXT] [--write] …`; see bench/README.md."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median

from bench import machine, report, scenarios
from bench.contestants import GatheringPeer, Greenroom, Peer, install_peer
from bench.scenarios import Row
from tests.support.services import Postgres, Redis

CONTESTANTS = (Greenroom, Peer, GatheringPeer)
Results = dict[str, dict[str, list[Row]]]
People = Callable[[int, int], list[tuple[str, str]]]


def main() -> None:
    machine.prctl(machine.PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit("ended by a signal"))
    options = arguments()
    install_peer()
    results: Results = defaultdict(lambda: defaultdict(list))
    place = machine.describe()
    print(f"{place}\n", flush=True)
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres(durable=True))
        redis_url = stack.enter_context(Redis()).url if options.redis else ""
        home = Greenroom(postgres.url, "")
        home.migrate()
        people = cache(home.add_people)
        rounds = measure(options, postgres.url, redis_url, people, results)
    command = shlex.join(["make", "bench", f"ARGS={shlex.join(sys.argv[1:])}"])
    how = f"{datetime.now(UTC):%Y-%m-%d}, `{command}`: {rounds} × {options.seconds:g} s each, the median."
    about = [place, how, f"The crowd, {options.people:,} people, came once to each."]
    text = report.report(
        {name: {who: middle(rows) for who, rows in found.items()} for name, found in results.items()}, about
    )
    print(f"\n{text}", flush=True)
    if options.write:
        report.write(text)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1))


def measure(options: argparse.Namespace, database_url: str, redis_url: str, people: People, results: Results) -> int:
    """Rounds of all contestants in turn, fewer if time runs out; how many there were. The crowd comes in the first."""
    ends_s = time.monotonic() + 60 * options.minutes
    round_s = 0.0
    for number in range(options.rounds):
        if time.monotonic() + round_s > ends_s:
            print(f"no time for another round after {number}", flush=True)
            return number
        round_s = 0.0
        for kind in CONTESTANTS:
            with kind(database_url, redis_url) as server:
                if not number and options.only in scenarios.CROWD and kind is not GatheringPeer:  # it gathers no joins
                    crowd = scenarios.crowd(server, options.people, people)
                    note(results, scenarios.CROWD, kind.label, crowd)
                began_s = time.monotonic()
                for one in scenarios.chosen(options.seconds):
                    if options.only in one.name:
                        row = scenarios.run(server, one, people(one.people, one.rooms))
                        note(results, one.name, kind.label, row)
                round_s += time.monotonic() - began_s
    return int(options.rounds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=sys.modules[__name__].__doc__)
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="length of a measurement, after a second of warming up"
    )
    parser.add_argument("--quick", dest="seconds", action="store_const", const=1.0, help="1 s a measurement")
    parser.add_argument("--people", type=int, default=10_000, help="size of the crowd")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is measured; the median counts")
    parser.add_argument("--minutes", type=float, default=11.0, help="begin no round that would not end within these")
    parser.add_argument("--only", default="", help="only the scenarios whose name has this in it")
    parser.add_argument("--no-redis", dest="redis", action="store_false", help="without Redis on either side")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--json", help="where to write every single measurement")
    return parser.parse_args()


def note(results: Results, name: str, who: str, row: Row) -> None:
    """Keep and show one measurement."""
    results[name][who].append(row)
    print(f"{name} | {who}: " + ", ".join(f"{key} {value:,.2f}" for key, value in row.items()), flush=True)


def middle(rows: list[Row]) -> Row:
    """The median of each number."""
    return {key: median(row[key] for row in rows) for key in rows[0]}


if __name__ == "__main__":
    main()
