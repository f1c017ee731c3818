"""Where this machine is on its own network: for who runs Greenroom at a desk and wants phones and screens to reach it."""

from __future__ import annotations

import socket

from app.settings import Settings

ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
LOOPBACK = ("localhost", "127.", "[::1]")
_ELSEWHERE = ("192.0.2.1", 9)


def lan_url(settings: Settings) -> str:
    """`http://192.168.1.5:3000`, where we listen to the network with nothing configured; else "".

    A production, one with its own address or with a database server, tells nobody what its machines are called.
    """
    is_embedded = settings.sqlalchemy_url.startswith("sqlite") and not settings.public_url
    if settings.is_production or not is_embedded or settings.host not in ANY_ADDRESS:
        return ""
    address = network_address()
    return f"http://{address}:{settings.port}" if address else ""


def is_loopback(host: str) -> bool:
    """Whether an address, as in a request's Host, is good on this machine only."""
    return host.startswith(LOOPBACK)


def network_address() -> str:
    """Our address on the local network, or "". Connecting a datagram socket sends nothing; it picks a route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
    return "" if address.startswith("127.") else address
