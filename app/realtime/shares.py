"""How many HTTP connections each address has: one alone must not have all that there are."""

import time
from collections import Counter
from typing import Final

LINE_EVERY_S: Final = 1.0


class Shares:
    """At most `most` connections of each address at a time; 0: no limit. The address "" stands for none, and has no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: Counter[str] = Counter()
        self._told_s = -LINE_EVERY_S

    def enter(self, address: str) -> bool:
        """Count a connection; False, and it is not counted, if its address has as many as it may."""
        if address and self._of[address] >= self._most > 0:
            return False
        self._of[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Count one less."""
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]

    def is_worth_a_line(self) -> bool:
        """Whether the log was told nothing for a second: a flood must not flood it too."""
        now_s = time.monotonic()
        if now_s - self._told_s < LINE_EVERY_S:
            return False
        self._told_s = now_s
        return True
