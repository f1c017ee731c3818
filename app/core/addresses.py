"""Whom an address stands for, as far as limits are concerned."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

IPV6_PREFIX = 64


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """What limits count by: an IPv4 address itself, and of an IPv6 address its /64.

    A /64 is the least that anybody is given (RFC 6177), so who has one address of it has all. An IPv4 address written as
    IPv6 is the IPv4 address. What is no address stays as it is.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
