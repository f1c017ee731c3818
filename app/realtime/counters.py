"""What the engine counts. Plain integers: no lock, so hub callbacks may count too."""


class Counters:
    """Totals since the start, and gauges of now; `as_dict` is what metrics read."""

    __slots__ = (
        "backlog_bytes",
        "backlogged",
        "connections",
        "deliveries",
        "events",
        "floods",
        "frames",
        "handler_errors",
        "handshakes",
        "joined",
        "malformed",
        "ping_timeouts",
        "polling",
        "reaped",
        "refused",
        "slow_closes",
        "throttled",
        "upgrades",
        "writes",
    )

    def __init__(self) -> None:
        self.connections = 0  # gauge: Engine.IO sessions
        self.polling = 0  # gauge: of these, on long-polling
        self.joined = 0  # gauge: Socket.IO clients
        self.backlogged = 0  # gauge: connections with unsent bytes
        self.backlog_bytes = 0  # gauge: unsent bytes of all of them
        self.handshakes = 0
        self.refused = 0
        self.upgrades = 0
        self.events = 0  # client events received
        self.handler_errors = 0
        self.malformed = 0  # connections closed for breaking a protocol
        self.ping_timeouts = 0
        self.reaped = 0  # connections closed because they never said who they are
        self.frames = 0  # frames encoded
        self.deliveries = 0  # frames given to recipients
        self.writes = 0  # system calls that gave them
        self.slow_closes = 0
        self.throttled = 0  # how often a connection was not read for a while, because it had sent too much
        self.floods = 0  # connections closed for going on all the same, or for sending what nobody asked for

    def as_dict(self) -> dict[str, int]:
        """A copy, by name."""
        return {name: getattr(self, name) for name in self.__slots__}
