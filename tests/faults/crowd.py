"""A crowd in a room: as many clients as wanted in a process of their own, so that the test's loop has nothing to do with them.

with Crowd(url) as crowd:
    crowd.come(people)        # returns when all are in the room
    ...                       # something breaks
    crowd.wait_until_back()
    crowd.check(head=…, messages=…, timers=…)
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import gevent
from gevent import subprocess

from tests.support.server import ROOT

GROUP = 250


@dataclass
class Waits:
    """Who is live, and how long those were away that came back since `forget`.

    failures: why attempts to come back failed, each with how often
    """

    live: int
    returned: int
    median_wait_s: float
    worst_wait_s: float
    failures: dict[str, int]

    @property
    def waits(self) -> str:
        """In a few words."""
        return f"median {self.median_wait_s:.1f} s, worst {self.worst_wait_s:.1f} s"


class Crowd:
    """The other side of `crowd_program.py`."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._command = [sys.executable, "-m", "tests.faults.crowd_program", str(where.hostname), str(where.port)]
        self._process: subprocess.Popen[str] | None = None
        self.size = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def come(self, people: Sequence[dict[str, Any]], within_s: float = 60) -> None:
        """Let `{auth, join}` of each connect and join, one group after the other: the storms are to come later."""
        for start in range(0, len(people), GROUP):
            group = people[start : start + GROUP]
            self.size += len(group)
            self._do("add", people=group)
            self.wait_until_back(within_s)

    def forget(self) -> None:
        """Count waiting from now on."""
        self._do("forget")

    def wait_until_back(self, within_s: float) -> Waits:
        """Return when all are live: how many came back, and how long they were away.

        Raises:
            AssertionError: not all are, in time.
        """
        found = self._report()
        deadline_s = time.monotonic() + within_s
        while found.live < self.size:
            assert time.monotonic() < deadline_s, f"not all of {self.size} are live: {found}"
            gevent.sleep(0.1)
            found = self._report()
        return found

    def _report(self) -> Waits:
        return Waits(**self._do("report"))

    def breaches(self, *, head: dict[str, int], messages: Collection[str], timers: Collection[str]) -> list[str]:
        """Every broken promise of "Order, loss, resume" that somebody noted."""
        found = self._do("check", head=head, messages=list(messages), timers=list(timers))
        return list(found["breaches"])

    def _do(self, what: str, **more: Any) -> dict[str, Any]:
        assert self._process
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the crowd ended during {what!r}"
        return dict(json.loads(line))
