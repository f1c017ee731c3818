"""`SHARD=1/2 pytest …` runs one half of the tests: scripts/test.sh runs both halves side by side, one for each core.

Files stay whole, so what a module or package sets up once is still set up once. The share of each file is reckoned from how
many tests it has and what one costs in its folder; being wrong there makes a run longer, never incomplete.
"""

import os
from collections import Counter
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

TYPICAL_SECONDS = 0.3
SECONDS_A_TEST = {
    "faults": 8.0,
    "examples": 7.0,
    "browser": 6.0,
    "sockets": 1.5,
    "presence": 1.0,
    "tooling": 0.8,
    "realtime": 0.5,
    "test_fuzz.py": 30.0,
}


def share_out(costs: dict[str, float], shards: int) -> dict[str, int]:
    """Give each file to a shard, the dearest first, always to the shard that has least; the same in every process."""
    load = [0.0] * shards
    given: dict[str, int] = {}
    for file in sorted(costs, key=lambda name: (-costs[name], name)):
        given[file] = load.index(min(load))
        load[given[file]] += costs[file]
    return given


def cost_of(file: str, tests: int) -> float:
    folder = next((part for part in Path(file).parts if part in SECONDS_A_TEST), "")
    return tests * SECONDS_A_TEST.get(folder, TYPICAL_SECONDS)


def file_of(item: pytest.Item) -> str:
    return item.nodeid.split("::", 1)[0]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not (asked := os.environ.get("SHARD")):
        return
    mine, shards = (int(part) for part in asked.split("/"))
    tests = Counter(file_of(item) for item in items)
    shard_of = share_out({file: cost_of(file, count) for file, count in tests.items()}, shards)
    others = [item for item in items if shard_of[file_of(item)] != mine - 1]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if shard_of[file_of(item)] == mine - 1]


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Write what failed, with the end of its traceback, where FAILURES says: scripts/test.sh prints it last."""
    if not (path := os.environ.get("FAILURES")):
        return
    bad = [*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")]
    Path(path).write_text("".join(f"\n{report.nodeid} ({report.when})\n{end_of(report)}\n" for report in bad))


def end_of(report: pytest.TestReport, lines: int = 30) -> str:
    """The last lines of the report's traceback; what was written and logged stands where it failed."""
    return "\n".join(report.longreprtext.splitlines()[-lines:])
