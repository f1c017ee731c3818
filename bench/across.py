"""How long a message takes from a client of one worker to the clients of another: `python -m bench.across`.

Two workers with PostgreSQL (which waits for the disk) and Redis. In each of 25 rooms somebody on the first worker talks to
somebody on the second, together 100 messages a second. Both share this process and so its clock.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import time  # noqa: E402
from statistics import quantiles  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

from bench.machine import describe  # noqa: E402
from tests.faults.scene import SETTINGS, post  # noqa: E402
from tests.faults.wire import Wire  # noqa: E402
from tests.support.cluster import Cluster  # noqa: E402

ROOMS = 25
PER_SECOND = 100
WARM_UP_S = 1.0


def main() -> None:
    """Print one line of numbers."""
    parser = argparse.ArgumentParser(prog="python -m bench.across", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    print(describe(), flush=True)
    with Cluster(settings=SETTINGS, durable=True) as cluster:
        taken_ms = measure(*(server.url for server in cluster.servers.values()), seconds)
    cuts = quantiles(taken_ms, n=100)
    print(
        f"across workers, {PER_SECOND} messages/s: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, worst {max(taken_ms):.1f} ms"
        f" of {len(taken_ms):,} deliveries"
    )


def measure(first: str, second: str, seconds: float) -> list[float]:
    """Milliseconds from each send to the receiver's event.

    Raises:
        AssertionError: something was not delivered.
    """
    account = {"username": "bench", "password": "long enough for a bench"}
    token = post(first, "/auth/register", account)["accessToken"]
    rooms = [post(first, "/rooms", {"name": "Across"}, token)["id"] for _ in range(ROOMS)]
    taken_ms: list[float] = []

    def receive(name: str, args: list[Any]) -> None:
        if name == "message-received" and args[0]["content"] != "warm":
            taken_ms.append((time.perf_counter() - float(args[0]["content"])) * 1000)

    senders = [(_enter(first, room_id, lambda name, args: None), room_id) for room_id in rooms]
    for room_id in rooms:
        _enter(second, room_id, receive)
    for sender, room_id in senders:
        sender.call("send-message", {"roomId": room_id, "content": "warm"})
    gevent.sleep(WARM_UP_S)
    sending = [
        gevent.spawn_later(n / PER_SECOND, _send, sender, room_id, seconds)
        for n, (sender, room_id) in enumerate(senders)
    ]
    sent = sum(greenlet.get() for greenlet in sending)
    assert len(taken_ms) == sent, f"{len(taken_ms)} deliveries of {sent} messages"
    return taken_ms


def _enter(url: str, room_id: str, on_event: Any) -> Wire:
    token = post(url, f"/rooms/{room_id}/guests", {"name": "guest"})["accessToken"]
    wire = Wire(url, {"token": token}, on_event)
    gevent.spawn(wire.run)
    wire.call("join-room", {"roomId": room_id})
    return wire


def _send(wire: Wire, room_id: str, seconds: float) -> int:
    """Send at an even pace, whatever the acks do; how many, once all are acked."""
    every_s = ROOMS / PER_SECOND
    began_s = time.perf_counter()
    acks = []
    for number in range(int(seconds / every_s)):
        gevent.sleep(max(0.0, began_s + number * every_s - time.perf_counter()))
        body = {"roomId": room_id, "content": repr(time.perf_counter())}
        acks.append(gevent.spawn(wire.call, "send-message", body))
    gevent.joinall(acks, raise_error=True)
    gevent.sleep(1)
    return len(acks)


if __name__ == "__main__":
    main()
