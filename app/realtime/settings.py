"""Every limit, interval and bound of the engine and its worker: one table each, units in the names.

A field is read from the environment, or from `.env`, under its prefix and its name in capitals:
`SOCKET_PING_INTERVAL_MS`, `HTTP_MAX_CONNECTIONS`.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Final, Self

from dotenv import dotenv_values

from app.core.ids import is_worker_id

PACKETS_PER_EVENT: Final = 4  # an event may come in fragments, and there are heartbeats and acks
PACKETS_TO_JOIN: Final = 5


def _setting(default: Any, help: str, *, given: bool = False) -> Any:
    """`given`: by whoever makes the engine, not by the environment."""
    return field(default=default, metadata={"help": help, "given": given})


def _tuple(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def _switch(raw: str) -> bool:
    if raw.lower() not in ("true", "false", "1", "0"):
        raise ValueError("must be true or false")
    return raw.lower() in ("true", "1")


class FromEnvironment:
    """Reads a dataclass from the environment, field by field, by the type of its default."""

    PREFIX: ClassVar[str]
    PARSERS: ClassVar[Mapping[type, Any]] = {int: int, float: float, str: str, tuple: _tuple, bool: _switch}

    @classmethod
    def variables(cls) -> dict[str, Any]:
        """Environment variable → the dataclass field that it sets; documentation is made from it."""
        named = (one for one in fields(cls) if not one.metadata["given"])  # type: ignore[arg-type]
        return {cls.PREFIX + one.name.upper(): one for one in named}

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Read the environment (with `.env` below it) or `env`; `given` fields are not looked up.

        Raises:
            ValueError: a value that cannot be used; the message names the variable.
        """
        raw = env if env is not None else {**dotenv_values(".env"), **os.environ}
        values = dict(given)
        for variable, one in cls.variables().items():
            text = raw.get(variable)
            if one.name not in given and text:
                try:
                    values[one.name] = cls.PARSERS[type(one.default)](text)
                except ValueError as why:
                    raise ValueError(f"{variable}: {why}") from None
        return cls(**values)


