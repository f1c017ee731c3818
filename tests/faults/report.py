"""What the fault tests measured, as the table of docs/faults.md.

`@pytest.mark.fault("A worker is killed")` names what a test breaks; its `outcome` fixture takes the numbers. `--rounds N` has
it broken N times, `--table` prints what came of it, `--write` puts that into the document. Without them these are
ordinary tests.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest

from bench.machine import describe

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
BEGIN, END = "<!-- make faults -->\n", "<!-- end -->\n"
MACHINE = pytest.StashKey[str]()
HEADING = (
    "| fault | clients | what they see, each time | recovery: median, worst of N | test |\n|---|---|---|---|---|\n"
)


@dataclass
class Outcome:
    """What one test measured.

    clients:      how many took part
    recoveries_s: from the end of each fault until all was well again
    seen:         what clients noticed, how often in all rounds together
    notes:        what else is worth a few words
    """

    clients: int = 0
    recoveries_s: list[float] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def recovered(self, seconds: float) -> None:
        """One fault was over so long ago, and now all is well."""
        self.recoveries_s.append(seconds)
        print(f"recovered in {seconds:.2f} s", flush=True)

    def note(self, text: str) -> None:
        """Something measured that has no column."""
        self.notes.append(text)
        print(text, flush=True)


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Iterator[Outcome]:
    """Where this test's numbers go."""
    found = Outcome()
    yield found
    request.node.user_properties.append(("outcome", json.dumps(vars(found))))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> range:
    """How often a test is to break what it breaks: `for _ in rounds:`."""
    return range(request.config.getoption("--rounds"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `make faults`."""
    group = parser.getgroup("faults")
    group.addoption("--rounds", type=int, default=1, help="how often each fault test breaks what it breaks")
    group.addoption("--table", action="store_true", help="print what the fault tests measured")
    group.addoption("--write", action="store_true", help="put the table of fault tests into docs/faults.md")


def pytest_configure(config: pytest.Config) -> None:
    """Look at the machine before the tests keep it busy."""
    if config.getoption("--write"):
        config.stash[MACHINE] = describe()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Name the fault in the report, which is all that the summary sees."""
    marker = item.get_closest_marker("fault")
    if marker and ("fault", marker.args[0]) not in item.user_properties:
        item.user_properties.append(("fault", marker.args[0]))
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table if that was asked for; write it if nothing failed."""
    if not (config.getoption("--table") or config.getoption("--write")):
        return
    ends = [each for each in terminalreporter.stats.get("", []) if each.when == "teardown"]
    text = HEADING + "".join(row(report) for report in ends if "fault" in dict(report.user_properties))
    terminalreporter.section("faults")
    terminalreporter.write_line(text)
    has_failed = any(terminalreporter.stats.get(kind) for kind in ("failed", "error"))
    if config.getoption("--write") and not has_failed:
        write(text, config.stash[MACHINE])


def row(report: pytest.TestReport) -> str:
    """One line of the table."""
    found = dict(report.user_properties)
    outcome = Outcome(**json.loads(found.get("outcome", "{}")))
    test = report.nodeid.replace("::", " ").split()[-1]
    where = f"`{test}`" + (" (long)" if "long" in report.keywords else "")
    cells = [found["fault"], f"{outcome.clients or '–'}", seen(outcome), recovery(outcome), where]
    return f"| {' | '.join(cells)} |\n"


def seen(outcome: Outcome) -> str:
    """What clients noticed in one round."""
    times = max(1, len(outcome.recoveries_s))
    parts = [f"{count / times:.0f} {what}" for what, count in outcome.seen.items() if count >= times / 2]
    return "; ".join([*parts, *outcome.notes]) or "nothing"


def recovery(outcome: Outcome) -> str:
    """Median and worst, or nothing where nothing has to recover."""
    times = outcome.recoveries_s
    return f"{median(times):.1f} s, {max(times):.1f} s of {len(times)}" if times else "–"


def write(table: str, machine: str) -> None:
    """Replace what stands between the two marks of the document."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    measured = f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())}: {machine}\n\n"
    DOCUMENT.write_text(before + BEGIN + measured + table + END + after)
