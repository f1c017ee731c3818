"""A connection that counts what its client sends (see `quota`), and what it does about too much.

Whoever owes is not read: TCP makes the client wait, and that costs nothing. Whoever still owes after `flood_timeout_ms`, or
more than could be paid in that time, is closed. So is who keeps sending what nobody asked for.
"""

from typing import TYPE_CHECKING

from app.realtime.inbox import Inbox
from app.realtime.quota import Address, Quota, monotonic_us

if TYPE_CHECKING:
    from app.realtime.engine import EngineServer


class Metered(Inbox):
    """Counts in hub callbacks: nothing here may block."""

    __slots__ = ("_missteps", "_owes_since_us", "_spent_us", "address")

    server: "EngineServer"

    def __init__(self, address: Address, quota: Quota) -> None:
        super().__init__()
        self.address = address
        self._missteps = 0
        self._owes_since_us = 0
        # To come anew is no way out of what the address owes: then a connection begins with nothing saved.
        now_us = monotonic_us()
        self._spent_us = now_us + quota.savings_us if address.owes(now_us, quota) else 0

    def charge(self, packets: int) -> None:
        """Count so many packets, or frames."""
        if self.closed:
            return
        quota, address, now_us = self.server.quota, self.address, monotonic_us()
        cost_us = quota.cost_us
        if address.spend(packets, now_us, quota):
            cost_us = max(cost_us, quota.address_cost_us * address.connections)
        self._spent_us = max(self._spent_us, now_us) + packets * cost_us
        saved_us = now_us + quota.savings_us - self._spent_us
        self.takes_turns = saved_us < quota.savings_us // 2
        if saved_us < 0:
            self._owe(-saved_us, now_us)
        elif not self.takes_turns:
            self._owes_since_us = 0

    def _owe(self, owed_us: int, now_us: int) -> None:
        self.server.counters.throttled += 1
        self._owes_since_us = self._owes_since_us or now_us
        patience_us = self.server.engine.flood_timeout_ms * 1_000
        if max(owed_us, now_us - self._owes_since_us) > patience_us:
            self.end_flood("too many packets")
        else:
            self.hold((now_us + owed_us) // 1_000 + 1)

    def misstep(self) -> None:
        """The client sent what nobody asked for: an ack, a heartbeat, a CONNECT that is refused."""
        most = self.server.engine.max_unasked_packets
        self._missteps += 1
        if self._missteps > most > 0:
            self.end_flood("packets that nobody asked for")

    def behaved(self) -> None:
        """The client answered a ping: what it did by mistake is forgotten."""
        self._missteps = 0

    def hold(self, until_ms: int) -> None:
        """Do not read before then, in `monotonic_ms`."""
        raise NotImplementedError

    def end_flood(self, why: str) -> None:
        """Close with 1008 and `rate_limited: <why>`."""
        raise NotImplementedError