@dataclass(frozen=True, slots=True)
class EngineSettings(FromEnvironment):
    """What an operator may tune and a benchmark may lift.

    Raises:
        ValueError: a worker id that could not stand in front of an Engine.IO sid.
    """

    PREFIX: ClassVar[str] = "SOCKET_"

    worker_id: str = _setting(
        "w0", "Prefixes every Engine.IO sid, so that a proxy can route polling clients.", given=True
    )
    path: str = _setting("socket.io", "Where clients connect.")
    namespaces: tuple[str, ...] = _setting(("/",), "The namespaces that clients may connect to.")
    allow_upgrades: bool = _setting(True, "Whether polling clients are told that they may upgrade.")

    ping_interval_ms: int = _setting(25_000, "How often a client is asked whether it is there.")
    ping_timeout_ms: int = _setting(20_000, "How long it may take to answer.")
    ping_jitter_pct: int = _setting(
        10, "How much of the interval a ping may come early, so that those who came together do not answer together."
    )

    max_frame_bytes: int = _setting(65_536, "The longest message, frame or polling body of a client.")
    max_payload_packets: int = _setting(256, "The most packets in one polling body.")
    max_fetched_packets: int = _setting(16, "The most packets in one answer to a poll; python-engineio reads no more.")
    max_binary_attachments: int = _setting(0, "The most binary attachments of one event.")
    max_queued_events_per_client: int = _setting(32, "A client with so many events waiting is not read.")
    receive_timeout_ms: int = _setting(10_000, "How long a polling body may take.")

    backlog_bytes_per_client: int = _setting(1_048_576, "What a client may leave unread before it is closed.")
    backlog_age_ms: int = _setting(
        10_000, "How long it may leave it unread; of a long answer, such as a join's, how long 64 kB of it."
    )
    backlog_bytes_total: int = _setting(268_435_456, "What all clients together may leave unread.")

    flush_slice_ms: float = _setting(1.0, "How long the fan-out works before it lets others run.")
    flush_batch_bytes: int = _setting(131_072, "The most bytes gathered into one write.")
    pending_bytes_per_room: int = _setting(262_144, "Senders to a room wait while so much waits for its members.")

    max_connections: int = _setting(15_000, "Sockets of this process, all addresses together.")
    connections_per_ip: int = _setting(2_000, "Sockets of one address.")
    packets_per_s: int = _setting(
        200,
        "What one socket may send: frames, fragments and polled packets a second, at least four for each event that the rates"
        " of events allow; 0: no limit. Beyond it, it is not read.",
    )
    packets_at_once: int = _setting(1_000, "So many of them at once.")
    packets_per_s_per_ip: int = _setting(
        2_000,
        "The same for all sockets of one address, at least one for each that it may have; above it they have equal parts. 0: no"
        " limit.",
    )
    packets_at_once_per_ip: int = _setting(10_000, "So many of them at once, at least five for each socket.")
    flood_timeout_ms: int = _setting(10_000, "A socket that sends more than it may for so long is closed.")
    max_unasked_packets: int = _setting(
        10,
        "A socket that sends more heartbeats, acks and refused CONNECTs than this for nothing is closed; 0: no limit.",
    )
    connect_timeout_ms: int = _setting(10_000, "How long a socket may stay without joining a namespace.")
    upgrade_timeout_ms: int = _setting(10_000, "How long an upgrade to WebSocket may take.")
    upgrade_noop_ms: int = _setting(100, "How long a poll may still wait during an upgrade.")
    close_timeout_ms: int = _setting(2_000, "How long a goodbye may take.")

    drain_clients_per_s: int = _setting(200, "So many clients a second are told to come back elsewhere.")
    drain_reconnect_ms: int = _setting(6_000, "The last of them within this, however many they are.")
    drain_notice_ms: int = _setting(1_000, "A socket that is still there so long after its moment is closed.")
    drain_timeout_ms: int = _setting(15_000, "When draining is given up.")

    def __post_init__(self) -> None:
        if not is_worker_id(self.worker_id):
            raise ValueError(f"worker_id must be 1 to 32 letters or digits, not {self.worker_id!r}")

    def letting_through(self, events_per_s: float, events_at_once: int) -> "EngineSettings":
        """With limits of packets that never stand in the way of others: neither of so many events of one client, nor of as many
        connections of one address as there may be. What is off stays off.
        """
        per_s = _at_least(self.packets_per_s, PACKETS_PER_EVENT * events_per_s)
        at_once = _at_least(self.packets_at_once, PACKETS_PER_EVENT * events_at_once)
        of_all, of_all_at_once = self.connections_per_ip, PACKETS_TO_JOIN * self.connections_per_ip
        return replace(
            self,
            packets_per_s=per_s,
            packets_at_once=at_once,
            packets_per_s_per_ip=_at_least(self.packets_per_s_per_ip, max(per_s, of_all)),
            packets_at_once_per_ip=_at_least(self.packets_at_once_per_ip, max(at_once, of_all_at_once)),
        )


def _at_least(limit: int, least: float) -> int:
    return max(limit, math.ceil(least)) if limit else 0


@dataclass(frozen=True, slots=True)
class WorkerSettings(FromEnvironment):
    """The HTTP side of the worker; sockets that were taken over do not count here."""

    PREFIX: ClassVar[str] = "HTTP_"

    max_connections: int = _setting(4_096, "HTTP connections at a time, waiting polls included.")
    connections_per_ip: int = _setting(
        2_048,
        "So many of them from one address; 0: no limit. Behind proxies (`TRUSTED_HOPS`) all come from theirs: no limit.",
    )
    idle_timeout_ms: int = _setting(10_000, "An idle connection's life, and how long a request's head may take.")
    io_timeout_ms: int = _setting(30_000, "How long a single read or write of a request may take.")
    body_bytes_per_s: int = _setting(
        10_000, "A request's body that comes slower than this, after IO_TIMEOUT_MS, is cut."
    )
    unread_bytes_total: int = _setting(
        134_217_728,
        "What all clients together may leave unread of their answers: then those to the address that has most are ended.",
    )
    graceful_timeout_ms: int = _setting(30_000, "From SIGTERM to SIGKILL.")
    spare_files: int = _setting(256, "Files that are neither sockets nor HTTP connections.")
