"""The cases of `clients/js/test/front.cases.json` as timers over the wire: pages and both clients decide alike."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.core.clock import to_wire

FILE = Path(__file__).parents[2] / "clients" / "js" / "test" / "front.cases.json"
NOW = datetime(2030, 1, 1, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """Timers, which of them is in front, and by how many milliseconds each ran over."""

    says: str
    timers: list[dict[str, Any]]
    front: int
    over_ms: list[int | None]


def _case(case: dict[str, Any]) -> Case:
    timers = [_timer(index, **short) for index, short in enumerate(case["timers"])]
    over = case.get("over", {})
    over_ms = [over[timer["id"]] * 1_000 if timer["id"] in over else None for timer in timers]
    return Case(case["says"], timers, case["front"], over_ms)


def _timer(
    index: int,
    *,
    state: str = "idle",
    began: int | None = None,
    ended: int | None = None,
    updated: int | None = None,
    **changes: Any,
) -> dict[str, Any]:
    last = next((second for second in (updated, ended, began) if second is not None), -3_600)
    timer = {"id": str(index), "state": state, "onFinish": "stop", "duration": 60_000, "addedMs": 0}
    instants = {"startTimestamp": _at(began), "finishedAt": _at(ended), "updatedAt": _at(last)}
    return timer | instants | changes


def _at(second: int | None) -> str | None:
    return None if second is None else to_wire(NOW + timedelta(seconds=second))


CASES = [_case(case) for case in json.loads(FILE.read_text())]
