"""Limits: token buckets counted by person or address.

Promises: `take` answers at once (it never waits for a network), costs O(1), forgets idle keys, and errs on the side of
letting people in when a shared store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` on average, `burst` at once."""

    per_second: float
    burst: int


class Limits(Protocol):
    """The port."""

    def take(self, key: str, rate: Rate) -> int:
        """Take from the bucket of `key`. 0: granted; otherwise the milliseconds to wait, and nothing was taken."""
        ...

    def owe(self, key: str, rate: Rate, cost: float) -> None:
        """Take what is known only afterwards: more than the bucket has is a debt, that the next who takes waits for."""
        ...
