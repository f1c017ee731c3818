"""What has to be reached, judged by a run: each target with its bound, its goal, and what was measured."""

from __future__ import annotations

from typing import NamedTuple

from bench.scenarios import BUSY, CALM, CROWD, HOT_ROOM, PACE, ROOMS, Row

Results = dict[str, dict[str, Row]]
OURS, PEER = "Greenroom", "Node"


class Target(NamedTuple):
    """`number` of `scenario`, or with `is_ratio` its multiple of the peer's, is `at_most` or at least `must`."""

    what: str
    scenario: str
    number: str
    must: float | None
    goal: float | None = None
    is_ratio: bool = False
    at_most: bool = False

    def measured(self, results: Results) -> float | None:
        """The judged value; None where it was not measured."""
        found = results.get(self.scenario, {})
        ours, theirs = (found.get(who, {}).get(self.number) for who in (OURS, PEER))
        if not self.is_ratio or ours is None:
            return ours
        return ours / theirs if theirs else None

    def verdict(self, value: float | None) -> str:
        """`goal`, `met` or `missed`."""
        if value is None:
            return "not measured"
        if self.goal is not None and self._holds(value, self.goal):
            return "met, and the goal"
        if self.must is None:
            return "goal not reached"
        return "met" if self._holds(value, self.must) else "**missed**"

    def _holds(self, value: float, bound: float) -> bool:
        return value <= bound if self.at_most else value >= bound


TARGETS = (
    Target("fan-out in a busy room of 1,000 (deliveries/s × Node)", BUSY, "deliveries/s", 10, 30, is_ratio=True),
    Target("the same per second of server CPU (× Node)", BUSY, "deliveries/CPU s", 10, 30, is_ratio=True),
    Target("fan-out with four in flight (deliveries/s × Node)", CALM, "deliveries/s", 2.5, 5, is_ratio=True),
    Target("the same per second of server CPU (× Node)", CALM, "deliveries/CPU s", 2.5, 5, is_ratio=True),
    Target("durable messages/s over 64 rooms (× Node)", ROOMS, "messages/s", 1, 2, is_ratio=True),
    Target("durable messages/s in one hot room (× Node)", HOT_ROOM, "messages/s", 3, 10, is_ratio=True),
    Target("delivery p99 at 10 messages/s to 1,000 (× Node)", PACE, "p99 ms", 1, is_ratio=True, at_most=True),
    Target("the same in ms", PACE, "p99 ms", 40, 15, at_most=True),
    Target("the crowd: not joined", CROWD, "not joined", 0, at_most=True),
    Target("the crowd: dropped while idle", CROWD, "dropped while idle", 0, at_most=True),
    Target("the crowd: seconds until all were connected and joined", CROWD, "connect + join s", None, 8, at_most=True),
    Target("resident kB per idle, joined connection", CROWD, "kB/connection", 15, 8, at_most=True),
    Target("the same × Node", CROWD, "kB/connection", 1, is_ratio=True, at_most=True),
    Target("p99 ms of a quiet room beside the crowd under fire", CROWD, "quiet room p99 ms", 50, at_most=True),
    Target("seconds until all were gone after leaving at once", CROWD, "all closed after s", 3, at_most=True),
    Target(
        "generator busy % in the busiest measurement (else it is the limit)", BUSY, "generator busy %", 90, at_most=True
    ),
)


def judged(results: Results) -> list[list[str]]:
    """A row for each target: what, bound, goal, measured, verdict."""
    rows = []
    for target in TARGETS:
        value = target.measured(results)
        sign = "≤" if target.at_most else "≥"
        bounds = ["–" if bound is None else f"{sign} {bound:g}" for bound in (target.must, target.goal)]
        rows.append([target.what, *bounds, "–" if value is None else f"{value:,.3g}", target.verdict(value)])
    return rows
