"""What is measured, each as one row of numbers for one contestant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.contestants import Greenroom, Peer
from bench.generator import Generator
from bench.machine import open_files, resident_kb

Row = dict[str, float]
Contestant = Greenroom | Peer
People = Callable[[int, int], list[tuple[str, str]]]
CONTENT_BYTES = 100
STORM_LIMIT_S = 30
QUIET = 10
LAST_COUNT_S = 1.2  # the counts of the joins go out once a second

CROWD = "a crowd"
CALM = "fan-out, 1 × 4 to 1000"
BUSY = "fan-out, 16 × 8 to 1000"
PACE = "latency, 10 messages/s to 1000"
ROOMS = "durable, 64 rooms, 256 senders × 4"
HOT_ROOM = "durable, one hot room, 32 senders × 8"


@dataclass(frozen=True)
class Scenario:
    """`people` in `rooms` rooms, all authenticated members; `measure` is called once they are in."""

    name: str
    people: int
    rooms: int
    measure: Callable[[Contestant, Generator], Row]


def chosen(seconds: float) -> list[Scenario]:
    """Everything but the crowd."""
    return [
        fan_out(1000, 1, 4, seconds),
        fan_out(1000, 16, 8, seconds),
        fan_out(100, 1, 4, seconds),
        fan_out(100, 16, 8, seconds),
        pace(1000, 10, 2 * seconds),
        durable(64, 256, 4, seconds),
        durable(1, 32, 8, seconds),
    ]


def fan_out(members: int, senders: int, in_flight: int, seconds: float) -> Scenario:
    """`message-received` to a room: durable messages, sent by `senders` with `in_flight` each."""

    def measure(server: Contestant, load: Generator) -> Row:
        found = load.do(f"fire {senders} {in_flight} {seconds} {CONTENT_BYTES} 16")
        deliveries = _deliveries(found, members, min(members, senders + 16))
        return {
            "deliveries/s": deliveries / found["seconds"],
            "deliveries/CPU s": deliveries / found["server_cpu_s"],
            "CPU µs/delivery": 1e6 * found["server_cpu_s"] / deliveries,
            "generator busy %": 100 * found["generator_cpu_s"] / found["seconds"],
            "acked × members / received": found["acked"] * members / deliveries,
        }

    return Scenario(f"fan-out, {senders} × {in_flight} to {members}", members, 1, measure)


def pace(members: int, per_second: float, seconds: float) -> Scenario:
    """Delivery latency in a calm room."""

    def measure(server: Contestant, load: Generator) -> Row:
        found = load.do(f"pace 10 {per_second} {seconds} {CONTENT_BYTES}")
        return {
            "p50 ms": found["delivery_p50_ms"],
            "p99 ms": found["delivery_p99_ms"],
            "received/sent": found["frames_parsed"] / (members * per_second * seconds),
            "CPU µs/delivery": 1e6 * found["server_cpu_s"] / max(1, found["frames_parsed"]),
        }

    return Scenario(f"latency, {per_second:g} messages/s to {members}", members, 1, measure)


def durable(rooms: int, people: int, in_flight: int, seconds: float) -> Scenario:
    """Messages acked after their commit; every member sends."""

    def measure(server: Contestant, load: Generator) -> Row:
        found = load.do(f"fire {people} {in_flight} {seconds} {CONTENT_BYTES} 0")
        return {
            "messages/s": found["acked"] / found["seconds"],
            "messages/CPU s": found["acked"] / found["server_cpu_s"],
            "CPU µs/message": 1e6 * found["server_cpu_s"] / max(1, found["acked"]),
            "ack p99 ms": found["ack_p99_ms"],
            "refused": found["refused"],
        }

    where = f"{rooms} rooms" if rooms > 1 else "one hot room"
    return Scenario(f"durable, {where}, {people} senders × {in_flight}", people, rooms, measure)


def run(server: Contestant, scenario: Scenario, people: list[tuple[str, str]]) -> Row:
    """One measurement."""
    with seated(server, people) as (load, _):
        return scenario.measure(server, load)


def crowd(server: Contestant, count: int, people: People) -> Row:
    """Connect, join, idle, be fired at while `QUIET` of them talk in a room of their own, and leave: everybody at once."""
    before_kb, before_files = resident_kb(server.measured_pid), open_files(server.measured_pid)
    with seated(server, [*people(QUIET, 1), *people(count - QUIET, 1)]) as (load, (connected, joined)):
        idle = load.do("idle 5")
        memory_kb = (resident_kb(server.measured_pid) - before_kb) / count
        beside = load.do(f"beside {QUIET} 20 4 4 5 {CONTENT_BYTES}")
        load.do("storm")
        gone_s = _time_until_closed(server, before_files)
    return {
        "not joined": count - joined["joined"],
        "dropped while idle": idle["closed"],
        "connects/s": connected["connected"] / connected["seconds"],
        "CPU µs/connect": 1e6 * connected["server_cpu_s"] / count,
        "joins/s": joined["joined"] / joined["seconds"],
        "CPU µs/join": 1e6 * joined["server_cpu_s"] / count,
        "connect + join s": connected["seconds"] + joined["seconds"],
        "connect + join CPU s": connected["server_cpu_s"] + joined["server_cpu_s"],
        "kB/connection": memory_kb,
        "quiet room p50 ms": beside["delivery_p50_ms"],
        "quiet room p99 ms": beside["delivery_p99_ms"],
        "all closed after s": gone_s,
    }


def _time_until_closed(server: Contestant, before_files: int) -> float:
    began_s = time.monotonic()
    spare = 20  # connections to the stores that the run opened
    while open_files(server.measured_pid) > before_files + spare and time.monotonic() - began_s < STORM_LIMIT_S:
        time.sleep(0.02)
    return time.monotonic() - began_s


@contextmanager
def seated(server: Contestant, people: list[tuple[str, str]]) -> Iterator[tuple[Generator, tuple[Any, Any]]]:
    """Everybody connected, authenticated and in their room."""
    with Generator(server.port, server.measured_pid, people) as load:
        connected = load.do("connect 200")
        joined = load.do("join 200")
        time.sleep(LAST_COUNT_S)
        yield load, (connected, joined)


def _deliveries(found: dict[str, Any], members: int, parsed: int) -> float:
    """Frames of the sampled, and the bytes of all others in frames of the same mean size."""
    frame_bytes = found["message_bytes"] / max(1, found["frames_parsed"])
    counted: float = found["bytes_counted"] / frame_bytes if members > parsed else 0
    return float(found["frames_parsed"]) + counted
