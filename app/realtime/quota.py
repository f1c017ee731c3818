"""How many packets a client may send: one bucket for each connection, and one for each address.

A bucket is one integer (GCRA, ITU-T I.371): the moment until which all is spent. A packet moves it on by what a packet costs,
the clock catches up, and whoever is further ahead of the clock than the savings of a full bucket owes. Counting needs no lock
and may be done in hub callbacks.

An address that owes punishes nobody by itself: each of its connections has an equal part of what it may, so that a phone in a
full hall goes on while its neighbours flood.
"""

import time
from collections import deque
from typing import Final

from app.realtime.settings import EngineSettings

US_PER_S: Final = 1_000_000


def monotonic_us() -> int:
    """Microseconds of a clock that never steps; only differences mean something."""
    return time.monotonic_ns() // 1_000


class Quota:
    """What a packet costs, and what a full bucket has saved, in microseconds. A limit that is off costs nothing."""

    __slots__ = ("address_cost_us", "address_savings_us", "cost_us", "savings_us")

    def __init__(self, engine: EngineSettings) -> None:
        self.cost_us, self.savings_us = _bucket(engine.packets_per_s, engine.packets_at_once)
        self.address_cost_us, self.address_savings_us = _bucket(
            engine.packets_per_s_per_ip, engine.packets_at_once_per_ip
        )


def _bucket(per_s: int, at_once: int) -> tuple[int, int]:
    cost_us = max(1, US_PER_S // per_s) if per_s else 0
    return cost_us, cost_us * at_once or US_PER_S


class Address:
    """One address (of IPv6 a network): how many connections it has, and until when their packets have spent what it may."""

    __slots__ = ("connections", "name", "spent_us")

    def __init__(self, name: str) -> None:
        self.name = name
        self.connections = 0
        self.spent_us = 0

    def spend(self, packets: int, now_us: int, quota: Quota) -> bool:
        """Count packets; whether the address now owes. It owes no more than a full bucket, which time alone pays."""
        spent_us = max(self.spent_us, now_us) + packets * quota.address_cost_us
        self.spent_us = min(spent_us, now_us + 2 * quota.address_savings_us)
        return self.owes(now_us, quota)

    def owes(self, now_us: int, quota: Quota) -> bool:
        """Whether more was sent than the address may."""
        return self.spent_us > now_us + quota.address_savings_us


class Addresses:
    """Who is connected from where. An address without connections is forgotten when its bucket is full, and not before."""

    def __init__(self) -> None:
        self._known: dict[str, Address] = {}
        self._left: deque[Address] = deque()

    def connections(self, name: str) -> int:
        """How many connections come from there."""
        address = self._known.get(name)
        return address.connections if address is not None else 0

    def enter(self, name: str) -> Address:
        """Count a connection."""
        self._sweep()
        address = self._known.get(name)
        if address is None:
            address = self._known[name] = Address(name)
        address.connections += 1
        return address

    def leave(self, address: Address) -> None:
        """Count one less."""
        address.connections -= 1
        if not address.connections:
            self._left.append(address)
            self._sweep()

    def __len__(self) -> int:
        return len(self._known)

    def _sweep(self) -> None:
        """Forget who left, oldest first, up to one whose bucket is not full yet."""
        now_us = monotonic_us()
        while self._left and (self._left[0].connections or self._left[0].spent_us <= now_us):
            address = self._left.popleft()
            if not address.connections and self._known.get(address.name) is address:  # it may have left twice
                del self._known[address.name]
