"""Every limit, interval and bound of the engine, with its unit in its name."""

import re
from dataclasses import dataclass

WORKER_ID_PATTERN = re.compile(r"[A-Za-z0-9]{1,32}")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an operator may tune and a benchmark may lift.

    Raises ValueError for a worker id that could not stand in front of an Engine.IO sid.
    """

    #: Prefixes every Engine.IO sid, so that a proxy can route polling clients to their worker.
    worker_id: str = "w0"
    path: str = "socket.io"
    namespaces: tuple[str, ...] = ("/",)
    allow_upgrades: bool = True

    # Heartbeat (Engine.IO protocol v4, "Heartbeat"): a ping goes out up to the jitter early,
    # so that clients who came together do not answer together.
    ping_interval_ms: int = 25_000
    ping_timeout_ms: int = 20_000
    ping_jitter_pct: int = 10

    # What one client may send.
    max_frame_bytes: int = 65_536
    max_payload_packets: int = 256
    max_binary_attachments: int = 0
    max_queued_events_per_client: int = 32
    receive_timeout_ms: int = 10_000

    # What one client may leave unread before it is closed, and all of them together.
    backlog_bytes_per_client: int = 1_048_576
    backlog_age_ms: int = 10_000
    backlog_bytes_total: int = 268_435_456

    # How broadcasts are gathered.
    flush_slice_ms: float = 2.0
    flush_batch_bytes: int = 131_072
    pending_bytes_per_room: int = 16_777_216

    # Who may come, and how long a connection may stay without saying who it is.
    max_connections: int = 15_000
    connections_per_ip: int = 2_000
    connect_timeout_ms: int = 10_000
    upgrade_timeout_ms: int = 10_000
    upgrade_noop_ms: int = 100
    close_timeout_ms: int = 2_000

    # How a worker says goodbye.
    drain_notice_ms: int = 1_000
    drain_reconnect_ms: int = 5_000
    drain_batch_sockets: int = 200
    drain_batch_pause_ms: int = 20
    drain_timeout_ms: int = 15_000

    def __post_init__(self) -> None:
        if not WORKER_ID_PATTERN.fullmatch(self.worker_id):
            raise ValueError(f"worker_id must be 1 to 32 letters or digits, not {self.worker_id!r}")
