"""`python -m bench [--quick] [--people N] [--rounds N] [--only TEXT] [--no-redis]`: see bench/README.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from statistics import median

from bench import machine, scenarios
from bench.contestants import LIFTED, GatheringPeer, Greenroom, Peer, install_peer
from bench.report import table
from bench.scenarios import Row, Scenario
from tests.support.services import Postgres, Redis

CONTESTANTS = (Greenroom, Peer, GatheringPeer)
Results = dict[str, dict[str, list[Row]]]


def chosen(seconds: float) -> list[Scenario]:
    """Everything but the crowd."""
    return [
        scenarios.fan_out(1000, 1, 4, seconds),
        scenarios.fan_out(1000, 16, 8, seconds),
        scenarios.fan_out(100, 1, 4, seconds),
        scenarios.fan_out(100, 16, 8, seconds),
        scenarios.pace(1000, 10, 2 * seconds),
        scenarios.durable(64, 256, 4, seconds),
        scenarios.durable(1, 32, 8, seconds),
    ]


def main() -> None:
    options = arguments()
    install_peer()
    results: Results = defaultdict(lambda: defaultdict(list))
    print(f"{machine.describe()}\n", flush=True)
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres(durable=True))
        redis_url = stack.enter_context(Redis()).url if options.redis else ""
        home = Greenroom(postgres.url, "")
        home.migrate()
        people = cache(home.add_people)
        wanted = [one for one in chosen(options.seconds) if options.only in one.name]
        crowd = f"a crowd of {options.people}"
        for kind in CONTESTANTS * options.rounds:
            with kind(postgres.url, redis_url) as server:
                if options.only in crowd and kind is not GatheringPeer:  # it gathers no joins
                    note(results, crowd, kind.label, scenarios.crowd(server, people(options.people, 1)))
                for one in wanted:
                    note(results, one.name, kind.label, scenarios.run(server, one, people(one.people, one.rooms)))
    print(table({name: {who: middle(rows) for who, rows in found.items()} for name, found in results.items()}))
    print("Greenroom's settings that differ from the defaults:")
    for setting, (value, why) in LIFTED.items():
        print(f"- {setting}={value}: {why}")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=sys.modules[__name__].__doc__)
    parser.add_argument(
        "--quick", dest="seconds", action="store_const", const=1.0, default=5.0, help="1 s a measurement"
    )
    parser.add_argument("--people", type=int, default=10_000, help="size of the crowd")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is measured; the median counts")
    parser.add_argument("--only", default="", help="only the scenarios whose name has this in it")
    parser.add_argument("--no-redis", dest="redis", action="store_false", help="without Redis on either side")
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
